/**
 * What the kernel keeps of affinity: which client is pinned to which endpoint of which frontend, and for how long still. The kernel
 * writes these entries itself; here they are read, and removed at somebody's wish.
 */
import { isNoSuchThing, NftBatch } from '../../linux/index.ts';
import type { NftElement, Nftables } from '../../linux/index.ts';
import type { IpFamily, Protocol } from '../../net/index.ts';
import { protocolFromNumber } from '../../net/index.ts';
import { canonicalIp } from '../../routing/index.ts';
import { affinityMap, tableOf } from '../rows/layout.ts';
import type { Bytes } from '../rows/row-bytes.ts';
import { addressLength, endpointText, frontendLength, fromUint8Array, ipText, portAt } from '../rows/row-bytes.ts';

/** One pin. */
export interface AffinityEntry {
  readonly family: IpFamily;
  /** Address of the client. */
  readonly client: string;
  /** What the client connects to; without an address: a node port, whatever the address of the node. */
  readonly frontend: { readonly address?: string; readonly protocol: Protocol; readonly port: number };
  /** `address:port` of the pinned endpoint; absent when it has gone: the client's next connection gets another one. */
  readonly endpoint?: string;
  readonly secondsLeft: number;
  /** `namespace/name` and port name of the Service whose frontend it is, where that is known. */
  readonly service?: string;
  readonly servicePort?: string;
}

/** Which entries are meant: all that are given must fit. */
export interface AffinityFilter {
  /** `namespace/name`. */
  readonly service?: string;
  /** Address of the client, in any spelling. */
  readonly client?: string;
  /** `address:port` of the endpoint. */
  readonly endpoint?: string;
  readonly family?: IpFamily;
}

/** Who has a frontend: for names that the kernel does not know. */
export type FrontendOwner = (frontend: Bytes) => { readonly service: string; readonly portName: string } | undefined;

/**
 * The entries of one family, read from the kernel (ENOENT without a table of ours). The kernel's walk takes some 4 µs an entry.
 * Sorted by frontend, then client.
 */
export function listAffinity(nftables: Nftables, family: IpFamily, ownerOf?: FrontendOwner): AffinityEntry[] {
  return readEntries(nftables, family, ownerOf).map(({ entry }) => entry);
}

/** Forgets the entries of one family that the filter means; answers how many there were. Connections under way go on. */
export function clearAffinity(nftables: Nftables, family: IpFamily, filter: AffinityFilter, ownerOf?: FrontendOwner): number {
  if (filter.family !== undefined && filter.family !== family) return 0;
  const client = filter.client === undefined ? undefined : (canonicalIp(filter.client, family) ?? filter.client);
  const keys: Uint8Array[] = [];
  for (const { entry, key } of readEntries(nftables, family, ownerOf)) {
    const isMeant =
      (filter.service === undefined || entry.service === filter.service) &&
      (client === undefined || entry.client === client) &&
      (filter.endpoint === undefined || entry.endpoint === filter.endpoint);
    if (isMeant) keys.push(key);
  }
  return deleteKeys(nftables, family, keys);
}

/** One element of the affinity map -> an entry, without what other maps know. Undefined for an element that cannot be ours. */
export function decodeAffinity(element: NftElement, family: IpFamily): AffinityEntry | undefined {
  const key = fromUint8Array(element.key);
  const length = addressLength(family);
  const protocol = protocolFromNumber(key.charCodeAt(2 * length));
  if (key.length !== length + frontendLength(family) || protocol === undefined) return undefined;
  const address = key.slice(length, 2 * length);
  return {
    family,
    client: ipText(key.slice(0, length)),
    frontend: { ...(isZero(address) ? {} : { address: ipText(address) }), protocol, port: portAt(key, 2 * length + 4) },
    secondsLeft: (element.expirationMs ?? element.timeoutMs ?? 0) / 1000,
  };
}

/** Elements that go in one transaction. */
const keysPerBatch = 512;

function readEntries(
  nftables: Nftables,
  family: IpFamily,
  ownerOf: FrontendOwner = () => undefined,
): { entry: AffinityEntry; key: Uint8Array }[] {
  const elements: { element: NftElement; entry: AffinityEntry; pin: Bytes }[] = [];
  const length = addressLength(family);
  nftables.visitElements(tableOf(family), affinityMap, (element) => {
    const entry = decodeAffinity(element, family);
    if (entry === undefined || element.data === undefined) return;
    elements.push({ element, entry, pin: fromUint8Array(element.key).slice(length) + fromUint8Array(element.data) });
  });
  if (elements.length === 0) return [];
  const endpoints = new Map<Bytes, string>();
  nftables.visitElements(tableOf(family), 'pinned', ({ key, data }) => {
    if (data !== undefined) endpoints.set(fromUint8Array(key), endpointText(fromUint8Array(data)));
  });
  return elements
    .map(({ element, entry, pin }) => {
      const endpoint = endpoints.get(pin);
      const owner = ownerOf(pin.slice(0, frontendLength(family)));
      return {
        key: element.key,
        entry: {
          ...entry,
          ...(endpoint === undefined ? {} : { endpoint }),
          ...(owner === undefined ? {} : { service: owner.service, servicePort: owner.portName }),
        },
      };
    })
    .sort((a, b) => compareBytes(a.key, b.key, length));
}

/** By frontend, then by client. */
function compareBytes(a: Uint8Array, b: Uint8Array, clientLength: number): number {
  const order = Buffer.compare(a.subarray(clientLength), b.subarray(clientLength));
  return order === 0 ? Buffer.compare(a, b) : order;
}

/** An entry that ran out meanwhile makes the kernel refuse its whole transaction: such a batch is done one by one. */
function deleteKeys(nftables: Nftables, family: IpFamily, keys: readonly Uint8Array[]): number {
  let count = 0;
  for (let start = 0; start < keys.length; start += keysPerBatch) {
    const part = keys.slice(start, start + keysPerBatch);
    if (tryDelete(nftables, family, part)) count += part.length;
    else if (part.length > 1) for (const key of part) count += deleteKeys(nftables, family, [key]);
  }
  return count;
}

function tryDelete(nftables: Nftables, family: IpFamily, keys: readonly Uint8Array[]): boolean {
  const batch = new NftBatch();
  batch.deleteElements(
    tableOf(family),
    affinityMap,
    keys.map((key) => ({ key })),
  );
  try {
    nftables.commit(batch);
    return true;
  } catch (error) {
    if (isNoSuchThing(error)) return false;
    throw error;
  }
}

function isZero(bytes: Bytes): boolean {
  return !/[^\0]/.test(bytes);
}
