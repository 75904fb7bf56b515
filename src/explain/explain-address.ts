/** A packet to an address and port: the Service that answers there, or what else becomes of it. Pure. */
import { formatHostPort, ipFamilyOf } from '../net/index.ts';
import type { IpFamily, Protocol } from '../net/index.ts';
import { internalIpsOf, reasonText } from '../routing/index.ts';
import type { FrontendKind } from '../routing/index.ts';
import type { ClientPlace } from './client-place.ts';
import { diagnose, undeclaredPorts } from './diagnose.ts';
import { ending } from './ending.ts';
import type { Base } from './ending.ts';
import { entriesFor, noWayToClusterIps } from './entries.ts';
import type { Explanation, Finding, Step } from './explanation.ts';
import { frontendOn, hasPort, isServiceRange, leftOutAt, ownedPortList, ownersOf, podAt, podNamed } from './frontends.ts';
import type { Destination, Owner } from './frontends.ts';
import { explainHost } from './explain-host.ts';
import { routeThrough } from './route.ts';
import type { Routed } from './route.ts';
import { nameOf } from './world.ts';
import type { World } from './world.ts';

/** An address with or without a port; without one, the first port of the Service there is meant. */
export interface AskedAddress {
  readonly address: string;
  readonly port?: number;
  readonly protocol: Protocol;
}

const frontendNames: Readonly<Record<FrontendKind, string>> = {
  clusterIP: 'cluster IP',
  externalIP: 'external IP',
  loadBalancerIP: 'load-balancer address',
  nodePort: 'node port',
};

/** Explains a packet to an address. `steps`: what came before, such as the name. */
export function explainAddress(
  world: World,
  client: ClientPlace,
  asked: AskedAddress,
  base: Base,
  steps: readonly Step[],
): Explanation {
  const { address } = asked;
  const owners = ownersOf(world, address);
  const fallback = owners.find((owner) => owner.skipped === undefined && owner.kind !== 'nodePort')?.ports[0];
  const port = asked.port ?? fallback?.port;
  const protocol = asked.port === undefined ? (fallback?.protocol ?? asked.protocol) : asked.protocol;
  if (client.nodeName === undefined && (owners[0]?.kind === 'clusterIP' || isServiceRange(world, address)))
    return ending(
      base,
      'unreachable',
      'unreachable: cluster IPs are known inside the cluster only',
      [...steps, ...noWayToClusterIps.steps],
      serviceOf(owners[0]),
    );
  if (port === undefined) return explainHost(world, client, { ...asked, protocol }, owners, base, steps);
  const destination: Destination = { address, port, protocol };
  const claims = owners.filter((owner) => hasPort(owner, destination));
  const served = claims.find((owner) => owner.skipped === undefined);
  if (served !== undefined) return explainServed(world, client, destination, owners, served, base, steps);
  const [skipped] = claims;
  if (skipped?.skipped !== undefined) {
    const summary = `no node serves it: ${reasonText(skipped.skipped)}`;
    return ending(base, 'unreachable', summary, [...steps, frontendStep(destination, skipped)], serviceOf(skipped));
  }
  return withoutPort(world, client, destination, owners, base, steps);
}

/** Some Service has the address and the port. */
function explainServed(
  world: World,
  client: ClientPlace,
  destination: Destination,
  owners: readonly Owner[],
  claimed: Owner,
  base: Base,
  steps: readonly Step[],
): Explanation {
  const family = ipFamilyOf(destination.address) ?? 'IPv4';
  const someNode = client.nodeName ?? world.nodes[0]?.metadata?.name ?? '';
  const winner = frontendOn(world, owners, destination, someNode);
  const owner =
    owners.find((candidate) => candidate.service === winner?.service && candidate.kind === winner?.frontend.kind) ?? claimed;
  const walked = [...steps, frontendStep(destination, owner), ...claimSteps(owners, destination, owner)];
  const leftOut = leftOutAt(world, owners, destination).find(({ leftOut: { reason } }) => reason.code === 'ip-mode-proxy');
  if (winner === undefined && leftOut !== undefined) {
    const summary =
      'no node translates it: the packet goes to the load balancer itself, which sends it on as it sees fit (ipMode Proxy)';
    return ending(
      base,
      'direct',
      summary,
      [...walked, { code: 'note', text: reasonText(leftOut.leftOut.reason) }],
      serviceOf(owner),
    );
  }
  const plan = entriesFor(world, client, owner.service, owner.kind, destination.address, family);
  walked.push(...plan.steps);
  if ('dead' in plan) {
    const findings = plan.dead.outcome === 'dropped' ? diagnoseUnlessReady(world, owner, family, destination) : [];
    return ending(base, plan.dead.outcome, `${plan.dead.outcome}: ${plan.dead.summary}`, walked, {
      ...serviceOf(owner),
      findings,
    });
  }
  const {
    served: _served,
    failure: _failure,
    ...routed
  } = withFindings(world, owner, family, destination, routeThrough(world, client, owners, destination, plan.entries));
  return {
    ...ending(base, routed.outcome, routed.summary, []),
    ...serviceOf(owner),
    ...routed,
    steps: [...walked, ...routed.steps],
  };
}

/** The route with what should be repaired: why nobody serves, or that nobody may listen where connections are sent to. */
function withFindings(world: World, owner: Owner, family: IpFamily, destination: Destination, routed: Routed): Routed {
  const isEmpty = routed.failure !== undefined && 'reason' in routed.failure && routed.failure.reason.code === 'no-endpoint';
  const pods = routed.candidates.flatMap(({ pod: name, port }) => {
    const pod = podNamed(world, name);
    return pod === undefined || port === undefined ? [] : [{ pod, port }];
  });
  const found = isEmpty
    ? diagnose(world, owner.service, family, askedPort(owner, destination))
    : undeclaredPorts(pods, destination.protocol);
  return { ...routed, findings: [...found, ...routed.findings] };
}

function diagnoseUnlessReady(world: World, owner: Owner, family: IpFamily, destination: Destination): Finding[] {
  return diagnose(world, owner.service, family, askedPort(owner, destination)).filter(({ code }) => code !== 'slices-behind');
}

function askedPort(owner: Owner, { port, protocol }: Destination): { name: string; protocol: Protocol } {
  return {
    name: owner.ports.find((candidate) => candidate.port === port && candidate.protocol === protocol)?.name ?? '',
    protocol,
  };
}

function frontendStep({ address, port, protocol }: Destination, owner: Owner): Step {
  const text = `${formatHostPort(address, port)}/${protocol} is the ${frontendNames[owner.kind]} of Service ${nameOf(owner.service)}`;
  return { code: 'frontend', text };
}

function claimSteps(owners: readonly Owner[], destination: Destination, winner: Owner): Step[] {
  const others = owners.filter(
    (owner) => owner.service !== winner.service && owner.skipped === undefined && hasPort(owner, destination),
  );
  if (others.length === 0) return [];
  const names = [...new Set(others.map((owner) => nameOf(owner.service)))].join(', ');
  return [{ code: 'note', text: `also claimed by ${names}: a cluster IP comes first, then the oldest Service` }];
}

/** The address is known, or not even that, and no Service has the port there. */
function withoutPort(
  world: World,
  client: ClientPlace,
  destination: Destination,
  owners: readonly Owner[],
  base: Base,
  steps: readonly Step[],
): Explanation {
  const { address, port, protocol } = destination;
  const cluster = owners.find((owner) => owner.kind === 'clusterIP' && owner.skipped === undefined);
  const has = (owner: Owner): string =>
    `Service ${nameOf(owner.service)} has no port ${port}/${protocol}; it has ${ownedPortList(owner.ports)}`;
  if (cluster !== undefined) return ending(base, 'refused', `refused at once: ${has(cluster)}`, steps, serviceOf(cluster));
  if (isServiceRange(world, address)) {
    const summary = `dropped: ${address} is in the service range ${world.serviceCidrs.join(', ')} and belongs to no Service`;
    return ending(base, 'dropped', summary, steps);
  }
  const external = owners.find((owner) => owner.kind === 'loadBalancerIP' || owner.kind === 'externalIP');
  const isHost = podAt(world, address) !== undefined || world.nodes.some((node) => internalIpsOf(node).includes(address));
  if (external !== undefined && !isHost) {
    const summary = `lost: ${has(external)}, so no node takes the packet for itself`;
    return ending(base, 'unreachable', summary, steps, serviceOf(external));
  }
  return explainHost(world, client, destination, owners, base, steps);
}

function serviceOf(owner: Owner | undefined): { readonly service?: string } {
  return owner === undefined ? {} : { service: nameOf(owner.service) };
}
