/**
 * The decision as a value: what happens to a request for each frontend of one Service on one node in one family, and why
 * each endpoint is or is not used. Plain JSON, so that it can be printed, sent and compared.
 */
import type { IpFamily, Protocol } from '../net/index.ts';
import type { EndpointReason, FrontendReason, SkipReason, TargetReason } from './reasons.ts';

/** What one Service does on one node for one address family. */
export interface RoutingDecision {
  readonly namespace: string;
  readonly name: string;
  readonly family: IpFamily;
  /** The node on which this holds. */
  readonly nodeName: string;
  /** metadata.creationTimestamp, `''` when absent: the oldest Service wins a frontend that two claim. */
  readonly createdAt: string;
  /** Why the Service has no frontends here; then `ports` is empty. */
  readonly skipped?: SkipReason;
  readonly ports: readonly PortDecision[];
  /** Present for a LoadBalancer Service with externalTrafficPolicy Local: what the health-check node port answers. */
  readonly healthCheck?: HealthCheckDecision;
}

/** What the health-check-node-port server says: 200 when the count is not 0, else 503. */
export interface HealthCheckDecision {
  readonly port: number;
  /** Distinct ready addresses of this family on this node, over all ports of the Service. Terminating ones never count. */
  readonly localReadyCount: number;
}

/** One port of the Service. */
export interface PortDecision {
  /** `''` for the only port of a Service that names none. */
  readonly name: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly frontends: readonly Frontend[];
  /** Frontends that the Service asks for and does not get, with the reason. */
  readonly leftOut: readonly LeftOutFrontend[];
  /** How the Cluster list was narrowed. */
  readonly topology: Topology;
  /** Every endpoint of the Service's slices, used or not, in the order of address and port. */
  readonly endpoints: readonly EndpointLine[];
}

export type FrontendKind = 'clusterIP' | 'externalIP' | 'loadBalancerIP' | 'nodePort';

/** An address and port at which clients reach the Service. */
export interface Frontend {
  readonly kind: FrontendKind;
  /** Absent for a node port, which answers on the node's own addresses. */
  readonly address?: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** internalTrafficPolicy for a cluster IP, externalTrafficPolicy for all others. */
  readonly policy: TrafficPolicy;
  /** A client on this node or in one of its pods. */
  readonly inside: Target;
  /** Any other client. */
  readonly outside: Target;
  /** Which source address the endpoint sees. An endpoint that reaches itself always sees the node (hairpin). */
  readonly source: SourceHandling;
  readonly affinity?: Affinity;
  /** Client prefixes that are admitted; all others are dropped. Absent: everybody. Never overlapping. */
  readonly sourceRanges?: readonly string[];
}

export type TrafficPolicy = 'Cluster' | 'Local';

/** Session affinity by client address; every new connection restarts the timer. */
export interface Affinity {
  readonly timeoutSeconds: number;
}

/** Whether the client's address survives, by where the client is. */
export interface SourceHandling {
  readonly pod: SourceAddress;
  readonly node: SourceAddress;
  readonly outside: SourceAddress;
}

/** `kept`: the endpoint sees the client. `masqueraded`: it sees the node. */
export type SourceAddress = 'kept' | 'masqueraded';

/** Where a new connection goes. Each of the endpoints is equally likely. */
export type Target =
  | { readonly kind: 'endpoints'; readonly list: TrafficPolicy; readonly endpoints: readonly EndpointAddress[] }
  | { readonly kind: 'reject'; readonly reason: TargetReason }
  | { readonly kind: 'drop'; readonly reason: TargetReason };

/** A destination, canonical address text. */
export interface EndpointAddress {
  readonly address: string;
  readonly port: number;
  /** It is on this node. */
  readonly isLocal: boolean;
}

/** One endpoint of one slice, seen from one port of the Service. */
export interface EndpointLine {
  /** The first address of the endpoint; later ones are never used (k8s pkg/proxy, v1.36). */
  readonly address: string;
  /** Absent when the slice has no such port. */
  readonly port?: number;
  readonly slice: string;
  readonly nodeName?: string;
  readonly zone?: string;
  readonly hostname?: string;
  /** What stands behind the address, usually a Pod. */
  readonly targetRef?: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly isLocal: boolean;
  readonly conditions: { readonly ready: boolean; readonly serving: boolean; readonly terminating: boolean };
  /** Some frontend sends connections to it. */
  readonly used: boolean;
  /** Its place in the Cluster list: any client under policy Cluster, inside clients of external frontends always. */
  readonly cluster: EndpointReason;
  /** Its place in the Local list. Absent when no frontend asks for that list. */
  readonly local?: EndpointReason;
}

/** How the ready endpoints of the Cluster list were narrowed to those near this node. */
export type Topology =
  | { readonly mode: 'none'; readonly why: NoTopologyCode }
  | { readonly mode: 'hint-node'; readonly node: string }
  | { readonly mode: 'hint-zone'; readonly zone: string }
  /** The first key of topologyKeys that matched some endpoint; `*` matches all. */
  | { readonly mode: 'topology-key'; readonly key: string; readonly value: string }
  /** topologyKeys, none of which matched: nobody is served. */
  | { readonly mode: 'no-topology-key'; readonly keys: readonly string[] };

/**
 * Why topology plays no part: nothing asks for it; some ready endpoint has no hint; this node has no zone label; no
 * endpoint is hinted for this node or its zone; no endpoint is ready.
 */
export type NoTopologyCode =
  | 'not-asked'
  | 'endpoint-without-hint'
  | 'node-without-zone'
  | 'no-hint-for-here'
  | 'no-ready-endpoint';

/** A frontend that is asked for and not served. */
export interface LeftOutFrontend {
  readonly kind: FrontendKind;
  readonly address: string;
  readonly port: number;
  readonly protocol: Protocol;
  readonly reason: FrontendReason;
}
