/**
 * One Service and its EndpointSlices -> the names it has and the addresses that point back to it. The Kubernetes DNS
 * specification 1.1.0, and CoreDNS where the specification is silent. Pure.
 */
import { objectsIn, textOf, textsIn } from '../api/index.ts';
import type { Endpoint, EndpointSlice, Service } from '../api/index.ts';
import { isPort, parseIp } from '../net/index.ts';
import { preferLabels } from './name-reader.ts';
import { dashedLabel } from './pod-label.ts';
import type { RRset } from './rrset.ts';
import { addressRRset, nameRRset, rawRRset, rrTypes, srvItem, srvNameAt } from './rrset.ts';
import { addressToWire, encodeLabel, encodeName, lowerCaseWire, maxLabelBytes, maxNameBytes, stripZone } from './wire-name.ts';

/** What decides the records besides the objects. */
export interface RecordOptions {
  /** The cluster domain in wire form without terminator, lower case. */
  readonly zoneWire: string;
  readonly ttlSeconds: number;
  /** Endpoints without a hostname are named after their pod (CoreDNS `endpoint_pod_names`). */
  readonly endpointPodNames: boolean;
  /** A cluster IP Service without a ready endpoint does not exist (CoreDNS `ignore empty_service`). */
  readonly ignoreEmptyServices: boolean;
  /** `<zone>.pin._zone.<service>` and `<zone>.prefer._zone.<service>` of headless Services. */
  readonly zonalNames: boolean;
}

/** One name that an address points back to. */
export interface ReverseName {
  /** The address, 4 or 16 one-byte characters. */
  readonly address: string;
  /** Relative wire name. */
  readonly target: string;
  readonly kind: 'cluster-ip' | 'hostname' | 'generated';
}

export interface ServiceRecords {
  /** Relative wire name -> its RRsets. An empty list: the name exists without data. */
  readonly forward: ReadonlyMap<string, readonly RRset[]>;
  readonly reverse: readonly ReverseName[];
}

/** One ready address of a Service, with the ports of its slice. */
export interface EndpointRow {
  readonly label: string;
  /** `addressToWire` form. */
  readonly address: string;
  readonly ports: readonly PortLike[];
  readonly endpoint: Endpoint;
  readonly slice: EndpointSlice;
}

/** The relative wire name of a Service: `<name>.<namespace>.svc`. */
export function serviceKey(namespace: string, name: string): string {
  // Joined, not concatenated: V8 keeps the parts of a concatenation as a tree, twice the memory for a name that stays.
  return [encodeLabel(name), encodeLabel(namespace), '\x03svc'].join('');
}

/** Whether the Service is headless: `None` instead of cluster IPs. */
export function isHeadless(service: Service): boolean {
  return clusterIpsOf(service)[0] === 'None';
}

/** `clusterIPs`, or the older `clusterIP` alone. */
export function clusterIpsOf(service: Service): readonly string[] {
  const { clusterIPs, clusterIP } = service.spec ?? {};
  const list = textsIn(clusterIPs);
  if (list.length > 0) return list;
  return textsIn([clusterIP ?? '']).filter((address) => address !== '');
}

/** An endpoint is ready unless it says that it is not: absent means ready (k8s discovery/v1 EndpointConditions). */
export function isReady(endpoint: Endpoint): boolean {
  return endpoint.conditions?.ready !== false;
}

/** The label of one address of an endpoint, lower case: its hostname, else (optionally) its pod's name, else the dashed address. */
export function endpointLabel(endpoint: Endpoint, address: string, options: Pick<RecordOptions, 'endpointPodNames'>): string {
  const hostname = textOf(endpoint.hostname);
  if (hostname !== undefined && hostname !== '' && hostname.length <= maxLabelBytes) return lowerCaseWire(hostname);
  const pod = options.endpointPodNames ? textOf(endpoint.targetRef?.name) : undefined;
  if (pod !== undefined && pod !== '' && pod.length <= maxLabelBytes) return lowerCaseWire(pod);
  return dashedLabel(lowerCaseWire(address));
}

/** Where an ExternalName Service points: a name in our zone (relative) or a complete one; or why it points nowhere. */
export type ExternalTarget =
  | { readonly kind: 'inside'; readonly relative: string }
  | { readonly kind: 'outside'; readonly wire: string }
  | { readonly kind: 'invalid'; readonly problem: string };

/** Reads `spec.externalName`. An address is no name (kube-dns answered A records for it; nothing else does). */
export function externalTarget(service: Service, zoneWire: string): ExternalTarget {
  const text = textOf(service.spec?.externalName) ?? '';
  if (parseIp(text) !== undefined) return { kind: 'invalid', problem: `spec.externalName is an address, ${text}, not a name` };
  const wire = encodeName(text);
  if (wire === undefined || wire === '')
    return { kind: 'invalid', problem: `spec.externalName is no domain name: ${JSON.stringify(text)}` };
  const relative = stripZone(lowerCaseWire(wire), zoneWire);
  return relative === undefined ? { kind: 'outside', wire: `${wire}\0` } : { kind: 'inside', relative };
}

/** The ready, distinct addresses of a Service, in slice name order. A row seen in two slices (a moving endpoint) counts once. */
export function endpointRows(slices: readonly EndpointSlice[], options: Pick<RecordOptions, 'endpointPodNames'>): EndpointRow[] {
  const rows: EndpointRow[] = [];
  const seen = new Map<string, EndpointRow>();
  for (const slice of slices) {
    // once: a slice may be made of text whenever it is looked into
    const { addressType, endpoints, ports: stored } = slice;
    if (addressType !== 'IPv4' && addressType !== 'IPv6') continue;
    const ports = objectsIn(stored);
    const portsText = portsKey(ports);
    for (const endpoint of objectsIn(endpoints)) {
      if (!isReady(endpoint)) continue;
      for (const text of textsIn(endpoint.addresses)) {
        const ip = parseIp(text);
        if (ip === undefined || ip.family !== addressType) continue;
        const row = {
          label: endpointLabel(endpoint, text, options),
          address: addressToWire(ip),
          ports,
          endpoint,
          slice,
        };
        const key = `${row.address} ${row.label} ${portsText}`;
        if (seen.has(key)) continue;
        seen.set(key, row);
        rows.push(row);
      }
    }
  }
  return rows;
}

/** All records that one Service gives. `slices` are its own, in name order. */
export function serviceRecords(service: Service, slices: readonly EndpointSlice[], options: RecordOptions): ServiceRecords {
  const namespace = service.metadata?.namespace ?? '';
  const name = service.metadata?.name ?? '';
  const key = isLabel(namespace) && isLabel(name) ? serviceKey(namespace, name) : '';
  const forward = new Map<string, readonly RRset[]>();
  // The API allows no such names; objects read from files have not been through it.
  if (!isLabel(namespace) || !isLabel(name) || !fits(key, options)) return { forward, reverse: [] };
  if (service.spec?.type === 'ExternalName') {
    const target = externalTarget(service, options.zoneWire);
    if (target.kind === 'inside') forward.set(key, present([nameRRset(rrTypes.CNAME, [target.relative], 0, options.ttlSeconds)]));
    if (target.kind === 'outside') forward.set(key, [rawRRset(rrTypes.CNAME, [target.wire], options.ttlSeconds)]);
    return { forward, reverse: [] };
  }
  const longestLabel = maxNameBytes - 2 - key.length - options.zoneWire.length;
  const rows = endpointRows(slices, options).filter((row) => isLabel(row.label) && row.label.length <= longestLabel);
  if (isHeadless(service)) return headlessRecords(key, rows, options);
  if (options.ignoreEmptyServices && rows.length === 0) return { forward, reverse: [] };
  return virtualRecords(service, key, rows, options);
}

/** A Service with cluster IPs: its own addresses and ports, whatever its endpoints; and a name for each endpoint. */
function virtualRecords(service: Service, key: string, rows: readonly EndpointRow[], options: RecordOptions): ServiceRecords {
  const addresses: string[] = [];
  for (const text of clusterIpsOf(service)) {
    const ip = parseIp(text);
    if (ip !== undefined) addresses.push(addressToWire(ip));
  }
  const ports = objectsIn(service.spec?.ports).map((port) => ({ name: port.name, protocol: port.protocol, port: port.port }));
  const candidates = addresses.flatMap(() => ports.map((port) => ({ port, target: key })));
  const forward = new Map<string, readonly RRset[]>();
  forward.set(key, present([...addressRRsets(addresses, options), srvRRset(candidates, options)]));
  putNamedPorts(forward, key, candidates, options);
  const reverse = addresses.map((address) => ({ address, target: key, kind: 'cluster-ip' as const }));
  return { forward, reverse: [...reverse, ...putEndpoints(forward, key, rows, options)] };
}

/** A headless Service is its ready endpoints: without any it does not exist (specification 2.4: NXDOMAIN, not NODATA). */
function headlessRecords(key: string, rows: readonly EndpointRow[], options: RecordOptions): ServiceRecords {
  const forward = new Map<string, readonly RRset[]>();
  if (rows.length === 0) return { forward, reverse: [] };
  const candidates = candidatesOf(rows, key);
  forward.set(
    key,
    present([
      ...addressRRsets(
        rows.map((row) => row.address),
        options,
      ),
      srvRRset(candidates, options),
    ]),
  );
  putNamedPorts(forward, key, candidates, options);
  const reverse = putEndpoints(forward, key, rows, options);
  if (options.zonalNames) putZonalNames(forward, key, rows, options);
  return { forward, reverse };
}

interface PortLike {
  readonly name?: string | undefined;
  readonly protocol?: string | undefined;
  readonly port?: number | undefined;
}

/** A row that may become an SRV record. Its number decides the weight, before equal records collapse. */
interface SrvCandidate {
  readonly port: PortLike;
  readonly target: string;
}

function candidatesOf(rows: readonly EndpointRow[], key: string): SrvCandidate[] {
  return rows.flatMap((row) => row.ports.map((port) => ({ port, target: [encodeLabel(row.label), key].join('') })));
}

/** `<label>.<service>`: addresses and ports of the endpoint(s) with this label. Returns the names for the way back. */
function putEndpoints(
  forward: Map<string, readonly RRset[]>,
  key: string,
  rows: readonly EndpointRow[],
  options: RecordOptions,
): ReverseName[] {
  const byLabel = new Map<string, EndpointRow[]>();
  for (const row of rows) {
    const group = byLabel.get(row.label);
    if (group === undefined) byLabel.set(row.label, [row]);
    else group.push(row);
  }
  const reverse: ReverseName[] = [];
  for (const [label, group] of byLabel) {
    const owner = [encodeLabel(label), key].join('');
    const addresses = [...new Set(group.map((row) => row.address))];
    const named = new Set(group.filter(({ endpoint }) => (textOf(endpoint.hostname) ?? '') !== '').map(({ address }) => address));
    forward.set(owner, present([...addressRRsets(addresses, options), srvRRset(candidatesOf(group, key), options)]));
    for (const address of addresses) {
      reverse.push({ address, target: owner, kind: named.has(address) ? 'hostname' : 'generated' });
    }
  }
  return reverse;
}

/** `_port._protocol.<service>` for ports with a name; without one there is no such owner (specification 2.3.2). */
function putNamedPorts(
  forward: Map<string, readonly RRset[]>,
  key: string,
  candidates: readonly SrvCandidate[],
  options: RecordOptions,
): void {
  const byOwner = new Map<string, SrvCandidate[]>();
  for (const candidate of candidates) {
    const name = `_${textOf(candidate.port.name) ?? ''}`;
    const protocol = `_${textOf(candidate.port.protocol) ?? 'TCP'}`;
    if (name === '_' || !isLabel(name) || !isLabel(protocol)) continue;
    const owner = [encodeLabel(name), encodeLabel(protocol), key].join('');
    if (!fits(owner, options)) continue;
    const group = byOwner.get(owner);
    if (group === undefined) byOwner.set(owner, [candidate]);
    else group.push(candidate);
  }
  for (const [owner, group] of byOwner) {
    const rrset = srvRRset(group, options);
    if (rrset !== undefined) forward.set(owner, [rrset]);
  }
}

/**
 * `<zone>.pin._zone.<service>`: the endpoints of that zone; a zone without any has no such name. `<zone>.prefer._zone.…`: the same,
 * or all endpoints where the zone has none, which stand at `*.prefer._zone.…` (`NameIndex.findPreferred`).
 */
function putZonalNames(
  forward: Map<string, readonly RRset[]>,
  key: string,
  rows: readonly EndpointRow[],
  options: RecordOptions,
): void {
  const byZone = new Map<string, string[]>();
  for (const { endpoint, address } of rows) {
    const zone = textOf(endpoint.zone) ?? '';
    if (!isLabel(zone) || !fits(`${encodeLabel(zone)}${preferLabels}${key}`, options)) continue;
    const addresses = byZone.get(zone);
    if (addresses === undefined) byZone.set(zone, [address]);
    else addresses.push(address);
  }
  const all = present(
    addressRRsets(
      rows.map(({ address }) => address),
      options,
    ),
  );
  forward.set(`\x01*${preferLabels}${key}`, all);
  for (const [zone, addresses] of byZone) {
    const rrsets = present(addressRRsets(addresses, options));
    for (const how of ['pin', 'prefer']) forward.set(`${encodeLabel(zone)}${encodeLabel(how)}\x05_zone${key}`, rrsets);
  }
}

function addressRRsets(addresses: readonly string[], options: RecordOptions): (RRset | undefined)[] {
  const distinct = [...new Set(addresses)];
  return [4, 16].map((length) =>
    addressRRset(
      distinct.filter((address) => address.length === length),
      options.ttlSeconds,
    ),
  );
}

/** Priority 0, weight floor(100/n) but never 0 (as CoreDNS): n counts candidates before equal records collapse, so a dual-stack Service shows 50. */
function srvRRset(candidates: readonly SrvCandidate[], options: RecordOptions): RRset | undefined {
  const valid = candidates.filter(({ port }) => port.port !== undefined && isPort(port.port));
  const weight = Math.max(1, Math.floor(100 / valid.length));
  const items = new Set(valid.map(({ port, target }) => srvItem(weight, port.port ?? 0, target)));
  return nameRRset(rrTypes.SRV, [...items], srvNameAt, options.ttlSeconds);
}

/** The API allows much less; a character that is no byte would be another one on the wire. */
export function isLabel(text: unknown): text is string {
  return typeof text === 'string' && text.length > 0 && text.length <= maxLabelBytes && /^[\0-\xff]*$/.test(text);
}

/** Whether a name of the zone can stand on the wire. */
function fits(relative: string, { zoneWire }: Pick<RecordOptions, 'zoneWire'>): boolean {
  return relative.length + zoneWire.length < maxNameBytes;
}

function portsKey(ports: readonly PortLike[]): string {
  return ports.map((port) => `${port.name ?? ''}/${port.protocol ?? 'TCP'}/${port.port ?? ''}`).join(',');
}

function present(rrsets: readonly (RRset | undefined)[]): RRset[] {
  return rrsets.filter((rrset) => rrset !== undefined);
}
