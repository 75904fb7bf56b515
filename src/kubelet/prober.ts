/** Runs probes and lifecycle hooks: HTTP, TCP and exec, and the loop that repeats a probe. */
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ContainerPort, LifecycleHandler, Probe } from '../api/index.ts';
import { maxTimerMs } from '../client/index.ts';
import { isPort } from '../net/index.ts';
import { messageOf } from '../observe/index.ts';
import type { DialOptions } from './runtime.ts';
import type { ProbeKind, ProbeState } from './probe-state.ts';
import { initialProbeState, nextProbeState } from './probe-state.ts';

/** What a probe needs of its pod. */
export interface ProbeTarget {
  /** Where the pod is reached; undefined while it has no address. */
  address(): string | undefined;
  readonly ports: readonly ContainerPort[];
  /** Connects as the node does. */
  dial(target: { readonly address: string; readonly port: number }, options: DialOptions): Promise<Socket>;
  /** Runs a command in the container; the answer is its exit code and output. */
  exec(command: readonly string[], timeoutMs: number): Promise<{ readonly exitCode: number; readonly output: string }>;
}

export interface ProbeResult {
  readonly isSuccess: boolean;
  /** As upstream's Unhealthy events say it. */
  readonly output: string;
}

/** One attempt. Never throws: what goes wrong is a failure with its reason. */
export async function probeOnce(probe: Probe, target: ProbeTarget): Promise<ProbeResult> {
  const timeoutMs = timerMs(Math.max(1, probe.timeoutSeconds ?? 1));
  try {
    return await attempt(probe, target, timeoutMs);
  } catch (error) {
    return { isSuccess: false, output: messageOf(error) };
  }
}

/** A postStart or preStop hook. A failure is an answer, not an exception. */
export async function runHook(handler: LifecycleHandler, target: ProbeTarget, graceMs: number): Promise<ProbeResult> {
  const timeoutMs = Math.min(graceMs, maxTimerMs);
  if (handler.sleep !== undefined) {
    const ms = Math.min(timerMs(handler.sleep.seconds), timeoutMs);
    await new Promise((resolve) => {
      setTimeout(resolve, ms);
    });
    return { isSuccess: true, output: '' };
  }
  try {
    return await attempt(handler, target, timeoutMs);
  } catch (error) {
    return { isSuccess: false, output: messageOf(error) };
  }
}

/** Repeats a probe until stopped, and tells when its verdict turns. */
export class ProbeLoop {
  readonly #kind: ProbeKind;
  readonly #probe: Probe;
  readonly #target: ProbeTarget;
  readonly #onResult: (state: ProbeState, result: ProbeResult) => void;
  #state: ProbeState;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: {
    readonly kind: ProbeKind;
    readonly probe: Probe;
    readonly target: ProbeTarget;
    /** Called after every attempt. */
    readonly onResult: (state: ProbeState, result: ProbeResult) => void;
  }) {
    this.#kind = options.kind;
    this.#probe = options.probe;
    this.#target = options.target;
    this.#onResult = options.onResult;
    this.#state = initialProbeState(options.kind);
  }

  get verdict(): ProbeState['verdict'] {
    return this.#state.verdict;
  }

  start(): void {
    this.#schedule(timerMs(this.#probe.initialDelaySeconds ?? 0));
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(delayMs: number): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.#tick(), delayMs);
  }

  async #tick(): Promise<void> {
    const result = await probeOnce(this.#probe, this.#target);
    if (this.#isStopped) return;
    this.#state = nextProbeState(this.#state, result.isSuccess ? 'success' : 'failure', this.#probe);
    this.#schedule(timerMs(Math.max(1, this.#probe.periodSeconds ?? 10)));
    this.#onResult(this.#state, result);
  }

  get kind(): ProbeKind {
    return this.#kind;
  }
}

async function attempt(
  action: Omit<LifecycleHandler, 'sleep'> & Pick<Probe, 'grpc'>,
  target: ProbeTarget,
  timeoutMs: number,
): Promise<ProbeResult> {
  if (action.exec !== undefined) {
    const { exitCode, output } = await target.exec(action.exec.command ?? [], timeoutMs);
    return {
      isSuccess: exitCode === 0,
      output: exitCode === 0 ? output : output.trim() === '' ? `exit status ${exitCode}` : output,
    };
  }
  if (action.tcpSocket !== undefined) {
    const address = addressOf(action.tcpSocket.host, target);
    const socket = await target.dial({ address, port: portOf(action.tcpSocket.port, target.ports) }, { timeoutMs });
    socket.destroy();
    return { isSuccess: true, output: '' };
  }
  if (action.httpGet !== undefined) return probeHttp(action.httpGet, target, timeoutMs);
  if (action.grpc !== undefined)
    return { isSuccess: false, output: 'gRPC probes are not built in; use httpGet, tcpSocket or exec' };
  return { isSuccess: false, output: 'the probe has no action' };
}

async function probeHttp(action: NonNullable<Probe['httpGet']>, target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  const address = addressOf(action.host, target);
  const port = portOf(action.port, target.ports);
  if (action.scheme === 'HTTPS') return { isSuccess: false, output: 'HTTPS probes are not built in; use HTTP' };
  const headers: Record<string, string> = {
    'user-agent': 'kube-probe/1.36',
    accept: '*/*',
    connection: 'close',
    host: `${address}:${port}`,
  };
  for (const { name, value } of action.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  const path =
    action.path === undefined || action.path === '' ? '/' : action.path.startsWith('/') ? action.path : `/${action.path}`;
  // Of the whole: a server that sends a byte now and then is late as well.
  const signal = AbortSignal.timeout(timeoutMs);
  const socket = await target.dial({ address, port }, { timeoutMs });
  let waitedFor = 'awaiting headers';
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const call = request({ method: 'GET', path, headers, signal, createConnection: () => socket }, resolve);
      call.on('error', reject);
      call.end();
    });
    waitedFor = 'reading body';
    await readStart(response);
    const status = response.statusCode ?? 0;
    const isSuccess = status >= 200 && status < 400;
    return { isSuccess, output: isSuccess ? '' : `HTTP probe failed with statuscode: ${status}` };
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Error(`context deadline exceeded (Client.Timeout exceeded while ${waitedFor})`, { cause: error });
  } finally {
    socket.destroy();
  }
}

/** Upstream's kubelet reads so much of an answer before it hangs up. */
const maxBodyBytes = 10 * 1024;

async function readStart(response: IncomingMessage): Promise<void> {
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes >= maxBodyBytes) return;
  }
}

function timerMs(seconds: number): number {
  return Math.min(seconds * 1000, maxTimerMs);
}

function addressOf(host: string | undefined, target: ProbeTarget): string {
  const address = host === undefined || host === '' ? target.address() : host;
  if (address === undefined) throw new Error('the pod has no address yet');
  return address === 'localhost' ? '127.0.0.1' : address;
}

function portOf(port: number | string, ports: readonly ContainerPort[]): number {
  if (typeof port === 'number') return port;
  const named = ports.find(({ name }) => name === port);
  if (named !== undefined) return named.containerPort;
  const number = /^[0-9]+$/.test(port) ? Number(port) : 0;
  if (isPort(number)) return number;
  throw new Error(`couldn't find port: ${JSON.stringify(port)}`);
}
