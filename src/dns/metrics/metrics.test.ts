import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice } from '../../api/index.ts';
import { createDnsMetrics } from './metrics.ts';

test('the time from a change to its names is taken from the slice, but not for changes from before the start', () => {
  let wallMs = Date.parse('2026-01-01T00:00:10Z');
  const metrics = createDnsMetrics({ server: 'dns://:53', zone: 'cluster.local', nowSeconds: () => 0, wallMs: () => wallMs });
  const slice = (changed: string | undefined, labels: Readonly<Record<string, string>> = {}): EndpointSlice => ({
    metadata: {
      labels,
      ...(changed === undefined ? {} : { annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': changed } }),
    },
    addressType: 'IPv4',
    endpoints: [],
  });
  metrics.sliceSeen?.(slice('2026-01-01T00:00:05Z'));
  metrics.sliceSeen?.(slice(undefined));
  metrics.sliceSeen?.(slice('nonsense'));
  assert.doesNotMatch(metrics.render(), /programming/);
  wallMs += 3;
  metrics.sliceSeen?.(slice('2026-01-01T00:00:10Z'));
  metrics.sliceSeen?.(slice('2026-01-01T00:00:10Z', { 'service.kubernetes.io/headless': '' }));
  const page = metrics.render();
  const name = 'coredns_kubernetes_dns_programming_duration_seconds';
  for (const line of [
    `${name}_bucket{service_kind="cluster_ip",le="0.002"} 0`,
    `${name}_bucket{service_kind="cluster_ip",le="0.004"} 1`,
    `${name}_sum{service_kind="cluster_ip"} 0.003`,
    `${name}_count{service_kind="headless_with_selector"} 1`,
  ])
    assert.ok(page.includes(line), `${line} in\n${page}`);
});
