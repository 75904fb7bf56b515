/**
 * Turns the kernel's refusals into errors that name the message, the attribute and the reason. Pure.
 * Source: linux/netlink.h (NLMSGERR_ATTR_*), kernel 4.12 and later for the reason and the offset.
 */
import { NetlinkError, errnoName } from '../errors.ts';
import { AttributeTable, forEachAttribute, readString, readU16, readU32, type Message } from './message-reader.ts';
import { ATTRIBUTE_HEADER_BYTES, MESSAGE_HEADER_BYTES } from './message-writer.ts';

/** Names of attributes by type; a list names all its members alike and numbers them. */
export interface AttributeShape {
  readonly name: string;
  readonly children?: Readonly<Record<number, AttributeShape>>;
  /** The members of a list, whatever their type number. */
  readonly member?: AttributeShape;
  /** Its text belongs to the error's subject: the name of a table, chain, set, link. */
  readonly isSubject?: boolean;
}

/** What is known of a message type: its name, the length of the header after the netlink header, and its attributes. */
export interface MessageShape {
  readonly name: string;
  readonly headerBytes: number;
  readonly attributes: Readonly<Record<number, AttributeShape>>;
}

/** Shapes by message type; undefined for what is not known. */
export type ShapeOf = (type: number) => MessageShape | undefined;

const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;
const NLMSGERR_ATTR_OFFS = 2;
const NLMSGERR_ATTR_MISS_TYPE = 5;

/** An NLMSG_ERROR message as far as it goes by itself: errno 0 is an acknowledgement. */
export interface Acknowledgement {
  readonly errno: number;
  readonly reason: string | undefined;
  /** Offset of the bad attribute in the request, from its netlink header. */
  readonly offset: number | undefined;
  /** Type of an attribute that is missing. */
  readonly missingType: number | undefined;
}

/** Reads an NLMSG_ERROR (or the closing NLMSG_DONE of a dump, which has the same start). */
export function readAcknowledgement(message: Message): Acknowledgement {
  const errno = 0 - (readU32(message.bytes, message.start) | 0);
  if ((message.flags & NLM_F_ACK_TLVS) === 0) return { errno, reason: undefined, offset: undefined, missingType: undefined };
  const request = message.start + 4;
  const echoed = (message.flags & NLM_F_CAPPED) === 0 && errno !== 0 ? readU32(message.bytes, request) : MESSAGE_HEADER_BYTES;
  const table = new AttributeTable(6).parse(message.bytes, request + ((echoed + 3) & ~3), message.end);
  return {
    errno,
    reason: table.string(NLMSGERR_ATTR_MSG),
    offset: table.u32(NLMSGERR_ATTR_OFFS),
    missingType: table.u32(NLMSGERR_ATTR_MISS_TYPE),
  };
}

/** The error for a refused request. `request` starts at the refused message's netlink header. */
export function toNetlinkError(
  acknowledgement: Acknowledgement,
  request: Uint8Array,
  shapeOf: ShapeOf,
  index?: number,
): NetlinkError {
  const { errno, reason, offset, missingType } = acknowledgement;
  const type = readU16(request, 4);
  const shape = shapeOf(type);
  const operation = shape?.name ?? `netlink message ${type}`;
  const code = errnoName(errno);
  const path = offset === undefined ? undefined : attributePath(request, offset, shape);
  const missing = missingType === undefined ? undefined : `${shape?.attributes[missingType]?.name ?? missingType} (missing)`;
  const attribute = path ?? missing;
  const subject = shape === undefined ? '' : subjectOf(request, shape);
  const parts = [`${operation}${subject === '' ? '' : ` ${subject}`}: ${code}`];
  if (reason !== undefined && reason !== '') parts.push(reason);
  if (attribute !== undefined) parts.push(`at ${attribute}`);
  return new NetlinkError(parts.join(', '), {
    code,
    errno,
    operation,
    ...(reason === undefined || reason === '' ? {} : { reason }),
    ...(attribute === undefined ? {} : { attribute }),
    ...(subject === '' ? {} : { subject }),
    ...(index === undefined ? {} : { index }),
  });
}

/** The names on the way to the attribute at an offset: `elements[3].key`. Undefined when the offset is outside. */
export function attributePath(request: Uint8Array, offset: number, shape: MessageShape | undefined): string | undefined {
  const length = readU32(request, 0);
  const first = MESSAGE_HEADER_BYTES + (((shape?.headerBytes ?? 4) + 3) & ~3);
  if (offset < first || offset >= length) return undefined;
  const top: AttributeShape = { name: '', ...(shape === undefined ? {} : { children: shape.attributes }) };
  return descend(request, first, length, offset, top) || undefined;
}

function descend(bytes: Uint8Array, start: number, end: number, offset: number, shape: AttributeShape | undefined): string {
  let index = -1;
  let path = '';
  forEachAttribute(bytes, start, end, (type, from, to) => {
    index++;
    if (path !== '' || offset < from - ATTRIBUTE_HEADER_BYTES || offset >= to) return;
    const child = shape?.member ?? shape?.children?.[type];
    const own = shape?.member === undefined ? `.${child?.name ?? type}` : `[${index}]`;
    const isHere = offset < from || (child?.children === undefined && child?.member === undefined);
    path = own + (isHere ? '' : prefixDot(descend(bytes, from, to, offset, child)));
  });
  return shape?.name === '' ? path.replace(/^\./, '') : path;
}

function prefixDot(path: string): string {
  return path === '' || path.startsWith('[') || path.startsWith('.') ? path : `.${path}`;
}

function subjectOf(request: Uint8Array, shape: MessageShape): string {
  const words: string[] = [];
  const start = MESSAGE_HEADER_BYTES + ((shape.headerBytes + 3) & ~3);
  forEachAttribute(request, start, Math.min(readU32(request, 0), request.length), (type, from, to) => {
    if (shape.attributes[type]?.isSubject === true) words.push(readString(request, from, to));
  });
  return words.join(' ');
}
