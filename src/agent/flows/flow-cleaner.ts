/**
 * Deletes stale UDP flows after a sync. One walk at a time, in stretches, so that a full conntrack table never holds up the agent;
 * what becomes suspect meanwhile is looked at in the next walk.
 */
import type { Conntrack, FlowTuple } from '../../linux/index.ts';
import type { IpFamily } from '../../net/index.ts';
import type { Logger } from '../../observe/index.ts';
import { messageOf } from '../../observe/index.ts';
import type { Bytes } from '../rows/row-bytes.ts';
import type { ServingOf } from './stale-flows.ts';
import { StaleFlowJudge } from './stale-flows.ts';

/** What is needed of connection tracking. */
export type FlowTable = Pick<Conntrack, 'walkFlows' | 'deleteFlow'>;

/** What the cleaner must know of a family when it judges. */
export interface FlowFacts {
  readonly servingOf: ServingOf;
  readonly nodePortIps: readonly Bytes[];
}

export interface FlowCleanerOptions {
  readonly flows: FlowTable;
  readonly factsOf: (family: IpFamily) => FlowFacts;
  /** Called after each walk that came to its end. */
  readonly onCleaned?: (family: IpFamily, result: { readonly deleted: number; readonly durationMs: number }) => void;
}

/** How often a walk that fails is tried again, and after how long. */
const maxRetries = 5;
const retryMs = 1000;

export class FlowCleaner {
  readonly #options: FlowCleanerOptions;
  readonly #logger: Logger;
  readonly #suspects = new Map<IpFamily, Set<Bytes>>();
  #work: Promise<void> | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #failures = 0;
  #isStopped = false;

  constructor(options: FlowCleanerOptions, context: { readonly logger: Logger }) {
    this.#options = options;
    this.#logger = context.logger;
  }

  /** Flows of these frontends are looked at soon, by what is true then. */
  suspect(family: IpFamily, frontends: readonly Bytes[]): void {
    if (frontends.length === 0 || this.#isStopped) return;
    let known = this.#suspects.get(family);
    if (known === undefined) this.#suspects.set(family, (known = new Set()));
    for (const key of frontends) known.add(key);
    this.#work ??= this.#run();
  }

  /** Resolves when no walk is under way. */
  async idle(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#retryTimer);
    await this.idle();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    // The rest of the sync comes first.
    await Promise.resolve();
    for (const [family, suspects] of this.#suspects) {
      this.#suspects.delete(family);
      try {
        await this.#clean(family, suspects);
        this.#failures = 0;
      } catch (error) {
        this.#logger.warn({ family, error: messageOf(error) }, 'looking for stale UDP flows failed');
        this.#tryAgain(family, suspects);
      }
    }
    this.#work = undefined;
  }

  async #clean(family: IpFamily, suspects: ReadonlySet<Bytes>): Promise<void> {
    const { flows, factsOf, onCleaned } = this.#options;
    const startMs = performance.now();
    const { nodePortIps } = factsOf(family);
    // The endpoints are those of the moment a flow is looked at: the walk may take a while.
    const judge = new StaleFlowJudge(family, suspects, nodePortIps, (key) => factsOf(family).servingOf(key));
    const stale: FlowTuple[] = [];
    for (const filter of judge.filters) {
      await flows.walkFlows(filter, (flow) => {
        if (judge.isStale(flow)) stale.push(flow.original);
      });
    }
    let deleted = 0;
    for (const tuple of stale) if (flows.deleteFlow(tuple)) deleted++;
    if (deleted > 0) this.#logger.info({ family, flows: deleted }, 'deleted stale UDP flows');
    onCleaned?.(family, { deleted, durationMs: performance.now() - startMs });
  }

  #tryAgain(family: IpFamily, suspects: ReadonlySet<Bytes>): void {
    if (this.#isStopped || ++this.#failures > maxRetries) return;
    this.#retryTimer = setTimeout(() => this.suspect(family, [...suspects]), retryMs);
    this.#retryTimer.unref();
  }
}
