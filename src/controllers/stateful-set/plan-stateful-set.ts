/** What to do next for a StatefulSet: which ordinals to create, which pods to delete. Pure. Source: k8s stateful_set_control.go. */
import type { Pod, StatefulSet } from '../../api/index.ts';
import { revisionLabel } from '../history.ts';
import { scaledValue } from '../int-or-percent.ts';
import { isPodAvailable, isPodTerminal, isPodTerminating } from '../pod-state.ts';
import { ordinalOf } from './identity.ts';

export interface StatefulSetInput {
  readonly set: StatefulSet;
  readonly pods: readonly Pod[];
  /** Labels' values: the version that pods are of until updated, and the one they should become. */
  readonly currentRevision: string;
  readonly updateRevision: string;
  /** Milliseconds. */
  readonly now: number;
}

export interface StatefulSetPlan {
  readonly create: readonly { readonly ordinal: number; readonly revision: string }[];
  readonly remove: readonly Pod[];
}

/** One step. With the OrderedReady policy a step does one thing at most, and none while a pod is on its way up or down. */
export function planStatefulSet(input: StatefulSetInput): StatefulSetPlan {
  const { set } = input;
  const { start, end } = ordinalRange(set);
  const byOrdinal = new Map<number, Pod>();
  for (const pod of input.pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal !== undefined) byOrdinal.set(ordinal, pod);
  }
  const isParallel = set.spec?.podManagementPolicy === 'Parallel';
  const create: { ordinal: number; revision: string }[] = [];
  const remove: Pod[] = [];
  for (let ordinal = start; ordinal < end; ordinal++) {
    const pod = byOrdinal.get(ordinal);
    if (pod === undefined) create.push({ ordinal, revision: revisionFor(input, ordinal, start) });
    else if (isPodTerminal(pod) && !isPodTerminating(pod)) remove.push(pod);
    const isSettled = pod !== undefined && remove.length === 0 && isHealthy(pod, input);
    if (!isParallel && !isSettled) return { create, remove };
  }
  const surplus = [...byOrdinal].filter(([ordinal]) => ordinal < start || ordinal >= end).sort(([a], [b]) => b - a);
  for (const [, pod] of surplus) {
    if (!isPodTerminating(pod)) remove.push(pod);
    // The highest goes first, and the next one only when it is gone; above that, an unhealthy lower pod stops nothing here.
    if (!isParallel) return { create, remove };
  }
  if (create.length + remove.length > 0) return { create, remove };
  return { create, remove: outdatedPods(input, byOrdinal, start, end) };
}

/** First ordinal, and the one after the last. */
export function ordinalRange(set: StatefulSet): { readonly start: number; readonly end: number } {
  const start = set.spec?.ordinals?.start ?? 0;
  return { start, end: start + (set.spec?.replicas ?? 1) };
}

/** Pods to replace by the update revision now: the highest first, while no more than maxUnavailable (1) are missing. */
function outdatedPods(input: StatefulSetInput, byOrdinal: ReadonlyMap<number, Pod>, start: number, end: number): Pod[] {
  const { updateStrategy } = input.set.spec ?? {};
  if (updateStrategy?.type === 'OnDelete') return [];
  const partition = updateStrategy?.rollingUpdate?.partition ?? 0;
  const maxUnavailable = Math.max(1, scaledValue(updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, end - start, 'up'));
  const pods = Array.from({ length: end - start }, (_, index) => byOrdinal.get(end - 1 - index));
  let unavailable = pods.filter((pod) => pod === undefined || !isHealthy(pod, input)).length;
  const remove: Pod[] = [];
  for (const [index, pod] of pods.entries()) {
    if (end - 1 - index < start + partition) break;
    if (pod === undefined || isPodTerminating(pod)) continue;
    const isOutdated = pod.metadata?.labels?.[revisionLabel] !== input.updateRevision;
    // A pod of the old revision that is broken anyway may go without waiting.
    if (isOutdated && !isHealthy(pod, input) && unavailable <= maxUnavailable) remove.push(pod);
    else if (isOutdated && unavailable < maxUnavailable) {
      remove.push(pod);
      unavailable++;
    } else if (isOutdated || !isHealthy(pod, input)) break;
  }
  return remove;
}

/** The version that a pod made now should be of: ordinals below the partition stay with the current one. */
function revisionFor(input: StatefulSetInput, ordinal: number, start: number): string {
  const { updateStrategy } = input.set.spec ?? {};
  if (updateStrategy?.type === 'OnDelete') return input.updateRevision;
  const partition = updateStrategy?.rollingUpdate?.partition ?? 0;
  return ordinal < start + partition ? input.currentRevision : input.updateRevision;
}

function isHealthy(pod: Pod, { set, now }: StatefulSetInput): boolean {
  return !isPodTerminating(pod) && pod.status?.phase === 'Running' && isPodAvailable(pod, set.spec?.minReadySeconds ?? 0, now);
}
