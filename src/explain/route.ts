/** From an address and port to the endpoints behind it: the decision of every node that the packet may enter, with shares. */
import type { Service } from '../api/index.ts';
import { formatHostPort, ipFamilyOf } from '../net/index.ts';
import type { IpFamily, Protocol } from '../net/index.ts';
import { decide, internalIpsOf, reasonText } from '../routing/index.ts';
import type { EndpointLine, Frontend, PortDecision, RoutingDecision, Target } from '../routing/index.ts';
import { endpointOfPod, hasManagedEndpoints, selects } from '../slices/index.ts';
import type { ClientPlace } from './client-place.ts';
import type { CandidateEndpoint, ExcludedEndpoint, Step } from './explanation.ts';
import { nameOf, nodeMap } from './world.ts';
import type { World } from './world.ts';

/** A frontend of a Service that the client's packet is addressed to. */
export interface Hit {
  readonly service: Service;
  readonly kind: Frontend['kind'];
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
}

/** Where a packet enters the cluster: the node whose rules decide, and whether the client counts as inside there. */
export interface Entry {
  readonly nodeName: string;
  readonly isInside: boolean;
  /** Probability that the packet enters here. */
  readonly weight: number;
}

export interface Routed {
  readonly outcome: 'endpoints' | 'refused' | 'dropped';
  readonly summary: string;
  readonly steps: readonly Step[];
  readonly candidates: readonly CandidateEndpoint[];
  readonly excluded: readonly ExcludedEndpoint[];
  readonly affinity?: { readonly timeoutSeconds: number };
}

/** What becomes of a packet that meets this frontend at these entries. */
export function routeHit(world: World, client: ClientPlace, hit: Hit, entries: readonly Entry[]): Routed {
  const family = ipFamilyOf(hit.address) ?? 'IPv4';
  const decisions = entries.map((entry) => ({ entry, ...frontendAt(world, hit, entry.nodeName, family) }));
  const steps: Step[] = [];
  const candidates = new Map<string, CandidateEndpoint>();
  const failures: { target: Target; entry: Entry }[] = [];
  for (const { entry, port, frontend } of decisions) {
    if (frontend === undefined || port === undefined) continue;
    const target = entry.isInside ? frontend.inside : frontend.outside;
    if (target.kind !== 'endpoints') {
      failures.push({ target, entry });
      continue;
    }
    for (const endpoint of target.endpoints) {
      const key = `${formatHostPort(endpoint.address, endpoint.port)} ${seenBy(world, client, entry, frontend, endpoint.address)}`;
      const share = entry.weight / target.endpoints.length;
      const known = candidates.get(key);
      const line = port.endpoints.find((candidate) => candidate.address === endpoint.address && candidate.port === endpoint.port);
      candidates.set(
        key,
        known === undefined
          ? describe(endpoint, line, share, target.list, seenBy(world, client, entry, frontend, endpoint.address))
          : { ...known, share: known.share + share },
      );
    }
  }
  const first = decisions.find((decision) => decision.frontend !== undefined);
  if (first?.frontend !== undefined && first.port !== undefined)
    steps.push(...policySteps(hit, first.frontend, first.port, first.entry));
  const used = new Set([...candidates.values()].map((candidate) => formatHostPort(candidate.address, candidate.port)));
  const excluded = [...excludedLines(decisions, used), ...excludedPods(world, hit.service, family)];
  const affinity = first?.frontend?.affinity;
  const list = [...candidates.values()].sort((a, b) => b.share - a.share || (a.address < b.address ? -1 : 1));
  if (list.length > 0) {
    const lost = failures.reduce((sum, failure) => sum + failure.entry.weight, 0);
    const tail = lost > 0 ? `; ${percent(lost)} of connections enter where nobody is and are lost` : '';
    const summary = `${list.length === 1 ? 'one endpoint' : `one of ${list.length} endpoints`} gets the connection${tail}`;
    return { outcome: 'endpoints', summary, steps, candidates: list, excluded, ...(affinity === undefined ? {} : { affinity }) };
  }
  const [failure] = failures;
  const isDrop = failure?.target.kind === 'drop';
  const why =
    failure === undefined || failure.target.kind === 'endpoints'
      ? 'no node serves this frontend'
      : reasonText(failure.target.reason);
  const summary = isDrop ? `dropped: the client hears nothing and times out, because ${why}` : `refused at once, because ${why}`;
  return { outcome: isDrop ? 'dropped' : 'refused', summary, steps, candidates: [], excluded };
}

/** The decision of one node about one frontend. */
export function frontendAt(
  world: World,
  hit: Hit,
  nodeName: string,
  family: IpFamily,
): { readonly decision: RoutingDecision; readonly port?: PortDecision; readonly frontend?: Frontend } {
  const decision = decide({ service: hit.service, slices: world.slices, nodes: nodeMap(world), nodeName, family });
  for (const port of decision.ports) {
    const frontend = port.frontends.find(
      (candidate) =>
        candidate.kind === hit.kind &&
        candidate.port === hit.port &&
        candidate.protocol === hit.protocol &&
        (candidate.address === undefined || candidate.address === hit.address),
    );
    if (frontend !== undefined) return { decision, port, frontend };
  }
  return { decision };
}

/** `12.5 %`. */
export function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

function describe(
  endpoint: { readonly address: string; readonly port: number },
  line: EndpointLine | undefined,
  share: number,
  list: 'Cluster' | 'Local',
  seenAs: string,
): CandidateEndpoint {
  const reason = line === undefined ? undefined : list === 'Local' ? (line.local ?? line.cluster) : line.cluster;
  return {
    address: endpoint.address,
    port: endpoint.port,
    ...podOf(line),
    ...(line?.nodeName === undefined ? {} : { node: line.nodeName }),
    share,
    reason: reason === undefined ? 'ready' : reasonText(reason),
    seenAs,
  };
}

/** The address that the endpoint sees. A pod that reaches itself sees its node (hairpin). */
function seenBy(world: World, client: ClientPlace, entry: Entry, frontend: Frontend, endpointAddress: string): string {
  const family = ipFamilyOf(endpointAddress);
  const own = client.addresses.find((address) => ipFamilyOf(address) === family);
  const node =
    internalIpsOf(nodeMap(world).get(entry.nodeName)).find((address) => ipFamilyOf(address) === family) ?? entry.nodeName;
  const isHairpin = own !== undefined && own === endpointAddress;
  const scope = !entry.isInside ? 'outside' : client.isHostNetwork ? 'node' : 'pod';
  const isKept = frontend.source[scope] === 'kept' && !isHairpin;
  if (isKept) return own === undefined ? "the client's own address" : `${own} (the client's own address)`;
  return `${node} (${entry.nodeName}${isHairpin ? ': an endpoint that reaches itself' : ", the client's address is hidden"})`;
}

function policySteps(hit: Hit, frontend: Frontend, port: PortDecision, entry: Entry): Step[] {
  const field = hit.kind === 'clusterIP' ? 'internalTrafficPolicy' : 'externalTrafficPolicy';
  const where =
    frontend.policy === 'Cluster'
      ? 'endpoints on any node'
      : entry.isInside && hit.kind !== 'clusterIP'
        ? 'a client on the node itself or in its pods may reach endpoints on any node'
        : `only endpoints on ${entry.nodeName}`;
  const steps: Step[] = [{ code: 'policy', text: `${field} ${frontend.policy}: ${where}` }];
  const { topology } = port;
  if (topology.mode === 'hint-node')
    steps.push({ code: 'topology', text: `every ready endpoint is hinted and some for node ${topology.node}: only those` });
  if (topology.mode === 'hint-zone')
    steps.push({ code: 'topology', text: `every ready endpoint is hinted and some for zone ${topology.zone}: only those` });
  if (topology.mode === 'topology-key') {
    const value = topology.key === '*' ? 'any endpoint' : `endpoints whose node has ${topology.value} as well`;
    steps.push({ code: 'topology', text: `topologyKeys: ${topology.key} is the first key that matches: ${value}` });
  }
  if (topology.mode === 'no-topology-key')
    steps.push({ code: 'topology', text: `topologyKeys ${topology.keys.join(', ')}: none matches any endpoint` });
  if (topology.mode === 'none' && topology.why !== 'not-asked' && topology.why !== 'no-ready-endpoint') {
    const why = {
      'endpoint-without-hint': 'some ready endpoint has no hint',
      'node-without-zone': `${entry.nodeName} has no zone label`,
      'no-hint-for-here': `no endpoint is hinted for ${entry.nodeName} or its zone`,
    }[topology.why];
    steps.push({ code: 'topology', text: `hints play no part: ${why}` });
  }
  if (frontend.sourceRanges !== undefined)
    steps.push({
      code: 'source-ranges',
      text: `only clients in ${frontend.sourceRanges.join(', ')} are admitted; others are dropped`,
    });
  if (frontend.affinity !== undefined) {
    const { timeoutSeconds } = frontend.affinity;
    steps.push({
      code: 'affinity',
      text: `ClientIP: a client keeps its endpoint for ${timeoutSeconds} s after each new connection, node by node and frontend by frontend`,
    });
  }
  return steps;
}

/** Endpoints of the Service that no entry uses, each with the reason of the first entry. */
function excludedLines(
  decisions: readonly { readonly port?: PortDecision; readonly frontend?: Frontend; readonly entry: Entry }[],
  used: ReadonlySet<string>,
): ExcludedEndpoint[] {
  const excluded = new Map<string, ExcludedEndpoint>();
  for (const { port, frontend, entry } of decisions) {
    if (port === undefined || frontend === undefined) continue;
    const target = entry.isInside ? frontend.inside : frontend.outside;
    const isLocalList = target.kind === 'endpoints' ? target.list === 'Local' : target.reason.code === 'no-local-endpoint';
    for (const line of port.endpoints) {
      const key = line.port === undefined ? `${line.address} ${line.slice}` : formatHostPort(line.address, line.port);
      if (used.has(key) || excluded.has(key)) continue;
      const reason = isLocalList ? (line.local ?? line.cluster) : line.cluster;
      if (reason.used) continue;
      excluded.set(key, {
        address: line.address,
        ...(line.port === undefined ? {} : { port: line.port }),
        ...podOf(line),
        ...(line.nodeName === undefined ? {} : { node: line.nodeName }),
        code: reason.code,
        reason: reasonText(reason),
      });
    }
  }
  return [...excluded.values()];
}

/** Pods that the selector picks and that are no endpoints at all. */
function excludedPods(world: World, service: Service, family: IpFamily): ExcludedEndpoint[] {
  if (!hasManagedEndpoints(service)) return [];
  const texts = {
    'no-ip': `it has no ${family} address`,
    finished: 'it has finished (phase Succeeded or Failed)',
    'node-missing': 'its Node object does not exist',
  };
  return world.pods.flatMap((pod): ExcludedEndpoint[] => {
    if (!selects(service, pod)) return [];
    const result = endpointOfPod(service, pod, nodeMap(world), family);
    if (result.excluded === undefined || result.excluded === 'selector-mismatch') return [];
    const node = pod.spec?.nodeName;
    return [{ pod: nameOf(pod), ...(node === undefined ? {} : { node }), code: result.excluded, reason: texts[result.excluded] }];
  });
}

function podOf(line: EndpointLine | undefined): { readonly pod?: string } {
  const reference = line?.targetRef;
  return reference?.kind === 'Pod' ? { pod: `${reference.namespace}/${reference.name}` } : {};
}
