/**
 * Whether the agent keeps up: a change that waits too long for a successful sync makes it unhealthy. Source: k8s
 * pkg/proxy/healthcheck/proxy_health.go v1.36 (twice the sync period of 30 s).
 */
import type { Node } from '../../api/index.ts';
import type { IpFamily } from '../../net/index.ts';

/** A queued change that waits longer than this without a successful sync makes its family unhealthy. */
export const unhealthyAfterMs = 60_000;

/** Cluster Autoscaler's mark of a node that it is about to delete: load balancers are to leave it. */
export const toBeDeletedTaint = 'ToBeDeletedByClusterAutoscaler';

/** One family, or all of them together. */
export interface HealthStatus {
  readonly isHealthy: boolean;
  /** Now while healthy, else the last successful sync. Milliseconds since 1970. */
  readonly lastUpdatedMs: number;
}

export interface HealthReport extends HealthStatus {
  readonly nowMs: number;
  readonly families: ReadonlyMap<IpFamily, HealthStatus>;
}

export class ProxyHealth {
  readonly #now: () => number;
  readonly #families: Map<IpFamily, { queuedMs: number | undefined; updatedMs: number }>;

  /** `now`: milliseconds since 1970. */
  constructor(families: readonly IpFamily[], now: () => number) {
    this.#now = now;
    this.#families = new Map(families.map((family) => [family, { queuedMs: undefined, updatedMs: now() }]));
  }

  /** Something is to be programmed; earlier calls that are not yet followed by `noteUpdated` count. */
  noteQueued(): void {
    for (const times of this.#families.values()) times.queuedMs ??= this.#now();
  }

  /** Everything that was queued is in the kernel. */
  noteUpdated(family: IpFamily): void {
    const times = this.#families.get(family);
    if (times === undefined) return;
    times.queuedMs = undefined;
    times.updatedMs = this.#now();
  }

  get isHealthy(): boolean {
    return this.report().isHealthy;
  }

  report(): HealthReport {
    const nowMs = this.#now();
    const families = new Map<IpFamily, HealthStatus>();
    let oldestMs = nowMs;
    for (const [family, { queuedMs, updatedMs }] of this.#families) {
      const isHealthy = queuedMs === undefined || nowMs - queuedMs < unhealthyAfterMs;
      const lastUpdatedMs = isHealthy ? nowMs : updatedMs;
      oldestMs = Math.min(oldestMs, lastUpdatedMs);
      families.set(family, { isHealthy, lastUpdatedMs });
    }
    return { isHealthy: [...families.values()].every((status) => status.isHealthy), lastUpdatedMs: oldestMs, nowMs, families };
  }
}

/** Whether load balancers should send to the node at all. A node without an object is being taken away. */
export function isNodeEligible(node: Node | undefined): boolean {
  return (
    node !== undefined &&
    node.metadata?.deletionTimestamp === undefined &&
    node.spec?.taints?.some(({ key }) => key === toBeDeletedTaint) !== true
  );
}
