/** The status of a StatefulSet from its pods. Pure. */
import type { Pod, StatefulSet, StatefulSetStatus } from '../../api/index.ts';
import { revisionLabel } from '../history.ts';
import { isPodAvailable, isPodReady, isPodTerminating } from '../pod-state.ts';
import { ordinalOf, podNameLabel } from './identity.ts';

export interface Revisions {
  /** Names of ControllerRevisions, which are also the values of the pods' revision label. */
  readonly currentRevision: string;
  readonly updateRevision: string;
  readonly collisionCount: number | undefined;
}

/** The status to write. When all pods are of the update revision and ready, it becomes the current one. `now` in milliseconds. */
export function statefulSetStatus(set: StatefulSet, pods: readonly Pod[], revisions: Revisions, now: number): StatefulSetStatus {
  const replicas = set.spec?.replicas ?? 1;
  const own = pods.filter((pod) => ordinalOf(set, pod) !== undefined || pod.metadata?.labels?.[podNameLabel] !== undefined);
  const of = (revision: string): Pod[] =>
    own.filter((pod) => !isPodTerminating(pod) && pod.metadata?.labels?.[revisionLabel] === revision);
  const ready = own.filter((pod) => pod.status?.phase === 'Running' && isPodReady(pod));
  const updated = of(revisions.updateRevision);
  const isRolledOut =
    set.spec?.updateStrategy?.type !== 'OnDelete' &&
    updated.length === replicas &&
    own.length === replicas &&
    ready.length === replicas;
  const currentRevision = isRolledOut || own.length === 0 ? revisions.updateRevision : revisions.currentRevision;
  return {
    observedGeneration: set.metadata?.generation,
    replicas: own.length,
    readyReplicas: ready.length || undefined,
    availableReplicas: ready.filter((pod) => isPodAvailable(pod, set.spec?.minReadySeconds ?? 0, now)).length,
    currentReplicas: of(currentRevision).length || undefined,
    updatedReplicas: updated.length || undefined,
    currentRevision,
    updateRevision: revisions.updateRevision,
    collisionCount: revisions.collisionCount,
    conditions: set.status?.conditions,
  };
}
