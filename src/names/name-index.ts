/**
 * Every name that the cluster's objects give, kept current object by object, never rebuilt. Pure: the clock comes in.
 *
 *   Service, EndpointSlices, Namespace --serviceRecords--> forward table   <svc>.<ns>.svc, endpoints, SRV owners, …
 *                                                     \--> reverse table   d.c.b.a.in-addr, ….ip6  (relative to arpa)
 *   Pods (mode verified) ------------------------------> pod table         address bytes + namespace label
 */
import type { EndpointSlice, Namespace, Pod, Service } from '../api/index.ts';
import { parseIp } from '../net/index.ts';
import type { NameNode } from './name-table.ts';
import { NameTable } from './name-table.ts';
import { PodAddresses } from './pod-addresses.ts';
import type { Pointer } from './reverse-index.ts';
import { ReverseIndex } from './reverse-index.ts';
import type { RRset } from './rrset.ts';
import { addressRRset, nameRRset, rawRRset, rrTypes, sameRRsets } from './rrset.ts';
import type { RecordOptions, ReverseName } from './service-records.ts';
import { isHeadless, preferLabels, serviceKey, serviceRecords } from './service-records.ts';
import { addressToWire, encodeLabel, lowerCaseWire, mustEncodeName } from './wire-name.ts';

/** Whether `<address>.<namespace>.pod` names exist: never; for any address (kube-dns's habit); or for addresses that a pod of the namespace has. */
export type PodMode = 'disabled' | 'insecure' | 'verified';

export interface NameIndexOptions {
  /** The cluster domain, e.g. `cluster.local`. */
  readonly zone: string;
  readonly podMode?: PodMode;
  /** Of every record but dns-version. Default 30, as Kubernetes' own manifest sets it. */
  readonly ttlSeconds?: number;
  /** Seconds since 1970, for the serial. */
  readonly nowSeconds: () => number;
  /** The addresses that this server answers at: the apex NS records are the Services that lead to them. */
  readonly ownAddresses?: readonly string[];
  readonly endpointPodNames?: boolean;
  readonly ignoreEmptyServices?: boolean;
  readonly zonalNames?: boolean;
  /** An address that endpoints with a hostname claim points to those names alone; without any, to generated names as ever. */
  readonly prefersHostnamePointers?: boolean;
  /** Only these namespaces exist. Default: all. */
  readonly namespaces?: readonly string[];
}

/** A Service as the index knows it. `service` is undefined while only slices of it were seen. */
export interface KnownService {
  readonly namespace: string;
  readonly name: string;
  readonly service: Service | undefined;
  /** In name order. */
  readonly slices: readonly EndpointSlice[];
}

interface ServiceState extends KnownService {
  service: Service | undefined;
  slices: EndpointSlice[];
  /** What stands in the tables because of it. */
  forwardKeys: readonly string[];
  reverse: readonly Pointer<ServiceState>[];
}

/** See the head of the file. Each `apply` takes the whole object as it now is, each `remove` the object or its identity; order between objects is free. */
export class NameIndex {
  readonly zone: string;
  readonly zoneWire: string;
  readonly podMode: PodMode;
  readonly ttlSeconds: number;
  /** Names below the cluster domain, relative to it. */
  readonly forward = new NameTable();
  /** Names below `arpa`, relative to it. */
  readonly reverse: NameTable;
  /** Mode verified: exists where a live pod of the namespace has the address (`podAddressKey`). */
  readonly podAddresses: NameTable;
  readonly recordOptions: RecordOptions;

  readonly #nowSeconds: () => number;
  #ownAddresses: ReadonlySet<string>;
  readonly #allowed: ReadonlySet<string> | undefined;
  readonly #namespaces = new Set<string>();
  readonly #services = new Map<string, ServiceState>();
  readonly #byNamespace = new Map<string, Set<ServiceState>>();
  readonly #serviceOfSlice = new Map<string, string>();
  readonly #pointers: ReverseIndex<ServiceState>;
  readonly #pods = new PodAddresses();
  #serial: number;
  #apex: RRset;
  #mark = 0;

  constructor(options: NameIndexOptions) {
    this.zoneWire = lowerCaseWire(mustEncodeName(options.zone));
    this.zone = lowerCaseWire(options.zone.replace(/\.$/, ''));
    this.podMode = options.podMode ?? 'disabled';
    this.ttlSeconds = options.ttlSeconds ?? 30;
    this.#pointers = new ReverseIndex(this.ttlSeconds, options.prefersHostnamePointers ?? false);
    this.reverse = this.#pointers.table;
    this.podAddresses = this.#pods.table;
    this.#nowSeconds = options.nowSeconds;
    this.#ownAddresses = new Set((options.ownAddresses ?? []).flatMap(wireAddress));
    this.#allowed = options.namespaces === undefined ? undefined : new Set(options.namespaces);
    this.recordOptions = {
      zoneWire: this.zoneWire,
      ttlSeconds: this.ttlSeconds,
      endpointPodNames: options.endpointPodNames ?? false,
      ignoreEmptyServices: options.ignoreEmptyServices ?? false,
      zonalNames: options.zonalNames ?? false,
    };
    this.#serial = options.nowSeconds();
    this.forward.put(versionKey, [rawRRset(rrTypes.TXT, ['\x051.1.0'], versionTtlSeconds)]);
    this.forward.put('\x03svc', []);
    this.forward.put('\x03pod', []);
    this.#apex = this.#findNameServers();
  }

  /** Zone serial: Unix time of the last change that a client can see. Never goes back. */
  get serial(): number {
    return this.#serial;
  }

  /** What a zone without endpoints of its own gets at `<zone>.prefer._zone.<service>`. The range as for `NameTable.find`. */
  findPreferred(bytes: Uint8Array, start: number, end: number): NameNode | undefined {
    if (!this.recordOptions.zonalNames || start >= end) return undefined;
    const above = this.forward.find(bytes, start + 1 + (bytes[start] ?? 0), end);
    return above?.key.startsWith(preferLabels) === true ? this.forward.findText(`\x01*${above.key}`) : undefined;
  }

  /** A value for `NameNode.mark` that no node of this index has; small enough never to leave V8's small integers. */
  nextMark(): number {
    this.#mark = (this.#mark + 1) & 0x3fff_ffff;
    return this.#mark;
  }

  /** The NS records of the apex. There is always at least one. */
  get nameServers(): RRset {
    return this.#apex;
  }

  /** Tells at which addresses this server answers, when that is known only after it was bound. */
  setOwnAddresses(addresses: readonly string[]): void {
    this.#ownAddresses = new Set(addresses.flatMap(wireAddress));
    this.#apex = this.#findNameServers();
    this.#touch();
  }

  applyNamespace(namespace: Namespace): void {
    const name = namespace.metadata?.name ?? '';
    if (name === '' || this.#namespaces.has(name) || this.#allowed?.has(name) === false) return;
    this.#namespaces.add(name);
    this.forward.put(`${encodeLabel(name)}\x03svc`, []);
    if (this.podMode !== 'disabled') this.forward.put(`${encodeLabel(name)}\x03pod`, []);
    this.#touch();
    for (const state of this.#byNamespace.get(name) ?? []) this.#refresh(state);
  }

  removeNamespace(namespace: Namespace): void {
    const name = namespace.metadata?.name ?? '';
    if (!this.#namespaces.delete(name)) return;
    for (const state of this.#byNamespace.get(name) ?? []) this.#refresh(state);
    this.forward.remove(`${encodeLabel(name)}\x03svc`);
    this.forward.remove(`${encodeLabel(name)}\x03pod`);
    this.#touch();
  }

  applyService(service: Service): void {
    const state = this.#stateOf(service.metadata?.namespace ?? '', service.metadata?.name ?? '');
    state.service = service;
    this.#refresh(state);
  }

  removeService(service: Service): void {
    const state = this.#services.get(`${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}`);
    if (state === undefined) return;
    state.service = undefined;
    this.#refresh(state);
    this.#forgetIfEmpty(state);
  }

  applyEndpointSlice(slice: EndpointSlice): void {
    const { namespace = '', name = '', labels } = slice.metadata ?? {};
    const serviceName = labels?.['kubernetes.io/service-name'] ?? '';
    const before = this.#serviceOfSlice.get(`${namespace}/${name}`);
    if (before !== undefined && before !== serviceName) this.removeEndpointSlice(slice);
    if (serviceName === '') return;
    this.#serviceOfSlice.set(`${namespace}/${name}`, serviceName);
    const state = this.#stateOf(namespace, serviceName);
    // Kept in name order, so that the same objects give the same records whatever order they came in.
    const at = state.slices.findIndex((other) => (other.metadata?.name ?? '') >= name);
    if (at < 0) state.slices.push(slice);
    else state.slices.splice(at, state.slices[at]?.metadata?.name === name ? 1 : 0, slice);
    this.#refresh(state);
  }

  removeEndpointSlice(slice: EndpointSlice): void {
    const { namespace = '', name = '' } = slice.metadata ?? {};
    const serviceName = this.#serviceOfSlice.get(`${namespace}/${name}`);
    if (serviceName === undefined) return;
    this.#serviceOfSlice.delete(`${namespace}/${name}`);
    const state = this.#stateOf(namespace, serviceName);
    state.slices = state.slices.filter((other) => other.metadata?.name !== name);
    this.#refresh(state);
    this.#forgetIfEmpty(state);
  }

  /** Mode verified only. A pod counts while it has an address, is neither terminal nor terminating. */
  applyPod(pod: Pod): void {
    if (this.podMode === 'verified' && this.#pods.apply(pod)) this.#touch();
  }

  removePod(pod: Pod): void {
    if (this.#pods.remove(pod)) this.#touch();
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name);
  }

  /** What is known of a Service, for explanations. */
  service(namespace: string, name: string): KnownService | undefined {
    return this.#services.get(`${namespace}/${name}`);
  }

  /** All Services with an object, for zone transfer and explanations. */
  *services(): Generator<KnownService> {
    for (const state of this.#services.values()) if (state.service !== undefined) yield state;
  }

  /** The RRsets that a Service gives, with their owners, for zone transfer: without the endpoint names of a cluster IP Service. */
  *recordsOf(known: KnownService): Generator<readonly [owner: string, rrset: RRset]> {
    const state = this.#services.get(`${known.namespace}/${known.name}`);
    if (state?.service === undefined) return;
    const hasEndpointNames = isHeadless(state.service);
    const own = serviceKey(state.namespace, state.name);
    for (const owner of state.forwardKeys) {
      const isEndpoint = owner !== own && owner.charAt(1) !== '_';
      if (isEndpoint && !hasEndpointNames) continue;
      for (const rrset of this.forward.findText(owner)?.rrsets ?? []) yield [owner, rrset];
    }
  }

  /** Pods that have this address in the namespace, as `namespace/name` (mode verified). */
  podsAt(namespace: string, addressWire: string): string[] {
    return this.#pods.at(namespace, addressWire);
  }

  #stateOf(namespace: string, name: string): ServiceState {
    const key = `${namespace}/${name}`;
    const known = this.#services.get(key);
    if (known !== undefined) return known;
    const state: ServiceState = { namespace, name, service: undefined, slices: [], forwardKeys: [], reverse: [] };
    this.#services.set(key, state);
    const group = this.#byNamespace.get(namespace);
    if (group === undefined) this.#byNamespace.set(namespace, new Set([state]));
    else group.add(state);
    return state;
  }

  #forgetIfEmpty(state: ServiceState): void {
    if (state.service !== undefined || state.slices.length > 0) return;
    this.#services.delete(`${state.namespace}/${state.name}`);
    const group = this.#byNamespace.get(state.namespace);
    group?.delete(state);
    if (group?.size === 0) this.#byNamespace.delete(state.namespace);
  }

  /** Computes the records of one Service anew and changes in the tables what differs. */
  #refresh(state: ServiceState): void {
    const { service } = state;
    const isVisible = service !== undefined && this.#namespaces.has(state.namespace);
    const records = isVisible ? serviceRecords(service, state.slices, this.recordOptions) : noRecords;
    let hasChanged = false;
    for (const [key, rrsets] of records.forward) {
      const node = this.forward.findText(key);
      if (node !== undefined && rrsets.length > 0 && sameRRsets(node.rrsets, rrsets)) continue;
      if (node !== undefined && rrsets.length === 0 && node.rrsets.length === 0 && state.forwardKeys.includes(key)) continue;
      this.forward.put(key, rrsets);
      hasChanged = true;
    }
    for (const key of state.forwardKeys) {
      if (records.forward.has(key)) continue;
      this.forward.remove(key);
      hasChanged = true;
    }
    state.forwardKeys = [...records.forward.keys()];
    const reverse = this.#pointers.replace(state, state.reverse, records.reverse);
    state.reverse = reverse.claims;
    hasChanged ||= reverse.hasChanged;
    if (hasChanged) this.#touch();
    // Also when only addresses of the Service moved: the glue of `ns.dns` is made of them.
    if (hasChanged && this.#ownAddresses.size > 0) this.#apex = this.#findNameServers();
  }

  /** NS: the Services with this server among their endpoints; without any, `ns.dns`, which then has the server's own addresses. */
  #findNameServers(): RRset {
    const names = new Set<string>();
    for (const address of this.#ownAddresses) {
      for (const { owner, kind, target } of this.#pointers.at(address)) {
        if (kind === 'cluster-ip' || owner.service === undefined) continue;
        names.add(isHeadless(owner.service) ? target : serviceKey(owner.namespace, owner.name));
      }
    }
    const addresses = new Set<string>();
    const sorted = [...names].sort();
    for (const name of sorted) {
      for (const rrset of this.forward.findText(name)?.rrsets ?? []) {
        for (let at = 0; at < rrset.data.length; at += rrset.itemBytes) addresses.add(rrset.data.slice(at, at + rrset.itemBytes));
      }
    }
    const own = [...(names.size === 0 ? this.#ownAddresses : addresses)];
    const rrsets = [4, 16].flatMap((length) => {
      const rrset = addressRRset(
        own.filter((address) => address.length === length),
        this.ttlSeconds,
      );
      return rrset === undefined ? [] : [rrset];
    });
    const node = this.forward.findText(nameServerKey);
    if (node === undefined || !sameRRsets(node.rrsets, rrsets)) this.forward.put(nameServerKey, rrsets);
    const apex = nameRRset(rrTypes.NS, sorted, 0, this.ttlSeconds);
    return apex ?? { ...defaultNameServers, ttlSeconds: this.ttlSeconds };
  }

  #touch(): void {
    this.#serial = Math.max(this.#serial, this.#nowSeconds());
  }
}

/** `ns.dns`: the primary name server that the SOA record names. */
export const nameServerKey = '\x02ns\x03dns';

/** The RRset of one type at a node. */
export function rrsetOf(node: NameNode, type: number): RRset | undefined {
  for (const rrset of node.rrsets) if (rrset.type === type) return rrset;
  return undefined;
}

const versionKey = '\x0bdns-version';
// CoreDNS gives the schema version this time to live.
const versionTtlSeconds = 28_800;
const noRecords = { forward: new Map<string, readonly RRset[]>(), reverse: [] as readonly ReverseName[] };
const defaultNameServers: RRset = {
  type: rrTypes.NS,
  ttlSeconds: 0,
  count: 1,
  itemBytes: 0,
  data: '',
  items: [nameServerKey],
  nameAt: 0,
};

function wireAddress(text: string): string[] {
  const ip = parseIp(text);
  return ip === undefined ? [] : [addressToWire(ip)];
}
