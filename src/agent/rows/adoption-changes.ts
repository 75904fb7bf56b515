/** What turns a table as it was read back into the one that is wanted: at the start, and for repair. Pure. */
import { Changes } from './changes.ts';
import type { Row } from './changes.ts';
import type { FoundRows } from './found-rows.ts';
import { diffLists, listsOf, visitListRows, visitOwnRows } from './frontend-rows.ts';
import { inOrderOfDeletion } from './verdict-chains.ts';
import type { RowSet } from './layout.ts';
import type { Bytes } from './row-bytes.ts';
import { addressLength, frontendLength } from './row-bytes.ts';
import type { TableState } from './table-state.ts';

/**
 * The changes that leave exactly what `state` wants. `chains`: those made on demand that are there. Whole lists are compared as lists, and all
 * other rows one by one.
 */
export function adoptionChanges(state: TableState, found: FoundRows, chains: ReadonlySet<string>): Changes {
  const { family } = state;
  const changes = new Changes();
  const wantedChains = new Set(state.chainsOnDemand());
  for (const name of wantedChains) if (!chains.has(name)) changes.newChains.push(name);
  changes.oldChains.push(...inOrderOfDeletion([...chains].filter((name) => !wantedChains.has(name))));
  const matched = new Map<RowSet, number>();
  const compare = ({ set, key, data }: Row): void => {
    const before = found.rows.get(set)?.get(key);
    if (before === undefined) return changes.add(data === undefined ? { set, key } : { set, key, data });
    matched.set(set, (matched.get(set) ?? 0) + 1);
    if (data !== undefined) changes.change(set, key, before, data);
  };
  for (const frontend of state.frontends()) {
    const { key } = frontend.wanted;
    const lists = found.lists.get(key);
    if (lists?.isWhole === false) visitListRows(frontend, compare);
    else diffLists(key, lists, listsOf(frontend), changes);
    visitOwnRows(frontend, family, compare);
  }
  state.visitSharedRows(compare);
  for (const [key, lists] of found.lists) {
    if (lists.isWhole && state.getFrontend(key) === undefined) diffLists(key, lists, undefined, changes);
  }
  const strangers = new Set([...found.rows].filter(([set, rows]) => rows.size > (matched.get(set) ?? 0)).map(([set]) => set));
  if (strangers.size > 0) removeStrangers(state, found.rows, strangers, changes);
  return changes;
}

/** Deletes what nobody wants, of the sets that hold such rows. */
function removeStrangers(state: TableState, rows: FoundRows['rows'], sets: ReadonlySet<RowSet>, changes: Changes): void {
  const wanted = new Map([...sets].map((set) => [set, new Set<Bytes>()]));
  for (const row of state.allRows()) wanted.get(row.set)?.add(row.key);
  for (const [set, keys] of wanted) {
    for (const key of rows.get(set)?.keys() ?? []) {
      if (keys.has(key)) continue;
      // Where no ranges are left, the door must be taken away before them.
      if (set === 'source-ranges' && !isFirewalled(state, key)) changes.removals.push({ kind: 'delete', row: { set, key } });
      else changes.delete({ set, key });
    }
  }
}

/** Whether the frontend of a source range goes on having ranges. */
function isFirewalled(state: TableState, rangeKey: Bytes): boolean {
  const start = addressLength(state.family);
  return state.getFrontend(rangeKey.slice(start, start + frontendLength(state.family)))?.wanted.ranges !== undefined;
}
