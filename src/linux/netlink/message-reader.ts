/** Reads netlink messages and attributes out of received bytes. Pure. Malformed lengths end the walk; nothing throws. */
import { ATTRIBUTE_HEADER_BYTES, MESSAGE_HEADER_BYTES } from './message-writer.ts';

/** Ignores the nested and byte-order bits of an attribute's type. */
const TYPE_MASK = 0x3fff;

/** The header of a message, and where in `bytes` it lies. */
export interface Message {
  readonly bytes: Uint8Array;
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly portId: number;
  /** First byte after the 16-byte header. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

/** The messages in a received block, in order. */
export function readMessages(bytes: Uint8Array): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at + MESSAGE_HEADER_BYTES <= bytes.length;) {
    const length = readU32(bytes, at);
    if (length < MESSAGE_HEADER_BYTES || at + length > bytes.length) break;
    messages.push({
      bytes,
      type: readU16(bytes, at + 4),
      flags: readU16(bytes, at + 6),
      sequence: readU32(bytes, at + 8),
      portId: readU32(bytes, at + 12),
      start: at + MESSAGE_HEADER_BYTES,
      end: at + length,
    });
    at += (length + 3) & ~3;
  }
  return messages;
}

/**
 * The attributes of one level by type, as positions: made once and used for message after message, so that reading a large
 * dump leaves no garbage but the values kept. Of a repeated type the last one counts.
 */
export class AttributeTable {
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(maxType: number) {
    this.#starts = new Int32Array(maxType + 1).fill(-1);
    this.#ends = new Int32Array(maxType + 1);
  }

  /** Takes the attributes between two positions. Types above the table's are passed over. */
  parse(bytes: Uint8Array, start: number, end: number): this {
    this.#bytes = bytes;
    this.#starts.fill(-1);
    for (let at = start; at + ATTRIBUTE_HEADER_BYTES <= end;) {
      const length = readU16(bytes, at);
      if (length < ATTRIBUTE_HEADER_BYTES || at + length > end) break;
      const type = readU16(bytes, at + 2) & TYPE_MASK;
      if (type < this.#starts.length) {
        this.#starts[type] = at + ATTRIBUTE_HEADER_BYTES;
        this.#ends[type] = at + length;
      }
      at += (length + 3) & ~3;
    }
    return this;
  }

  /** Takes the attributes nested in one of another table's; empties the table when that has none. */
  parseNested(outer: AttributeTable, type: number): this {
    return this.parse(outer.#bytes, outer.start(type), outer.end(type));
  }

  has(type: number): boolean {
    return (this.#starts[type] ?? -1) >= 0;
  }

  /** Position of the payload; 0 when absent (then `end` is 0 too). */
  start(type: number): number {
    return this.has(type) ? (this.#starts[type] ?? 0) : 0;
  }

  end(type: number): number {
    return this.has(type) ? (this.#ends[type] ?? 0) : 0;
  }

  /** The payload as a view of the received bytes. */
  bytes(type: number): Uint8Array | undefined {
    return this.has(type) ? this.#bytes.subarray(this.start(type), this.end(type)) : undefined;
  }

  u8(type: number): number | undefined {
    return this.has(type) ? this.#bytes[this.start(type)] : undefined;
  }

  u16(type: number): number | undefined {
    return this.has(type) ? readU16(this.#bytes, this.start(type)) : undefined;
  }

  u32(type: number): number | undefined {
    return this.has(type) ? readU32(this.#bytes, this.start(type)) : undefined;
  }

  be16(type: number): number | undefined {
    return this.has(type) ? readBe16(this.#bytes, this.start(type)) : undefined;
  }

  be32(type: number): number | undefined {
    return this.has(type) ? readBe32(this.#bytes, this.start(type)) : undefined;
  }

  be64(type: number): bigint | undefined {
    return this.has(type) ? readBe64(this.#bytes, this.start(type)) : undefined;
  }

  /** Text up to the first NUL. */
  string(type: number): string | undefined {
    return this.has(type) ? readString(this.#bytes, this.start(type), this.end(type)) : undefined;
  }
}

/** Calls `visit` for each attribute between two positions, repeated types included: for lists. */
export function forEachAttribute(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (type: number, start: number, end: number) => void,
): void {
  for (let at = start; at + ATTRIBUTE_HEADER_BYTES <= end;) {
    const length = readU16(bytes, at);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > end) return;
    visit(readU16(bytes, at + 2) & TYPE_MASK, at + ATTRIBUTE_HEADER_BYTES, at + length);
    at += (length + 3) & ~3;
  }
}

/** An unsigned 16-bit number in the byte order of this machine. */
export function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

/** An unsigned 32-bit number in the byte order of this machine. */
export function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0;
}

/** An unsigned 16-bit number, high byte first. */
export function readBe16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** An unsigned 32-bit number, high byte first. */
export function readBe32(bytes: Uint8Array, at: number): number {
  return (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;
}

/** An unsigned 64-bit number, high byte first. */
export function readBe64(bytes: Uint8Array, at: number): bigint {
  return (BigInt(readBe32(bytes, at)) << 32n) | BigInt(readBe32(bytes, at + 4));
}

const decoder = new TextDecoder();

/** UTF-8 up to the first NUL or the end. */
export function readString(bytes: Uint8Array, start: number, end: number): string {
  let stop = start;
  while (stop < end && bytes[stop] !== 0) stop++;
  return decoder.decode(bytes.subarray(start, stop));
}
