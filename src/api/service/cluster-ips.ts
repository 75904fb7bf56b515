/**
 * `clusterIP` and `clusterIPs` say the same thing twice: this keeps them in step when a client set only one, before anything
 * is allocated (k8s pkg/registry/core/service/strategy.go, NormalizeClusterIPs).
 */
import type { Service } from '../kinds/index.ts';
import { sameTexts, specOf, withSpec } from './predicates.ts';

/**
 * Create: the singular alone fills the plural (the plural alone is left, and refused later). Update: a client that changed
 * only the singular means the plural too: cleared clears it, changed replaces its first element. A changed plural is left.
 */
export function normalizeClusterIPs(service: Service, previous?: Service): Service {
  const { clusterIP = '', clusterIPs = [] } = specOf(service);
  if (previous === undefined) {
    return clusterIP !== '' && clusterIPs.length === 0 ? withSpec(service, { clusterIPs: [clusterIP] }) : service;
  }
  const { clusterIP: oldClusterIP = '', clusterIPs: oldClusterIPs } = specOf(previous);
  if (clusterIP === oldClusterIP || !sameTexts(clusterIPs, oldClusterIPs)) return service;
  if (clusterIP === '') return withSpec(service, { clusterIPs: undefined });
  return withSpec(service, { clusterIPs: [clusterIP, ...clusterIPs.slice(1)] });
}
