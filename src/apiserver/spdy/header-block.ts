/**
 * Header blocks: names and values, compressed by one zlib stream per direction that lives as long as the connection
 * (SPDY draft 3.1, section 2.6.10). Uncompressed:
 *
 *     count:32 | { name length:32 | name | value length:32 | values, with NUL between them } ...
 */
import { constants, createInflate } from 'node:zlib';
import type { Inflate } from 'node:zlib';
import { dictionary, dictionaryId } from './dictionary.ts';
import { spdyError } from './errors.ts';

/** Lower-case name -> value; values that were sent apart are joined by NUL, as on the wire. */
export type SpdyHeaders = ReadonlyMap<string, string>;

/** More than this after inflation is refused: kubectl sends some hundred bytes. */
const maxBlockBytes = 64 * 1024;
/** An empty stored block, as zlib's Z_SYNC_FLUSH ends with: Go's inflate hands out what it has when it meets one. */
const syncFlush = Buffer.from([0x00, 0x00, 0x00, 0xff, 0xff]);
/** The longest stored block of RFC 1951. */
const maxStoredBytes = 0xffff;

/** The uncompressed form. */
export function encodeHeaderPairs(headers: SpdyHeaders): Buffer {
  const parts: Buffer[] = [uint32(headers.size)];
  for (const [name, value] of headers) {
    for (const text of [name.toLowerCase(), value]) {
      const bytes = Buffer.from(text);
      parts.push(uint32(bytes.length), bytes);
    }
  }
  return Buffer.concat(parts);
}

/** Reads the uncompressed form. Throws SpdyError `BAD_HEADERS`. */
export function decodeHeaderPairs(block: Uint8Array): SpdyHeaders {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.length);
  let at = 0;
  const number = (): number => {
    if (at + 4 > bytes.length) throw spdyError('BAD_HEADERS', 'a header block ends too early');
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (length > bytes.length - at) throw spdyError('BAD_HEADERS', 'a header is longer than its block');
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  const headers = new Map<string, string>();
  for (let left = number(); left > 0; left -= 1) {
    const name = text().toLowerCase();
    if (name === '' || headers.has(name)) throw spdyError('BAD_HEADERS', 'a header has no name of its own');
    headers.set(name, text());
  }
  if (at !== bytes.length) throw spdyError('BAD_HEADERS', 'a header block has bytes after its last header');
  return headers;
}

/**
 * The outgoing zlib stream. Blocks are stored, not deflated: what a server sends are empty replies, and stored blocks need no
 * state, are whole bytes and come out at once. Any zlib reader takes them.
 */
export class HeaderWriter {
  #isBegun = false;

  /** The next piece of the stream. */
  write(headers: SpdyHeaders): Buffer {
    const plain = encodeHeaderPairs(headers);
    const parts: Buffer[] = [];
    if (!this.#isBegun) {
      // RFC 1950: deflate with a 32 KiB window, FDICT, no effort; then the dictionary's name.
      parts.push(Buffer.from([0x78, 0x20]), uint32(dictionaryId));
      this.#isBegun = true;
    }
    for (let at = 0; at < plain.length; at += maxStoredBytes) {
      const piece = plain.subarray(at, at + maxStoredBytes);
      const head = Buffer.alloc(5); // RFC 1951 §3.2.4: not the last block, stored, LEN, NLEN
      head.writeUInt16LE(piece.length, 1);
      head.writeUInt16LE(~piece.length & 0xffff, 3);
      parts.push(head, piece);
    }
    parts.push(syncFlush);
    return Buffer.concat(parts);
  }
}

/** The incoming zlib stream. Blocks must be given one after the other, each after the one before was read. */
export class HeaderReader {
  readonly #inflate: Inflate = createInflate({ dictionary, flush: constants.Z_SYNC_FLUSH });
  #error: Error | undefined;
  #isEnded = false;

  constructor() {
    // Kept for the next read: an error may come when nobody waits.
    this.#inflate.on('error', (error) => {
      this.#error = error;
    });
    this.#inflate.on('end', () => {
      this.#isEnded = true;
    });
  }

  /** The headers of a compressed block. Rejects with SpdyError `BAD_HEADERS` or `TOO_LARGE`; the stream is of no use after that. */
  async read(block: Uint8Array): Promise<SpdyHeaders> {
    return decodeHeaderPairs(await this.#expand(block));
  }

  /** Frees zlib's memory. */
  close(): void {
    this.#inflate.close();
  }

  #expand(block: Uint8Array): Promise<Buffer> {
    const inflate = this.#inflate;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      const collect = (chunk: Buffer): void => {
        sizeBytes += chunk.length;
        if (sizeBytes > maxBlockBytes) fail(spdyError('TOO_LARGE', `a header block has more than ${maxBlockBytes} bytes`));
        else chunks.push(chunk);
      };
      const stop = (): void => {
        inflate.off('data', collect).off('error', broken).off('end', ended).off('close', ended);
      };
      const fail = (error: Error): void => {
        stop();
        reject(error);
        inflate.destroy();
      };
      const broken = (cause: Error): void => fail(spdyError('BAD_HEADERS', 'a header block cannot be inflated', { cause }));
      const ended = (): void => fail(spdyError('BAD_HEADERS', 'the stream of header blocks has an end'));
      if (this.#error !== undefined) return broken(this.#error);
      if (this.#isEnded || inflate.destroyed) return ended();
      inflate.on('data', collect).on('error', broken).on('end', ended).on('close', ended);
      inflate.write(block, (error) => {
        // An error has its own event. Output of this block may still wait in the readable half.
        if (error !== null && error !== undefined) return;
        while (inflate.read() !== null) continue; // each read is a `data` event
        stop();
        resolve(Buffer.concat(chunks));
      });
    });
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}
