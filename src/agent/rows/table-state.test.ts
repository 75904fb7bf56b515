/** Rows from decisions: what a change costs, that it leads to what a fresh computation gives, and that every prefix of it is safe. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { IpFamily } from '../../net/index.ts';
import type { Changes } from './changes.ts';
import { history, readBack, RowKernel, rowsOf, set } from './fixtures.ts';
import type { Spec } from './fixtures.ts';
import { intervalSets, rowSets } from './layout.ts';
import type { RowSet } from './layout.ts';
import type { Bytes } from './row-bytes.ts';
import { addressLength, endpointText, frontendLength, packFrontend } from './row-bytes.ts';
import { TableState } from './table-state.ts';

function endpointsOf(state: TableState, address = '10.96.0.1'): string[] {
  const frontend = state.getFrontend(packFrontend('IPv4', address, 'TCP', 80));
  return (frontend?.inside.list.endpoints ?? []).map((data) => endpointText(data).replace('10.244.', '').replace(':8080', ''));
}

const web = 'ns/web';
const at = { address: '10.96.0.1' };

/** The changes that lead from one Service spec to another, after the first has been taken. */
function changesBetween(before: Spec, after: Spec | undefined): Changes {
  const state = new TableState('IPv4');
  set(state, web, { ...at, ...before });
  state.takeChanges();
  set(state, web, after === undefined ? undefined : { ...at, ...after });
  return state.takeChanges().changes;
}

describe('what one change costs', () => {
  for (const [name, before, after, want] of [
    ['nothing changed', { endpoints: [1, 3, 5] }, { endpoints: [5, 3, 1] }, 0],
    ['an endpoint replaced: one row', { endpoints: [1, 3, 5] }, { endpoints: [1, 3, 7] }, 1],
    ['an endpoint added: its row, its number, two chains and their numbers', { endpoints: [1, 3] }, { endpoints: [1, 3, 5] }, 6],
    [
      'the first endpoint removed: the last moves, its number, two chains and their numbers',
      { endpoints: [1, 3, 5] },
      { endpoints: [3, 5] },
      7,
    ],
    ['the last endpoint gone: its number, its row, a chain, two numbers of chains', { endpoints: [1] }, { endpoints: [] }, 5],
    [
      'affinity, an endpoint replaced: slot, new pin, old pin',
      { endpoints: [1, 3, 5], affinity: 10 },
      { endpoints: [1, 3, 7], affinity: 10 },
      3,
    ],
    [
      'affinity, another timeout: its number, two chains and their numbers, two steps for each timeout',
      { endpoints: [1, 3], affinity: 10 },
      { endpoints: [1, 3], affinity: 20 },
      9,
    ],
  ] as const) {
    it(name, () => assert.equal(changesBetween(before, after).size, want));
  }

  it('affinity, an endpoint added: its two rows, its number, two chains and their numbers; the steps stay', () => {
    const changes = changesBetween({ endpoints: [1, 3], affinity: 10 }, { endpoints: [1, 3, 5], affinity: 10 });
    assert.deepEqual([changes.size, changes.newChains, changes.oldChains], [7, ['sticky-3-10'], ['sticky-2-10']]);
  });

  it('an endpoint added: no other chain when there is one for so many', () => {
    const state = new TableState('IPv4');
    set(state, web, { ...at, endpoints: [1, 3] });
    set(state, 'ns/two', { endpoints: [1, 3] });
    set(state, 'ns/three', { endpoints: [1, 3, 5] });
    state.takeChanges();
    set(state, web, { ...at, endpoints: [1, 3, 5] });
    const { changes } = state.takeChanges();
    assert.deepEqual([changes.size, changes.newChains, changes.oldChains], [2, [], []], 'its row and its number');
  });

  it('does not grow with the number of endpoints', () => {
    const many = Array.from({ length: 120 }, (_, index) => 2 * index + 1);
    assert.equal(
      changesBetween({ endpoints: many.slice(0, 110) }, { endpoints: [...many.slice(1, 110), many[115] ?? 0] }).size,
      1,
    );
  });

  it('a policy that changes what outside clients may reach gives all endpoints new ids', () => {
    const state = new TableState('IPv4');
    const spec: Spec = { ...at, endpoints: [2, 4], affinity: 10, external: true };
    const ids = () => state.getFrontend(packFrontend('IPv4', '10.0.8.1', 'TCP', 80))?.inside.list.ids ?? [];
    set(state, web, spec);
    const before = ids();
    set(state, web, { ...spec, local: true });
    assert.equal(before.length, 2);
    assert.ok(ids().every((id) => !before.includes(id)));
  });
});

describe('a client that changes scope', () => {
  const nodeRows = (pods: readonly Bytes[]) => ({ 'nodeport-ips': [], 'service-cidrs': [], pods });
  for (const [name, spec, hasNewIds] of [
    ['loses its pin where outside clients are led elsewhere', { local: true }, true],
    ['keeps it where they are not', { local: false }, false],
  ] as const) {
    it(name, () => {
      const state = new TableState('IPv4');
      const key = packFrontend('IPv4', '10.0.8.1', 'TCP', 80);
      const wanted: Spec = { ...at, endpoints: [1, 2, 4], affinity: 10, external: true, ...spec };
      state.setNodeRows(nodeRows(['a pod range']));
      set(state, web, wanted);
      state.takeChanges();
      const before = state.getFrontend(key)?.inside.list.ids ?? [];
      state.setNodeRows(nodeRows([]));
      set(state, web, wanted);
      const { changes } = state.takeChanges();
      const after = state.getFrontend(key)?.inside.list.ids ?? [];
      assert.equal(before.length, 3);
      assert.equal(
        after.every((id) => !before.includes(id)),
        hasNewIds,
      );
      assert.ok(changes.size > 0);
      set(state, web, wanted);
      assert.equal(state.takeChanges().changes.size, 0, 'once');
    });

    for (const [when, pods, isPinVoid] of [
      ['while no agent ran', ['another pod range'], hasNewIds],
      ['by nothing: the agent only started again', ['a pod range', 'a pod range'], false],
    ] as const) {
      it(`${name}, ${when}`, () => {
        const state = new TableState('IPv4');
        const key = packFrontend('IPv4', '10.0.8.1', 'TCP', 80);
        const wanted: Spec = { ...at, endpoints: [1, 2, 4], affinity: 10, external: true, ...spec };
        state.setNodeRows(nodeRows(['a pod range']));
        set(state, web, wanted);
        const kernel = new RowKernel();
        kernel.apply(state.takeChanges().changes);
        const before = state.getFrontend(key)?.inside.list.ids ?? [];
        const next = new TableState('IPv4', readBack(kernel.rows));
        next.setNodeRows(nodeRows(pods));
        set(next, web, wanted);
        const after = next.getFrontend(key)?.inside.list.ids ?? [];
        assert.equal(before.length, 3);
        assert.deepEqual(
          [after.every((id) => !before.includes(id)), after.some((id) => !before.includes(id))],
          [isPinVoid, isPinVoid],
        );
      });
    }
  }
});

describe('indexes', () => {
  it('stay with their endpoint; a new one takes the hole, the last moves into what is left', () => {
    const state = new TableState('IPv4');
    set(state, web, { ...at, endpoints: [1, 3, 5, 7] });
    assert.deepEqual(endpointsOf(state), ['1.1', '1.3', '1.5', '1.7']);
    set(state, web, { ...at, endpoints: [3, 5, 7, 9] });
    assert.deepEqual(endpointsOf(state), ['1.9', '1.3', '1.5', '1.7']);
    set(state, web, { ...at, endpoints: [5, 7, 9] });
    assert.deepEqual(endpointsOf(state), ['1.9', '1.7', '1.5']);
    set(state, web, { ...at, endpoints: [7] });
    assert.deepEqual(endpointsOf(state), ['1.7']);
  });

  it('an id is never given twice, even to an endpoint that comes back', () => {
    const state = new TableState('IPv4');
    const seen = new Set<number>();
    for (const endpoints of [[1, 3], [1], [1, 3], [3], [1, 3]]) {
      const before = state.getFrontend(packFrontend('IPv4', '10.96.0.1', 'TCP', 80))?.inside.list;
      set(state, web, { ...at, endpoints, affinity: 10 });
      const after = state.getFrontend(packFrontend('IPv4', '10.96.0.1', 'TCP', 80))?.inside.list;
      for (const [index, id] of (after?.ids ?? []).entries()) {
        const isKept = before?.ids?.includes(id) === true && before.endpoints[before.ids.indexOf(id)] === after?.endpoints[index];
        assert.ok(isKept || !seen.has(id), `id ${id} was given before`);
        seen.add(id);
      }
    }
  });
});

describe('shared rows', () => {
  it('a thousand Services need no more chains than one of each kind', () => {
    const state = new TableState('IPv4');
    for (let index = 0; index < 1000; index++)
      set(state, `ns/${index}`, {
        endpoints: index % 2 === 0 ? [1, 3] : [1, 3, 5],
        address: `10.96.${index >> 8}.${index & 255}`,
      });
    assert.deepEqual([...state.chainsOnDemand()].sort(), ['pick-2', 'pick-3']);
  });

  it('a chain lives as long as any verdict leads to it', () => {
    const state = new TableState('IPv4');
    set(state, 'ns/a', { endpoints: [1, 3] });
    set(state, 'ns/b', { endpoints: [5, 7] });
    assert.deepEqual(state.takeChanges().changes.newChains, ['pick-2']);
    set(state, 'ns/a', undefined);
    assert.deepEqual(state.takeChanges().changes.oldChains, []);
    set(state, 'ns/b', undefined);
    assert.deepEqual(state.takeChanges().changes.oldChains, ['pick-2']);
  });

  it('a hairpin row lives as long as any Service has the endpoint', () => {
    const state = new TableState('IPv4');
    const hairpins = () => [...state.allRows()].filter((row) => row.set === 'hairpin').length;
    set(state, 'ns/a', { endpoints: [2] });
    set(state, 'ns/b', { endpoints: [2, 4] });
    assert.equal(hairpins(), 2);
    set(state, 'ns/b', undefined);
    assert.equal(hairpins(), 1);
  });

  it('a frontend that two Services claim goes to the other when its owner goes', () => {
    const state = new TableState('IPv4');
    set(state, 'ns/a', { ...at, endpoints: [1] });
    set(state, 'ns/b', { ...at, endpoints: [3] });
    assert.deepEqual(endpointsOf(state), ['1.1']);
    assert.deepEqual(
      state.lostClaims().map(({ service, winner }) => [service, winner]),
      [['ns/b', 'ns/a']],
    );
    set(state, 'ns/a', undefined);
    assert.deepEqual(endpointsOf(state), ['1.3']);
    assert.deepEqual(state.lostClaims(), []);
  });

  it('a Service that is deleted and made again between two syncs costs nothing', () => {
    const state = new TableState('IPv4');
    set(state, web, { ...at, endpoints: [1, 3], affinity: 10 });
    state.takeChanges();
    set(state, web, undefined);
    set(state, web, { ...at, endpoints: [1, 3], affinity: 10 });
    assert.equal(state.takeChanges().changes.size, 0);
  });
});

describe('any history of changes', () => {
  it('leads to the rows of a fresh computation, the kernel refuses nothing, and every step on the way serves', () => {
    fc.assert(
      fc.property(history, (syncs) => {
        const state = new TableState('IPv4');
        const kernel = new RowKernel();
        for (const sync of syncs) {
          for (const [key, spec] of sync) set(state, key, spec);
          kernel.apply(state.takeChanges().changes, () => kernel.assertServing());
          assert.deepEqual(kernel.rows, rowsOf(state));
          assert.deepEqual(kernel.chains, new Set(state.chainsOnDemand()));
          for (const name of rowSets) assert.equal(state.sizes.get(name) ?? 0, kernel.rows.get(name)?.size);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('keys', () => {
  it('have the lengths that the sets declare', () => {
    const state = new TableState('IPv4');
    set(state, web, { ...at, endpoints: [2, 4], external: true, local: true, affinity: 10, ranges: ['192.0.2.0/24'] });
    set(state, 'ns/b', { endpoints: [1] });
    const family: IpFamily = 'IPv4';
    const frontend = frontendLength(family);
    const address = addressLength(family);
    const lengths: Partial<Record<RowSet, number>> = {
      services: frontend,
      'services-outside': frontend,
      nodeports: 8,
      'nodeports-outside': 8,
      endpoints: frontend + 4,
      slots: frontend + 4,
      pinned: frontend + 4,
      hairpin: 2 * address,
      sources: frontend,
      'sources-nodeports': 8,
      'cluster-ips': address,
      verdicts: 4,
      firewalled: frontend,
      'source-ranges': 2 * (address + frontend),
    };
    const seen = new Set<RowSet>();
    for (const row of state.allRows()) {
      seen.add(row.set);
      assert.equal(row.key.length, lengths[row.set], row.set);
      if (intervalSets.has(row.set)) assert.equal(row.data, undefined);
    }
    assert.deepEqual([...seen].sort(), Object.keys(lengths).sort());
  });
});
