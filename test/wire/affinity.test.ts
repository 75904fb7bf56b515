/** Session affinity on the wire: examples 01 and 09. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pods, services } from '../../src/api/index.ts';
import type { Cluster } from '../../src/cluster/index.ts';
import { applyText, echoPod, sleep, tally, until, useCluster } from './cluster-harness.ts';
import { isInside } from './linux-harness.ts';

// thirty: twenty would leave one of three pods out by chance alone once in a thousand runs
const clients = Array.from({ length: 30 }, (_, index) => `client-${index + 1}`);
const manifests = `
apiVersion: v1
kind: Service
metadata: {name: my-service}
spec:
  type: NodePort
  selector: {app.kubernetes.io/name: MyApp}
  ports: [{protocol: TCP, port: 80, targetPort: 9376, nodePort: 30009}]
  sessionAffinity: ClientIP
  sessionAffinityConfig: {clientIP: {timeoutSeconds: 10}}
---
apiVersion: v1
kind: Service
metadata: {name: balanced}
spec:
  type: LoadBalancer
  selector: {app.kubernetes.io/name: MyApp}
  ports: [{port: 80, targetPort: 9376}]
  sessionAffinity: ClientIP
---
${['web-a', 'web-b', 'web-c'].map((name) => echoPod(name, { labels: { 'app.kubernetes.io/name': 'MyApp' } })).join('\n')}
${clients.map((name) => echoPod(name, { port: 8080 })).join('\n')}
`;

if (isInside(import.meta.url)) {
  const cluster = useCluster({}, manifests);

  async function ask(client: string): Promise<string> {
    const { prober } = cluster();
    return (await prober.ask(`pod/default/${client}`, await target(cluster()))).pod;
  }

  test('twenty connections from one client reach one pod', async () => {
    const reached = new Set<string>();
    for (let index = 0; index < 20; index++) reached.add(await ask('client-1'));
    assert.equal(reached.size, 1, `${[...reached].join(', ')} were reached`);
  });

  test('thirty clients use every pod, and each keeps its own', async () => {
    const first = await Promise.all(clients.map(ask));
    assert.deepEqual(Object.keys(tally(first)).sort(), ['web-a', 'web-b', 'web-c']);
    assert.deepEqual(await Promise.all(clients.map(ask)), first);
  });

  test('the pin outlives 9 s of silence, each new connection restarts the 10 s, a long connection with traffic does not, and 11 s free it', async () => {
    // ten, so that as many independent draws from three pods equal the old ones with a probability of 3^-10
    const patient = clients.slice(0, 10);
    const silent = clients.slice(10);
    const pinned = await Promise.all(patient.map(ask));
    const before = await Promise.all(silent.map(ask));
    const long = await openLong(cluster(), silent.slice(0, 10));
    const withTraffic = long.map(({ pod }) => pod);
    assert.deepEqual(withTraffic, before.slice(0, 10));
    await sleep(9000);
    const secondMs = performance.now();
    assert.deepEqual(await Promise.all(patient.map(ask)), pinned, '9 s after the first connection');
    for (const connection of long) await connection.send();
    await sleep(2000);
    const free = await Promise.all(silent.map(ask));
    assert.notDeepEqual(free.slice(10), before.slice(10), '11 s without a connection and the pins hold');
    assert.notDeepEqual(free.slice(0, 10), withTraffic, 'traffic on an open connection must not renew the pin');
    await sleep(secondMs + 9000 - performance.now());
    assert.deepEqual(await Promise.all(patient.map(ask)), pinned, '9 s after the second connection, 18 s after the first');
    for (const connection of long) connection.close();
  });

  test('when the pinned pod goes, the next connection succeeds at once on another', async () => {
    const { client } = cluster();
    const pinned = await ask('client-1');
    await client.delete(pods, pinned, { namespace: 'default' });
    await until('the endpoint is withdrawn', async () => {
      const start = performance.now();
      const pod = await ask('client-1');
      assert.ok(performance.now() - start < 900, 'no connection may wait for a retransmission');
      return pod !== pinned;
    });
    const next = await ask('client-1');
    assert.notEqual(next, pinned);
    // two pods are left: a pin that was not made anew would show with a probability of 1 - 2^-10
    for (let index = 0; index < 10; index++) assert.equal(await ask('client-1'), next, 'the new pin holds');
    await applyText(cluster(), echoPod('web-d', { labels: { 'app.kubernetes.io/name': 'MyApp' } }));
  });

  test('on a node port each node keeps its own pin', async () => {
    const { prober } = cluster();
    const sources = Array.from({ length: 29 }, (_, index) => `10.0.9.${index + 2}`);
    const perNode: string[][] = [];
    for (const address of ['10.0.1.1', '10.0.1.2', '10.0.1.3']) {
      const round = (): Promise<string[]> =>
        Promise.all(
          sources.map(async (localAddress) => (await prober.ask('outside', { address, port: 30009 }, { localAddress })).pod),
        );
      const first = await round();
      assert.deepEqual(await round(), first, `${address} forgot a client`);
      assert.equal(Object.keys(tally(first)).length, 3, 'every pod is used');
      perNode.push(first);
    }
    // were the pins shared, all nodes would agree on all of them
    assert.notDeepEqual(perNode[0], perNode[1]);
  });

  test('a load-balancer address keeps the pin of whichever node the connection enters by', async () => {
    const { prober, client } = cluster();
    const service = await client.get(services, 'balanced', { namespace: 'default' });
    const address = service.status?.loadBalancer?.ingress?.[0]?.ip ?? '';
    // each node puts its own address in place of the client's
    const pins = async (): Promise<string[]> => {
      const seen = new Set<string>();
      for (let index = 0; index < 60; index++) {
        const { client: node, pod } = await prober.ask('outside', { address, port: 80 });
        seen.add(`${node} ${pod}`);
      }
      return [...seen].sort();
    };
    const first = await pins();
    assert.deepEqual(
      first.map((pin) => pin.split(' ')[0]),
      ['10.0.1.1', '10.0.1.2', '10.0.1.3'],
      `a pod for each node: ${first.join(', ')}`,
    );
    assert.deepEqual(await pins(), first);
  });
}

async function target(cluster: Cluster): Promise<{ address: string; port: number }> {
  const service = await cluster.client.get(services, 'my-service', { namespace: 'default' });
  return { address: service.spec?.clusterIP ?? '', port: 80 };
}

interface LongConnection {
  readonly pod: string;
  send(): Promise<void>;
  close(): void;
}

/** One connection per client that stays open; each `send` is a request over it. */
async function openLong(cluster: Cluster, names: readonly string[]): Promise<LongConnection[]> {
  const to = await target(cluster);
  return Promise.all(
    names.map(async (name): Promise<LongConnection> => {
      const socket = await cluster.lab.place(`pod/default/${name}`).dial(to, { timeoutMs: 2000 });
      const exchange = async (): Promise<string> => {
        const answer = new Promise<string>((resolve, reject) => {
          socket.once('data', (chunk: Buffer) => resolve(chunk.toString()));
          socket.once('error', reject);
        });
        socket.write('hello\n');
        return answer;
      };
      const first = await exchange();
      return {
        pod: /pod (\S+)/.exec(first)?.[1] ?? '',
        send: async () => {
          await exchange();
        },
        close: () => socket.destroy(),
      };
    }),
  );
}
