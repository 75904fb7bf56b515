/** `/metrics`: the few figures of this server, under upstream's names, in the Prometheus text format. */
import { findServed } from '../registry/catalog.ts';
import type { Store } from '../store/index.ts';
import { parseResourcePath } from './request-info.ts';

/** Counts requests by verb, resource and code. */
export class RequestMetrics {
  readonly #requests = new Map<string, number>();
  #inFlight = 0;

  started(): void {
    this.#inFlight += 1;
  }

  ended(method: string, resource: string, code: number): void {
    this.#inFlight -= 1;
    const labels = `code="${code}",resource="${escape(resource)}",verb="${escape(method)}"`;
    this.#requests.set(labels, (this.#requests.get(labels) ?? 0) + 1);
  }

  text(store: Store): string {
    const lines = [
      '# HELP apiserver_request_total Requests answered, by verb, resource and HTTP code.',
      '# TYPE apiserver_request_total counter',
      ...[...this.#requests].map(([labels, count]) => `apiserver_request_total{${labels}} ${count}`),
      '# HELP apiserver_current_inflight_requests Requests being answered, watches included.',
      '# TYPE apiserver_current_inflight_requests gauge',
      `apiserver_current_inflight_requests ${this.#inFlight}`,
      '# HELP fairlead_apiserver_objects Objects in the store.',
      '# TYPE fairlead_apiserver_objects gauge',
      `fairlead_apiserver_objects ${store.size}`,
      '# HELP fairlead_apiserver_revision Revision of the newest write.',
      '# TYPE fairlead_apiserver_revision gauge',
      `fairlead_apiserver_revision ${store.revision}`,
    ];
    return `${lines.join('\n')}\n`;
  }
}

/** The paths that are answered beside those of resources, by their first segment. */
const otherPaths: ReadonlySet<string> = new Set(['api', 'apis', 'healthz', 'livez', 'metrics', 'openapi', 'readyz', 'version']);

/** What a path is counted under. Empty for what is not served: anybody may ask for anything, and each label is kept. */
export function resourceLabel(path: string): string {
  const resource = parseResourcePath(path);
  if (resource !== undefined) {
    const { group, version, plural } = resource;
    return findServed(group, version, plural) === undefined ? '' : plural;
  }
  const [, first = ''] = path.split('/', 2);
  return otherPaths.has(first) ? first : '';
}

function escape(text: string): string {
  return text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
