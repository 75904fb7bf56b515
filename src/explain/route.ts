/** From an address and port to the endpoints behind it: the decision of every node that the packet may enter, with shares. */
import type { Service } from '../api/index.ts';
import { cidrContains, compareIps, formatHostPort, ipFamilyOf, parseCidr, parseIp } from '../net/index.ts';
import type { IpFamily } from '../net/index.ts';
import { reasonText } from '../routing/index.ts';
import type { EndpointLine, TargetReason } from '../routing/index.ts';
import { endpointOfPod, hasManagedEndpoints, selects } from '../slices/index.ts';
import type { ClientPlace } from './client-place.ts';
import type { CandidateEndpoint, ExcludedEndpoint, Finding, SeenAddress, Step } from './explanation.ts';
import { frontendOn, podNamed } from './frontends.ts';
import type { Destination, Owner, ServedFrontend } from './frontends.ts';
import { troubleOf } from './pod-state.ts';
import { policySteps } from './policy-steps.ts';
import { seenThrough } from './source-address.ts';
import type { Entry } from './source-address.ts';
import { nameOf, nodeMap } from './world.ts';
import type { World } from './world.ts';

export interface Routed {
  readonly outcome: 'endpoints' | 'refused' | 'dropped' | 'unreachable';
  readonly summary: string;
  readonly steps: readonly Step[];
  readonly candidates: readonly CandidateEndpoint[];
  readonly excluded: readonly ExcludedEndpoint[];
  readonly findings: readonly Finding[];
  readonly affinity?: { readonly timeoutSeconds: number };
  /** The frontend that answers, on the first entry that has one. */
  readonly served?: ServedFrontend;
  /** Why connections end without an endpoint, where all do. */
  readonly failure?: Failure;
}

/** Why a packet that entered at a node gets nowhere. */
export type Failure =
  | { readonly kind: 'reject' | 'drop'; readonly reason: TargetReason }
  | { readonly kind: 'drop'; readonly sourceRanges: readonly string[]; readonly address: string }
  | { readonly kind: 'not-served' };

interface Arrival {
  readonly entry: Entry;
  readonly served?: ServedFrontend;
  readonly failure?: Failure;
}

/** What becomes of a packet to the destination that enters at these nodes. */
export function routeThrough(
  world: World,
  client: ClientPlace,
  owners: readonly Owner[],
  destination: Destination,
  entries: readonly Entry[],
): Routed {
  const family = ipFamilyOf(destination.address) ?? 'IPv4';
  const arrivals = entries.map((entry) => arrive(client, entry, frontendOn(world, owners, destination, entry.nodeName), family));
  const candidates = candidatesOf(world, client, arrivals);
  const first = arrivals.find((arrival) => arrival.served !== undefined)?.served;
  const used = new Set(candidates.map((candidate) => formatHostPort(candidate.address, candidate.port ?? 0)));
  const affinity = first?.frontend.affinity;
  const shared = {
    steps: policySteps(arrivals),
    candidates,
    excluded: [
      ...excludedLines(world, arrivals, used),
      ...(first === undefined ? [] : excludedPods(world, first.service, family)),
    ],
    findings: sourceFindings(client, arrivals, family),
    ...(affinity === undefined || candidates.length === 0 ? {} : { affinity }),
    ...(first === undefined ? {} : { served: first }),
  };
  const failures = arrivals.filter((arrival) => arrival.failure !== undefined);
  if (candidates.length > 0) {
    const lost = failures.reduce((sum, arrival) => sum + arrival.entry.weight, 0);
    const tail = lost > 0 ? `; ${percent(lost)} of connections enter where nobody is and are lost` : '';
    const summary = `${candidates.length === 1 ? 'one endpoint' : `one of ${candidates.length} endpoints`} gets the connection${tail}`;
    return { ...shared, outcome: 'endpoints', summary };
  }
  const failure = failures[0]?.failure ?? { kind: 'not-served' };
  return { ...shared, ...verdictOf(failure), failure };
}

/** `12.5 %`. */
export function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}

function arrive(client: ClientPlace, entry: Entry, served: ServedFrontend | undefined, family: IpFamily): Arrival {
  if (served === undefined) return { entry, failure: { kind: 'not-served' } };
  const { frontend } = served;
  const own = client.addresses.find((address) => ipFamilyOf(address) === family);
  if (frontend.sourceRanges !== undefined && own !== undefined && !isAdmitted(frontend.sourceRanges, own))
    return { entry, served, failure: { kind: 'drop', sourceRanges: frontend.sourceRanges, address: own } };
  const target = entry.isInside ? frontend.inside : frontend.outside;
  return target.kind === 'endpoints'
    ? { entry, served }
    : { entry, served, failure: { kind: target.kind, reason: target.reason } };
}

function isAdmitted(ranges: readonly string[], address: string): boolean {
  const ip = parseIp(address);
  return ranges.some((text) => {
    const cidr = parseCidr(text);
    return cidr !== undefined && ip !== undefined && cidrContains(cidr, ip);
  });
}

function candidatesOf(world: World, client: ClientPlace, arrivals: readonly Arrival[]): CandidateEndpoint[] {
  const candidates = new Map<string, CandidateEndpoint>();
  for (const { entry, served, failure } of arrivals) {
    if (served === undefined || failure !== undefined) continue;
    const { frontend, port } = served;
    const target = entry.isInside ? frontend.inside : frontend.outside;
    if (target.kind !== 'endpoints') continue;
    for (const { address, port: number } of target.endpoints) {
      const key = formatHostPort(address, number);
      const share = entry.weight / target.endpoints.length;
      const seen = seenThrough(world, client, entry, frontend, address);
      const known = candidates.get(key);
      if (known !== undefined) {
        candidates.set(key, { ...known, share: known.share + share, seenAs: withSeen(known.seenAs, seen) });
        continue;
      }
      const line = port.endpoints.find((candidate) => candidate.address === address && candidate.port === number);
      const reason = line === undefined ? undefined : target.list === 'Local' ? (line.local ?? line.cluster) : line.cluster;
      candidates.set(key, {
        address,
        port: number,
        ...whoIs(line),
        share,
        reason: reason === undefined ? 'ready' : reasonText(reason),
        seenAs: [seen],
      });
    }
  }
  return [...candidates.values()].sort((a, b) => b.share - a.share || compareTexts(a.address, b.address));
}

/** By value: 10.244.1.9 before 10.244.1.12. */
function compareTexts(a: string, b: string): number {
  const [left, right] = [parseIp(a), parseIp(b)];
  return left === undefined || right === undefined ? 0 : compareIps(left, right);
}

function withSeen(known: readonly SeenAddress[], seen: SeenAddress): readonly SeenAddress[] {
  return known.some((other) => other.address === seen.address && other.source === seen.source && other.node === seen.node)
    ? known
    : [...known, seen];
}

function verdictOf(failure: Failure): Pick<Routed, 'outcome' | 'summary'> {
  if (failure.kind === 'not-served') return { outcome: 'unreachable', summary: 'no node serves this address and port' };
  if ('sourceRanges' in failure) {
    const ranges = failure.sourceRanges.join(', ');
    const summary = `dropped: loadBalancerSourceRanges admit ${ranges} only, and the client is ${failure.address}`;
    return { outcome: 'dropped', summary };
  }
  const why = reasonText(failure.reason);
  return failure.kind === 'drop'
    ? { outcome: 'dropped', summary: `dropped: the client hears nothing and times out, because ${why}` }
    : { outcome: 'refused', summary: `refused at once, because ${why}` };
}

function sourceFindings(client: ClientPlace, arrivals: readonly Arrival[], family: IpFamily): Finding[] {
  const ranges = arrivals.find((arrival) => arrival.served?.frontend.sourceRanges !== undefined)?.served?.frontend.sourceRanges;
  if (ranges === undefined || client.addresses.some((address) => ipFamilyOf(address) === family)) return [];
  const text = `only clients in ${ranges.join(', ')} are admitted, others are dropped; ask with --from outside/ADDRESS for a certain one`;
  return [{ kind: 'warning', code: 'source-not-known', text }];
}

/** Endpoints of the Service that no entry uses, each with the reason of the first entry. */
function excludedLines(world: World, arrivals: readonly Arrival[], used: ReadonlySet<string>): ExcludedEndpoint[] {
  const excluded = new Map<string, ExcludedEndpoint>();
  for (const { served, entry, failure } of arrivals) {
    // a client that is not let in has no endpoints to choose from
    if (served === undefined || (failure !== undefined && 'sourceRanges' in failure)) continue;
    const target = entry.isInside ? served.frontend.inside : served.frontend.outside;
    const isLocalList = target.kind === 'endpoints' ? target.list === 'Local' : target.reason.code === 'no-local-endpoint';
    for (const line of served.port.endpoints) {
      const key = line.port === undefined ? `${line.address} ${line.slice}` : formatHostPort(line.address, line.port);
      if (used.has(key) || excluded.has(key)) continue;
      const reason = isLocalList ? (line.local ?? line.cluster) : line.cluster;
      // a dual-stack Service has each of its pods twice; the other family's are no news
      if (reason.used || (reason.code === 'wrong-family' && isDualStack(served.service))) continue;
      excluded.set(key, {
        address: line.address,
        ...(line.port === undefined ? {} : { port: line.port }),
        ...whoIs(line),
        code: reason.code,
        reason: `${reasonText(reason)}${troubleText(world, whoIs(line).pod, reason.code)}`,
      });
    }
  }
  return [...excluded.values()];
}

function isDualStack(service: Service): boolean {
  return (service.spec?.ipFamilies ?? []).length > 1;
}

/** What the pod's status adds to "not ready". */
export function troubleText(world: World, pod: string | undefined, code: string): string {
  if (code !== 'not-ready' && code !== 'not-serving') return '';
  const object = podNamed(world, pod);
  const trouble = object === undefined ? undefined : troubleOf(object);
  return trouble === undefined ? '' : `: ${trouble}`;
}

/** Pods that the selector picks and that are no endpoints at all. */
export function excludedPods(world: World, service: Service, family: IpFamily): ExcludedEndpoint[] {
  if (!hasManagedEndpoints(service)) return [];
  const texts = {
    'no-ip': `it has no ${family} address`,
    finished: 'it has finished (phase Succeeded or Failed)',
    'node-missing': 'its Node object does not exist',
  };
  return world.pods.flatMap((pod): ExcludedEndpoint[] => {
    if (!selects(service, pod)) return [];
    const { excluded: code } = endpointOfPod(service, pod, nodeMap(world), family);
    if (code === undefined || code === 'selector-mismatch') return [];
    const node = pod.spec?.nodeName;
    const trouble = code === 'no-ip' ? troubleOf(pod) : undefined;
    const reason = `${texts[code]}${trouble === undefined ? '' : `: ${trouble}`}`;
    return [{ pod: nameOf(pod), ...(node === undefined ? {} : { node }), code, reason }];
  });
}

/** The pod and node of an endpoint, as far as its slice says. */
export function whoIs(line: EndpointLine | undefined): { readonly pod?: string; readonly node?: string } {
  const reference = line?.targetRef;
  return {
    ...(reference?.kind === 'Pod' ? { pod: `${reference.namespace}/${reference.name}` } : {}),
    ...(line?.nodeName === undefined ? {} : { node: line.nodeName }),
  };
}
