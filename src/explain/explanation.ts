/** An answer, as a plain value: what a request meets on its way, where it ends, and why nobody else gets it. */

/** One thing that happens on the way, in order. */
export interface Step {
  readonly code: 'name' | 'frontend' | 'entry' | 'policy' | 'topology' | 'affinity' | 'source-ranges' | 'health-check' | 'note';
  readonly text: string;
}

/** Somebody who may get the request. */
export interface CandidateEndpoint {
  readonly address: string;
  readonly port: number;
  /** `namespace/name` of the pod behind it. */
  readonly pod?: string;
  readonly node?: string;
  /** Probability for one new connection without a pin, 0 to 1. */
  readonly share: number;
  /** Why it is chosen, as a sentence. */
  readonly reason: string;
  /** The address that the endpoint sees as its client. */
  readonly seenAs: string;
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
 * `unreachable`: nobody routes packets from there to that address.
 */
export type Outcome = 'endpoints' | 'refused' | 'dropped' | 'names-only' | 'alias' | 'direct' | 'no-such-name' | 'unreachable';

export interface Explanation {
  readonly target: string;
  readonly from: string;
  /** The node whose rules the client's packets meet first; absent for a client outside. */
  readonly node?: string;
  /** `namespace/name` of the Service concerned. */
  readonly service?: string;
  readonly steps: readonly Step[];
  readonly outcome: Outcome;
  /** The outcome as a sentence. */
  readonly summary: string;
  readonly candidates: readonly CandidateEndpoint[];
  readonly excluded: readonly ExcludedEndpoint[];
  readonly affinity?: { readonly timeoutSeconds: number };
  readonly assumptions: readonly string[];
}
