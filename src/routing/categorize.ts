/**
 * The Cluster list and the Local list of one Service port, with a reason for every endpoint. Source: k8s
 * pkg/proxy/topology.go v1.36 (CategorizeEndpoints) and v1.20 (FilterTopologyEndpoint).
 */
import type { NoTopologyCode, Topology } from './decision.ts';
import type { EndpointReason } from './reasons.ts';
import type { Candidate } from './endpoints.ts';
import type { NodeLookup } from './node-labels.ts';
import { endpointTopologyValue, nodeTopologyValue, zoneOf } from './node-labels.ts';

export interface CategorizeInput {
  readonly nodes: NodeLookup;
  readonly nodeName: string;
  /** Empty: hints decide. */
  readonly topologyKeys: readonly string[];
  /** False: nobody asks for the Local list, and it comes out empty. */
  readonly needsLocal: boolean;
}

export interface Categories {
  /** Reason of each candidate for the Cluster list, in the order given. */
  readonly cluster: readonly EndpointReason[];
  /** The same for the Local list. */
  readonly local: readonly EndpointReason[];
  readonly topology: Topology;
  /** Some endpoint is usable (ready, or terminating and still serving) on some node. */
  readonly hasAny: boolean;
}

/**
 * Sorts the candidates into the two lists.
 *
 * - Cluster: the ready ones that topology admits; when none is ready anywhere, those that are terminating and still serve.
 *   Hints are ignored in that fallback; topologyKeys are not, since they promise that traffic never leaves their bounds.
 * - Local: the ready ones on this node; when there are none, those on this node that are terminating and still serve.
 *   Topology never narrows it.
 */
export function categorize(candidates: readonly Candidate[], input: CategorizeInput): Categories {
  const ready: Candidate[] = [];
  const draining: Candidate[] = [];
  let hasLocalReady = false;
  for (const candidate of candidates) {
    if (candidate.unfit !== undefined) continue;
    const { ready: isReady, serving, terminating } = candidate.facts.conditions;
    if (isReady) {
      ready.push(candidate);
      if (candidate.facts.isLocal) hasLocalReady = true;
    } else if (serving && terminating) draining.push(candidate);
  }
  const pool = ready.length > 0 ? ready : draining;
  const topology = chooseTopology(pool, ready.length > 0, input);
  return {
    cluster: candidates.map((candidate) => unusable(candidate, ready.length > 0) ?? clusterReason(candidate, topology, input)),
    local: input.needsLocal ? candidates.map((candidate) => localReason(candidate, hasLocalReady)) : [],
    topology,
    hasAny: pool.length > 0,
  };
}

/** One for all: of most endpoints there is nothing more to say. */
const isReadyReason: EndpointReason = { used: true, code: 'ready' };
const isFallbackReason: EndpointReason = { used: true, code: 'fallback-terminating' };

/** Why the endpoint is in no list whatever the topology, or undefined when it is in the running. */
function unusable(candidate: Candidate, hasReady: boolean): EndpointReason | undefined {
  if (candidate.unfit !== undefined) return candidate.unfit;
  const { ready, serving, terminating } = candidate.facts.conditions;
  if (ready) return undefined;
  if (!terminating) return { used: false, code: 'not-ready' };
  if (!serving) return { used: false, code: 'not-serving' };
  return hasReady ? { used: false, code: 'terminating' } : undefined;
}

function clusterReason(candidate: Candidate, topology: Topology, input: CategorizeInput): EndpointReason {
  switch (topology.mode) {
    case 'none':
      return candidate.facts.conditions.ready ? isReadyReason : isFallbackReason;
    case 'hint-node': {
      const { node } = topology;
      const { nodes } = candidate.hints;
      return nodes.includes(node)
        ? { used: true, code: 'hint-node', node }
        : { used: false, code: 'hint-node', node, hinted: nodes };
    }
    case 'hint-zone': {
      const { zone } = topology;
      const { zones } = candidate.hints;
      return zones.includes(zone)
        ? { used: true, code: 'hint-zone', zone }
        : { used: false, code: 'hint-zone', zone, hinted: zones };
    }
    case 'no-topology-key':
      return { used: false, code: 'no-topology-key', keys: topology.keys };
    case 'topology-key': {
      const { key, value } = topology;
      const have = key === '*' ? value : endpointTopologyValue(input.nodes, candidate.facts, key);
      if (have === value) return { used: true, code: 'topology-key', key, value };
      return { used: false, code: 'topology-key', key, want: value, ...(have === undefined ? {} : { have }) };
    }
  }
}

function localReason(candidate: Candidate, hasLocalReady: boolean): EndpointReason {
  if (candidate.unfit !== undefined) return candidate.unfit;
  const { isLocal, nodeName, conditions } = candidate.facts;
  if (!isLocal) return { used: false, code: 'other-node', ...(nodeName === undefined ? {} : { node: nodeName }) };
  return unusable(candidate, hasLocalReady) ?? (conditions.ready ? isReadyReason : isFallbackReason);
}

function chooseTopology(pool: readonly Candidate[], areReady: boolean, input: CategorizeInput): Topology {
  if (input.topologyKeys.length > 0) return matchTopologyKeys(pool, input);
  if (!areReady) return { mode: 'none', why: 'no-ready-endpoint' };
  return chooseByHints(pool, input);
}

/** The first key that some endpoint of the pool shares with this node wins entirely; `*` matches everything. */
function matchTopologyKeys(pool: readonly Candidate[], { topologyKeys, nodes, nodeName }: CategorizeInput): Topology {
  for (const key of topologyKeys) {
    if (key === '*') return { mode: 'topology-key', key, value: '*' };
    const value = nodeTopologyValue(nodes.get(nodeName), nodeName, key);
    if (value !== undefined && pool.some((candidate) => endpointTopologyValue(nodes, candidate.facts, key) === value)) {
      return { mode: 'topology-key', key, value };
    }
  }
  return { mode: 'no-topology-key', keys: topologyKeys };
}

/** Hints count only when every ready endpoint has one, and some are for this node or its zone (KEP-2433, KEP-3015). */
function chooseByHints(ready: readonly Candidate[], { nodes, nodeName }: CategorizeInput): Topology {
  if (
    ready.every((candidate) => candidate.hints.nodes.length > 0) &&
    ready.some((candidate) => candidate.hints.nodes.includes(nodeName))
  ) {
    return { mode: 'hint-node', node: nodeName };
  }
  const none = (why: NoTopologyCode): Topology => ({ mode: 'none', why });
  if (!ready.some((candidate) => candidate.hints.zones.length > 0 || candidate.hints.nodes.length > 0)) return none('not-asked');
  if (!ready.every((candidate) => candidate.hints.zones.length > 0)) return none('endpoint-without-hint');
  const zone = zoneOf(nodes.get(nodeName));
  if (zone === undefined) return none('node-without-zone');
  return ready.some((candidate) => candidate.hints.zones.includes(zone)) ? { mode: 'hint-zone', zone } : none('no-hint-for-here');
}
