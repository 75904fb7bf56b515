/**
 * A UDP thread, seen from the server: started, asked to stop; and what it cannot answer is answered here. A thread that dies is
 * replaced; its socket stays open meanwhile, and queries wait in it.
 */
import { Worker } from 'node:worker_threads';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { closeDescriptor, createWakePair, decodeSocketAddress, originBytes, senderOf, wake } from '../../linux/index.ts';
import type { Logger } from '../../observe/index.ts';
import { messageOf } from '../../observe/index.ts';
import type { QueryHandler } from '../query-handler.ts';
import { maxUdpPacketBytes } from '../wire/protocol.ts';
import { AnswerSender } from './answer-sender.ts';
import { createRingBuffer, QueryRingReader } from './query-ring.ts';
import type { UdpWorkerStart } from './udp-worker-protocol.ts';

export interface UdpWorkerOptions {
  /** A bound socket, which is the service's from now on. */
  readonly start: Omit<UdpWorkerStart, 'waitFd' | 'ring'>;
  readonly address: string;
  readonly port: number;
  /** Answers a query that needs others. */
  readonly handle: QueryHandler;
}

/** One thread. */
export class UdpWorkerService {
  readonly address: { readonly address: string; readonly port: number };
  readonly #options: UdpWorkerOptions;
  readonly #logger: Logger;
  readonly #pair = createWakePair();
  readonly #ringBuffer = createRingBuffer();
  readonly #ring = new QueryRingReader(this.#ringBuffer, { packetBytes: maxUdpPacketBytes, originBytes });
  readonly #sender: AnswerSender;
  #worker: Worker;
  readonly #exited = Promise.withResolvers<void>();
  readonly #serving = Promise.withResolvers<void>();
  #isClosing = false;
  #isClosed = false;
  #restarts = 0;
  /** Queries taken from the ring that are not answered yet. */
  #pending = 0;

  constructor(options: UdpWorkerOptions, { logger }: { readonly logger: Logger }) {
    this.#options = options;
    this.#logger = logger;
    this.address = { address: options.address, port: options.port };
    this.#sender = new AnswerSender(options.start);
    this.#worker = this.#startThread();
  }

  /** Resolves when the thread has begun to answer. Until then queries wait in the socket. */
  get serving(): Promise<void> {
    return this.#serving.promise;
  }

  /** How often a thread had to be replaced. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Answers what has arrived, for `graceMs` at most, and closes the socket. */
  async close(graceMs = 5_000): Promise<void> {
    this.#isClosing = true;
    this.#ring.stopWriter();
    wake(this.#pair.wakeFd);
    await this.#exited.promise;
    // what the thread put in last may be more than one turn takes out
    do {
      this.#takeQueries();
      await nextTurn();
    } while (this.#ring.hasMore);
    for (const untilMs = performance.now() + graceMs; this.#pending > 0 && performance.now() < untilMs;) await sleep(5);
    this.#sender.flush();
    // the number of the descriptor may soon be another socket's
    this.#isClosed = true;
    this.#pair.close();
    closeDescriptor(this.#options.start.fd);
  }

  #startThread(): Worker {
    const start: UdpWorkerStart = { ...this.#options.start, waitFd: this.#pair.waitFd, ring: this.#ringBuffer };
    const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
    const worker = new Worker(new URL(`./udp-worker${extension}`, import.meta.url), {
      workerData: start,
      // the steady state makes no garbage: room for more would only be resident
      resourceLimits: { maxYoungGenerationSizeMb: 2 },
    });
    worker.on('error', (error) => this.#logger.error({ problem: messageOf(error) }, 'udp thread failed'));
    worker.once('exit', () => this.#afterExit());
    // a thread rings when it begins, too
    worker.once('message', () => this.#serving.resolve());
    worker.on('message', this.#takeQueries);
    return worker;
  }

  #afterExit(): void {
    if (this.#isClosing) {
      this.#exited.resolve();
      return;
    }
    // it may have died between putting a query in and ringing
    this.#takeQueries();
    this.#restarts++;
    // one that dies as soon as it starts must not take the machine with it
    const waitMs = Math.min(5_000, 10 * 2 ** Math.min(this.#restarts, 10));
    this.#logger.warn({ restarts: this.#restarts, waitMs }, 'udp thread ended: it is started again');
    setTimeout(() => {
      if (this.#isClosing) this.#exited.resolve();
      else this.#worker = this.#startThread();
    }, waitMs);
  }

  /** For tests: ends the thread as a crash would. */
  async killThread(): Promise<void> {
    await this.#worker.terminate();
  }

  /** Everything that is in the ring now; what comes meanwhile is for the next turn of the event loop, so that answers get theirs. */
  readonly #takeQueries = (): void => {
    const ring = this.#ring;
    ring.begin();
    while (ring.take()) this.#answer(ring.packet, ring.length, ring.origin);
    if (ring.hasMore) setImmediate(this.#takeQueries);
  };

  #answer(packet: Uint8Array, length: number, origin: Uint8Array): void {
    const address = decodeSocketAddress(senderOf(origin))?.address ?? this.address.address;
    const answer = this.#options.handle(packet, length, { address, isTcp: false });
    if (typeof answer === 'number') {
      if (answer > 0) this.#sender.send(packet.subarray(0, answer), origin);
      return;
    }
    void this.#answerLater(answer, origin.slice(0, this.#ring.originLength));
  }

  async #answerLater(answer: Promise<readonly Uint8Array[]>, origin: Uint8Array): Promise<void> {
    this.#pending++;
    try {
      const message = (await answer)[0];
      if (message !== undefined && !this.#isClosed) this.#sender.send(message, origin);
    } catch (error) {
      this.#logger.error({ problem: messageOf(error) }, 'answer from elsewhere not sent');
    } finally {
      this.#pending--;
    }
  }
}
