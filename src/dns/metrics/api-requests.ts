/** How the API server answers us, under client-go's metric names with CoreDNS's prefix. */
import type { SeenResponse } from '../../client/index.ts';
import type { MetricsPage } from './metrics-page.ts';
import { histogramRow, observe } from './query-counters.ts';

/** Counts of all requests but watches. */
export class ApiRequests {
  readonly #totals = new Map<string, { readonly labels: Readonly<Record<string, string>>; count: number }>();
  readonly #durations = new Map<string, { readonly labels: Readonly<Record<string, string>>; readonly row: Float64Array }>();

  seen(host: string, { method, status, seconds }: SeenResponse): void {
    const total = { code: String(status), method, host };
    const key = Object.values(total).join(' ');
    const known = this.#totals.get(key);
    if (known === undefined) this.#totals.set(key, { labels: total, count: 1 });
    else known.count++;
    const labels = { verb: method, host };
    let duration = this.#durations.get(`${method} ${host}`);
    if (duration === undefined)
      this.#durations.set(`${method} ${host}`, (duration = { labels, row: new Float64Array(histogramRow(buckets)) }));
    observe(duration.row, 0, buckets, seconds, 1);
  }

  render(page: MetricsPage): void {
    if (this.#totals.size === 0) return;
    page.family('coredns_kubernetes_rest_client_requests_total', 'counter', 'Requests to the API server, by code.');
    for (const { labels, count } of this.#totals.values())
      page.sample('coredns_kubernetes_rest_client_requests_total', labels, count);
    const name = 'coredns_kubernetes_rest_client_request_duration_seconds';
    page.family(name, 'histogram', 'Time from a request to the API server to its answer.');
    for (const { labels, row } of this.#durations.values()) page.histogram(name, labels, row, 0, buckets);
  }
}

/** client_golang's defaults, which client-go's adapter in CoreDNS uses. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
