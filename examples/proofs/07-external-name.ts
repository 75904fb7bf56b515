/** 07: a CNAME and nothing else. */
import { proof } from './proof.ts';
import type { Prove } from './proof.ts';

export const prove: Prove = async (lab) => {
  const answer = await lab.prober.resolve('node/node-1', 'sample-externalname.external-name.svc.cluster.local', 'CNAME');
  return proof(
    answer.records.join() === 'CNAME thisis.externalname.com',
    `external name: sample-externalname is ${answer.records.join()}`,
  );
};
