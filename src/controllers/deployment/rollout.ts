/** How many pods each ReplicaSet of a Deployment should have next. Pure. Source: k8s pkg/controller/deployment rolling.go, sync.go. */
import type { Deployment, ReplicaSet } from '../../api/index.ts';
import { scaledValue } from '../int-or-percent.ts';

/** The ReplicaSets of one Deployment; `old` oldest first. */
export interface Rollout {
  readonly deployment: Deployment;
  readonly current: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

/** One ReplicaSet's new size. */
export interface Scaling {
  readonly replicaSet: ReplicaSet;
  readonly replicas: number;
}

export interface RolloutLimits {
  readonly replicas: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/** What the strategy allows, as numbers. Both zero would never move: then one pod may be missing. */
export function rolloutLimits(deployment: Deployment): RolloutLimits {
  const replicas = deployment.spec?.replicas ?? 1;
  const { strategy } = deployment.spec ?? {};
  if (strategy?.type === 'Recreate') return { replicas, maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = '25%', maxUnavailable = '25%' } = strategy?.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, replicas, 'up');
  const unavailable = Math.min(replicas, scaledValue(maxUnavailable, replicas, 'down'));
  return { replicas, maxSurge: surge, maxUnavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** Size of a new ReplicaSet when it is made, or grown: as much as the surge leaves room for. */
export function currentReplicas({ deployment, current, old }: Rollout): number {
  const { replicas, maxSurge } = rolloutLimits(deployment);
  const has = specReplicas(current);
  if (has >= replicas || deployment.spec?.strategy?.type === 'Recreate') return replicas;
  const room = replicas + maxSurge - sum([...optional(current), ...old], specReplicas);
  return room <= 0 ? has : has + Math.min(room, replicas - has);
}

/** One step of a rolling update: grow the new ReplicaSet, or else shrink old ones as far as enough pods stay available. */
export function rollingStep(rollout: Rollout): readonly Scaling[] {
  const { deployment, current, old } = rollout;
  if (current !== undefined) {
    const wanted = currentReplicas(rollout);
    if (wanted !== specReplicas(current)) return [{ replicaSet: current, replicas: wanted }];
  }
  const { replicas, maxUnavailable } = rolloutLimits(deployment);
  const all = [...optional(current), ...old];
  const minAvailable = replicas - maxUnavailable;
  const unavailableOfCurrent = specReplicas(current) - availableReplicas(current);
  const sizes = new Map(old.map((replicaSet) => [replicaSet, specReplicas(replicaSet)]));
  // Old pods that serve nobody go first: removing them costs no availability.
  let budget = sum(all, specReplicas) - minAvailable - unavailableOfCurrent;
  if (budget <= 0) return [];
  for (const replicaSet of old) {
    const unhealthy = Math.min(budget, Math.max(0, specReplicas(replicaSet) - availableReplicas(replicaSet)));
    sizes.set(replicaSet, specReplicas(replicaSet) - unhealthy);
    budget -= unhealthy;
  }
  let spare = Math.min(budget, sum(all, availableReplicas) - minAvailable);
  for (const replicaSet of old) {
    const size = sizes.get(replicaSet) ?? 0;
    const cut = Math.min(size, Math.max(0, spare));
    sizes.set(replicaSet, size - cut);
    spare -= cut;
  }
  return Array.from(sizes, ([replicaSet, size]) => ({ replicaSet, replicas: size })).filter(isChange);
}

/** One step of a Recreate: old ones to zero; the new one only when every old pod is gone. */
export function recreateStep({ deployment, current, old }: Rollout, hasOldPods: boolean): readonly Scaling[] {
  const down = old.map((replicaSet) => ({ replicaSet, replicas: 0 })).filter(isChange);
  if (down.length > 0) return down;
  if (hasOldPods || current === undefined) return [];
  return [{ replicaSet: current, replicas: deployment.spec?.replicas ?? 1 }].filter(isChange);
}

/** The step of a paused Deployment, which scales but does not roll: the newest ReplicaSet that has pods takes the difference. */
export function pausedStep({ deployment, current, old }: Rollout): readonly Scaling[] {
  const all = [...old, ...optional(current)];
  const active = all.filter((replicaSet) => specReplicas(replicaSet) > 0);
  const target = active.at(-1) ?? current ?? old.at(-1);
  if (target === undefined) return [];
  const others = sum(
    active.filter((replicaSet) => replicaSet !== target),
    specReplicas,
  );
  return [{ replicaSet: target, replicas: Math.max(0, (deployment.spec?.replicas ?? 1) - others) }].filter(isChange);
}

/** Old ReplicaSets beyond the history limit that have no pods and may be deleted, oldest first. */
export function expiredReplicaSets(deployment: Deployment, old: readonly ReplicaSet[]): readonly ReplicaSet[] {
  const surplus = old.length - (deployment.spec?.revisionHistoryLimit ?? 10);
  if (surplus <= 0) return [];
  return old
    .slice(0, surplus)
    .filter(
      (replicaSet) =>
        specReplicas(replicaSet) === 0 &&
        (replicaSet.status?.replicas ?? 0) === 0 &&
        replicaSet.metadata?.deletionTimestamp === undefined,
    );
}

/** How many pods it is to have; 0 for none at all. */
export function specReplicas(replicaSet: ReplicaSet | undefined): number {
  return replicaSet === undefined ? 0 : (replicaSet.spec?.replicas ?? 1);
}

function availableReplicas(replicaSet: ReplicaSet | undefined): number {
  return replicaSet?.status?.availableReplicas ?? 0;
}

function isChange({ replicaSet, replicas }: Scaling): boolean {
  return specReplicas(replicaSet) !== replicas;
}

function optional<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}
