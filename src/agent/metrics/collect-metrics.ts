/** What syncs do and the kernel counts, brought into the agent's metrics: connections of each Service port, drops and refusals by reason. */
import type { Nftables } from '../../linux/index.ts';
import { isNoSuchThing } from '../../linux/index.ts';
import type { IpFamily } from '../../net/index.ts';
import type { AgentMetrics } from './agent-metrics.ts';
import type { SyncResult } from '../kernel/kernel-table.ts';
import { countedMaps, tableOf } from '../rows/layout.ts';
import { addressLength, fromUint8Array } from '../rows/row-bytes.ts';
import type { TableState } from '../rows/table-state.ts';

/** One sync that went well. */
export interface MeasuredSync {
  /** Every Service was looked at. */
  readonly isFull: boolean;
  readonly durationMs: number;
  readonly nowMs: number;
  /** When the changes came about that are now in the kernel. */
  readonly triggerTimesMs: readonly number[];
}

/** Counts one sync that the kernel took; a change before the clock was set back counts as taken at once. */
export function measureSync(metrics: AgentMetrics, family: IpFamily, result: SyncResult, sync: MeasuredSync): void {
  const seconds = sync.durationMs / 1000;
  metrics.syncDuration.observe(seconds, family);
  (sync.isFull ? metrics.fullSyncDuration : metrics.partialSyncDuration).observe(seconds, family);
  metrics.lastSync.set(sync.nowMs / 1000, family);
  metrics.rowChanges.add(result.changes, family);
  metrics.transactions.add(result.transactions, family);
  for (const triggerMs of sync.triggerTimesMs)
    metrics.networkProgramming.observe(Math.max(0, sync.nowMs - triggerMs) / 1000, family);
}

/** Fills the metrics that are not counted as things happen: for each scrape. Throws `NetlinkError`. */
export function collectMetrics(
  metrics: AgentMetrics,
  nftables: Nftables,
  states: readonly TableState[],
  pending: { readonly services: number; readonly slices: number },
): void {
  clearCollected(metrics);
  for (const state of states) {
    metrics.serviceChangesPending.set(pending.services, state.family);
    metrics.endpointChangesPending.set(pending.slices, state.family);
    collectState(state, metrics);
    collectKernelCounters(nftables, state, metrics);
  }
}

/** Forgets what was collected before: frontends that are gone have no series. */
function clearCollected({ connections, rows, noLocalEndpoints }: AgentMetrics): void {
  for (const gauge of [connections, rows, noLocalEndpoints]) gauge.clear();
}

/** Reads one family. A table that is away counts as all zero. Some 2 µs for each frontend. Throws `NetlinkError`. */
function collectKernelCounters(nftables: Nftables, state: TableState, metrics: AgentMetrics): void {
  try {
    collectReasons(nftables, state.family, metrics);
    collectConnections(nftables, state, metrics);
  } catch (error) {
    if (!isNoSuchThing(error)) throw error;
  }
}

/** What the state itself knows. */
function collectState(state: TableState, metrics: AgentMetrics): void {
  const { family } = state;
  const lacking = { internal: new Set<string>(), external: new Set<string>() };
  for (const { wanted } of state.frontends()) {
    const isInternal = wanted.kind === 'clusterIP';
    const target = isInternal ? wanted.inside : wanted.outside;
    if (target === 'drop-no-local-endpoint') lacking[isInternal ? 'internal' : 'external'].add(wanted.service);
  }
  metrics.noLocalEndpoints.set(lacking.internal.size, family, 'internal');
  metrics.noLocalEndpoints.set(lacking.external.size, family, 'external');
  for (const [set, count] of state.sizes) metrics.rows.set(count, family, set);
  metrics.services.set([...state.serviceKeys()].length, family);
}

function collectReasons(nftables: Nftables, family: IpFamily, metrics: AgentMetrics): void {
  for (const { name, packets } of nftables.dumpCounters(tableOf(family))) {
    const count = Number(packets);
    if (name.startsWith('dropped-')) metrics.dropped.set(count, family, name.slice('dropped-'.length));
    else if (name.startsWith('rejected-')) metrics.rejected.set(count, family, name.slice('rejected-'.length));
    else if (name === 'fallback-endpoint') metrics.fallbacks.set(count, family);
    else if (name === 'missed-endpoint') metrics.dropped.set(count, family, name);
    else if (name === 'unpinned-affinity-full') metrics.unpinned.set(count, family);
  }
}

function collectConnections(nftables: Nftables, state: TableState, { connections }: AgentMetrics): void {
  const { family } = state;
  const nodePortAddress = '\0'.repeat(addressLength(family));
  for (const set of countedMaps) {
    const prefix = set.startsWith('nodeports') ? nodePortAddress : '';
    nftables.visitElements(tableOf(family), set, ({ key, counter }) => {
      const wanted = state.getFrontend(prefix + fromUint8Array(key))?.wanted;
      if (wanted === undefined || counter === undefined) return;
      const slash = wanted.service.indexOf('/');
      const [namespace, service] = [wanted.service.slice(0, slash), wanted.service.slice(slash + 1)];
      const labels = [family, namespace, service, wanted.portName, wanted.protocol, wanted.kind];
      // Two scopes of one frontend, and several addresses of one kind, are one series.
      connections.set(connections.value(...labels) + Number(counter.packets), ...labels);
    });
  }
}
