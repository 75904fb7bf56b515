/**
 * What the API server asks of the nodes: logs, exec, attach and connections into pods. Declared here, fulfilled by whatever
 * runs the pods (structurally; neither room imports the other), absent in `fairlead apiserver`.
 */
import type { Duplex } from 'node:stream';

/** A pod as the API server knows it when it asks its node. */
export interface PodTarget {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly nodeName: string;
}

/** Query parameters of `pods/log`, already checked. */
export interface LogOptions {
  readonly container: string;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number | undefined;
  readonly limitBytes?: number | undefined;
  readonly sinceSeconds?: number | undefined;
  /** RFC 3339. */
  readonly sinceTime?: string | undefined;
}

/** What to run, and which of its streams the caller is connected to. */
export interface ExecOptions {
  readonly container: string;
  /** Program and arguments, never through a shell. Empty for attach. */
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** The caller's side of a running process. */
export interface ProcessStreams {
  /** Ends when the caller closes its standard input. Undefined when the caller has none. */
  readonly stdin: AsyncIterable<Uint8Array> | undefined;
  /** Resolves when the chunk may be followed by the next one (back-pressure). */
  readonly writeStdout: (chunk: Uint8Array) => Promise<void>;
  readonly writeStderr: (chunk: Uint8Array) => Promise<void>;
  /** Terminal sizes, first one at once when the caller has a terminal. */
  readonly resizes: AsyncIterable<{ readonly columns: number; readonly rows: number }>;
  /** Aborted when the caller is gone: the process should be ended. */
  readonly signal: AbortSignal;
}

/** Errors thrown by these methods reach the caller as a 500 Status with the error's message, unless they are a StatusError. */
export interface NodeAccess {
  /** The bytes of a container's log as `kubectl logs` prints them. With `follow` it ends when the container does or `signal` aborts. */
  readLog(pod: PodTarget, options: LogOptions, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Runs a command in a running container; resolves to its exit code once its output is written. */
  exec(pod: PodTarget, options: ExecOptions, streams: ProcessStreams): Promise<number>;
  /** Connects to the container's main process; resolves when it ends or the caller leaves. */
  attach(pod: PodTarget, options: ExecOptions, streams: ProcessStreams): Promise<number>;
  /** A TCP connection from the pod's own network namespace to `address` (e.g. 127.0.0.1) there, or to the pod's address when absent. */
  dialPod(pod: PodTarget, port: number, options?: { readonly address?: string; readonly signal?: AbortSignal }): Promise<Duplex>;
  /** A TCP connection from the control plane to an address of the cluster network (pod or endpoint addresses). */
  dial(address: string, port: number, options?: { readonly signal?: AbortSignal }): Promise<Duplex>;
}
