/** Subsets of the legacy Endpoints kind: repacking addresses by the ports they share. Source: k8s pkg/api/v1/endpoints/util.go. */
import type { EndpointAddress, EndpointSubset, EndpointsPort } from '../api/index.ts';

/** One (address, port) pair of a subset. A missing port means that the subset has none (a headless Service without ports). */
export interface SubsetPair {
  readonly address: EndpointAddress;
  readonly port: EndpointsPort | undefined;
  readonly ready: boolean;
}

/**
 * The canonical subsets of a set of pairs: addresses with the same list of ports stand together, sorted by address and
 * port. An address that is ready anywhere counts as ready.
 */
export function packSubsets(pairs: readonly SubsetPair[]): EndpointSubset[] {
  interface Entry {
    address: EndpointAddress;
    ready: boolean;
    ports: Map<string, EndpointsPort>;
  }
  const entries = new Map<string, Entry>();
  for (const { address, port, ready } of pairs) {
    const key = JSON.stringify([address.ip, address.targetRef?.uid ?? '']);
    const entry = entries.get(key) ?? { address, ready: false, ports: new Map<string, EndpointsPort>() };
    entry.ready ||= ready;
    if (port !== undefined)
      entry.ports.set(JSON.stringify([port.name ?? '', port.protocol ?? 'TCP', port.port, port.appProtocol ?? '']), port);
    entries.set(key, entry);
  }
  const groups = new Map<string, Entry[]>();
  for (const entry of entries.values()) {
    const key = [...entry.ports.keys()].sort().join();
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return [...groups.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, members]) => {
      const ports = [...(members[0]?.ports.entries() ?? [])].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, port]) => port);
      const addresses = sorted(members.filter((member) => member.ready).map((member) => member.address));
      const notReadyAddresses = sorted(members.filter((member) => !member.ready).map((member) => member.address));
      return {
        ...(addresses.length === 0 ? {} : { addresses }),
        ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
        ...(ports.length === 0 ? {} : { ports }),
      };
    });
}

/** The pairs that subsets stand for. */
export function pairsOf(subsets: readonly EndpointSubset[]): SubsetPair[] {
  return subsets.flatMap((subset) => {
    const ports: readonly (EndpointsPort | undefined)[] = (subset.ports ?? []).length === 0 ? [undefined] : (subset.ports ?? []);
    const pairs = (addresses: readonly EndpointAddress[], ready: boolean): SubsetPair[] =>
      addresses.flatMap((address) => ports.map((port) => ({ address, port, ready })));
    return [...pairs(subset.addresses ?? [], true), ...pairs(subset.notReadyAddresses ?? [], false)];
  });
}

function sorted(addresses: readonly EndpointAddress[]): EndpointAddress[] {
  return [...addresses].sort((a, b) => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0));
}
