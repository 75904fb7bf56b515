/** The metrics page as Prometheus' own tool reads it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { createCachingForwarder, createDnsMetrics, createForwarder } from '../../src/dns/index.ts';
import { silentLogger } from '../../src/observe/index.ts';

const isMissing = spawnSync('promtool', ['--version']).error !== undefined;

test(
  'promtool finds nothing to complain of',
  isMissing ? { skip: 'promtool is not installed; Debian: apt-get install prometheus' } : {},
  async () => {
    const forwarder = createForwarder({ upstreams: [{ address: '127.0.0.1', port: 9 }] }, { logger: silentLogger });
    const cache = createCachingForwarder(forwarder, { nowMs: () => 0 });
    const metrics = createDnsMetrics({ server: 'dns://:53', zone: 'cluster.local', forwarder, cache, nowSeconds: () => 1 });
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
  },
);
