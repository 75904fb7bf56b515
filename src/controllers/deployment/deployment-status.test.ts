import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Deployment, DeploymentStatus, ReplicaSet } from '../../api/index.ts';
import { deploymentStatus, untilProgressDeadline } from './deployment-status.ts';
import { newReplicaSet, nextRevision, replicaSetAnnotations, sortReplicaSets } from './revisions.ts';

const start = Date.parse('2026-01-01T00:00:00Z');

function deployment(status?: DeploymentStatus, spec: object = {}): Deployment {
  return { metadata: { name: 'web', generation: 2 }, spec: { replicas: 3, selector: {}, template: {}, ...spec }, status };
}

function set(replicas: number, available: number): ReplicaSet {
  return {
    metadata: { name: 'web-x' },
    spec: { replicas, selector: {} },
    status: { replicas, readyReplicas: available, availableReplicas: available },
  };
}

function reasons(status: DeploymentStatus): Record<string, string | undefined> {
  return Object.fromEntries(
    (status.conditions ?? []).map((condition) => [`${condition.type}=${condition.status}`, condition.reason]),
  );
}

test('a rollout is told from its beginning to its end, and its times move only when it does', () => {
  const none = { old: [], isNew: false, failure: undefined, collisionCount: undefined };
  const first = deploymentStatus({ ...none, deployment: deployment(), current: set(3, 0), isNew: true, now: start });
  assert.deepEqual(reasons(first), {
    'Available=False': 'MinimumReplicasUnavailable',
    'Progressing=True': 'NewReplicaSetCreated',
  });
  assert.equal(first.unavailableReplicas, 3);
  const second = deploymentStatus({ ...none, deployment: deployment(first), current: set(3, 1), now: start + 5000 });
  assert.equal(reasons(second)['Progressing=True'], 'ReplicaSetUpdated');
  const still = deploymentStatus({ ...none, deployment: deployment(second), current: set(3, 1), now: start + 9000 });
  assert.deepEqual(still, second);
  const done = deploymentStatus({ ...none, deployment: deployment(second), current: set(3, 3), now: start + 10_000 });
  assert.deepEqual(reasons(done), { 'Available=True': 'MinimumReplicasAvailable', 'Progressing=True': 'NewReplicaSetAvailable' });
  assert.deepEqual(
    [done.replicas, done.updatedReplicas, done.readyReplicas, done.availableReplicas, done.unavailableReplicas],
    [3, 3, 3, 3, undefined],
  );
  assert.equal(untilProgressDeadline(deployment(), done, start), undefined);
});

test('a rollout that makes no progress is told to have timed out', () => {
  const spec = { progressDeadlineSeconds: 60 };
  const facts = { old: [], isNew: false, failure: undefined, collisionCount: undefined, current: set(3, 0) };
  const first = deploymentStatus({ ...facts, deployment: deployment(undefined, spec), isNew: true, now: start });
  assert.equal(untilProgressDeadline(deployment(undefined, spec), first, start), 60_000);
  const before = deploymentStatus({ ...facts, deployment: deployment(first, spec), now: start + 59_000 });
  assert.equal(reasons(before)['Progressing=True'], 'NewReplicaSetCreated');
  const after = deploymentStatus({ ...facts, deployment: deployment(first, spec), now: start + 61_000 });
  assert.equal(reasons(after)['Progressing=False'], 'ProgressDeadlineExceeded');
  const recovered = deploymentStatus({ ...facts, deployment: deployment(after, spec), current: set(3, 3), now: start + 70_000 });
  assert.equal(reasons(recovered)['Progressing=True'], 'NewReplicaSetAvailable');
});

test('a ReplicaSet that cannot be made is told', () => {
  const status = deploymentStatus({
    deployment: deployment(),
    current: undefined,
    old: [],
    isNew: false,
    failure: 'quota',
    collisionCount: 1,
    now: start,
  });
  assert.deepEqual(reasons(status), {
    'Available=False': 'MinimumReplicasUnavailable',
    'Progressing=False': 'ReplicaSetCreateError',
    'ReplicaFailure=True': 'FailedCreate',
  });
  assert.equal(status.collisionCount, 1);
});

test('the present ReplicaSet is the one of the same template, whatever its hash label', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'u' };
  const target = {
    ...deployment(),
    spec: {
      replicas: 3,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c' }] } },
    },
  };
  const made = newReplicaSet(target, owner, 1, 3);
  const hash = made.metadata?.labels?.['pod-template-hash'];
  assert.match(hash ?? '', /^[bcdfghjklmnpqrstvwxz2456789]{6,10}$/);
  assert.deepEqual(made.spec?.selector.matchLabels, { a: 'b', 'pod-template-hash': hash });
  // The server may write the template's members in another order.
  const stored = structuredClone(made);
  const other: ReplicaSet = { metadata: { name: 'web-other' }, spec: { selector: {}, template: { spec: { containers: [] } } } };
  assert.deepEqual(sortReplicaSets(target, [other, stored]), { current: stored, old: [other] });
  assert.notEqual(newReplicaSet({ ...target, status: { collisionCount: 1 } }, owner, 1, 3).metadata?.name, made.metadata?.name);
});

test('a template that comes back gets the next number and keeps its old one as history', () => {
  const numbered = (revision: string): ReplicaSet => ({
    metadata: { annotations: { 'deployment.kubernetes.io/revision': revision } },
  });
  assert.equal(nextRevision(undefined, []), 1);
  assert.equal(nextRevision(numbered('3'), [numbered('2')]), 3);
  assert.equal(nextRevision(numbered('1'), [numbered('2')]), 3);
  const annotated = {
    ...deployment(),
    metadata: { annotations: { note: 'x', 'kubectl.kubernetes.io/last-applied-configuration': '{}' } },
  };
  const annotations = replicaSetAnnotations(annotated, numbered('1'), 3);
  assert.deepEqual(annotations, {
    note: 'x',
    'deployment.kubernetes.io/revision': '3',
    'deployment.kubernetes.io/revision-history': '1',
    'deployment.kubernetes.io/desired-replicas': '3',
    'deployment.kubernetes.io/max-replicas': '4',
  });
});
