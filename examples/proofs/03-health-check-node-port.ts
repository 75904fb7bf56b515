/** 03: 200 where the pod is, 503 elsewhere; the load balancer loses nothing while the pod moves. */
import { deployments, pods } from '../../src/api/index.ts';
import { distinct, podsOf, proof, readyEndpoints, serviceOf, until } from './proof.ts';
import type { ProofLab, Prove } from './proof.ts';

const nodeAddresses = ['10.0.1.1', '10.0.1.2', '10.0.1.3'];
const selector = 'app.kubernetes.io/name=MyApp';

export const prove: Prove = async (lab) => {
  const before = await statuses(lab);
  const [pod] = await podsOf(lab, 'health-check', selector);
  const home = pod?.spec?.nodeName ?? '';
  const service = await serviceOf(lab, 'health-check', 'my-service');
  const target = { address: service.status?.loadBalancer?.ingress?.[0]?.ip ?? '', port: 80 };
  const { failures, answered, moved } = await movePod(lab, target, pod?.metadata?.name ?? '', home);
  await until('the health checks follow the pod', async () => (await statuses(lab))[indexOf(moved)] === 200, 2000);
  const passed =
    before.filter((status) => status === 200).length === 1 &&
    before[indexOf(home)] === 200 &&
    failures.length === 0 &&
    answered > 0;
  const lost = failures.length === 0 ? 'none lost' : `${failures.length} lost (${distinct(failures).join(', ')})`;
  return proof(
    passed,
    `health check: 30088 says ${before.join(', ')} with the pod on ${home}; ${answered} connections while it moved to ${moved}: ${lost}`,
  );
};

/** Deletes the pod while connections go on, until its successor serves. */
async function movePod(
  lab: ProofLab,
  target: { address: string; port: number },
  name: string,
  home: string,
): Promise<{ failures: string[]; answered: number; moved: string }> {
  const failures: string[] = [];
  let answered = 0;
  const done = new AbortController();
  const load = (async () => {
    while (!done.signal.aborted) {
      try {
        await lab.prober.ask('outside', target, { timeoutMs: 2000 });
        answered++;
      } catch (error) {
        failures.push(error instanceof Error ? error.message : String(error));
      }
    }
  })();
  // a second replica first, as a rolling update would; then the first one leaves in good order
  await scale(lab, 2);
  await until('a second pod is ready', async () => (await readyEndpoints(lab, 'health-check', 'my-service')) === 2);
  await lab.client.delete(pods, name, { namespace: 'health-check' });
  await scale(lab, 1);
  await until('one pod is left, and it is ready', async () => {
    const left = await podsOf(lab, 'health-check', selector);
    return (
      left.length === 1 && left[0]?.metadata?.name !== name && (await readyEndpoints(lab, 'health-check', 'my-service')) === 1
    );
  });
  done.abort();
  await load;
  const [pod] = await podsOf(lab, 'health-check', selector);
  return { failures, answered, moved: pod?.spec?.nodeName ?? home };
}

async function scale(lab: ProofLab, replicas: number): Promise<void> {
  await lab.client.patch(deployments, 'web', 'merge', { spec: { replicas } }, { namespace: 'health-check' });
}

async function statuses(lab: ProofLab): Promise<number[]> {
  return Promise.all(nodeAddresses.map(async (address) => (await lab.prober.get('outside', { address, port: 30088 })).status));
}

function indexOf(node: string): number {
  return Number(node.replace('node-', '')) - 1;
}
