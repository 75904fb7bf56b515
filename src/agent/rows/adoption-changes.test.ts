/** A table that is there already is made right, whatever it was left in. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { adoptionChanges } from './adoption-changes.ts';
import { history, readBack, RowKernel, rowsOf, set } from './fixtures.ts';
import { listSets } from './found-rows.ts';
import { outsideOffset } from './layout.ts';
import { packNumber } from './row-bytes.ts';
import { TableState } from './table-state.ts';

describe('a table after any history', () => {
  it('is adopted without a change when the same is wanted, and with the right ones when something else is', () => {
    fc.assert(
      fc.property(history, history, (syncs, later) => {
        const before = new TableState('IPv4');
        for (const [key, spec] of syncs.flat()) set(before, key, spec);
        const kernel = new RowKernel();
        kernel.apply(before.takeChanges().changes);

        const last = new Map(syncs.flat());
        const found = readBack(kernel.rows);
        const again = new TableState('IPv4', found);
        for (const [key, spec] of last) set(again, key, spec);
        assert.equal(adoptionChanges(again, found, kernel.chains).size, 0);

        const other = new TableState('IPv4', found);
        for (const [key, spec] of new Map(later.flat())) set(other, key, spec);
        kernel.apply(adoptionChanges(other, found, kernel.chains), () => kernel.assertServing());
        assert.deepEqual(kernel.rows, rowsOf(other));
      }),
      { numRuns: 200 },
    );
  });
});

describe('a table that was left in the middle', () => {
  it('after any step of a sync is made right, and serves at every step of that', () => {
    fc.assert(
      fc.property(history, history, fc.nat(40), (syncs, later, steps) => {
        const state = new TableState('IPv4');
        const kernel = new RowKernel();
        for (const [key, spec] of syncs.flat()) set(state, key, spec);
        kernel.apply(state.takeChanges().changes);
        for (const [key, spec] of later.flat()) set(state, key, spec);
        let left = steps;
        try {
          kernel.apply(state.takeChanges().changes, () => assert.ok(left-- > 0, killed));
        } catch (error) {
          if (!(error instanceof assert.AssertionError && error.message === killed)) throw error;
        }
        const found = readBack(kernel.rows);
        const next = new TableState('IPv4', found);
        for (const [key, spec] of new Map([...syncs, ...later].flat())) set(next, key, spec);
        kernel.apply(adoptionChanges(next, found, kernel.chains), () => kernel.assertServing());
        assert.deepEqual(kernel.rows, rowsOf(next));
        assert.deepEqual(kernel.chains, new Set(next.chainsOnDemand()));
      }),
      { numRuns: 300 },
    );
  });

  it('by somebody who deleted, changed and added rows is made right', () => {
    const damage = fc.array(
      fc.record({ set: fc.constantFrom(...listSets), pick: fc.nat(), kind: fc.constantFrom('delete', 'change', 'add') }),
    );
    fc.assert(
      fc.property(history, damage, (syncs, blows) => {
        const state = new TableState('IPv4');
        const kernel = new RowKernel();
        for (const [key, spec] of syncs.flat()) set(state, key, spec);
        kernel.apply(state.takeChanges().changes);
        for (const { set: name, pick, kind } of blows) {
          const rows = kernel.rows.get(name);
          const [key, data] = [...(rows ?? [])].at(pick % Math.max(1, rows?.size ?? 0)) ?? [];
          if (key === undefined || data === undefined) continue;
          if (kind === 'delete') rows?.delete(key);
          else if (kind === 'change') rows?.set(key, [...rows.values()].at(pick % 7) ?? data);
          else rows?.set(key.slice(0, -4) + packNumber((pick % 9) * (outsideOffset / 2)), data);
        }
        const found = readBack(kernel.rows);
        const next = new TableState('IPv4', found);
        for (const [key, spec] of new Map(syncs.flat())) set(next, key, spec);
        kernel.apply(adoptionChanges(next, found, kernel.chains));
        assert.deepEqual(kernel.rows, rowsOf(next));
      }),
      { numRuns: 300 },
    );
  });
});

const killed = 'killed';
