/**
 * Sees that somebody else touches our tables: notifications name the object first and who it was at the end of the transaction.
 * Our own transactions are told by their process id; a lost notification counts as foreign unless the ruleset is still our last one.
 */
import { NftMonitor } from '../../linux/index.ts';
import type { NetlinkSocket, NftEvent, Nftables } from '../../linux/index.ts';
import type { Logger } from '../../observe/index.ts';
import { affinityMap, tableName } from '../rows/layout.ts';

export interface TableMonitorOptions {
  /** A netfilter socket of the node's namespace for this alone; closed with the monitor. */
  readonly socket: NetlinkSocket;
  readonly nftables: Pick<Nftables, 'getGeneration' | 'ownProcessId'>;
  /** Someone changed a table of ours, or may have. `who` as the kernel names the process. */
  readonly onForeignChange: (who: string) => void;
}

export class TableMonitor {
  readonly #options: TableMonitorOptions;
  readonly #logger: Logger;
  readonly #ownProcessId: number;
  #monitor: NftMonitor | undefined;
  #touchesUs = false;
  /** Number of the ruleset after our own last transaction. */
  #ownGeneration = -1;

  constructor(options: TableMonitorOptions, context: { readonly logger: Logger }) {
    this.#options = options;
    this.#logger = context.logger;
    this.#ownProcessId = options.nftables.ownProcessId();
  }

  /** To be called after a sync of our own. What somebody else did since then counts as seen. */
  start(): void {
    const { socket } = this.#options;
    this.#monitor = new NftMonitor({ socket, onEvent: (event) => this.#take(event) }, { logger: this.#logger });
    this.#judgeByGeneration();
  }

  async stop(): Promise<void> {
    await this.#monitor?.close();
  }

  /** To be called after every sync of our own. */
  noteOwnCommit(): void {
    this.#ownGeneration = this.#options.nftables.getGeneration().id;
  }

  #take(event: NftEvent): void {
    switch (event.kind) {
      case 'change':
        // Who removes pins does no harm.
        if (event.table.name === tableName && event.table.family !== 'inet' && event.name !== affinityMap) this.#touchesUs = true;
        return;
      case 'generation': {
        const { processId, processName } = event.generation;
        const isForeign = this.#touchesUs && processId !== this.#ownProcessId;
        this.#touchesUs = false;
        if (isForeign) this.#options.onForeignChange(processName ?? String(processId));
        return;
      }
      case 'overrun':
        this.#touchesUs = false;
        this.#judgeByGeneration();
        return;
    }
  }

  /** Without having seen who changed what: if the ruleset is not as we left it, it may have been a table of ours. */
  #judgeByGeneration(): void {
    if (this.#options.nftables.getGeneration().id !== this.#ownGeneration) this.#options.onForeignChange('unknown');
  }
}
