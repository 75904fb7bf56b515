/**
 * Every name that the cluster's objects give, kept current object by object, never rebuilt. Pure: the clock comes in.
 *
 *   Service, EndpointSlices, Namespace --serviceRecords--> forward table   <svc>.<ns>.svc, endpoints, SRV owners, …
 *                                                     \--> reverse table   d.c.b.a.in-addr, ….ip6  (relative to arpa)
 *   Pods (mode verified) ------------------------------> pod table         address bytes + namespace label
 */
import type { EndpointSlice, Namespace, Pod, Service } from '../api/index.ts';
import { parseIp } from '../net/index.ts';
import { headerWords } from './name-memory.ts';
import type { NameReader } from './name-reader.ts';
import { NameServers } from './name-servers.ts';
import type { NameNode, NameTable } from './name-table.ts';
import { NameTables } from './name-table.ts';
import { PodAddresses } from './pod-addresses.ts';
import { ReverseIndex } from './reverse-index.ts';
import type { RRset } from './rrset.ts';
import { rawRRset, rrTypes, sameRRsets } from './rrset.ts';
import type { RecordOptions, ServiceRecords } from './service-records.ts';
import { isHeadless, isLabel, serviceKey, serviceRecords } from './service-records.ts';
import type { ServedNames } from './served-names.ts';
import { addressToWire, encodeLabel, labelsOf, lowerCaseWire, mustEncodeName } from './wire-name.ts';

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
}

/** See the head of the file. Each `apply` takes the whole object as it now is, each `remove` the object or its identity; order between objects is free. */
export class NameIndex implements ServedNames {
  readonly zone: string;
  readonly zoneWire: string;
  readonly podMode: PodMode;
  readonly ttlSeconds: number;
  /** Names below the cluster domain, relative to it. */
  readonly forward: NameTable;
  /** Names below `arpa`, relative to it. */
  readonly reverse: NameTable;
  /** Mode verified: exists where a live pod of the namespace has the address (`podAddressKey`). */
  readonly podAddresses: NameTable;
  readonly recordOptions: RecordOptions;
  /** What answers are made of, for the thread of the index. */
  readonly reader: NameReader;

  readonly #tables: NameTables;
  readonly #nowSeconds: () => number;
  #ownAddresses: ReadonlySet<string>;
  readonly #allowed: ReadonlySet<string> | undefined;
  readonly #namespaces = new Set<string>();
  readonly #services = new Map<string, ServiceState>();
  readonly #byNamespace = new Map<string, Set<ServiceState>>();
  readonly #serviceOfSlice = new Map<string, string>();
  readonly #pointers: ReverseIndex;
  readonly #pods: PodAddresses;
  readonly #nameServers: NameServers;
  #serial: number;
  /** The records of the Service that changed last: the next change is often of the same. */
  #latest: { readonly state: ServiceState; readonly records: ServiceRecords } | undefined;

  constructor(options: NameIndexOptions) {
    this.zoneWire = lowerCaseWire(mustEncodeName(options.zone));
    this.zone = lowerCaseWire(options.zone.replace(/\.$/, ''));
    this.podMode = options.podMode ?? 'disabled';
    this.ttlSeconds = options.ttlSeconds ?? 30;
    this.#tables = new NameTables(this.ttlSeconds);
    this.reader = this.#tables.reader;
    this.forward = this.#tables.forward;
    this.reverse = this.#tables.reverse;
    this.podAddresses = this.#tables.pods;
    this.#pointers = new ReverseIndex(this.reverse, options.prefersHostnamePointers ?? false);
    this.#pods = new PodAddresses(this.podAddresses);
    this.#nameServers = new NameServers(this.#tables, this.ttlSeconds);
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
    this.#change(() => {
      this.forward.put(versionKey, [rawRRset(rrTypes.TXT, ['\x051.1.0'], versionTtlSeconds)]);
      this.forward.put('\x03svc', []);
      this.forward.put('\x03pod', []);
      this.#findNameServers();
      this.#touch();
    });
  }

  /** The memory that the names are in: `NameReader` reads it, in any thread. */
  get sharedMemory(): SharedArrayBuffer {
    return this.#tables.memory.buffer;
  }

  get hasZonalNames(): boolean {
    return this.recordOptions.zonalNames;
  }

  /** Says that every object was read once: a name that is missing from now on does not exist. */
  complete(): void {
    this.#change(() => {
      this.#tables.memory.words[headerWords.isComplete] = 1;
    });
  }

  /** Zone serial: Unix time of the last change that a client can see. Never goes back. */
  get serial(): number {
    return this.#serial;
  }

  /** What a zone without endpoints of its own gets at `<zone>.prefer._zone.<service>`. The range as for `NameTable.find`. */
  findPreferred(bytes: Uint8Array, start: number, end: number): NameNode | undefined {
    if (!this.recordOptions.zonalNames || start >= end) return undefined;
    const node = this.reader.findPreferred(bytes, start, end);
    return node === 0 ? undefined : this.forward.findText(this.reader.nameOf(node));
  }

  /** The NS records of the apex. There is always at least one. */
  get nameServers(): RRset {
    return this.#nameServers.rrset;
  }

  /** Tells at which addresses this server answers, when that is known only after it was bound. */
  setOwnAddresses(addresses: readonly string[]): void {
    this.#ownAddresses = new Set(addresses.flatMap(wireAddress));
    this.#change(() => {
      this.#findNameServers();
      this.#touch();
    });
  }

  applyNamespace(namespace: Namespace): void {
    const name = namespace.metadata?.name ?? '';
    if (!isLabel(name) || this.#namespaces.has(name) || this.#allowed?.has(name) === false) return;
    this.#change(() => {
      this.forward.put(`${encodeLabel(name)}\x03svc`, []);
      if (this.podMode !== 'disabled') this.forward.put(`${encodeLabel(name)}\x03pod`, []);
      this.#touch();
    });
    this.#latest = undefined;
    this.#namespaces.add(name);
    // Service by Service: there may be thousands, and whoever reads the memory waits for a change to end
    for (const state of this.#byNamespace.get(name) ?? []) this.#change(() => this.#replace(noRecords, this.#recordsNow(state)));
  }

  removeNamespace(namespace: Namespace): void {
    const name = namespace.metadata?.name ?? '';
    if (!this.#namespaces.has(name)) return;
    this.#change(() => {
      this.#latest = undefined;
      for (const state of this.#byNamespace.get(name) ?? []) this.#replace(this.#recordsNow(state), noRecords);
      this.#namespaces.delete(name);
      this.forward.remove(`${encodeLabel(name)}\x03svc`);
      this.forward.remove(`${encodeLabel(name)}\x03pod`);
      this.#touch();
    });
  }

  applyService(service: Service): void {
    const state = this.#stateOf(service.metadata?.namespace ?? '', service.metadata?.name ?? '');
    this.#move(state, () => (state.service = service));
  }

  removeService(service: Service): void {
    const state = this.#services.get(keyOf(service.metadata?.namespace ?? '', service.metadata?.name ?? ''));
    if (state === undefined) return;
    this.#move(state, () => (state.service = undefined));
    this.#forgetIfEmpty(state);
  }

  applyEndpointSlice(slice: EndpointSlice): void {
    const { namespace = '', name = '', labels } = slice.metadata ?? {};
    const serviceName = labels?.['kubernetes.io/service-name'] ?? '';
    const before = this.#serviceOfSlice.get(keyOf(namespace, name));
    if (before !== undefined && before !== serviceName) this.removeEndpointSlice(slice);
    if (serviceName === '') return;
    const state = this.#stateOf(namespace, serviceName);
    // the Service's own text: one for each slice would be paid for by each
    this.#serviceOfSlice.set(keyOf(namespace, name), state.name);
    this.#move(state, () => {
      // Kept in name order, so that the same objects give the same records whatever order they came in.
      const at = state.slices.findIndex((other) => (other.metadata?.name ?? '') >= name);
      if (at < 0) state.slices = [...state.slices, slice];
      else state.slices = state.slices.toSpliced(at, state.slices[at]?.metadata?.name === name ? 1 : 0, slice);
    });
  }

  removeEndpointSlice(slice: EndpointSlice): void {
    const { namespace = '', name = '' } = slice.metadata ?? {};
    const serviceName = this.#serviceOfSlice.get(keyOf(namespace, name));
    if (serviceName === undefined) return;
    this.#serviceOfSlice.delete(keyOf(namespace, name));
    const state = this.#stateOf(namespace, serviceName);
    this.#move(state, () => (state.slices = state.slices.filter((other) => other.metadata?.name !== name)));
    this.#forgetIfEmpty(state);
  }

  /** Mode verified only. A pod counts while it has an address, is neither terminal nor terminating. */
  applyPod(pod: Pod): void {
    if (this.podMode !== 'verified') return;
    this.#change(() => {
      if (this.#pods.apply(pod)) this.#touch();
    });
  }

  removePod(pod: Pod): void {
    this.#change(() => {
      if (this.#pods.remove(pod)) this.#touch();
    });
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name);
  }

  /** What is known of a Service, for explanations. */
  service(namespace: string, name: string): KnownService | undefined {
    return this.#services.get(keyOf(namespace, name));
  }

  /** All Services with an object, for zone transfer and explanations. */
  *services(): Generator<KnownService> {
    for (const state of this.#services.values()) if (state.service !== undefined) yield state;
  }

  /** The RRsets that a Service gives, with their owners, for zone transfer: without the endpoint names of a cluster IP Service. */
  *recordsOf(known: KnownService): Generator<readonly [owner: string, rrset: RRset]> {
    const state = this.#services.get(keyOf(known.namespace, known.name));
    if (state?.service === undefined) return;
    const hasEndpointNames = isHeadless(state.service);
    const { forward } = this.#recordsNow(state);
    if (forward.size === 0) return;
    const own = serviceKey(state.namespace, state.name);
    for (const [owner, rrsets] of forward) {
      const isEndpoint = owner !== own && owner.charAt(1) !== '_';
      if (isEndpoint && !hasEndpointNames) continue;
      for (const rrset of rrsets) yield [owner, rrset];
    }
  }

  /** Pods that have this address in the namespace, as `namespace/name` (mode verified). */
  podsAt(namespace: string, addressWire: string): string[] {
    return this.#pods.at(namespace, addressWire);
  }

  #stateOf(namespace: string, name: string): ServiceState {
    const key = keyOf(namespace, name);
    const known = this.#services.get(key);
    if (known !== undefined) return known;
    const state: ServiceState = { namespace, name, service: undefined, slices: [] };
    this.#services.set(key, state);
    const group = this.#byNamespace.get(namespace);
    if (group === undefined) this.#byNamespace.set(namespace, new Set([state]));
    else group.add(state);
    return state;
  }

  #forgetIfEmpty(state: ServiceState): void {
    if (state.service !== undefined || state.slices.length > 0) return;
    this.#services.delete(keyOf(state.namespace, state.name));
    const group = this.#byNamespace.get(state.namespace);
    group?.delete(state);
    if (group?.size === 0) this.#byNamespace.delete(state.namespace);
  }

  /** What the Service gives as it is now. Objects are never changed in place, so this can be asked again instead of being kept. */
  #recordsNow(state: ServiceState): ServiceRecords {
    if (this.#latest?.state === state) return this.#latest.records;
    const { service, slices } = state;
    const isVisible = service !== undefined && this.#namespaces.has(state.namespace);
    return isVisible ? serviceRecords(service, slices, this.recordOptions) : noRecords;
  }

  /** Changes one Service, and in the tables what its records differ in. */
  #move(state: ServiceState, change: () => unknown): void {
    const before = this.#recordsNow(state);
    this.#latest = undefined;
    change();
    const now = this.#recordsNow(state);
    this.#latest = { state, records: now };
    this.#change(() => this.#replace(before, now));
  }

  /** Puts the records of one Service in the place of those that it had. */
  #replace(before: ServiceRecords, now: ServiceRecords): void {
    let hasChanged = false;
    for (const [key, rrsets] of now.forward) {
      const known = before.forward.get(key);
      if (known !== undefined && sameRRsets(known, rrsets)) continue;
      this.forward.put(key, rrsets);
      hasChanged = true;
    }
    for (const key of before.forward.keys()) {
      if (now.forward.has(key)) continue;
      this.forward.remove(key);
      hasChanged = true;
    }
    hasChanged = this.#pointers.replace(before.reverse, now.reverse) || hasChanged;
    if (!hasChanged) return;
    this.#touch();
    // Also when only addresses of the Service moved: the glue of `ns.dns` is made of them.
    if (this.#ownAddresses.size > 0) this.#findNameServers();
  }

  /** NS: the Services with this server among their endpoints. */
  #findNameServers(): void {
    const names = new Set<string>();
    for (const address of this.#ownAddresses) {
      for (const { kind, target } of this.#pointers.at(address)) {
        if (kind === 'cluster-ip') continue;
        // an endpoint's name: its label, then its Service's name and namespace
        const [, name = '', namespace = ''] = labelsOf(target);
        const { service } = this.#services.get(keyOf(namespace, name)) ?? {};
        if (service !== undefined) names.add(isHeadless(service) ? target : serviceKey(namespace, name));
      }
    }
    this.#nameServers.update(names, this.#ownAddresses);
  }

  #touch(): void {
    this.#serial = Math.max(this.#serial, this.#nowSeconds());
    this.#tables.memory.words[headerWords.serial] = this.#serial;
  }

  /** Whoever reads the memory sees all of it or nothing. */
  #change(body: () => void): void {
    this.#tables.memory.change(body);
  }
}

/** The RRset of one type at a node. */
export function rrsetOf(node: NameNode, type: number): RRset | undefined {
  for (const rrset of node.rrsets) if (rrset.type === type) return rrset;
  return undefined;
}

const versionKey = '\x0bdns-version';
// CoreDNS gives the schema version this time to live.
const versionTtlSeconds = 28_800;
const noRecords: ServiceRecords = { forward: new Map(), reverse: [] };
/** Joined, not concatenated: V8 keeps a concatenation and its parts beside the text that it becomes as the key of a map. */
function keyOf(namespace: string, name: string): string {
  return [namespace, name].join('/');
}

function wireAddress(text: string): string[] {
  const ip = parseIp(text);
  return ip === undefined ? [] : [addressToWire(ip)];
}
