/**
 * What the server counts, under CoreDNS's names, so that its dashboards work. Counting is an increment in a typed array:
 * it runs for every query. Text is made only when someone asks for it (Prometheus text format 0.0.4).
 */
import type { SeenResponse } from '../../client/index.ts';
import { ApiRequests } from './api-requests.ts';
import type { CachingForwarder } from '../forwarding/cache.ts';
import type { CacheFigures } from '../forwarding/forward-metrics.ts';
import { hitsInThreads, renderCaches, renderForwarders } from '../forwarding/forward-metrics.ts';
import type { ServerForwarder } from '../forwarding/forward.ts';
import { MetricsPage } from './metrics-page.ts';
import { ProgrammingTimes } from './programming-times.ts';
import { rcodeName, typeName } from '../wire/protocol.ts';
import { durationBuckets, histogramRow, observe, QueryCounters, sizeBuckets, slotTypes, sumOf } from './query-counters.ts';
import type { QueryClient, QueryObserver } from '../query-handler.ts';

export interface DnsMetricsOptions {
  /** As CoreDNS writes it, e.g. `dns://:53`. */
  readonly server: string;
  /** The cluster domain; queries about other names count under `.`, as forwarded ones do in CoreDNS. */
  readonly zone: string;
  readonly forwarder?: ServerForwarder | undefined;
  readonly cache?: CachingForwarder | undefined;
  /** By server block: the zone and the names of the plugins that stand in it. */
  readonly plugins?: readonly { readonly zone: string; readonly names: readonly string[] }[];
  /** Milliseconds since 1970, to compare with what the API says. Default `Date.now`. */
  readonly wallMs?: () => number;
  /** Monotonic, in seconds, at any start. */
  readonly nowSeconds: () => number;
  readonly version?: string;
}

/** What a server that takes over brings with it. */
export interface ServedParts {
  readonly caches: readonly CachingForwarder[];
  readonly forwarders: readonly ServerForwarder[];
  readonly plugins: NonNullable<DnsMetricsOptions['plugins']>;
}

/** Counts queries, and prints what was counted, here and in threads. Outlives a reload: no counter goes back. */
export interface DnsMetrics extends QueryObserver {
  /** As given: counters mean these. */
  readonly server: string;
  readonly zone: string;
  /** From now on these serve; what those before counted stays in the sums. */
  follow(parts: ServedParts): void;
  reloadFailed(): void;
  /** The configuration that is in force, as a hash of its text. */
  loaded(hash: string): void;
  /** An answer of the API server at `host`. */
  apiAnswered(host: string, seen: SeenResponse): void;
  /** The server's own look at `/health`, in seconds; undefined: it failed. */
  healthSeen(seconds: number | undefined): void;
  render(): string;
}

/** The metrics of one process: its own counts, those that its workers send, and what is read when somebody asks for the page. */
export function createDnsMetrics(options: DnsMetricsOptions): DnsMetrics {
  const own = new QueryCounters();
  const programming = new ProgrammingTimes(options.wallMs ?? Date.now);
  const all = [own];
  let caches: readonly CacheFigures[] = options.cache === undefined ? [] : [options.cache];
  const forwarders = options.forwarder === undefined ? [] : [options.forwarder];
  const apiRequests = new ApiRequests();
  const health = { row: new Float64Array(histogramRow(durationBuckets)), failures: 0 };
  let plugins = options.plugins ?? [];
  let [completedSearches, failedReloads] = [0, 0];
  let configHash: string | undefined;
  return {
    server: options.server,
    zone: options.zone,
    follow(parts) {
      // of a retired cache the counts are kept, not its answers
      const retired = caches.map(({ counts }) => ({ counts, entries: { success: 0, denial: 0 } }));
      caches = [...retired, ...parts.caches];
      forwarders.push(...parts.forwarders);
      plugins = parts.plugins;
    },
    searchCompleted: () => void completedSearches++,
    reloadFailed: () => void failedReloads++,
    apiAnswered: (host, seen) => apiRequests.seen(host, seen),
    loaded: (hash) => void (configHash = hash),
    healthSeen(seconds) {
      if (seconds === undefined) health.failures++;
      else observe(health.row, 0, durationBuckets, seconds, 1);
    },
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
      const page = new MetricsPage();
      const { requests, responses, dnssecOk, panics, requestSizes, responseSizes, durations, cacheHits } = sumOf(all);
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
      if (caches.length > 0) renderCaches(page, [...caches, hitsInThreads(cacheHits)], options.server);
      if (forwarders.length > 0) renderForwarders(page, forwarders);
      apiRequests.render(page);
      page.family('coredns_autopath_success_total', 'counter', 'Search paths that were walked for the client.');
      page.sample('coredns_autopath_success_total', { server: options.server }, completedSearches);
      if (plugins.length > 0) {
        page.family('coredns_plugin_enabled', 'gauge', 'Plugins, by server block.');
        for (const { zone, names } of plugins)
          for (const name of names)
            page.sample(
              'coredns_plugin_enabled',
              { server: options.server, zone: zone === '.' ? '.' : `${zone}.`, view: '', name },
              1,
            );
      }
      page.family('coredns_health_request_duration_seconds', 'histogram', "Time of the server's own requests to /health.");
      page.histogram('coredns_health_request_duration_seconds', {}, health.row, 0, durationBuckets);
      page.family('coredns_health_request_failures_total', 'counter', "The server's own requests to /health that failed.");
      page.sample('coredns_health_request_failures_total', {}, health.failures);
      page.family('coredns_reload_failed_total', 'counter', 'Configurations that could not be loaded.');
      page.sample('coredns_reload_failed_total', {}, failedReloads);
      if (configHash !== undefined) {
        page.family('coredns_reload_version_info', 'gauge', 'The configuration in force.');
        page.sample('coredns_reload_version_info', { hash: 'sha512', value: configHash }, 1);
      }
      return page.text();
    },
  };
}
