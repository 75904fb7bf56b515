/** The status and conditions of a Deployment from its ReplicaSets. Pure. Source: k8s pkg/controller/deployment sync.go, progress.go. */
import { formatTime } from '../../api/index.ts';
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../api/index.ts';
import { rolloutLimits, specReplicas } from './rollout.ts';

export interface DeploymentFacts {
  readonly deployment: Deployment;
  readonly current: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  /** The present template's ReplicaSet was made in this very sync. */
  readonly isNew: boolean;
  /** Why the present template's ReplicaSet could not be made. */
  readonly failure: string | undefined;
  readonly collisionCount: number | undefined;
  /** Milliseconds. */
  readonly now: number;
}

/** The status to write. */
export function deploymentStatus(facts: DeploymentFacts): DeploymentStatus {
  const { deployment, current, old } = facts;
  const all = current === undefined ? old : [...old, current];
  const total = (of: (replicaSet: ReplicaSet) => number | undefined): number =>
    all.reduce((sum, replicaSet) => sum + (of(replicaSet) ?? 0), 0);
  const availableReplicas = total((replicaSet) => replicaSet.status?.availableReplicas);
  const counts = {
    replicas: total((replicaSet) => replicaSet.status?.replicas) || undefined,
    updatedReplicas: current?.status?.replicas || undefined,
    readyReplicas: total((replicaSet) => replicaSet.status?.readyReplicas) || undefined,
    availableReplicas: availableReplicas || undefined,
    unavailableReplicas: Math.max(0, total(specReplicas) - availableReplicas) || undefined,
    terminatingReplicas: total((replicaSet) => replicaSet.status?.terminatingReplicas),
  };
  const status: DeploymentStatus = {
    observedGeneration: deployment.metadata?.generation,
    ...counts,
    collisionCount: facts.collisionCount,
  };
  return { ...status, conditions: conditionsOf(facts, status) };
}

/** Whether every pod is of the present template and available. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const replicas = deployment.spec?.replicas ?? 1;
  return (
    (status.updatedReplicas ?? 0) === replicas &&
    (status.replicas ?? 0) === replicas &&
    (status.availableReplicas ?? 0) === replicas &&
    (status.observedGeneration ?? 0) >= (deployment.metadata?.generation ?? 0)
  );
}

/** Milliseconds from now at which the progress deadline passes, if a rollout is under way and has one. */
export function untilProgressDeadline(deployment: Deployment, status: DeploymentStatus, now: number): number | undefined {
  const seconds = deployment.spec?.progressDeadlineSeconds ?? 600;
  const progressing = status.conditions?.find((condition) => condition.type === 'Progressing');
  if (seconds >= 2 ** 31 - 1 || progressing?.status !== 'True' || progressing.reason === 'NewReplicaSetAvailable')
    return undefined;
  return Date.parse(progressing.lastUpdateTime ?? '') + seconds * 1000 - now;
}

function conditionsOf(facts: DeploymentFacts, status: DeploymentStatus): readonly DeploymentCondition[] {
  const { deployment, now } = facts;
  const { replicas, maxUnavailable } = rolloutLimits(deployment);
  const previous = deployment.status?.conditions ?? [];
  const isAvailable = (status.availableReplicas ?? 0) >= replicas - maxUnavailable;
  const available: Verdict = isAvailable
    ? { status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
    : { status: 'False', reason: 'MinimumReplicasUnavailable', message: 'Deployment does not have minimum availability.' };
  const progressing = progressOf(facts, status);
  const own: DeploymentCondition[] = [condition('Available', available, previous, now, false)];
  if (progressing !== undefined) own.push(condition('Progressing', progressing.verdict, previous, now, progressing.isFresh));
  const failure = facts.failure;
  if (failure !== undefined)
    own.push(condition('ReplicaFailure', { status: 'True', reason: 'FailedCreate', message: failure }, previous, now, false));
  const others = previous.filter((known) => known.type !== 'ReplicaFailure' && !own.some((mine) => mine.type === known.type));
  return [...others, ...own];
}

interface Verdict {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/** The Progressing condition; `isFresh` when something moved, which restarts the deadline. Undefined leaves it out. */
function progressOf(
  facts: DeploymentFacts,
  status: DeploymentStatus,
): { readonly verdict: Verdict; readonly isFresh: boolean } | undefined {
  const { deployment, current, now } = facts;
  const known = deployment.status?.conditions?.find((entry) => entry.type === 'Progressing');
  const name = current === undefined ? `Deployment "${deployment.metadata?.name}"` : `ReplicaSet "${current.metadata?.name}"`;
  const say = (isTrue: boolean, reason: string, message: string, isFresh: boolean): { verdict: Verdict; isFresh: boolean } => ({
    verdict: { status: isTrue ? 'True' : 'False', reason, message },
    isFresh,
  });
  if (deployment.spec?.paused === true)
    return { verdict: { status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' }, isFresh: false };
  if (facts.failure !== undefined) return say(false, 'ReplicaSetCreateError', facts.failure, false);
  if (facts.isNew) return say(true, 'NewReplicaSetCreated', `Created new replica set "${current?.metadata?.name}"`, true);
  if (current === undefined)
    return known === undefined ? undefined : say(known.status === 'True', known.reason ?? '', known.message ?? '', false);
  if (isComplete(deployment, status)) return say(true, 'NewReplicaSetAvailable', `${name} has successfully progressed.`, false);
  const before = deployment.status ?? {};
  const hasMoved =
    (status.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    oldCount(status) < oldCount(before) ||
    (status.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (status.availableReplicas ?? 0) > (before.availableReplicas ?? 0);
  // A template that was complete and is no more begins a new rollout with a new deadline.
  const isRestart = known?.reason === 'NewReplicaSetAvailable' || known?.reason === 'DeploymentPaused' || known === undefined;
  if (known?.reason === 'NewReplicaSetAvailable' && deployment.status?.observedGeneration === deployment.metadata?.generation)
    return say(true, known.reason, known.message ?? '', false);
  if (hasMoved || isRestart) return say(true, 'ReplicaSetUpdated', `${name} is progressing.`, true);
  const deadline = untilProgressDeadline(deployment, { conditions: known === undefined ? [] : [known] }, now);
  if (deadline !== undefined && deadline <= 0)
    return say(false, 'ProgressDeadlineExceeded', `${name} has timed out progressing.`, false);
  return say(known.status === 'True', known.reason ?? 'ReplicaSetUpdated', known.message ?? '', false);
}

function oldCount(status: DeploymentStatus): number {
  return (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
}

/** Keeps the times of a condition that says what it said before. */
function condition(
  type: string,
  verdict: Verdict,
  previous: readonly DeploymentCondition[],
  now: number,
  isFresh: boolean,
): DeploymentCondition {
  const known = previous.find((entry) => entry.type === type);
  const time = formatTime(new Date(now));
  const isSame = known?.status === verdict.status && known.reason === verdict.reason && known.message === verdict.message;
  if (isSame && !isFresh) return known;
  return {
    type,
    ...verdict,
    lastUpdateTime: time,
    lastTransitionTime: known?.status === verdict.status ? (known.lastTransitionTime ?? time) : time,
  };
}
