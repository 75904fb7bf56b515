/**
 * Counters live in the elements that hold verdict numbers, and a row that is replaced is a new element: it is given what the old one had
 * counted. What comes between reading and committing (microseconds) is lost.
 */
import type { NftCounter, Nftables } from '../../linux/index.ts';
import type { IpFamily } from '../../net/index.ts';
import type { Changes } from '../rows/changes.ts';
import { countedMaps, tableOf } from '../rows/layout.ts';
import type { RowSet } from '../rows/layout.ts';
import type { Bytes } from '../rows/row-bytes.ts';
import { fromUint8Array, toUint8Array } from '../rows/row-bytes.ts';

/** Beyond this many one dump of the map costs less than asking for each. */
const maxSingleReads = 256;

/** Puts the present counters into the counted rows that `changes` replaces. Costs some 10 µs for each of those, else nothing. */
export function carryCounters(
  nftables: Pick<Nftables, 'getElements' | 'visitElements'>,
  family: IpFamily,
  changes: Changes,
): void {
  const replaced = new Map<RowSet, number[]>();
  for (const [index, { kind, row }] of changes.publish.entries()) {
    if (kind !== 'replace' || !countedMaps.has(row.set)) continue;
    const own = replaced.get(row.set);
    if (own === undefined) replaced.set(row.set, [index]);
    else own.push(index);
  }
  for (const [set, indexes] of replaced) {
    const keys = indexes.map((index) => changes.publish[index]?.row.key ?? '');
    const counters = readCounters(nftables, family, set, keys);
    for (const index of indexes) {
      const change = changes.publish[index];
      const counter = change === undefined ? undefined : counters.get(change.row.key);
      if (change !== undefined && counter !== undefined && counter.packets > 0n)
        changes.publish[index] = { kind: 'replace', row: { ...change.row, counter } };
    }
  }
}

function readCounters(
  nftables: Pick<Nftables, 'getElements' | 'visitElements'>,
  family: IpFamily,
  set: RowSet,
  keys: readonly Bytes[],
): Map<Bytes, NftCounter> {
  const counters = new Map<Bytes, NftCounter>();
  if (keys.length > maxSingleReads) {
    nftables.visitElements(tableOf(family), set, ({ key, counter }) => {
      if (counter !== undefined) counters.set(fromUint8Array(key), counter);
    });
  } else {
    for (const { key, counter } of nftables.getElements(tableOf(family), set, keys.map(toUint8Array)))
      if (counter !== undefined) counters.set(fromUint8Array(key), counter);
  }
  return counters;
}
