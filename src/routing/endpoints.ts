/** Slices -> the endpoints of one Service port, each once, with those that cannot count told apart. Source: k8s pkg/proxy/endpointslicecache.go v1.36. */
import { objectsIn, textsIn } from '../api/index.ts';
import type { EndpointSlice } from '../api/index.ts';
import type { IpFamily, Protocol } from '../net/index.ts';
import { formatHostPort, isPort } from '../net/index.ts';
import type { EndpointLine } from './decision.ts';
import type { EndpointReason } from './reasons.ts';
import { canonicalIp } from './addresses.ts';

export const headlessLabel = 'service.kubernetes.io/headless';
export const serviceNameLabel = 'kubernetes.io/service-name';

/** A line that is still being written: its facts first, its place in the lists later. */
export type Facts = { -readonly [K in keyof EndpointLine]: EndpointLine[K] };

/** An endpoint before any policy. `unfit` says why it cannot be an endpoint of this port at all. */
export interface Candidate {
  /** The candidate's own: `used`, `cluster` and `local` are set once the lists are known. */
  readonly facts: Facts;
  readonly hints: Hints;
  readonly unfit?: EndpointReason | undefined;
}

interface Hints {
  readonly nodes: readonly string[];
  readonly zones: readonly string[];
}

/** What to collect for. */
export interface CollectInput {
  readonly portName: string;
  readonly protocol: Protocol;
  readonly family: IpFamily;
  readonly nodeName: string;
}

/**
 * Every endpoint of the slices as seen from one Service port, sorted by address and port text, a fit one before its
 * duplicates. Of the same address and port in several slices the copy that is not terminating counts, then the ready one, then that
 * of the first slice by name: its hints must be the same on every node, whatever the order in which slices came.
 * A nil `ready` or `serving` means true, a nil `terminating` false; a port joins by name and protocol. What no server that validates
 * would hold (an endpoint that is none, a port 70000) is passed over.
 */
export function collectEndpoints(slices: readonly EndpointSlice[], input: CollectInput): readonly Candidate[] {
  const fit: Candidate[] = [];
  const unfit: Candidate[] = [];
  for (const slice of slices) {
    const port = portOf(slice, input);
    const fault = sliceFault(slice, input, port);
    for (const endpoint of objectsIn(slice.endpoints)) {
      const text = textsIn(endpoint.addresses)[0] ?? '';
      const address = canonicalIp(text, input.family);
      const candidate: Candidate = {
        facts: factsOf(slice, endpoint, address ?? text, port, input.nodeName),
        hints: hintsOf(endpoint),
        unfit: fault ?? (address === undefined ? badAddress : undefined),
      };
      (candidate.unfit === undefined ? fit : unfit).push(candidate);
    }
  }
  const terminator = input.family === 'IPv4' ? ':' : ']';
  fit.sort((a, b) => compareHostPorts(a.facts, b.facts, terminator));
  const best = withoutDuplicates(fit, unfit);
  return unfit.length === 0 ? best : [...best, ...unfit.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))];
}

/** Of neighbours with the same address and port the best; the others go to `unfit`. */
function withoutDuplicates(sorted: readonly Candidate[], unfit: Candidate[]): readonly Candidate[] {
  const isSame = (a: Candidate, b: Candidate | undefined): boolean =>
    a.facts.address === b?.facts.address && a.facts.port === b.facts.port;
  if (!sorted.some((candidate, index) => isSame(candidate, sorted[index + 1]))) return sorted;
  const best: Candidate[] = [];
  for (const candidate of sorted) {
    const other = best.at(-1);
    if (other === undefined || !isSame(candidate, other)) {
      best.push(candidate);
      continue;
    }
    const [winner, loser] = isBetter(candidate, other) ? [candidate, other] : [other, candidate];
    best[best.length - 1] = winner;
    unfit.push({ ...loser, unfit: { used: false, code: 'duplicate', slice: winner.facts.slice } });
  }
  return best;
}

/** The order of the texts `10.0.0.1:80` or `[fd00::1]:80`, without making them. The terminator is what follows the address there. */
function compareHostPorts(a: Facts, b: Facts, terminator: string): number {
  if (a.address === b.address) return a.port === b.port ? 0 : String(a.port) < String(b.port) ? -1 : 1;
  const isShorter = a.address.length < b.address.length;
  const [short, long] = isShorter ? [a.address, b.address] : [b.address, a.address];
  const isBefore =
    short.length !== long.length && long.startsWith(short)
      ? isShorter === terminator < long.charAt(short.length)
      : a.address < b.address;
  return isBefore ? -1 : 1;
}

type Endpoint = NonNullable<EndpointSlice['endpoints']>[number];

function factsOf(slice: EndpointSlice, endpoint: Endpoint, address: string, port: number | undefined, ownNode: string): Facts {
  const { nodeName, zone, hostname, targetRef } = endpoint;
  const isLocal = nodeName === ownNode;
  const conditions = conditionsOf(endpoint);
  const name = slice.metadata?.name ?? '';
  // As nearly all are in a node's proxy, in one literal: an object that grows is laid out anew every few fields.
  if (port !== undefined && nodeName !== undefined && zone !== undefined && hostname === undefined && targetRef === undefined) {
    return { address, port, slice: name, nodeName, zone, isLocal, conditions, used: false, cluster: undecided };
  }
  // Filled in field by field: spreading what may be absent costs more than all else here.
  const facts = { address } as Facts;
  if (port !== undefined) facts.port = port;
  facts.slice = name;
  if (nodeName !== undefined) facts.nodeName = nodeName;
  if (zone !== undefined) facts.zone = zone;
  if (hostname !== undefined) facts.hostname = hostname;
  if (targetRef !== undefined && targetRef !== null) {
    facts.targetRef = { kind: targetRef.kind ?? '', namespace: targetRef.namespace ?? '', name: targetRef.name ?? '' };
  }
  facts.isLocal = isLocal;
  facts.conditions = conditions;
  return facts;
}

/** The endpoint's own object where nothing needs to be filled in. */
function conditionsOf({ conditions }: Endpoint): Facts['conditions'] {
  const { ready, serving, terminating } = conditions ?? {};
  if (conditions !== undefined && ready !== undefined && serving !== undefined && terminating !== undefined) {
    return conditions as Facts['conditions'];
  }
  return { ready: ready ?? true, serving: serving ?? true, terminating: terminating ?? false };
}

/** Stands where the lists are not known yet. */
const undecided: EndpointReason = { used: false, code: 'not-ready' };

function hintsOf({ hints }: Endpoint): Hints {
  if (hints === undefined || hints === null) return noHints;
  return { nodes: objectsIn(hints.forNodes).map(nameOf), zones: objectsIn(hints.forZones).map(nameOf) };
}

const noHints: Hints = { nodes: [], zones: [] };
const badAddress: EndpointReason = { used: false, code: 'bad-address' };

function nameOf({ name }: { readonly name: string }): string {
  return name;
}

function portOf(slice: EndpointSlice, { portName, protocol }: CollectInput): number | undefined {
  const ports = objectsIn(slice.ports);
  const port = ports.find((entry) => (entry.name ?? '') === portName && (entry.protocol ?? 'TCP') === protocol)?.port;
  return port !== undefined && isPort(port) ? port : undefined;
}

function sliceFault(
  slice: EndpointSlice,
  { family, portName, protocol }: CollectInput,
  port: number | undefined,
): EndpointReason | undefined {
  if (slice.metadata?.labels?.[headlessLabel] !== undefined) return { used: false, code: 'headless-slice' };
  if (slice.addressType !== family) return { used: false, code: 'wrong-family', addressType: slice.addressType };
  if (port === undefined)
    return { used: false, code: 'no-such-port', port: portName === '' ? protocol : `${portName}/${protocol}` };
  return undefined;
}

function isBetter(a: Candidate, b: Candidate): boolean {
  const difference = rank(a) - rank(b);
  return difference === 0 ? a.facts.slice < b.facts.slice : difference > 0;
}

function rank(candidate: Candidate): number {
  const { ready, serving, terminating } = candidate.facts.conditions;
  return (terminating ? 0 : 4) + (ready ? 2 : 0) + (serving ? 1 : 0);
}

function sortKey(candidate: Candidate): string {
  return `${formatHostPort(candidate.facts.address, candidate.facts.port ?? 0)} ${candidate.facts.slice}`;
}
