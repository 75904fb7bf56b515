/** externalTrafficPolicy and health-check node ports on the wire: examples 02 and 03. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { daemonSets, pods, services } from '../../src/api/index.ts';
import { ProbeError } from '../../src/cluster/index.ts';
import { applyText, echoPod, sleep, tally, until, useCluster } from './cluster-harness.ts';
import { bestOf, isInside } from './linux-harness.ts';

const label = { 'app.kubernetes.io/name': 'MyApp' };
const manifests = `
apiVersion: v1
kind: Service
metadata: {name: my-service}
spec:
  type: NodePort
  selector: {app.kubernetes.io/name: MyApp}
  ports: [{protocol: TCP, port: 80, targetPort: 9376, nodePort: 30002}]
  externalTrafficPolicy: Local
---
apiVersion: v1
kind: Service
metadata: {name: anywhere}
spec:
  type: NodePort
  selector: {app.kubernetes.io/name: MyApp}
  ports: [{protocol: TCP, port: 80, targetPort: 9376, nodePort: 30012}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: web}
spec:
  selector: {matchLabels: {part: daemon}}
  template:
    metadata: {labels: {part: daemon, app.kubernetes.io/name: MyApp}}
    spec:
      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: NotIn, values: [node-3]}]}]}}}
      containers: [{name: c, image: echo, ports: [{containerPort: 9376}]}]
---
${echoPod('second', { node: 'node-1', labels: label })}
${echoPod('client-1', { node: 'node-1', port: 8080 })}
${echoPod('client-3', { node: 'node-3', port: 8080 })}
apiVersion: v1
kind: Service
metadata: {name: checked}
spec:
  type: LoadBalancer
  selector: {app: checked}
  ports: [{protocol: TCP, port: 80, targetPort: 9376}]
  externalTrafficPolicy: Local
  healthCheckNodePort: 30088
---
${echoPod('only', { node: 'node-1', labels: { app: 'checked' } })}
`;
const nodes = ['10.0.1.1', '10.0.1.2', '10.0.1.3'];

if (isInside(import.meta.url)) {
  const cluster = useCluster({}, manifests);
  const ask = (
    place: string,
    address: string,
    port: number,
    timeoutMs = 2000,
  ): Promise<{ pod: string; node: string; client: string }> => cluster().prober.ask(place, { address, port }, { timeoutMs });
  const failure = async (place: string, address: string, port: number): Promise<string> => {
    try {
      return `answered by ${(await ask(place, address, port, 1200)).pod}`;
    } catch (error) {
      if (error instanceof ProbeError) return error.code;
      throw error;
    }
  };

  test('Local from outside: only the pods of the node, evenly, with the client address unchanged', async () => {
    const answers = [];
    for (let index = 0; index < 400; index++) answers.push(await ask('outside', '10.0.1.1', 30002));
    assert.deepEqual([...new Set(answers.map((answer) => answer.node))], ['node-1']);
    assert.deepEqual([...new Set(answers.map((answer) => answer.client))], ['10.0.9.1']);
    const counts = Object.values(tally(answers.map((answer) => answer.pod)));
    assert.equal(counts.length, 2);
    // 400 draws of a fair coin leave 160–240 with a probability below 10^-4
    for (const count of counts) assert.ok(count >= 160 && count <= 240, `${counts.join(' to ')} is not even`);
  });

  test('Local from outside to a node without a pod is dropped: a time-out and no refusal', async () => {
    assert.equal(await failure('outside', '10.0.1.3', 30002), 'timeout');
  });

  test('Cluster: any node answers, any pod, the client address hidden', async () => {
    for (const address of nodes) {
      const answers = [];
      for (let index = 0; index < 40; index++) answers.push(await ask('outside', address, 30012));
      assert.equal(new Set(answers.map((answer) => answer.pod)).size, 3, `${address} must reach every pod`);
      for (const { client, node, pod } of answers) assert.notEqual(client, '10.0.9.1', `${pod} on ${node} through ${address}`);
    }
  });

  test('a pod or a node inside reaches a Local Service through any node port of its own node', async () => {
    const table = [
      ['pod/default/client-3', '10.0.1.3'],
      ['node/node-3', '10.0.1.3'],
      ['pod/default/client-1', '10.0.1.1'],
      ['node/node-1', '10.0.1.1'],
    ] as const;
    for (const [place, address] of table) {
      const reached = new Set<string>();
      for (let index = 0; index < 40; index++) reached.add((await ask(place, address, 30002)).pod);
      assert.equal(reached.size, 3, `${place} must reach every pod`);
    }
    const { client } = await ask('pod/default/client-3', '10.0.1.3', 30002);
    assert.match(client, /^10\.244\.3\./, 'the pod keeps its own address');
  });

  test('a change of the policy moves traffic at once', async () => {
    const { client } = cluster();
    await client.patch(services, 'my-service', 'merge', { spec: { externalTrafficPolicy: 'Cluster' } }, { namespace: 'default' });
    await until('node-3 answers', async () => (await failure('outside', '10.0.1.3', 30002)).startsWith('answered'));
    await client.patch(services, 'my-service', 'merge', { spec: { externalTrafficPolicy: 'Local' } }, { namespace: 'default' });
    await until('node-3 drops', async () => (await failure('outside', '10.0.1.3', 30002)) === 'timeout');
    const list = await client.list(daemonSets, { namespace: 'default' });
    assert.equal(list.items[0]?.status?.numberReady, 2);
  });

  test('30088 answers on every node: 200 with the pod, 503 without, JSON and headers as upstream', async () => {
    const { prober } = cluster();
    const [with1, without] = await Promise.all(
      nodes.slice(0, 2).map((address) => prober.get('outside', { address, port: 30088 })),
    );
    assert.equal(with1?.status, 200);
    assert.equal(without?.status, 503);
    assert.equal(
      with1?.body,
      '{\n\t"service": {\n\t\t"namespace": "default",\n\t\t"name": "checked"\n\t},\n\t"localEndpoints": 1,\n\t"serviceProxyHealthy": true\n}',
    );
    assert.equal(with1?.headers['content-type'], 'application/json');
    assert.equal(with1?.headers['x-content-type-options'], 'nosniff');
    assert.equal(with1?.headers['x-load-balancing-endpoint-weight'], '1');
    assert.equal(without?.headers['x-load-balancing-endpoint-weight'], '0');
  });

  test('the health check follows a pod that comes or goes within 100 ms', async () => {
    const { client, prober } = cluster();
    const status = async (address: string): Promise<number> => (await prober.get('outside', { address, port: 30088 })).status;
    await applyText(cluster(), echoPod('other', { node: 'node-2', labels: { app: 'checked' } }));
    await until('200 on node-2', async () => (await status('10.0.1.2')) === 200);
    const took = await bestOf(6, 100, async (attempt) => {
      const isLeaving = attempt % 2 === 0;
      const annotations = { 'fairlead.dev/ready': isLeaving ? 'false' : null };
      await client.patch(pods, 'other', 'merge', { metadata: { annotations } }, { namespace: 'default' });
      await until('the condition changes', async () => {
        const { status: state } = await client.get(pods, 'other', { namespace: 'default' });
        return state?.conditions?.find((condition) => condition.type === 'Ready')?.status === (isLeaving ? 'False' : 'True');
      });
      return until('the health check follows', async () => (await status('10.0.1.2')) === (isLeaving ? 503 : 200));
    });
    assert.ok(took < 100, `${took} ms`);
    await client.delete(pods, 'other', { namespace: 'default', body: { gracePeriodSeconds: 0 } });
  });

  test('the load-balancer address loses no connection while the only pod moves to another node', async () => {
    const { client, prober, lab } = cluster();
    const service = await client.get(services, 'checked', { namespace: 'default' });
    const target = { address: service.status?.loadBalancer?.ingress?.[0]?.ip ?? '', port: 80 };
    const held = await lab.outside.dial(target, { timeoutMs: 2000 });
    const failures: string[] = [];
    const nodesSeen: string[] = [];
    const stop = new AbortController();
    const load = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (!stop.signal.aborted) {
          try {
            nodesSeen.push((await prober.ask('outside', target, { timeoutMs: 3000 })).node);
          } catch (error) {
            failures.push(error instanceof Error ? error.message : String(error));
          }
        }
      }),
    );
    await sleep(200);
    await applyText(cluster(), echoPod('mover', { node: 'node-2', labels: { app: 'checked' } }));
    await client.delete(pods, 'only', { namespace: 'default' });
    // an established connection finishes on the old pod during its graceful stop
    const said = new Promise<string>((resolve) => held.once('data', (chunk: Buffer) => resolve(chunk.toString())));
    held.write('still there\n');
    assert.match(await said, /pod only/);
    held.destroy();
    await until(
      'the old pod is gone',
      async () => (await client.list(pods, { namespace: 'default', labelSelector: 'app=checked' })).items.length === 1,
      15_000,
    );
    await sleep(300);
    stop.abort();
    await load;
    assert.deepEqual(failures, []);
    assert.ok(nodesSeen.length > 100, `only ${nodesSeen.length} connections were tried`);
    assert.equal(nodesSeen.at(-1), 'node-2');
  });

  test('no node port is taken by the health check of a Service that is gone', async () => {
    const { client } = cluster();
    await client.delete(services, 'checked', { namespace: 'default' });
    await until('30088 is closed', async () => {
      try {
        await cluster().prober.get('outside', { address: '10.0.1.2', port: 30088 });
        return false;
      } catch (error) {
        return error instanceof ProbeError && error.code === 'refused';
      }
    });
  });
}
