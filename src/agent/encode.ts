/** Changes -> netlink batches, in their safe order, each within what the socket takes. */
import type { NftBatch, NftElement, NftTable } from '../linux/index.ts';
import type { IpFamily } from '../net/index.ts';
import type { Changes, Row, RowChange } from './changes.ts';
import { publishOrder } from './changes.ts';
import { pickChainRules } from './chains.ts';
import type { RowSet } from './layout.ts';
import { intervalSets, parsePickChain, tableOf, verdictMaps } from './layout.ts';
import type { Bytes } from './row-bytes.ts';
import { addressLength, toUint8Array } from './row-bytes.ts';

/** Rows that go into one piece, which is never split between transactions; at most some 40 KB. */
const rowsPerPiece = 256;

/**
 * Appends the changes to `batch` piece by piece. Before a piece might make it exceed `maxBytes`, `flush` is called, which must
 * commit the batch and clear it. Whatever is left in the batch at the end is for the caller to commit.
 */
export function encodeChanges(changes: Changes, family: IpFamily, batch: NftBatch, maxBytes: number, flush: () => void): void {
  const table = tableOf(family);
  let largestPiece = 0;
  const piece = (append: () => void): void => {
    if (batch.length > 0 && batch.byteLength + largestPiece * 2 > maxBytes) flush();
    const before = batch.byteLength;
    append();
    largestPiece = Math.max(largestPiece, batch.byteLength - before);
  };
  for (const name of changes.newChains) piece(() => addPickChain(batch, table, family, name));
  for (const { set, deletes, adds } of rangeGroups(changes.ranges, family)) {
    const remove = (rows: readonly Row[]): void => batch.deleteElements(table, set, elementsOf(set, rows, family));
    const add = (rows: readonly Row[]): void => batch.addElements(table, set, elementsOf(set, rows, family));
    if (deletes.length + adds.length <= 2 * rowsPerPiece) {
      piece(() => {
        if (deletes.length > 0) remove(deletes);
        if (adds.length > 0) add(adds);
      });
    } else {
      // Where so many ranges of one frontend change, clients may be kept out for a moment; they are never let in.
      for (const part of partsOf(deletes)) piece(() => remove(part));
      for (const part of partsOf(adds)) piece(() => add(part));
    }
  }
  appendRows(changes.prepare, prepareOrder);
  appendRows(changes.publish, publishOrder);
  appendRows(changes.settle, prepareOrder);
  appendRows(changes.withdraw, [...publishOrder].reverse());
  appendRows(changes.removals, [...prepareOrder].reverse());
  for (const name of changes.oldChains) {
    piece(() => {
      batch.flushChain(table, name);
      batch.deleteChain(table, name);
    });
  }

  function appendRows(rows: readonly RowChange[], order: readonly RowSet[]): void {
    if (rows.length === 0) return;
    for (const set of order) {
      const own = rows.filter((change) => change.row.set === set);
      for (const part of partsOf(own)) piece(() => appendPiece(batch, table, set, part, family));
    }
  }
}

/** Elements of one set: for a range of one field two of them, its start and the mark behind its end. */
export function elementsOf(set: RowSet, rows: readonly Row[], family: IpFamily): NftElement[] {
  return rows.flatMap((row) => elementOf(set, row, family));
}

/** A pick chain with its rules. */
export function addPickChain(batch: NftBatch, table: NftTable, family: IpFamily, name: string): void {
  const chain = parsePickChain(name);
  if (chain === undefined) throw new TypeError(`not the name of a pick chain: ${name}`);
  batch.addChain(table, { name });
  for (const rule of pickChainRules(family, chain)) batch.addRule(table, name, rule);
}

/** Data before what leads to it: `pinned` before `slots`. */
const prepareOrder: readonly RowSet[] = [
  'endpoints',
  'pinned',
  'slots',
  'hairpin',
  'sources',
  'sources-nodeports',
  'source-ranges',
];

function appendPiece(batch: NftBatch, table: NftTable, set: RowSet, part: readonly RowChange[], family: IpFamily): void {
  const removed = part.filter((change) => change.kind !== 'add').map((change) => ({ set, key: change.row.key }));
  const added = part.filter((change) => change.kind !== 'delete').map((change) => change.row);
  if (removed.length > 0) batch.deleteElements(table, set, elementsOf(set, removed, family));
  if (added.length > 0) batch.addElements(table, set, elementsOf(set, added, family));
}

function elementOf(set: RowSet, row: Row, family: IpFamily): NftElement[] {
  if (intervalSets.has(set)) return rangeElements(set, row.key, family);
  const key = toUint8Array(row.key);
  if (row.data === undefined) return [{ key }];
  if (!verdictMaps.has(set)) return [{ key, data: toUint8Array(row.data) }];
  const verdict = { kind: 'goto', chain: row.data } as const;
  return [row.counter === undefined ? { key, verdict } : { key, verdict, counter: row.counter }];
}

function rangeElements(set: RowSet, key: Bytes, family: IpFamily): NftElement[] {
  const half = key.length / 2;
  const first = toUint8Array(key.slice(0, half));
  const last = toUint8Array(key.slice(half));
  if (set === 'source-ranges') return [{ key: first, keyEnd: last }];
  const end = successor(last);
  const start: NftElement = { key: first };
  // A range up to the last address of all has no end mark.
  return end === undefined || end.length !== addressLength(family) ? [start] : [start, { key: end, isIntervalEnd: true }];
}

function successor(bytes: Uint8Array): Uint8Array | undefined {
  const next = Uint8Array.from(bytes);
  for (let index = next.length - 1; index >= 0; index--) {
    const value = next[index] ?? 0;
    next[index] = (value + 1) & 0xff;
    if (value !== 0xff) return next;
  }
  return undefined;
}

function* partsOf<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < rows.length; start += rowsPerPiece) yield rows.slice(start, start + rowsPerPiece);
}

/** Ranges that may overlap, so that their deletes and adds belong together: those of one frontend, or of one other set. */
function rangeGroups(
  { deletes, adds }: Changes['ranges'],
  family: IpFamily,
): Iterable<{ readonly set: RowSet; readonly deletes: Row[]; readonly adds: Row[] }> {
  const groups = new Map<string, { set: RowSet; deletes: Row[]; adds: Row[] }>();
  const groupOf = ({ set, key }: Row) => {
    const id = set === 'source-ranges' ? key.slice(addressLength(family), key.length / 2) : set;
    let group = groups.get(id);
    if (group === undefined) groups.set(id, (group = { set, deletes: [], adds: [] }));
    return group;
  };
  for (const row of deletes) groupOf(row).deletes.push(row);
  for (const row of adds) groupOf(row).adds.push(row);
  return groups.values();
}
