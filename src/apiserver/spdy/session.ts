/**
 * A SPDY/3.1 connection over any Duplex (a TLS socket, WebSocket messages): streams, flow control, pings, an orderly end.
 *
 *     transport -> FrameDecoder -> (HeaderReader) -> streams      streams -> one piece each in turn -> transport
 *
 * Flow control: this side always grants windows. It keeps to the peer's windows from the moment the peer shows that it has any
 * (WINDOW_UPDATE or SETTINGS): the library in kubectl and client-go never sends a WINDOW_UPDATE and would wait for ever after
 * 64 KiB. Such a peer is held back by its transport instead: reading stops while too much waits for slow readers.
 */
import type { Duplex } from 'node:stream';
import { messageOf } from '../../observe/index.ts';
import { SpdyError, spdyError } from './errors.ts';
import type { Frame } from './frames.ts';
import { FrameDecoder, encodeFrame, goAwayStatus, initialWindowSetting, resetStatus } from './frames.ts';
import type { SpdyHeaders } from './header-block.ts';
import { HeaderReader, HeaderWriter } from './header-block.ts';
import type { StreamHost } from './stream.ts';
import { SpdyStream } from './stream.ts';

export interface SpdySessionOptions {
  /** Servers number their streams evenly, clients oddly. */
  readonly role: 'server' | 'client';
  /** The peer opened a stream, and has its reply. Without this every stream is refused. */
  readonly onStream?: (stream: SpdyStream) => void;
}

/** Section 2.6.8: the window of every stream, and of the session, at first. */
const firstWindow = 64 * 1024;
const maxWindow = 0x7fff_ffff;
/** Granted again in pieces, not byte by byte. */
const creditBytes = firstWindow / 2;
/** One piece of data: small enough that streams take turns. */
const maxPieceBytes = 16 * 1024;
/** What may wait for readers, all streams together, before the transport is not read any more. */
const maxUnreadBytes = 8 * 1024 * 1024;
const maxStreams = 4096;
/** Unsent bytes, of answers mostly since data waits for its turn, before nothing more is read. */
const maxAnswerBytes = 1024 * 1024;
/** How long the last bytes may take on their way out. */
const hangUpMs = 2000;

/** Ends by itself with its transport. `closed` never rejects. */
export class SpdySession implements StreamHost {
  readonly #transport: Duplex;
  readonly #options: SpdySessionOptions;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #ready = new Set<SpdyStream>();
  readonly #reader = new HeaderReader();
  readonly #writer = new HeaderWriter();
  readonly #pings = new Map<number, () => void>();
  #sendWindow = firstWindow;
  #streamWindow = firstWindow;
  #hasPeerWindows = false;
  #uncredited = 0;
  #unreadBytes = 0;
  #wakeReader: (() => void) | undefined;
  #lastPeerStream = 0;
  #nextStream: number;
  #nextPing: number;
  #isLeaving = false;
  #isEnded = false;
  #isPumping = false;
  #fault: SpdyError | undefined;
  /** Resolves when the connection has ended, with what was wrong with it, if anything. */
  readonly closed: Promise<SpdyError | undefined>;

  constructor(transport: Duplex, options: SpdySessionOptions) {
    this.#transport = transport;
    this.#options = options;
    this.#nextStream = this.#nextPing = options.role === 'client' ? 1 : 2;
    transport.on('drain', () => this.#pump());
    this.closed = new Promise((resolve) => {
      const gone = (cause?: Error): void => resolve(this.#end(cause === undefined ? undefined : this.#lost(cause)));
      transport.on('error', gone);
      transport.on('close', () => gone());
      void this.#readAll().then((error) => resolve(this.#end(error)));
    });
  }

  /** Opens a stream. It can be written at once. */
  open(headers: SpdyHeaders): SpdyStream {
    if (this.#isEnded || this.#isLeaving) throw spdyError('GONE', 'the connection takes no more streams');
    const streamId = this.#nextStream;
    this.#nextStream += 2;
    const stream = this.#addStream(streamId, headers, false);
    const block = this.#writer.write(headers);
    this.#send({ type: 'syn-stream', streamId, block, isLast: false, isUnidirectional: false });
    return stream;
  }

  /** Asks the peer for a sign of life; resolves when it comes, or when the connection ends. */
  ping(): Promise<void> {
    if (this.#isEnded) return Promise.resolve();
    const id = this.#nextPing;
    this.#nextPing = (this.#nextPing + 2) % maxWindow;
    this.#send({ type: 'ping', id });
    return new Promise((resolve) => void this.#pings.set(id, resolve));
  }

  /** No new streams; the connection ends with the last one. */
  close(): void {
    if (this.#isLeaving || this.#isEnded) return;
    this.#isLeaving = true;
    this.#send({ type: 'go-away', lastStreamId: this.#lastPeerStream, status: goAwayStatus.ok });
    this.#leaveWhenIdle();
  }

  /** Ends everything at once. */
  destroy(): void {
    this.#end(undefined);
  }

  wantsToSend(stream: SpdyStream): void {
    this.#ready.add(stream);
    this.#pump();
  }

  consumed(stream: SpdyStream, bytes: number): void {
    this.#unreadBytes -= bytes;
    if (this.#unreadBytes <= maxUnreadBytes) this.#wakeReader?.();
    stream.uncredited += bytes;
    this.#uncredited += bytes;
    if (stream.uncredited >= creditBytes && stream.isOpenForPeer) {
      this.#send({ type: 'window-update', streamId: stream.id, delta: stream.uncredited });
      stream.uncredited = 0;
    }
    this.#creditSession();
  }

  ended(stream: SpdyStream, isClean: boolean): void {
    if (!this.#streams.delete(stream.id)) return;
    this.#ready.delete(stream);
    if (!isClean) this.#send({ type: 'rst-stream', streamId: stream.id, status: resetStatus.cancel });
    this.#leaveWhenIdle();
  }

  async #readAll(): Promise<SpdyError | undefined> {
    const decoder = new FrameDecoder();
    try {
      // Not destroyed when this ends: the peer is to be told why.
      for await (const chunk of this.#transport.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
        for (const frame of decoder.push(chunk)) {
          await this.#handle(frame);
          if (this.#isEnded) return undefined;
        }
        await this.#breathe();
      }
      return decoder.isBetweenFrames ? undefined : spdyError('GONE', 'the connection ended within a frame');
    } catch (error) {
      if (error instanceof SpdyError) return error;
      return this.#lost(error);
    } finally {
      this.#reader.close();
    }
  }

  /** Waits while readers of streams are behind, or the peer asks more than it takes of our answers. */
  async #breathe(): Promise<void> {
    const isBehind = (): boolean =>
      !this.#isEnded && (this.#unreadBytes > maxUnreadBytes || this.#transport.writableLength > maxAnswerBytes);
    while (isBehind()) {
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
    this.#wakeReader = undefined;
  }

  #lost(cause: unknown): SpdyError {
    return spdyError('GONE', `the connection was lost: ${messageOf(cause)}`, { cause });
  }

  /** Idempotent; the first fault is kept. */
  #end(fault: SpdyError | undefined): SpdyError | undefined {
    if (this.#isEnded) return this.#fault;
    this.#fault = fault;
    if (fault !== undefined && fault.code !== 'GONE')
      this.#send({ type: 'go-away', lastStreamId: this.#lastPeerStream, status: goAwayStatus.protocolError });
    this.#isEnded = true;
    this.#wakeReader?.();
    for (const resolve of this.#pings.values()) resolve();
    this.#ready.clear();
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.destroy(fault ?? spdyError('GONE', 'the connection ended'));
    this.#hangUp();
    return fault;
  }

  /** What was written still goes out, to a peer that reads. */
  #hangUp(): void {
    const transport = this.#transport;
    if (transport.destroyed) return;
    const timer = setTimeout(() => transport.destroy(), hangUpMs);
    timer.unref();
    transport.end(() => {
      clearTimeout(timer);
      transport.destroy();
    });
  }

  async #handle(frame: Frame): Promise<void> {
    switch (frame.type) {
      case 'data':
        return this.#receive(frame.streamId, frame.data, frame.isLast);
      case 'syn-stream': {
        // Inflated whatever becomes of it: the next block builds on it.
        const headers = await this.#reader.read(frame.block);
        return this.#accept(frame.streamId, headers, frame.isLast, frame.isUnidirectional);
      }
      case 'syn-reply':
      case 'headers':
        await this.#reader.read(frame.block);
        if (frame.isLast) this.#receive(frame.streamId, Buffer.alloc(0), true);
        return undefined;
      case 'rst-stream': {
        const stream = this.#streams.get(frame.streamId);
        this.#streams.delete(frame.streamId);
        if (stream !== undefined) this.#ready.delete(stream);
        stream?.destroy(spdyError('RESET', `the peer gave up stream ${frame.streamId} (status ${frame.status})`));
        return this.#leaveWhenIdle();
      }
      case 'settings':
        return this.#resize(frame.settings.get(initialWindowSetting));
      case 'ping':
        return this.#answerPing(frame.id);
      case 'go-away':
        this.#isLeaving = true;
        return this.#leaveWhenIdle();
      case 'window-update':
        return this.#grant(frame.streamId, frame.delta);
    }
  }

  #accept(streamId: number, headers: SpdyHeaders, isLast: boolean, isUnidirectional: boolean): void {
    const isPeers = this.#isPeers(streamId);
    if (!isPeers || streamId <= this.#lastPeerStream) throw spdyError('BAD_STREAM', `stream ${streamId} is out of turn`);
    this.#lastPeerStream = streamId;
    const { onStream } = this.#options;
    if (this.#isLeaving || onStream === undefined || this.#streams.size >= maxStreams) {
      this.#send({ type: 'rst-stream', streamId, status: resetStatus.refusedStream });
      return;
    }
    const stream = this.#addStream(streamId, headers, isUnidirectional);
    if (!isUnidirectional) {
      const block = this.#writer.write(new Map());
      this.#send({ type: 'syn-reply', streamId, block, isLast: false });
    }
    if (isLast) stream.receive(Buffer.alloc(0), true);
    onStream(stream);
  }

  #addStream(streamId: number, headers: SpdyHeaders, isReadOnly: boolean): SpdyStream {
    const stream = new SpdyStream(streamId, headers, { host: this, sendWindow: this.#streamWindow, isReadOnly });
    this.#streams.set(streamId, stream);
    return stream;
  }

  #receive(streamId: number, data: Buffer, isLast: boolean): void {
    const stream = this.#streams.get(streamId);
    if (stream?.isOpenForPeer === true) {
      this.#unreadBytes += data.length;
      stream.receive(data, isLast);
      return;
    }
    // A stream that just ended may still be written to; one that never was may not.
    this.#uncredited += data.length;
    this.#creditSession();
    const isNew = this.#isPeers(streamId) ? streamId > this.#lastPeerStream : streamId >= this.#nextStream;
    if (isNew) this.#send({ type: 'rst-stream', streamId, status: resetStatus.invalidStream });
  }

  #resize(streamWindow: number | undefined): void {
    this.#hasPeerWindows = true;
    if (streamWindow !== undefined && streamWindow <= maxWindow) {
      for (const stream of this.#streams.values()) stream.sendWindow += streamWindow - this.#streamWindow;
      this.#streamWindow = streamWindow;
    }
    this.#pump();
  }

  #grant(streamId: number, delta: number): void {
    this.#hasPeerWindows = true;
    if (streamId === 0) {
      this.#sendWindow += delta;
      if (this.#sendWindow > maxWindow) throw spdyError('FLOW_CONTROL', 'the window of the session is too large');
    } else {
      const stream = this.#streams.get(streamId);
      if (stream !== undefined) {
        stream.sendWindow += delta;
        if (stream.sendWindow > maxWindow) {
          this.#streams.delete(streamId);
          this.#ready.delete(stream);
          this.#send({ type: 'rst-stream', streamId, status: resetStatus.flowControlError });
          stream.destroy(spdyError('FLOW_CONTROL', `the window of stream ${streamId} is too large`));
          this.#leaveWhenIdle();
        }
      }
    }
    this.#pump();
  }

  #answerPing(id: number): void {
    if (this.#isPeers(id)) {
      this.#send({ type: 'ping', id });
      return;
    }
    this.#pings.get(id)?.();
    this.#pings.delete(id);
  }

  #creditSession(): void {
    if (this.#uncredited < creditBytes) return;
    this.#send({ type: 'window-update', streamId: 0, delta: this.#uncredited });
    this.#uncredited = 0;
  }

  /** Sends a piece of each stream in turn while the transport takes them. */
  #pump(): void {
    if (this.#transport.writableLength <= maxAnswerBytes) this.#wakeReader?.();
    if (this.#isPumping) return;
    this.#isPumping = true;
    for (const stream of this.#ready) {
      if (this.#transport.writableNeedDrain || this.#isEnded) break;
      this.#sendPiece(stream);
    }
    this.#isPumping = false;
  }

  #sendPiece(stream: SpdyStream): void {
    const windows = this.#hasPeerWindows ? Math.min(this.#sendWindow, stream.sendWindow) : maxPieceBytes;
    const piece = stream.takeOutgoing(Math.min(maxPieceBytes, windows));
    if (!stream.hasOutgoing) this.#ready.delete(stream);
    if (piece === undefined) return;
    stream.sendWindow -= piece.data.length;
    this.#sendWindow -= piece.data.length;
    this.#send({ type: 'data', streamId: stream.id, ...piece });
    // To the end of the queue; one whose window is closed keeps its place, and is looked at when windows change.
    if (this.#ready.delete(stream)) this.#ready.add(stream);
  }

  #send(frame: Frame): void {
    if (this.#isEnded || !this.#transport.writable) return;
    this.#transport.write(encodeFrame(frame));
  }

  #leaveWhenIdle(): void {
    if (this.#isLeaving && this.#streams.size === 0) this.#end(undefined);
  }

  #isPeers(id: number): boolean {
    return (id % 2 === 1) === (this.#options.role === 'server');
  }
}
