/**
 * Many small messages received with one system call (recvmmsg), in memory that is made once: half the cost of one call for each.
 *
 *     struct mmsghdr (64 bytes): name *, -, iovec *, iovec count, control *, control length, flags, length u32, -
 *     struct iovec   (16 bytes): base *, length
 *
 *     | headers | iovecs | messages |   64-bit Linux; the structures point into the same block
 */
import { MSG_DONTWAIT } from '../constants.ts';
import { libc } from '../libc.ts';
import { readU32 } from './message-reader.ts';

const HEADER_BYTES = 64;
const IOVEC_AT = 16;
const IOVEC_COUNT_AT = 24;
const LENGTH_AT = 56;
const IOVEC_BYTES = 16;

export class SmallMessages {
  readonly #slots: number;
  readonly #slotBytes: number;
  readonly #memory: Buffer;
  readonly #first: number;

  /** `slots`: messages per call; `slotBytes`: the largest message, what is longer is cut. */
  constructor(slots: number, slotBytes: number) {
    this.#slots = slots;
    this.#slotBytes = slotBytes;
    const iovecs = slots * HEADER_BYTES;
    this.#first = iovecs + slots * IOVEC_BYTES;
    this.#memory = Buffer.alloc(this.#first + slots * slotBytes);
    const base = libc().addressOf(this.#memory);
    const view = new DataView(this.#memory.buffer, this.#memory.byteOffset);
    for (let slot = 0; slot < slots; slot++) {
      const iovec = iovecs + slot * IOVEC_BYTES;
      view.setBigUint64(slot * HEADER_BYTES + IOVEC_AT, base + BigInt(iovec), true);
      view.setBigUint64(slot * HEADER_BYTES + IOVEC_COUNT_AT, 1n, true);
      view.setBigUint64(iovec, base + BigInt(this.#first + slot * slotBytes), true);
      view.setBigUint64(iovec + 8, BigInt(slotBytes), true);
    }
  }

  /** What waits at the descriptor, as far as there are slots: views that the next call overwrites. Empty when nothing waits. */
  receive(fd: number): Uint8Array[] {
    const count = libc().recvmmsg(fd, this.#memory, this.#slots, MSG_DONTWAIT);
    const blocks: Uint8Array[] = [];
    for (let slot = 0; slot < count; slot++) {
      const start = this.#first + slot * this.#slotBytes;
      blocks.push(this.#memory.subarray(start, start + readU32(this.#memory, slot * HEADER_BYTES + LENGTH_AT)));
    }
    return blocks;
  }
}
