/**
 * Decoding of Kubernetes protobuf bodies (`application/vnd.kubernetes.protobuf`) into the JSON form of the object, by its
 * schema. Go writes every non-pointer member, zero or not, so zero values without meaning are dropped here; pointers are
 * kept whatever their value. Layout:
 *
 *     6b 38 73 00 | Unknown { 1: TypeMeta { 1: apiVersion, 2: kind }, 2: raw, 3: contentEncoding, 4: contentType }
 */
import { goQuote } from './field-errors.ts';
import { parseJson } from './json-text.ts';
import { findSchema } from './kind-lookup.ts';
import { isUnset } from './normal-form.ts';
import { WireError, WireReader, wireTypes } from './protobuf-wire.ts';
import type { Field, Schema } from './schema.ts';
import { badRequest } from './status.ts';
import { formatTime } from './timestamps.ts';

/** A decoded body. `object` has apiVersion and kind as its first members, as in JSON. */
export interface ProtobufObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly object: Readonly<Record<string, unknown>>;
}

/** What the endpoint takes: stands in where the envelope names no kind or version. */
export interface ExpectedKind {
  readonly apiVersion: string;
  readonly kind: string;
}

/** Whether the bytes start like a Kubernetes protobuf envelope. */
export function isProtobuf(bytes: Uint8Array): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

/** Decodes a body. Throws a 400 StatusError when it is malformed or its kind is not known. */
export function decodeProtobuf(bytes: Uint8Array, expected?: ExpectedKind): ProtobufObject {
  const wanted = expected?.kind ?? 'object';
  if (bytes.length === 0) throw unrecognized(wanted, 'empty data (<empty>)');
  if (!isProtobuf(bytes))
    throw unrecognized(wanted, `provided data does not appear to be a protobuf message, expected prefix [${magic.join(' ')}]`);
  if (bytes.length === magic.length) throw unrecognized(wanted, 'empty body (6b387300)');
  const envelope = readEnvelope(bytes, wanted);
  const apiVersion = envelope.apiVersion === '' ? (expected?.apiVersion ?? '') : envelope.apiVersion;
  const kind = envelope.kind === '' ? (expected?.kind ?? '') : envelope.kind;
  const version = apiVersion.split('/').at(-1) ?? '';
  const schema = findSchema(apiVersion, kind);
  if (schema === undefined)
    throw badRequest(`no kind ${goQuote(kind)} is registered for version ${goQuote(apiVersion)} in scheme`);
  try {
    const object = decodeMessage(schema, new WireReader(envelope.raw), { apiVersion, kind });
    return { apiVersion, kind, object };
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    throw badRequest(
      `${kind} in version ${goQuote(version)} cannot be handled as a ${expected?.kind ?? kind}: ${cause.message}`,
      {
        cause,
      },
    );
  }
}

const magic = [0x6b, 0x38, 0x73, 0x00];

interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
}

function readEnvelope(bytes: Uint8Array, wanted: string): Envelope {
  let apiVersion = '';
  let kind = '';
  let raw: Uint8Array = new Uint8Array();
  try {
    const reader = new WireReader(bytes, magic.length);
    while (reader.hasMore) {
      const { field, wireType } = reader.tag();
      if (field === 1 && wireType === wireTypes.bytes) {
        const names = new WireReader(reader.bytes());
        while (names.hasMore) {
          const tag = names.tag();
          if (tag.field === 1 && tag.wireType === wireTypes.bytes) apiVersion = names.text();
          else if (tag.field === 2 && tag.wireType === wireTypes.bytes) kind = names.text();
          else names.skip(tag.wireType);
        }
      } else if (field === 2 && wireType === wireTypes.bytes) raw = reader.bytes();
      else reader.skip(wireType);
    }
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    throw unrecognized(wanted, cause.message);
  }
  return { apiVersion, kind, raw };
}

function unrecognized(kind: string, text: string): Error {
  return badRequest(`the object provided is unrecognized (must be of type ${kind}): ${text}`);
}

/** Of one message: what each field number holds. `inlined` numbers hold messages whose members belong to the object itself. */
interface MessageTable {
  readonly members: ReadonlyMap<number, readonly [name: string, field: Field]>;
  readonly inlined: ReadonlyMap<number, MessageTable>;
}

const tables = new WeakMap<Schema, MessageTable>();

function tableOf(schema: Schema): MessageTable {
  const known = tables.get(schema);
  if (known !== undefined) return known;
  const members = new Map<number, readonly [string, Field]>();
  const inlinedMembers = new Map<number, Map<number, readonly [string, Field]>>();
  for (const [name, field] of Object.entries(schema.fields ?? {})) {
    if (field.proto === 0) continue;
    if (field.inlinedIn === undefined) members.set(field.proto, [name, field]);
    else {
      const inner = inlinedMembers.get(field.inlinedIn) ?? new Map<number, readonly [string, Field]>();
      inner.set(field.proto, [name, field]);
      inlinedMembers.set(field.inlinedIn, inner);
    }
  }
  const inlined = new Map<number, MessageTable>();
  for (const [number, inner] of inlinedMembers) inlined.set(number, { members: inner, inlined: new Map() });
  const table = { members, inlined };
  tables.set(schema, table);
  return table;
}

type JsonObject = Record<string, unknown>;

function decodeMessage(schema: Schema, reader: WireReader, start: JsonObject = {}): JsonObject {
  const object = start;
  readMembers(tableOf(schema), reader, object);
  return dropUnset(schema, object);
}

function readMembers(table: MessageTable, reader: WireReader, object: JsonObject): void {
  while (reader.hasMore) {
    const { field: number, wireType } = reader.tag();
    const inlined = table.inlined.get(number);
    if (inlined !== undefined) {
      expectWireType(wireType, wireTypes.bytes, 'an embedded struct');
      readMembers(inlined, new WireReader(reader.bytes()), object);
      continue;
    }
    const member = table.members.get(number);
    if (member === undefined) {
      if (wireType === wireTypes.groupEnd) throw new WireError('proto: unexpected end of group');
      reader.skip(wireType);
      continue;
    }
    const [name, field] = member;
    readMember(name, field.schema, wireType, reader, object);
  }
}

function readMember(name: string, schema: Schema, wireType: number, reader: WireReader, object: JsonObject): void {
  if (schema.type === 'list') {
    const items = schema.items ?? stringSchema;
    const list = (object[name] ??= []) as unknown[];
    if (wireType === wireTypes.bytes && isVarint(items)) {
      const packed = new WireReader(reader.bytes());
      while (packed.hasMore) list.push(readValue(name, items, wireTypes.varint, packed, undefined));
    } else list.push(readValue(name, items, wireType, reader, undefined));
  } else if (schema.type === 'map') {
    expectWireType(wireType, wireTypes.bytes, name);
    const map = (object[name] ??= {}) as JsonObject;
    readEntry(name, schema.items ?? stringSchema, new WireReader(reader.bytes()), map);
  } else object[name] = readValue(name, schema, wireType, reader, object[name]);
}

function readEntry(name: string, values: Schema, reader: WireReader, map: JsonObject): void {
  let key = '';
  let value: unknown;
  while (reader.hasMore) {
    const { field, wireType } = reader.tag();
    if (field === 1) {
      expectWireType(wireType, wireTypes.bytes, name);
      key = reader.text();
    } else if (field === 2) value = readMapValue(name, values, wireType, reader);
    else reader.skip(wireType);
  }
  const content =
    value ?? readMapValue(name, values, isVarint(values) ? wireTypes.varint : wireTypes.bytes, new WireReader(zero));
  // A plain assignment to a name such as __proto__ would not make a member.
  Object.defineProperty(map, key, { value: content, enumerable: true, configurable: true, writable: true });
}

/** One zero byte: the varint 0, or a length-delimited field that is empty. */
const zero = Uint8Array.of(0);

/** A list as a map's value is wrapped in a message of its own (ExtraValue). */
function readMapValue(name: string, schema: Schema, wireType: number, reader: WireReader): unknown {
  if (schema.type !== 'list') return readValue(name, schema, wireType, reader, undefined);
  expectWireType(wireType, wireTypes.bytes, name);
  const inner = new WireReader(reader.bytes());
  const wrapper: JsonObject = { items: [] };
  while (inner.hasMore) {
    const tag = inner.tag();
    if (tag.field === 1) readMember('items', schema, tag.wireType, inner, wrapper);
    else inner.skip(tag.wireType);
  }
  return wrapper['items'];
}

function readValue(name: string, schema: Schema, wireType: number, reader: WireReader, before: unknown): unknown {
  expectWireType(wireType, isVarint(schema) ? wireTypes.varint : wireTypes.bytes, name);
  switch (schema.type) {
    case 'string':
      return reader.text();
    case 'boolean':
      return reader.varint() !== 0n;
    case 'int32':
      return reader.int() | 0;
    case 'int64':
      return reader.int();
    case 'bytes':
      return toBase64(reader.bytes());
    case 'object':
      return decodeMessage(schema, new WireReader(reader.bytes()), { ...(before as JsonObject | undefined) });
    case 'time':
    case 'microTime':
      return readTime(reader.bytes(), schema.type);
    case 'quantity':
      return readQuantity(reader.bytes());
    case 'intOrString':
      return readIntOrString(reader.bytes());
    case 'fields':
    case 'raw':
      return readRaw(reader.bytes());
    case 'duration':
      return `${readNumbers(reader.bytes())[0]}ns`;
    case 'double':
    case 'list':
    case 'map':
      throw new WireError(`proto: no encoding of ${schema.type} for field ${goFieldName(name)}`);
  }
}

/** Members that Go wrote because it writes every non-pointer, and that mean "unset". */
function dropUnset(schema: Schema, object: JsonObject): JsonObject {
  const fields = schema.fields ?? {};
  for (const name of Object.keys(object)) {
    const field = fields[name];
    if (field === undefined || field.proto === 0) continue;
    const value = object[name];
    const isEmptyStruct = field.schema.type === 'object' && !field.pointer && !field.keepsZero && isEmpty(value);
    if (isEmptyStruct || isUnset(field, value)) delete object[name];
  }
  return object;
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function isVarint(schema: Schema): boolean {
  return schema.type === 'boolean' || schema.type === 'int32' || schema.type === 'int64';
}

function expectWireType(wireType: number, wanted: number, name: string): void {
  if (wireType !== wanted) throw new WireError(`proto: wrong wireType = ${wireType} for field ${goFieldName(name)}`);
}

function goFieldName(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** Fields 1 and 2 of a message of integers; undefined where not sent. */
function readNumbers(bytes: Uint8Array): readonly [number | undefined, number | undefined] {
  let first: number | undefined;
  let second: number | undefined;
  const reader = new WireReader(bytes);
  while (reader.hasMore) {
    const { field, wireType } = reader.tag();
    if (field === 1 && wireType === wireTypes.varint) first = reader.int();
    else if (field === 2 && wireType === wireTypes.varint) second = reader.int();
    else reader.skip(wireType);
  }
  return [first, second];
}

/** Seconds and nanoseconds since 1970; an empty message is the zero time, which JSON has as null. */
function readTime(bytes: Uint8Array, type: 'time' | 'microTime'): string | null {
  const [seconds, nanos] = readNumbers(bytes);
  if (seconds === undefined && nanos === undefined) return null;
  const date = new Date((seconds ?? 0) * 1000);
  if (Number.isNaN(date.getTime())) throw new WireError('proto: time out of range');
  if (type === 'time') return formatTime(date);
  const micros = Math.floor((nanos ?? 0) / 1000);
  return `${date.toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}Z`;
}

function readQuantity(bytes: Uint8Array): string {
  const reader = new WireReader(bytes);
  let text = '0';
  while (reader.hasMore) {
    const { field, wireType } = reader.tag();
    if (field === 1 && wireType === wireTypes.bytes) text = reader.text();
    else reader.skip(wireType);
  }
  return text;
}

function readIntOrString(bytes: Uint8Array): number | string {
  const reader = new WireReader(bytes);
  let isText = false;
  let number = 0;
  let text = '';
  while (reader.hasMore) {
    const { field, wireType } = reader.tag();
    if (field === 1 && wireType === wireTypes.varint) isText = reader.int() === 1;
    else if (field === 2 && wireType === wireTypes.varint) number = reader.int() | 0;
    else if (field === 3 && wireType === wireTypes.bytes) text = reader.text();
    else reader.skip(wireType);
  }
  return isText ? text : number;
}

/** Field 1: JSON text, or a whole envelope of its own. */
function readRaw(bytes: Uint8Array): unknown {
  const reader = new WireReader(bytes);
  let raw: Uint8Array | undefined;
  while (reader.hasMore) {
    const { field, wireType } = reader.tag();
    if (field === 1 && wireType === wireTypes.bytes) raw = reader.bytes();
    else reader.skip(wireType);
  }
  if (raw === undefined || raw.length === 0) return null;
  return isProtobuf(raw) ? decodeProtobuf(raw).object : parseJson(new TextDecoder().decode(raw));
}

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  const chunk = 8192; // characters per call: a whole Secret as arguments would overflow the stack
  for (let at = 0; at < bytes.length; at += chunk) binary += String.fromCharCode(...bytes.subarray(at, at + chunk));
  return btoa(binary);
}

const stringSchema: Schema = { type: 'string' };
