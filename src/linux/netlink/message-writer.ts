/**
 * Writes netlink messages one after the other into one growing buffer. Pure; nothing is allocated per message once the
 * buffer is large enough, so a batch of a million rows leaves no garbage.
 *
 *     | length u32 | type u16 | flags u16 | sequence u32 | port id u32 | family header | attributes … |   all host order
 *     attribute: | length u16 (header + payload) | type u16 | payload | padding to 4 |                   payload order varies
 */

export const NLM_F_REQUEST = 0x1;
export const NLM_F_MULTI = 0x2;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_ROOT = 0x100;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;

export const NLA_F_NESTED = 0x8000;

/** Bytes of a message header and of an attribute header. */
export const MESSAGE_HEADER_BYTES = 16;
export const ATTRIBUTE_HEADER_BYTES = 4;
/** An attribute's length field has 16 bits. */
export const MAX_ATTRIBUTE_BYTES = 0xffff;

const INITIAL_BYTES = 4096;
const encoder = new TextEncoder();

/** Writes netlink messages one after the other into one growing buffer; attributes nest. */
export class MessageWriter {
  #bytes: Uint8Array;
  #length = 0;
  #messageStart = -1;
  #count = 0;

  constructor(initialBytes = INITIAL_BYTES) {
    this.#bytes = new Uint8Array(initialBytes);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Messages finished so far. */
  get count(): number {
    return this.#count;
  }

  /** What was written, as a view that the next write may outdate. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Forgets everything and keeps the buffer. */
  clear(): void {
    this.#length = 0;
    this.#count = 0;
    this.#messageStart = -1;
  }

  /** Starts a message. Its sequence number is its place in this writer, from 0, until the socket renumbers it. */
  begin(type: number, flags: number): this {
    this.#reserve(MESSAGE_HEADER_BYTES);
    this.#messageStart = this.#length;
    this.#length += 4;
    this.u16(type);
    this.u16(flags | NLM_F_REQUEST);
    this.u32(this.#count);
    this.u32(0);
    return this;
  }

  /** Ends the message that was begun. */
  end(): void {
    this.#writeU32(this.#messageStart, this.#length - this.#messageStart);
    this.#messageStart = -1;
    this.#count++;
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  /** Host order. */
  u16(value: number): this {
    this.#reserve(2);
    this.#bytes[this.#length++] = value;
    this.#bytes[this.#length++] = value >>> 8;
    return this;
  }

  /** Host order. */
  u32(value: number): this {
    this.#reserve(4);
    this.#writeU32(this.#length, value);
    this.#length += 4;
    return this;
  }

  /** Network order. */
  be16(value: number): this {
    this.#reserve(2);
    this.#bytes[this.#length++] = value >>> 8;
    this.#bytes[this.#length++] = value;
    return this;
  }

  /** Network order. */
  be32(value: number): this {
    this.#reserve(4);
    this.#bytes[this.#length++] = value >>> 24;
    this.#bytes[this.#length++] = value >>> 16;
    this.#bytes[this.#length++] = value >>> 8;
    this.#bytes[this.#length++] = value;
    return this;
  }

  raw(value: Uint8Array): this {
    const size = value.length;
    this.#reserve(size);
    // A call of `set` costs more than copying the dozen bytes of a key.
    if (size <= 32) {
      for (let index = 0; index < size; index++) this.#bytes[this.#length + index] = value[index] ?? 0;
    } else {
      this.#bytes.set(value, this.#length);
    }
    this.#length += size;
    return this;
  }

  /** An attribute with these bytes, padded. */
  attribute(type: number, value: Uint8Array): this {
    this.#attributeHeader(type, value.length);
    this.raw(value);
    return this.#pad();
  }

  /** An attribute that holds nothing but another one with these bytes, written in one go: nftables wraps every key and value so. */
  attributeWithin(outerType: number, type: number, value: Uint8Array): this {
    const size = value.length;
    const padded = (size + 3) & ~3;
    this.#reserve(2 * ATTRIBUTE_HEADER_BYTES + padded);
    const bytes = this.#bytes;
    const at = this.#length;
    writeU16(bytes, at, 2 * ATTRIBUTE_HEADER_BYTES + padded);
    writeU16(bytes, at + 2, outerType | NLA_F_NESTED);
    writeU16(bytes, at + 4, ATTRIBUTE_HEADER_BYTES + size);
    writeU16(bytes, at + 6, type);
    const start = at + 2 * ATTRIBUTE_HEADER_BYTES;
    for (let index = 0; index < size; index++) bytes[start + index] = value[index] ?? 0;
    for (let index = size; index < padded; index++) bytes[start + index] = 0;
    this.#length = start + padded;
    return this;
  }

  attributeU8(type: number, value: number): this {
    this.#attributeHeader(type, 1);
    this.u8(value);
    return this.#pad();
  }

  /** Host order. */
  attributeU16(type: number, value: number): this {
    this.#attributeHeader(type, 2);
    this.u16(value);
    return this.#pad();
  }

  /** Host order. */
  attributeU32(type: number, value: number): this {
    this.#attributeHeader(type, 4);
    return this.u32(value);
  }

  /** Network order. */
  attributeBe16(type: number, value: number): this {
    this.#attributeHeader(type, 2);
    this.be16(value);
    return this.#pad();
  }

  /** Network order. */
  attributeBe32(type: number, value: number): this {
    this.#attributeHeader(type, 4);
    return this.be32(value);
  }

  /** Network order. */
  attributeBe64(type: number, value: bigint): this {
    this.#attributeHeader(type, 8);
    this.be32(Number((value >> 32n) & 0xffffffffn));
    return this.be32(Number(value & 0xffffffffn));
  }

  /** UTF-8 with the closing NUL that the kernel expects of strings. */
  attributeString(type: number, value: string): this {
    const { length } = value;
    this.#attributeHeader(type, length + 1);
    this.#reserve(length + 1);
    const start = this.#length;
    let index = 0;
    for (; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code > 0x7f) break;
      this.#bytes[start + index] = code;
    }
    if (index === length) {
      this.#length += length;
      return this.u8(0).#pad();
    }
    // Not ASCII, which no name of ours is: start over.
    this.#length -= ATTRIBUTE_HEADER_BYTES;
    const bytes = encoder.encode(value);
    this.#attributeHeader(type, bytes.length + 1);
    this.raw(bytes).u8(0);
    return this.#pad();
  }

  /** Starts an attribute that holds attributes; answers the position to give to `endNest`. */
  beginNest(type: number): number {
    const start = this.#length;
    this.u16(0).u16(type | NLA_F_NESTED);
    return start;
  }

  /** Throws `RangeError` when the content is more than an attribute can hold. */
  endNest(start: number): void {
    const size = this.#length - start;
    if (size > MAX_ATTRIBUTE_BYTES) throw new RangeError(`netlink attribute of ${size} bytes`);
    this.#bytes[start] = size;
    this.#bytes[start + 1] = size >>> 8;
  }

  /** Appends finished messages from elsewhere. */
  append(messages: Uint8Array): void {
    this.raw(messages);
    for (let at = 0; at + MESSAGE_HEADER_BYTES <= messages.length; this.#count++) {
      const length = (messages[at] ?? 0) | ((messages[at + 1] ?? 0) << 8) | ((messages[at + 2] ?? 0) << 16);
      at += (length + 3) & ~3;
    }
  }

  /** Drops what was written after this length, inside the message that is being written. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** Makes room for a write of so many bytes, so that it can be followed by plain stores. */
  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  #attributeHeader(type: number, payloadBytes: number): void {
    this.u16(payloadBytes + ATTRIBUTE_HEADER_BYTES);
    this.u16(type);
  }

  #pad(): this {
    while ((this.#length & 3) !== 0) this.u8(0);
    return this;
  }

  #writeU32(at: number, value: number): void {
    this.#bytes[at] = value;
    this.#bytes[at + 1] = value >>> 8;
    this.#bytes[at + 2] = value >>> 16;
    this.#bytes[at + 3] = value >>> 24;
  }
}

function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}
