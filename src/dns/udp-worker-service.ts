/** A UDP thread, seen from the server: started, told what happens, asked to stop; and what it cannot answer is answered here. */
import { MessageChannel, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { closeDescriptor, createWakePair, UdpBatch, wake } from '../linux/index.ts';
import type { Logger } from '../observe/index.ts';
import { messageOf } from '../observe/index.ts';
import { maxMessageBytes } from './protocol.ts';
import type { FromUdpWorker, ToUdpWorker, UdpWorkerStart } from './udp-worker-protocol.ts';

export interface UdpWorkerOptions {
  /** A bound socket, which is the service's from now on. */
  readonly start: Omit<UdpWorkerStart, 'waitFd'>;
  readonly address: string;
  readonly port: number;
  /** Answers a query that needs others: the whole answer, or undefined for silence. */
  readonly answerSlowly: (query: Uint8Array) => Promise<Uint8Array | undefined>;
}

/** One thread. */
export class UdpWorkerService {
  readonly address: { readonly address: string; readonly port: number };
  readonly #options: UdpWorkerOptions;
  readonly #logger: Logger;
  readonly #pair = createWakePair();
  readonly #worker: Worker;
  readonly #port: MessagePort;
  /** Sends answers of the slow path from the same socket. */
  readonly #sender: UdpBatch;
  readonly #exited: Promise<void>;
  readonly #synced = Promise.withResolvers<void>();

  constructor(options: UdpWorkerOptions, { logger }: { readonly logger: Logger }) {
    this.#options = options;
    this.#logger = logger;
    this.address = { address: options.address, port: options.port };
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const start: UdpWorkerStart = { ...options.start, waitFd: this.#pair.waitFd };
    const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
    this.#worker = new Worker(new URL(`./udp-worker${extension}`, import.meta.url), {
      workerData: { start, port: port2 },
      transferList: [port2],
      // the steady state makes no garbage: room for more would only be resident
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    });
    this.#sender = new UdpBatch({ fd: start.fd, family: start.family, slots: 1, slotBytes: maxMessageBytes + 1 });
    this.#exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.on('error', (error) => this.#logger.error({ problem: messageOf(error) }, 'udp thread failed'));
    this.#port.on('message', (message: FromUdpWorker) => {
      if (message.kind === 'synced') this.#synced.resolve();
      else {
        this.#answer(message.query, message.source).catch((error: unknown) => {
          this.#logger.error({ problem: messageOf(error) }, 'answer of the slow path not sent');
        });
      }
    });
  }

  /** Resolves when the thread has taken in everything told so far and answers NXDOMAIN from then on; or when it has ended. */
  async sync(): Promise<void> {
    this.tell({ kind: 'synced' });
    await Promise.race([this.#synced.promise, this.#exited]);
  }

  tell(message: ToUdpWorker): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads has no origin
    this.#port.postMessage(message);
    wake(this.#pair.wakeFd);
  }

  async close(): Promise<void> {
    this.tell({ kind: 'stop' });
    await this.#exited;
    this.#port.close();
    this.#pair.close();
    closeDescriptor(this.#options.start.fd);
  }

  async #answer(query: Uint8Array, source: Uint8Array): Promise<void> {
    const answer = await this.#options.answerSlowly(query);
    if (answer === undefined) return;
    // The slot's name is where the answer goes: nothing is ever received here.
    this.#sender.sourceBytes(0).set(source);
    this.#sender.buffers[0]?.set(answer);
    this.#sender.reply(0, answer.length);
    this.#sender.flush();
  }
}
