/** Who answers at an address and port: the frontends of Services, as each node has them. */
import type { Service } from '../api/index.ts';
import { cidrContains, ipFamilyOf, parseCidr, parseIp } from '../net/index.ts';
import type { IpFamily, Protocol } from '../net/index.ts';
import { canonicalIp, decide, internalIpsOf, settleClaims, skipReason } from '../routing/index.ts';
import type { Frontend, FrontendKind, LeftOutFrontend, PortDecision, RoutingDecision, SkipReason } from '../routing/index.ts';
import { addressesOfPod, isFinished } from './pod-state.ts';
import { nameOf, nodeMap, slicesOf } from './world.ts';
import type { World } from './world.ts';

/** An address, port and protocol that a packet is sent to. */
export interface Destination {
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
}

/** A Service that has an address, and the ports that it has there. */
export interface Owner {
  readonly service: Service;
  readonly kind: FrontendKind;
  readonly ports: readonly OwnedPort[];
  /** No node serves the Service in this family at all. */
  readonly skipped?: SkipReason;
}

export interface OwnedPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: Protocol;
}

/** A frontend on one node, with the port and Service that it belongs to. */
export interface ServedFrontend {
  readonly service: Service;
  readonly decision: RoutingDecision;
  readonly port: PortDecision;
  readonly frontend: Frontend;
}

/** Every Service that has the address, served or not, in the order cluster IP, load balancer, external IP, node port. */
export function ownersOf(world: World, address: string): Owner[] {
  const family = ipFamilyOf(address) ?? 'IPv4';
  const isNode = nodePortOwner(world, address) !== undefined;
  const owners = world.services.flatMap((service): Owner[] => {
    const { spec } = service;
    if (spec === undefined || spec.type === 'ExternalName') return [];
    const skipped = skipReason(service, family);
    const shared = skipped === undefined ? { service } : { service, skipped };
    const has = (texts: readonly (string | undefined)[]): boolean =>
      texts.some((text) => text !== undefined && canonicalIp(text, family) === address);
    const ports = (spec.ports ?? []).map((port) => ({
      name: port.name ?? '',
      port: port.port,
      protocol: protocolOf(port.protocol),
    }));
    const nodePorts = (spec.ports ?? []).flatMap((port) =>
      (port.nodePort ?? 0) === 0
        ? []
        : [{ name: port.name ?? '', port: port.nodePort ?? 0, protocol: protocolOf(port.protocol) }],
    );
    const found: Owner[] = [];
    if (has(spec.clusterIPs ?? [spec.clusterIP])) found.push({ ...shared, kind: 'clusterIP', ports });
    if (has((service.status?.loadBalancer?.ingress ?? []).map((ingress) => ingress.ip)))
      found.push({ ...shared, kind: 'loadBalancerIP', ports });
    if (has(spec.externalIPs ?? [])) found.push({ ...shared, kind: 'externalIP', ports });
    if (isNode && nodePorts.length > 0) found.push({ ...shared, kind: 'nodePort', ports: nodePorts });
    return found;
  });
  const rank: Readonly<Record<FrontendKind, number>> = { clusterIP: 0, loadBalancerIP: 1, externalIP: 2, nodePort: 3 };
  return owners.sort((a, b) => rank[a.kind] - rank[b.kind]);
}

/**
 * What a node does with packets to the destination: the frontend that wins there, or undefined when none of the owners has
 * it. Frontends with an address come before node ports, as in the kernel; of several claims the settled one counts.
 */
export function frontendOn(
  world: World,
  owners: readonly Owner[],
  destination: Destination,
  nodeName: string,
): ServedFrontend | undefined {
  const family = ipFamilyOf(destination.address) ?? 'IPv4';
  const services = [...new Set(owners.filter((owner) => hasPort(owner, destination)).map((owner) => owner.service))];
  const decisions = settleClaims(services.map((service) => decideOn(world, service, nodeName, family)));
  const isNodePort = nodePortOwner(world, destination.address)?.nodeName === nodeName;
  let nodePort: ServedFrontend | undefined;
  for (const [index, decision] of decisions.entries()) {
    const service = services[index];
    if (service === undefined) continue;
    for (const port of decision.ports) {
      for (const frontend of port.frontends) {
        if (frontend.port !== destination.port || frontend.protocol !== destination.protocol) continue;
        if (frontend.address === destination.address) return { service, decision, port, frontend };
        if (frontend.address === undefined && isNodePort) nodePort = { service, decision, port, frontend };
      }
    }
  }
  return nodePort;
}

/** Frontends at the destination that Services ask for and no node serves, with the reasons. */
export function leftOutAt(
  world: World,
  owners: readonly Owner[],
  destination: Destination,
): { readonly service: Service; readonly leftOut: LeftOutFrontend }[] {
  const family = ipFamilyOf(destination.address) ?? 'IPv4';
  const services = new Set(owners.filter((owner) => hasPort(owner, destination)).map((owner) => owner.service));
  return [...services].flatMap((service) =>
    decideOn(world, service, '', family).ports.flatMap((port) =>
      port.leftOut
        .filter(
          (leftOut) =>
            canonicalIp(leftOut.address, family) === destination.address &&
            leftOut.port === destination.port &&
            leftOut.protocol === destination.protocol,
        )
        .map((leftOut) => ({ service, leftOut })),
    ),
  );
}

/** Whether the Service has this port at this address. */
export function hasPort(owner: Owner, { port, protocol }: Pick<Destination, 'port' | 'protocol'>): boolean {
  return owner.ports.some((candidate) => candidate.port === port && candidate.protocol === protocol);
}

/** The decision about one Service on one node. An unknown node (`''`) decides about what no node differs in. */
export function decideOn(world: World, service: Service, nodeName: string, family: IpFamily): RoutingDecision {
  return decide({ service, slices: slicesOf(world, service), nodes: nodeMap(world), nodeName, family });
}

/** The node on whose address node ports answer: its primary address of the family. */
export function nodePortOwner(world: World, address: string): { readonly nodeName: string } | undefined {
  const family = ipFamilyOf(address);
  const node = world.nodes.find((candidate) => internalIpsOf(candidate).find((text) => ipFamilyOf(text) === family) === address);
  return node === undefined ? undefined : { nodeName: node.metadata?.name ?? '' };
}

/** The pod that has the address for itself. One that has finished has given it back. */
export function podAt(world: World, address: string): World['pods'][number] | undefined {
  return world.pods.find((pod) => pod.spec?.hostNetwork !== true && !isFinished(pod) && addressesOfPod(pod).includes(address));
}

/** The pod of this `namespace/name`. */
export function podNamed(world: World, name: string | undefined): World['pods'][number] | undefined {
  return name === undefined ? undefined : world.pods.find((pod) => nameOf(pod) === name);
}

/** Whether cluster IPs come from a range that holds the address. */
export function isServiceRange(world: World, address: string): boolean {
  const ip = parseIp(address);
  return world.serviceCidrs.some((text) => {
    const cidr = parseCidr(text);
    return cidr !== undefined && ip !== undefined && cidrContains(cidr, ip);
  });
}

/** `80/TCP, 443/TCP`, or `none`. */
export function ownedPortList(ports: readonly OwnedPort[]): string {
  return ports.length === 0 ? 'none' : ports.map(({ port, protocol }) => `${port}/${protocol}`).join(', ');
}

/** The protocol as Services spell it; absent means TCP. */
export function protocolOf(text: string | undefined): Protocol {
  return text === 'UDP' || text === 'SCTP' ? text : 'TCP';
}
