/**
 * What the server counts, under CoreDNS's names, so that its dashboards work. Counting is an increment in a typed array:
 * it runs for every query. Text is made only when someone asks for it (Prometheus text format 0.0.4).
 */
import type { EndpointSlice } from '../api/index.ts';
import type { CachingForwarder } from './cache.ts';
import type { ServerForwarder } from './forward.ts';
import { rcodeName, typeName } from './protocol.ts';
import { durationBuckets, histogramRow, QueryCounters, sizeBuckets, slotTypes, sumOf } from './query-counters.ts';
import type { QueryClient, QueryObserver } from './query-handler.ts';

export interface DnsMetricsOptions {
  /** As CoreDNS writes it, e.g. `dns://:53`. */
  readonly server: string;
  /** The cluster domain; queries about other names count under `.`, as forwarded ones do in CoreDNS. */
  readonly zone: string;
  readonly forwarder?: ServerForwarder | undefined;
  readonly cache?: CachingForwarder | undefined;
  /** Milliseconds since 1970, to compare with what the API says. Default `Date.now`. */
  readonly wallMs?: () => number;
  /** Monotonic, in seconds, at any start. */
  readonly nowSeconds: () => number;
  readonly version?: string;
}

/** Counts queries, and prints what was counted, here and in threads. */
export interface DnsMetrics extends QueryObserver {
  render(): string;
}

export function createDnsMetrics(options: DnsMetricsOptions): DnsMetrics {
  const own = new QueryCounters();
  const programming = new ProgrammingTimes(options.wallMs ?? Date.now);
  const all = [own];
  return {
    now: options.nowSeconds,
    answered(
      qtype: number,
      isDnssecOk: boolean,
      rcode: number,
      queryBytes: number,
      answerBytes: number,
      client: QueryClient,
      isForwarded: boolean,
      startedSeconds: number,
    ): void {
      own.count(qtype, isDnssecOk, rcode, queryBytes, answerBytes, client, isForwarded);
      own.took(options.nowSeconds() - startedSeconds, 1);
    },
    sliceSeen(slice): void {
      programming.seen(slice);
    },
    failed(): void {
      own.failed();
    },
    shareCounters(): SharedArrayBuffer {
      const buffer = new SharedArrayBuffer(QueryCounters.bytes);
      all.push(new QueryCounters(buffer));
      return buffer;
    },
    render(): string {
      const page = new Page();
      const { requests, responses, dnssecOk, panics, requestSizes, responseSizes, durations } = sumOf(all);
      const zones = [`${options.zone}.`, '.'];
      const labels = { server: options.server, zone: zones[0] ?? '', view: '' };
      page.family('coredns_build_info', 'gauge', 'Version of the server.');
      page.sample('coredns_build_info', { version: options.version ?? 'fairlead', goversion: '', revision: '' }, 1);
      page.family('coredns_panics_total', 'counter', 'Queries whose handling failed inside.');
      page.sample('coredns_panics_total', {}, panics[0] ?? 0);
      page.family('coredns_dns_requests_total', 'counter', 'Queries by zone, protocol, address family and type.');
      for (const [index, count] of requests.entries()) {
        if (count === 0) continue;
        const row = Math.floor(index / slotTypes.length);
        const type = slotTypes[index % slotTypes.length] ?? 0;
        const zone = zones[row >> 2] ?? '';
        const [proto, family] = [(row & 2) === 0 ? 'udp' : 'tcp', String((row & 1) + 1)];
        page.sample(
          'coredns_dns_requests_total',
          { ...labels, zone, proto, family, type: type === 0 ? 'other' : typeName(type) },
          count,
        );
      }
      page.family('coredns_dns_do_requests_total', 'counter', 'Queries with the DO bit.');
      page.sample('coredns_dns_do_requests_total', { server: options.server, zone: labels.zone, view: '' }, dnssecOk[0] ?? 0);
      page.family('coredns_dns_responses_total', 'counter', 'Answers by code.');
      for (const [index, count] of responses.entries()) {
        if (count === 0) continue;
        const [zone, plugin] = index < 17 ? [labels.zone, 'kubernetes'] : ['.', 'forward'];
        page.sample('coredns_dns_responses_total', { ...labels, zone, rcode: rcodeName(index % 17), plugin }, count);
      }
      page.family('coredns_dns_request_duration_seconds', 'histogram', 'Time from query to answer.');
      page.histogram('coredns_dns_request_duration_seconds', labels, durations, 0, durationBuckets);
      for (const [name, help, data] of [
        ['coredns_dns_request_size_bytes', 'Size of queries.', requestSizes],
        ['coredns_dns_response_size_bytes', 'Size of answers.', responseSizes],
      ] as const) {
        page.family(name, 'histogram', help);
        for (const [proto, text] of ['udp', 'tcp'].entries()) {
          page.histogram(name, { ...labels, proto: text }, data, proto * histogramRow(sizeBuckets), sizeBuckets);
        }
      }
      programming.render(page);
      if (options.cache !== undefined) renderCache(page, options.cache, options.server);
      if (options.forwarder !== undefined) renderForward(page, options.forwarder);
      return page.text();
    },
  };
}

/** How long after the change of a pod or Service (the slice's annotation says when) its names are known here. */
class ProgrammingTimes {
  readonly #wallMs: () => number;
  /** Older changes than we are were made known to another. */
  readonly #startMs: number;
  readonly #rows = new Map<string, Float64Array>();

  constructor(wallMs: () => number) {
    this.#wallMs = wallMs;
    this.#startMs = wallMs();
  }

  seen(slice: EndpointSlice): void {
    const { labels, annotations } = slice.metadata ?? {};
    const changedMs = Date.parse(annotations?.['endpoints.kubernetes.io/last-change-trigger-time'] ?? '');
    if (!(changedMs >= this.#startMs)) return;
    const kind = labels?.['service.kubernetes.io/headless'] === undefined ? 'cluster_ip' : 'headless_with_selector';
    const row = this.#rows.get(kind) ?? new Float64Array(programmingBuckets.length + 3);
    this.#rows.set(kind, row);
    const seconds = (this.#wallMs() - changedMs) / 1000;
    const at = programmingBuckets.findIndex((bound) => seconds <= bound);
    const slot = at < 0 ? programmingBuckets.length : at;
    row[slot] = (row[slot] ?? 0) + 1;
    row[programmingBuckets.length + 1] = (row[programmingBuckets.length + 1] ?? 0) + seconds;
    row[programmingBuckets.length + 2] = (row[programmingBuckets.length + 2] ?? 0) + 1;
  }

  render(page: Page): void {
    if (this.#rows.size === 0) return;
    const name = 'coredns_kubernetes_dns_programming_duration_seconds';
    page.family(name, 'histogram', 'Time from the change of a pod or Service to its names.');
    for (const [kind, row] of this.#rows) page.histogram(name, { service_kind: kind }, row, 0, programmingBuckets);
  }
}

const programmingBuckets = Array.from({ length: 20 }, (_, power) => 0.001 * 2 ** power);

function renderCache(page: Page, cache: CachingForwarder, server: string): void {
  const { counts, entries } = cache;
  const labels = { server, zones: '.', view: '' };
  page.family('coredns_cache_entries', 'gauge', 'Answers in the cache.');
  for (const type of ['success', 'denial'] as const) page.sample('coredns_cache_entries', { ...labels, type }, entries[type]);
  page.family('coredns_cache_hits_total', 'counter', 'Queries answered from the cache.');
  for (const type of ['success', 'denial'] as const)
    page.sample('coredns_cache_hits_total', { ...labels, type }, counts.hits[type]);
  page.family('coredns_cache_requests_total', 'counter', 'Queries that came to the cache.');
  page.sample('coredns_cache_requests_total', labels, counts.misses + counts.hits.success + counts.hits.denial);
  page.family('coredns_cache_misses_total', 'counter', 'Queries that the cache could not answer.');
  page.sample('coredns_cache_misses_total', labels, counts.misses);
  page.family('coredns_cache_evictions_total', 'counter', 'Answers dropped to make room.');
  for (const type of ['success', 'denial'] as const)
    page.sample('coredns_cache_evictions_total', { ...labels, type }, counts.evictions[type]);
  page.family('coredns_cache_prefetch_total', 'counter', 'Answers asked for anew before or after their end, behind the client.');
  page.sample('coredns_cache_prefetch_total', labels, counts.prefetches);
  page.family('coredns_cache_served_stale_total', 'counter', 'Answers given after their end because no upstream answered.');
  page.sample('coredns_cache_served_stale_total', labels, counts.servedStale);
}

function renderForward(page: Page, forwarder: ServerForwarder): void {
  page.family('coredns_forward_max_concurrent_rejects_total', 'counter', 'Queries refused because too many were under way.');
  page.sample('coredns_forward_max_concurrent_rejects_total', {}, forwarder.counts.rejects);
  page.family('coredns_forward_healthcheck_broken_total', 'counter', 'Queries sent although every upstream was down.');
  page.sample('coredns_forward_healthcheck_broken_total', {}, forwarder.counts.healthBroken);
  page.family('coredns_proxy_healthcheck_failures_total', 'counter', 'Failed probes of upstreams.');
  for (const { name, probeFailures } of forwarder.upstreams) {
    page.sample('coredns_proxy_healthcheck_failures_total', { proxy_name: 'forward', to: name }, probeFailures);
  }
}

/** A page of the text format. */
class Page {
  readonly #lines: string[] = [];

  family(name: string, type: 'counter' | 'gauge' | 'histogram', help: string): void {
    this.#lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  }

  sample(name: string, labels: Readonly<Record<string, string>>, value: number): void {
    const text = Object.entries(labels)
      .map(
        ([label, value]) =>
          `${label}="${value.replaceAll(/["\\\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))}"`,
      )
      .join(',');
    this.#lines.push(`${name}${text === '' ? '' : `{${text}}`} ${value}`);
  }

  histogram(
    name: string,
    labels: Readonly<Record<string, string>>,
    data: Float64Array,
    at: number,
    buckets: readonly number[],
  ): void {
    let below = 0;
    for (const [index, bound] of [...buckets, Number.POSITIVE_INFINITY].entries()) {
      below += data[at + index] ?? 0;
      this.sample(`${name}_bucket`, { ...labels, le: bound === Number.POSITIVE_INFINITY ? '+Inf' : String(bound) }, below);
    }
    this.sample(`${name}_sum`, labels, data[at + buckets.length + 1] ?? 0);
    this.sample(`${name}_count`, labels, data[at + buckets.length + 2] ?? 0);
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}
