/** Which Services get a load balancer from us, and which nodes serve it. Pure. Source: k8s cloud-provider/controllers/service. */
import type { Node, Service } from '../../api/index.ts';

export const cleanupFinalizer = 'service.kubernetes.io/load-balancer-cleanup';
const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** Of type LoadBalancer, not of somebody else's class, and not on its way out. */
export function wantsLoadBalancer(service: Service): boolean {
  return (
    service.spec?.type === 'LoadBalancer' &&
    service.spec.loadBalancerClass === undefined &&
    service.metadata?.deletionTimestamp === undefined
  );
}

/** Whether a node takes load-balancer traffic. Readiness does not matter: health checks see to that. The label's value `false` means it does. */
export function isCandidateNode(node: Node): boolean {
  if (node.metadata?.deletionTimestamp !== undefined) return false;
  const excluded = node.metadata?.labels?.[excludeLabel];
  // Go's strconv.ParseBool: whatever it cannot read excludes, too.
  if (excluded !== undefined && !['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(excluded)) return false;
  return !(node.spec?.taints ?? []).some((taint) => taint.key === 'ToBeDeletedByClusterAutoscaler');
}
