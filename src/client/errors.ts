/** What can go wrong between the program and an API server, besides the server's own answers (`StatusError`, api/). */
import { CodedError } from '../observe/index.ts';

export type ConnectionFacts =
  /** No connection, or it broke: `errno` is Node's code, e.g. ECONNREFUSED. */
  | { readonly code: 'unreachable'; readonly server: string; readonly errno: string }
  /** The certificate of the server, or ours, was refused. */
  | { readonly code: 'tls'; readonly server: string; readonly errno: string }
  /** No answer, or no more of it, within `timeoutMs`. */
  | { readonly code: 'timeout'; readonly server: string; readonly timeoutMs: number }
  /** The caller's signal aborted the request. */
  | { readonly code: 'aborted'; readonly server: string }
  /** The answer is not what the Kubernetes API promises, e.g. a watch line that is not JSON. */
  | { readonly code: 'unreadable'; readonly server: string; readonly text: string };

/** Thrown when a server cannot be reached, or a request or stream breaks before it is answered. */
export class ConnectionError extends CodedError<ConnectionFacts> {}

export type KubeconfigFacts = { readonly code: 'kubeconfig'; readonly source: string };

/** Thrown when a kubeconfig is missing, malformed, or asks for something that is not supported. The message says what to do. */
export class KubeconfigError extends CodedError<KubeconfigFacts> {}

/** Whether a request ended because its own signal aborted it: an ordinary end, not a failure. */
export function isAborted(error: unknown): boolean {
  return error instanceof ConnectionError && error.facts.code === 'aborted';
}
