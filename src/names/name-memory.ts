/**
 * The memory that names live in: one block of bytes that threads share. One thread writes, any number read in place, without
 * a copy and without stopping the writer.
 *
 *     | header | blocks: nodes, record sets, the table of buckets |            all offsets are bytes from the start
 *
 * Readers see all of a change or nothing of it, by a sequence lock (Boehm, "Can seqlocks get along with programming language
 * memory models?", 2012): the version is odd while a change is under way, and whoever read across one begins again. What is
 * read meanwhile may be nonsense, so readers bound every loop and never follow an offset out of the block.
 */

/** Words of the header. */
export const headerWords = {
  version: 0,
  /** Bytes in use so far: views that end earlier are out of date. */
  bytes: 1,
  buckets: 2,
  bucketCount: 3,
  serial: 4,
  /** 1 once every object was read. */
  isComplete: 5,
  /** The record set of the apex's name servers. */
  nameServers: 6,
  /** Of record sets that do not say their own. */
  ttlSeconds: 7,
} as const;

/** Where blocks begin. Smaller offsets are no blocks: the table uses them as the names of its roots. */
export const firstBlock = 64;

/** The one writer's side: places blocks, frees them, and says when a change is under way. */
export class NameMemory {
  readonly buffer: SharedArrayBuffer;
  /** Views of what is in use. Replaced when the block grows. */
  words: Int32Array;
  bytes: Uint8Array;
  #top = firstBlock;
  #depth = 0;
  /** First free block of each class of sizes; the next one stands in its first word. */
  readonly #free = new Map<number, number>();

  constructor() {
    // Address space is not memory: what is not used is not there.
    this.buffer = new SharedArrayBuffer(firstBytes, { maxByteLength: mostBytes });
    this.words = new Int32Array(this.buffer, 0, firstBytes >> 2);
    this.bytes = new Uint8Array(this.buffer, 0, firstBytes);
    this.words[headerWords.bytes] = firstBytes;
  }

  /** Runs a change: readers see what was before it until it returns. May be nested. */
  change<T>(body: () => T): T {
    if (this.#depth++ === 0) Atomics.add(this.words, headerWords.version, 1);
    try {
      return body();
    } finally {
      if (--this.#depth === 0) {
        Atomics.add(this.words, headerWords.version, 1);
        Atomics.notify(this.words, headerWords.version);
      }
    }
  }

  /** A block of at least so many bytes, at a multiple of 8, zeroed. Within a change only. Throws `RangeError` when the names do not fit. */
  allocate(bytes: number): number {
    const size = classOf(bytes);
    const reused = this.#free.get(size) ?? 0;
    if (reused !== 0) {
      this.#free.set(size, this.words[reused >> 2] as number);
      this.bytes.fill(0, reused, reused + size);
      return reused;
    }
    const at = this.#top;
    if (at + size > this.bytes.length) this.#grow(at + size);
    this.#top += size;
    return at;
  }

  /** Gives back a block that was allocated with as many bytes. */
  free(at: number, bytes: number): void {
    const size = classOf(bytes);
    this.words[at >> 2] = this.#free.get(size) ?? 0;
    this.#free.set(size, at);
  }

  /** Bytes in use, free blocks included. */
  get size(): number {
    return this.#top;
  }

  #grow(least: number): void {
    const wanted = Math.max(least, Math.min(this.bytes.length * 2, this.bytes.length + growBytes));
    if (wanted > mostBytes) throw new RangeError(`the names of this cluster take more than ${mostBytes} bytes`);
    const length = Math.min(mostBytes, Math.ceil(wanted / firstBytes) * firstBytes);
    this.buffer.grow(length);
    this.words = new Int32Array(this.buffer, 0, length >> 2);
    this.bytes = new Uint8Array(this.buffer, 0, length);
    this.words[headerWords.bytes] = length;
  }
}

const firstBytes = 64 * 1024;
const growBytes = 2 ** 20;
const mostBytes = 2 ** 30;
/** Up to here every multiple of 8 is a class of its own. */
const fineBytes = 1_024;

/** The size that a block of so many bytes really gets: beyond `fineBytes` one of eight for each doubling, so that lists that grow and shrink find each other's blocks. */
function classOf(bytes: number): number {
  if (bytes <= fineBytes) return (bytes + 7) & ~7;
  const step = 2 ** (Math.floor(Math.log2(bytes - 1)) - 3);
  return Math.ceil(bytes / step) * step;
}
