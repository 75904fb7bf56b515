/** A load-balancer address keeps every connection while the only pod behind it moves to another node. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { pods, services } from '../../src/api/index.ts';
import type { Pod } from '../../src/api/index.ts';
import { startCluster } from '../../src/cluster/index.ts';
import type { Cluster } from '../../src/cluster/index.ts';
import { RouteSocket, openNetlink } from '../../src/linux/index.ts';
import { createLogger } from '../../src/observe/index.ts';
import { isInside } from './linux-harness.ts';

const namespace = 'default';

if (isInside(import.meta.url)) {
  let cluster: Cluster;
  before(async () => {
    const own = new RouteSocket(openNetlink('route'));
    own.setUp('lo');
    own.close();
    cluster = await startCluster({ nodes: 2, apiPort: 0 }, { logger: createLogger('error') });
  });
  after(() => cluster.close());

  const createPod = (name: string, nodeName: string): Promise<Pod> =>
    cluster.client.create(
      pods,
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace, labels: { app: 'moving' } },
        spec: {
          nodeName,
          terminationGracePeriodSeconds: 5,
          containers: [{ name: 'c', image: 'echo', ports: [{ containerPort: 9376 }] }],
        },
      },
      { namespace },
    );

  test('not one new connection is lost, and an established one is finished where it began', async (context) => {
    const { lab, client } = cluster;
    await client.create(
      services,
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'moving', namespace },
        spec: {
          type: 'LoadBalancer',
          externalTrafficPolicy: 'Local',
          selector: { app: 'moving' },
          ports: [{ port: 80, targetPort: 9376 }],
        },
      },
      { namespace },
    );
    await createPod('first', 'node-1');
    const address = await eventually(
      async () => (await client.get(services, 'moving', { namespace })).status?.loadBalancer?.ingress?.[0]?.ip,
    );
    await eventually(async () => lab.loadBalancerTargets(address).join() === 'node-1' || undefined);

    const held = await lab.outside.dial({ address, port: 80 });
    held.write('a');
    assert.match(await nextText(held), /^pod first node node-1 client 10\.0\.9\.1\n/);

    const seen = new Map<string, number>();
    const lost: string[] = [];
    let slowestMs = 0;
    const done = new AbortController();
    const client1 = (async () => {
      while (!done.signal.aborted) {
        const startMs = Date.now();
        try {
          const socket = await lab.outside.dial({ address, port: 80 }, { timeoutMs: 5000 });
          socket.write('b');
          const [, pod = '?'] = /^pod (\S+)/.exec(await nextText(socket)) ?? [];
          seen.set(pod, (seen.get(pod) ?? 0) + 1);
          socket.destroy();
        } catch (error) {
          lost.push(String(error));
        }
        slowestMs = Math.max(slowestMs, Date.now() - startMs);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    })();
    await createPod('second', 'node-2');
    await eventually(async () => lab.loadBalancerTargets(address).length === 2 || undefined);
    await client.delete(pods, 'first', { namespace });
    await eventually(async () => lab.loadBalancerTargets(address).join() === 'node-2' || undefined);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    held.write('still');
    assert.equal(await nextText(held), 'still');
    held.end();
    done.abort();
    await client1;
    context.diagnostic(`${JSON.stringify(Object.fromEntries(seen))}, slowest connection ${slowestMs} ms`);
    assert.deepEqual(lost, []);
    assert.ok((seen.get('first') ?? 0) > 0 && (seen.get('second') ?? 0) > 0, 'both pods have served');
  });
}

async function nextText(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, 'data', { signal: AbortSignal.timeout(5000) })) as [Buffer];
  return chunk.toString();
}

async function eventually<T>(look: () => Promise<T | undefined>, timeoutMs = 10_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(Date.now() < deadline, 'it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
