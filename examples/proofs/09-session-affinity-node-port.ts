/** 09: each node keeps its own pin; so does the load-balancer address. */
import { askMany, distinct, proof, serviceOf } from './proof.ts';
import type { Prove } from './proof.ts';

export const prove: Prove = async (lab) => {
  const perNode: string[] = [];
  for (const address of ['10.0.1.1', '10.0.1.2', '10.0.1.3']) {
    const reached = distinct((await askMany(lab, 'outside', { address, port: 30009 }, 10)).map((answer) => answer.pod));
    perNode.push(reached.join('+'));
  }
  // all addresses that `outside` has for clients: chance alone leaves one of three pods out once in 40,000 times
  const clients = Array.from({ length: 29 }, (_, index) => `10.0.9.${index + 2}`);
  const spread: string[] = [];
  for (const localAddress of clients)
    spread.push((await lab.prober.ask('outside', { address: '10.0.1.1', port: 30009 }, { localAddress })).pod);
  const service = await serviceOf(lab, 'affinity-node-port', 'balanced');
  const address = service.status?.loadBalancer?.ingress?.[0]?.ip ?? '';
  const balanced = await askMany(lab, 'outside', { address, port: 80 }, 20);
  const passed =
    perNode.every((reached) => reached !== '' && !reached.includes('+')) &&
    distinct(spread).length === 3 &&
    balanced.length === 20;
  return proof(
    passed,
    `affinity on a node port: each node keeps one pod for 10.0.9.1; ${clients.length} clients of node-1 used ${distinct(spread).length} of 3 pods`,
  );
};
