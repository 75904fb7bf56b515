/** One frontend in the kernel: its lists, the rows that follow from it, and the rows between two of its states. Pure. */
import type { IpFamily } from '../../net/index.ts';
import type { WantedFrontend, WantedTarget } from './compile.ts';
import type { Changes, PlacedList, Row } from './changes.ts';
import type { EndpointList, KnownLists } from './endpoint-list.ts';
import { areSameLists, emptyList, placeList } from './endpoint-list.ts';
import type { RowSet } from './layout.ts';
import { pickChainName, sourceNumbers } from './chain-names.ts';
import type { SourceChain } from './chain-names.ts';
import { outsideOffset } from './layout.ts';
import type { Bytes } from './row-bytes.ts';
import { addressLength, packNumber } from './row-bytes.ts';

/** One scope: the chain that it leads to, the number of that verdict, and the list behind it (empty for refusals and drops). */
export interface ScopeState {
  readonly chain: string;
  readonly verdict: Bytes;
  readonly list: EndpointList;
}

/** A frontend as it stands in the kernel, or will after the next transaction. */
export interface FrontendState {
  readonly wanted: WantedFrontend;
  readonly inside: ScopeState;
  readonly outside?: ScopeState;
}

/** What a placement takes from the whole table. */
export interface Numbering {
  /** Asked for each new id. */
  readonly allocateId: () => number;
  /** The verdict number of a chain. */
  readonly verdictOf: (chain: string) => Bytes;
}

/**
 * Gives every endpoint an index (and an id), keeping as many as possible of `known`.
 * When outside clients come to be treated differently, or no longer, all endpoints get new ids: a pin made under the other
 * policy must not live on.
 */
export function placeFrontend(wanted: WantedFrontend, known: KnownLists | undefined, numbering: Numbering): FrontendState {
  const isScopeChange = known !== undefined && (known.outside !== undefined) !== (wanted.outside !== undefined);
  const isSticky = wanted.timeoutSeconds !== undefined;
  const place = (target: WantedTarget, isOutside: boolean): ScopeState => {
    if (typeof target === 'string') return { chain: target, verdict: numbering.verdictOf(target), list: emptyList };
    const before = isOutside ? known?.outside : known?.inside;
    const list = placeList(target, isScopeChange && isSticky ? undefined : before, isSticky ? numbering.allocateId : undefined);
    const isNodePort = wanted.kind === 'nodePort';
    const timeout = wanted.timeoutSeconds === undefined ? {} : { timeoutSeconds: wanted.timeoutSeconds };
    const chain = pickChainName({ isNodePort, isOutside, count: target.length, ...timeout });
    return { chain, verdict: numbering.verdictOf(chain), list };
  };
  return {
    wanted,
    inside: place(wanted.inside, false),
    ...(wanted.outside === undefined ? {} : { outside: place(wanted.outside, true) }),
  };
}

/** The lists of a state, to be kept at its next placement. */
export function listsOf(state: FrontendState): KnownLists {
  return { inside: state.inside.list, ...(state.outside === undefined ? {} : { outside: state.outside.list }) };
}

/** Visits the rows of a frontend's lists. */
export function visitListRows({ wanted, inside, outside }: FrontendState, visit: (row: Row) => void): void {
  visitList({ frontend: wanted.key, list: inside.list, offset: 0 }, visit);
  if (outside !== undefined) visitList({ frontend: wanted.key, list: outside.list, offset: outsideOffset }, visit);
}

/** Visits the other rows of a frontend by itself; those that frontends share (cluster IPs, hairpins) are the table's. */
export function visitOwnRows({ wanted, inside, outside }: FrontendState, family: IpFamily, visit: (row: Row) => void): void {
  const names = mapNames(wanted);
  const key = verdictKey(wanted, family);
  if (wanted.sources !== undefined) visit({ set: names.sources, key, data: sourceBytes[wanted.sources] });
  for (const range of wanted.ranges ?? []) visit({ set: 'source-ranges', key: rangeKey(range, wanted.key, family) });
  if (wanted.ranges !== undefined) visit({ set: 'firewalled', key: wanted.key });
  if (outside !== undefined) visit({ set: names.outside, key, data: outside.verdict });
  visit({ set: names.inside, key, data: inside.verdict });
}

/** Records what turns `before` into `after`; both are the same frontend, either may be absent. Rows that stay cost nothing. */
export function diffFrontend(
  before: FrontendState | undefined,
  after: FrontendState | undefined,
  family: IpFamily,
  changes: Changes,
): void {
  const wanted = (after ?? before)?.wanted;
  if (wanted === undefined) return;
  const names = mapNames(wanted);
  const key = verdictKey(wanted, family);
  diffLists(wanted.key, before && listsOf(before), after && listsOf(after), changes);
  diffRow(changes, names.sources, key, sourceOf(before), sourceOf(after));
  if (before?.wanted.ranges !== after?.wanted.ranges) diffRanges(before?.wanted, after?.wanted, family, changes);
  diffRow(changes, names.outside, key, before?.outside?.verdict, after?.outside?.verdict);
  diffRow(changes, names.inside, key, before?.inside.verdict, after?.inside.verdict);
}

/** As `diffFrontend`, of the lists alone. */
export function diffLists(
  frontend: Bytes,
  before: KnownLists | undefined,
  after: KnownLists | undefined,
  changes: Changes,
): void {
  diffList(frontend, before?.inside, after?.inside, 0, changes);
  diffList(frontend, before?.outside, after?.outside, outsideOffset, changes);
}

/** Visits the rows of one list. */
export function visitList({ frontend, list, offset }: PlacedList, visit: (row: Row) => void): void {
  const { endpoints, ids } = list;
  for (let index = 0; index < endpoints.length; index++) {
    const data = endpoints[index] ?? '';
    const id = ids?.[index];
    if (id === undefined) {
      visit({ set: 'endpoints', key: frontend + packNumber(offset + index), data });
    } else {
      visit({ set: 'pinned', key: frontend + packNumber(id), data });
      visit({ set: 'slots', key: frontend + packNumber(offset + index), data: packNumber(id) });
    }
  }
}

function diffList(
  frontend: Bytes,
  before: EndpointList | undefined,
  after: EndpointList | undefined,
  offset: number,
  changes: Changes,
): void {
  if (before === after) return;
  if (before === undefined || before.endpoints.length === 0) {
    if (after !== undefined && after.endpoints.length > 0) changes.lists.push({ frontend, list: after, offset });
    return;
  }
  if (after !== undefined && areSameLists(before, after)) return;
  const length = Math.max(before.endpoints.length, after?.endpoints.length ?? 0);
  const gone = new Map<number, Bytes>();
  const come = new Map<number, Bytes>();
  const slotChanges: [key: Bytes, before: Bytes | undefined, after: Bytes | undefined][] = [];
  for (let index = 0; index < length; index++) {
    const oldEndpoint = before.endpoints[index];
    const newEndpoint = after?.endpoints[index];
    const oldId = before.ids?.[index];
    const newId = after?.ids?.[index];
    if (oldEndpoint === newEndpoint && oldId === newId) continue;
    const key = frontend + packNumber(offset + index);
    diffRow(
      changes,
      'endpoints',
      key,
      oldId === undefined ? oldEndpoint : undefined,
      newId === undefined ? newEndpoint : undefined,
    );
    if (oldId !== undefined && oldEndpoint !== undefined) gone.set(oldId, oldEndpoint);
    if (newId !== undefined && newEndpoint !== undefined) come.set(newId, newEndpoint);
    slotChanges.push([
      key,
      oldId === undefined ? undefined : packNumber(oldId),
      newId === undefined ? undefined : packNumber(newId),
    ]);
  }
  // An id is alive by its `pinned` row: it must stand before a slot leads to it, and go after. One that only moved keeps its row.
  for (const [id, endpoint] of come) {
    if (!gone.has(id)) changes.add({ set: 'pinned', key: frontend + packNumber(id), data: endpoint });
  }
  for (const [key, oldId, newId] of slotChanges) diffRow(changes, 'slots', key, oldId, newId);
  for (const id of gone.keys()) {
    if (!come.has(id)) changes.delete({ set: 'pinned', key: frontend + packNumber(id) });
  }
}

const sourceBytes: Readonly<Record<SourceChain, Bytes>> = {
  'source-cluster': packNumber(sourceNumbers['source-cluster']),
  'source-local': packNumber(sourceNumbers['source-local']),
};

function sourceOf(state: FrontendState | undefined): Bytes | undefined {
  return state?.wanted.sources && sourceBytes[state.wanted.sources];
}

function diffRow(changes: Changes, set: RowSet, key: Bytes, before: Bytes | undefined, after: Bytes | undefined): void {
  if (before !== after) changes.change(set, key, before, after);
}

function diffRanges(
  before: WantedFrontend | undefined,
  after: WantedFrontend | undefined,
  family: IpFamily,
  changes: Changes,
): void {
  const old = new Set(before?.ranges);
  const key = (after ?? before)?.key ?? '';
  for (const range of after?.ranges ?? []) {
    if (!old.delete(range)) changes.add({ set: 'source-ranges', key: rangeKey(range, key, family) });
  }
  for (const range of old) {
    const row: Row = { set: 'source-ranges', key: rangeKey(range, key, family) };
    // Where no ranges are left the door is taken away first; until then the old ones must go on admitting their clients.
    if (after?.ranges === undefined) changes.removals.push({ kind: 'delete', row });
    else changes.delete(row);
  }
  if (before?.ranges === undefined && after?.ranges !== undefined) changes.add({ set: 'firewalled', key });
  if (before?.ranges !== undefined && after?.ranges === undefined) changes.delete({ set: 'firewalled', key });
}

/** Key and end key of a range: client address, then the frontend, in each. */
function rangeKey(range: Bytes, frontend: Bytes, family: IpFamily): Bytes {
  const length = addressLength(family);
  return range.slice(0, length) + frontend + range.slice(length) + frontend;
}

function mapNames(wanted: WantedFrontend): { readonly inside: RowSet; readonly outside: RowSet; readonly sources: RowSet } {
  return wanted.kind === 'nodePort'
    ? { inside: 'nodeports', outside: 'nodeports-outside', sources: 'sources-nodeports' }
    : { inside: 'services', outside: 'services-outside', sources: 'sources' };
}

function verdictKey(wanted: WantedFrontend, family: IpFamily): Bytes {
  return wanted.kind === 'nodePort' ? wanted.key.slice(addressLength(family)) : wanted.key;
}
