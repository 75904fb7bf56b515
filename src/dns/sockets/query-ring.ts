/**
 * Queries on their way from a UDP thread to the main thread, in memory that both see: the thread puts them in, the main thread
 * takes them out, in order. No locks (one writer, one reader), no garbage, and one ring of the bell for all that came since it
 * was answered.
 *
 *     | words (i32): written, taken, bell, stop | records, over and over |
 *
 *     record: query length (u16)  origin length (u16) | query | origin | up to the next multiple of 4
 *
 * `written` and `taken` count bytes and wrap at 2^32. A record is in one piece: where the rest of the memory is too short for the
 * next one, `skipMark` says that it stands at the beginning.
 */

const words = { written: 0, taken: 1, bell: 2, stop: 3 } as const;
const headBytes = 16;
const recordHeadBytes = 4;
/** As the length of a query, which is never so long. */
const skipMark = 0xffff;
/** Some thousand queries. A power of two. */
const defaultBytes = 256 * 1024;

/** Room for a ring. `bytes` is a power of two. */
export function createRingBuffer(bytes = defaultBytes): SharedArrayBuffer {
  return new SharedArrayBuffer(headBytes + bytes);
}

/** The thread's side. */
export class QueryRingWriter {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer, 0, headBytes / 4);
    this.#bytes = new Uint8Array(buffer, headBytes);
  }

  /** Whether the main thread wants the thread to end. */
  get isStopping(): boolean {
    return Atomics.load(this.#words, words.stop) !== 0;
  }

  /** `packet[0, length)`, and from where it came: `origin[0, originLength)`. False when there is no room. */
  put(packet: Uint8Array, length: number, origin: Uint8Array, originLength: number): boolean {
    const bytes = this.#bytes;
    const size = bytes.length;
    const need = recordBytes(length, originLength);
    const written = Atomics.load(this.#words, words.written);
    const used = (written - Atomics.load(this.#words, words.taken)) >>> 0;
    let at = (written >>> 0) & (size - 1);
    const skipped = at + need > size ? size - at : 0;
    if (used + skipped + need > size) return false;
    if (skipped > 0) {
      putUint16(bytes, at, skipMark);
      at = 0;
    }
    putUint16(bytes, at, length);
    putUint16(bytes, at + 2, originLength);
    at += recordHeadBytes;
    for (let index = 0; index < length; index++) bytes[at++] = packet[index] as number;
    for (let index = 0; index < originLength; index++) bytes[at++] = origin[index] as number;
    // seen by the reader only now, whole
    Atomics.store(this.#words, words.written, (written + skipped + need) | 0);
    return true;
  }

  /** After `put`: whether the main thread must be told, because nobody has told it since it last began to take. */
  mustRing(): boolean {
    return Atomics.exchange(this.#words, words.bell, 1) === 0;
  }
}

/** The main thread's side. */
export class QueryRingReader {
  /** The query taken last: its bytes begin here. As long as the longest datagram that is read, so it has room for an answer. */
  readonly packet: Uint8Array;
  /** Its length. */
  length = 0;
  /** From where it came: `origin[0, originLength)`. */
  readonly origin: Uint8Array;
  originLength = 0;

  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  #until = 0;

  constructor(
    buffer: SharedArrayBuffer,
    { packetBytes, originBytes }: { readonly packetBytes: number; readonly originBytes: number },
  ) {
    this.#words = new Int32Array(buffer, 0, headBytes / 4);
    this.#bytes = new Uint8Array(buffer, headBytes);
    this.packet = new Uint8Array(packetBytes);
    this.origin = new Uint8Array(originBytes);
  }

  /** Asks the thread to end; it must be woken too. */
  stopWriter(): void {
    Atomics.store(this.#words, words.stop, 1);
  }

  /** Answers the bell. `take` then gives what is there now, and no more: whoever puts in as fast as we take out must not keep us for ever. */
  begin(): void {
    Atomics.store(this.#words, words.bell, 0);
    this.#until = Atomics.load(this.#words, words.written);
  }

  /** Whether something is left that came after `begin`. */
  get hasMore(): boolean {
    return Atomics.load(this.#words, words.written) !== this.#until;
  }

  /** The next query, copied out. False when there is none. */
  take(): boolean {
    const bytes = this.#bytes;
    const size = bytes.length;
    let taken = Atomics.load(this.#words, words.taken);
    if (taken === this.#until) return false;
    let at = (taken >>> 0) & (size - 1);
    if (uint16At(bytes, at) === skipMark) {
      taken += size - at;
      at = 0;
    }
    this.length = uint16At(bytes, at);
    this.originLength = uint16At(bytes, at + 2);
    const queryAt = at + recordHeadBytes;
    const originAt = queryAt + this.length;
    for (let index = 0; index < this.length; index++) this.packet[index] = bytes[queryAt + index] as number;
    for (let index = 0; index < this.originLength; index++) this.origin[index] = bytes[originAt + index] as number;
    Atomics.store(this.#words, words.taken, (taken + recordBytes(this.length, this.originLength)) | 0);
    return true;
  }
}

/** Beginnings are multiples of four, so a head never stands across the end. */
function recordBytes(length: number, originLength: number): number {
  return (recordHeadBytes + length + originLength + 3) & ~3;
}

function putUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff;
  bytes[at + 1] = value >> 8;
}

function uint16At(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}
