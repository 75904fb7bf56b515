/**
 * The life of Services in the store, put together: the rules of `api/` in the order of upstream's pipeline, around the
 * allocators. Allocation comes before validation there, so of a Service that is both in conflict and wrong only the conflict
 * is told.
 */
import type { FieldError, Service } from '../../api/index.ts';
import {
  clusterAddressesOf,
  defaultOnRead,
  dropTypeDependentFields,
  initIPFamilyFields,
  invalid,
  normalizeClusterIPs,
  parseSloppyIp,
  patchAllocatedValues,
  serviceWarnings,
  setServiceDefaults,
  validateService,
  validateServiceStatusUpdate,
  validateServiceUpdate,
} from '../../api/index.ts';
import type { IpFamily } from '../../net/index.ts';
import type { Operations } from './allocate-service.ts';
import {
  allocateChangedClusterIPs,
  allocateChangedNodePorts,
  allocateClusterIPs,
  allocateHealthCheckPort,
  allocateNodePorts,
  heldPorts,
  noLongerHeld,
} from './allocate-service.ts';
import type { IpAllocator } from './ip-allocator.ts';
import { IpOperation } from './ip-allocator.ts';
import type { PortAllocator } from './port-allocator.ts';
import { PortOperation } from './port-allocator.ts';
import type { Leaks } from './repair.ts';
import { rebuildPorts, repairAddresses, repairPorts, serviceKey } from './repair.ts';
import type { ServiceStrategy, ServiceTransaction } from './service-strategy.ts';

export interface ServiceStrategyOptions {
  readonly ips: IpAllocator;
  readonly ports: PortAllocator;
  /** Families of the ranges that the server was started with, primary first: one for single-stack, both for dual-stack. */
  readonly families: readonly IpFamily[];
}

/** The strategy over these allocators. Call `repair` once before the first write, so that stored Services hold their ports. */
export function createServiceStrategy(options: ServiceStrategyOptions): ServiceStrategy {
  const { ips, ports, families } = options;
  const primaryFamily = families[0] ?? 'IPv4';
  const portLeaks: Leaks = new Map();
  const addressLeaks: Leaks = new Map();
  let isRebuilt = false;
  return {
    beginCreate: (service, mode) => beginCreate(options, service, mode?.dryRun === true),
    beginUpdate: (next, previous, mode) =>
      beginUpdate(options, next, defaultOnRead(previous, primaryFamily), mode?.dryRun === true),
    prepareStatusUpdate: (next, previous) => prepareStatusUpdate(next, defaultOnRead(previous, primaryFamily)),
    released: (service) => {
      const owner = serviceKey(service);
      for (const port of heldPorts(service)) ports.release(port, owner);
      for (const text of clusterAddressesOf(service)) {
        const ip = parseSloppyIp(text);
        if (ip !== undefined) ips.release(ip, owner);
      }
    },
    onRead: (service) => defaultOnRead(service, primaryFamily),
    warnings: (service) => serviceWarnings(service),
    validate: (service, previous) =>
      previous === undefined ? validateService(service) : validateServiceUpdate(service, previous),
    repair: (services) => {
      const live = [...services].map((service) => defaultOnRead(service, primaryFamily));
      const findings = isRebuilt ? repairPorts(ports, live, portLeaks) : rebuildPorts(ports, live);
      isRebuilt = true;
      return [...findings, ...repairAddresses(ips, live, addressLeaks)];
    },
  };
}

function beginCreate(options: ServiceStrategyOptions, asked: Service, isDryRun: boolean): ServiceTransaction {
  return transact(options, asked, isDryRun, (operations) => {
    let service = resolveFamilies(normalizeClusterIPs(setServiceDefaults(asked)), undefined, options.families);
    service = allocateClusterIPs(service, operations);
    service = allocateNodePorts(service, operations);
    service = allocateHealthCheckPort(service, undefined, operations);
    service = { ...service, status: { loadBalancer: {} } };
    assertValid(service, validateService(service));
    return { object: service, lost: { ips: [], ports: [] } };
  });
}

function beginUpdate(options: ServiceStrategyOptions, asked: Service, previous: Service, isDryRun: boolean): ServiceTransaction {
  return transact(options, asked, isDryRun, (operations) => {
    const carried = patchAllocatedValues(setServiceDefaults(asked), previous);
    let service = resolveFamilies(normalizeClusterIPs(carried, previous), previous, options.families);
    service = allocateChangedClusterIPs(service, previous, operations);
    service = allocateChangedNodePorts(service, previous, operations);
    service = allocateHealthCheckPort(service, previous, operations);
    service = dropTypeDependentFields(withStatusOf(service, previous), previous);
    assertValid(service, validateServiceUpdate(service, previous));
    return { object: service, lost: noLongerHeld(service, previous) };
  });
}

function prepareStatusUpdate(next: Service, previous: Service): Service {
  const merged = setServiceDefaults({ ...next, spec: previous.spec });
  const service = { ...merged, spec: previous.spec };
  assertValid(service, validateServiceStatusUpdate(service, previous));
  return service;
}

interface Prepared {
  readonly object: Service;
  readonly lost: { readonly ips: readonly string[]; readonly ports: readonly number[] };
}

/** Runs the steps over fresh operations; whatever they throw, nothing stays taken. */
function transact(
  { ips, ports }: ServiceStrategyOptions,
  service: Service,
  isDryRun: boolean,
  prepare: (operations: Operations) => Prepared,
): ServiceTransaction {
  const owner = serviceKey(service);
  const operations: Operations = { ips: new IpOperation(ips, owner, isDryRun), ports: new PortOperation(ports, owner, isDryRun) };
  const rollback = (): void => {
    operations.ports.rollback();
    operations.ips.rollback();
  };
  try {
    const { object, lost } = prepare(operations);
    const commit = (): void => {
      operations.ports.commit(lost.ports);
      operations.ips.commit(lost.ips);
    };
    return { object, commit, rollback };
  } catch (error) {
    rollback();
    throw error;
  }
}

function resolveFamilies(asked: Service, previous: Service | undefined, families: readonly IpFamily[]): Service {
  const { service, errors } = initIPFamilyFields(asked, previous, families);
  assertValid(asked, errors);
  return service;
}

function assertValid(service: Service, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid('Service', '', service.metadata?.name ?? '', errors);
}

function withStatusOf(next: Service, previous: Service): Service {
  const { status: _asked, ...rest } = next;
  return previous.status === undefined ? rest : { ...rest, status: previous.status };
}
