/**
 * The version 2 document in the protobuf form that kubectl 1.28 and older read, media type
 * `application/com.github.proto-openapi.spec.v2.v1.0+protobuf`. Messages and numbers: gnostic's openapi.v2. Extensions
 * and other free values stand in it as YAML text, of which JSON is a part.
 */
import { WireWriter } from '../protobuf-wire.ts';
import type { OpenApiObject } from './definitions.ts';
import { openApiV2 } from './documents.ts';

/** What the answer must call its content. Clients ask with an `@` before the version, which is no legal media type. */
export const openApiV2ProtobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** Encodes a version 2 document. Members that this program's documents do not have are not known to it. */
export function openApiV2Protobuf(document: OpenApiObject = openApiV2()): Uint8Array {
  const writer = new WireWriter();
  writeText(writer, 1, document['swagger']);
  const info = objectOf(document['info']);
  const infoWriter = new WireWriter();
  writeText(infoWriter, 1, info['title']);
  writeText(infoWriter, 2, info['version']);
  writer.bytes(2, infoWriter.finish());
  const paths = new WireWriter();
  for (const [path, item] of entriesOf(document['paths'])) paths.bytes(2, named(path, encodePathItem(objectOf(item))));
  writer.bytes(8, paths.finish());
  const definitions = new WireWriter();
  for (const [name, schema] of entriesOf(document['definitions']))
    definitions.bytes(1, named(name, encodeSchema(objectOf(schema))));
  return writer.bytes(9, definitions.finish()).finish();
}

function encodePathItem(item: OpenApiObject): Uint8Array {
  const writer = new WireWriter();
  for (const [method, number] of methodNumbers) {
    const operation = item[method];
    if (operation !== undefined) writer.bytes(number, encodeOperation(objectOf(operation)));
  }
  for (const parameter of listOf(item['parameters'])) writer.bytes(9, encodeParameter(objectOf(parameter)));
  return writer.finish();
}

const methodNumbers = [
  ['get', 2],
  ['put', 3],
  ['post', 4],
  ['delete', 5],
  ['patch', 8],
] as const;

function encodeOperation(operation: OpenApiObject): Uint8Array {
  const writer = new WireWriter();
  for (const tag of listOf(operation['tags'])) writeText(writer, 1, tag);
  writeText(writer, 3, operation['description']);
  writeText(writer, 5, operation['operationId']);
  for (const type of listOf(operation['produces'])) writeText(writer, 6, type);
  for (const type of listOf(operation['consumes'])) writeText(writer, 7, type);
  for (const parameter of listOf(operation['parameters'])) writer.bytes(8, encodeParameter(objectOf(parameter)));
  const responses = new WireWriter();
  for (const [code, response] of entriesOf(operation['responses'])) {
    const { description, schema } = objectOf(response);
    const inner = new WireWriter();
    writeText(inner, 1, description);
    if (schema !== undefined) inner.bytes(2, new WireWriter().bytes(1, encodeSchema(objectOf(schema))).finish());
    responses.bytes(1, named(code, new WireWriter().bytes(1, inner.finish()).finish()));
  }
  writer.bytes(9, responses.finish());
  writeExtensions(writer, 13, operation);
  return writer.finish();
}

/** ParametersItem { Parameter { body | NonBody { query | path } } }. */
function encodeParameter(parameter: OpenApiObject): Uint8Array {
  const inner = new WireWriter();
  if (parameter['in'] === 'body') {
    writeText(inner, 1, parameter['description']);
    writeText(inner, 2, parameter['name']);
    writeText(inner, 3, 'body');
    writeFlag(inner, 4, parameter['required']);
    inner.bytes(5, encodeSchema(objectOf(parameter['schema'])));
    return new WireWriter().bytes(1, new WireWriter().bytes(1, inner.finish()).finish()).finish();
  }
  const isQuery = parameter['in'] === 'query';
  writeFlag(inner, 1, parameter['required']);
  writeText(inner, 2, parameter['in']);
  writeText(inner, 3, parameter['description']);
  writeText(inner, 4, parameter['name']);
  writeText(inner, isQuery ? 6 : 5, parameter['type']);
  writeFlag(inner, isQuery ? 20 : 19, parameter['uniqueItems']);
  const nonBody = new WireWriter().bytes(isQuery ? 3 : 4, inner.finish()).finish();
  return new WireWriter().bytes(1, new WireWriter().bytes(2, nonBody).finish()).finish();
}

function encodeSchema(schema: OpenApiObject): Uint8Array {
  const writer = new WireWriter();
  writeText(writer, 1, schema['$ref']);
  writeText(writer, 2, schema['format']);
  writeText(writer, 4, schema['description']);
  for (const name of listOf(schema['required'])) writeText(writer, 19, name);
  for (const value of listOf(schema['enum'])) writer.bytes(20, yaml(value));
  const values = schema['additionalProperties'];
  if (values !== undefined) writer.bytes(21, new WireWriter().bytes(1, encodeSchema(objectOf(values))).finish());
  const { type } = schema;
  if (typeof type === 'string') writer.bytes(22, new WireWriter().text(1, type).finish());
  if (schema['items'] !== undefined)
    writer.bytes(23, new WireWriter().bytes(1, encodeSchema(objectOf(schema['items']))).finish());
  if (schema['properties'] !== undefined) {
    const properties = new WireWriter();
    for (const [name, property] of entriesOf(schema['properties']))
      properties.bytes(1, named(name, encodeSchema(objectOf(property))));
    writer.bytes(25, properties.finish());
  }
  writeExtensions(writer, 31, schema);
  return writer.finish();
}

function writeExtensions(writer: WireWriter, number: number, object: OpenApiObject): void {
  for (const [name, value] of Object.entries(object)) if (name.startsWith('x-')) writer.bytes(number, named(name, yaml(value)));
}

/** A map entry: every map is a list of these. */
function named(name: string, value: Uint8Array): Uint8Array {
  return new WireWriter().text(1, name).bytes(2, value).finish();
}

function yaml(value: unknown): Uint8Array {
  return new WireWriter().text(2, `${JSON.stringify(value)}\n`).finish();
}

function writeText(writer: WireWriter, number: number, text: unknown): void {
  if (typeof text === 'string' && text !== '') writer.text(number, text);
}

function writeFlag(writer: WireWriter, number: number, flag: unknown): void {
  if (flag === true) writer.uint(number, 1);
}

function objectOf(value: unknown): OpenApiObject {
  return typeof value === 'object' && value !== null ? (value as OpenApiObject) : {};
}

function entriesOf(value: unknown): (readonly [string, unknown])[] {
  return Object.entries(objectOf(value));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
