/** Asks one node's health-check port again and again, as a cloud's load balancer does. */
import { request } from 'node:http';
import type { Socket } from 'node:net';
import type { Place } from './site.ts';

export interface HealthProbeOptions {
  readonly from: Place;
  readonly address: string;
  readonly port: number;
  readonly intervalMs: number;
  /** Called when the answer turns. */
  readonly onTurn: (isHealthy: boolean) => void;
}

/** No answer in this time counts as none. */
const timeoutMs = 1000;
/** A node that answers 503 leaves at once; one that does not answer, after this many times. */
const silentLimit = 2;

/** Runs from `start` to `stop`; unhealthy until the first 200. A connection for each question, so that a node that hangs is noticed. */
export class HealthProbe {
  readonly #options: HealthProbeOptions;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #silent = 0;
  #isHealthy = false;
  #isStopped = false;
  readonly #abort = new AbortController();

  constructor(options: HealthProbeOptions) {
    this.#options = options;
  }

  get isHealthy(): boolean {
    return this.#isHealthy;
  }

  start(): void {
    void this.#tick();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#abort.abort();
    this.#socket?.destroy();
  }

  async #tick(): Promise<void> {
    const startMs = Date.now();
    const status = await this.#ask();
    if (this.#isStopped) return;
    this.#silent = status === undefined ? this.#silent + 1 : 0;
    const isHealthy = status === undefined ? this.#isHealthy && this.#silent < silentLimit : status === 200;
    if (isHealthy !== this.#isHealthy) {
      this.#isHealthy = isHealthy;
      this.#options.onTurn(isHealthy);
    }
    this.#timer = setTimeout(() => void this.#tick(), Math.max(0, this.#options.intervalMs - (Date.now() - startMs)));
  }

  /** The status, or undefined when there was no answer. */
  async #ask(): Promise<number | undefined> {
    const { from, address, port } = this.#options;
    let socket: Socket;
    try {
      socket = await from.dial({ address, port }, { timeoutMs, signal: this.#abort.signal });
    } catch {
      return undefined; // no answer is an answer here
    }
    this.#socket = socket;
    return new Promise<number | undefined>((resolve) => {
      const call = request(
        {
          method: 'GET',
          path: '/healthz',
          headers: { host: `${address}:${port}`, connection: 'close' },
          createConnection: () => socket,
        },
        (response) => {
          response.resume();
          resolve(response.statusCode);
          response.once('close', () => socket.destroy());
        },
      );
      call.setTimeout(timeoutMs, () => call.destroy(new Error('timed out')));
      call.once('error', () => {
        socket.destroy();
        resolve(undefined);
      });
      call.end();
    });
  }
}
