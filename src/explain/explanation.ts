/** An answer, as a plain value: what a request meets on its way, where it ends, and why nobody else gets it. */

/** One thing that happens on the way, in order. */
export interface Step {
  readonly code:
    | 'name'
    | 'cache'
    | 'frontend'
    | 'entry'
    | 'policy'
    | 'topology'
    | 'affinity'
    | 'source-ranges'
    | 'health-check'
    | 'note';
  readonly text: string;
}

/** Somebody who may get the request. */
export interface CandidateEndpoint {
  readonly address: string;
  /** Absent when the question names no port and none follows. */
  readonly port?: number;
  /** `namespace/name` of the pod behind it. */
  readonly pod?: string;
  readonly node?: string;
  /** Probability for one new connection without a pin, 0 to 1. */
  readonly share: number;
  /** Why it is chosen, as a sentence. */
  readonly reason: string;
  /** The addresses that the endpoint may see as its client: several when the packet may enter by several nodes. */
  readonly seenAs: readonly SeenAddress[];
}

/** What an endpoint sees as the address of its client, and why. */
export interface SeenAddress {
  /** Absent when it is the client's own and nobody said which that is. */
  readonly address?: string;
  /** `kept`: the client's own. `masqueraded`: that of the node which translated it. `hairpin`: the same, because an endpoint reaches itself. */
  readonly source: 'kept' | 'masqueraded' | 'hairpin';
  /** The node whose address it is. */
  readonly node?: string;
}

/** Somebody who belongs to the Service and does not get the request. */
export interface ExcludedEndpoint {
  readonly address?: string;
  readonly port?: number;
  readonly pod?: string;
  readonly node?: string;
  /** Stable reason code (routing's, or a pod exclusion of slices). */
  readonly code: string;
  readonly reason: string;
}

/**
 * `endpoints`: one of the candidates gets it. `refused`: an error at once. `dropped`: silence, then a time-out.
 * `names-only`: the name leads to pods directly (headless), the client picks. `alias`: the name stands for an outside name.
 * `direct`: the address is no Service; the packet goes there unchanged. `no-such-name`: nothing is sent.
 * `outside-name`: the name is none of the cluster, an outside name server must know it. `unreachable`: nobody routes
 * packets from there to that address. `invalid`: the API refuses the Service asked for (manifests only).
 */
export type Outcome =
  | 'endpoints'
  | 'refused'
  | 'dropped'
  | 'names-only'
  | 'alias'
  | 'direct'
  | 'no-such-name'
  | 'outside-name'
  | 'unreachable'
  | 'invalid';

/** Something to know or to repair: why there is no endpoint, or what will disappoint although everything is valid. */
export interface Finding {
  /** `cause`: it explains the outcome. `warning`: the outcome holds, and probably is not what was meant. */
  readonly kind: 'cause' | 'warning';
  readonly code: FindingCode;
  readonly text: string;
}

export type FindingCode =
  /** Nobody fills the endpoints of a Service without a selector. */
  | 'no-selector'
  | 'selector-matches-nothing'
  /** A pod that the selector nearly picks. */
  | 'near-miss'
  | 'pods-in-other-namespace'
  | 'pod-not-ready'
  | 'pod-pending'
  | 'pod-finished'
  | 'pod-terminating'
  | 'pod-without-address'
  | 'node-missing'
  | 'no-such-target-port'
  /** Pods are ready and no EndpointSlice lists them. */
  | 'slices-behind'
  | 'slice-without-label'
  | 'slice-without-port'
  | 'slice-of-other-family'
  | 'slice-not-ready'
  | 'port-not-declared'
  | 'target-port-ignored'
  | 'port-ignored'
  | 'host-name-mismatch'
  | 'endless-search'
  | 'outside-first'
  | 'pod-has-other-name'
  | 'name-alike'
  | 'node-resolver'
  | 'source-not-known'
  | 'object-refused';

/** One record of an answer. */
export interface AnsweredRecord {
  readonly type: string;
  /** As dig prints it. */
  readonly data: string;
  /** The object that gave it: `Service default/web (spec.clusterIPs)`, `EndpointSlice default/web-0`. */
  readonly from: string;
  /** The endpoint in its slice: `Pod/web-1`, or its label where it refers to nothing. */
  readonly endpoint?: string;
}

/** One question to the name server. */
export interface NameQuery {
  readonly type: string;
  /** `REFUSED`: no name of the cluster; a name server with forwarders passes it on. */
  readonly rcode: 'NOERROR' | 'NXDOMAIN' | 'REFUSED';
  readonly answers: readonly AnsweredRecord[];
  /** Why there is no record of the type (codes of names/). */
  readonly reason?: { readonly code: string; readonly message: string };
  readonly cache: NameCaching;
}

/** Where an answer may come from other than the objects as they are now. */
export interface NameCaching {
  /** `never`: the name server makes the answer anew each time. `forwarded`: (the rest of) the answer is another server's, and may be remembered here. */
  readonly server: 'never' | 'forwarded';
  /** How long whoever asked may remember what the cluster says, in seconds, denials too; absent for names of elsewhere. */
  readonly clientSeconds?: number;
}

/** One name that the resolver tries. */
export interface NameAttempt {
  /** Absolute, without the final dot. */
  readonly name: string;
  /** `alias`: a CNAME that leaves the cluster. `empty`: the name exists without such records. `foreign`: not below the cluster domain. */
  readonly result: 'found' | 'alias' | 'empty' | 'missing' | 'foreign';
  readonly queries: readonly NameQuery[];
}

/** How a name is resolved. */
export interface NameWalk {
  /** Suffixes that are tried, in order; empty for a client without a search path. */
  readonly search: readonly string[];
  readonly ndots: number;
  /** In the order in which they are asked. */
  readonly attempts: readonly NameAttempt[];
}

/** The JSON form is this value; members are added over time, never renamed. */
export interface Explanation {
  readonly target: string;
  readonly from: string;
  /** The node whose rules the client's packets meet first; absent for a client outside. */
  readonly node?: string;
  /** `namespace/name` of the Service concerned. */
  readonly service?: string;
  readonly outcome: Outcome;
  /** The outcome as a sentence. */
  readonly summary: string;
  /** Present when the target is a name. */
  readonly name?: NameWalk;
  readonly steps: readonly Step[];
  readonly candidates: readonly CandidateEndpoint[];
  readonly excluded: readonly ExcludedEndpoint[];
  readonly findings: readonly Finding[];
  readonly affinity?: { readonly timeoutSeconds: number };
  readonly assumptions: readonly string[];
}
