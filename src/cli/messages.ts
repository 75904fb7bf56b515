/** What the supervisor (outside the namespaces) and the lab's own process say to each other, over Node's IPC channel. */

/** What the inner process is started with. */
export interface InnerOptions {
  readonly name: string;
  readonly nodes: number;
  readonly ipFamily: 'ipv4' | 'ipv6' | 'dual';
  readonly apiPort: number;
  readonly dataDirectory?: string;
  /** Where it may write: the kubeconfig and the control socket. */
  readonly stateDirectory: string;
  /** As typed: both processes have the same working directory. */
  readonly manifests: readonly string[];
  readonly publish: readonly string[];
  /** Name servers for names that the lab does not know. */
  readonly forward: readonly string[];
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug' | 'silent';
  /** A module to run once everything is ready: exports `run(cluster, print): Promise<boolean>`, true for success. */
  readonly extension?: string;
  /** How the user starts fairlead, for the commands that are printed. */
  readonly program: string;
}

export type FromInner =
  /** A step is done. */
  | { readonly kind: 'progress'; readonly text: string }
  /** What the API remarked on an object of the files. */
  | { readonly kind: 'warning'; readonly text: string }
  /** What is still missing, while it waits; said again when it changes. */
  | { readonly kind: 'waiting'; readonly missing: readonly string[] }
  /** Everything runs, but for what is `missing` after the longest wait; `summary` is ready to print. */
  | {
      readonly kind: 'ready';
      readonly kubeconfig: string;
      readonly controlSocket: string;
      readonly summary: string;
      readonly missing: readonly string[];
    }
  /** The extension has run. */
  | { readonly kind: 'finished'; readonly passed: boolean }
  /** A line for standard output. */
  | { readonly kind: 'print'; readonly text: string }
  /** It could not start; the message is for the user. */
  | { readonly kind: 'failed'; readonly message: string };

export type ToInner = { readonly kind: 'stop' };
