/** Reads the parts of a message, one after the other. */
import { bytesOf, MessageError, namesInData } from './message-form.ts';
import type { Question, ResourceRecord } from './message-form.ts';
import { headerBytes, queryTypes } from './protocol.ts';

/** Most sections have no records. */
export const noRecords: readonly ResourceRecord[] = [];

/** Each method throws `MessageError` where the bytes are no such part. */
export class MessageReader {
  readonly #bytes: Buffer;
  #at = 0;
  /** The name right behind the header. */
  #firstName: string | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  uint16(): number {
    return (this.#byte() << 8) | this.#byte();
  }

  uint32(): number {
    return ((this.uint16() << 16) | this.uint16()) >>> 0;
  }

  /** An absolute name; pointers must lead backwards, so they cannot loop (RFC 1035 §4.1.4). */
  name(): string {
    const first = this.#at;
    let wire = '';
    let at = first;
    /** Of the labels up to `at` that are not in `wire` yet. */
    let from = at;
    let hasJumped = false;
    let lowest = at;
    for (;;) {
      const octet = this.#bytes[at];
      if (octet === undefined) throw new MessageError('a name runs past the end', { code: 'truncated' });
      if (octet === 0) break;
      if (octet >= 0xc0) {
        const target = ((octet & 0x3f) << 8) | (this.#bytes[at + 1] ?? 0);
        if (!hasJumped) this.#at = at + 2;
        hasJumped = true;
        if (target >= lowest) throw new MessageError('a compression pointer does not lead backwards', { code: 'bad-name' });
        // most owners are nothing but a pointer to the question
        if (at === first && target === headerBytes && this.#firstName !== undefined) return this.#firstName;
        lowest = target;
        wire += this.#textOf(from, at);
        from = target;
        at = target;
        continue;
      }
      if (octet > 63) throw new MessageError('unknown label type', { code: 'bad-name' });
      if (at + 1 + octet > this.#bytes.length) throw new MessageError('a label runs past the end', { code: 'truncated' });
      if (wire.length + at - from + 1 + octet > 254)
        throw new MessageError('a name is longer than 255 bytes', { code: 'bad-name' });
      at += 1 + octet;
    }
    if (!hasJumped) this.#at = at + 1;
    wire += `${this.#textOf(from, at)}\0`;
    if (first === headerBytes) this.#firstName = wire;
    return wire;
  }

  questions(count: number): readonly Question[] {
    if (count === 1) return [this.#question()];
    const questions: Question[] = [];
    for (let index = 0; index < count; index++) questions.push(this.#question());
    return questions;
  }

  records(count: number): readonly ResourceRecord[] {
    if (count === 0) return noRecords;
    if (count === 1) return [this.#record()];
    const records: ResourceRecord[] = [];
    for (let index = 0; index < count; index++) records.push(this.#record());
    return records;
  }

  /** The next record, if it is an OPT record of the root as they all are; else nothing is read. */
  onlyOpt(): Pick<ResourceRecord, 'class' | 'ttlSeconds'> | undefined {
    const bytes = this.#bytes;
    const at = this.#at;
    if (at + 11 > bytes.length || bytes[at] !== 0 || bytes.readUInt16BE(at + 1) !== queryTypes.OPT) return undefined;
    if (at + 11 + bytes.readUInt16BE(at + 9) > bytes.length) return undefined;
    return { class: bytes.readUInt16BE(at + 3), ttlSeconds: bytes.readUInt32BE(at + 5) };
  }

  #question(): Question {
    return { name: this.name(), type: this.uint16(), class: this.uint16() };
  }

  #record(): ResourceRecord {
    const name = this.name();
    const type = this.uint16();
    const rrClass = this.uint16();
    const ttlSeconds = this.uint32();
    const length = this.uint16();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new MessageError('a record runs past the end', { code: 'truncated' });
    const shape = namesInData.get(type);
    if (shape === undefined || length === 0) {
      // a copy, whatever the bytes are a view of
      const data = new Uint8Array(length);
      for (let index = 0; index < length; index++) data[index] = this.#bytes[this.#at++] ?? 0;
      return { name, type, class: rrClass, ttlSeconds, data };
    }
    let data = this.#text(shape.before, end);
    for (let index = 0; index < shape.names; index++) data += this.name();
    data += this.#text(end - this.#at, end);
    return { name, type, class: rrClass, ttlSeconds, data: bytesOf(data) };
  }

  #text(length: number, end: number): string {
    if (length < 0 || this.#at + length > end)
      throw new MessageError('the names of a record exceed its data', { code: 'bad-record' });
    const text = this.#textOf(this.#at, this.#at + length);
    this.#at += length;
    return text;
  }

  #textOf(start: number, end: number): string {
    return start === end ? '' : this.#bytes.toString('latin1', start, end);
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new MessageError('message ends too early', { code: 'truncated' });
    this.#at++;
    return byte;
  }
}
