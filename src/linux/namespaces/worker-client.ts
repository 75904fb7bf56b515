/**
 * A worker thread that does one synchronous step per request, in order, and the requests' side of it. Steps are names of a
 * table in the worker's own file; failures come back as the errors they were.
 */
import { stat } from 'node:fs/promises';
import { Worker, parentPort } from 'node:worker_threads';
import { CodedError, messageOf, type Logger } from '../../observe/index.ts';
import { LinuxError, NetlinkError, type LinuxFacts, type NetlinkFacts } from '../errors.ts';

/** What a worker can do: argument and result by name. `start` and `stop` are the first and the last step. */
export type Steps = Readonly<Record<string, (argument: never) => unknown>>;

interface Request {
  readonly id: number;
  readonly step: string;
  readonly argument: unknown;
}

type Reply = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly failure: Failure };

/** An error on its way between threads: classes do not survive the copying. */
type Failure =
  | { readonly kind: 'linux'; readonly message: string; readonly facts: LinuxFacts }
  | { readonly kind: 'netlink'; readonly message: string; readonly facts: NetlinkFacts }
  | { readonly kind: 'other'; readonly message: string };

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** The main thread's side. Requests before `start` and after `stop` are refused. */
export class WorkerClient<S extends Steps> {
  readonly #file: string;
  readonly #logger: Logger;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #nextId = 1;
  #isStopping = false;

  /** `file`: the worker's file without its extension, which is that of this one (`.ts`, or `.js` when built). */
  constructor(file: string, logger: Logger) {
    this.#file = file;
    this.#logger = logger;
  }

  /** Resolves when the thread has done its `start` step. */
  async start(): Promise<void> {
    if (this.#worker !== undefined) throw new Error('the thread was started before');
    // libuv's pool belongs to the namespaces of the thread that first needs it: let that be this one.
    await stat('/');
    const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
    const worker = new Worker(new URL(this.#file + extension, import.meta.url), {
      // It holds next to nothing: small heaps keep an idle thread at a few megabytes.
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 },
    });
    this.#worker = worker;
    worker.on('message', (reply: Reply) => this.#settle(reply));
    worker.on('error', (error) => {
      this.#logger.error({ error: messageOf(error) }, 'a kernel thread failed');
      this.#end(new Error(`kernel thread failed: ${messageOf(error)}`, { cause: error }));
    });
    worker.on('exit', () => this.#end(new Error('kernel thread ended')));
    try {
      await this.request('start', undefined as never);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Lets the requests under way finish, then ends the thread. Idempotent. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined || this.#isStopping) return;
    // Requests are done in order, so this one ends after all others.
    const ended = this.request('stop', undefined as never);
    this.#isStopping = true;
    try {
      await ended;
    } catch (error) {
      this.#logger.debug({ error: messageOf(error) }, 'kernel thread was gone already');
    }
    this.#worker = undefined;
    await worker.terminate();
  }

  request<K extends keyof S & string>(step: K, argument: Parameters<S[K]>[0]): Promise<Awaited<ReturnType<S[K]>>> {
    const worker = this.#worker;
    if (worker === undefined || this.#isStopping) return Promise.reject(new Error('kernel thread is not running'));
    return new Promise((resolve, reject) => {
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      // Only a request under way keeps the process alive.
      worker.ref();
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage({ id, step, argument } satisfies Request);
    });
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if ('failure' in reply) waiting.reject(revive(reply.failure));
    else waiting.resolve(reply.value);
  }

  #end(error: Error): void {
    this.#worker = undefined;
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}

/** The worker's side: answers requests with the steps of this table. */
export function serveSteps(steps: Steps): void {
  const port = parentPort;
  if (port === null) throw new Error('this file is the body of a worker thread');
  port.on('message', (request: Request) => {
    const step = steps[request.step] as ((argument: unknown) => unknown) | undefined;
    try {
      if (step === undefined) throw new Error(`no step ${request.step}`);
      port.postMessage({ id: request.id, value: step(request.argument) } satisfies Reply);
    } catch (error) {
      port.postMessage({ id: request.id, failure: flatten(error) } satisfies Reply);
    }
  });
}

function flatten(error: unknown): Failure {
  if (error instanceof LinuxError) return { kind: 'linux', message: error.message, facts: error.facts };
  if (error instanceof NetlinkError) return { kind: 'netlink', message: error.message, facts: error.facts };
  if (isSystemError(error)) {
    const { code, errno, syscall: call = 'system call' } = error;
    return { kind: 'linux', message: error.message, facts: { code, errno: Math.abs(errno), call } };
  }
  return { kind: 'other', message: messageOf(error) };
}

function revive(failure: Failure): Error {
  if (failure.kind === 'linux') return new LinuxError(failure.message, failure.facts);
  if (failure.kind === 'netlink') return new NetlinkError(failure.message, failure.facts);
  return new Error(failure.message);
}

/** An error of Node's file functions. */
function isSystemError(error: unknown): error is Error & { code: string; errno: number; syscall?: string } {
  return (
    error instanceof Error &&
    !(error instanceof CodedError) &&
    'errno' in error &&
    'code' in error &&
    typeof error.code === 'string'
  );
}
