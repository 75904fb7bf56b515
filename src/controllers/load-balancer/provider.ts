/** What the load-balancer controller asks of the world outside the cluster. */
import type { Node, Service } from '../../api/index.ts';

/**
 * Whoever carries packets from outside to the nodes for a load-balancer address. Calls for one Service never overlap, each tells the
 * whole state, and a call that throws is repeated with back-off.
 */
export interface LoadBalancerProvider {
  /** Send what arrives at `addresses` (one per IP family of the Service) to the nodes. Called again whenever any of it may have changed. */
  ensure(service: Service, addresses: readonly string[], nodes: readonly Node[]): Promise<void>;
  /** Send nothing there any more. `key` is namespace/name; also called for a Service that was never ensured. */
  remove(key: string, addresses: readonly string[]): Promise<void>;
}
