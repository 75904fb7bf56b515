/** Which Services a change of a pod concerns. */
import type { Pod, Service } from '../../api/index.ts';
import { createIndex } from '../../client/index.ts';
import type { Informer } from '../../client/index.ts';
import { selects } from '../../slices/index.ts';

/** Called with the key of every Service whose endpoints a pod's change may alter, and the time of that change (RFC 3339) if the pod tells. */
export type ServiceChange = (key: string, changedAt: string | undefined) => void;

/** Follows the pods and reports the Services that select them, before or after the change; changes that no endpoint shows are ignored. */
export function followPods(pods: Informer<Pod>, services: Informer<Service>, report: ServiceChange): () => void {
  const servicesByNamespace = createIndex(services, (service) => [service.metadata?.namespace ?? '']);
  const announce = (...states: readonly Pod[]): void => {
    const changedAt = readyTransition(states.at(-1));
    for (const service of servicesByNamespace.get(states[0]?.metadata?.namespace ?? '')) {
      if (states.some((state) => selects(service, state))) {
        report(`${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}`, changedAt);
      }
    }
  };
  return pods.subscribe({
    added: (pod) => announce(pod),
    updated: (before, after) => {
      if (fingerprint(before) !== fingerprint(after)) announce(before, after);
    },
    deleted: (pod) => announce(pod),
  });
}

/** When the pod's readiness last changed. */
function readyTransition(pod: Pod | undefined): string | undefined {
  return pod?.status?.conditions?.find((condition) => condition.type === 'Ready')?.lastTransitionTime;
}

/** Everything of a pod that an endpoint shows. */
function fingerprint(pod: Pod): string {
  const ready = pod.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
  const { labels, deletionTimestamp, uid } = pod.metadata ?? {};
  const { nodeName, hostname, subdomain } = pod.spec ?? {};
  return JSON.stringify([
    labels,
    deletionTimestamp !== undefined,
    uid,
    nodeName,
    hostname,
    subdomain,
    pod.status?.phase,
    pod.status?.podIPs,
    ready,
  ]);
}
