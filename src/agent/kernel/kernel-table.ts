/** One family's table in the kernel and the state that describes it: adoption, commits, and starting over when one fails. */
import { NftBatch } from '../../linux/index.ts';
import type { Nftables } from '../../linux/index.ts';
import type { IpFamily } from '../../net/index.ts';
import type { Logger } from '../../observe/index.ts';
import { appendRepair, appendStrangerRemoval, appendStructure, dumpStructure, findFaults, findRows } from './adopt.ts';
import { adoptionChanges } from '../rows/adoption-changes.ts';
import { carryCounters } from './carry-counters.ts';
import { isMadeOnDemand } from '../rows/chain-names.ts';
import type { ChainOptions } from '../rows/chains.ts';
import type { Changes } from '../rows/changes.ts';
import { encodeChanges } from '../rows/encode.ts';
import { nothingFound } from '../rows/found-rows.ts';
import type { RowSet } from '../rows/layout.ts';
import { affinityMap, declareSets, sizeFor, sizedSets, tableOf } from '../rows/layout.ts';
import type { Bytes } from '../rows/row-bytes.ts';
import { addressLength } from '../rows/row-bytes.ts';
import { TableState } from '../rows/table-state.ts';
import type { TakenChanges } from '../rows/table-state.ts';

export interface KernelTableOptions extends ChainOptions {
  readonly family: IpFamily;
  readonly nftables: Nftables;
  /** Most client entries of the affinity map. Beyond it connections are served without a pin. */
  readonly affinitySize: number;
}

/**
 * Where a transaction is cut. Whoever listens to nftables anywhere on the machine makes the kernel write a notification of a page for
 * each element, kept until the commit: five times faster in pieces, and 25 MB at a time instead of 400 MB for 100,000 endpoints.
 */
const maxTransactionBytes = 256 * 1024;

/** How changes got into the kernel. */
interface Committed {
  readonly transactions: number;
  /** Within the kernel's commits. */
  readonly kernelMs: number;
  /** Turning rows into messages. */
  readonly encodeMs: number;
}

/** What a sync did. */
export interface SyncResult extends Committed {
  /** Rows and chains changed. */
  readonly changes: number;
  /** `adopted`: the table was there and was mended where needed. `built`: made anew. `updated`: only what had changed. */
  readonly kind: 'adopted' | 'built' | 'updated';
  /** Of an adoption: frontends that were there and are not wanted. */
  readonly withdrawn?: readonly Bytes[];
}

/**
 * Whoever may write to a table can put something there that no mending takes away (an element of a kind that we never make, say): then it
 * is replaced, at the cost of the pins. Not at the first refusal, which may have passed by the next try.
 */
const maxFailedMends = 3;

export class KernelTable {
  readonly family: IpFamily;
  readonly #options: KernelTableOptions;
  readonly #logger: Logger;
  readonly #batch = new NftBatch();
  /** Sizes that the sized sets have in the kernel. */
  #sizes = new Map<RowSet, number>();
  #state: TableState;
  /** The kernel may hold anything: read it back before the next commit. */
  #isUnknown = true;
  /** How often in a row the kernel refused to have the table mended. */
  #failedMends = 0;

  constructor(options: KernelTableOptions, context: { readonly logger: Logger }) {
    this.family = options.family;
    this.#options = options;
    this.#logger = context.logger;
    this.#state = new TableState(options.family);
  }

  /** What the agent wants. Valid until the next `adopt`, which makes a new one. */
  get state(): TableState {
    return this.#state;
  }

  get isUnknown(): boolean {
    return this.#isUnknown;
  }

  /** The next sync must read the kernel back. */
  distrust(): void {
    this.#isUnknown = true;
  }

  /**
   * Reads the table back and makes it right, in one transaction if it fits one: first sync, and after any doubt. `fill` must put
   * everything that is wanted into the new state. Throws `NetlinkError`; the table is then still unknown.
   */
  adopt(fill: (state: TableState) => void): SyncResult {
    const { family, nftables } = this.#options;
    this.#isUnknown = true;
    const structure = dumpStructure(nftables, family);
    const faults = structure === undefined ? undefined : findFaults(structure, family, this.#options);
    const cannotMend = this.#failedMends >= maxFailedMends;
    if (structure === undefined || faults === undefined || faults.mustRebuild.length > 0 || cannotMend) {
      if (faults !== undefined)
        this.#logger.warn({ family, cannotMend, faults: faults.mustRebuild }, 'the table is not ours to mend, replacing it');
      this.#failedMends = 0;
      return this.#build(structure !== undefined, fill);
    }
    this.#failedMends++;
    const found = findRows(nftables, family, structure.sets);
    const state = new TableState(family, found);
    fill(state);
    state.dropSeed();
    const chains = new Set([...structure.chains.keys()].filter(isMadeOnDemand));
    const changes = adoptionChanges(state, found, chains);
    state.takeAll();
    this.#sizes = new Map();
    for (const set of sizedSets) this.#sizes.set(set, structure.sets.get(set)?.size ?? Number.POSITIVE_INFINITY);
    this.#batch.clear();
    appendRepair(this.#batch, family, this.#options, structure, faults);
    this.#growAffinity(structure.sets.get(affinityMap)?.size);
    const mended =
      faults.badChains.size + faults.missingCounters.length + faults.strangeChains.length + faults.strangeSets.length;
    if (mended > 0) {
      const facts = { family, chains: [...faults.badChains], strangers: [...faults.strangeChains, ...faults.strangeSets] };
      this.#logger.warn(facts, 'the table was damaged, mending it');
    }
    this.#growSets(state);
    const committed = this.#commit(changes, { appendLast: () => appendStrangerRemoval(this.#batch, family, faults) });
    this.#state = state;
    this.#isUnknown = false;
    this.#failedMends = 0;
    return { kind: 'adopted', changes: changes.size + mended, ...committed, withdrawn: withdrawnFrontends(changes, family) };
  }

  /** Commits what has changed in the state. Throws `NetlinkError`; the table is then unknown. */
  commit(): SyncResult & Pick<TakenChanges, 'touched'> {
    const { changes, touched } = this.#state.takeChanges();
    this.#isUnknown = true;
    this.#batch.clear();
    this.#growSets(this.#state);
    const committed = this.#commit(changes);
    this.#isUnknown = false;
    return { kind: 'updated', changes: changes.size, ...committed, touched };
  }

  #build(isThere: boolean, fill: (state: TableState) => void): SyncResult {
    const { family } = this.#options;
    const table = tableOf(family);
    const state = new TableState(family, nothingFound);
    fill(state);
    const changes = adoptionChanges(state, nothingFound, new Set());
    state.takeAll();
    this.#sizes = new Map([...sizedSets].map((set) => [set, sizeFor(state.sizes.get(set) ?? 0)]));
    this.#batch.clear();
    if (isThere) this.#batch.deleteTable(table);
    appendStructure(this.#batch, family, { ...this.#options, sizes: this.#sizes });
    // A table that is replaced must not be seen half filled.
    const committed = this.#commit(changes, { isWhole: isThere });
    this.#state = state;
    this.#isUnknown = false;
    return { kind: 'built', changes: changes.size, ...committed };
  }

  /** Commits the batch as it stands and the changes behind it; `isWhole`: in one transaction wherever the socket takes it. */
  #commit(changes: Changes, options: { readonly isWhole?: boolean; readonly appendLast?: () => void } = {}): Committed {
    const { nftables, family } = this.#options;
    const startMs = performance.now();
    carryCounters(nftables, family, changes);
    let transactions = 0;
    let kernelMs = 0;
    const flush = (): void => {
      if (this.#batch.length === 0) return;
      const sendMs = performance.now();
      nftables.commit(this.#batch);
      kernelMs += performance.now() - sendMs;
      this.#batch.clear();
      transactions++;
    };
    const maxBytes = options.isWhole === true ? Number.POSITIVE_INFINITY : maxTransactionBytes;
    encodeChanges(changes, family, this.#batch, Math.min(nftables.maxBatchBytes, maxBytes), flush);
    options.appendLast?.();
    flush();
    return { transactions, kernelMs, encodeMs: performance.now() - startMs - kernelMs };
  }

  /** The configured size holds for a table that is there already, if it is a larger one; the kernel cannot make it smaller. */
  #growAffinity(size: number | undefined): void {
    if (size === undefined || size >= this.#options.affinitySize) return;
    const declared = declareSets(this.family, this.#sizes, this.#options.affinitySize).find(({ name }) => name === affinityMap);
    if (declared !== undefined) this.#batch.addSet(tableOf(this.family), declared);
  }

  /** Raises the limit of sets that could not take all their rows being replaced at once: until commit old and new ones both count. */
  #growSets(state: TableState): void {
    for (const [set, size] of this.#sizes) {
      const rows = state.sizes.get(set) ?? 0;
      if (2 * rows <= size) continue;
      this.#sizes.set(set, sizeFor(rows));
      const declared = declareSets(this.family, this.#sizes, this.#options.affinitySize).find(({ name }) => name === set);
      if (declared !== undefined) this.#batch.addSet(tableOf(this.family), declared);
    }
  }
}

function withdrawnFrontends({ withdraw }: Changes, family: IpFamily): Bytes[] {
  const nodePortAddress = '\0'.repeat(addressLength(family));
  return withdraw.flatMap(({ row: { set, key } }) =>
    set === 'services' ? [key] : set === 'nodeports' ? [nodePortAddress + key] : [],
  );
}
