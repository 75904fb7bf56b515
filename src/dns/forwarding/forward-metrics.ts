/** What caches and forwarders counted, as metrics; also of those that a reload has retired, so that no counter goes back. */
import type { CachingForwarder } from './cache.ts';
import type { ServerForwarder } from './forward.ts';
import type { MetricsPage } from '../metrics/metrics-page.ts';
import { rcodeName } from '../wire/protocol.ts';
import { durationBuckets } from '../metrics/query-counters.ts';
import type { UpstreamCounts } from './upstream.ts';

/** What is shown of a cache: without its answers, once it is retired. */
export type CacheFigures = Pick<CachingForwarder, 'counts' | 'entries'>;

/** Hits in threads (successes, denials), which have no cache of their own, as a cache's. */
export function hitsInThreads(counts: Float64Array): CacheFigures {
  const none = { success: 0, denial: 0 };
  const hits = { success: counts[0] ?? 0, denial: counts[1] ?? 0 };
  return { counts: { hits, misses: 0, evictions: none, servedStale: 0, drops: 0, prefetches: 0 }, entries: none };
}

/** `caches`: of all times. */
export function renderCaches(page: MetricsPage, caches: readonly CacheFigures[], server: string): void {
  const labels = { server, zones: '.', view: '' };
  const sum = (of: (counts: CacheFigures['counts']) => number): number =>
    caches.reduce((total, { counts }) => total + of(counts), 0);
  const kinds = ['success', 'denial'] as const;
  page.family('coredns_cache_entries', 'gauge', 'Answers in the cache.');
  for (const type of kinds)
    page.sample(
      'coredns_cache_entries',
      { ...labels, type },
      caches.reduce((total, { entries }) => total + entries[type], 0),
    );
  page.family('coredns_cache_hits_total', 'counter', 'Queries answered from the cache.');
  for (const type of kinds)
    page.sample(
      'coredns_cache_hits_total',
      { ...labels, type },
      sum((counts) => counts.hits[type]),
    );
  page.family('coredns_cache_evictions_total', 'counter', 'Answers dropped to make room.');
  for (const type of kinds)
    page.sample(
      'coredns_cache_evictions_total',
      { ...labels, type },
      sum((counts) => counts.evictions[type]),
    );
  for (const [name, help, of] of [
    ['requests', 'Queries that came to the cache.', ({ misses, hits }) => misses + hits.success + hits.denial],
    ['misses', 'Queries that the cache could not answer.', ({ misses }) => misses],
    ['prefetch', 'Answers asked for anew before or after their end, behind the client.', ({ prefetches }) => prefetches],
    ['drops', 'Answers not kept because their question was another one.', ({ drops }) => drops],
    ['served_stale', 'Answers given after their end because no upstream answered.', ({ servedStale }) => servedStale],
  ] as const satisfies readonly (readonly [string, string, (counts: CacheFigures['counts']) => number])[]) {
    page.family(`coredns_cache_${name}_total`, 'counter', help);
    page.sample(`coredns_cache_${name}_total`, labels, sum(of));
  }
}

/** `forwarders`: of all times. */
export function renderForwarders(page: MetricsPage, forwarders: readonly ServerForwarder[]): void {
  page.family('coredns_forward_max_concurrent_rejects_total', 'counter', 'Queries refused because too many were under way.');
  page.sample(
    'coredns_forward_max_concurrent_rejects_total',
    {},
    forwarders.reduce((sum, { counts }) => sum + counts.rejects, 0),
  );
  page.family('coredns_forward_healthcheck_broken_total', 'counter', 'Queries that found every upstream down.');
  page.sample(
    'coredns_forward_healthcheck_broken_total',
    {},
    forwarders.reduce((sum, { counts }) => sum + counts.healthBroken, 0),
  );
  renderUpstreams(
    page,
    forwarders.flatMap(({ upstreams }) => upstreams),
  );
}

/** One server may stand in several forwarders: its counters are one. */
function renderUpstreams(page: MetricsPage, all: readonly { readonly name: string; readonly counts: UpstreamCounts }[]): void {
  const byName = Map.groupBy(all, ({ name }) => name);
  const sum = (name: string, of: (counts: UpstreamCounts) => number): number =>
    (byName.get(name) ?? []).reduce((total, { counts }) => total + of(counts), 0);
  page.family('coredns_proxy_healthcheck_failures_total', 'counter', 'Failed probes of upstreams.');
  for (const to of byName.keys())
    page.sample(
      'coredns_proxy_healthcheck_failures_total',
      { proxy_name: 'forward', to },
      sum(to, (counts) => counts.probeFailures),
    );
  for (const [name, help, key] of [
    ['hits', 'Queries sent over a socket or connection that was there.', 'lineHits'],
    ['misses', 'Queries that a new socket or connection was made for.', 'lineMisses'],
  ] as const) {
    page.family(`coredns_proxy_conn_cache_${name}_total`, 'counter', help);
    for (const to of byName.keys())
      for (const proto of ['udp', 'tcp'] as const)
        page.sample(
          `coredns_proxy_conn_cache_${name}_total`,
          { proxy_name: 'forward', to, proto },
          sum(to, (counts) => counts[key][proto]),
        );
  }
  page.family('coredns_proxy_request_duration_seconds', 'histogram', 'Time from asking an upstream to its answer.');
  for (const to of byName.keys()) {
    const rows = new Map<number, Float64Array>();
    for (const { counts } of byName.get(to) ?? []) {
      for (const [rcode, row] of counts.durations) {
        const total = rows.get(rcode) ?? new Float64Array(row.length);
        for (const [at, value] of row.entries()) total[at] = (total[at] ?? 0) + value;
        rows.set(rcode, total);
      }
    }
    for (const [rcode, row] of rows)
      page.histogram(
        'coredns_proxy_request_duration_seconds',
        { proxy_name: 'forward', to, rcode: rcodeName(rcode) },
        row,
        0,
        durationBuckets,
      );
  }
}
