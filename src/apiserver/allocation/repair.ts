/**
 * Making the allocators agree with the Services that live (k8s pkg/registry/core/service/{ipallocator,portallocator}/
 * controller/repair.go): what a Service says it has is true; what nobody has is freed, but not in haste.
 */
import type { Service } from '../../api/index.ts';
import { clusterAddressesOf, parseSloppyIp } from '../../api/index.ts';
import { formatIp, mustParseIp } from '../../net/index.ts';
import { heldPorts } from './allocate-service.ts';
import type { IpAllocator } from './ip-allocator.ts';
import { managedByAllocator, managedByLabel, serviceOf } from './ip-allocator.ts';
import type { PortAllocator } from './port-allocator.ts';
import type { RepairFinding } from './service-strategy.ts';

/** A reservation without a Service is freed when it is seen so for the third time: a write may be under way. */
const passesBeforeRelease = 3;

/** How often each reservation was seen without a Service, kept from pass to pass. */
export type Leaks = Map<string, number>;

/** `namespace/name`. */
export function serviceKey(service: Service): string {
  return `${service.metadata?.namespace ?? ''}/${service.metadata?.name ?? ''}`;
}

/** Sets the ports to exactly what the Services say. The older of two Services with one port keeps it. */
export function rebuildPorts(allocator: PortAllocator, services: Iterable<Service>): RepairFinding[] {
  allocator.clear();
  // Every port is new to an empty allocator, which is no finding.
  return holdPorts(allocator, services, false).findings;
}

/** Takes ports that Services have and the allocator does not know, and frees leaked ones after some passes. */
export function repairPorts(allocator: PortAllocator, services: Iterable<Service>, leaks: Leaks): RepairFinding[] {
  const { findings, held } = holdPorts(allocator, services, true);
  const leaked = [...allocator.entries()].filter(([port]) => !held.has(port));
  const due = countLeaks(
    leaks,
    leaked.map(([port]) => String(port)),
  );
  for (const [port, owner] of leaked) if (due.has(String(port))) allocator.release(port, owner);
  return findings;
}

/** As `repairPorts`, for cluster IPs. IPAddress objects that somebody else manages are left alone. */
export function repairAddresses(allocator: IpAllocator, services: Iterable<Service>, leaks: Leaks): RepairFinding[] {
  const findings: RepairFinding[] = [];
  const held = new Set<string>();
  for (const service of oldestFirst(services)) {
    const key = serviceKey(service);
    const report = (reason: RepairFinding['reason'], message: string): unknown =>
      findings.push({ reason, service: key, message });
    for (const text of clusterAddressesOf(service)) {
      const ip = parseSloppyIp(text);
      if (ip === undefined) {
        report('ClusterIPNotValid', `Cluster IP ${text} is not a valid IP; please recreate Service`);
        continue;
      }
      const holder = allocator.holderOf(ip);
      if (holder === undefined) {
        if (allocator.refusalOf(ip) !== undefined)
          report('ClusterIPOutOfRange', `Cluster IP ${text} is not within any configured Service CIDR; please recreate Service`);
        else report('ClusterIPNotAllocated', `Cluster IP ${text} is not allocated; repairing`);
        allocator.take(ip, key);
      } else if (holder !== `Service ${key}`) {
        report(
          'ClusterIPAlreadyAllocated',
          `Cluster IP ${text} was assigned to multiple Services, the other is ${holder}; please recreate Service`,
        );
      }
      held.add(formatIp(ip));
    }
  }
  const leaked = [...allocator.addresses.list()].filter(
    ({ metadata }) => metadata?.labels?.[managedByLabel] === managedByAllocator && !held.has(metadata.name ?? ''),
  );
  const due = countLeaks(
    leaks,
    leaked.map(({ metadata }) => metadata?.name ?? ''),
  );
  for (const address of leaked) {
    const name = address.metadata?.name ?? '';
    const owner = serviceOf(address);
    if (due.has(name) && owner !== undefined) allocator.release(mustParseIp(name), owner);
  }
  return findings;
}

interface HeldPorts {
  readonly findings: RepairFinding[];
  readonly held: Set<number>;
}

function holdPorts(allocator: PortAllocator, services: Iterable<Service>, isReported: boolean): HeldPorts {
  const findings: RepairFinding[] = [];
  const held = new Set<number>();
  for (const service of oldestFirst(services)) {
    const key = serviceKey(service);
    for (const port of heldPorts(service)) {
      const owner = allocator.ownerOf(port);
      if (!allocator.hasInRange(port)) {
        const { first, last } = allocator.range;
        const message = `Port ${port} is not within the port range ${first}-${last}; please recreate service`;
        findings.push({ reason: 'PortOutOfRange', service: key, message });
        continue;
      }
      if (owner === undefined) {
        if (isReported)
          findings.push({ reason: 'PortNotAllocated', service: key, message: `Port ${port} is not allocated; repairing` });
        allocator.hold(port, key);
      } else if (owner !== key) {
        const message = `Port ${port} was assigned to multiple services, the other is ${owner}; please recreate service`;
        findings.push({ reason: 'PortAlreadyAllocated', service: key, message });
      }
      held.add(port);
    }
  }
  return { findings, held };
}

/** Counts one more pass for each of these, forgets the others, and returns those whose time has come. */
function countLeaks(leaks: Leaks, names: readonly string[]): Set<string> {
  const due = new Set<string>();
  const current = new Set(names);
  for (const name of leaks.keys()) if (!current.has(name)) leaks.delete(name);
  for (const name of names) {
    const passes = (leaks.get(name) ?? 0) + 1;
    leaks.set(name, passes);
    if (passes < passesBeforeRelease) continue;
    due.add(name);
    leaks.delete(name);
  }
  return due;
}

function oldestFirst(services: Iterable<Service>): Service[] {
  const age = ({ metadata }: Service): string => metadata?.creationTimestamp ?? '';
  return [...services].toSorted((a, b) => (age(a) === age(b) ? 0 : age(a) < age(b) ? -1 : 1));
}
