import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeObject } from '../../client/index.ts';
import { configMaps } from '../../api/index.ts';
import { OwnerGraph } from './owner-graph.ts';
import { planCollection } from './plan-collection.ts';
import type { OwnerState } from './plan-collection.ts';

function object(
  uid: string,
  owners: readonly string[] = [],
  more: { readonly finalizers?: string[]; readonly deleted?: boolean; readonly blocks?: boolean } = {},
): KubeObject {
  return {
    metadata: {
      uid,
      name: uid,
      finalizers: more.finalizers,
      ownerReferences: owners.map((owner) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        name: owner,
        uid: owner,
        blockOwnerDeletion: more.blocks ?? true,
      })),
      ...(more.deleted === true && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
  };
}

const foreground = { deleted: true, finalizers: ['keep', 'foregroundDeletion'] };

const table: readonly [
  name: string,
  object: KubeObject,
  dependents: readonly KubeObject[],
  states: Readonly<Record<string, OwnerState>>,
  want: string,
][] = [
  ['without owners', object('a'), [], {}, 'nothing'],
  ['with its owner there', object('a', ['o']), [], { o: 'solid' }, 'nothing'],
  ['with an owner of an unknown kind', object('a', ['o']), [], { o: 'unknown' }, 'nothing'],
  ['with its owner gone', object('a', ['o']), [], { o: 'absent' }, 'delete Background'],
  ['with one of two owners gone', object('a', ['o', 'p']), [], { o: 'absent', p: 'solid' }, 'drop-owners p'],
  ['with one owner there and one waiting', object('a', ['o', 'p']), [], { o: 'solid', p: 'waiting' }, 'drop-owners o'],
  ['with both owners gone', object('a', ['o', 'p']), [], { o: 'absent', p: 'absent' }, 'delete Background'],
  ['with its owner waiting', object('a', ['o']), [], { o: 'waiting' }, 'delete Background'],
  [
    'with its owner waiting and dependents of its own',
    object('a', ['o']),
    [object('d', ['a'])],
    { o: 'waiting' },
    'delete Foreground',
  ],
  [
    'with its owner gone and an orphan finalizer',
    object('a', ['o'], { finalizers: ['orphan'] }),
    [],
    { o: 'absent' },
    'delete Orphan',
  ],
  ['being deleted', object('a', ['o'], { deleted: true, finalizers: ['x'] }), [], { o: 'absent' }, 'nothing'],
  [
    'deleted in the foreground with a blocking dependent',
    object('a', [], foreground),
    [object('d', ['a'])],
    {},
    'delete-dependents',
  ],
  [
    'deleted in the foreground with a dependent that does not block',
    object('a', [], foreground),
    [object('d', ['a'], { blocks: false })],
    {},
    'drop-finalizer keep',
  ],
  ['deleted in the foreground with no dependent', object('a', [], foreground), [], {}, 'drop-finalizer keep'],
  [
    'deleted as an orphan-maker',
    object('a', [], { deleted: true, finalizers: ['orphan'] }),
    [object('d', ['a'])],
    {},
    'orphan-dependents ',
  ],
];

describe('an object', () => {
  for (const [name, subject, dependents, states, want] of table) {
    test(name, () => {
      const plan = planCollection({ object: subject, dependents, ownerState: ({ uid }) => states[uid] ?? 'unknown' });
      const detail = {
        nothing: '',
        'delete-dependents': '',
        'drop-finalizer': 'finalizers' in plan ? ` ${plan.finalizers.join()}` : '',
        'orphan-dependents': 'finalizers' in plan ? ` ${plan.finalizers.join()}` : '',
        'drop-owners': 'ownerReferences' in plan ? ` ${plan.ownerReferences.map(({ uid }) => uid).join()}` : '',
        delete: 'propagationPolicy' in plan ? ` ${plan.propagationPolicy}` : '',
      }[plan.action];
      assert.equal(plan.action + detail, want);
    });
  }
});

test('the graph knows dependents before and after their owner, and forgets them with their references', () => {
  const graph = new OwnerGraph();
  graph.set(configMaps, object('d', ['o']));
  const uids = (): (string | undefined)[] => graph.dependentsOf('o').map((entry) => entry.object.metadata?.uid);
  assert.deepEqual(uids(), ['d']);
  graph.set(configMaps, object('o'));
  graph.delete('o');
  assert.deepEqual(uids(), ['d']);
  graph.set(configMaps, object('d', ['p']));
  assert.deepEqual(uids(), []);
  graph.delete('d');
  assert.deepEqual(graph.dependentsOf('p'), []);
});
