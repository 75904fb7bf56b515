/** The protobuf wire format: tags, varints, length-delimited fields. https://protobuf.dev/programming-guides/encoding */

/** Why bytes are no message; worded as Go's decoder words it. */
export class WireError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WireError';
  }
}

export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, groupStart: 3, groupEnd: 4, fixed32: 5 } as const;

/** A cursor over one message. Reads never pass `end`; all throw `WireError` when the bytes end too soon. */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get hasMore(): boolean {
    return this.#at < this.#end;
  }

  /** The next field's number and wire type. */
  tag(): { readonly field: number; readonly wireType: number } {
    const tag = Number(this.varint() & 0xffff_ffffn);
    const field = tag >>> 3;
    const wireType = tag & 7;
    if (field === 0) throw new WireError(`proto: illegal tag ${field} (wire type ${wireType})`);
    return { field, wireType };
  }

  /** A varint as 64 unsigned bits. */
  varint(): bigint {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt(low);
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new WireError('proto: integer overflow');
  }

  /** A varint as a signed number; beyond 2^53 the nearest double. */
  int(): number {
    return Number(BigInt.asIntN(64, this.varint()));
  }

  /** The bytes of a length-delimited field, as a view. */
  bytes(): Uint8Array {
    const length = Number(this.varint());
    if (length > this.#end - this.#at) throw new WireError('unexpected EOF');
    const start = this.#at;
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }

  /** A length-delimited field as text; bytes that are no UTF-8 become U+FFFD. */
  text(): string {
    return textDecoder.decode(this.bytes());
  }

  /** Passes over a field of any wire type. */
  skip(wireType: number): void {
    switch (wireType) {
      case wireTypes.varint:
        this.varint();
        return;
      case wireTypes.fixed64:
        this.#advance(8);
        return;
      case wireTypes.bytes:
        this.bytes();
        return;
      case wireTypes.groupStart:
        for (;;) {
          const inner = this.tag();
          if (inner.wireType === wireTypes.groupEnd) return;
          this.skip(inner.wireType);
        }
      case wireTypes.fixed32:
        this.#advance(4);
        return;
      default:
        throw new WireError(`proto: illegal wireType ${wireType}`);
    }
  }

  #advance(count: number): void {
    if (count > this.#end - this.#at) throw new WireError('unexpected EOF');
    this.#at += count;
  }

  #byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at++] : undefined;
    if (byte === undefined) throw new WireError('unexpected EOF');
    return byte;
  }
}

/** Builds one message, field by field. Nothing is left out: what a zero value means is the caller's to know. */
export class WireWriter {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** A varint field. The number must be a whole one of at most 53 bits, not negative. */
  uint(field: number, value: number): this {
    return this.#add(varintBytes(field * 8 + wireTypes.varint)).#add(varintBytes(value));
  }

  /** A length-delimited field: bytes, or an encoded message. */
  bytes(field: number, content: Uint8Array): this {
    return this.#add(varintBytes(field * 8 + wireTypes.bytes)).#add(varintBytes(content.length)).#add(content);
  }

  /** A length-delimited field of text. */
  text(field: number, text: string): this {
    return this.bytes(field, textEncoder.encode(text));
  }

  /** The message so far. */
  finish(): Uint8Array {
    const message = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      message.set(part, at);
      at += part.length;
    }
    return message;
  }

  #add(part: Uint8Array): this {
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }
}

function varintBytes(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder();
