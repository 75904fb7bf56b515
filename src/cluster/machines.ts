/** Node objects come and go: so do the machines of the lab. One at a time, in the order in which they came. */
import { nodes } from '../api/index.ts';
import type { Node } from '../api/index.ts';
import { WorkQueue } from '../client/index.ts';
import { messageOf } from '../observe/index.ts';
import { startMachine } from './machine.ts';
import type { Machine, MachineParts } from './machine.ts';
import { byAge, isNodeReady } from './plan.ts';

/** Follows the Node objects from its making until `stop`. The informers must have synced. */
export class Machines {
  readonly #parts: MachineParts;
  readonly #running = new Map<string, Machine>();
  /** Why a machine could not be made, by the name of its node. */
  readonly #faults = new Map<string, string>();
  readonly #queue: WorkQueue;
  #unsubscribe: () => void = () => undefined;

  constructor(parts: MachineParts) {
    this.#parts = parts;
    this.#queue = new WorkQueue({ name: 'machines', process: (name) => this.#follow(name) }, { logger: parts.logger });
  }

  /** The machines that run, by name. */
  get running(): ReadonlyMap<string, Machine> {
    return this.#running;
  }

  start(): void {
    const informer = this.#parts.informers.of(nodes);
    const add = (node: Node): void => this.#queue.add(node.metadata?.name ?? '');
    for (const node of byAge(informer.list())) add(node);
    this.#unsubscribe = informer.subscribe({
      added: (node, isInitial) => {
        if (!isInitial) add(node);
      },
      deleted: add,
    });
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#queue.stop();
    await Promise.all([...this.#running.values()].map((machine) => machine.stop()));
    this.#running.clear();
  }

  /**
   * Nodes that are not heard of yet (of those that are `expected`), that have no machine yet, or that are not ready. With
   * `withFaulty` also those whose machine could not be made, and why.
   */
  missing(expected: readonly string[], { withFaulty }: { readonly withFaulty: boolean }): string[] {
    const known = new Map(
      this.#parts.informers
        .of(nodes)
        .list()
        .map((node) => [node.metadata?.name ?? '', node]),
    );
    return [...new Set([...expected, ...known.keys()])]
      .filter((name) => !this.#running.has(name) || !isNodeReady(known.get(name)))
      .filter((name) => withFaulty || !this.#faults.has(name))
      .map((name) => (this.#faults.has(name) ? `node ${name} (${this.#faults.get(name) ?? ''})` : `node ${name}`));
  }

  async #follow(name: string): Promise<void> {
    const { informers, events } = this.#parts;
    const node = informers.of(nodes).get(name);
    const machine = this.#running.get(name);
    if (node === undefined) {
      this.#running.delete(name);
      this.#faults.delete(name);
      await machine?.stop();
      return;
    }
    if (machine === undefined) {
      try {
        this.#running.set(name, await startMachine(name, node.spec?.podCIDRs ?? [], this.#parts));
        this.#faults.delete(name);
      } catch (error) {
        this.#faults.set(name, messageOf(error));
        events.event(node, 'Warning', 'FailedToStartNode', messageOf(error));
        throw error;
      }
    }
    await this.#writePodCidrs(node);
  }

  /** A Node without prefixes for its pods gets those that the lab gave it. */
  async #writePodCidrs({ spec, metadata }: Node): Promise<void> {
    if ((spec?.podCIDRs ?? []).length > 0) return;
    const { client, lab } = this.#parts;
    const name = metadata?.name ?? '';
    const { podCidrs } = lab.node(name);
    await client.patch(nodes, name, 'merge', { spec: { podCIDR: podCidrs[0], podCIDRs: podCidrs } });
  }
}
