/** 04: the same node first, `*` otherwise; without `*` nobody, until a label changes. */
import { nodes } from '../../src/api/index.ts';
import { askMany, clusterTarget, distinct, failureOf, proof, until } from './proof.ts';
import type { Prove } from './proof.ts';

export const prove: Prove = async (lab) => {
  const target = await clusterTarget(lab, 'topology', 'my-service');
  const near = await clusterTarget(lab, 'topology', 'near');
  const same = distinct((await askMany(lab, 'pod/topology/client-1', target, 20)).map((answer) => answer.node));
  const any = distinct((await askMany(lab, 'pod/topology/client-3', target, 30)).map((answer) => answer.node));
  const refused = await failureOf(lab, 'pod/topology/client-3', near, 1000);
  const setZone = (zone: string): Promise<unknown> =>
    lab.client.patch(nodes, 'node-3', 'merge', { metadata: { labels: { 'topology.kubernetes.io/zone': zone } } });
  await setZone('zone-a');
  await until('node-3 is served once it is in zone-a', async () =>
    (await failureOf(lab, 'pod/topology/client-3', near, 1000)).startsWith('answered'),
  );
  await setZone('zone-b');
  await until(
    'node-3 is refused again in zone-b',
    async () => (await failureOf(lab, 'pod/topology/client-3', near, 1000)) === 'refused',
  );
  const passed = same.join() === 'node-1' && any.length === 2 && refused === 'refused';
  return proof(
    passed,
    `topologyKeys: node-1 stays on ${same.join()}; "*" takes node-3 to ${any.join(' and ')}; without "*" it is ${refused} until its zone label matches`,
  );
};
