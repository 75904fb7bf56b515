import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Deployment, ReplicaSet } from '../../api/index.ts';
import {
  currentReplicas,
  expiredReplicaSets,
  pausedStep,
  recreateStep,
  rollingStep,
  rolloutLimits,
  specReplicas,
} from './rollout.ts';

type Limit = number | string | undefined;

function deployment(replicas: number, maxSurge?: Limit, maxUnavailable?: Limit, more: object = {}): Deployment {
  return { spec: { replicas, selector: {}, template: {}, strategy: { rollingUpdate: { maxSurge, maxUnavailable } }, ...more } };
}

function set(name: string, replicas: number, available: number = replicas): ReplicaSet {
  return { metadata: { name }, spec: { replicas, selector: {} }, status: { replicas, availableReplicas: available } };
}

describe('limits', () => {
  const table: readonly [
    replicas: number,
    surge: Limit,
    unavailable: Limit,
    want: readonly [surge: number, unavailable: number],
  ][] = [
    [10, undefined, undefined, [3, 2]],
    [1, undefined, undefined, [1, 0]],
    [4, '50%', '50%', [2, 2]],
    [4, 0, 0, [0, 1]],
    [0, '25%', '25%', [0, 1]],
    [2, 5, 9, [5, 2]],
    [3, '0%', '10%', [0, 1]],
  ];
  for (const [replicas, surge, unavailable, want] of table) {
    test(`of ${replicas} with ${surge} and ${unavailable}`, () => {
      const limits = rolloutLimits(deployment(replicas, surge, unavailable));
      assert.deepEqual([limits.maxSurge, limits.maxUnavailable], want);
    });
  }
});

interface Step {
  readonly name: string;
  readonly deployment: Deployment;
  readonly current: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  readonly want: Readonly<Record<string, number>>;
}

const steps: readonly Step[] = [
  {
    name: 'the new one grows into the surge',
    deployment: deployment(10, 3, 2),
    current: set('new', 0),
    old: [set('old', 10)],
    want: { new: 3 },
  },
  {
    name: 'then old ones shrink to what must stay available',
    deployment: deployment(10, 3, 2),
    current: set('new', 3, 0),
    old: [set('old', 10)],
    want: { old: 8 },
  },
  {
    name: 'nothing moves while nothing becomes available',
    deployment: deployment(10, 3, 2),
    current: set('new', 5, 0),
    old: [set('old', 8)],
    want: {},
  },
  {
    name: 'room made is used',
    deployment: deployment(10, 3, 2),
    current: set('new', 3, 0),
    old: [set('old', 8)],
    want: { new: 5 },
  },
  {
    name: 'as pods become available, old ones go',
    deployment: deployment(10, 3, 2),
    current: set('new', 5),
    old: [set('old', 8)],
    want: { old: 3 },
  },
  { name: 'the last ones go', deployment: deployment(10, 3, 2), current: set('new', 10), old: [set('old', 3)], want: { old: 0 } },
  {
    name: 'unhealthy old ones go first, of whatever age',
    deployment: deployment(4, 1, 1),
    current: set('new', 1, 0),
    old: [set('older', 2), set('old', 2, 0)],
    want: { old: 1 },
  },
  {
    name: 'the oldest go first',
    deployment: deployment(4, 1, 1),
    current: set('new', 1),
    old: [set('older', 2), set('old', 2)],
    want: { older: 0 },
  },
  {
    name: 'a smaller Deployment shrinks the new one too',
    deployment: deployment(2, 1, 1),
    current: set('new', 5),
    old: [],
    want: { new: 2 },
  },
  { name: 'done', deployment: deployment(3), current: set('new', 3), old: [set('old', 0)], want: {} },
];

describe('a rolling update', () => {
  for (const { name, want, ...rollout } of steps) {
    test(name, () => {
      const got = Object.fromEntries(
        rollingStep(rollout).map(({ replicaSet, replicas }) => [replicaSet.metadata?.name ?? '', replicas]),
      );
      assert.deepEqual(got, want);
    });
  }
});

test('whatever becomes available when, a rolling update never exceeds its limits and always ends', () => {
  const arbitrary = fc.record({
    replicas: fc.nat(12),
    surge: fc.nat(4),
    unavailable: fc.nat(4),
    sizes: fc.array(fc.nat(6), { maxLength: 3 }),
    luck: fc.array(fc.boolean(), { minLength: 8, maxLength: 60 }),
  });
  fc.assert(
    fc.property(arbitrary, ({ replicas, surge, unavailable, sizes, luck }) => {
      const target = deployment(replicas, surge, unavailable);
      const limits = rolloutLimits(target);
      const start = sizes.reduce((sum, size) => sum + size, 0);
      let old = sizes.map((size, index) => set(`old-${index}`, size));
      let current = set('new', currentReplicas({ deployment: target, current: undefined, old }), 0);
      for (let round = 0; round < 400; round++) {
        const plan = new Map(
          rollingStep({ deployment: target, current, old }).map(({ replicaSet, replicas }) => [replicaSet, replicas]),
        );
        const resize = (entry: ReplicaSet): ReplicaSet => {
          const size = plan.get(entry) ?? specReplicas(entry);
          return set(entry.metadata?.name ?? '', size, Math.min(size, entry.status?.availableReplicas ?? 0));
        };
        const before = [current, ...old].reduce((sum, entry) => sum + (entry.status?.availableReplicas ?? 0), 0);
        old = old.map(resize);
        current = resize(current);
        const total = [current, ...old].reduce((sum, entry) => sum + specReplicas(entry), 0);
        const available = [current, ...old].reduce((sum, entry) => sum + (entry.status?.availableReplicas ?? 0), 0);
        assert.ok(total <= Math.max(start, replicas + limits.maxSurge), `${total} pods`);
        assert.ok(
          available >= Math.min(before, replicas - limits.maxUnavailable),
          `only ${available} of ${before} stay available`,
        );
        // Pods become available when luck has it; past the given luck, always.
        if (luck[round] ?? true) current = set('new', specReplicas(current), specReplicas(current));
        if (specReplicas(current) === replicas && old.every((entry) => specReplicas(entry) === 0)) return;
      }
      assert.fail('the rollout does not end');
    }),
  );
});

test('Recreate waits for the last old pod', () => {
  const recreate: Deployment = { spec: { replicas: 3, selector: {}, template: {}, strategy: { type: 'Recreate' } } };
  const old = [set('old', 3)];
  assert.deepEqual(recreateStep({ deployment: recreate, current: undefined, old }, true), [{ replicaSet: old[0], replicas: 0 }]);
  const current = set('new', 0);
  assert.deepEqual(recreateStep({ deployment: recreate, current, old: [set('old', 0)] }, true), []);
  assert.deepEqual(recreateStep({ deployment: recreate, current, old: [set('old', 0)] }, false), [
    { replicaSet: current, replicas: 3 },
  ]);
});

test('a paused Deployment scales what it has', () => {
  const paused = deployment(5);
  const [old, current] = [set('old', 2), set('new', 1)];
  assert.deepEqual(pausedStep({ deployment: paused, current, old: [old] }), [{ replicaSet: current, replicas: 3 }]);
  assert.deepEqual(pausedStep({ deployment: paused, current: undefined, old: [old] }), [{ replicaSet: old, replicas: 5 }]);
});

test('history beyond its limit goes, but never a ReplicaSet with pods', () => {
  const limited = deployment(1, 1, 1, { revisionHistoryLimit: 1 });
  const old = [set('a', 0), set('b', 2), set('c', 0)];
  assert.deepEqual(
    expiredReplicaSets(limited, old).map((entry) => entry.metadata?.name),
    ['a'],
  );
});
