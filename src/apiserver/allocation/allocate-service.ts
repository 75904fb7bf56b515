/**
 * What a Service needs allocated, given the operations of one write
 * (k8s pkg/registry/core/service/storage/alloc.go, v1.36). Each function returns the Service with its values filled in and
 * throws StatusError; undoing is the caller's work.
 */
import type { Service, ServicePort } from '../../api/index.ts';
import {
  clusterAddressesOf,
  internalError,
  invalid,
  invalidValue,
  isExternalName,
  isHeadless,
  isUntouchedPreferDualStack,
  mayHaveNodePorts,
  needsHealthCheckNodePort,
  needsNodePort,
  nodePortsOf,
  specOf,
  withSpec,
} from '../../api/index.ts';
import type { IpOperation } from './ip-allocator.ts';
import type { PortOperation } from './port-allocator.ts';

/** The operations of one write. */
export interface Operations {
  readonly ips: IpOperation;
  readonly ports: PortOperation;
}

/** Node ports and health-check port that a stored Service holds in the pool; each number once. */
export function heldPorts(service: Service): Set<number> {
  const ports = new Set(mayHaveNodePorts(service) ? nodePortsOf(service) : []);
  const { healthCheckNodePort = 0 } = specOf(service);
  if (needsHealthCheckNodePort(service) && healthCheckNodePort !== 0) ports.add(healthCheckNodePort);
  return ports;
}

/** Fills `clusterIPs` of a new Service, or of one that was of type ExternalName: one address per family. */
export function allocateClusterIPs(service: Service, { ips }: Operations): Service {
  if (isExternalName(service) || isHeadless(service)) return service;
  const { ipFamilies = [], clusterIPs = [] } = specOf(service);
  const allocated = ipFamilies.map((family, index) => allocateClusterIP(service, family, clusterIPs[index] ?? '', ips));
  return withSpec(service, { clusterIP: allocated[0], clusterIPs: allocated });
}

/**
 * Fills `clusterIPs` of a changed Service: all of them when it was ExternalName, the second one when it became dual-stack.
 * What it loses is given back at commit.
 */
export function allocateChangedClusterIPs(next: Service, previous: Service, operations: Operations): Service {
  if (isUntouchedPreferDualStack(next, previous)) return next;
  if (isExternalName(previous)) return allocateClusterIPs(next, operations);
  if (isHeadless(previous) || isExternalName(next)) return next;
  const { ipFamilies = [], clusterIPs = [] } = specOf(next);
  const second = ipFamilies[1];
  if (second === undefined || (specOf(previous).ipFamilies ?? []).length !== 1) return next;
  const address = allocateClusterIP(next, second, clusterIPs[1] ?? '', operations.ips);
  return withSpec(next, { clusterIPs: [...clusterIPs.slice(0, 1), address] });
}

/**
 * Fills the node ports of a new Service. Ports of one number (other protocols) share a node port; if one of them names it,
 * the others adopt it.
 */
export function allocateNodePorts(service: Service, { ports: operation }: Operations): Service {
  const { ports } = specOf(service);
  if (!mayHaveNodePorts(service) || ports === undefined) return service;
  const isAssigned = needsNodePort(service);
  const byPort = new Map<number, number>();
  const reserved = new Set<number>();
  const filled = ports.map((port, index) => {
    const asked = port.nodePort ?? 0;
    if (asked === 0 && !isAssigned) return port;
    const known = byPort.get(port.port);
    if (known !== undefined && (asked === 0 || asked === known)) return { ...port, nodePort: known };
    const wanted = asked === 0 || known === undefined ? requestedNodePort(port.port, ports) : asked;
    const nodePort = wanted === 0 ? allocatePort(operation) : reservePort(service, wanted, index, operation, reserved);
    reserved.add(nodePort);
    if (known === undefined) byPort.set(port.port, nodePort);
    return { ...port, nodePort: known === undefined ? nodePort : asked };
  });
  return withSpec(service, { ports: filled });
}

/**
 * Fills the node ports of a changed Service: each port without one gets its own, numbers that the Service held before are
 * its own still, others are reserved. What it loses is given back at commit.
 */
export function allocateChangedNodePorts(next: Service, previous: Service, { ports: operation }: Operations): Service {
  const { ports } = specOf(next);
  if (!mayHaveNodePorts(next) || ports === undefined) return next;
  const isAssigned = needsNodePort(next);
  const known = new Set(mayHaveNodePorts(previous) ? nodePortsOf(previous) : []);
  const filled = ports.map((port, index): ServicePort => {
    const asked = port.nodePort ?? 0;
    if (asked === 0 && !isAssigned) return port;
    const nodePort = asked === 0 ? allocatePort(operation) : reservePort(next, asked, index, operation, known);
    known.add(nodePort);
    return { ...port, nodePort };
  });
  return withSpec(next, { ports: filled });
}

/** Fills the health-check port where one is needed and `previous` did not need it. Conflicts are 500, as upstream. */
export function allocateHealthCheckPort(service: Service, previous: Service | undefined, { ports }: Operations): Service {
  if (!needsHealthCheckNodePort(service)) return service;
  if (previous !== undefined && needsHealthCheckNodePort(previous)) return service;
  const { healthCheckNodePort: asked = 0 } = specOf(service);
  if (asked === 0) {
    const healthCheckNodePort = ports.allocate();
    if (healthCheckNodePort === undefined) throw internalError('failed to allocate a HealthCheck NodePort 0: range is full');
    return withSpec(service, { healthCheckNodePort });
  }
  const refusal = ports.reserve(asked);
  if (refusal !== undefined) throw internalError(`failed to allocate requested HealthCheck NodePort ${asked}: ${refusal}`);
  return service;
}

/** What `previous` held and `next` does not. */
export function noLongerHeld(next: Service, previous: Service): { readonly ips: string[]; readonly ports: number[] } {
  const ips = new Set(clusterAddressesOf(next));
  const ports = heldPorts(next);
  return {
    ips: clusterAddressesOf(previous).filter((text) => !ips.has(text)),
    ports: [...heldPorts(previous)].filter((port) => !ports.has(port)),
  };
}

function allocateClusterIP(service: Service, family: string, asked: string, operation: IpOperation): string {
  if (asked === '') {
    const text = operation.allocate(family === 'IPv6' ? 'IPv6' : 'IPv4');
    if (text === undefined) throw internalError('failed to allocate a serviceIP: range is full');
    return text;
  }
  const refusal = operation.reserve(asked);
  if (refusal === undefined) return asked;
  const detail = `failed to allocate IP ${asked}: ${refusal}`;
  throw refused(service, 'spec.clusterIPs', specOf(service).clusterIPs, detail);
}

/** The first node port that any port of this number names; 0 when none does. */
function requestedNodePort(port: number, ports: readonly ServicePort[]): number {
  return ports.find((other) => other.port === port && (other.nodePort ?? 0) !== 0)?.nodePort ?? 0;
}

function allocatePort(operation: PortOperation): number {
  const port = operation.allocate();
  if (port === undefined) throw internalError('failed to allocate a nodePort: range is full');
  return port;
}

/** `own`: node ports that the Service holds or was just given; one number on two protocols is one reservation. */
function reservePort(
  service: Service,
  nodePort: number,
  index: number,
  operation: PortOperation,
  own: ReadonlySet<number>,
): number {
  const refusal = own.has(nodePort) ? undefined : operation.reserve(nodePort);
  if (refusal === undefined) return nodePort;
  throw refused(service, `spec.ports[${index}].nodePort`, nodePort, refusal);
}

function refused(service: Service, path: string, value: unknown, detail: string): Error {
  return invalid('Service', '', service.metadata?.name ?? '', [invalidValue(path, value, detail)]);
}
