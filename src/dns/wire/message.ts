/**
 * Whole messages as values: for answers that come from elsewhere, for zone transfer and for tests. The path of a query about
 * our own names never comes here; it works in the packet (`responder.ts`).
 *
 * Names inside are absolute wire names (`names/`): labels and the root, uncompressed, letter case kept.
 */
import { MessageError } from './message-form.ts';
import type { Message, ResourceRecord } from './message-form.ts';
import { MessageReader, noRecords } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';
import { classIn, headerBytes, maxMessageBytes, queryTypes } from './protocol.ts';

export { bytesOf, MessageError } from './message-form.ts';
export type { Message, Question, ResourceRecord } from './message-form.ts';

/** Reads a message. Bytes behind it are ignored. Throws `MessageError`, and nothing else, on bytes that are no message. */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.length < headerBytes) throw new MessageError('message is shorter than its header', { code: 'truncated' });
  const reader = new MessageReader(bytes);
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
  if (edns !== undefined) return withEdns({ id, flags, questions, answers, authorities, additionals: noRecords }, edns);
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

/** Writes a message, compressing owner names and the names in the data of types that allow it. Throws `MessageError` when it is too long. */
export function encodeMessage(message: Message, maxBytes: number = maxMessageBytes): Uint8Array {
  return writeMessage(message, message.id, maxBytes).slice();
}

/** The same under another id, for who uses it up at once: the bytes are those of the next message soon. */
export function writeMessage(message: Message, id: number, maxBytes: number = maxMessageBytes): Uint8Array {
  const writer = new MessageWriter(maxBytes);
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
