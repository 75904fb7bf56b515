/** Changes -> netlink batches, in their safe order, each within what the socket takes. */
import type { NftBatch, NftElement, NftTable } from '../../linux/index.ts';
import type { IpFamily } from '../../net/index.ts';
import type { Changes, PlacedList, Row, RowChange } from './changes.ts';
import { publishOrder } from './changes.ts';
import { rulesOnDemand } from './pick-chains.ts';
import type { ListSet } from './found-rows.ts';
import type { RowSet } from './layout.ts';
import { intervalSets, tableOf, verdictMap } from './layout.ts';
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
  for (const name of changes.newChains) piece(() => addChain(batch, table, family, name));
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
  for (const set of listOrder) appendLists(changes.lists, set);
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

  function appendLists(lists: readonly PlacedList[], set: ListSet): void {
    const own = lists.filter(({ list }) => (list.ids === undefined) === (set === 'endpoints'));
    for (const part of listParts(own)) piece(() => batch.addElements(table, set, listElements(part, set)));
  }

  function appendRows(rows: readonly RowChange[], order: readonly RowSet[]): void {
    if (rows.length === 0) return;
    const sets = new Map<RowSet, RowChange[]>();
    for (const change of rows) {
      const own = sets.get(change.row.set);
      if (own === undefined) sets.set(change.row.set, [change]);
      else own.push(change);
    }
    for (const set of order) {
      const own = sets.get(set) ?? [];
      for (let from = 0; from < own.length; from += rowsPerPiece) {
        piece(() => appendPiece(batch, table, set, own, from, Math.min(own.length, from + rowsPerPiece), family));
      }
    }
  }
}

function addChain(batch: NftBatch, table: NftTable, family: IpFamily, name: string): void {
  batch.addChain(table, { name });
  for (const rule of rulesOnDemand(family, name)) batch.addRule(table, name, rule);
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
  'verdicts',
];

/** Maps of lists: an id is alive by its pin, so that comes before the slot that leads to it. */
const listOrder: readonly ListSet[] = ['endpoints', 'pinned', 'slots'];

/** Some of a list's rows. */
interface ListPart extends PlacedList {
  readonly from: number;
  readonly to: number;
}

/** The lists in pieces of so many rows. */
function* listParts(lists: readonly PlacedList[]): Generator<readonly ListPart[]> {
  let parts: ListPart[] = [];
  let room = rowsPerPiece;
  for (const placed of lists) {
    const { length } = placed.list.endpoints;
    for (let from = 0; from < length;) {
      const to = Math.min(length, from + room);
      parts.push({ ...placed, from, to });
      room -= to - from;
      from = to;
      if (room > 0) continue;
      yield parts;
      parts = [];
      room = rowsPerPiece;
    }
  }
  if (parts.length > 0) yield parts;
}

/** The elements of such a piece, always the same object: each is to be used before the next one is asked for. */
function* listElements(parts: readonly ListPart[], set: ListSet): Generator<NftElement> {
  const keyLength = (parts[0]?.frontend.length ?? 0) + 4;
  const key = new Uint8Array(keyLength);
  const data = new Uint8Array(set === 'slots' ? 4 : (parts[0]?.list.endpoints[0]?.length ?? 0));
  const element: NftElement = { key, data };
  for (const { frontend, list, offset, from, to } of parts) {
    writeBytes(key, frontend);
    for (let index = from; index < to; index++) {
      const id = list.ids?.[index] ?? 0;
      writeNumber(key, keyLength - 4, set === 'pinned' ? id : offset + index);
      if (set === 'slots') writeNumber(data, 0, id);
      else writeBytes(data, list.endpoints[index] ?? '');
      yield element;
    }
  }
}

function writeBytes(target: Uint8Array, text: Bytes): void {
  for (let index = 0; index < text.length; index++) target[index] = text.charCodeAt(index);
}

/** 32 bits in host order. */
function writeNumber(target: Uint8Array, at: number, value: number): void {
  target[at] = value;
  target[at + 1] = value >>> 8;
  target[at + 2] = value >>> 16;
  target[at + 3] = value >>> 24;
}

function appendPiece(
  batch: NftBatch,
  table: NftTable,
  set: RowSet,
  changes: readonly RowChange[],
  from: number,
  to: number,
  family: IpFamily,
): void {
  let removed = 0;
  let added = 0;
  for (let index = from; index < to; index++) {
    const kind = changes[index]?.kind;
    if (kind !== 'add') removed++;
    if (kind !== 'delete') added++;
  }
  if (removed > 0) batch.deleteElements(table, set, elementsOf(set, rowsOf(changes, from, to, 'add'), family));
  if (added > 0) batch.addElements(table, set, elementsOf(set, rowsOf(changes, from, to, 'delete'), family));
}

/** The rows of these changes but those of one kind. */
function* rowsOf(changes: readonly RowChange[], from: number, to: number, without: RowChange['kind']): Generator<Row> {
  for (let index = from; index < to; index++) {
    const change = changes[index];
    if (change !== undefined && change.kind !== without) yield change.row;
  }
}

/**
 * Elements of one set: for a range of one field two of them, its start and the mark behind its end. Each is to be used before the
 * next one is asked for: their bytes lie in one place.
 */
function* elementsOf(set: RowSet, rows: Iterable<Row>, family: IpFamily): Generator<NftElement> {
  if (intervalSets.has(set)) {
    for (const row of rows) yield* rangeElements(set, row.key, family);
  } else if (set === verdictMap) {
    for (const { key, data } of rows) {
      const bytes = bytesIn(keyBytes, key);
      yield data === undefined ? { key: bytes } : { key: bytes, verdict: { kind: 'goto', chain: data } };
    }
  } else {
    for (const { key, data, counter } of rows) {
      const bytes = bytesIn(keyBytes, key);
      if (data === undefined) yield { key: bytes };
      else if (counter === undefined) yield { key: bytes, data: bytesIn(dataBytes, data) };
      else yield { key: bytes, data: bytesIn(dataBytes, data), counter };
    }
  }
}

/** Where the bytes of an element lie while it is written, by length: a hundred thousand small arrays would be nothing but garbage. */
const keyBytes = new Map<number, Uint8Array>();
const dataBytes = new Map<number, Uint8Array>();

function bytesIn(arrays: Map<number, Uint8Array>, text: Bytes): Uint8Array {
  const { length } = text;
  let bytes = arrays.get(length);
  if (bytes === undefined) arrays.set(length, (bytes = new Uint8Array(length)));
  writeBytes(bytes, text);
  return bytes;
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
