/** 08: the wrong file is refused with the fix; endpoints written by hand can be switched without an interruption. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { endpointSlices } from '../../src/api/index.ts';
import { messageOf } from '../../src/observe/index.ts';
import { askMany, clusterTarget, distinct, podsOf, proof, until } from './proof.ts';
import type { ProofLab, Prove } from './proof.ts';

const place = 'pod/no-selector/inside';

export const prove: Prove = async (lab) => {
  const refusal = await applyMistake(lab);
  const target = await clusterTarget(lab, 'no-selector', 'sample-externalname');
  const outside = distinct((await askMany(lab, place, target, 5)).map((answer) => answer.pod));
  const inside = (await podsOf(lab, 'no-selector')).find((pod) => pod.metadata?.name === 'inside');
  await pointTo(lab, inside?.status?.podIP ?? '');
  // every request from now on is answered, by one or the other
  await until('the endpoint inside answers', async () => {
    return (await lab.prober.ask(place, target)).pod === 'inside';
  });
  await pointTo(lab, '10.0.9.1');
  await until('the endpoint outside answers again', async () => {
    return (await lab.prober.ask(place, target)).pod !== 'inside';
  });
  const passed = refusal.includes('spec.ports') && refusal.includes('- ') && outside.length === 1;
  return proof(
    passed,
    `no selector: the file with the mistake is refused; the endpoint moved from ${outside.join()} to pod inside and back, no request lost`,
  );
};

async function pointTo(lab: ProofLab, address: string): Promise<void> {
  await lab.client.patch(
    endpointSlices,
    'by-hand',
    'merge',
    { endpoints: [{ addresses: [address] }] },
    { namespace: 'no-selector' },
  );
}

/** The server's answer to the user's own mistake. */
async function applyMistake(lab: ProofLab): Promise<string> {
  const text = readFileSync(join(import.meta.dirname, '..', 'mistakes', '08-no-selector.yaml'), 'utf8');
  try {
    await lab.client.request('POST', '/api/v1/namespaces/no-selector/services', { body: text, contentType: 'application/yaml' });
    return 'accepted';
  } catch (error) {
    return messageOf(error);
  }
}
