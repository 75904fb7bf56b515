/** Informers and the agent's configuration -> decisions -> what the state of a table must want. */
import type { Service } from '../api/index.ts';
import type { IpFamily } from '../net/index.ts';
import { decide, internalIpsOf, settleClaims } from '../routing/index.ts';
import type { DecideOptions, RoutingDecision } from '../routing/index.ts';
import type { AgentOptions } from './agent-options.ts';
import type { ChangeTracker, Dirty } from './change-tracker.ts';
import { compileDecision } from './rows/compile.ts';
import { nodeRowsOf } from './rows/node-rows.ts';
import type { NodeFacts } from './rows/node-rows.ts';
import type { TableState } from './rows/table-state.ts';

export class StateFiller {
  readonly #options: AgentOptions;
  readonly #tracker: Pick<ChangeTracker, 'slicesOf'>;

  constructor(options: AgentOptions, tracker: Pick<ChangeTracker, 'slicesOf'>) {
    this.#options = options;
    this.#tracker = tracker;
  }

  /** False: nothing tells the node's pods from other clients. */
  get detectsPods(): boolean {
    return this.#options.detector?.kind !== 'none';
  }

  /** The decision for one Service, claims of other Services apart; undefined when there is no such Service. */
  decide(key: string, family: IpFamily): RoutingDecision | undefined {
    return this.#decide(key, family, this.#decideOptions());
  }

  /** The decisions for all Services, with contested frontends at their winners. */
  decisions(family: IpFamily): RoutingDecision[] {
    const options = this.#decideOptions();
    const decisions = this.#options.informers.services.list().map((service) => this.#decide(keyOf(service), family, options));
    return settleClaims(decisions.filter((decision) => decision !== undefined));
  }

  /** Makes the state want what the informers have. */
  fill(state: TableState): void {
    this.#fillNodeRows(state);
    this.#fillServices(state);
  }

  /** The same, where only this has changed. */
  update(state: TableState, dirty: Pick<Dirty, 'isAll' | 'hasNewCidrs' | 'services'>): void {
    if (dirty.isAll) return this.fill(state);
    if (dirty.hasNewCidrs) this.#fillNodeRows(state);
    const options = this.#decideOptions();
    for (const key of dirty.services) this.#setService(state, key, options);
  }

  #fillNodeRows(state: TableState): void {
    state.setNodeRows(nodeRowsOf(this.#nodeFacts(), state.family));
  }

  #fillServices(state: TableState): void {
    const options = this.#decideOptions();
    const gone = new Set(state.serviceKeys());
    for (const service of this.#options.informers.services.list()) {
      const key = keyOf(service);
      gone.delete(key);
      this.#setService(state, key, options);
    }
    for (const key of gone) state.setService(key, undefined);
  }

  #setService(state: TableState, key: string, options: DecideOptions): void {
    const decision = this.#decide(key, state.family, options);
    state.setService(key, decision === undefined || decision.skipped !== undefined ? undefined : compileDecision(decision));
  }

  #decide(key: string, family: IpFamily, options: DecideOptions): RoutingDecision | undefined {
    const { nodeName, informers } = this.#options;
    const service = informers.services.get(key);
    if (service === undefined) return undefined;
    return decide({ service, slices: this.#tracker.slicesOf(key), nodes: informers.nodes, nodeName, family, options });
  }

  #decideOptions(): DecideOptions {
    const masqueradeAll = this.#options.masqueradeAll ?? false;
    return { masqueradeAll, detectsPods: this.detectsPods, nodeAddresses: this.#nodeAddresses() };
  }

  #nodeAddresses(): readonly string[] {
    const { nodeName, informers, nodeAddresses, primaryAddress } = this.#options;
    const own = nodeAddresses ?? internalIpsOf(informers.nodes.get(nodeName));
    return primaryAddress === undefined ? own : [primaryAddress, ...own];
  }

  #nodeFacts(): NodeFacts {
    const { nodeName, informers, detector, nodePortAddresses, linkAddresses } = this.#options;
    return {
      node: informers.nodes.get(nodeName),
      detector: detector ?? { kind: 'node-pod-cidrs' },
      serviceCidrs: this.#serviceCidrs(),
      nodeAddresses: this.#nodeAddresses(),
      ...(nodePortAddresses === undefined ? {} : { nodePortAddresses }),
      ...(nodePortAddresses === undefined || linkAddresses === undefined ? {} : { linkAddresses: linkAddresses.list() }),
    };
  }

  #serviceCidrs(): string[] {
    const objects = this.#options.informers.serviceCidrs?.list() ?? [];
    return [...(this.#options.serviceCidrs ?? []), ...objects.flatMap((object) => object.spec?.cidrs ?? [])];
  }
}

function keyOf(service: Service): string {
  return `${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}`;
}
