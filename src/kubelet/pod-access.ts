/** What `kubectl logs`, `exec`, `attach` and `port-forward` come to: fulfils the API server's `NodeAccess`, structurally. */
import type { Duplex, Writable } from 'node:stream';
import type { Container } from '../api/index.ts';
import { badRequest, notFound, pods } from '../api/index.ts';
import type { ContainerLife } from './container-life.ts';
import type { PodSetup } from './container-start.ts';
import { execInContainer, feed } from './exec.ts';
import type { Kubelet } from './kubelet.ts';
import type { LogQuery } from './log-buffer.ts';
import type { PodWorker } from './pod-worker.ts';
import { followSizes, terminalOf } from './terminal-size.ts';

export interface PodTarget {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly nodeName: string;
}

export interface LogOptions {
  readonly container: string;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number | undefined;
  readonly limitBytes?: number | undefined;
  readonly sinceSeconds?: number | undefined;
  readonly sinceTime?: string | undefined;
}

export interface ExecOptions {
  readonly container: string;
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export interface ProcessStreams {
  readonly stdin: AsyncIterable<Uint8Array> | undefined;
  writeStdout(chunk: Uint8Array): Promise<void>;
  writeStderr(chunk: Uint8Array): Promise<void>;
  readonly resizes: AsyncIterable<{ readonly columns: number; readonly rows: number }>;
  readonly signal: AbortSignal;
}

export interface PodAccessOptions {
  findKubelet(nodeName: string): Kubelet | undefined;
  /** A TCP connection from the control plane into the cluster network. */
  dial(address: string, port: number, options?: { readonly signal?: AbortSignal }): Promise<Duplex>;
}

/** Output that may wait for a caller that is attached. */
const maxWaitingBytes = 8 * 1024 * 1024;

/** Access to the pods of all kubelets of the process. Methods throw `StatusError` with upstream's texts. */
export class PodAccess {
  readonly #options: PodAccessOptions;

  constructor(options: PodAccessOptions) {
    this.#options = options;
  }

  async *readLog(target: PodTarget, options: LogOptions, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const life = this.#container(target, options.container);
    const log = options.previous ? life.previousLog : life.log;
    if (log === undefined) {
      const { waiting } = life.status().state ?? {};
      throw badRequest(
        options.previous
          ? `previous terminated container ${JSON.stringify(life.name)} in pod ${JSON.stringify(target.name)} not found`
          : `container ${JSON.stringify(life.name)} in pod ${JSON.stringify(target.name)} is waiting to start: ${waiting?.message ?? waiting?.reason ?? 'ContainerCreating'}`,
      );
    }
    const query: LogQuery = { ...options, sinceMs: sinceMs(options) };
    if (options.follow) yield* log.follow(query, signal);
    else yield log.read(query);
  }

  async exec(target: PodTarget, options: ExecOptions, streams: ProcessStreams): Promise<number> {
    const worker = this.#worker(target);
    const life = this.#container(target, options.container);
    const setup = runningSetup(worker, life, target);
    const container = specOf(worker, life.name);
    const terminal = options.tty ? await terminalOf(streams.resizes) : undefined;
    return execInContainer(setup, container, life.process, options.command, { ...onlyAsked(options, streams), terminal });
  }

  async attach(target: PodTarget, options: ExecOptions, streams: ProcessStreams): Promise<number> {
    const worker = this.#worker(target);
    const life = this.#container(target, options.container);
    const { context } = runningSetup(worker, life, target);
    const { process } = life;
    if (process === undefined) return life.exitCode ?? 0;
    const wanted = onlyAsked(options, streams);
    // made to be talked with, as by kubectl run -i, which comes when the container has begun: its first words are for whoever comes
    const firstWords = specOf(worker, life.name).stdinOnce === true ? life.takeFirstWords() : undefined;
    let written = firstWords === undefined ? Promise.resolve() : wanted.writeStdout(firstWords);
    let waitingBytes = 0;
    const untap = life.tap((stream, chunk) => {
      // a caller that is slower than the container misses output: neither is made to wait for it, nor is it kept
      if (waitingBytes > maxWaitingBytes) return;
      const write = stream === 'stdout' || options.tty ? wanted.writeStdout : wanted.writeStderr;
      waitingBytes += chunk.length;
      written = written.then(() => write(chunk)).then(() => void (waitingBytes -= chunk.length));
    });
    const stdin = 'stdin' in process ? (process.stdin as Writable | undefined) : undefined;
    if (wanted.stdin !== undefined && stdin !== undefined) void feed(wanted.stdin, stdin);
    if (options.tty && process.pid !== undefined) void followSizes(process.pid, streams.resizes, context);
    try {
      const result = await Promise.race([process.exited, aborted(streams.signal)]);
      await written;
      return result?.exitCode ?? 0;
    } finally {
      untap();
    }
  }

  async dialPod(
    target: PodTarget,
    port: number,
    options: { readonly address?: string; readonly signal?: AbortSignal } = {},
  ): Promise<Duplex> {
    const { network } = this.#worker(target);
    if (network === undefined) throw badRequest(`pod ${target.name} is not running`);
    const address = options.address ?? network.addresses[0] ?? '127.0.0.1';
    return network.dial({ address, port }, { signal: options.signal });
  }

  async dial(address: string, port: number, options?: { readonly signal?: AbortSignal }): Promise<Duplex> {
    return this.#options.dial(address, port, options);
  }

  #worker({ nodeName, uid, name }: PodTarget): PodWorker {
    const worker = this.#options.findKubelet(nodeName)?.findPod(uid);
    if (worker === undefined) throw notFound(pods, name);
    return worker;
  }

  #container(target: PodTarget, name: string): ContainerLife {
    const worker = this.#worker(target);
    const life = worker.container(name === '' ? (worker.pod.spec?.containers[0]?.name ?? '') : name);
    if (life === undefined) throw badRequest(`container ${name} is not valid for pod ${target.name}`);
    return life;
  }
}

function runningSetup(worker: PodWorker, life: ContainerLife, target: PodTarget): PodSetup {
  const { setup } = worker;
  if (setup === undefined || life.process === undefined)
    throw badRequest(
      `container not found (${JSON.stringify(life.name)}): it is not running in pod ${target.namespace}/${target.name}`,
    );
  return setup;
}

function specOf(worker: PodWorker, name: string): Container {
  const { containers = [], initContainers = [] } = worker.pod.spec ?? {};
  return [...containers, ...initContainers].find((each) => each.name === name) ?? { name };
}

function onlyAsked(
  options: ExecOptions,
  streams: ProcessStreams,
): Pick<ProcessStreams, 'stdin' | 'writeStdout' | 'writeStderr' | 'signal'> {
  const discard = async (): Promise<void> => undefined;
  return {
    stdin: options.stdin ? streams.stdin : undefined,
    writeStdout: options.stdout ? (chunk) => streams.writeStdout(chunk) : discard,
    writeStderr: options.stderr ? (chunk) => streams.writeStderr(chunk) : discard,
    signal: streams.signal,
  };
}

function sinceMs({ sinceSeconds, sinceTime }: LogOptions): number | undefined {
  if (sinceTime !== undefined) return Date.parse(sinceTime);
  return sinceSeconds === undefined ? undefined : Date.now() - sinceSeconds * 1000;
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return undefined;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  return undefined;
}
