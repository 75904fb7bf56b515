/**
 * Whole messages as values: for answers that come from elsewhere, for zone transfer and for tests. The path of a query about
 * our own names never comes here; it works in the packet (`responder.ts`).
 *
 * Names inside are absolute wire names (`names/`): labels and the root, uncompressed, letter case kept.
 */
import { CodedError } from '../../observe/index.ts';
import { classIn, headerBytes, maxMessageBytes, queryTypes } from './protocol.ts';

export interface Question {
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

export interface ResourceRecord {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly ttlSeconds: number;
  /** Wire form with every name in it uncompressed. */
  readonly data: Uint8Array;
}

export interface Message {
  readonly id: number;
  /** Second word of the header: QR, opcode, AA, TC, RD, RA, AD, CD and the low bits of the code. */
  readonly flags: number;
  /** With the OPT record's bits. */
  readonly rcode: number;
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  /** Without the OPT record. */
  readonly additionals: readonly ResourceRecord[];
  /** Absent without EDNS. */
  readonly edns?: { readonly udpBytes: number; readonly version: number; readonly isDnssecOk: boolean };
}

/** Thrown by `decodeMessage` and `encodeMessage`. */
export class MessageError extends CodedError<{ readonly code: 'truncated' | 'bad-name' | 'bad-record' | 'too-long' }> {}

/** Reads a message. Bytes behind it are ignored. Throws `MessageError`, and nothing else, on bytes that are no message. */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length < headerBytes) throw new MessageError('message is shorter than its header', { code: 'truncated' });
  const reader = new Reader(bytes);
  const id = reader.uint16();
  const flags = reader.uint16();
  const questionCount = reader.uint16();
  const answerCount = reader.uint16();
  const authorityCount = reader.uint16();
  const additionalCount = reader.uint16();
  const questions = reader.questions(questionCount);
  const answers = reader.records(answerCount);
  const authorities = reader.records(authorityCount);
  const edns = additionalCount === 1 ? reader.onlyOpt() : undefined;
  if (edns !== undefined) return withEdns({ id, flags, questions, answers, authorities, additionals: none }, edns);
  const all = reader.records(additionalCount);
  const opt = all.find(isOpt);
  if (opt === undefined) return { id, flags, rcode: flags & 15, questions, answers, authorities, additionals: all };
  const additionals = all.filter((record) => !isOpt(record));
  return withEdns({ id, flags, questions, answers, authorities, additionals }, opt);
}

/** With what an OPT record says (RFC 6891 §6.1.3): its class is a size, its time to live holds code bits, version and flags. */
function withEdns(
  { id, flags, questions, answers, authorities, additionals }: Omit<Message, 'rcode' | 'edns'>,
  opt: Pick<ResourceRecord, 'class' | 'ttlSeconds'>,
): Message {
  const rcode = (flags & 15) | ((opt.ttlSeconds >>> 24) << 4);
  const edns = {
    udpBytes: opt.class,
    version: (opt.ttlSeconds >>> 16) & 0xff,
    isDnssecOk: (opt.ttlSeconds & 0x8000) !== 0,
  };
  return { id, flags, rcode, questions, answers, authorities, additionals, edns };
}

function isOpt(record: ResourceRecord): boolean {
  return record.type === queryTypes.OPT;
}

/** Most sections have no records. */
const none: readonly ResourceRecord[] = [];

/** Writes a message, compressing owner names and the names in the data of types that allow it. Throws `MessageError` when it is too long. */
export function encodeMessage(message: Message, maxBytes: number = maxMessageBytes): Uint8Array {
  return writeMessage(message, message.id, maxBytes).slice();
}

/** The same under another id, for who uses it up at once: the bytes are those of the next message soon. */
export function writeMessage(message: Message, id: number, maxBytes: number = maxMessageBytes): Uint8Array {
  const writer = new Writer(maxBytes);
  const { edns } = message;
  writer.uint16(id);
  writer.uint16((message.flags & 0xfff0) | (message.rcode & 15));
  writer.uint16(message.questions.length);
  writer.uint16(message.answers.length);
  writer.uint16(message.authorities.length);
  writer.uint16(message.additionals.length + (edns === undefined ? 0 : 1));
  for (const question of message.questions) {
    writer.name(question.name);
    writer.uint16(question.type);
    writer.uint16(question.class);
  }
  for (const record of message.answers) writer.record(record);
  for (const record of message.authorities) writer.record(record);
  for (const record of message.additionals) writer.record(record);
  if (edns !== undefined) {
    const ttlSeconds = ((message.rcode >> 4) << 24) | (edns.version << 16) | (edns.isDnssecOk ? 0x8000 : 0);
    writer.record({
      name: '\0',
      type: queryTypes.OPT,
      class: edns.udpBytes,
      ttlSeconds: ttlSeconds >>> 0,
      data: new Uint8Array(0),
    });
  }
  return writer.bytes();
}

/** A record in wire form, uncompressed. */
export function encodeRecord(record: ResourceRecord): Uint8Array {
  const bytes = new Uint8Array(record.name.length + 10 + record.data.length);
  for (let at = 0; at < record.name.length; at++) bytes[at] = record.name.charCodeAt(at);
  const view = new DataView(bytes.buffer);
  const at = record.name.length;
  view.setUint16(at, record.type);
  view.setUint16(at + 2, record.class);
  view.setUint32(at + 4, record.ttlSeconds);
  view.setUint16(at + 8, record.data.length);
  bytes.set(record.data, at + 10);
  return bytes;
}

/** A query for one name, with EDNS when `udpBytes` is given. */
export function queryMessage(id: number, name: string, type: number, flags: number, udpBytes?: number): Message {
  const message = {
    id,
    flags,
    rcode: 0,
    questions: [{ name, type, class: classIn }],
    answers: [],
    authorities: [],
    additionals: [],
  };
  return udpBytes === undefined ? message : { ...message, edns: { udpBytes, version: 0, isDnssecOk: false } };
}

/** Bytes of a one-byte string. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/**
 * Where names stand in the data of a type: bytes before the first, how many there are, and whether a writer may compress
 * them (RFC 3597 §4: only types of RFC 1035). A reader accepts pointers in all of them.
 */
const namesInData = new Map<number, { readonly before: number; readonly names: number; readonly mayCompress: boolean }>([
  [2, { before: 0, names: 1, mayCompress: true }], // NS
  [5, { before: 0, names: 1, mayCompress: true }], // CNAME
  [6, { before: 0, names: 2, mayCompress: true }], // SOA
  [12, { before: 0, names: 1, mayCompress: true }], // PTR
  [15, { before: 2, names: 1, mayCompress: true }], // MX
  [17, { before: 0, names: 2, mayCompress: false }], // RP
  [18, { before: 2, names: 1, mayCompress: false }], // AFSDB
  [21, { before: 2, names: 1, mayCompress: false }], // RT
  [33, { before: 6, names: 1, mayCompress: false }], // SRV
  [36, { before: 2, names: 1, mayCompress: false }], // KX
  [39, { before: 0, names: 1, mayCompress: false }], // DNAME
]);

class Reader {
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
    if (count === 0) return none;
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

class Writer {
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
