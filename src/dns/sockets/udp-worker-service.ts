/**
 * A UDP thread, seen from the server: started, asked to stop; and what it cannot answer is answered here. A thread that dies is
 * replaced; its socket stays open meanwhile, and queries wait in it.
 */
import { MessageChannel, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { closeDescriptor, createWakePair, UdpBatch, wake } from '../../linux/index.ts';
import type { Logger } from '../../observe/index.ts';
import { messageOf } from '../../observe/index.ts';
import { maxMessageBytes } from '../wire/protocol.ts';
import type { FromUdpWorker, ToUdpWorker, UdpWorkerStart } from './udp-worker-protocol.ts';

export interface UdpWorkerOptions {
  /** A bound socket, which is the service's from now on. */
  readonly start: Omit<UdpWorkerStart, 'waitFd'>;
  readonly address: string;
  readonly port: number;
  /** Answers a query that needs others, from this sockaddr: the whole answer, or undefined for silence. */
  readonly answerSlowly: (query: Uint8Array, source: Uint8Array) => Promise<Uint8Array | undefined>;
}

/** One thread. */
export class UdpWorkerService {
  readonly address: { readonly address: string; readonly port: number };
  readonly #options: UdpWorkerOptions;
  readonly #logger: Logger;
  readonly #pair = createWakePair();
  /** Sends answers of the slow path from the same socket. */
  readonly #sender: UdpBatch;
  #worker: Worker;
  #port: MessagePort;
  #exited = Promise.withResolvers<void>();
  #isClosing = false;
  #restarts = 0;
  /** Queries of the slow path that are not answered yet. */
  #pending = 0;

  constructor(options: UdpWorkerOptions, { logger }: { readonly logger: Logger }) {
    this.#options = options;
    this.#logger = logger;
    this.address = { address: options.address, port: options.port };
    const { fd, family } = options.start;
    this.#sender = new UdpBatch({ fd, family, slots: 1, slotBytes: maxMessageBytes + 1 });
    [this.#worker, this.#port] = this.#startThread();
  }

  /** How often a thread had to be replaced. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Answers what has arrived, for `graceMs` at most, and closes the socket. */
  async close(graceMs = 5_000): Promise<void> {
    this.#isClosing = true;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads has no origin
    this.#port.postMessage({ kind: 'stop' } satisfies ToUdpWorker);
    wake(this.#pair.wakeFd);
    await this.#exited.promise;
    // what the thread handed over last may still be on its way here: one turn of the event loop, then its answer
    await nextTurn();
    for (const untilMs = performance.now() + graceMs; this.#pending > 0 && performance.now() < untilMs;) await sleep(5);
    this.#port.close();
    this.#pair.close();
    closeDescriptor(this.#options.start.fd);
  }

  #startThread(): [Worker, MessagePort] {
    const { port1, port2 } = new MessageChannel();
    const start: UdpWorkerStart = { ...this.#options.start, waitFd: this.#pair.waitFd };
    const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
    const worker = new Worker(new URL(`./udp-worker${extension}`, import.meta.url), {
      workerData: { start, port: port2 },
      transferList: [port2],
      // the steady state makes no garbage: room for more would only be resident
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    });
    worker.on('error', (error) => this.#logger.error({ problem: messageOf(error) }, 'udp thread failed'));
    worker.once('exit', () => this.#afterExit());
    port1.on('message', (message: FromUdpWorker) => {
      this.#answer(message.query, message.source).catch((error: unknown) => {
        this.#logger.error({ problem: messageOf(error) }, 'answer of the slow path not sent');
      });
    });
    return [worker, port1];
  }

  #afterExit(): void {
    if (this.#isClosing) {
      this.#exited.resolve();
      return;
    }
    this.#restarts++;
    // one that dies as soon as it starts must not take the machine with it
    const waitMs = Math.min(5_000, 10 * 2 ** Math.min(this.#restarts, 10));
    this.#logger.warn({ restarts: this.#restarts, waitMs }, 'udp thread ended: it is started again');
    setTimeout(() => {
      if (this.#isClosing) {
        this.#exited.resolve();
        return;
      }
      this.#port.close();
      [this.#worker, this.#port] = this.#startThread();
    }, waitMs);
  }

  /** For tests: ends the thread as a crash would. */
  async killThread(): Promise<void> {
    await this.#worker.terminate();
  }

  async #answer(query: Uint8Array, source: Uint8Array): Promise<void> {
    this.#pending++;
    const answer = await this.#options.answerSlowly(query, source).finally(() => this.#pending--);
    if (answer === undefined) return;
    // The slot's name is where the answer goes: nothing is ever received here.
    this.#sender.sourceBytes(0).set(source);
    this.#sender.buffers[0]?.set(answer);
    this.#sender.reply(0, answer.length);
    this.#sender.flush();
  }
}
