/**
 * Frames of SPDY/3.1 on the wire (draft 3.1, section 2.2). Pure: bytes in, frames out. Header blocks stay compressed here.
 *
 *     control  1 | version:15 = 3 | type:16 | flags:8 | length:24 | fields
 *     data     0 | stream:31                | flags:8 | length:24 | bytes
 */
import { spdyError } from './errors.ts';

/** Control frame types that are spoken. */
export const frameType = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

/** Codes of RST_STREAM (section 2.6.3). */
export const resetStatus = {
  protocolError: 1,
  invalidStream: 2,
  refusedStream: 3,
  cancel: 5,
  internalError: 6,
  flowControlError: 7,
  streamInUse: 8,
} as const;

/** Codes of GOAWAY (section 2.6.6). */
export const goAwayStatus = { ok: 0, protocolError: 1, internalError: 2 } as const;

/** The id of the setting that changes the first window of streams (section 2.6.4). */
export const initialWindowSetting = 7;

export type Frame =
  | { readonly type: 'data'; readonly streamId: number; readonly data: Buffer; readonly isLast: boolean }
  | {
      readonly type: 'syn-stream';
      readonly streamId: number;
      readonly block: Buffer;
      readonly isLast: boolean;
      readonly isUnidirectional: boolean;
    }
  | { readonly type: 'syn-reply' | 'headers'; readonly streamId: number; readonly block: Buffer; readonly isLast: boolean }
  | { readonly type: 'rst-stream'; readonly streamId: number; readonly status: number }
  | { readonly type: 'settings'; readonly settings: ReadonlyMap<number, number> }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'go-away'; readonly lastStreamId: number; readonly status: number }
  | { readonly type: 'window-update'; readonly streamId: number; readonly delta: number };

const headBytes = 8;
const lastFlag = 1;
const unidirectionalFlag = 2;
const version = 3;
/** Control frames are small; what is larger is an error or an attack. */
const maxControlBytes = 64 * 1024;

/** The bytes of a frame. Data must be shorter than 16 MiB. */
export function encodeFrame(frame: Frame): Buffer {
  switch (frame.type) {
    case 'data': {
      const head = Buffer.alloc(headBytes);
      head.writeUInt32BE(frame.streamId, 0);
      head.writeUInt32BE(frame.data.length, 4);
      head[4] = frame.isLast ? lastFlag : 0;
      return Buffer.concat([head, frame.data]);
    }
    case 'syn-stream': {
      const flags = (frame.isLast ? lastFlag : 0) | (frame.isUnidirectional ? unidirectionalFlag : 0);
      return control(frameType.synStream, flags, [frame.streamId, 0], Buffer.alloc(2), frame.block);
    }
    case 'syn-reply':
      return control(frameType.synReply, frame.isLast ? lastFlag : 0, [frame.streamId], frame.block);
    case 'headers':
      return control(frameType.headers, frame.isLast ? lastFlag : 0, [frame.streamId], frame.block);
    case 'rst-stream':
      return control(frameType.rstStream, 0, [frame.streamId, frame.status]);
    case 'settings':
      return control(frameType.settings, 0, [frame.settings.size, ...[...frame.settings].flat()]);
    case 'ping':
      return control(frameType.ping, 0, [frame.id]);
    case 'go-away':
      return control(frameType.goAway, 0, [frame.lastStreamId, frame.status]);
    case 'window-update':
      return control(frameType.windowUpdate, 0, [frame.streamId, frame.delta]);
  }
}

/** Cuts a byte stream into frames. Data frames come in pieces as they arrive, so that nothing large is kept. */
export class FrameDecoder {
  #bytes: Buffer = Buffer.alloc(0);
  /** The data frame that is under way. */
  #data: { readonly streamId: number; readonly isLast: boolean; left: number } | undefined;

  /** Whether the stream may end here without breaking a frame. */
  get isBetweenFrames(): boolean {
    return this.#bytes.length === 0 && this.#data === undefined;
  }

  /** The frames that a chunk completes. Throws SpdyError `BAD_FRAME` or `TOO_LARGE`; the decoder is of no use after that. */
  *push(chunk: Uint8Array): Generator<Frame, void> {
    const more = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    this.#bytes = this.#bytes.length === 0 ? more : Buffer.concat([this.#bytes, more]);
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) if (frame !== 'skipped') yield frame;
  }

  #next(): Frame | 'skipped' | undefined {
    if (this.#data !== undefined) return this.#dataPiece(this.#data);
    const bytes = this.#bytes;
    if (bytes.length < headBytes) return undefined;
    const first = bytes.readUInt32BE(0);
    const flags = bytes[4] ?? 0;
    const length = bytes.readUIntBE(5, 3);
    if (first >>> 31 === 0) {
      if (first === 0) throw spdyError('BAD_FRAME', 'data for stream 0');
      this.#bytes = bytes.subarray(headBytes);
      this.#data = { streamId: first, isLast: (flags & lastFlag) !== 0, left: length };
      return this.#dataPiece(this.#data);
    }
    const spoken = (first >>> 16) & 0x7fff;
    if (spoken !== version) throw spdyError('BAD_FRAME', `a frame of version ${spoken}, not ${version}`);
    if (length > maxControlBytes) throw spdyError('TOO_LARGE', `a control frame of ${length} bytes`);
    if (bytes.length < headBytes + length) return undefined;
    this.#bytes = bytes.subarray(headBytes + length);
    return decodeControl(first & 0xffff, flags, bytes.subarray(headBytes, headBytes + length));
  }

  #dataPiece(data: { readonly streamId: number; readonly isLast: boolean; left: number }): Frame | undefined {
    if (data.left > 0 && this.#bytes.length === 0) return undefined;
    const piece = this.#bytes.subarray(0, data.left);
    this.#bytes = this.#bytes.subarray(piece.length);
    data.left -= piece.length;
    if (data.left === 0) this.#data = undefined;
    return { type: 'data', streamId: data.streamId, data: piece, isLast: data.isLast && data.left === 0 };
  }
}

function decodeControl(type: number, flags: number, body: Buffer): Frame | 'skipped' {
  const isLast = (flags & lastFlag) !== 0;
  const need = (length: number, isExact: boolean): void => {
    if (body.length < length || (isExact && body.length !== length))
      throw spdyError('BAD_FRAME', `a frame of type ${type} with ${body.length} bytes`);
  };
  const id = (at: number): number => body.readUInt32BE(at) & 0x7fff_ffff;
  const stream = (): number => {
    const streamId = id(0);
    if (streamId === 0) throw spdyError('BAD_FRAME', `a frame of type ${type} for stream 0`);
    return streamId;
  };
  switch (type) {
    case frameType.synStream:
      need(10, false);
      return {
        type: 'syn-stream',
        streamId: stream(),
        block: body.subarray(10),
        isLast,
        isUnidirectional: (flags & unidirectionalFlag) !== 0,
      };
    case frameType.synReply:
      need(4, false);
      return { type: 'syn-reply', streamId: stream(), block: body.subarray(4), isLast };
    case frameType.headers:
      need(4, false);
      return { type: 'headers', streamId: stream(), block: body.subarray(4), isLast };
    case frameType.rstStream:
      need(8, true);
      return { type: 'rst-stream', streamId: stream(), status: body.readUInt32BE(4) };
    case frameType.settings: {
      need(4, false);
      const count = body.readUInt32BE(0);
      need(4 + count * 8, true);
      const settings = new Map<number, number>();
      for (let at = 4; at < body.length; at += 8) settings.set(body.readUIntBE(at + 1, 3), body.readUInt32BE(at + 4));
      return { type: 'settings', settings };
    }
    case frameType.ping:
      need(4, true);
      return { type: 'ping', id: body.readUInt32BE(0) };
    case frameType.goAway:
      need(8, true);
      return { type: 'go-away', lastStreamId: id(0), status: body.readUInt32BE(4) };
    case frameType.windowUpdate:
      need(8, true);
      return { type: 'window-update', streamId: id(0), delta: id(4) };
    default:
      // Section 2.2.1: frames of unknown types are ignored.
      return 'skipped';
  }
}

function control(type: number, flags: number, numbers: readonly number[], ...rest: readonly Buffer[]): Buffer {
  const fields = Buffer.alloc(numbers.length * 4);
  numbers.forEach((value, index) => fields.writeUInt32BE(value, index * 4));
  const body = Buffer.concat([fields, ...rest]);
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE((0x8000_0000 | (version << 16) | type) >>> 0, 0);
  head.writeUInt32BE(body.length, 4);
  head[4] = flags;
  return Buffer.concat([head, body]);
}
