/** How long changes take to reach the names, from what slices say of themselves. */
import type { EndpointSlice } from '../../api/index.ts';
import type { MetricsPage } from './metrics-page.ts';

/** How long after the change of a pod or Service (the slice's annotation says when) its names are known here. */
export class ProgrammingTimes {
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
    // whatever a slice says: a sum that goes back would be a restart
    const seconds = Math.max(0, this.#wallMs() - changedMs) / 1000;
    const at = programmingBuckets.findIndex((bound) => seconds <= bound);
    const slot = at < 0 ? programmingBuckets.length : at;
    row[slot] = (row[slot] ?? 0) + 1;
    row[programmingBuckets.length + 1] = (row[programmingBuckets.length + 1] ?? 0) + seconds;
    row[programmingBuckets.length + 2] = (row[programmingBuckets.length + 2] ?? 0) + 1;
  }

  render(page: MetricsPage): void {
    if (this.#rows.size === 0) return;
    const name = 'coredns_kubernetes_dns_programming_duration_seconds';
    page.family(name, 'histogram', 'Time from the change of a pod or Service to its names.');
    for (const [kind, row] of this.#rows) page.histogram(name, { service_kind: kind }, row, 0, programmingBuckets);
  }
}

const programmingBuckets = Array.from({ length: 20 }, (_, power) => 0.001 * 2 ** power);
