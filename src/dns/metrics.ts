/**
 * What the server counts, under CoreDNS's names, so that its dashboards work. Counting is an increment in a typed array:
 * it runs for every query. Text is made only when someone asks for it (Prometheus text format 0.0.4).
 */
import type { CachingForwarder } from './cache.ts';
import type { ServerForwarder } from './forward.ts';
import { rcodeName, typeName } from './protocol.ts';
import type { QueryClient, QueryObserver } from './query-handler.ts';

export interface DnsMetricsOptions {
  /** As CoreDNS writes it, e.g. `dns://:53`. */
  readonly server: string;
  /** The cluster domain; queries about other names count under `.`, as forwarded ones do in CoreDNS. */
  readonly zone: string;
  readonly forwarder?: ServerForwarder | undefined;
  readonly cache?: CachingForwarder | undefined;
  /** Monotonic, in seconds, at any start. */
  readonly nowSeconds: () => number;
  readonly version?: string;
}

/** Counts queries, and prints what was counted. */
export interface DnsMetrics extends QueryObserver {
  render(): string;
}

export function createDnsMetrics(options: DnsMetricsOptions): DnsMetrics {
  // zone (ours, forwarded) x proto (udp, tcp) x family (1, 2) x type slot
  const requests = new Float64Array(2 * 2 * 2 * slotTypes.length);
  // zone x code; slot 16 is BADVERS and above
  const responses = new Float64Array(2 * 17);
  const dnssecOk = new Float64Array(1);
  const panics = new Float64Array(1);
  // proto x bucket, then sum and count at the end of each row
  const requestSizes = new Float64Array(2 * histogramRow(sizeBuckets));
  const responseSizes = new Float64Array(2 * histogramRow(sizeBuckets));
  const durations = new Float64Array(histogramRow(durationBuckets));

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
      const zone = isForwarded ? 1 : 0;
      const proto = client.isTcp ? 1 : 0;
      const family = client.address.includes(':') ? 1 : 0;
      bump(requests, (zone * 4 + proto * 2 + family) * slotTypes.length + slotOf(qtype));
      bump(responses, zone * 17 + Math.min(rcode, 16));
      if (isDnssecOk) bump(dnssecOk, 0);
      observe(requestSizes, proto * histogramRow(sizeBuckets), sizeBuckets, queryBytes);
      observe(responseSizes, proto * histogramRow(sizeBuckets), sizeBuckets, answerBytes);
      observe(durations, 0, durationBuckets, options.nowSeconds() - startedSeconds);
    },
    failed(): void {
      bump(panics, 0);
    },
    render(): string {
      const page = new Page();
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
      if (options.cache !== undefined) renderCache(page, options.cache, options.server);
      if (options.forwarder !== undefined) renderForward(page, options.forwarder);
      return page.text();
    },
  };
}

/** Types that have a label of their own, as in CoreDNS; slot 0 is all the others. */
const slotTypes = [0, 1, 28, 15, 6, 5, 12, 16, 2, 33, 43, 48, 46, 47, 50, 251, 252, 255, 13, 35, 65, 64];
const slots = new Uint8Array(256);
for (const [slot, type] of slotTypes.entries()) slots[type] = slot;

const sizeBuckets = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16e3, 32e3, 48e3, 64e3];
const durationBuckets = Array.from({ length: 16 }, (_, power) => 0.00025 * 2 ** power);

function slotOf(type: number): number {
  return type < slots.length ? (slots[type] as number) : 0;
}

function histogramRow(buckets: readonly number[]): number {
  return buckets.length + 3; // one for +Inf, the sum, the count
}

function bump(counters: Float64Array, at: number): void {
  counters[at] = (counters[at] as number) + 1;
}

function observe(data: Float64Array, at: number, buckets: readonly number[], value: number): void {
  let bucket = 0;
  while (bucket < buckets.length && value > (buckets[bucket] as number)) bucket++;
  bump(data, at + bucket);
  const sumAt = at + buckets.length + 1;
  data[sumAt] = (data[sumAt] as number) + value;
  bump(data, sumAt + 1);
}

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
