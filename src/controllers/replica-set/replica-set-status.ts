/** The status of a ReplicaSet or ReplicationController from its pods. Pure. */
import { selectorFromMap, formatTime } from '../../api/index.ts';
import type { Pod, PodTemplateSpec, ReplicaSetCondition, ReplicaSetStatus } from '../../api/index.ts';
import { isPodActive, isPodAvailable, isPodReady, isPodTerminal, isPodTerminating } from '../pod-state.ts';

export interface StatusFacts {
  readonly generation: number | undefined;
  readonly template: PodTemplateSpec | undefined;
  readonly minReadySeconds: number;
  readonly previous: ReplicaSetStatus | undefined;
  /** Why pods could not be created or deleted, if so. */
  readonly failure: { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly message: string } | undefined;
  /** Milliseconds. */
  readonly now: number;
}

/** The status to write; the same object as `previous` in content when nothing changed. */
export function replicaSetStatus(pods: readonly Pod[], facts: StatusFacts): ReplicaSetStatus {
  const active = pods.filter(isPodActive);
  const isFullyLabelled = selectorFromMap(facts.template?.metadata?.labels);
  const count = (test: (pod: Pod) => boolean): number | undefined => active.filter(test).length || undefined;
  return {
    replicas: active.length,
    fullyLabeledReplicas: count((pod) => isFullyLabelled.matches(pod.metadata?.labels)),
    readyReplicas: count(isPodReady),
    availableReplicas: count((pod) => isPodAvailable(pod, facts.minReadySeconds, facts.now)),
    terminatingReplicas: pods.filter((pod) => isPodTerminating(pod) && !isPodTerminal(pod)).length,
    observedGeneration: facts.generation,
    conditions: conditionsOf(facts),
  };
}

function conditionsOf({ previous, failure, now }: StatusFacts): readonly ReplicaSetCondition[] | undefined {
  const others = (previous?.conditions ?? []).filter((condition) => condition.type !== 'ReplicaFailure');
  const known = previous?.conditions?.find((condition) => condition.type === 'ReplicaFailure');
  if (failure === undefined) return others.length === 0 ? undefined : others;
  if (known?.reason === failure.reason) return [...others, { ...known, message: failure.message }];
  return [...others, { type: 'ReplicaFailure', status: 'True', lastTransitionTime: formatTime(new Date(now)), ...failure }];
}
