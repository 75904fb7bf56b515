/** What every proof is given and gives back, and the questions that several of them ask. */
import { endpointSlices, pods, services } from '../../src/api/index.ts';
import type { Pod, Service } from '../../src/api/index.ts';
import type { KubeClient } from '../../src/client/index.ts';
import { ProbeError } from '../../src/cluster/index.ts';
import type { EchoAnswer, Prober } from '../../src/cluster/index.ts';

export interface ProofLab {
  readonly client: KubeClient;
  readonly prober: Prober;
}

/** One line: what was proved, or what went wrong. */
export interface Proof {
  readonly passed: boolean;
  readonly text: string;
}

/** Proves one example. A throw counts as a failure with its message. */
export type Prove = (lab: ProofLab) => Promise<Proof>;

/** The names of the pods that answered `count` connections in a row from one place. */
export async function askMany(
  lab: ProofLab,
  place: string,
  target: { readonly address: string; readonly port: number },
  count: number,
  localAddress?: string,
): Promise<EchoAnswer[]> {
  const answers: EchoAnswer[] = [];
  for (let index = 0; index < count; index++) {
    answers.push(await lab.prober.ask(place, target, localAddress === undefined ? {} : { localAddress }));
  }
  return answers;
}

/** How a request that gets no answer fails: `timeout` or `refused`; throws when it is answered. */
export async function failureOf(
  lab: ProofLab,
  place: string,
  target: { readonly address: string; readonly port: number },
  timeoutMs: number,
): Promise<string> {
  try {
    const answer = await lab.prober.ask(place, target, { timeoutMs });
    return `answered by ${answer.pod}`;
  } catch (error) {
    if (error instanceof ProbeError) return error.code;
    throw error;
  }
}

export async function serviceOf(lab: ProofLab, namespace: string, name: string): Promise<Service> {
  return lab.client.get(services, name, { namespace });
}

/** The Service's cluster IP and first port. */
export async function clusterTarget(lab: ProofLab, namespace: string, name: string): Promise<{ address: string; port: number }> {
  const service = await serviceOf(lab, namespace, name);
  return { address: service.spec?.clusterIP ?? '', port: service.spec?.ports?.[0]?.port ?? 0 };
}

/** Running pods with an address, by label selector. */
export async function podsOf(lab: ProofLab, namespace: string | undefined, labelSelector?: string): Promise<Pod[]> {
  const list = await lab.client.list(pods, {
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
  });
  return list.items.filter(
    (pod) => pod.status?.phase === 'Running' && pod.status.podIP !== undefined && pod.metadata?.deletionTimestamp === undefined,
  );
}

/** Number of ready endpoints in the Service's slices. */
export async function readyEndpoints(lab: ProofLab, namespace: string, service: string): Promise<number> {
  const list = await lab.client.list(endpointSlices, { namespace, labelSelector: `kubernetes.io/service-name=${service}` });
  return list.items.flatMap((slice) => slice.endpoints ?? []).filter((endpoint) => endpoint.conditions?.ready !== false).length;
}

/** Waits until the condition holds. Throws with `what` when it does not within `timeoutMs`. */
export async function until(what: string, condition: () => Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export function distinct(values: readonly string[]): string[] {
  return [...new Set(values)].sort((a, b) => (a < b ? -1 : 1));
}

export function proof(passed: boolean, text: string): Proof {
  return { passed, text };
}
