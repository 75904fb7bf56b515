/**
 * Which number stands for which chain. A frontend's row holds a number, and the small map `verdicts` says where that leads: were the
 * verdict in the row itself, the kernel would check every row of every Service for loops whenever one is added. Pure.
 */
import type { Bytes } from './row-bytes.ts';
import { packNumber, unpackNumber } from './row-bytes.ts';

/**
 * Numbers of the chains in use, each as map data: 1 and up. A number is not given again while its chain is known, and then only after
 * 2^32 others: a packet that read it a moment ago must not be led elsewhere.
 */
export class VerdictNumbers {
  readonly #numbers = new Map<string, Bytes>();
  readonly #taken = new Set<Bytes>();
  #next = 1;

  /** `found`: the rows of `verdicts` as they were read back, which are kept, but for a chain's second number. */
  constructor(found: ReadonlyMap<Bytes, string> = new Map()) {
    for (const [number, chain] of found) {
      this.#next = Math.max(this.#next, after(unpackNumber(number)));
      if (unpackNumber(number) !== 0 && !this.#numbers.has(chain)) this.#take(chain, number);
    }
  }

  /** The chain's number, a new one if it has none. */
  of(chain: string): Bytes {
    return this.#numbers.get(chain) ?? this.#take(chain, this.#free());
  }

  /** Forgets a chain, and gives the number that it had. */
  release(chain: string): Bytes {
    const number = this.of(chain);
    this.#numbers.delete(chain);
    this.#taken.delete(number);
    return number;
  }

  /** Forgets all chains but these. */
  keepOnly(chains: ReadonlyMap<string, unknown>): void {
    for (const chain of this.#numbers.keys()) if (!chains.has(chain)) this.release(chain);
  }

  #take(chain: string, number: Bytes): Bytes {
    this.#numbers.set(chain, number);
    this.#taken.add(number);
    return number;
  }

  #free(): Bytes {
    for (;;) {
      const number = packNumber(this.#next);
      this.#next = after(this.#next);
      if (!this.#taken.has(number)) return number;
    }
  }
}

function after(number: number): number {
  return number === 0xffff_ffff ? 1 : number + 1;
}
