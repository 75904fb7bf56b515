import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Pod } from '../../api/index.ts';
import { planReplicas } from './plan-replicas.ts';
import { replicaSetStatus } from './replica-set-status.ts';

interface Traits {
  readonly phase?: string;
  readonly ready?: string;
  readonly node?: string;
  readonly cost?: string;
  readonly created?: string;
  readonly restarts?: number;
  readonly terminating?: boolean;
}

function pod(
  name: string,
  { phase = 'Running', ready = '01', node = 'n1', cost, created = '01', restarts = 0, terminating = false }: Traits = {},
): Pod {
  const at = (day: string): string => `2026-01-${day}T00:00:00Z`;
  return {
    metadata: {
      name,
      creationTimestamp: at(created),
      ...(cost !== undefined && { annotations: { 'controller.kubernetes.io/pod-deletion-cost': cost } }),
      ...(terminating && { deletionTimestamp: at('02') }),
    },
    spec: { containers: [], nodeName: node },
    status: {
      phase,
      conditions: ready === '' ? [] : [{ type: 'Ready', status: 'True', lastTransitionTime: at(ready) }],
      containerStatuses: [{ name: 'c', ready: true, restartCount: restarts, image: '', imageID: '' }],
    },
  };
}

const good = pod('good');

describe('of two pods, the first to go is', () => {
  const table: readonly [name: string, loser: Pod, keeper: Pod][] = [
    ['one without a node', pod('b', { node: '' }), good],
    ['one that is pending', pod('b', { phase: 'Pending' }), good],
    ['one that is not ready', pod('b', { ready: '' }), good],
    ['the one of lower deletion cost', pod('b', { cost: '-1' }), good],
    ['the one ready for a shorter time', pod('b', { ready: '02' }), good],
    ['the one with more restarts', pod('b', { restarts: 3 }), good],
    ['the younger one', pod('b', { created: '02' }), good],
    ['a pending one even of higher cost', pod('b', { phase: 'Pending', cost: '9' }), good],
  ];
  for (const [name, loser, keeper] of table) {
    test(name, () => {
      for (const pods of [
        [loser, keeper],
        [keeper, loser],
      ])
        assert.deepEqual(
          planReplicas(1, pods).remove.map((gone) => gone.metadata?.name),
          [loser.metadata?.name],
        );
    });
  }
});

test('a node with two of them loses one first', () => {
  const pods = [pod('a', { node: 'n1', created: '03' }), pod('b', { node: 'n2' }), pod('c', { node: 'n2' })];
  assert.equal(planReplicas(2, pods).remove[0]?.spec?.nodeName, 'n2');
});

test('pods that are over or going do not count', () => {
  const pods = [good, pod('x', { phase: 'Failed' }), pod('y', { phase: 'Succeeded' }), pod('z', { terminating: true })];
  assert.deepEqual(planReplicas(3, pods), { create: 2, remove: [] });
  assert.deepEqual(planReplicas(0, pods).remove, [good]);
});

test('the status counts what there is, and a failure becomes a condition that goes away again', () => {
  const facts = {
    generation: 7,
    template: { metadata: { labels: {} } },
    minReadySeconds: 0,
    previous: undefined,
    failure: undefined,
    now: Date.parse('2026-01-05T00:00:00Z'),
  };
  const pods = [good, pod('b', { ready: '' }), pod('z', { terminating: true })];
  const status = replicaSetStatus(pods, facts);
  assert.deepEqual(
    [
      status.replicas,
      status.readyReplicas,
      status.availableReplicas,
      status.terminatingReplicas,
      status.observedGeneration,
      status.conditions,
    ],
    [2, 1, 1, 1, 7, undefined],
  );
  const failed = replicaSetStatus(pods, { ...facts, failure: { reason: 'FailedCreate', message: 'no' } });
  assert.deepEqual(failed.conditions, [
    { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'no', lastTransitionTime: '2026-01-05T00:00:00Z' },
  ]);
  assert.equal(replicaSetStatus(pods, { ...facts, previous: failed }).conditions, undefined);
});

test('a pod counts as available when it has been ready for long enough', () => {
  const facts = { generation: 1, template: {}, minReadySeconds: 60, previous: undefined, failure: undefined };
  const at = (seconds: number): number | undefined =>
    replicaSetStatus([good], { ...facts, now: Date.parse('2026-01-01T00:00:00Z') + seconds * 1000 }).availableReplicas;
  assert.deepEqual([at(59), at(60)], [undefined, 1]);
});
