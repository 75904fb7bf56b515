/**
 * Cluster IPs. Every address that a Service has is an IPAddress object named after it; creating that object is what takes
 * the address (k8s pkg/registry/core/service/ipallocator, KEP-1880), so this keeps no state of its own.
 */
import type { IPAddress, ServiceCIDR } from '../../api/index.ts';
import { parseSloppyIp } from '../../api/index.ts';
import type { IpAddress, IpFamily } from '../../net/index.ts';
import { formatIp } from '../../net/index.ts';
import type { ServiceRange } from './service-ranges.ts';
import { coversAddress, hasUsableAddress, usableRanges, walkAddresses } from './service-ranges.ts';

/** Where IPAddress objects are kept. Synchronous, so that finding an address free and taking it is one step. */
export interface IpAddressStore {
  get(name: string): IPAddress | undefined;
  /** Throws when the name is taken or the object cannot be stored. */
  create(address: IPAddress): void;
  /** Does nothing when there is none. */
  delete(name: string): void;
  list(): Iterable<IPAddress>;
}

export interface IpAllocatorOptions {
  readonly addresses: IpAddressStore;
  /** The ServiceCIDR objects of this moment. */
  readonly serviceCidrs: () => Iterable<ServiceCIDR>;
  /** A number from 0 (inclusive) to 1 (exclusive), as `Math.random`. */
  readonly random: () => number;
}

export const ipFamilyLabel = 'ipaddress.kubernetes.io/ip-family';
export const managedByLabel = 'ipaddress.kubernetes.io/managed-by';
export const managedByAllocator = 'ipallocator.k8s.io';

/** Finds, takes and gives back addresses for Services. Owners are `namespace/name`. */
export class IpAllocator {
  readonly addresses: IpAddressStore;
  readonly #serviceCidrs: () => Iterable<ServiceCIDR>;
  readonly #random: () => number;

  constructor({ addresses, serviceCidrs, random }: IpAllocatorOptions) {
    this.addresses = addresses;
    this.#serviceCidrs = serviceCidrs;
    this.#random = random;
  }

  /** The ranges of a family, in the order in which they are tried. */
  rangesOf(family: IpFamily): ServiceRange[] {
    return usableRanges(this.#serviceCidrs()).filter((range) => range.family === family);
  }

  /** Why a Service cannot have the address whoever holds it, or undefined. Ends as upstream's sentence does. */
  refusalOf(ip: IpAddress): string | undefined {
    const ranges = this.rangesOf(ip.family);
    if (ranges.some((range) => hasUsableAddress(range, ip))) return undefined;
    const covering = ranges.find((range) => coversAddress(range, ip));
    if (covering === undefined) return 'the provided network does not match the current range';
    return `the provided IP (${formatIp(ip)}) is not in the valid range. The range of valid IPs is ${covering.text}`;
  }

  /** A free address of the family, or undefined when all ranges are full. Takes nothing. */
  findFree(family: IpFamily): IpAddress | undefined {
    for (const range of this.rangesOf(family)) {
      for (const ip of walkAddresses(range, this.#random)) {
        if (this.addresses.get(formatIp(ip)) === undefined) return ip;
      }
    }
    return undefined;
  }

  /** The Service that holds the address, or what else does, as `Service ns/name`. Undefined when it is free. */
  holderOf(ip: IpAddress): string | undefined {
    const address = this.addresses.get(formatIp(ip));
    if (address === undefined) return undefined;
    const owner = serviceOf(address);
    return owner === undefined ? `IPAddress ${formatIp(ip)}` : `Service ${owner}`;
  }

  /** Takes an address that is free. */
  take(ip: IpAddress, owner: string): void {
    this.addresses.create(ipAddressFor(ip, owner));
  }

  /** Gives an address back if that Service holds it. */
  release(ip: IpAddress, owner: string): void {
    const name = formatIp(ip);
    const address = this.addresses.get(name);
    if (address !== undefined && serviceOf(address) === owner) this.addresses.delete(name);
  }
}

/** The addresses of one write: they are kept by `commit` and undone by `rollback`. Nothing is taken in a dry run. */
export class IpOperation {
  readonly #allocator: IpAllocator;
  readonly #owner: string;
  readonly #isDryRun: boolean;
  readonly #taken = new Map<string, IpAddress>();

  constructor(allocator: IpAllocator, owner: string, isDryRun: boolean) {
    this.#allocator = allocator;
    this.#owner = owner;
    this.#isDryRun = isDryRun;
  }

  /** Takes an address that somebody asked for. Returns why not, in upstream's words and then ours, or undefined. */
  reserve(text: string): string | undefined {
    const ip = parseSloppyIp(text);
    if (ip === undefined) return 'the provided network does not match the current range';
    const refusal = this.#allocator.refusalOf(ip);
    if (refusal !== undefined) return refusal;
    const holder = this.#allocator.holderOf(ip);
    if (holder !== undefined) return `provided IP is already allocated (by ${holder})`;
    this.#take(ip);
    return undefined;
  }

  /** Takes any address of the family; undefined when all ranges are full. A dry run answers the base of the first range. */
  allocate(family: IpFamily): string | undefined {
    const free = this.#allocator.findFree(family);
    if (free === undefined) return undefined;
    const placeholder = this.#isDryRun ? this.#allocator.rangesOf(family)[0]?.cidr.address : undefined;
    if (placeholder !== undefined) return formatIp(placeholder);
    this.#take(free);
    return formatIp(free);
  }

  /** Undoes what was taken. */
  rollback(): void {
    for (const ip of this.#taken.values()) this.#allocator.release(ip, this.#owner);
    this.#taken.clear();
  }

  /** Keeps what was taken and gives back what the Service had and has no longer. */
  commit(noLongerHeld: Iterable<string>): void {
    if (this.#isDryRun) return;
    for (const text of noLongerHeld) {
      const ip = parseSloppyIp(text);
      if (ip !== undefined && !this.#taken.has(formatIp(ip))) this.#allocator.release(ip, this.#owner);
    }
  }

  #take(ip: IpAddress): void {
    if (this.#isDryRun) return;
    this.#allocator.take(ip, this.#owner);
    this.#taken.set(formatIp(ip), ip);
  }
}

/** The object that takes an address for a Service. */
export function ipAddressFor(ip: IpAddress, owner: string): IPAddress {
  const slash = owner.indexOf('/');
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: { name: formatIp(ip), labels: { [ipFamilyLabel]: ip.family, [managedByLabel]: managedByAllocator } },
    spec: { parentRef: { group: '', resource: 'services', namespace: owner.slice(0, slash), name: owner.slice(slash + 1) } },
  };
}

/** `namespace/name` of the Service that an IPAddress belongs to; undefined when it belongs to something else. */
export function serviceOf(address: IPAddress): string | undefined {
  const parent = address.spec.parentRef;
  if ((parent.group ?? '') !== '' || parent.resource !== 'services') return undefined;
  return `${parent.namespace ?? ''}/${parent.name}`;
}
