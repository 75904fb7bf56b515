/** Answers that the main thread found, sent from a UDP thread's socket: those of one turn of the event loop with few system calls. */
import { UdpBatch } from '../../linux/index.ts';
import { maxUdpPacketBytes } from '../wire/protocol.ts';

/** One socket's. */
export class AnswerSender {
  readonly #batch: UdpBatch;
  #queued = 0;

  /** `replyFromArrival`: origins say to which address the question came, and the answer leaves from there. */
  constructor({
    fd,
    family,
    replyFromArrival,
  }: {
    readonly fd: number;
    readonly family: 4 | 6;
    readonly replyFromArrival: boolean;
  }) {
    this.#batch = new UdpBatch({ fd, family, replyFromArrival, slots: answersPerCall, slotBytes: maxUdpPacketBytes });
  }

  /** Answers to this origin (`UdpBatch.copyOrigin`), at the end of this turn of the event loop at the latest. */
  send(answer: Uint8Array, origin: Uint8Array): void {
    if (this.#queued === this.#batch.slots) this.flush();
    if (this.#queued === 0) setImmediate(this.flush);
    const slot = this.#queued++;
    this.#batch.setOrigin(slot, origin);
    this.#batch.buffers[slot]?.set(answer);
    this.#batch.reply(slot, answer.length);
  }

  /** What is queued leaves now; what the kernel has no room for is lost, as in the network. */
  readonly flush = (): void => {
    if (this.#queued === 0) return;
    this.#queued = 0;
    this.#batch.flush();
  };
}

/** 64 KB of buffers. */
const answersPerCall = 16;
