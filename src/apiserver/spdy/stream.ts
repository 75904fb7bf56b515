/** One stream of a SPDY session as a Duplex: `end()` closes our half, `destroy()` resets it, the peer's end is its `end`. */
import { Duplex } from 'node:stream';
import { spdyError } from './errors.ts';
import type { SpdyHeaders } from './header-block.ts';

/** What a stream asks of its session. */
export interface StreamHost {
  /** There is data to send, or an end: `takeOutgoing` will be called when there is room. */
  wantsToSend(stream: SpdyStream): void;
  /** Bytes that came for the stream are the reader's now. */
  consumed(stream: SpdyStream, bytes: number): void;
  /** Both halves are closed, or it was destroyed. `isClean`: there is nothing to tell the peer. */
  ended(stream: SpdyStream, isClean: boolean): void;
}

/** A piece that is ready to be sent. */
export interface Outgoing {
  readonly data: Buffer;
  readonly isLast: boolean;
}

/** Unread bytes that the readable half asks for before it stops. */
const readAheadBytes = 64 * 1024;
const nothing = Buffer.alloc(0);

export class SpdyStream extends Duplex {
  readonly id: number;
  /** Of the SYN_STREAM. */
  readonly headers: SpdyHeaders;
  /** Bytes that the peer is ready to take; negative when a setting shrank it (section 2.6.8). */
  sendWindow: number;
  /** Bytes that the reader took and the peer was not told of. */
  uncredited = 0;
  readonly #host: StreamHost;
  readonly #incoming: Buffer[] = [];
  #isWanted = false;
  #hasEnd = false;
  #isReadDone = false;
  #isWriteDone = false;
  #pending: { data: Buffer; readonly done: (error?: Error | null) => void } | undefined;
  #finish: (() => void) | undefined;

  constructor(
    id: number,
    headers: SpdyHeaders,
    options: { readonly host: StreamHost; readonly sendWindow: number; readonly isReadOnly?: boolean },
  ) {
    super({ allowHalfOpen: true, readableHighWaterMark: readAheadBytes, writableHighWaterMark: readAheadBytes });
    this.id = id;
    this.headers = headers;
    this.sendWindow = options.sendWindow;
    this.#host = options.host;
    // A connection that breaks ends all its streams, read or not: nobody has to listen.
    this.on('error', () => undefined);
    if (options.isReadOnly === true) {
      this.#isWriteDone = true;
      this.end();
    }
  }

  /** Data of the peer. */
  receive(data: Buffer, isLast: boolean): void {
    if (this.#hasEnd || this.destroyed) return;
    if (data.length > 0) this.#incoming.push(data);
    this.#hasEnd = isLast;
    if (this.#isWanted || isLast) this.#deliver();
  }

  /** Whether the peer may still send. */
  get isOpenForPeer(): boolean {
    return !this.#hasEnd;
  }

  /** The next piece to send, of at most `limit` bytes; undefined when there is none, or none that fits. */
  takeOutgoing(limit: number): Outgoing | undefined {
    const pending = this.#pending;
    if (pending === undefined) {
      const finish = this.#finish;
      if (finish === undefined) return undefined;
      this.#finish = undefined;
      this.#isWriteDone = true;
      finish();
      this.#settle();
      return { data: nothing, isLast: true };
    }
    const size = Math.min(limit, pending.data.length);
    if (size <= 0) return undefined;
    const data = pending.data.subarray(0, size);
    pending.data = pending.data.subarray(size);
    if (pending.data.length === 0) {
      this.#pending = undefined;
      pending.done();
    }
    return { data, isLast: false };
  }

  /** Whether there is something to send now (an end needs no window). */
  get hasOutgoing(): boolean {
    return this.#pending !== undefined || this.#finish !== undefined;
  }

  override _read(): void {
    this.#isWanted = true;
    this.#deliver();
  }

  override _write(data: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (data.length === 0) {
      done();
      return;
    }
    this.#pending = { data, done };
    this.#host.wantsToSend(this);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#isWriteDone) {
      done();
      return;
    }
    this.#finish = () => done();
    this.#host.wantsToSend(this);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const isClean = this.#isReadDone && this.#isWriteDone;
    const pending = this.#pending;
    this.#pending = undefined;
    this.#finish = undefined;
    this.#dropIncoming();
    this.#hasEnd = true;
    pending?.done(error ?? spdyError('CANCELLED', `stream ${this.id} was given up`));
    this.#host.ended(this, isClean);
    done(error);
  }

  #deliver(): void {
    while (this.#isWanted) {
      const data = this.#incoming.shift();
      if (data === undefined) break;
      this.#isWanted = this.push(data);
      this.#host.consumed(this, data.length);
    }
    if (this.#hasEnd && !this.#isReadDone && this.#incoming.length === 0) {
      this.#isReadDone = true;
      this.push(null);
      this.#settle();
    }
  }

  /** The peer's credit for what nobody will read. */
  #dropIncoming(): void {
    const bytes = this.#incoming.reduce((sum, data) => sum + data.length, 0);
    this.#incoming.length = 0;
    if (bytes > 0) this.#host.consumed(this, bytes);
  }

  #settle(): void {
    if (this.#isReadDone && this.#isWriteDone) this.#host.ended(this, true);
  }
}
