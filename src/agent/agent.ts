/**
 * The node's proxy: informers -> what has changed -> decisions -> rows -> one kernel transaction per family, then the health-check
 * ports and stale UDP flows. Level-triggered: a sync that fails is followed by reading the kernel back and making it right.
 */
import { BackOff } from '../client/index.ts';
import type { Clock } from '../client/index.ts';
import { systemClock } from '../client/index.ts';
import type { IpFamily } from '../net/index.ts';
import { messageOf, MetricsRegistry } from '../observe/index.ts';
import type { Logger } from '../observe/index.ts';
import type { RoutingDecision } from '../routing/index.ts';
import { clearAffinity, listAffinity } from './kernel/affinity-entries.ts';
import type { AffinityEntry, AffinityFilter, FrontendOwner } from './kernel/affinity-entries.ts';
import { createAgentMetrics } from './metrics/agent-metrics.ts';
import type { AgentMetrics } from './metrics/agent-metrics.ts';
import type { AgentOptions } from './agent-options.ts';
import { ChangeTracker } from './change-tracker.ts';
import type { Dirty } from './change-tracker.ts';
import { ClaimReports } from './claim-reports.ts';
import { FlowCleaner } from './flows/flow-cleaner.ts';
import type { FlowFacts } from './flows/flow-cleaner.ts';
import { HealthCheckServers } from './health/health-check-servers.ts';
import type { HealthCheck } from './health/health-check-servers.ts';
import { collectMetrics, measureSync } from './metrics/collect-metrics.ts';
import { KernelTable } from './kernel/kernel-table.ts';
import type { SyncResult } from './kernel/kernel-table.ts';
import { isNodeEligible, ProxyHealth } from './health/proxy-health.ts';
import { isUdpFrontend, noEndpoints, suspectsOf, suspectsOfNewAddresses, udpFrontends } from './flows/stale-flows.ts';
import { StateFiller } from './state-filler.ts';
import { TableMonitor } from './kernel/table-monitor.ts';
import type { TableState } from './rows/table-state.ts';

/** How long the first sync waits for ServiceCIDR objects when everything else is there. */
const maxCidrWaitMs = 2000;
/** After a sync, changes are gathered for this long before the next one; an idle agent syncs at once. */
const gatherMs = 3;

export class Agent {
  readonly #options: AgentOptions;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #tracker: ChangeTracker;
  readonly #filler: StateFiller;
  readonly #tables: readonly KernelTable[];
  readonly #healthChecks: HealthCheckServers;
  readonly #monitor: TableMonitor | undefined;
  readonly #backOff = new BackOff({ minMs: 50, maxMs: 30_000 });
  readonly #claims: ClaimReports;
  readonly #flows: FlowCleaner | undefined;
  /** What the agent counts and measures, for Prometheus. */
  readonly metricsRegistry = new MetricsRegistry();
  readonly metrics: AgentMetrics;
  readonly health: ProxyHealth;
  #startedAtMs = 0;
  #isRunning = false;
  #isStopped = false;
  #timer: { readonly cancel: () => void } | undefined;
  #lastSyncMs = 0;
  #healthCheckWork: Promise<void> = Promise.resolve();
  #idleWaiters: (() => void)[] = [];

  constructor(options: AgentOptions, context: { readonly logger: Logger; readonly clock?: Clock }) {
    this.#options = options;
    this.#logger = context.logger.child({ node: options.nodeName });
    this.#clock = context.clock ?? systemClock;
    this.health = new ProxyHealth(options.families, () => this.#clock.now());
    this.metrics = createAgentMetrics(this.metricsRegistry, options.families);
    this.metricsRegistry.onCollect(() => {
      const states = this.#tables.map(({ state }) => state);
      collectMetrics(this.metrics, options.nftables, states, this.#tracker.pending);
    });
    this.#claims = new ClaimReports((service, reason, message) => this.#tell(service, reason, message), {
      logger: this.#logger,
    });
    this.#tracker = new ChangeTracker({
      informers: options.informers,
      nodeName: options.nodeName,
      onChange: () => this.#schedule(),
    });
    this.#filler = new StateFiller(options, this.#tracker);
    const chainOptions = {
      masqueradeAll: options.masqueradeAll ?? false,
      detectsPods: this.#filler.detectsPods,
      dropsInvalid: options.dropsInvalid ?? true,
    };
    this.#tables = options.families.map(
      (family) =>
        new KernelTable(
          { family, nftables: options.nftables, affinitySize: options.affinitySize ?? 1_000_000, ...chainOptions },
          { logger: this.#logger },
        ),
    );
    const { monitorSocket: socket, nftables, conntrack } = options;
    if (conntrack !== undefined) {
      this.#flows = new FlowCleaner(
        {
          flows: conntrack,
          factsOf: (family) => this.#flowFacts(family),
          onCleaned: (family, { deleted, durationMs }) => {
            this.metrics.conntrackDuration.observe(durationMs / 1000, family);
            this.metrics.conntrackDeleted.add(deleted, family);
          },
        },
        { logger: this.#logger },
      );
    }
    if (socket !== undefined) {
      this.#monitor = new TableMonitor(
        { socket, nftables, onForeignChange: (who) => this.#repairAfter(who) },
        { logger: this.#logger },
      );
    }
    this.#healthChecks = new HealthCheckServers(
      {
        listen: options.listen,
        isHealthy: () => this.health.isHealthy,
        onFailure: ({ namespace, name, port }, error) => {
          this.#tell(
            `${namespace}/${name}`,
            'FailedToStartServiceHealthcheck',
            `node ${options.nodeName} failed to start healthcheck on port ${port}: ${messageOf(error)}`,
          );
        },
      },
      { logger: this.#logger },
    );
  }

  /**
   * Waits for the informers, programs the kernel for the first time and goes on. Nothing is programmed before all lists are there, and
   * nothing once it was stopped.
   */
  async start(): Promise<void> {
    const { services, endpointSlices, nodes, serviceCidrs } = this.#options.informers;
    await Promise.all([services.synced(), endpointSlices.synced(), nodes.synced()]);
    // A server older than 1.33 does not know the kind: then what the options say must do.
    if (serviceCidrs !== undefined) await Promise.race([serviceCidrs.synced(), wait(maxCidrWaitMs)]);
    if (this.#isStopped) return;
    this.#startedAtMs = this.#clock.now();
    // It tells of everything that is there: that is one change.
    this.#tracker.start();
    this.#isRunning = true;
    this.#schedule();
    this.#options.linkAddresses?.start(() => {
      this.#tracker.markAll();
      this.#schedule();
    });
    // All that was there by now is in this one.
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#sync();
    // Only now: of all that the first sync writes the kernel would have to tell us.
    this.#monitor?.start();
    await this.idle();
  }

  /** Stops following and closes the health-check ports. The tables stay: without them even established connections would stop. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#isRunning = false;
    this.#tracker.stop();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#wakeIdle();
    await this.#monitor?.stop();
    await this.#options.linkAddresses?.stop();
    await this.#flows?.stop();
    await this.#healthCheckWork;
    await this.#healthChecks.stop();
  }

  /** Resolves when everything seen is in the kernel, the health-check ports follow it and stale flows are gone; also when stopped. */
  async idle(): Promise<void> {
    while (this.#isRunning && (this.#timer !== undefined || this.#tracker.isDirty)) {
      await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    }
    await this.#flows?.idle();
    await this.#healthCheckWork;
  }

  /** Reads the kernel back and makes it right: for whoever saw that someone else changed it. */
  repair(): void {
    for (const table of this.#tables) table.distrust();
    this.#schedule();
  }

  /** False when some change has waited for long without reaching the kernel. */
  get isHealthy(): boolean {
    return this.health.isHealthy;
  }

  /** Address families that it serves. */
  get families(): readonly IpFamily[] {
    return this.#options.families;
  }

  /** False when load balancers are to leave this node: it is gone, being deleted, or about to be. */
  get isNodeEligible(): boolean {
    return isNodeEligible(this.#options.informers.nodes.get(this.#options.nodeName));
  }

  /** How often somebody else's change of our tables made us read them back. */
  get repairs(): number {
    return this.metrics.repairs.value();
  }

  /** The decision for one Service as it stands in the kernel, claims of other Services apart; undefined when there is no such Service. */
  decide(key: string, family: IpFamily): RoutingDecision | undefined {
    return this.#filler.decide(key, family);
  }

  /** The decisions for all Services, with contested frontends at their winners. Computed anew: its cost is that of a full sync. */
  decisions(family: IpFamily): RoutingDecision[] {
    return this.#filler.decisions(family);
  }

  /** What the kernel should hold, by family: for comparison and debugging. */
  tableState(family: IpFamily): TableState | undefined {
    return this.#tables.find((table) => table.family === family)?.state;
  }

  /** Who is pinned to what, in all families. Reads the kernel: some 4 µs for each entry. Throws `NetlinkError`. */
  affinity(): AffinityEntry[] {
    return this.#tables.flatMap(({ family, state }) => listAffinity(this.#options.nftables, family, ownersIn(state)));
  }

  /** Forgets the pins that the filter means; answers how many there were. Throws `NetlinkError`. */
  clearAffinity(filter: AffinityFilter): number {
    let count = 0;
    for (const { family, state } of this.#tables) count += clearAffinity(this.#options.nftables, family, filter, ownersIn(state));
    this.#monitor?.noteOwnCommit();
    return count;
  }

  #repairAfter(who: string): void {
    this.#logger.warn({ who }, 'someone else changed our tables, reading them back');
    this.metrics.repairs.add();
    this.repair();
  }

  #schedule(delayMs?: number): void {
    if (!this.#isRunning) return;
    this.health.noteQueued();
    for (const { family } of this.#tables) this.metrics.lastQueued.set(this.#clock.now() / 1000, family);
    if (this.#timer !== undefined) return;
    const run = (): void => {
      this.#timer = undefined;
      this.#sync();
    };
    const wait = delayMs ?? this.#lastSyncMs + gatherMs - this.#clock.now();
    if (wait > 0) {
      const timer = setTimeout(run, Math.min(wait, delayMs ?? gatherMs));
      this.#timer = { cancel: () => clearTimeout(timer) };
    } else {
      const timer = setImmediate(run);
      this.#timer = { cancel: () => clearImmediate(timer) };
    }
  }

  #sync(): void {
    const dirty = this.#tracker.take();
    const results = this.#tables.map((table) => this.#syncTable(table, dirty));
    this.#monitor?.noteOwnCommit();
    this.#lastSyncMs = this.#clock.now();
    if (results.every(Boolean)) {
      this.#backOff.reset();
      this.#syncHealthChecks();
      this.#claims.report(this.#tables.map(({ state }) => state));
    } else {
      this.#schedule(this.#backOff.next());
    }
    this.#wakeIdle();
  }

  /** Whether it worked. A family that fails does not hold up the other. */
  #syncTable(table: KernelTable, dirty: Dirty): boolean {
    const { family } = table;
    const startMs = performance.now();
    const isFull = table.isUnknown || dirty.isAll;
    this.metrics.serviceChanges.add(dirty.serviceChanges, family);
    this.metrics.endpointChanges.add(dirty.sliceChanges, family);
    try {
      const result = table.isUnknown ? this.#adopt(table) : this.#update(table, dirty);
      const durationMs = performance.now() - startMs;
      this.health.noteUpdated(family);
      measureSync(this.metrics, family, result, {
        isFull,
        durationMs,
        nowMs: this.#clock.now(),
        // Changes from before the start are no fault of ours.
        triggerTimesMs: dirty.triggerTimesMs.filter((triggerMs) => triggerMs >= this.#startedAtMs),
      });
      if (result.changes > 0 || result.kind !== 'updated') {
        const level = result.kind === 'updated' ? 'debug' : 'info';
        this.#logger[level](
          { family, kind: result.kind, changes: result.changes, transactions: result.transactions, durationMs },
          'synced',
        );
        this.#options.onSync?.(family, { ...result, durationMs });
      }
      return true;
    } catch (error) {
      this.#logger.error({ family, error: messageOf(error) }, 'sync failed, will read the kernel back and try again');
      this.metrics.syncFailures.add(1, family);
      table.distrust();
      return false;
    }
  }

  #adopt(table: KernelTable): SyncResult {
    const result = table.adopt((state) => this.#filler.fill(state));
    // Nobody knows what happened before: every UDP flow to a Service is looked at.
    const gone = (result.withdrawn ?? []).filter(isUdpFrontend);
    this.#flows?.suspect(table.family, [...udpFrontends(table.state.frontends()), ...gone]);
    return result;
  }

  #update(table: KernelTable, dirty: Dirty): SyncResult {
    const { state, family } = table;
    const nodePortIps = state.nodeRows['nodeport-ips'];
    this.#filler.update(state, dirty);
    const result = table.commit();
    this.#flows?.suspect(family, [
      ...suspectsOf(result.touched),
      ...suspectsOfNewAddresses(nodePortIps, state.nodeRows['nodeport-ips'], state.frontends()),
    ]);
    return result;
  }

  #flowFacts(family: IpFamily): FlowFacts {
    const state = this.tableState(family);
    return {
      servingOf: (frontend) => state?.getFrontend(frontend)?.wanted.serving ?? noEndpoints,
      nodePortIps: state?.nodeRows['nodeport-ips'] ?? [],
    };
  }

  #syncHealthChecks(): void {
    const haveChanged = this.#tables.map(({ state }) => state.takeHealthCheckChange()).includes(true);
    if (!haveChanged && !this.#healthChecks.hasFailures) return;
    const byFamily = this.#tables.map(({ family, state }) => {
      const checks = new Map<number, HealthCheck>();
      for (const [key, { port, localReadyCount }] of state.healthChecks()) {
        const slash = key.indexOf('/');
        checks.set(port, { namespace: key.slice(0, slash), name: key.slice(slash + 1), localReadyCount });
      }
      return [family, checks] as const;
    });
    this.#healthCheckWork = this.#healthCheckWork.then(async () => {
      for (const [family, checks] of byFamily) await this.#healthChecks.sync(family, checks);
    });
  }

  #tell(key: string, reason: string, message: string): void {
    const service = this.#options.informers.services.get(key);
    if (service !== undefined) this.#options.events?.event(service, 'Warning', reason, message);
  }

  #wakeIdle(): void {
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const wake of waiters) wake();
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

function ownersIn(state: TableState): FrontendOwner {
  return (frontend) => state.getFrontend(frontend)?.wanted;
}
