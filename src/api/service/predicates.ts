/** Questions about a Service that many rules ask (k8s pkg/api/service/util.go, v1.36). */
import type { Service, ServicePort, ServiceSpec } from '../kinds/index.ts';

/** The one `clusterIP` value that is no address. */
export const headlessClusterIP = 'None';

/** The part of a Service that the predicates look at. */
export type HasServiceSpec = Pick<Service, 'spec'>;

/** The spec, or an empty one. */
export function specOf(service: HasServiceSpec): ServiceSpec {
  return service.spec ?? {};
}

/** The ports, or none. */
export function portsOf(service: HasServiceSpec): readonly ServicePort[] {
  return service.spec?.ports ?? [];
}

/** Type ExternalName: a name and nothing else. */
export function isExternalName(service: HasServiceSpec): boolean {
  return service.spec?.type === 'ExternalName';
}

/** Type LoadBalancer. */
export function isLoadBalancer(service: HasServiceSpec): boolean {
  return service.spec?.type === 'LoadBalancer';
}

/** `clusterIP: None` on a type that has cluster IPs. Looks at `clusterIPs[0]` first, as validation upstream does. */
export function isHeadless(service: HasServiceSpec): boolean {
  const { clusterIP, clusterIPs } = specOf(service);
  return (clusterIPs?.[0] ?? clusterIP) === headlessClusterIP;
}

/** Nothing chooses its pods. An empty map is no selector for the family rules, though controllers let it match every pod. */
export function isSelectorless(service: HasServiceSpec): boolean {
  return Object.keys(service.spec?.selector ?? {}).length === 0;
}

/** Of a type whose `clusterIP` means something, even if it says `None`. */
export function needsClusterIP(service: HasServiceSpec): boolean {
  return !isExternalName(service);
}

/** Node ports are assigned by the server: NodePort, and LoadBalancer unless `allocateLoadBalancerNodePorts` is false. */
export function needsNodePort(service: HasServiceSpec): boolean {
  const { type, allocateLoadBalancerNodePorts } = specOf(service);
  return type === 'NodePort' || (type === 'LoadBalancer' && allocateLoadBalancerNodePorts !== false);
}

/** Of a type that may hold node ports: NodePort and any LoadBalancer. */
export function mayHaveNodePorts(service: HasServiceSpec): boolean {
  return service.spec?.type === 'NodePort' || isLoadBalancer(service);
}

/** A load balancer has to ask each node whether it has pods: LoadBalancer with `externalTrafficPolicy: Local`. */
export function needsHealthCheckNodePort(service: HasServiceSpec): boolean {
  return isLoadBalancer(service) && service.spec?.externalTrafficPolicy === 'Local';
}

/** Clients outside the cluster can reach it: LoadBalancer, NodePort, or ClusterIP with external IPs. */
export function isExternallyAccessible(service: HasServiceSpec): boolean {
  if (mayHaveNodePorts(service)) return true;
  return service.spec?.type === 'ClusterIP' && (service.spec.externalIPs?.length ?? 0) > 0;
}

/** All node ports that are set, in port order, repeated if two ports share one. The health-check port is not among them. */
export function nodePortsOf(service: HasServiceSpec): number[] {
  return portsOf(service)
    .map((port) => port.nodePort ?? 0)
    .filter((nodePort) => nodePort !== 0);
}

/** The cluster IPs that are addresses: none for headless and ExternalName. */
export function clusterAddressesOf(service: HasServiceSpec): readonly string[] {
  if (isExternalName(service) || isHeadless(service)) return [];
  const { clusterIP, clusterIPs } = specOf(service);
  if (clusterIPs !== undefined && clusterIPs.length > 0) return clusterIPs.filter((text) => text !== '');
  return clusterIP === undefined || clusterIP === '' ? [] : [clusterIP];
}

/** Whether two lists hold the same texts in the same order; absent equals empty. */
export function sameTexts(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  const left = a ?? [];
  const right = b ?? [];
  return left.length === right.length && left.every((text, index) => text === right[index]);
}

/** The Service with these members of its spec replaced; members given as `undefined` are taken away. */
export function withSpec(service: Service, changes: Partial<ServiceSpec>): Service {
  const spec: Record<string, unknown> = { ...service.spec };
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) delete spec[name];
    else spec[name] = value;
  }
  return { ...service, spec };
}
