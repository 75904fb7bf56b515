/**
 * Which endpoint stands at which index of a list. Pure.
 *
 * Indexes are stable: an endpoint keeps its index; a new one takes the hole of one that left; when the list shrinks, the last one
 * moves into the hole. So a change of one endpoint changes a bounded number of rows, and index 0 exists as long as any does.
 */
import type { Bytes } from './row-bytes.ts';

/** Endpoints by index, and with affinity the id of each. Never changed once it is made. */
export interface EndpointList {
  readonly endpoints: readonly Bytes[];
  /** Present with affinity. Ids are never 0, and never used again while a client may be pinned to them. */
  readonly ids?: readonly number[];
}

/** The lists that a frontend had before: from the last sync, or read back from the kernel. */
export interface KnownLists {
  readonly inside?: EndpointList;
  readonly outside?: EndpointList;
}

/** Of a frontend that refuses or drops. */
export const emptyList: EndpointList = { endpoints: [] };

/**
 * The list with each wanted endpoint once, as far as possible where `before` has it. `allocateId` is asked for the id of each
 * endpoint that is new; absent: without affinity.
 */
export function placeList(
  wanted: readonly Bytes[],
  before: EndpointList | undefined,
  allocateId: (() => number) | undefined,
): EndpointList {
  const isSameMode =
    before !== undefined && (before.endpoints.length === 0 || (before.ids !== undefined) === (allocateId !== undefined));
  const old = isSameMode ? before : emptyList;
  if (old.endpoints.length === 0 && allocateId === undefined) return wanted.length === 0 ? emptyList : { endpoints: wanted };
  // Of two equal arrays the wanted one is kept: its Service has it anyhow.
  if (isSameMode && areEqual(wanted, old.endpoints))
    return old.ids === undefined ? { endpoints: wanted } : { endpoints: wanted, ids: old.ids };
  return fillHoles(wanted, old, allocateId);
}

/** Whether the same endpoints stand at the same indexes, with the same ids. */
export function areSameLists(a: EndpointList, b: EndpointList): boolean {
  return areEqual(a.endpoints, b.endpoints) && areEqual(a.ids ?? [], b.ids ?? []);
}

function fillHoles(wanted: readonly Bytes[], old: EndpointList, allocateId: (() => number) | undefined): EndpointList {
  // The wanted texts themselves go into the list: their Service has them anyhow.
  const fresh = new Map(wanted.map((endpoint) => [endpoint, endpoint]));
  const endpoints: Bytes[] = [];
  const ids: number[] = [];
  const holes: number[] = [];
  for (let index = 0; index < old.endpoints.length; index++) {
    const before = old.endpoints[index] ?? '';
    const endpoint = fresh.get(before);
    endpoints.push(endpoint ?? before);
    ids.push(old.ids?.[index] ?? 0);
    if (endpoint === undefined) holes.push(index);
    else fresh.delete(endpoint);
  }
  for (const endpoint of fresh.keys()) {
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

function areEqual<T>(a: readonly T[], b: readonly T[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
