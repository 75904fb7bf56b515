/** What the API fills in: on every write (k8s pkg/apis/core/v1/defaults.go) and on reads of old objects (storage.go). */
import type { IpFamily } from '../../net/index.ts';
import { ipFamilyOf } from '../../net/index.ts';
import type { LoadBalancerIngress, Service, ServicePort, ServiceSpec } from '../kinds/index.ts';
import { isExternallyAccessible, isExternalName, isHeadless, isSelectorless, specOf, withSpec } from './predicates.ts';

/** How long a client sticks to its pod when nobody said otherwise: 3 hours. */
export const defaultAffinityTimeoutSeconds = 10_800;

/** The Service with everything filled in that does not depend on the cluster. Idempotent. */
export function setServiceDefaults(service: Service): Service {
  const spec = specOf(service);
  const type = orDefault(spec.type, 'ClusterIP');
  const sessionAffinity = orDefault(spec.sessionAffinity, 'None');
  const changes: { -readonly [K in keyof ServiceSpec]?: ServiceSpec[K] } = { type, sessionAffinity };
  // Under None the configuration is wiped rather than refused.
  if (sessionAffinity === 'None') changes.sessionAffinityConfig = undefined;
  if (sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined)
    changes.sessionAffinityConfig = { clientIP: { timeoutSeconds: defaultAffinityTimeoutSeconds } };
  if (spec.ports !== undefined) changes.ports = spec.ports.map(setPortDefaults);
  if (isExternallyAccessible({ spec: { ...spec, type } }) && !isSet(spec.externalTrafficPolicy))
    changes.externalTrafficPolicy = 'Cluster';
  if (spec.internalTrafficPolicy === undefined && (type === 'ClusterIP' || type === 'NodePort' || type === 'LoadBalancer'))
    changes.internalTrafficPolicy = 'Cluster';
  if (type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === undefined) changes.allocateLoadBalancerNodePorts = true;
  const defaulted = withSpec(service, changes);
  return type === 'LoadBalancer' ? setIngressDefaults(defaulted) : defaulted;
}

/**
 * What a read of a stored Service adds to objects from before cluster IPs and families were lists. `primaryFamily` is the
 * family of the cluster's first Service range. Returns the same object when nothing is missing.
 */
export function defaultOnRead(service: Service, primaryFamily: IpFamily): Service {
  const spec = specOf(service);
  const changes: { -readonly [K in keyof ServiceSpec]?: ServiceSpec[K] } = {};
  if (isExternalName(service)) {
    // Once stored by default on every type; it never meant anything here.
    return spec.internalTrafficPolicy === undefined ? service : withSpec(service, { internalTrafficPolicy: undefined });
  }
  const clusterIPs = isEmpty(spec.clusterIPs) && isSet(spec.clusterIP) ? [spec.clusterIP] : (spec.clusterIPs ?? []);
  if (isEmpty(spec.clusterIPs) && clusterIPs.length > 0) changes.clusterIPs = clusterIPs;
  const isIncomplete = isEmpty(spec.ipFamilies) || spec.ipFamilyPolicy === undefined;
  if (isIncomplete && clusterIPs.length > 0) {
    const { families, policy } = inferFamilies(service, clusterIPs, primaryFamily);
    if (isEmpty(spec.ipFamilies)) changes.ipFamilies = families;
    if (spec.ipFamilyPolicy === undefined) changes.ipFamilyPolicy = policy;
  }
  return Object.keys(changes).length === 0 ? service : withSpec(service, changes);
}

function inferFamilies(service: Service, clusterIPs: readonly string[], primaryFamily: IpFamily): InferredFamilies {
  if (isHeadless(service)) {
    if (!isSelectorless(service)) return { families: [primaryFamily], policy: 'SingleStack' };
    return { families: [primaryFamily, otherFamily(primaryFamily)], policy: 'RequireDualStack' };
  }
  const families = clusterIPs.flatMap((text) => ipFamilyOf(text) ?? []);
  return { families, policy: families.length > 1 ? 'RequireDualStack' : 'SingleStack' };
}

interface InferredFamilies {
  readonly families: readonly IpFamily[];
  readonly policy: string;
}

/** IPv6 for IPv4 and the other way round. */
export function otherFamily(family: string): IpFamily {
  return family === 'IPv4' ? 'IPv6' : 'IPv4';
}

function setPortDefaults(port: ServicePort): ServicePort {
  const targetPort =
    port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '' ? port.port : port.targetPort;
  return { ...port, protocol: orDefault(port.protocol, 'TCP'), targetPort };
}

function setIngressDefaults(service: Service): Service {
  const ingress = service.status?.loadBalancer?.ingress;
  if (ingress === undefined || !ingress.some(lacksIpMode)) return service;
  const filled = ingress.map((entry) => (lacksIpMode(entry) ? { ...entry, ipMode: 'VIP' } : entry));
  return { ...service, status: { ...service.status, loadBalancer: { ...service.status?.loadBalancer, ingress: filled } } };
}

function lacksIpMode(entry: LoadBalancerIngress): boolean {
  return isSet(entry.ip) && entry.ipMode === undefined;
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

function isEmpty(values: readonly unknown[] | undefined): boolean {
  return values === undefined || values.length === 0;
}

function orDefault(text: string | undefined, value: string): string {
  return isSet(text) ? text : value;
}
