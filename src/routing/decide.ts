/** The decision: one Service, its slices and the nodes -> what each of its frontends does on one node. Pure. */
import { objectsIn, textsIn } from '../api/index.ts';
import type { EndpointSlice, Node, Service, ServicePort } from '../api/index.ts';
import type { IpFamily, Protocol } from '../net/index.ts';
import { isPort, isProtocol } from '../net/index.ts';
import { admittedRanges, canonicalIp } from './addresses.ts';
import { categorize } from './categorize.ts';
import type { Categories } from './categorize.ts';
import type {
  Affinity,
  EndpointAddress,
  EndpointLine,
  Frontend,
  FrontendKind,
  LeftOutFrontend,
  PortDecision,
  RoutingDecision,
  SourceHandling,
  Target,
  TrafficPolicy,
} from './decision.ts';
import { collectEndpoints, serviceNameLabel } from './endpoints.ts';
import type { Candidate } from './endpoints.ts';
import { internalIpsOf } from './node-labels.ts';
import type { NodeLookup } from './node-labels.ts';
import type { SkipReason } from './reasons.ts';
import { topologyKeysOf } from './topology-keys.ts';

/** Label of a Service that another proxy serves, whatever its value (KEP-2447). */
export const proxyNameLabel = 'service.kubernetes.io/service-proxy-name';

/** sessionAffinityConfig.clientIP.timeoutSeconds when it is not given: three hours. */
export const defaultAffinityTimeoutSeconds = 3 * 60 * 60;

/** The longest that the API takes: a day. */
const maxAffinityTimeoutSeconds = 24 * 60 * 60;

export interface DecideInput {
  readonly service: Service;
  /** Slices of the Service; those that belong to others are passed over. */
  readonly slices: readonly EndpointSlice[];
  /** Node objects by name: a `Map`, or an informer. */
  readonly nodes: NodeLookup;
  /** The node on which the decision is to hold. */
  readonly nodeName: string;
  readonly family: IpFamily;
  readonly options?: DecideOptions;
}

/** How the node's proxy is configured. */
export interface DecideOptions {
  /** Pods' connections to cluster IPs are masqueraded as well. */
  readonly masqueradeAll?: boolean;
  /** False: nothing tells pods of this node from other clients. Then pods count as outside, and cluster IPs keep every source. */
  readonly detectsPods?: boolean;
  /** Addresses of this node, primary first. Absent: InternalIP addresses of its Node object. */
  readonly nodeAddresses?: readonly string[];
}

/**
 * Decides. The result holds for new connections; established ones go on as they were. Cost grows with ports × endpoints.
 * Rules: k8s pkg/proxy v1.36 and topologyKeys of v1.20; two Services that claim one frontend are settled by `settleClaims`.
 */
export function decide(input: DecideInput): RoutingDecision {
  const { service, family, nodeName } = input;
  const namespace = service.metadata?.namespace ?? 'default';
  const name = service.metadata?.name ?? '';
  const head = { namespace, name, family, nodeName, createdAt: service.metadata?.creationTimestamp ?? '' };
  const skipped = skipReason(service, family);
  if (skipped !== undefined) return { ...head, skipped, ports: [] };
  const isOwn = (slice: EndpointSlice): boolean => belongsTo(slice, namespace, name);
  const slices = input.slices.every(isOwn) ? input.slices : input.slices.filter(isOwn);
  const context: ServiceContext = {
    input,
    spec: service.spec ?? {},
    slices,
    topologyKeys: topologyKeysOf(service),
    nodeAddresses: input.options?.nodeAddresses ?? internalIpsOf(input.nodes.get(nodeName)),
  };
  const localReady = new Set<string>();
  const ports = objectsIn(service.spec?.ports)
    .filter(hasNumber)
    .map((port) => decidePort(context, port, localReady));
  const health = service.spec?.healthCheckNodePort ?? 0;
  const hasHealthCheck =
    service.spec?.type === 'LoadBalancer' && service.spec.externalTrafficPolicy === 'Local' && isPort(health);
  return { ...head, ports, ...(hasHealthCheck ? { healthCheck: { port: health, localReadyCount: localReady.size } } : {}) };
}

/** Why the Service has no frontends in this family, or undefined when it has. */
export function skipReason(service: Service, family: IpFamily): SkipReason | undefined {
  const { spec, metadata } = service;
  const proxyName = metadata?.labels?.[proxyNameLabel];
  if (spec?.type === 'ExternalName') return { code: 'external-name', externalName: spec.externalName ?? '' };
  if (proxyName !== undefined) return { code: 'other-proxy', proxyName };
  if (spec?.clusterIP === 'None') return { code: 'headless' };
  const addresses = clusterIpsOf(service);
  if (addresses.includes('None')) return { code: 'headless' };
  if (addresses.length === 0) return { code: 'no-cluster-ip' };
  return addresses.some((address) => canonicalIp(address, family) !== undefined) ? undefined : { code: 'wrong-family' };
}

interface ServiceContext {
  readonly input: DecideInput;
  readonly spec: NonNullable<Service['spec']>;
  readonly slices: readonly EndpointSlice[];
  readonly topologyKeys: readonly string[];
  readonly nodeAddresses: readonly string[];
}

/** Decides one port, and adds the addresses that are ready on this node to `localReady`. */
function decidePort(context: ServiceContext, port: ServicePort, localReady: Set<string>): PortDecision {
  const { input } = context;
  const protocol = protocolOf(port);
  const name = port.name ?? '';
  const candidates = collectEndpoints(context.slices, {
    portName: name,
    protocol,
    family: input.family,
    nodeName: input.nodeName,
  });
  for (const { facts, unfit } of candidates) {
    if (unfit === undefined && facts.isLocal && facts.conditions.ready) localReady.add(facts.address);
  }
  const { spec, topologyKeys } = context;
  const needsLocal = spec.internalTrafficPolicy === 'Local' || spec.externalTrafficPolicy === 'Local';
  const { nodes, nodeName } = input;
  const categories = categorize(candidates, { nodes, nodeName, topologyKeys, needsLocal });
  const targets = makeTargets(candidates, categories);
  const { asked, leftOut } = askedFrontends(context, port, protocol);
  const frontends = asked.map((frontend) => makeFrontend(context, frontend, targets));
  return {
    name,
    port: port.port,
    protocol,
    frontends,
    leftOut,
    topology: categories.topology,
    endpoints: makeLines(candidates, categories, frontends),
  };
}

/** A frontend that the Service asks for, before its targets. */
interface AskedFrontend {
  readonly kind: FrontendKind;
  readonly address?: string;
  readonly port: number;
  readonly protocol: Protocol;
}

/** Frontends of one port, each address once; a load-balancer address comes before the same external IP, so that its source ranges hold. */
function askedFrontends(
  { input, spec }: ServiceContext,
  port: ServicePort,
  protocol: Protocol,
): { asked: AskedFrontend[]; leftOut: LeftOutFrontend[] } {
  const asked: AskedFrontend[] = [];
  const leftOut: LeftOutFrontend[] = [];
  const kinds = new Map<string, FrontendKind>();
  const ask = (kind: FrontendKind, text: string): void => {
    const own = canonicalIp(text, input.family);
    // the unspecified address stands for node ports where frontends are told apart, and nobody can connect to it
    const address = own === '0.0.0.0' || own === '::' ? undefined : own;
    const known = address === undefined ? undefined : kinds.get(address);
    const frontend = { kind, address: address ?? text, port: port.port, protocol };
    if (address === undefined) {
      const isOtherFamily = canonicalIp(text, input.family === 'IPv4' ? 'IPv6' : 'IPv4') !== undefined;
      if (!isOtherFamily) leftOut.push({ ...frontend, reason: { code: 'bad-address' } });
    } else if (known === undefined) {
      kinds.set(address, kind);
      asked.push(frontend);
    } else {
      leftOut.push({ ...frontend, reason: { code: 'duplicate', of: known } });
    }
  };
  for (const address of clusterIpsOf(input.service)) ask('clusterIP', address);
  for (const ingress of objectsIn(input.service.status?.loadBalancer?.ingress)) {
    const { ip, hostname, ipMode } = ingress;
    const frontend = { kind: 'loadBalancerIP', address: ip ?? hostname ?? '', port: port.port, protocol } as const;
    if (ip === undefined || ip === '') leftOut.push({ ...frontend, reason: { code: 'hostname-only', hostname: hostname ?? '' } });
    else if (ipMode !== 'Proxy') ask('loadBalancerIP', ip);
    else if (canonicalIp(ip, input.family) !== undefined) leftOut.push({ ...frontend, reason: { code: 'ip-mode-proxy' } });
  }
  for (const address of textsIn(spec.externalIPs)) ask('externalIP', address);
  const nodePort = port.nodePort ?? 0;
  if (isPort(nodePort)) asked.push({ kind: 'nodePort', port: nodePort, protocol });
  return { asked, leftOut };
}

function makeFrontend(context: ServiceContext, asked: AskedFrontend, targets: Targets): Frontend {
  const { spec, input } = context;
  const isInternal = asked.kind === 'clusterIP';
  const policy: TrafficPolicy =
    (isInternal ? spec.internalTrafficPolicy : spec.externalTrafficPolicy) === 'Local' ? 'Local' : 'Cluster';
  const local = isInternal ? targets.internalLocal : targets.externalLocal;
  const sourceRanges =
    asked.kind === 'loadBalancerIP'
      ? admittedRanges(textsIn(spec.loadBalancerSourceRanges), input.family, context.nodeAddresses, vipsOf(input.service))
      : undefined;
  return {
    ...asked,
    policy,
    // A client inside reaches every endpoint through an external frontend, even under Local: it is spared the detour.
    inside: isInternal && policy === 'Local' ? local : targets.cluster,
    outside: policy === 'Local' ? local : targets.cluster,
    source: sourceHandling(isInternal, policy, input.options ?? {}),
    ...affinityOf(spec),
    ...(sourceRanges === undefined ? {} : { sourceRanges }),
  };
}

/** Who sees whom; reference: k8s pkg/proxy/nftables v1.36, but keyed by the connection's original destination. */
function sourceHandling(isInternal: boolean, policy: TrafficPolicy, options: DecideOptions): SourceHandling {
  if (isInternal) {
    if (options.masqueradeAll === true) return { pod: 'masqueraded', node: 'masqueraded', outside: 'masqueraded' };
    if (options.detectsPods === false) return { pod: 'kept', node: 'kept', outside: 'kept' };
    return { pod: 'kept', node: 'masqueraded', outside: 'masqueraded' };
  }
  if (policy === 'Local') return { pod: 'kept', node: 'masqueraded', outside: 'kept' };
  return { pod: 'masqueraded', node: 'masqueraded', outside: 'masqueraded' };
}

interface Targets {
  readonly cluster: Target;
  readonly internalLocal: Target;
  readonly externalLocal: Target;
}

function makeTargets(candidates: readonly Candidate[], { cluster, local, topology, hasAny }: Categories): Targets {
  const clusterList = addressesOf(candidates, cluster);
  const localList = addressesOf(candidates, local);
  const none: Target = { kind: 'reject', reason: { code: 'no-endpoint' } };
  const dropped = (policy: 'internalTrafficPolicy' | 'externalTrafficPolicy'): Target => {
    if (localList.length > 0) return { kind: 'endpoints', list: 'Local', endpoints: localList };
    return hasAny ? { kind: 'drop', reason: { code: 'no-local-endpoint', policy } } : none;
  };
  const rejected: Target =
    hasAny && topology.mode === 'no-topology-key'
      ? { kind: 'reject', reason: { code: 'no-topology-key', keys: topology.keys } }
      : none;
  return {
    cluster: clusterList.length > 0 ? { kind: 'endpoints', list: 'Cluster', endpoints: clusterList } : rejected,
    internalLocal: dropped('internalTrafficPolicy'),
    externalLocal: dropped('externalTrafficPolicy'),
  };
}

function addressesOf(candidates: readonly Candidate[], reasons: Categories['cluster']): EndpointAddress[] {
  const addresses: EndpointAddress[] = [];
  for (let index = 0; index < reasons.length; index++) {
    const facts = candidates[index]?.facts;
    if (facts === undefined || reasons[index]?.used !== true) continue;
    addresses.push({ address: facts.address, port: facts.port ?? 0, isLocal: facts.isLocal });
  }
  return addresses;
}

function makeLines(
  candidates: readonly Candidate[],
  { cluster, local }: Categories,
  frontends: readonly Frontend[],
): EndpointLine[] {
  const asksLocal = frontends.some((frontend) => frontend.policy === 'Local');
  const asksCluster = frontends.some((frontend) => frontend.kind !== 'clusterIP' || frontend.policy === 'Cluster');
  const lines: EndpointLine[] = [];
  for (let index = 0; index < candidates.length; index++) {
    const facts = candidates[index]?.facts;
    const inCluster = cluster[index];
    if (facts === undefined || inCluster === undefined) continue;
    const inLocal = asksLocal ? local[index] : undefined;
    facts.used = (asksCluster && inCluster.used) || inLocal?.used === true;
    facts.cluster = inCluster;
    if (inLocal !== undefined) facts.local = inLocal;
    lines.push(facts);
  }
  return lines;
}

function affinityOf(spec: ServiceContext['spec']): { readonly affinity?: Affinity } {
  if (spec.sessionAffinity !== 'ClientIP') return {};
  const asked = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  const isTimeout = asked !== undefined && Number.isInteger(asked) && asked >= 1 && asked <= maxAffinityTimeoutSeconds;
  return { affinity: { timeoutSeconds: isTimeout ? asked : defaultAffinityTimeoutSeconds } };
}

function clusterIpsOf(service: Service): readonly string[] {
  const list = textsIn(service.spec?.clusterIPs);
  const addresses = list.length > 0 ? list : [service.spec?.clusterIP ?? ''];
  return addresses.includes('') ? addresses.filter((address) => address !== '') : addresses;
}

function vipsOf(service: Service): readonly string[] {
  return objectsIn(service.status?.loadBalancer?.ingress).flatMap(({ ip, ipMode }) =>
    ip === undefined || ip === '' || ipMode === 'Proxy' ? [] : [ip],
  );
}

function belongsTo(slice: EndpointSlice, namespace: string, name: string): boolean {
  return (slice.metadata?.namespace ?? 'default') === namespace && slice.metadata?.labels?.[serviceNameLabel] === name;
}

/** A port that no server would take leads nowhere; in the kernel's rows its number would be another. */
function hasNumber({ port }: ServicePort): boolean {
  return isPort(port);
}

function protocolOf(port: ServicePort): Protocol {
  const text = port.protocol ?? 'TCP';
  return isProtocol(text) ? text : 'TCP';
}

/** Node objects as the lookup that `decide` takes. */
export function nodesByName(nodes: Iterable<Node>): Map<string, Node> {
  return new Map([...nodes].map((node) => [node.metadata?.name ?? '', node]));
}
