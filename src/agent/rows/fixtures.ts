/** For the tests of rows: Services in few words, histories of them, and a kernel that knows what it must never be left in. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { EndpointSlice, Service } from '../../api/index.ts';
import { decide } from '../../routing/index.ts';
import type { Changes, RowChange } from './changes.ts';
import { publishOrder } from './changes.ts';
import { compileDecision } from './compile.ts';
import { FoundRowsReader, isListSet, noRows } from './found-rows.ts';
import type { FoundRows } from './found-rows.ts';
import { visitList } from './frontend-rows.ts';
import { dropNoLocalEndpoint, parsePickChain, partsOf, rejectNoEndpoint } from './chain-names.ts';
import { outsideOffset } from './layout.ts';
import type { RowSet } from './layout.ts';
import type { Bytes } from './row-bytes.ts';
import { packNumber, unpackNumber } from './row-bytes.ts';
import type { TableState } from './table-state.ts';

/** A Service of the tests: endpoints are numbers; even ones are on this node. */
export interface Spec {
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

/** Makes a state want what a Service of the tests asks for; undefined: the Service is gone. */
export function set(state: TableState, key: string, spec: Spec | undefined): void {
  if (spec === undefined) {
    state.setService(key, undefined);
    return;
  }
  const { service, slices } = objectsOf(key, spec);
  const decision = decide({ service, slices, nodes: new Map(), nodeName: 'n0', family: 'IPv4' });
  state.setService(key, compileDecision(decision));
}

/** The kernel as far as rows go: refuses what it would refuse, and knows what must hold at every moment. */
export class RowKernel {
  readonly rows = noRows();
  readonly chains = new Set<string>();

  apply(changes: Changes, check: () => void = () => undefined): void {
    for (const name of changes.newChains) {
      assert.ok(partsOf(name).every((part) => this.chains.has(part)));
      this.#step(() => assert.ok(!this.chains.has(name) && this.chains.add(name)), check);
    }
    for (const row of changes.ranges.deletes) this.#delete(row.set, row.key);
    for (const row of changes.ranges.adds) this.#add(row.set, row.key, '');
    const lists: RowChange[] = [];
    for (const list of changes.lists) visitList(list, (row) => lists.push({ kind: 'add', row }));
    for (const [rows, order] of [
      [lists, ['endpoints', 'pinned', 'slots']],
      [changes.prepare, ['endpoints', 'pinned', 'slots', 'hairpin', 'sources', 'sources-nodeports', 'source-ranges', 'verdicts']],
      [changes.publish, publishOrder],
      [changes.settle, ['sources', 'sources-nodeports']],
      [changes.withdraw, [...publishOrder].reverse()],
      [
        changes.removals,
        ['verdicts', 'source-ranges', 'sources-nodeports', 'sources', 'hairpin', 'slots', 'pinned', 'endpoints'],
      ],
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
      const isNamed = [...(this.rows.get('verdicts')?.values() ?? [])].includes(name);
      assert.ok(!isNamed && [...this.chains].every((chain) => !partsOf(chain).includes(name)));
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
    if (name === 'verdicts' && parsePickChain(data) !== undefined)
      assert.ok(this.chains.has(data), `a verdict leads to ${data}, which is not there`);
    this.rows.get(name)?.set(key, data);
  }

  #delete(name: RowSet, key: Bytes): void {
    assert.ok(this.rows.get(name)?.delete(key), `${name}: deleted what is not there`);
  }

  /** Every verdict leads to a chain that is there, and every index it may draw leads to an endpoint. */
  assertServing(): void {
    for (const name of ['services', 'services-outside', 'nodeports', 'nodeports-outside'] as const) {
      for (const [key, number] of this.rows.get(name) ?? []) {
        const verdict = this.rows.get('verdicts')?.get(number);
        assert.ok(verdict !== undefined, `${name} holds a number that leads nowhere`);
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

/** Every row that a state wants, each key once. */
export function rowsOf(state: TableState): Map<RowSet, Map<Bytes, Bytes>> {
  const rows = noRows();
  for (const row of state.allRows()) {
    assert.ok(!rows.get(row.set)?.has(row.key), `${row.set}: one key twice`);
    rows.get(row.set)?.set(row.key, row.data ?? '');
  }
  return rows;
}

/** What an agent that starts would find. */
export function readBack(rows: FoundRows['rows']): FoundRows {
  const reader = new FoundRowsReader('IPv4');
  for (const [name, elements] of rows) {
    for (const [key, data] of elements) {
      if (isListSet(name)) reader.addListRow(name, key.slice(0, -4), unpackNumber(key, key.length - 4), data);
      else reader.addRow(name, key, data);
    }
  }
  return reader.finish();
}

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
/** Syncs, each of a few Services that change. */
export const history = fc.array(
  fc.array(fc.tuple(fc.constantFrom('ns/a', 'ns/b', 'ns/c'), specs), { minLength: 1, maxLength: 3 }),
  {
    maxLength: 12,
  },
);
