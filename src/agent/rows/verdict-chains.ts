/** Which chains frontends lead to, how many to each, by which number; and so which chains and rows come and go. Pure. */
import { isMadeOnDemand, parsePickChain, partsOf } from './chain-names.ts';
import type { Changes, Row } from './changes.ts';
import type { Bytes } from './row-bytes.ts';
import { VerdictNumbers } from './verdict-numbers.ts';

export class VerdictChains {
  readonly #numbers: VerdictNumbers;
  /** Frontends that lead to each. */
  readonly #uses = new Map<string, number>();
  /** Chains in use that go on to each of those that such chains share. */
  readonly #parts = new Map<string, number>();
  /** Since the last `takeChanges`: whether they were in use. */
  readonly #touched = new Map<string, boolean>();

  /** `found`: the rows of `verdicts` that were read back. */
  constructor(found?: ReadonlyMap<Bytes, string>) {
    this.#numbers = new VerdictNumbers(found);
  }

  /** What stands for the chain in the rows of frontends. */
  numberOf(chain: string): Bytes {
    return this.#numbers.of(chain);
  }

  /** One frontend more or less leads there. */
  use(chain: string, by: 1 | -1): void {
    const count = this.#uses.get(chain) ?? 0;
    if (!this.#touched.has(chain)) this.#touched.set(chain, count > 0);
    if (count + by === 0) this.#uses.delete(chain);
    else this.#uses.set(chain, count + by);
  }

  /** Chains made on demand that are needed now, each behind those that it leads to. */
  *onDemand(): Generator<string> {
    yield* new Set([...this.#uses.keys()].flatMap(partsOf));
    for (const chain of this.#uses.keys()) if (isMadeOnDemand(chain)) yield chain;
  }

  visitRows(visit: (row: Row) => void): void {
    for (const chain of this.#uses.keys()) visit({ set: 'verdicts', key: this.#numbers.of(chain), data: chain });
  }

  /** Records what has to come and go since the last call. */
  takeChanges(changes: Changes): void {
    const gone: string[] = [];
    for (const [chain, wasThere] of this.#touched) {
      const isThere = this.#uses.has(chain);
      if (isThere && !wasThere) {
        for (const part of partsOf(chain)) if (this.#usePart(part, 1) === 1) changes.newChains.push(part);
        if (isMadeOnDemand(chain)) changes.newChains.push(chain);
        changes.add({ set: 'verdicts', key: this.#numbers.of(chain), data: chain });
      } else if (!isThere) {
        const key = this.#numbers.release(chain);
        if (!wasThere) continue;
        changes.delete({ set: 'verdicts', key });
        gone.push(chain);
      }
    }
    changes.oldChains.push(...gone.filter(isMadeOnDemand));
    // behind all that lead there
    for (const part of gone.flatMap(partsOf)) if (this.#usePart(part, -1) === 0) changes.oldChains.push(part);
    this.#touched.clear();
  }

  /** Takes whatever is in use now as done. */
  takeAll(): void {
    this.#touched.clear();
    this.#numbers.keepOnly(this.#uses);
    this.#parts.clear();
    for (const part of [...this.#uses.keys()].flatMap(partsOf)) this.#usePart(part, 1);
  }

  #usePart(part: string, by: 1 | -1): number {
    const count = (this.#parts.get(part) ?? 0) + by;
    if (count === 0) this.#parts.delete(part);
    else this.#parts.set(part, count);
    return count;
  }
}

/** Chains in an order in which they can be deleted: those that lead to others first. */
export function inOrderOfDeletion(chains: readonly string[]): string[] {
  const isPick = (chain: string): boolean => parsePickChain(chain) !== undefined;
  return [...chains.filter(isPick), ...chains.filter((chain) => !isPick(chain))];
}
