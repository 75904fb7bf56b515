/** Where would this request go, and why. Pure: the world in, the answer out. */
import type { Service } from '../api/index.ts';
import { cidrContains, formatHostPort, ipFamilyOf, parseCidr, parseIp } from '../net/index.ts';
import type { Protocol } from '../net/index.ts';
import { compareClaims, decide, internalIpsOf, reasonText } from '../routing/index.ts';
import { locateClient } from './client-place.ts';
import type { ClientPlace } from './client-place.ts';
import type { Explanation, Outcome, Step } from './explanation.ts';
import { formatPlace, parseTarget, QuestionError } from './question.ts';
import type { Place, Target } from './question.ts';
import { resolveName } from './resolve.ts';
import { routeHit } from './route.ts';
import type { Entry, Hit } from './route.ts';
import { nameOf, nodeMap } from './world.ts';
import type { World } from './world.ts';

export interface Question {
  /** As typed. */
  readonly target: string;
  readonly from: Place;
  /** Completes short names and places. */
  readonly namespace: string;
}

/** Explains. Throws `QuestionError` when the question cannot be understood or names a place that does not exist. */
export function explain(world: World, question: Question): Explanation {
  const target = parseTarget(question.target);
  const client = locateClient(world, question.from, question.namespace);
  const base: Base = {
    target: question.target,
    from: client.text === '' ? formatPlace(question.from) : client.text,
    ...(client.nodeName === undefined ? {} : { node: client.nodeName }),
    assumptions: world.assumptions,
  };
  if (target.kind === 'name') return explainName(world, client, target, base);
  if (target.kind === 'node') return explainNode(world, client, target, base);
  return explainAddress(world, client, target.address, target.port, target.protocol, base, []);
}

type Base = Pick<Explanation, 'target' | 'from' | 'assumptions'> & { readonly node?: string };
type NameTarget = Extract<Target, { readonly kind: 'name' }>;
type NodeTarget = Extract<Target, { readonly kind: 'node' }>;

function end(
  base: Base,
  outcome: Outcome,
  summary: string,
  steps: readonly Step[],
  more: Partial<Explanation> = {},
): Explanation {
  return { ...base, outcome, summary, steps, candidates: [], excluded: [], ...more };
}

function explainName(world: World, client: ClientPlace, target: NameTarget, base: Base): Explanation {
  const { tried, answer } = resolveName(world, client, target.name);
  const steps: Step[] = [];
  if (client.place.kind !== 'pod') {
    steps.push({
      code: 'note',
      text: `${client.text} does not ask the cluster's DNS by itself; the name is resolved as a pod of namespace ${client.namespace} would`,
    });
  }
  const missed = tried.filter((attempt) => attempt.answer === 'NXDOMAIN').map((attempt) => attempt.name);
  if (missed.length > 0 && answer.kind !== 'not-found')
    steps.push({ code: 'name', text: `${missed.join(', ')}: NXDOMAIN, the search goes on` });
  switch (answer.kind) {
    case 'not-found':
      return end(base, 'no-such-name', `the name does not exist (NXDOMAIN): ${answer.why}`, [
        ...steps,
        { code: 'name', text: `tried ${tried.map((attempt) => attempt.name).join(', ')}` },
      ]);
    case 'no-data':
      return end(base, 'no-such-name', `${answer.name} exists and has no address`, steps);
    case 'foreign':
      return end(
        base,
        'no-such-name',
        `${answer.name} is not a name of ${world.clusterDomain}: only an outside name server knows it`,
        steps,
      );
    case 'alias': {
      const service = answer.service?.service;
      const text = `${answer.name} is an alias (CNAME) for ${answer.target}`;
      return end(
        base,
        'alias',
        `${text}: the client resolves that name outside and connects there itself`,
        [...steps, { code: 'name', text }],
        service === undefined ? {} : { service: nameOf(service) },
      );
    }
    case 'addresses': {
      steps.push({ code: 'name', text: `${answer.name} is ${answer.addresses.join(', ')}` });
      const service = answer.service?.service;
      const isVirtual =
        service !== undefined &&
        (service.spec?.clusterIPs ?? [service.spec?.clusterIP]).some((address) => answer.addresses.includes(address ?? ''));
      if (service === undefined || !isVirtual) return namesOnly(world, base, service, answer.addresses, target, steps);
      const { port, protocol } = pickPort(service, target);
      const address =
        answer.addresses.find((candidate) => (service.spec?.clusterIPs ?? []).includes(candidate)) ?? answer.addresses[0] ?? '';
      return explainAddress(world, client, address, port, protocol, base, steps);
    }
  }
}

/** A headless Service or one endpoint of it: the client connects to a pod's address, and no proxy has a part in it. */
function namesOnly(
  world: World,
  base: Base,
  service: Service | undefined,
  addresses: readonly string[],
  target: NameTarget,
  steps: Step[],
): Explanation {
  const targetPort = target.port;
  const candidates = addresses.map((address) => {
    const pod = podAt(world, address);
    const node = pod?.spec?.nodeName;
    return {
      address,
      port: targetPort ?? 0,
      ...(pod === undefined ? {} : { pod: nameOf(pod) }),
      ...(node === undefined ? {} : { node }),
      share: 1 / addresses.length,
      reason: 'in the answer of the name',
      seenAs: "the client's own address",
    };
  });
  const excluded = service === undefined ? [] : withheldEndpoints(world, service, addresses);
  const count = addresses.length === 1 ? 'the one address' : `one of ${addresses.length} addresses, whose order rotates`;
  const text = `the name leads to pods directly: the client takes ${count} and connects to it without a proxy, on the pod's own port`;
  return {
    ...end(base, 'names-only', text, steps, service === undefined ? {} : { service: nameOf(service) }),
    candidates,
    excluded,
  };
}

function withheldEndpoints(world: World, service: Service, addresses: readonly string[]): Explanation['excluded'] {
  return world.slices
    .filter(
      (slice) =>
        slice.metadata?.namespace === service.metadata?.namespace &&
        slice.metadata?.labels?.['kubernetes.io/service-name'] === service.metadata?.name,
    )
    .flatMap((slice) => slice.endpoints ?? [])
    .filter((endpoint) => endpoint.conditions?.ready === false && !addresses.includes(endpoint.addresses[0] ?? ''))
    .map((endpoint) => ({
      address: endpoint.addresses[0] ?? '',
      ...(endpoint.targetRef?.kind === 'Pod'
        ? { pod: `${endpoint.targetRef.namespace ?? ''}/${endpoint.targetRef.name ?? ''}` }
        : {}),
      ...(endpoint.nodeName === undefined ? {} : { node: endpoint.nodeName }),
      code: endpoint.conditions?.terminating === true ? 'terminating' : 'not-ready',
      reason:
        endpoint.conditions?.terminating === true ? 'terminating: withheld from the name' : 'not ready: withheld from the name',
    }));
}

/** The port asked for: by number, by name, or the Service's only one. */
function pickPort(service: Service, target: NameTarget): { port: number | undefined; protocol: Protocol } {
  const ports = service.spec?.ports ?? [];
  if (target.port !== undefined) return { port: target.port, protocol: target.protocol };
  if (target.portName !== undefined) {
    const named = ports.find((port) => port.name === target.portName);
    if (named === undefined) {
      const names = ports.map((port) => port.name ?? '').filter((name) => name !== '');
      const hint = names.length === 0 ? 'its ports have no names' : `its ports are called ${names.join(', ')}`;
      throw new QuestionError(`Service ${nameOf(service)} has no port called ${target.portName}: ${hint}`, {
        code: 'bad-target',
        text: target.portName,
      });
    }
    return { port: named.port, protocol: protocolOf(named.protocol) };
  }
  const [only] = ports;
  return only === undefined
    ? { port: undefined, protocol: target.protocol }
    : { port: only.port, protocol: protocolOf(only.protocol) };
}

function explainNode(world: World, client: ClientPlace, target: NodeTarget, base: Base): Explanation {
  const node = nodeMap(world).get(target.node);
  if (node === undefined) {
    const names = world.nodes.map((candidate) => candidate.metadata?.name ?? '').join(', ');
    throw new QuestionError(`there is no node ${target.node}: there are ${names === '' ? 'none' : names}`, {
      code: 'unknown-node',
      text: target.node,
    });
  }
  const address = internalIpsOf(node)[0];
  if (address === undefined) return end(base, 'unreachable', `node ${target.node} has no address`, []);
  return explainAddress(world, client, address, target.port, target.protocol, base, [
    { code: 'name', text: `${target.node} is ${address}` },
  ]);
}

function explainAddress(
  world: World,
  client: ClientPlace,
  address: string,
  port: number | undefined,
  protocol: Protocol,
  base: Base,
  steps: readonly Step[],
): Explanation {
  const owners = servicesAt(world, address);
  const chosenPort = port ?? owners[0]?.ports[0]?.port;
  const chosenProtocol = port === undefined ? (owners[0]?.ports[0]?.protocol ?? protocol) : protocol;
  const hits = owners.flatMap((owner) =>
    owner.ports
      .filter((candidate) => candidate.port === chosenPort && candidate.protocol === chosenProtocol)
      .map((candidate): Hit => ({
        service: owner.service,
        kind: owner.kind,
        address,
        port: candidate.port,
        protocol: candidate.protocol,
      })),
  );
  hits.sort((a, b) => compareClaims(claimOf(a), claimOf(b)));
  const [hit] = hits;
  if (hit === undefined) return withoutFrontend(world, client, address, chosenPort, chosenProtocol, owners, base, steps);
  const where = formatHostPort(address, hit.port);
  const labels = {
    clusterIP: 'cluster IP',
    externalIP: 'external IP',
    loadBalancerIP: 'load-balancer address',
    nodePort: 'node port',
  };
  const walked: Step[] = [
    ...steps,
    { code: 'frontend', text: `${where}/${hit.protocol} is the ${labels[hit.kind]} of Service ${nameOf(hit.service)}` },
  ];
  if (hits.length > 1)
    walked.push({
      code: 'note',
      text: `also claimed by ${hits
        .slice(1)
        .map((other) => nameOf(other.service))
        .join(', ')}: the oldest Service wins`,
    });
  const skipped = decide({
    service: hit.service,
    slices: world.slices,
    nodes: nodeMap(world),
    nodeName: client.nodeName ?? '',
    family: ipFamilyOf(address) ?? 'IPv4',
  }).skipped;
  if (skipped !== undefined)
    return end(base, 'unreachable', `no node serves it: ${reasonText(skipped)}`, walked, { service: nameOf(hit.service) });
  const { entries, step } = entriesOf(world, client, hit);
  if (step !== undefined) walked.push(step);
  if (entries.length === 0)
    return end(
      base,
      client.nodeName === undefined && hit.kind === 'clusterIP' ? 'unreachable' : 'dropped',
      step?.text ?? 'it enters no node',
      walked,
      { service: nameOf(hit.service) },
    );
  const routed = routeHit(world, client, hit, entries);
  return {
    ...base,
    service: nameOf(hit.service),
    steps: [...walked, ...routed.steps],
    outcome: routed.outcome,
    summary: routed.summary,
    candidates: routed.candidates,
    excluded: routed.excluded,
    ...(routed.affinity === undefined ? {} : { affinity: routed.affinity }),
  };
}

/** An address (or a port of one) that no Service answers at. */
function withoutFrontend(
  world: World,
  client: ClientPlace,
  address: string,
  port: number | undefined,
  protocol: Protocol,
  owners: readonly Owner[],
  base: Base,
  steps: readonly Step[],
): Explanation {
  const cluster = owners.find((owner) => owner.kind === 'clusterIP');
  if (cluster !== undefined) {
    const ports = cluster.ports.map((candidate) => `${candidate.port}/${candidate.protocol}`).join(', ');
    return end(
      base,
      'refused',
      `refused at once: Service ${nameOf(cluster.service)} has no port ${port ?? ''}/${protocol}; it has ${ports === '' ? 'none' : ports}`,
      steps,
      {
        service: nameOf(cluster.service),
      },
    );
  }
  const ip = parseIp(address);
  const isServiceRange = world.serviceCidrs.some((text) => {
    const cidr = parseCidr(text);
    return cidr !== undefined && ip !== undefined && cidrContains(cidr, ip);
  });
  if (isServiceRange)
    return end(
      base,
      'dropped',
      `dropped: ${address} is in the service range ${world.serviceCidrs.join(', ')} and belongs to no Service`,
      steps,
    );
  const pod = podAt(world, address);
  if (pod !== undefined) {
    const node = pod.spec?.nodeName;
    const target = {
      address,
      port: port ?? 0,
      pod: nameOf(pod),
      ...(node === undefined ? {} : { node }),
      share: 1,
      reason: 'its own address',
      seenAs: "the client's own address",
    };
    return end(
      base,
      'direct',
      `${address} is pod ${nameOf(pod)} itself: the packet goes there unchanged, and no Service has a part in it`,
      steps,
      { candidates: [target] },
    );
  }
  const node = world.nodes.find((candidate) => internalIpsOf(candidate).includes(address));
  if (node !== undefined) {
    return end(
      base,
      'direct',
      `no Service has node port ${port ?? ''}/${protocol}: it is for whatever listens on ${node.metadata?.name ?? ''} itself`,
      steps,
    );
  }
  return end(
    base,
    'direct',
    `${address} is no address of a Service, a pod or a node: the packet goes where ${client.nodeName ?? 'the network'} routes it`,
    steps,
  );
}

interface Owner {
  readonly service: Service;
  readonly kind: Hit['kind'];
  readonly ports: readonly { readonly port: number; readonly protocol: Protocol }[];
}

/** The Services that have this address, and the ports that they have at it. */
function servicesAt(world: World, address: string): Owner[] {
  const isNode = world.nodes.some((node) => internalIpsOf(node).includes(address));
  return world.services.flatMap((service): Owner[] => {
    const { spec } = service;
    if (spec === undefined || spec.type === 'ExternalName') return [];
    const ports = (spec.ports ?? []).map((port) => ({ port: port.port, protocol: protocolOf(port.protocol) }));
    const owners: Owner[] = [];
    if ((spec.clusterIPs ?? [spec.clusterIP ?? '']).includes(address)) owners.push({ service, kind: 'clusterIP', ports });
    if ((spec.externalIPs ?? []).includes(address)) owners.push({ service, kind: 'externalIP', ports });
    if ((service.status?.loadBalancer?.ingress ?? []).some((ingress) => ingress.ip === address))
      owners.push({ service, kind: 'loadBalancerIP', ports });
    const nodePorts = (spec.ports ?? []).flatMap((port) =>
      port.nodePort === undefined || port.nodePort === 0 ? [] : [{ port: port.nodePort, protocol: protocolOf(port.protocol) }],
    );
    if (isNode && nodePorts.length > 0) owners.push({ service, kind: 'nodePort', ports: nodePorts });
    return owners;
  });
}

/** Which nodes the packet may enter, and as whom. */
function entriesOf(world: World, client: ClientPlace, hit: Hit): { entries: Entry[]; step?: Step } {
  const family = ipFamilyOf(hit.address) ?? 'IPv4';
  if (hit.kind === 'nodePort') {
    const owner = world.nodes.find((node) => internalIpsOf(node).includes(hit.address))?.metadata?.name ?? '';
    const isInside = owner === client.nodeName;
    const text = isInside
      ? `the client is on ${owner} itself: it counts as inside`
      : `the packet enters ${owner} from elsewhere: the client counts as outside`;
    return { entries: [{ nodeName: owner, isInside, weight: 1 }], step: { code: 'entry', text } };
  }
  if (client.nodeName !== undefined) {
    return {
      entries: [{ nodeName: client.nodeName, isInside: true, weight: 1 }],
      step: { code: 'entry', text: `${client.nodeName} decides: the packet meets its rules before it leaves` },
    };
  }
  if (hit.kind === 'clusterIP') {
    return {
      entries: [],
      step: { code: 'entry', text: 'cluster IPs are known inside the cluster only: outside, nobody has a route to them' },
    };
  }
  const names = world.nodes.map((node) => node.metadata?.name ?? '');
  const isLocal = hit.service.spec?.externalTrafficPolicy === 'Local';
  const healthy = names.filter((nodeName) => {
    const decision = decide({ service: hit.service, slices: world.slices, nodes: nodeMap(world), nodeName, family });
    return decision.healthCheck === undefined || decision.healthCheck.localReadyCount > 0;
  });
  const chosen = hit.kind === 'loadBalancerIP' && isLocal && healthy.length > 0 ? healthy : names;
  const text =
    hit.kind === 'loadBalancerIP' && isLocal
      ? `the load balancer asks every node's health-check port ${hit.service.spec?.healthCheckNodePort ?? ''} and sends to ${healthy.length === 0 ? 'no node: none is healthy' : healthy.join(', ')}`
      : `the packet enters by any of ${names.join(', ')}`;
  return {
    entries: chosen.map((nodeName) => ({ nodeName, isInside: false, weight: 1 / chosen.length })),
    step: { code: 'entry', text },
  };
}

function podAt(world: World, address: string): World['pods'][number] | undefined {
  return world.pods.find(
    (pod) => pod.spec?.hostNetwork !== true && (pod.status?.podIPs ?? []).some((entry) => entry.ip === address),
  );
}

function claimOf(hit: Hit): { kind: Hit['kind']; createdAt: string; service: string } {
  return { kind: hit.kind, createdAt: hit.service.metadata?.creationTimestamp ?? '', service: nameOf(hit.service) };
}

function protocolOf(text: string | undefined): Protocol {
  return text === 'UDP' || text === 'SCTP' ? text : 'TCP';
}
