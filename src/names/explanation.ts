/** What an explanation of a name says. */
import type { EndpointView } from './endpoint-views.ts';

/** The object that gave a record. `zone`: the server itself did. */
export type RecordSource =
  | { readonly kind: 'zone' }
  | { readonly kind: 'Service'; readonly namespace: string; readonly name: string; readonly field: string }
  | { readonly kind: 'EndpointSlice'; readonly namespace: string; readonly name: string; readonly endpoint: EndpointView }
  | { readonly kind: 'Pod'; readonly namespace: string; readonly pods: readonly string[] };

export interface ExplainedRecord {
  /** Without a final dot. */
  readonly owner: string;
  readonly type: string;
  readonly ttlSeconds: number;
  /** As dig prints it. */
  readonly data: string;
  readonly source: RecordSource;
}

/** Why there are no records of the asked type. Codes are stable; messages are for people. */
export interface NameReason {
  readonly code: NameReasonCode;
  readonly message: string;
}

export type NameReasonCode =
  | 'malformed-name'
  | 'outside-zone'
  | 'unknown-branch'
  | 'no-such-namespace'
  | 'no-such-service'
  | 'slices-without-service'
  | 'no-ready-endpoints'
  | 'no-endpoints'
  | 'no-cluster-ip'
  | 'no-such-endpoint'
  | 'endpoint-not-ready'
  | 'endpoint-has-other-name'
  | 'no-such-port'
  | 'port-has-no-name'
  | 'wrong-protocol'
  | 'below-external-name'
  | 'invalid-external-name'
  | 'too-many-labels'
  | 'wildcard'
  | 'pod-names-disabled'
  | 'not-an-address'
  | 'no-such-pod'
  | 'no-such-address'
  | 'name-has-no-data'
  | 'no-data-of-type'
  | 'wrong-family'
  | 'alias-loop'
  | 'alias-leaves-zone';

export interface NameExplanation {
  /** Lower case, without a final dot. */
  readonly name: string;
  readonly type: string;
  /** What the server answers once it is synced; `REFUSED` outside its zones, unless it forwards. */
  readonly rcode: 'NOERROR' | 'NXDOMAIN' | 'REFUSED';
  /** Aliases first. */
  readonly answers: readonly ExplainedRecord[];
  /** Set when no record of the asked type is among the answers. */
  readonly reason?: NameReason;
  /** Endpoints of the Service in question that DNS does not show because they are not ready. */
  readonly withheld: readonly EndpointView[];
}
