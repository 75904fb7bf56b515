/** 01: one client keeps its pod; many clients use every pod. */
import { nodes } from '../../src/api/index.ts';
import { askMany, clusterTarget, distinct, podsOf, proof } from './proof.ts';
import type { Prove } from './proof.ts';

export const prove: Prove = async (lab) => {
  const target = await clusterTarget(lab, 'session-affinity', 'my-service');
  const answers = await askMany(lab, 'pod/session-affinity/client', target, 20);
  const reached = distinct(answers.map((answer) => answer.pod));
  const [first] = answers;
  // every place there is: by chance alone twenty clients miss one of three pods once in a thousand times
  const clients = [
    ...(await podsOf(lab, undefined)).map(({ metadata }) => `pod/${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`),
    ...(await lab.client.list(nodes)).items.map(({ metadata }) => `node/${metadata?.name ?? ''}`),
  ];
  const used: string[] = [];
  for (const client of clients) used.push((await lab.prober.ask(client, target)).pod);
  const spread = distinct(used);
  const passed = reached.length === 1 && spread.length === 3;
  return proof(
    passed,
    `session affinity: ${answers.filter((answer) => answer.pod === first?.pod).length} of 20 requests from ${first?.client ?? '?'} reached ${first?.pod ?? '?'}; ${clients.length} clients used ${spread.length} of 3 pods`,
  );
};
