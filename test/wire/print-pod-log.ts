/** Run beside a lab: waits until the first pod has ended, then prints phase and log of each pod that is named. */
import { pods } from '../../src/api/index.ts';
import { createClient, loadKubeconfig } from '../../src/client/index.ts';
import { silentLogger } from '../../src/observe/index.ts';

const client = createClient(loadKubeconfig(process.env['KUBECONFIG']), { logger: silentLogger });
const [first = '', ...others] = process.argv.slice(2);
const deadline = Date.now() + 20_000;
for (;;) {
  const pod = await client.get(pods, first, { namespace: 'default' });
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') break;
  if (Date.now() > deadline) throw new Error(`pod ${first} goes on: ${JSON.stringify(pod.status)}`);
  await new Promise((resolve) => setTimeout(resolve, 50));
}
for (const name of [first, ...others]) {
  const pod = await client.get(pods, name, { namespace: 'default' });
  console.log(name, pod.status?.phase);
  console.log(await client.request('GET', `/api/v1/namespaces/default/pods/${name}/log`));
}
client.close();
