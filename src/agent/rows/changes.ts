/** Changes of kernel rows, in an order that is safe at every prefix. Pure. */
import type { NftCounter } from '../../linux/index.ts';
import type { EndpointList } from './endpoint-list.ts';
import { sourceNumbers } from './chain-names.ts';
import type { RowSet } from './layout.ts';
import { packNumber } from './row-bytes.ts';
import type { Bytes } from './row-bytes.ts';

/** One element. Of `verdicts` the `data` is the name of the chain to go to; of a plain set it is absent. */
export interface Row {
  readonly set: RowSet;
  /** Of an interval set: first key, then last key, both inclusive. */
  readonly key: Bytes;
  readonly data?: Bytes;
  /** Of a counted map: what its counter starts from; absent: zero. */
  readonly counter?: NftCounter;
}

export type RowChange =
  | { readonly kind: 'add' | 'delete'; readonly row: Row }
  /** Delete and add of the same key: they must share a transaction. */
  | { readonly kind: 'replace'; readonly row: Row };

/** A list of endpoints in its place: the rows `frontend . offset + index`. */
export interface PlacedList {
  readonly frontend: Bytes;
  readonly list: EndpointList;
  readonly offset: number;
}

/**
 * What one sync does. In order: chains; lists that are new; other data that verdicts will lead to; the door before the house (`firewalled`); verdicts;
 * what needs them in force; removals in reverse; chains that nothing names any more. Every packet reads each map anew, so a verdict may only name what
 * is complete. Source: reference order verified under traffic.
 */
export class Changes {
  readonly newChains: string[] = [];
  /** All rows of these are added. By far most of a full sync: no row of them is ever an object. */
  readonly lists: PlacedList[] = [];
  readonly prepare: RowChange[] = [];
  /** Overlapping ranges exclude each other: deletes go first, and should share a transaction with the adds. */
  readonly ranges: { readonly deletes: Row[]; readonly adds: Row[] } = { deletes: [], adds: [] };
  readonly publish: RowChange[] = [];
  /** What holds only once the new verdicts do: sources are kept from then on, not before, or answers would miss this node. */
  readonly settle: RowChange[] = [];
  readonly withdraw: RowChange[] = [];
  readonly removals: RowChange[] = [];
  readonly oldChains: string[] = [];

  /** Records that a row is to be as `after`, where it was `before`; either may be absent. */
  change(set: RowSet, key: Bytes, before: Bytes | undefined, after: Bytes | undefined): void {
    if (after === undefined) this.delete({ set, key });
    else if (before === undefined) this.add({ set, key, data: after });
    else if (before !== after) this.#stageOf(set, after).push({ kind: 'replace', row: { set, key, data: after } });
  }

  add(row: Row): void {
    if (rangeSets.has(row.set)) this.ranges.adds.push(row);
    else (publishedSets.has(row.set) ? this.publish : this.prepare).push({ kind: 'add', row });
  }

  delete(row: Row): void {
    if (rangeSets.has(row.set)) this.ranges.deletes.push(row);
    else (publishedSets.has(row.set) ? this.withdraw : this.removals).push({ kind: 'delete', row });
  }

  #stageOf(set: RowSet, data: Bytes): RowChange[] {
    if (publishedSets.has(set)) return this.publish;
    return sourceSets.has(set) && data === keepsSources ? this.settle : this.prepare;
  }

  get isEmpty(): boolean {
    return this.size === 0;
  }

  /** Rows and chains that change; a replaced row counts once. */
  get size(): number {
    const { newChains, lists, prepare, ranges, publish, settle, withdraw, removals, oldChains } = this;
    return (
      newChains.length +
      lists.reduce((sum, { list }) => sum + rowCountOf(list), 0) +
      prepare.length +
      ranges.deletes.length +
      ranges.adds.length +
      publish.length +
      settle.length +
      withdraw.length +
      removals.length +
      oldChains.length
    );
  }
}

/** Rows of a list: with affinity an endpoint has two. */
export function rowCountOf({ endpoints, ids }: EndpointList): number {
  return ids === undefined ? endpoints.length : 2 * endpoints.length;
}

/** Under externalTrafficPolicy Local outside clients keep their address. While they are still led to other nodes they must not. */
const keepsSources = packNumber(sourceNumbers['source-local']);
const sourceSets: ReadonlySet<RowSet> = new Set(['sources', 'sources-nodeports']);

/** Sets that packets meet first: what they name must be there before them and stay until after. `firewalled` comes before verdicts. */
const publishedSets: ReadonlySet<RowSet> = new Set([
  'firewalled',
  'services-outside',
  'nodeports-outside',
  'services',
  'nodeports',
  'cluster-ips',
  'nodeport-ips',
]);

const rangeSets: ReadonlySet<RowSet> = new Set(['source-ranges', 'pods', 'service-cidrs']);

/** Rank of a published set: adds go in this order, removals in reverse. The outside maps are consulted first and fall through to the others. */
export const publishOrder: readonly RowSet[] = [
  'firewalled',
  'services-outside',
  'nodeports-outside',
  'services',
  'nodeports',
  'cluster-ips',
  'nodeport-ips',
];
