/** Load balancers of `outside`: address -> nodes, by health. */
import { NftBatch, Nftables } from '../linux/index.ts';
import type { IpAddress } from '../net/index.ts';
import { formatIp, mustParseIp } from '../net/index.ts';
import type { Logger } from '../observe/index.ts';
import { messageOf } from '../observe/index.ts';
import { balancerElement, balancerMap, outputChain, outputRules, outsideTable, shareRules } from './balancer-rules.ts';
import { HealthProbe } from './health-probe.ts';
import type { Site } from './site.ts';
import { ofFamily } from './site.ts';

/** What an address of `outside` stands for. */
export interface LoadBalancer {
  readonly address: string;
  /** Names of the nodes that may take its connections; absent: all, also those that come later. */
  readonly nodes?: readonly string[] | undefined;
  /** Asked every 100 ms on each node: only nodes that answer 200 get new connections. Absent: every node that is up does. */
  readonly healthCheckNodePort?: number | undefined;
}

interface NodeEntry {
  readonly name: string;
  /** Packet mark and, added to `tableBase`, routing table. */
  readonly mark: number;
  readonly addresses: readonly IpAddress[];
  isUp: boolean;
}

interface BalancerEntry {
  definition: LoadBalancer;
  readonly chain: string;
  readonly address: IpAddress;
  readonly probes: Map<string, HealthProbe>;
  targets: readonly string[];
}

const tableBase = 1000;
const probeIntervalMs = 100;

/** See balancer-rules.ts for how a connection finds, and keeps, its node. */
export class Balancer {
  readonly #outside: Site;
  readonly #logger: Logger;
  readonly #nodes = new Map<string, NodeEntry>();
  readonly #balancers = new Map<string, BalancerEntry>();
  #nftables: Nftables | undefined;
  #nextChain = 1;

  constructor({ outside }: { readonly outside: Site }, { logger }: { readonly logger: Logger }) {
    this.#outside = outside;
    this.#logger = logger;
  }

  async start(): Promise<void> {
    this.#nftables = new Nftables(await this.#outside.place.openNetlink('netfilter'));
    const families = (['IPv4', 'IPv6'] as const).filter((family) => ofFamily(this.#outside.underlay, family) !== undefined);
    const batch = new NftBatch();
    batch.addTable(outsideTable);
    for (const family of families)
      batch.addSet(outsideTable, {
        name: balancerMap(family),
        key: [family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr'],
        data: 'verdict',
      });
    batch.addChain(outsideTable, { name: outputChain, base: { type: 'route', hook: 'output', priority: -150 } });
    for (const rule of outputRules(families)) batch.addRule(outsideTable, outputChain, rule);
    this.#nftables.commit(batch);
  }

  async stop(): Promise<void> {
    for (const entry of this.#balancers.values()) for (const probe of entry.probes.values()) probe.stop();
    this.#balancers.clear();
    this.#nftables?.close();
    this.#nftables = undefined;
  }

  addNode(name: string, index: number, addresses: readonly IpAddress[]): void {
    this.#nodes.set(name, { name, mark: index, addresses, isUp: true });
    for (const address of addresses) {
      this.#outside.routes.addRoute({ family: address.family, via: address, table: tableBase + index });
      this.#outside.routes.addRule({ family: address.family, mark: index, table: tableBase + index, priority: 100 + index });
    }
    this.#syncAll();
  }

  removeNode(name: string): void {
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    this.#nodes.delete(name);
    this.#syncAll();
    for (const address of node.addresses) {
      this.#outside.routes.deleteRule({
        family: address.family,
        mark: node.mark,
        table: tableBase + node.mark,
        priority: 100 + node.mark,
      });
      this.#outside.routes.deleteRoute({ family: address.family, via: address, table: tableBase + node.mark });
    }
  }

  /** A node that is down gets nothing new from balancers without a health check (the others find out by asking). */
  setNodeUp(name: string, isUp: boolean): void {
    const node = this.#nodes.get(name);
    if (node === undefined || node.isUp === isUp) return;
    node.isUp = isUp;
    this.#syncAll();
  }

  set(definition: LoadBalancer): void {
    const address = mustParseIp(definition.address);
    const before = this.#balancers.get(definition.address);
    if (before !== undefined) {
      const portChanged = before.definition.healthCheckNodePort !== definition.healthCheckNodePort;
      before.definition = definition;
      if (portChanged) stopProbes(before);
      this.#sync(before);
      return;
    }
    const entry: BalancerEntry = { definition, address, chain: `lb-${this.#nextChain++}`, probes: new Map(), targets: [] };
    this.#balancers.set(definition.address, entry);
    const batch = new NftBatch();
    batch.addChain(outsideTable, { name: entry.chain });
    for (const rule of shareRules([])) batch.addRule(outsideTable, entry.chain, rule);
    batch.addElements(outsideTable, balancerMap(address.family), [balancerElement(address, entry.chain)]);
    this.#started().commit(batch);
    this.#sync(entry);
  }

  remove(address: string): void {
    const entry = this.#balancers.get(address);
    if (entry === undefined) return;
    this.#balancers.delete(address);
    stopProbes(entry);
    const batch = new NftBatch();
    batch.deleteElements(outsideTable, balancerMap(entry.address.family), [balancerElement(entry.address, entry.chain)]);
    batch.flushChain(outsideTable, entry.chain);
    batch.deleteChain(outsideTable, entry.chain);
    this.#started().commit(batch);
  }

  /** Names of the nodes that new connections go to. */
  targets(address: string): readonly string[] {
    return this.#balancers.get(address)?.targets ?? [];
  }

  #syncAll(): void {
    for (const entry of this.#balancers.values()) this.#sync(entry);
  }

  /** Starts and stops probes as the nodes are, then writes the shares if the healthy ones have changed. */
  #sync(entry: BalancerEntry): void {
    const { nodes: wanted, healthCheckNodePort: port } = entry.definition;
    const candidates = [...this.#nodes.values()].filter(
      (node) =>
        (wanted === undefined || wanted.includes(node.name)) && ofFamily(node.addresses, entry.address.family) !== undefined,
    );
    const names = new Set(candidates.map(({ name }) => name));
    for (const [name, probe] of entry.probes) {
      if (port !== undefined && names.has(name)) continue;
      probe.stop();
      entry.probes.delete(name);
    }
    if (port !== undefined) for (const node of candidates) if (!entry.probes.has(node.name)) this.#startProbe(entry, node, port);
    const chosen = candidates.filter(({ name, isUp }) =>
      port === undefined ? isUp : entry.probes.get(name)?.isHealthy === true,
    );
    const targets = chosen.map(({ name }) => name);
    if (targets.join('/') === entry.targets.join('/')) return;
    entry.targets = targets;
    const batch = new NftBatch();
    batch.flushChain(outsideTable, entry.chain);
    for (const rule of shareRules(chosen.map(({ mark }) => mark))) batch.addRule(outsideTable, entry.chain, rule);
    this.#started().commit(batch);
    this.#logger.debug({ address: entry.definition.address, targets }, 'load balancer nodes changed');
  }

  #startProbe(entry: BalancerEntry, node: NodeEntry, port: number): void {
    const address = ofFamily(node.addresses, entry.address.family);
    if (address === undefined) return;
    const probe = new HealthProbe({
      from: this.#outside.place,
      address: formatIp(address),
      port,
      intervalMs: probeIntervalMs,
      onTurn: () => {
        try {
          this.#sync(entry);
        } catch (error) {
          this.#logger.error({ address: entry.definition.address, error: messageOf(error) }, 'load balancer not updated');
        }
      },
    });
    entry.probes.set(node.name, probe);
    probe.start();
  }

  #started(): Nftables {
    if (this.#nftables === undefined) throw new TypeError('the load balancers have not been started');
    return this.#nftables;
  }
}

function stopProbes(entry: BalancerEntry): void {
  for (const probe of entry.probes.values()) probe.stop();
  entry.probes.clear();
}
