/**
 * What the agent tells Prometheus: kube-proxy's names where the meaning is the same, so that its dashboards work, and ours under
 * `fairlead_agent_`. What the kernel counts is read when somebody asks. Source of names: k8s pkg/proxy/metrics/metrics.go v1.36.
 */
import type { IpFamily } from '../../net/index.ts';
import type { Counter, Gauge, Histogram, MetricsRegistry } from '../../observe/index.ts';
import { exponentialBuckets, linearBuckets } from '../../observe/index.ts';

/** Families that the agent writes; all bear `ip_family` as their first label unless said. Durations in seconds. */
export interface AgentMetrics {
  readonly syncDuration: Histogram;
  readonly fullSyncDuration: Histogram;
  readonly partialSyncDuration: Histogram;
  readonly lastSync: Gauge;
  readonly lastQueued: Gauge;
  readonly networkProgramming: Histogram;
  readonly endpointChangesPending: Gauge;
  readonly endpointChanges: Counter;
  readonly serviceChangesPending: Gauge;
  readonly serviceChanges: Counter;
  readonly syncFailures: Counter;
  /** Label traffic_policy. */
  readonly noLocalEndpoints: Gauge;
  readonly conntrackDuration: Histogram;
  readonly conntrackDeleted: Counter;
  /** Label code, no family. */
  readonly healthz: Counter;
  readonly livez: Counter;
  /** No label. */
  readonly repairs: Counter;
  readonly rowChanges: Counter;
  readonly transactions: Counter;
  /** Label set. */
  readonly rows: Gauge;
  readonly services: Gauge;
  /** Labels namespace, service, port, protocol, frontend. */
  readonly connections: Gauge;
  /** Label reason. */
  readonly dropped: Gauge;
  readonly rejected: Gauge;
  readonly fallbacks: Gauge;
  readonly unpinned: Gauge;
}

/** Makes the families, each family's series of a known kind at zero. */
export function createAgentMetrics(registry: MetricsRegistry, families: readonly IpFamily[]): AgentMetrics {
  const labels = ['ip_family'];
  const durations = { labels, buckets: exponentialBuckets(0.001, 2, 15) };
  const metrics: AgentMetrics = {
    syncDuration: registry.histogram({
      name: 'kubeproxy_sync_proxy_rules_duration_seconds',
      help: 'Time to decide, compile and commit what changed, in seconds.',
      ...durations,
    }),
    fullSyncDuration: registry.histogram({
      name: 'kubeproxy_sync_full_proxy_rules_duration_seconds',
      help: 'Time of syncs that looked at every Service, in seconds.',
      ...durations,
    }),
    partialSyncDuration: registry.histogram({
      name: 'kubeproxy_sync_partial_proxy_rules_duration_seconds',
      help: 'Time of syncs that looked at changed Services only, in seconds.',
      ...durations,
    }),
    lastSync: registry.gauge({
      name: 'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
      help: 'When rows were last synced with success, in seconds since 1970.',
      labels,
    }),
    lastQueued: registry.gauge({
      name: 'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds',
      help: 'When a sync was last queued, in seconds since 1970.',
      labels,
    }),
    networkProgramming: registry.histogram({
      name: 'kubeproxy_network_programming_duration_seconds',
      help: 'Time from the change of a pod or Service, as its EndpointSlice tells it, to the kernel, in seconds.',
      labels,
      buckets: [
        ...linearBuckets(0.25, 0.25, 2),
        ...linearBuckets(1, 1, 59),
        ...linearBuckets(60, 5, 12),
        ...linearBuckets(120, 30, 7),
      ],
    }),
    endpointChangesPending: registry.gauge({
      name: 'kubeproxy_sync_proxy_rules_endpoint_changes_pending',
      help: 'Changes of EndpointSlices that are not in the kernel yet.',
      labels,
    }),
    endpointChanges: registry.counter({
      name: 'kubeproxy_sync_proxy_rules_endpoint_changes_total',
      help: 'Changes of EndpointSlices.',
      labels,
    }),
    serviceChangesPending: registry.gauge({
      name: 'kubeproxy_sync_proxy_rules_service_changes_pending',
      help: 'Changes of Services that are not in the kernel yet.',
      labels,
    }),
    serviceChanges: registry.counter({
      name: 'kubeproxy_sync_proxy_rules_service_changes_total',
      help: 'Changes of Services.',
      labels,
    }),
    syncFailures: registry.counter({
      name: 'kubeproxy_sync_proxy_rules_nftables_sync_failures_total',
      help: 'Syncs that the kernel refused.',
      labels,
    }),
    // The name says counter and kube-proxy's type says gauge: without a type nobody is told wrong.
    noLocalEndpoints: registry.untyped({
      name: 'kubeproxy_sync_proxy_rules_no_local_endpoints_total',
      help: 'Services with a Local traffic policy whose endpoints are all on other nodes.',
      labels: ['ip_family', 'traffic_policy'],
    }),
    conntrackDuration: registry.histogram({
      name: 'kubeproxy_conntrack_reconciler_sync_duration_seconds',
      help: 'Time to find and delete stale UDP flows, in seconds.',
      ...durations,
    }),
    conntrackDeleted: registry.counter({
      name: 'kubeproxy_conntrack_reconciler_deleted_entries_total',
      help: 'Stale UDP flows deleted.',
      labels,
    }),
    healthz: registry.counter({ name: 'kubeproxy_proxy_healthz_total', help: 'Answers of /healthz.', labels: ['code'] }),
    livez: registry.counter({ name: 'kubeproxy_proxy_livez_total', help: 'Answers of /livez.', labels: ['code'] }),
    repairs: registry.counter({
      name: 'fairlead_agent_repairs_total',
      help: "How often somebody else's change of our tables made the agent read them back.",
    }),
    rowChanges: registry.counter({
      name: 'fairlead_agent_row_changes_total',
      help: 'Rows and chains changed in the kernel.',
      labels,
    }),
    transactions: registry.counter({
      name: 'fairlead_agent_transactions_total',
      help: 'Netlink transactions committed.',
      labels,
    }),
    rows: registry.gauge({ name: 'fairlead_agent_rows', help: 'Rows in each set.', labels: ['ip_family', 'set'] }),
    services: registry.gauge({ name: 'fairlead_agent_services', help: 'Services that the agent serves.', labels }),
    connections: registry.collectedCounter({
      name: 'fairlead_agent_service_connections_total',
      help: 'New connections to each Service port, refused and dropped ones among them.',
      labels: ['ip_family', 'namespace', 'service', 'port', 'protocol', 'frontend'],
    }),
    dropped: registry.collectedCounter({
      name: 'fairlead_agent_dropped_packets_total',
      help: 'Packets dropped, by reason; a client that tries again counts again.',
      labels: ['ip_family', 'reason'],
    }),
    rejected: registry.collectedCounter({
      name: 'fairlead_agent_rejected_packets_total',
      help: 'Packets refused, by reason; a client that tries again counts again.',
      labels: ['ip_family', 'reason'],
    }),
    fallbacks: registry.collectedCounter({
      name: 'fairlead_agent_fallback_picks_total',
      help: 'Connections led to the first endpoint because the chosen one had just gone.',
      labels,
    }),
    unpinned: registry.collectedCounter({
      name: 'fairlead_agent_unpinned_connections_total',
      help: 'Connections served without affinity because its map was full.',
      labels,
    }),
  };
  for (const family of families) {
    for (const counter of [metrics.endpointChanges, metrics.serviceChanges, metrics.syncFailures, metrics.conntrackDeleted])
      counter.add(0, family);
    for (const gauge of [metrics.endpointChangesPending, metrics.serviceChangesPending]) gauge.set(0, family);
  }
  return metrics;
}
