/** Rows from decisions: what a change costs, that it leads to what a fresh computation gives, and that every prefix of it is safe. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { EndpointSlice, Service } from '../api/index.ts';
import type { IpFamily } from '../net/index.ts';
import { decide } from '../routing/index.ts';
import { adoptionChanges } from './adoption-changes.ts';
import type { Changes, RowChange } from './changes.ts';
import { publishOrder } from './changes.ts';
import { compileDecision } from './compile.ts';
import { intervalSets, outsideOffset, parsePickChain, rejectNoEndpoint, dropNoLocalEndpoint, rowSets } from './layout.ts';
import { FoundRowsReader, isListSet, listSets, noRows } from './found-rows.ts';
import type { FoundRows } from './found-rows.ts';
import { visitList } from './frontend-rows.ts';
import type { RowSet } from './layout.ts';
import type { Bytes } from './row-bytes.ts';
import { addressLength, endpointText, frontendLength, packFrontend, packNumber, unpackNumber } from './row-bytes.ts';
import { TableState } from './table-state.ts';

/** A Service of the tests: endpoints are numbers; even ones are on this node. */
interface Spec {
  readonly endpoints: readonly number[];
  readonly local?: boolean;
  readonly affinity?: number;
  readonly external?: boolean;
  readonly ranges?: readonly string[];
  readonly port?: number;
  readonly address?: string;
}

function objectsOf(key: string, spec: Spec): { service: Service; slices: EndpointSlice[] } {
  const [namespace, name] = key.split('/');
  const clusterIp = spec.address ?? `10.96.0.${key.length + (key.codePointAt(key.length - 1) ?? 0)}`;
  return {
    service: {
      metadata: { namespace, name, creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: {
        type: spec.external === true ? 'LoadBalancer' : 'ClusterIP',
        clusterIP: clusterIp,
        ports: [
          {
            port: spec.port ?? 80,
            protocol: 'TCP',
            ...(spec.external === true ? { nodePort: 30_000 + (key.codePointAt(key.length - 1) ?? 0) } : {}),
          },
        ],
        externalTrafficPolicy: spec.local === true ? 'Local' : 'Cluster',
        ...(spec.affinity === undefined
          ? {}
          : { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: spec.affinity } } }),
        ...(spec.ranges === undefined ? {} : { loadBalancerSourceRanges: spec.ranges }),
      },
      ...(spec.external === true ? { status: { loadBalancer: { ingress: [{ ip: '10.0.8.1' }] } } } : {}),
    },
    slices: [
      {
        metadata: { namespace, name: `${name}-1`, labels: { 'kubernetes.io/service-name': name ?? '' } },
        addressType: 'IPv4',
        ports: [{ name: '', protocol: 'TCP', port: 8080 }],
        endpoints: spec.endpoints.map((number) => ({
          addresses: [`10.244.${number % 2}.${number}`],
          nodeName: `n${number % 2}`,
        })),
      },
    ],
  };
}

function set(state: TableState, key: string, spec: Spec | undefined): void {
  if (spec === undefined) {
    state.setService(key, undefined);
    return;
  }
  const { service, slices } = objectsOf(key, spec);
  const decision = decide({ service, slices, nodes: new Map(), nodeName: 'n0', family: 'IPv4' });
  state.setService(key, compileDecision(decision));
}

/** The kernel as far as rows go: refuses what it would refuse, and knows what must hold at every moment. */
class RowKernel {
  readonly rows = noRows();
  readonly chains = new Set<string>();

  apply(changes: Changes, check: () => void = () => undefined): void {
    for (const name of changes.newChains) this.#step(() => assert.ok(!this.chains.has(name) && this.chains.add(name)), check);
    for (const row of changes.ranges.deletes) this.#delete(row.set, row.key);
    for (const row of changes.ranges.adds) this.#add(row.set, row.key, '');
    const lists: RowChange[] = [];
    for (const list of changes.lists) visitList(list, (row) => lists.push({ kind: 'add', row }));
    for (const [rows, order] of [
      [lists, ['endpoints', 'pinned', 'slots']],
      [changes.prepare, ['endpoints', 'pinned', 'slots', 'hairpin', 'sources', 'sources-nodeports', 'source-ranges']],
      [changes.publish, publishOrder],
      [changes.settle, ['sources', 'sources-nodeports']],
      [changes.withdraw, [...publishOrder].reverse()],
      [changes.removals, ['source-ranges', 'sources-nodeports', 'sources', 'hairpin', 'slots', 'pinned', 'endpoints']],
    ] as const) {
      const known = new Set<string>(order);
      assert.deepEqual(
        rows.filter(({ row }) => !known.has(row.set)),
        [],
      );
      for (const name of order)
        for (const change of rows) if (change.row.set === name) this.#step(() => this.#apply(change), check);
    }
    for (const name of changes.oldChains) {
      this.#step(() => assert.ok(this.chains.delete(name)), check);
    }
  }

  #step(change: () => void, check: () => void): void {
    change();
    check();
  }

  #apply({ kind, row }: RowChange): void {
    if (kind !== 'add') this.#delete(row.set, row.key);
    if (kind !== 'delete') this.#add(row.set, row.key, row.data ?? '');
  }

  #add(name: RowSet, key: Bytes, data: Bytes): void {
    assert.ok(!this.rows.get(name)?.has(key), `${name}: added over an existing key`);
    this.rows.get(name)?.set(key, data);
  }

  #delete(name: RowSet, key: Bytes): void {
    assert.ok(this.rows.get(name)?.delete(key), `${name}: deleted what is not there`);
  }

  /** Every verdict leads to a chain that is there, and every index it may draw leads to an endpoint. */
  assertServing(): void {
    for (const name of ['services', 'services-outside', 'nodeports', 'nodeports-outside'] as const) {
      for (const [key, verdict] of this.rows.get(name) ?? []) {
        if (verdict === rejectNoEndpoint || verdict === dropNoLocalEndpoint) continue;
        assert.ok(this.chains.has(verdict), `${name} leads to ${verdict}, which is not there`);
        const chain = parsePickChain(verdict);
        assert.ok(chain !== undefined);
        const frontend = name.startsWith('nodeports') ? '\0\0\0\0' + key : key;
        for (let index = 0; index < chain.count; index++) {
          const slot = frontend + packNumber(index + (chain.isOutside ? outsideOffset : 0));
          if (chain.timeoutSeconds === undefined)
            assert.ok(this.rows.get('endpoints')?.has(slot), `${verdict}: no endpoint at ${index}`);
          else {
            const id = this.rows.get('slots')?.get(slot);
            assert.ok(
              id !== undefined && this.rows.get('pinned')?.has(frontend + id),
              `${verdict}: nothing pinned at slot ${index}`,
            );
          }
        }
      }
    }
    for (const key of this.rows.get('firewalled')?.keys() ?? []) {
      const hasRange = [...(this.rows.get('source-ranges')?.keys() ?? [])].some((range) => range.slice(4, 16) === key);
      assert.ok(hasRange, 'a firewalled frontend without ranges');
    }
  }
}

function rowsOf(state: TableState): Map<RowSet, Map<Bytes, Bytes>> {
  const rows = noRows();
  for (const row of state.allRows()) {
    assert.ok(!rows.get(row.set)?.has(row.key), `${row.set}: one key twice`);
    rows.get(row.set)?.set(row.key, row.data ?? '');
  }
  return rows;
}

function readBack(rows: FoundRows['rows']): FoundRows {
  const reader = new FoundRowsReader('IPv4');
  for (const [name, elements] of rows) {
    for (const [key, data] of elements) {
      if (isListSet(name)) reader.addListRow(name, key.slice(0, -4), unpackNumber(key, key.length - 4), data);
      else reader.addRow(name, key, data);
    }
  }
  return reader.finish();
}

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
    ['an endpoint added: its row, the verdict, two chains', { endpoints: [1, 3] }, { endpoints: [1, 3, 5] }, 4],
    ['the first endpoint removed: the last moves, verdict, two chains', { endpoints: [1, 3, 5] }, { endpoints: [3, 5] }, 5],
    ['the last endpoint gone: verdict, row, chain', { endpoints: [1] }, { endpoints: [] }, 3],
    [
      'affinity, an endpoint replaced: slot, new pin, old pin',
      { endpoints: [1, 3, 5], affinity: 10 },
      { endpoints: [1, 3, 7], affinity: 10 },
      3,
    ],
    [
      'affinity, another timeout: verdict and two chains',
      { endpoints: [1, 3], affinity: 10 },
      { endpoints: [1, 3], affinity: 20 },
      3,
    ],
  ] as const) {
    it(name, () => assert.equal(changesBetween(before, after).size, want));
  }

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
    assert.deepEqual([...state.pickChains()].sort(), ['pick-2', 'pick-3']);
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

const specs: fc.Arbitrary<Spec | undefined> = fc.option(
  fc.record(
    {
      endpoints: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 8 }),
      local: fc.boolean(),
      external: fc.boolean(),
      affinity: fc.constantFrom(10, 20),
      ranges: fc.uniqueArray(fc.constantFrom('192.0.2.0/24', '192.0.2.0/25', '198.51.100.0/24', 'fd00::/8'), { maxLength: 3 }),
      port: fc.constantFrom(80, 81),
      address: fc.constantFrom('10.96.0.1', '10.96.0.2'),
    },
    { requiredKeys: ['endpoints'] },
  ),
  { nil: undefined, freq: 5 },
);
const history = fc.array(fc.array(fc.tuple(fc.constantFrom('ns/a', 'ns/b', 'ns/c'), specs), { minLength: 1, maxLength: 3 }), {
  maxLength: 12,
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
          assert.deepEqual(kernel.chains, new Set(state.pickChains()));
          for (const name of rowSets) assert.equal(state.sizes.get(name) ?? 0, kernel.rows.get(name)?.size);
        }
      }),
      { numRuns: 300 },
    );
  });

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
        assert.deepEqual(kernel.chains, new Set(next.pickChains()));
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
