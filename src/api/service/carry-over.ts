/**
 * What an update brings along from the stored Service and what it leaves behind
 * (k8s pkg/registry/core/service/storage/storage.go patchAllocatedValues, strategy.go dropTypeDependentFields).
 */
import type { Service, ServicePort, ServiceSpec } from '../kinds/index.ts';
import {
  isExternallyAccessible,
  isExternalName,
  isLoadBalancer,
  mayHaveNodePorts,
  needsClusterIP,
  needsHealthCheckNodePort,
  needsNodePort,
  nodePortsOf,
  portsOf,
  sameTexts,
  specOf,
  withSpec,
} from './predicates.ts';

type Changes = { -readonly [K in keyof ServiceSpec]?: ServiceSpec[K] };

/**
 * Lets a client PUT a Service without the values that the server chose: empty cluster IPs, node ports (by port name) and
 * health-check port take the stored ones where both sides need them.
 */
export function patchAllocatedValues(next: Service, previous: Service): Service {
  const changes: Changes = {};
  const spec = specOf(next);
  const old = specOf(previous);
  if (needsClusterIP(next) && needsClusterIP(previous)) {
    if (isUnset(spec.clusterIP) && !isUnset(old.clusterIP)) changes.clusterIP = old.clusterIP;
    if (isEmpty(spec.clusterIPs) && !isEmpty(old.clusterIPs)) changes.clusterIPs = old.clusterIPs;
  }
  if (needsNodePort(next) && needsNodePort(previous) && spec.ports !== undefined)
    changes.ports = carryNodePorts(spec.ports, portsOf(previous));
  if (needsHealthCheckNodePort(next) && needsHealthCheckNodePort(previous) && isZero(spec.healthCheckNodePort))
    changes.healthCheckNodePort = old.healthCheckNodePort;
  return Object.keys(changes).length === 0 ? next : withSpec(next, changes);
}

/**
 * Takes away what the new type cannot have, if the client left it as it was stored: it is a leftover then. What the client
 * changed in the same request stays and is judged by validation. Also clears the load-balancer status of a Service that is
 * no longer of that type.
 */
export function dropTypeDependentFields(next: Service, previous: Service): Service {
  const spec = specOf(next);
  const old = specOf(previous);
  const changes: Changes = {};
  if (needsClusterIP(previous) && !needsClusterIP(next)) {
    if ((spec.clusterIP ?? '') === (old.clusterIP ?? '') && sameTexts(spec.clusterIPs, old.clusterIPs)) {
      changes.clusterIP = undefined;
      changes.clusterIPs = undefined;
    }
    if (sameTexts(spec.ipFamilies, old.ipFamilies)) changes.ipFamilies = undefined;
    if (spec.ipFamilyPolicy === old.ipFamilyPolicy) changes.ipFamilyPolicy = undefined;
  }
  if (mayHaveNodePorts(previous) && !mayHaveNodePorts(next) && sameNodePorts(next, previous) && spec.ports !== undefined)
    changes.ports = spec.ports.map(withoutNodePort);
  if (
    needsHealthCheckNodePort(previous) &&
    !needsHealthCheckNodePort(next) &&
    (spec.healthCheckNodePort ?? 0) === (old.healthCheckNodePort ?? 0)
  )
    changes.healthCheckNodePort = undefined;
  if (isLoadBalancer(previous) && !isLoadBalancer(next)) {
    if (spec.allocateLoadBalancerNodePorts === old.allocateLoadBalancerNodePorts)
      changes.allocateLoadBalancerNodePorts = undefined;
    if (spec.loadBalancerClass === old.loadBalancerClass) changes.loadBalancerClass = undefined;
  }
  if (
    isExternallyAccessible(previous) &&
    !isExternallyAccessible(next) &&
    (spec.externalTrafficPolicy ?? '') === (old.externalTrafficPolicy ?? '')
  )
    changes.externalTrafficPolicy = undefined;
  if (!isExternalName(previous) && isExternalName(next) && spec.internalTrafficPolicy === old.internalTrafficPolicy)
    changes.internalTrafficPolicy = undefined;
  const lean = withSpec(next, changes);
  return isLoadBalancer(lean) || !isLoadBalancer(previous) ? lean : withoutLoadBalancerStatus(lean);
}

/** A value that another port of the new object names already is not given twice. */
function carryNodePorts(ports: readonly ServicePort[], oldPorts: readonly ServicePort[]): ServicePort[] {
  const oldValues = nodePortsOf({ spec: { ports: oldPorts } });
  const newValues = new Set(nodePortsOf({ spec: { ports } }));
  const used = new Set(oldValues.filter((nodePort) => newValues.has(nodePort)));
  const byName = new Map(oldPorts.map((port) => [port.name ?? '', port.nodePort ?? 0]));
  return ports.map((port) => {
    if (!isZero(port.nodePort)) return port;
    const nodePort = byName.get(port.name ?? '') ?? 0;
    // Two ports that shared a number still do.
    return nodePort === 0 || used.has(nodePort) ? port : { ...port, nodePort };
  });
}

function sameNodePorts(next: Service, previous: Service): boolean {
  const a = new Set(nodePortsOf(next));
  const b = new Set(nodePortsOf(previous));
  return a.size === b.size && [...a].every((nodePort) => b.has(nodePort));
}

function withoutNodePort(port: ServicePort): ServicePort {
  const { nodePort: _leftover, ...rest } = port;
  return rest;
}

function withoutLoadBalancerStatus(service: Service): Service {
  return { ...service, status: { ...service.status, loadBalancer: {} } };
}

function isUnset(text: string | undefined): boolean {
  return text === undefined || text === '';
}

function isEmpty(texts: readonly string[] | undefined): boolean {
  return texts === undefined || texts.length === 0;
}

function isZero(port: number | undefined): boolean {
  return port === undefined || port === 0;
}
