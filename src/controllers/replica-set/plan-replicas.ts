/** What to do so that a ReplicaSet has as many pods as it asks for. Pure. Source: k8s pkg/controller/replicaset, controller_utils. */
import type { Pod } from '../../api/index.ts';
import { isPodActive, isPodReady, podCondition } from '../pod-state.ts';

export interface ReplicaPlan {
  /** How many pods to create. */
  readonly create: number;
  /** Pods to delete, the least useful first. */
  readonly remove: readonly Pod[];
}

/** Compares the pods that are neither over nor going with `replicas`. `related` are all pods that count when nodes are compared. */
export function planReplicas(replicas: number, pods: readonly Pod[], related: readonly Pod[] = pods): ReplicaPlan {
  const active = pods.filter(isPodActive);
  if (active.length <= replicas) return { create: replicas - active.length, remove: [] };
  const onNode = new Map<string, number>();
  for (const pod of related.filter(isPodActive))
    onNode.set(pod.spec?.nodeName ?? '', (onNode.get(pod.spec?.nodeName ?? '') ?? 0) + 1);
  const ranked = active.toSorted((a, b) => comparePodsForDeletion(a, b, onNode));
  return { create: 0, remove: ranked.slice(0, active.length - replicas) };
}

/** Negative when `a` should go before `b`. */
function comparePodsForDeletion(a: Pod, b: Pod, onNode: ReadonlyMap<string, number>): number {
  return (
    Number(isAssigned(a)) - Number(isAssigned(b)) ||
    phaseRank(a) - phaseRank(b) ||
    Number(isPodReady(a)) - Number(isPodReady(b)) ||
    deletionCost(a) - deletionCost(b) ||
    (onNode.get(b.spec?.nodeName ?? '') ?? 0) - (onNode.get(a.spec?.nodeName ?? '') ?? 0) ||
    compareNewestFirst(readySince(a), readySince(b)) ||
    restarts(b) - restarts(a) ||
    compareNewestFirst(a.metadata?.creationTimestamp, b.metadata?.creationTimestamp) ||
    // Any fixed order will do, so that a repeated sync chooses the same pod.
    ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? 1 : -1)
  );
}

function isAssigned(pod: Pod): boolean {
  return pod.spec?.nodeName !== undefined && pod.spec.nodeName !== '';
}

function phaseRank(pod: Pod): number {
  return pod.status?.phase === 'Running' ? 2 : pod.status?.phase === 'Unknown' ? 1 : 0;
}

function deletionCost(pod: Pod): number {
  const cost = Number(pod.metadata?.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0);
  return Number.isFinite(cost) ? cost : 0;
}

function readySince(pod: Pod): string | undefined {
  return isPodReady(pod) ? podCondition(pod, 'Ready')?.lastTransitionTime : undefined;
}

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount));
}

/** RFC 3339 in UTC sorts as text. A missing time counts as the newest. */
function compareNewestFirst(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  if (b === undefined) return 1;
  return a > b ? -1 : 1;
}
