/**
 * Reads a map of endpoints, which may have half a million rows. A dump takes the square of that (5 s), so a large map is asked for the
 * keys that the verdicts promise, as far as that is certain to be everything: when it has exactly as many rows.
 */
import type { Nftables } from '../../linux/index.ts';
import type { IpFamily } from '../../net/index.ts';
import type { FoundRowsReader, ListSet } from '../rows/found-rows.ts';
import { parsePickChain } from '../rows/chain-names.ts';
import type { PickChain } from '../rows/chain-names.ts';
import { outsideOffset, tableOf, verdictMap } from '../rows/layout.ts';
import type { RowSet } from '../rows/layout.ts';
import type { Bytes } from '../rows/row-bytes.ts';
import { addressLength, frontendLength } from '../rows/row-bytes.ts';

/** Up to so many rows a dump is faster, by measurement. */
const maxDumpedRows = 100_000;

/**
 * Hands all rows of the set to the reader, which has those of all other kinds of sets, and of `slots` before `pinned`. `elementCount`: what
 * the kernel says; undefined before Linux 6.17: then it is dumped.
 */
export function readListSet(
  nftables: Pick<Nftables, 'visitNumberedElements' | 'visitNumberedElementsAt'>,
  family: IpFamily,
  set: ListSet,
  reader: FoundRowsReader,
  elementCount: number | undefined,
): void {
  const table = tableOf(family);
  let count = 0;
  const take = (frontend: Bytes, number: number, data: Bytes): void => {
    count++;
    reader.addListRow(set, frontend, number, data);
  };
  if (elementCount !== undefined && elementCount > maxDumpedRows) {
    const keyBytes = frontendLength(family) + 4;
    const keys = promisedKeys(set, reader, family, keyBytes);
    if (keys.length === elementCount * keyBytes) nftables.visitNumberedElementsAt(table, set, keys, keyBytes, take);
    if (count === elementCount) return;
    reader.forget(set);
  }
  nftables.visitNumberedElements(table, set, take);
}

/** The keys one after the other. */
function promisedKeys(set: ListSet, reader: FoundRowsReader, family: IpFamily, keyBytes: number): Uint8Array {
  const promised = [...(set === 'pinned' ? promisedPins(reader) : promisedLists(set, reader, family))];
  const keys = Buffer.alloc(promised.reduce((sum, { count }) => sum + count, 0) * keyBytes);
  let at = 0;
  for (const { frontend, first, count } of promised) {
    for (let number = first; number < first + count; number++) {
      keys.write(frontend, at, 'latin1');
      keys.writeUInt32LE(number, at + keyBytes - 4);
      at += keyBytes;
    }
  }
  return keys;
}

/** Rows of one frontend with consecutive numbers. */
interface Promised {
  readonly frontend: Bytes;
  readonly first: number;
  readonly count: number;
}

/** Every slot names a pin. */
function* promisedPins(reader: FoundRowsReader): Generator<Promised> {
  for (const [frontend, id] of reader.slotIds()) yield { frontend, first: id, count: 1 };
}

/** A verdict says how many endpoints its frontend has, and of which kind. */
function* promisedLists(set: 'endpoints' | 'slots', reader: FoundRowsReader, family: IpFamily): Generator<Promised> {
  const picks = new Map<Bytes, PickChain | undefined>();
  for (const [number, chain] of reader.rows.get(verdictMap) ?? []) picks.set(number, parsePickChain(chain));
  for (const map of ['services', 'services-outside', 'nodeports', 'nodeports-outside'] as const satisfies readonly RowSet[]) {
    const nodePortAddress = map.startsWith('nodeports') ? '\0'.repeat(addressLength(family)) : '';
    for (const [key, number] of reader.rows.get(map) ?? []) {
      const pick = picks.get(number);
      if (pick === undefined || (pick.timeoutSeconds !== undefined) !== (set === 'slots')) continue;
      yield { frontend: nodePortAddress + key, first: pick.isOutside ? outsideOffset : 0, count: pick.count };
    }
  }
}
