/** For the tests of this folder: a little API server of Services alone, over real allocators. */
import type { Service, ServiceCIDR, ServicePort, ServiceSpec, ServiceStatus } from '../../api/index.ts';
import { StatusError } from '../../api/index.ts';
import type { IpFamily } from '../../net/index.ts';
import { createServiceStrategy } from './create-service-strategy.ts';
import { IpAllocator } from './ip-allocator.ts';
import { MemoryAddresses } from './memory-addresses.ts';
import type { PortRange } from './port-allocator.ts';
import { PortAllocator } from './port-allocator.ts';
import type { ServiceStrategy, ServiceTransaction, WriteMode } from './service-strategy.ts';

export interface HarnessOptions {
  readonly cidrs?: readonly string[];
  readonly range?: PortRange;
  readonly random?: () => number;
}

/** Creates, changes and deletes Services as the store would. */
export interface Harness {
  readonly strategy: ServiceStrategy;
  readonly ports: PortAllocator;
  readonly ips: IpAllocator;
  readonly addresses: MemoryAddresses;
  readonly serviceCidrs: ServiceCIDR[];
  readonly live: Map<string, Service>;
  create(name: string, spec: ServiceSpec, mode?: WriteMode): ServiceSpec;
  /** PUT of exactly this spec. */
  put(name: string, spec: ServiceSpec, mode?: WriteMode): ServiceSpec;
  /** PUT of the stored spec with these members replaced. */
  change(name: string, spec: Partial<ServiceSpec>, mode?: WriteMode): ServiceSpec;
  setStatus(name: string, status: ServiceStatus): void;
  remove(name: string): void;
  /** Everything that is held, as one comparable value. */
  held(): { readonly ports: readonly (readonly [number, string])[]; readonly addresses: readonly string[] };
}

export const dualStack: readonly string[] = ['10.96.0.0/16', 'fd00:10:96::/112'];

/** A Service strategy over empty allocators, with a seeded random source: for tests. */
export function harness({ cidrs = ['10.96.0.0/16'], range, random = seeded(1) }: HarnessOptions = {}): Harness {
  const addresses = new MemoryAddresses();
  const serviceCidrs: ServiceCIDR[] = [{ metadata: { name: 'kubernetes' }, spec: { cidrs } }];
  const ips = new IpAllocator({ addresses, serviceCidrs: () => serviceCidrs, random });
  const ports = new PortAllocator({ random, ...(range === undefined ? {} : { range }) });
  const families = cidrs.map((text): IpFamily => (text.includes(':') ? 'IPv6' : 'IPv4'));
  const strategy = createServiceStrategy({ ips, ports, families });
  strategy.repair([]);
  const live = new Map<string, Service>();
  const stored = (name: string): Service => {
    const service = live.get(name);
    if (service === undefined) throw new Error(`no Service ${name}`);
    return service;
  };
  const store = (name: string, transaction: ServiceTransaction, mode?: WriteMode): ServiceSpec => {
    if (mode?.dryRun === true) transaction.rollback();
    else {
      live.set(name, transaction.object);
      transaction.commit();
    }
    return transaction.object.spec ?? {};
  };
  const put = (name: string, spec: ServiceSpec, mode?: WriteMode): ServiceSpec => {
    const previous = stored(name);
    const transaction = strategy.beginUpdate({ ...previous, spec }, previous, mode);
    return store(name, transaction, mode);
  };
  return {
    strategy,
    ports,
    ips,
    addresses,
    serviceCidrs,
    live,
    create: (name, spec, mode) => store(name, strategy.beginCreate({ metadata: { name, namespace: 'demo' }, spec }, mode), mode),
    put,
    change: (name, spec, mode) => put(name, { ...stored(name).spec, ...spec }, mode),
    setStatus: (name, status) => {
      const previous = stored(name);
      live.set(name, strategy.prepareStatusUpdate({ ...previous, status }, previous));
    },
    remove: (name) => {
      const service = stored(name);
      live.delete(name);
      strategy.released(service);
    },
    held: () => ({
      ports: [...ports.entries()].toSorted(([a], [b]) => a - b),
      addresses: [...addresses.list()]
        .map(({ metadata, spec }) => `${metadata?.name} ${spec.parentRef.namespace}/${spec.parentRef.name}`)
        .toSorted(),
    }),
  };
}

/** What a refused call says: `422 text`. Fails when the call is not refused. */
export function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof StatusError) return `${error.httpStatus} ${error.message}`;
    throw error;
  }
  throw new Error('the call was accepted');
}

/** A generator of numbers in [0, 1) that always gives the same ones (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A port as simple as can be. */
export const http: ServicePort = { port: 80 };

/** One number on two protocols. */
export const tcpAndUdp: readonly ServicePort[] = [
  { name: 'tcp', port: 80 },
  { name: 'udp', port: 80, protocol: 'UDP' },
];

/** The node ports of a Service, 0 for a port without one. */
export function nodePortsIn(spec: ServiceSpec): number[] {
  return (spec.ports ?? []).map((port) => port.nodePort ?? 0);
}

/** How the refusal of the Service `web` begins, and the fault. */
export function invalidWeb(fault: string): string {
  return `422 Service "web" is invalid: ${fault}`;
}
