/**
 * Who holds which node port. One pool for node ports of all protocols and for health-check ports
 * (k8s pkg/registry/core/service/portallocator, v1.36), kept in memory and rebuilt from the Services at start.
 */
import { staticPortBand, walkFromRandom } from './allocation-bands.ts';

/** Both ends are part of the range. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Kubernetes' own default. */
export const defaultNodePortRange: PortRange = { first: 30_000, last: 32_767 };

export interface PortAllocatorOptions {
  readonly range?: PortRange;
  /** A number from 0 (inclusive) to 1 (exclusive), as `Math.random`. */
  readonly random: () => number;
}

/** Ports and their owners (`namespace/name` of a Service). Every change goes through an operation or a repair. */
export class PortAllocator {
  readonly range: PortRange;
  readonly #random: () => number;
  readonly #owners = new Map<number, string>();

  constructor({ range = defaultNodePortRange, random }: PortAllocatorOptions) {
    this.range = range;
    this.#random = random;
  }

  /** The Service that holds a port. */
  ownerOf(port: number): string | undefined {
    return this.#owners.get(port);
  }

  /** Every held port with its owner. */
  entries(): ReadonlyMap<number, string> {
    return this.#owners;
  }

  /** Whether the range has this port. */
  hasInRange(port: number): boolean {
    return port >= this.range.first && port <= this.range.last;
  }

  /** A free port, or undefined when all are held. Holds nothing. */
  findFree(isFree: (port: number) => boolean = () => true): number | undefined {
    const { first, last } = this.range;
    const dynamic = first + staticPortBand(last - first + 1);
    const bands = [
      walkFromRandom(BigInt(dynamic), BigInt(last), this.#random),
      walkFromRandom(BigInt(first), BigInt(dynamic - 1), this.#random),
    ];
    for (const walk of bands) {
      for (const value of walk) {
        const port = Number(value);
        if (!this.#owners.has(port) && isFree(port)) return port;
      }
    }
    return undefined;
  }

  /** Gives a port to an owner, whoever had it. For operations and repairs, which have checked. */
  hold(port: number, owner: string): void {
    this.#owners.set(port, owner);
  }

  /** Gives a port back if that owner holds it. */
  release(port: number, owner: string): void {
    if (this.#owners.get(port) === owner) this.#owners.delete(port);
  }

  /** Forgets everything. */
  clear(): void {
    this.#owners.clear();
  }
}

/** The reservations of one write: they are kept by `commit` and undone by `rollback`. Nothing is held in a dry run. */
export class PortOperation {
  readonly #allocator: PortAllocator;
  readonly #owner: string;
  readonly #isDryRun: boolean;
  readonly #taken = new Set<number>();

  constructor(allocator: PortAllocator, owner: string, isDryRun: boolean) {
    this.#allocator = allocator;
    this.#owner = owner;
    this.#isDryRun = isDryRun;
  }

  /** Reserves a port that somebody asked for. Returns why not, in upstream's words and then ours, or undefined. */
  reserve(port: number): string | undefined {
    const { first, last } = this.#allocator.range;
    if (!this.#allocator.hasInRange(port))
      return `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
    const owner = this.#taken.has(port) ? this.#owner : this.#allocator.ownerOf(port);
    if (owner !== undefined)
      return `provided port is already allocated (by ${owner === this.#owner ? 'this Service itself' : `Service ${owner}`})`;
    this.#take(port);
    return undefined;
  }

  /** Reserves any port; undefined when the range is full. A dry run answers a number above the range, which nobody can get. */
  allocate(): number | undefined {
    const port = this.#isDryRun ? this.#placeholder() : this.#allocator.findFree();
    if (port !== undefined) this.#take(port);
    return port;
  }

  /** Undoes the reservations. */
  rollback(): void {
    if (!this.#isDryRun) for (const port of this.#taken) this.#allocator.release(port, this.#owner);
    this.#taken.clear();
  }

  /** Keeps the reservations and gives back what the Service held and holds no longer. */
  commit(noLongerHeld: Iterable<number>): void {
    if (this.#isDryRun) return;
    for (const port of noLongerHeld) if (!this.#taken.has(port)) this.#allocator.release(port, this.#owner);
  }

  #take(port: number): void {
    this.#taken.add(port);
    if (!this.#isDryRun) this.#allocator.hold(port, this.#owner);
  }

  /** A range that ends at 65535 leaves no room above: then a free port is shown, without taking it. */
  #placeholder(): number | undefined {
    if (this.#allocator.findFree((port) => !this.#taken.has(port)) === undefined) return undefined;
    let port = this.#allocator.range.last + 1;
    while (this.#taken.has(port)) port++;
    return port <= 65_535 ? port : this.#allocator.findFree((free) => !this.#taken.has(free));
  }
}
