/** Writes the parts of a message, one after the other. */
import { MessageError, namesInData } from './message-form.ts';
import type { ResourceRecord } from './message-form.ts';
import { headerBytes, maxMessageBytes } from './protocol.ts';

/** One at a time: all write into the same memory. Each method throws `MessageError` where the message becomes too long. */
export class MessageWriter {
  readonly #bytes: Uint8Array;
  readonly #maxBytes: number;
  /** The name right behind the header; most owners are the same. */
  #firstName = '';
  /** Where each name and each end of a name stands. Made when a name comes that is not the first. */
  #offsets: Map<string, number> | undefined;
  #end = 0;

  constructor(maxBytes: number) {
    this.#bytes = scratch ??= new Uint8Array(maxMessageBytes);
    this.#maxBytes = Math.min(maxBytes, maxMessageBytes);
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }

  uint16(value: number): void {
    this.#makeRoom(2);
    this.#bytes[this.#end++] = value >> 8;
    this.#bytes[this.#end++] = value;
  }

  /** Writes a name, its longest suffix that already stands in the message as a pointer. Case counts, so that it is kept. */
  name(wire: string, mayCompress = true): void {
    // the root, as of every OPT record
    if (wire === '\0') return this.#zero();
    const isFirst = this.#end === headerBytes;
    if (isFirst) this.#firstName = wire;
    else if (mayCompress && wire.length > 1 && wire === this.#firstName) return this.uint16(0xc000 | headerBytes);
    const offsets = isFirst ? undefined : (this.#offsets ??= this.#firstOffsets());
    let at = 0;
    while (wire.charCodeAt(at) !== 0 && at < wire.length) {
      if (offsets !== undefined) {
        const suffix = wire.slice(at);
        const known = offsets.get(suffix);
        if (known !== undefined && mayCompress) return this.uint16(0xc000 | known);
        if (known === undefined && this.#end <= 0x3fff) offsets.set(suffix, this.#end);
      }
      const next = at + 1 + wire.charCodeAt(at);
      this.#text(wire, at, Math.min(next, wire.length));
      at = next;
    }
    this.#zero();
  }

  record(record: ResourceRecord): void {
    this.name(record.name);
    this.uint16(record.type);
    this.uint16(record.class);
    this.uint16(record.ttlSeconds >>> 16);
    this.uint16(record.ttlSeconds & 0xffff);
    const shape = namesInData.get(record.type);
    if (shape === undefined) {
      const { data } = record;
      this.uint16(data.length);
      this.#makeRoom(data.length);
      this.#bytes.set(data, this.#end);
      this.#end += data.length;
      return;
    }
    const lengthAt = this.#end;
    this.uint16(0);
    const data = String.fromCharCode(...record.data);
    let at = shape.before;
    this.#text(data, 0, Math.min(at, data.length));
    for (let index = 0; index < shape.names && at < data.length; index++) {
      const end = nameEnd(data, at);
      this.name(data.slice(at, end), shape.mayCompress);
      at = end;
    }
    this.#text(data, Math.min(at, data.length), data.length);
    const length = this.#end - lengthAt - 2;
    this.#bytes[lengthAt] = length >> 8;
    this.#bytes[lengthAt + 1] = length & 0xff;
  }

  #zero(): void {
    this.#makeRoom(1);
    this.#bytes[this.#end++] = 0;
  }

  #firstOffsets(): Map<string, number> {
    const offsets = new Map<string, number>();
    const wire = this.#firstName;
    for (let at = 0; at < wire.length && wire.charCodeAt(at) !== 0; at += 1 + wire.charCodeAt(at))
      offsets.set(wire.slice(at), headerBytes + at);
    return offsets;
  }

  #text(text: string, start: number, end: number): void {
    this.#makeRoom(end - start);
    for (let at = start; at < end; at++) this.#bytes[this.#end++] = text.charCodeAt(at);
  }

  #makeRoom(bytes: number): void {
    if (this.#end + bytes > this.#maxBytes) throw new MessageError('message is too long', { code: 'too-long' });
  }
}

/** Where every message is written, and copied out of before the next: room for the longest, made once. */
let scratch: Uint8Array | undefined;

function nameEnd(data: string, start: number): number {
  let at = start;
  while (at < data.length && data.charCodeAt(at) !== 0) at += 1 + data.charCodeAt(at);
  return Math.min(data.length, at + 1);
}
