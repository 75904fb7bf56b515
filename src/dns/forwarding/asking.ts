/** Questions to a responder and its answers as text, for tests. */
import type { NameIndex } from '../../names/index.ts';
import { formatName, labelsOf, mustEncodeName } from '../../names/index.ts';
import { formatIp } from '../../net/index.ts';
import type { Message, ResourceRecord } from '../wire/message.ts';
import { decodeMessage, encodeMessage, queryMessage } from '../wire/message.ts';
import { headerFlags, rcodeName, typeName, typeNumber } from '../wire/protocol.ts';
import type { ResponderOptions } from '../answers/responder.ts';
import { Responder } from '../answers/responder.ts';
import { unshuffled } from '../answers/shuffle.ts';

/** A responder that keeps the index's order. */
export function sampleResponder(index: NameIndex, options: Partial<ResponderOptions> = {}): Responder {
  return new Responder({ index, isSynced: () => true, permutation: unshuffled, ...options });
}

export interface Asking {
  readonly isTcp?: boolean;
  /** With EDNS and this size. */
  readonly udpBytes?: number;
  readonly flags?: number;
}

/** Asks and gives the decoded answer; or the outcome, when the responder does not answer by itself. */
export function ask(responder: Responder, name: string, type: string, asking: Asking = {}): Message | number {
  const query = queryMessage(
    7,
    `${mustEncodeName(name)}\0`,
    typeNumber(type) ?? 0,
    asking.flags ?? headerFlags.RD,
    asking.udpBytes,
  );
  const bytes = encodeMessage(query);
  const packet = new Uint8Array(65_535);
  packet.set(bytes);
  const length = responder.respond(packet, bytes.length, asking.isTcp ?? false);
  return length <= 0 ? length : decodeMessage(packet.slice(0, length));
}

/**
 * An answer in a few lines: the code, then each record as `owner TYPE data`, the sections marked by `auth:` and `add:`.
 * TTLs are left out unless they differ from 5.
 */
export function textOf(message: Message | number): string {
  if (typeof message === 'number') return `outcome ${message}`;
  const lines = [rcodeName(message.rcode) + ((message.flags & headerFlags.TC) === 0 ? '' : ' TC')];
  lines.push(...message.answers.map(recordText));
  lines.push(...message.authorities.map((record) => `auth: ${recordText(record)}`));
  lines.push(...message.additionals.map((record) => `add: ${recordText(record)}`));
  return lines.join('\n');
}

function recordText(record: ResourceRecord): string {
  const ttl = record.ttlSeconds === 5 ? '' : `${record.ttlSeconds} `;
  return `${formatName(record.name)} ${ttl}${typeName(record.type)} ${dataText(record)}`.trimEnd();
}

function dataText({ type, data }: ResourceRecord): string {
  const text = String.fromCharCode(...data);
  const view = new DataView(data.buffer, data.byteOffset);
  switch (typeName(type)) {
    case 'A':
      return formatIp({ family: 'IPv4', bytes: data });
    case 'AAAA':
      return formatIp({ family: 'IPv6', bytes: data });
    case 'TXT':
      return JSON.stringify(text.slice(1));
    case 'SRV':
      return `${view.getUint16(0)} ${view.getUint16(2)} ${view.getUint16(4)} ${formatName(text.slice(6))}`;
    case 'SOA': {
      const first = formatName(text);
      const rest = text.slice(labelsOf(text).reduce((sum, label) => sum + 1 + label.length, 1));
      const numbers = Array.from({ length: 5 }, (_, index) => view.getUint32(data.length - 20 + 4 * index));
      return `${first} ${formatName(rest)} ${numbers.join(' ')}`;
    }
    default:
      return formatName(text);
  }
}
