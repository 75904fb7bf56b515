/** Putting endpoints into slices with few writes, as upstream packs them: fill what is written anyway, never rebalance. */
import type { Endpoint, EndpointSlice } from '../api/index.ts';

/** What to do with the slices of one address type and port list. `keep` need no change of their endpoints. */
export interface Packing {
  /** Endpoints of new slices, one list each. */
  readonly create: readonly (readonly Endpoint[])[];
  readonly update: readonly { readonly slice: EndpointSlice; readonly endpoints: readonly Endpoint[] }[];
  readonly remove: readonly EndpointSlice[];
  readonly keep: readonly EndpointSlice[];
}

/**
 * Packs the wanted endpoints into the existing slices and as few new ones as needed (semantics: EndpointSlice reconciler,
 * reconcileByPortMapping). `max` is the number of endpoints per slice, 1 to 1000.
 */
export function packEndpoints(wanted: readonly Endpoint[], existing: readonly EndpointSlice[], max: number): Packing {
  const pending = new Map(wanted.map((endpoint) => [identityOf(endpoint), endpoint]));
  const changed: { slice: EndpointSlice; endpoints: Endpoint[] }[] = [];
  const unchanged: EndpointSlice[] = [];
  const remove: EndpointSlice[] = [];
  for (const slice of existing) {
    const { endpoints, isChanged } = retain(slice, pending);
    if (endpoints.length === 0) remove.push(slice);
    else if (isChanged) changed.push({ slice, endpoints });
    else unchanged.push(slice);
  }
  const rest = [...pending.values()];
  // slices that are written anyway take new endpoints first, the fullest first
  changed.sort((a, b) => b.endpoints.length - a.endpoints.length);
  for (const { endpoints } of changed) endpoints.push(...rest.splice(0, Math.max(0, max - endpoints.length)));
  if (rest.length > 0 && rest.length < max) {
    const host = closestToFull(unchanged, rest.length, max);
    if (host !== undefined) {
      unchanged.splice(unchanged.indexOf(host), 1);
      changed.push({ slice: host, endpoints: [...(host.endpoints ?? []), ...rest.splice(0)] });
    }
  }
  const create: Endpoint[][] = [];
  while (rest.length > 0) create.push(rest.splice(0, max));
  return { create, update: changed, remove, keep: unchanged };
}

/** What makes two endpoints the same one: addresses, hostname and the pod they stand for. */
export function identityOf(endpoint: Endpoint): string {
  const { targetRef } = endpoint;
  return JSON.stringify([
    endpoint.addresses,
    endpoint.hostname ?? '',
    targetRef?.kind ?? '',
    targetRef?.namespace ?? '',
    targetRef?.name ?? '',
  ]);
}

/** Whether a stored endpoint needs no write: conditions, node, zone, hints and pod are as wanted. */
export function endpointsEqual(a: Endpoint, b: Endpoint): boolean {
  return detailsOf(a) === detailsOf(b);
}

function retain(slice: EndpointSlice, pending: Map<string, Endpoint>): { endpoints: Endpoint[]; isChanged: boolean } {
  const endpoints: Endpoint[] = [];
  let isChanged = false;
  for (const endpoint of slice.endpoints ?? []) {
    const identity = identityOf(endpoint);
    const want = pending.get(identity);
    if (want === undefined) {
      isChanged = true;
      continue;
    }
    pending.delete(identity);
    isChanged ||= !endpointsEqual(endpoint, want);
    endpoints.push(want);
  }
  return { endpoints, isChanged };
}

function closestToFull(slices: readonly EndpointSlice[], extra: number, max: number): EndpointSlice | undefined {
  let best: EndpointSlice | undefined;
  for (const slice of slices) {
    const size = sizeOf(slice);
    if (size + extra <= max && (best === undefined || size > sizeOf(best))) best = slice;
  }
  return best;
}

function detailsOf({ conditions, nodeName, zone, targetRef, hints, hostname, addresses }: Endpoint): string {
  return JSON.stringify([
    addresses,
    hostname ?? '',
    conditions?.ready ?? null,
    conditions?.serving ?? null,
    conditions?.terminating ?? null,
    nodeName ?? '',
    zone ?? '',
    [targetRef?.kind ?? '', targetRef?.namespace ?? '', targetRef?.name ?? '', targetRef?.uid ?? ''],
    (hints?.forZones ?? []).map((hint) => hint.name),
    (hints?.forNodes ?? []).map((hint) => hint.name),
  ]);
}

function sizeOf(slice: EndpointSlice): number {
  return slice.endpoints?.length ?? 0;
}
