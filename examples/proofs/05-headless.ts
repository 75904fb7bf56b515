/** 05: the name gives every ready pod in rotating order; a pod that is not ready vanishes; web-0 has a name of its own. */
import { pods } from '../../src/api/index.ts';
import { distinct, podsOf, proof, until } from './proof.ts';
import type { Prove } from './proof.ts';

const client = 'pod/headless/client';
const name = 'my-service.headless.svc.cluster.local';

export const prove: Prove = async (lab) => {
  const members = (await podsOf(lab, 'headless', 'app.kubernetes.io/name=MyApp'))
    .map((pod) => `A ${pod.status?.podIP ?? ''}`)
    .sort();
  const answers = await Promise.all(Array.from({ length: 12 }, () => lab.prober.resolve(client, name, 'A')));
  const isWhole = answers.every((answer) => distinct(answer.records).join() === members.join());
  const firsts = distinct(answers.map((answer) => answer.records[0] ?? ''));
  const own = await lab.prober.resolve(client, `web-0.${name}`, 'A');
  const web0 = (await podsOf(lab, 'headless')).find((pod) => pod.metadata?.name === 'web-0');
  const setReady = (value: string | null): Promise<unknown> =>
    lab.client.patch(
      pods,
      'web-1',
      'merge',
      { metadata: { annotations: { 'fairlead.dev/ready': value } } },
      { namespace: 'headless' },
    );
  await setReady('false');
  await until(
    'the pod that is not ready vanishes',
    async () => (await lab.prober.resolve(client, name, 'A')).records.length === 2,
  );
  await setReady(null);
  await until('and comes back', async () => (await lab.prober.resolve(client, name, 'A')).records.length === 3);
  const passed = isWhole && members.length === 3 && firsts.length > 1 && own.records.join() === `A ${web0?.status?.podIP ?? '?'}`;
  return proof(
    passed,
    `headless: ${members.length} pods, ${firsts.length} of them first in 12 answers; one not ready: gone; web-0 is ${own.records.join().replace('A ', '')}`,
  );
};
