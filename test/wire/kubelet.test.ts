/** Nodes, their own network in pods, and very many pods. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodes, pods } from '../../src/api/index.ts';
import { http, isReady, waitFor, useKubelets } from './kubelet-harness.ts';
import { isInside } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  const kubelets = useKubelets();
  const { create, eventually, gone, lab, remove } = kubelets;

  test('hostNetwork shares the node, where a taken port is reported', async () => {
    await create('host-a', { hostNetwork: true, containers: [{ name: 'c', ports: [{ containerPort: 8055 }] }] });
    const pod = await eventually('host-a', isReady);
    assert.equal(pod.status?.podIP, '10.0.1.1');
    assert.match(await http(lab.outside, '10.0.1.1', 8055), /^pod host-a node node-1 client 10\.0\.9\.1/);
    await create('host-b', { hostNetwork: true, containers: [{ name: 'c', ports: [{ containerPort: 8055 }] }] });
    const other = await eventually(
      'host-b',
      ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff',
    );
    assert.match(other.status?.containerStatuses?.[0]?.lastState?.terminated?.message ?? '', /EADDRINUSE/);
  });

  test('nodes are ready', async () => {
    const node = await kubelets.client.get(nodes, 'node-1');
    assert.equal(node.status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'True');
    assert.deepEqual(node.status.addresses, [
      { type: 'InternalIP', address: '10.0.1.1' },
      { type: 'Hostname', address: 'node-1' },
    ]);
  });

  test('a hundred echo pods are ready soon, and gone soon', async (context) => {
    const names = Array.from({ length: 100 }, (_each, index) => `many-${index}`);
    const startMs = Date.now();
    await Promise.all(
      names.map((name, index) =>
        create(name, { nodeName: `node-${(index % 2) + 1}`, containers: [{ name: 'c', ports: [{ containerPort: 80 }] }] }),
      ),
    );
    await waitFor(async () => {
      const { items } = await kubelets.client.list(pods, { namespace: 'default' });
      return items.filter((pod) => pod.metadata?.name?.startsWith('many-') === true && isReady(pod)).length === 100;
    }, 20_000);
    context.diagnostic(`100 echo pods ready in ${Date.now() - startMs} ms`);
    const stopMs = Date.now();
    await Promise.all(names.map((name) => remove(name)));
    for (const name of names) await gone(name, 20_000);
    await waitFor(async () => lab.node('node-1').site.routes.listLinks().length < 40);
    context.diagnostic(`100 echo pods gone in ${Date.now() - stopMs} ms`);
  });
}
