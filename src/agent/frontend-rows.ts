/**
 * One frontend in the kernel: which endpoint stands at which index, and the rows that follow. Pure.
 *
 * Indexes are stable: an endpoint keeps its index; a new one takes the hole of one that left; when the list shrinks, the last one
 * moves into the hole. So a change of one endpoint changes a bounded number of rows, and index 0 exists as long as any does.
 */
import type { IpFamily } from '../net/index.ts';
import type { WantedFrontend, WantedTarget } from './compile.ts';
import type { Changes, Row } from './changes.ts';
import type { RowSet } from './layout.ts';
import { outsideOffset, pickChainName } from './layout.ts';
import type { Bytes } from './row-bytes.ts';
import { addressLength, packNumber } from './row-bytes.ts';

/** Endpoints by index, and with affinity the id of each. */
export interface EndpointList {
  readonly endpoints: readonly Bytes[];
  /** Present with affinity. Ids are never 0, and never used again while a client may be pinned to them. */
  readonly ids?: readonly number[];
}

/** One scope: where its verdict leads, and the list behind it (empty for refusals and drops). */
export interface ScopeState {
  readonly chain: string;
  readonly list: EndpointList;
}

/** A frontend as it stands in the kernel, or will after the next transaction. */
export interface FrontendState {
  readonly wanted: WantedFrontend;
  readonly inside: ScopeState;
  readonly outside?: ScopeState;
}

/** The lists that a frontend had before: from the last sync, or read back from the kernel. */
export interface KnownLists {
  readonly inside?: EndpointList;
  readonly outside?: EndpointList;
}

/**
 * Gives every endpoint an index (and an id), keeping as many as possible of `known`. `allocateId` is asked for each new id.
 * When outside clients come to be treated differently, or no longer, all endpoints get new ids: a pin made under the other
 * policy must not live on.
 */
export function placeFrontend(wanted: WantedFrontend, known: KnownLists | undefined, allocateId: () => number): FrontendState {
  const isScopeChange = known !== undefined && (known.outside !== undefined) !== (wanted.outside !== undefined);
  const isSticky = wanted.timeoutSeconds !== undefined;
  const place = (target: WantedTarget, isOutside: boolean): ScopeState => {
    if (typeof target === 'string') return { chain: target, list: emptyList };
    const before = isOutside ? known?.outside : known?.inside;
    const list = placeList(target, isScopeChange && isSticky ? undefined : before, isSticky ? allocateId : undefined);
    const isNodePort = wanted.kind === 'nodePort';
    const timeout = wanted.timeoutSeconds === undefined ? {} : { timeoutSeconds: wanted.timeoutSeconds };
    return { chain: pickChainName({ isNodePort, isOutside, count: target.length, ...timeout }), list };
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

/** Visits all rows of a frontend by itself; those that frontends share (cluster IPs, hairpins) are the table's. */
export function visitFrontendRows(state: FrontendState, family: IpFamily, visit: (row: Row) => void): void {
  const { wanted, inside, outside } = state;
  visitListRows(wanted.key, inside.list, 0, visit);
  if (outside !== undefined) visitListRows(wanted.key, outside.list, outsideOffset, visit);
  const names = mapNames(wanted);
  const key = verdictKey(wanted, family);
  if (wanted.sources !== undefined) visit({ set: names.sources, key, data: wanted.sources });
  for (const range of wanted.ranges ?? []) visit({ set: 'source-ranges', key: rangeKey(range, wanted.key, family) });
  if (wanted.ranges !== undefined) visit({ set: 'firewalled', key: wanted.key });
  if (outside !== undefined) visit({ set: names.outside, key, data: outside.chain });
  visit({ set: names.inside, key, data: inside.chain });
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
  diffList(wanted.key, before?.inside.list, after?.inside.list, 0, changes);
  diffList(wanted.key, before?.outside?.list, after?.outside?.list, outsideOffset, changes);
  diffRow(changes, names.sources, key, before?.wanted.sources, after?.wanted.sources);
  if (before?.wanted.ranges !== after?.wanted.ranges) diffRanges(before?.wanted, after?.wanted, family, changes);
  diffRow(changes, names.outside, key, before?.outside?.chain, after?.outside?.chain);
  diffRow(changes, names.inside, key, before?.inside.chain, after?.inside.chain);
}

const emptyList: EndpointList = { endpoints: [] };

/** The list with each wanted endpoint once; the same object when nothing changed. */
function placeList(
  wanted: readonly Bytes[],
  before: EndpointList | undefined,
  allocateId: (() => number) | undefined,
): EndpointList {
  const isSameMode =
    before !== undefined && (before.endpoints.length === 0 || (before.ids !== undefined) === (allocateId !== undefined));
  const old = isSameMode ? before : emptyList;
  // A list is never changed once it is made, so the wanted one can be the placed one.
  if (old.endpoints.length === 0 && allocateId === undefined) return wanted.length === 0 ? emptyList : { endpoints: wanted };
  const fresh = new Set(wanted);
  const endpoints: Bytes[] = [];
  const ids: number[] = [];
  const holes: number[] = [];
  for (const [index, endpoint] of old.endpoints.entries()) {
    endpoints.push(endpoint);
    ids.push(old.ids?.[index] ?? 0);
    if (!fresh.delete(endpoint)) holes.push(index);
  }
  if (holes.length === 0 && fresh.size === 0 && isSameMode && before !== undefined) return before;
  for (const endpoint of fresh) {
    const index = holes.shift() ?? endpoints.length;
    endpoints[index] = endpoint;
    ids[index] = allocateId?.() ?? 0;
  }
  // More left than came: fill each remaining hole with the last endpoint, from the end.
  for (let hole = holes.pop(); hole !== undefined; hole = holes.pop()) {
    const lastEndpoint = endpoints.pop();
    const lastId = ids.pop();
    if (hole < endpoints.length && lastEndpoint !== undefined && lastId !== undefined) {
      endpoints[hole] = lastEndpoint;
      ids[hole] = lastId;
    }
  }
  return allocateId === undefined ? { endpoints } : { endpoints, ids };
}

function visitListRows(frontend: Bytes, { endpoints, ids }: EndpointList, offset: number, visit: (row: Row) => void): void {
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
  const length = Math.max(before?.endpoints.length ?? 0, after?.endpoints.length ?? 0);
  const gone = new Map<number, Bytes>();
  const come = new Map<number, Bytes>();
  const slotChanges: [key: Bytes, before: Bytes | undefined, after: Bytes | undefined][] = [];
  for (let index = 0; index < length; index++) {
    const oldEndpoint = before?.endpoints[index];
    const newEndpoint = after?.endpoints[index];
    const oldId = before?.ids?.[index];
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
