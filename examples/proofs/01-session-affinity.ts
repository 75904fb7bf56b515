/** 01: one client keeps its pod; many clients use every pod. */
import { askMany, clusterTarget, distinct, podsOf, proof } from './proof.ts';
import type { Prove } from './proof.ts';

export const prove: Prove = async (lab) => {
  const target = await clusterTarget(lab, 'session-affinity', 'my-service');
  const answers = await askMany(lab, 'pod/session-affinity/client', target, 20);
  const reached = distinct(answers.map((answer) => answer.pod));
  const [first] = answers;
  const clients = (await podsOf(lab, undefined)).slice(0, 20);
  const used: string[] = [];
  for (const client of clients) {
    used.push((await lab.prober.ask(`pod/${client.metadata?.namespace ?? ''}/${client.metadata?.name ?? ''}`, target)).pod);
  }
  const spread = distinct(used);
  const passed = reached.length === 1 && spread.length === 3;
  return proof(
    passed,
    `session affinity: ${answers.filter((answer) => answer.pod === first?.pod).length} of 20 requests from ${first?.client ?? '?'} reached ${first?.pod ?? '?'}; ${clients.length} clients used ${spread.length} of 3 pods`,
  );
};
