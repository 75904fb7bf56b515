import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Pod, StatefulSet } from '../../api/index.ts';
import { claimsOf, ordinalOf, statefulPod } from './identity.ts';
import { planStatefulSet } from './plan-stateful-set.ts';

type State = 'ready' | 'unready' | 'gone' | 'terminating' | 'failed';

function pod(ordinal: number, state: State, revision: string): Pod {
  return {
    metadata: {
      namespace: 'ns',
      name: `web-${ordinal}`,
      labels: { 'controller-revision-hash': revision },
      ...(state === 'terminating' && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: { containers: [] },
    status: {
      phase: state === 'failed' ? 'Failed' : 'Running',
      conditions: [{ type: 'Ready', status: state === 'unready' ? 'False' : 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
    },
  };
}

function set(spec: object): StatefulSet {
  return { metadata: { namespace: 'ns', name: 'web' }, spec: { replicas: 3, selector: {}, template: {}, ...spec } };
}

interface Case {
  readonly name: string;
  readonly spec?: object;
  /** States of web-0, web-1, …; a revision after a colon. */
  readonly pods: readonly (State | `${State}:old`)[];
  readonly create?: readonly string[];
  readonly remove?: readonly string[];
}

const parallel = { podManagementPolicy: 'Parallel' };

const cases: readonly Case[] = [
  { name: 'the first pod comes alone', pods: [], create: ['web-0:new'] },
  { name: 'the next waits for the one before', pods: ['unready'] },
  { name: 'the next comes when the one before is ready', pods: ['ready'], create: ['web-1:new'] },
  { name: 'a gap is filled first', pods: ['ready', 'gone', 'ready'], create: ['web-1:new'] },
  { name: 'a terminating pod is waited for', pods: ['ready', 'terminating', 'ready'] },
  { name: 'a failed pod is removed to be made anew', pods: ['ready', 'failed', 'ready'], remove: ['web-1'] },
  { name: 'all there: nothing to do', pods: ['ready', 'ready', 'ready'] },
  {
    name: 'surplus goes from the top, one at a time',
    spec: { replicas: 1 },
    pods: ['ready', 'ready', 'ready'],
    remove: ['web-2'],
  },
  { name: 'the next surplus pod waits for the one above', spec: { replicas: 1 }, pods: ['ready', 'ready', 'terminating'] },
  { name: 'no shrinking while a pod that stays is not ready', spec: { replicas: 2 }, pods: ['ready', 'unready', 'ready'] },
  { name: 'Parallel creates all at once', spec: parallel, pods: [], create: ['web-0:new', 'web-1:new', 'web-2:new'] },
  {
    name: 'Parallel removes all at once',
    spec: { ...parallel, replicas: 1 },
    pods: ['unready', 'ready', 'ready'],
    remove: ['web-2', 'web-1'],
  },
  {
    name: 'ordinals may begin later',
    spec: { replicas: 2, ordinals: { start: 1 } },
    pods: ['gone', 'ready'],
    create: ['web-2:new'],
  },
  {
    name: 'pods below the first ordinal go',
    spec: { replicas: 2, ordinals: { start: 1 } },
    pods: ['ready', 'ready', 'ready'],
    remove: ['web-0'],
  },
  { name: 'an update begins at the top', pods: ['ready:old', 'ready:old', 'ready:old'], remove: ['web-2'] },
  { name: 'an update goes on when the updated pod is ready', pods: ['ready:old', 'ready:old', 'ready'], remove: ['web-1'] },
  { name: 'an update waits for the updated pod', pods: ['ready:old', 'ready:old', 'unready'] },
  {
    name: 'a broken pod of the old version is replaced in Parallel without waiting',
    spec: parallel,
    pods: ['ready:old', 'ready:old', 'unready:old'],
    remove: ['web-2'],
  },
  {
    name: 'a partition keeps the lower ones',
    spec: { updateStrategy: { rollingUpdate: { partition: 2 } } },
    pods: ['ready:old', 'ready:old', 'ready'],
  },
  {
    name: 'below the partition a lost pod comes back as it was',
    spec: { updateStrategy: { rollingUpdate: { partition: 2 } } },
    pods: ['ready:old', 'gone', 'ready'],
    create: ['web-1:old'],
  },
  {
    name: 'OnDelete updates nothing by itself',
    spec: { updateStrategy: { type: 'OnDelete' } },
    pods: ['ready:old', 'ready:old', 'ready:old'],
  },
  {
    name: 'OnDelete makes new pods of the new version',
    spec: { updateStrategy: { type: 'OnDelete' } },
    pods: ['ready:old', 'gone', 'ready:old'],
    create: ['web-1:new'],
  },
  {
    name: 'maxUnavailable lets several go',
    spec: { ...parallel, updateStrategy: { rollingUpdate: { maxUnavailable: 2 } } },
    pods: ['ready:old', 'ready:old', 'ready:old'],
    remove: ['web-2', 'web-1'],
  },
];

describe('a StatefulSet:', () => {
  for (const { name, spec = {}, pods, create = [], remove = [] } of cases) {
    test(name, () => {
      const own = pods.flatMap((text, ordinal) => {
        const [state, revision = 'new'] = text.split(':') as [State, string?];
        return state === 'gone' ? [] : [pod(ordinal, state, revision)];
      });
      const plan = planStatefulSet({
        set: set(spec),
        pods: own,
        currentRevision: 'old',
        updateRevision: 'new',
        now: Date.parse('2026-02-01T00:00:00Z'),
      });
      assert.deepEqual(
        plan.create.map(({ ordinal, revision }) => `web-${ordinal}:${revision}`),
        create,
      );
      assert.deepEqual(
        plan.remove.map((gone) => gone.metadata?.name),
        remove,
      );
    });
  }
});

test('minReadySeconds delays the next pod', () => {
  const input = {
    set: set({ minReadySeconds: 10 }),
    pods: [pod(0, 'ready', 'new')],
    currentRevision: 'new',
    updateRevision: 'new',
  };
  const start = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(planStatefulSet({ ...input, now: start + 9000 }).create.length, 0);
  assert.equal(planStatefulSet({ ...input, now: start + 10_000 }).create.length, 1);
});

test('a pod has its name, its host name, its labels and its claims', () => {
  const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } };
  const target = set({ serviceName: 'svc', volumeClaimTemplates: [claim] });
  const made = statefulPod(
    target,
    2,
    {
      metadata: { labels: { a: 'b' } },
      spec: {
        containers: [],
        volumes: [
          { name: 'data', emptyDir: {} },
          { name: 'x', emptyDir: {} },
        ],
      },
    },
    'web-1234',
  );
  assert.deepEqual([made.metadata?.name, made.spec?.hostname, made.spec?.subdomain], ['web-2', 'web-2', 'svc']);
  assert.deepEqual(made.metadata?.labels, {
    a: 'b',
    'statefulset.kubernetes.io/pod-name': 'web-2',
    'apps.kubernetes.io/pod-index': '2',
    'controller-revision-hash': 'web-1234',
  });
  assert.deepEqual(made.spec?.volumes, [
    { name: 'x', emptyDir: {} },
    { name: 'data', persistentVolumeClaim: { claimName: 'data-web-2', readOnly: false } },
  ]);
  assert.deepEqual(
    claimsOf(target, 2).map((entry) => entry.metadata?.name),
    ['data-web-2'],
  );
});

test('only names of the set have ordinals', () => {
  const table: readonly [name: string, want: number | undefined][] = [
    ['web-0', 0],
    ['web-12', 12],
    ['web-01', undefined],
    ['web-x', undefined],
    ['other-1', undefined],
    ['web-web-1', undefined],
    ['web', undefined],
  ];
  for (const [name, want] of table) assert.equal(ordinalOf(set({}), { metadata: { name } }), want, name);
});
