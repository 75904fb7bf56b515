/**
 * Hints of topology-mode Auto (KEP-2433): every zone gets endpoints in proportion to its CPUs. Source: k8s
 * staging/src/k8s.io/endpointslice/topologycache v1.36; other than there, ties go by name, so that the same objects give the same hints.
 */
import { quantityToNumber } from '../api/index.ts';
import type { Node, Service } from '../api/index.ts';

/** Annotations that ask for it; the first is deprecated and read first. */
export const topologyModeAnnotations = [
  'service.kubernetes.io/topology-aware-hints',
  'service.kubernetes.io/topology-mode',
] as const;

const zoneLabel = 'topology.kubernetes.io/zone';
const controlPlaneLabels = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];
/** How much more than its share of the load an endpoint may get. */
const overloadThreshold = 0.2;
/** What floating-point arithmetic may be off by. */
const epsilon = 1e-9;

/** Each zone's share of the CPUs, or why nothing can be shared out. */
export type ZoneShares =
  | { readonly shares: ReadonlyMap<string, number>; readonly refusal?: undefined }
  | { readonly refusal: string };

/** An endpoint that is ready. */
export interface HintedEndpoint {
  /** By this the order of equals is settled. */
  readonly id: string;
  readonly zone?: string;
  /** The zone that it is hinted for now. */
  readonly hint?: string;
}

/** A zone for each endpoint, in the order given, or why there are none. */
export type ZoneAllocation = { readonly zones: readonly string[]; readonly refusal?: undefined } | { readonly refusal: string };

/** Whether the Service asks for topology-mode Auto; it then counts before spec.trafficDistribution. */
export function usesTopologyMode(service: Service): boolean {
  const annotations = service.metadata?.annotations ?? {};
  const [first, second] = topologyModeAnnotations;
  const value = annotations[first] ?? annotations[second];
  return value === 'Auto' || value === 'auto';
}

/** What of a node counts for `zoneSharesOf`, as a text to compare; undefined for nodes that do not count. */
export function topologyFactsOf(node: Node): string | undefined {
  const labels = node.metadata?.labels ?? {};
  const isReady = node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  if (!isReady || controlPlaneLabels.some((label) => labels[label] !== undefined)) return undefined;
  return `${labels[zoneLabel] ?? ''} ${String(node.status?.allocatable?.['cpu'] ?? '')}`;
}

/** Shares of the ready nodes outside the control plane. One node without zone or CPU makes it impossible for all. */
export function zoneSharesOf(nodes: Iterable<Node>): ZoneShares {
  const cpus = new Map<string, number>();
  let total = 0;
  for (const node of nodes) {
    if (topologyFactsOf(node) === undefined) continue;
    const zone = node.metadata?.labels?.[zoneLabel] ?? '';
    const cpu = quantityToNumber(node.status?.allocatable?.['cpu']);
    if (zone === '' || !(cpu > 0))
      return { refusal: 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes' };
    cpus.set(zone, (cpus.get(zone) ?? 0) + cpu);
    total += cpu;
  }
  if (cpus.size < 2) return { refusal: 'Nodes only ready in one zone' };
  return { shares: new Map([...cpus].map(([zone, cpu]) => [zone, cpu / total])) };
}

/**
 * Shares out ready endpoints. What is hinted already stays while no zone has too few or too many; else each goes to its own
 * zone, and zones with too many give to those with too few.
 */
export function allocateZones(endpoints: readonly HintedEndpoint[], table: ZoneShares): ZoneAllocation {
  if (table.refusal !== undefined) return { refusal: table.refusal };
  const { shares } = table;
  const counted = `(${endpoints.length} endpoints, ${shares.size} zones)`;
  if (endpoints.length < shares.size) return { refusal: `Insufficient number of endpoints ${counted}` };
  const limits = limitsOf(shares, endpoints.length);
  if (limits === undefined) {
    return {
      refusal: `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold ${counted}`,
    };
  }
  const own: string[] = [];
  for (const { zone } of endpoints) {
    if (zone === undefined || zone === '') return { refusal: 'One or more endpoints do not have a zone specified' };
    own.push(zone);
  }
  const kept = endpoints.map(({ hint }, index) => (hint !== undefined && shares.has(hint) ? hint : (own[index] ?? '')));
  return { zones: isWithin(kept, limits) ? kept : redistribute(endpoints, own, limits) };
}

interface Limits {
  readonly minimum: number;
  readonly maximum: number;
  /** What the zone would get if endpoints could be cut. */
  readonly target: number;
}

/** Undefined when the minima are more than there are endpoints. */
function limitsOf(shares: ReadonlyMap<string, number>, count: number): Map<string, Limits> | undefined {
  const minima = new Map<string, number>();
  let total = 0;
  for (const [zone, share] of shares) {
    const minimum = Math.ceil((share * count) / (1 + overloadThreshold) - epsilon);
    minima.set(zone, minimum);
    total += minimum;
  }
  if (total > count) return undefined;
  const spare = count - total;
  return new Map(
    [...minima].map(([zone, minimum]) => [
      zone,
      { minimum, maximum: minimum + spare, target: Math.max((shares.get(zone) ?? 0) * count, minimum) },
    ]),
  );
}

function isWithin(zones: readonly string[], limits: ReadonlyMap<string, Limits>): boolean {
  const counts = countsOf(zones);
  for (const zone of counts.keys()) if (!limits.has(zone)) return false;
  for (const [zone, { minimum, maximum }] of limits) {
    const count = counts.get(zone) ?? 0;
    if (count < minimum || count > maximum) return false;
  }
  return true;
}

/**
 * Biggest giver to biggest receiver, one endpoint at a time, while it brings both nearer to their targets; then until no zone is
 * below its minimum, where upstream stops short and a zone may go without.
 */
function redistribute(
  endpoints: readonly HintedEndpoint[],
  own: readonly string[],
  limits: ReadonlyMap<string, Limits>,
): readonly string[] {
  const zones = [...own];
  const counts = countsOf(own);
  const order = endpoints.map((_, index) => index).sort((a, b) => compareText(endpoints[a]?.id ?? '', endpoints[b]?.id ?? ''));
  const surplusTo = (goal: 'target' | 'minimum'): (readonly [zone: string, surplus: number])[] =>
    [...new Set([...limits.keys(), ...counts.keys()])].map((zone) => [
      zone,
      (counts.get(zone) ?? 0) - (limits.get(zone)?.[goal] ?? 0),
    ]);
  const move = (giver: string, receiver: string): boolean => {
    const candidates = order.filter((index) => zones[index] === giver);
    // one that is hinted for the receiver already need not be written
    const chosen = candidates.find((index) => endpoints[index]?.hint === receiver) ?? candidates[0];
    if (chosen === undefined) return false;
    zones[chosen] = receiver;
    counts.set(giver, (counts.get(giver) ?? 0) - 1).set(receiver, (counts.get(receiver) ?? 0) + 1);
    return true;
  };
  for (;;) {
    const surpluses = surplusTo('target');
    const [giver, toGive] = most(surpluses, 1);
    const [receiver, missing] = most(surpluses, -1);
    // a zone of endpoints in which no node counts has nobody to serve: it gives all
    const isWorthwhile = toGive >= 0.5 && -missing >= 0.5 && (toGive >= 1 || -missing >= 1);
    if (!(isWorthwhile || (!limits.has(giver) && toGive > 0)) || !move(giver, receiver)) break;
  }
  for (;;) {
    const surpluses = surplusTo('minimum');
    const [receiver, missing] = most(surpluses, -1);
    if (missing >= 0 || !move(most(surpluses, 1)[0], receiver)) return zones;
  }
}

/** The zone with the largest surplus (`sign` 1) or lack (-1), of equals the first by name. */
function most(surpluses: readonly (readonly [zone: string, surplus: number])[], sign: 1 | -1): readonly [string, number] {
  let best: readonly [string, number] = ['', -sign * Number.POSITIVE_INFINITY];
  for (const entry of surpluses) {
    const difference = sign * (entry[1] - best[1]);
    if (difference > epsilon || (difference > -epsilon && compareText(entry[0], best[0]) < 0)) best = entry;
  }
  return best;
}

function countsOf(zones: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const zone of zones) counts.set(zone, (counts.get(zone) ?? 0) + 1);
  return counts;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
