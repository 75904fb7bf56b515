/** The metrics page as Prometheus' own tool reads it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { createCachingForwarder, createDnsMetrics, createForwarder, queryMessage } from '../../src/dns/index.ts';
import { silentLogger } from '../../src/observe/index.ts';

/** What dashboards made for CoreDNS ask for: names and labels. */
const samples = [
  'coredns_build_info{version="fairlead",goversion="",revision=""}',
  'coredns_panics_total',
  'coredns_plugin_enabled{server="dns://:53",zone=".",view="",name="forward"}',
  'coredns_dns_requests_total{server="dns://:53",zone="cluster.local.",view="",proto="udp",family="1",type="A"}',
  'coredns_dns_requests_total{server="dns://:53",zone="cluster.local.",view="",proto="udp",family="1",type="other"}',
  'coredns_dns_request_duration_seconds_bucket{server="dns://:53",zone="cluster.local.",view="",le="0.00025"}',
  'coredns_dns_request_duration_seconds_bucket{server="dns://:53",zone="cluster.local.",view="",le="8.192"}',
  'coredns_dns_request_size_bytes_count{server="dns://:53",zone="cluster.local.",view="",proto="udp"}',
  'coredns_dns_response_size_bytes_sum{server="dns://:53",zone="cluster.local.",view="",proto="tcp"}',
  'coredns_dns_do_requests_total{server="dns://:53",zone="cluster.local.",view=""}',
  'coredns_dns_responses_total{server="dns://:53",zone="cluster.local.",view="",rcode="NXDOMAIN",plugin="kubernetes"}',
  'coredns_cache_entries{server="dns://:53",zones=".",view="",type="denial"}',
  'coredns_cache_hits_total{server="dns://:53",zones=".",view="",type="success"}',
  'coredns_cache_evictions_total{server="dns://:53",zones=".",view="",type="success"}',
  ...['requests', 'misses', 'prefetch', 'drops', 'served_stale'].map(
    (name) => `coredns_cache_${name}_total{server="dns://:53",zones=".",view=""}`,
  ),
  'coredns_proxy_healthcheck_failures_total{proxy_name="forward",to="127.0.0.1:9"}',
  'coredns_proxy_conn_cache_misses_total{proxy_name="forward",to="127.0.0.1:9",proto="udp"}',
  'coredns_proxy_conn_cache_hits_total{proxy_name="forward",to="127.0.0.1:9",proto="tcp"}',
  'coredns_forward_healthcheck_broken_total',
  'coredns_forward_max_concurrent_rejects_total',
  'coredns_autopath_success_total{server="dns://:53"}',
  'coredns_health_request_duration_seconds_bucket{le="+Inf"}',
  'coredns_health_request_failures_total',
  'coredns_reload_failed_total',
  'coredns_reload_version_info{hash="sha512",value="0123"}',
  'coredns_kubernetes_rest_client_requests_total{code="200",method="GET",host="10.0.0.1:6443"}',
  'coredns_kubernetes_rest_client_request_duration_seconds_bucket{verb="GET",host="10.0.0.1:6443",le="0.025"}',
  'coredns_kubernetes_dns_programming_duration_seconds_bucket{service_kind="cluster_ip",le="0.001"}',
];

const isMissing = spawnSync('promtool', ['--version']).error !== undefined;

test(
  "promtool finds nothing to complain of, and all of CoreDNS's names are there",
  isMissing ? { skip: 'promtool is not installed; Debian: apt-get install prometheus' } : {},
  async () => {
    const forwarder = createForwarder({ upstreams: [{ address: '127.0.0.1', port: 9 }] }, { logger: silentLogger });
    const cache = createCachingForwarder(forwarder, { nowMs: () => 0 });
    const metrics = createDnsMetrics({ server: 'dns://:53', zone: 'cluster.local', nowSeconds: () => 1 });
    const plugins = [{ zone: '.', names: ['kubernetes', 'forward'] }];
    metrics.follow({ caches: [cache], forwarders: [forwarder], plugins });
    const query = queryMessage(1, '\x03www\x07example\0', 1, 0);
    await cache.forward(query, { isTcp: false, maxBytes: 512 });
    metrics.healthSeen(0.001);
    metrics.healthSeen(undefined);
    metrics.reloadFailed();
    metrics.loaded('0123');
    metrics.searchCompleted?.();
    metrics.failed();
    metrics.apiAnswered('10.0.0.1:6443', { method: 'GET', status: 200, seconds: 0.02 });
    for (const [type, rcode, isTcp] of [
      [1, 0, false],
      [28, 3, true],
      [65_000, 2, false],
    ] as const)
      metrics.answered(type, true, rcode, 60, 120, { address: '127.0.0.1', isTcp }, false, 0.5);
    metrics.sliceSeen?.({
      metadata: {
        annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': new Date(Date.now() + 1_000).toISOString() },
      },
      addressType: 'IPv4',
      endpoints: [],
    });
    assert.match(metrics.render(), /dns_programming_duration_seconds_count\{service_kind="cluster_ip"\} 1/);
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: metrics.render(), encoding: 'utf8' });
    await forwarder.close();
    assert.equal(status, 0, stdout + stderr);
    const page = metrics.render();
    for (const sample of samples) assert.ok(page.includes(`\n${sample} `), `${sample} in\n${page}`);
  },
);
