/**
 * Decoding of JSON values against a schema: fields that the kind does not have, and values of another type than the
 * field's. Type errors are worded as Go's decoder words them, with a sentence of ours that shows what to write instead.
 */
import { canonicalQuantity, parseQuantity, quantityMessage } from './quantity.ts';
import { goQuote } from './field-errors.ts';
import { goStructName, goTypeName } from './go-types.ts';
import type { Schema } from './schema.ts';
import { badRequest } from './status.ts';
import { parseTime } from './timestamps.ts';

/** One text per member that the schema does not know, in document order: `unknown field "spec.ports[0].prot"`. */
export function checkFields(schema: Schema, value: unknown): string[] {
  return findUnknownFields(schema, value).map(({ path }) => `unknown field ${goQuote(path)}`);
}

/** A member that the schema does not know. */
export interface UnknownField {
  /** Path with list indexes: `spec.ports[0].prot`. */
  readonly path: string;
  readonly name: string;
  /** The names that could stand there. */
  readonly known: readonly string[];
}

/** The members that the schema does not know, in document order. */
export function findUnknownFields(schema: Schema, value: unknown): UnknownField[] {
  const unknown: UnknownField[] = [];
  collectUnknown(schema, value, '', unknown);
  return unknown;
}

/** A value whose type its field does not take. */
export interface TypeMismatch {
  /** Path with list indexes: `spec.ports[0].port`. */
  readonly path: string;
  /** In the words of Go's decoder. */
  readonly message: string;
  /** What to write instead, in ours; empty where there is nothing to add. */
  readonly hint: string;
  /** The field is a text, and the value a bare word that YAML took for something else: only its quotes are missing. */
  readonly lacksQuotes: boolean;
}

/** The first value, in document order, that its field cannot take; undefined when all fit. Unknown members are skipped. */
export function findTypeMismatch(schema: Schema, value: unknown): TypeMismatch | undefined {
  return mismatchIn(schema, value, { path: '', goPath: '', struct: '', member: '', schema });
}

/**
 * Throws the 400 StatusError that upstream's API answers when a value does not fit the kind. `kind` is the kind that the
 * endpoint takes, `written` what the object calls itself.
 */
export function assertTypes(
  schema: Schema,
  value: unknown,
  names: { readonly kind: string; readonly written?: string; readonly version: string },
): void {
  const mismatch = findTypeMismatch(schema, value);
  if (mismatch === undefined) return;
  const { kind, written = kind, version } = names;
  const head = `${written} in version ${goQuote(version)} cannot be handled as a ${kind}: ${mismatch.message}`;
  throw badRequest(mismatch.hint === '' ? head : `${head}. ${mismatch.hint}`);
}

/** The hint at a text that was written without quotes. The word is given as it is in the file, where that is known: 1.10 is no 1.1. */
export function quotesHint(path: string, word: string): string {
  return `${path} is a text: write it in quotes, ${JSON.stringify(word)}`;
}

/** The message of a strict decoding failure, from the texts of `checkFields` and `parseJsonStrict`. */
export function strictDecodingText(faults: readonly string[]): string {
  return `strict decoding error: ${faults.join(', ')}`;
}

function collectUnknown(schema: Schema, value: unknown, path: string, unknown: UnknownField[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (schema.type === 'object' && schema.fields !== undefined) {
    if (Array.isArray(value)) return;
    for (const [name, member] of Object.entries(value)) {
      const memberPath = path === '' ? name : `${path}.${name}`;
      const field = Object.hasOwn(schema.fields, name) ? schema.fields[name] : undefined;
      if (field === undefined) unknown.push({ path: memberPath, name, known: Object.keys(schema.fields) });
      else collectUnknown(field.schema, member, memberPath, unknown);
    }
  } else if (schema.items !== undefined && (schema.items.type === 'object' || schema.items.items !== undefined)) {
    const entries = Object.entries(value);
    for (const [key, item] of entries)
      collectUnknown(schema.items, item, schema.type === 'list' ? `${path}[${key}]` : `${path}.${key}`, unknown);
  }
}

/** Where a value stands: `goPath` and `struct` are what Go's error names, `schema` the member's own. */
interface Place {
  readonly path: string;
  readonly goPath: string;
  readonly struct: string;
  readonly member: string;
  readonly schema: Schema;
}

function mismatchIn(schema: Schema, value: unknown, place: Place): TypeMismatch | undefined {
  if (value === null || value === undefined) return undefined;
  switch (schema.type) {
    case 'object':
      return isMap(value) ? mismatchInObject(schema, value, place) : unfit(schema, value, place);
    case 'map': {
      if (!isMap(value)) return unfit(schema, value, place);
      return schema.items === undefined ? undefined : mismatchInItems(schema.items, Object.entries(value), place, '.');
    }
    case 'list': {
      if (!Array.isArray(value)) return unfit(schema, value, place);
      return schema.items === undefined ? undefined : mismatchInItems(schema.items, Object.entries(value), place, '[');
    }
    case 'string':
      return typeof value === 'string' ? undefined : unfit(schema, value, place);
    case 'boolean':
      return typeof value === 'boolean' ? undefined : unfit(schema, value, place);
    case 'int32':
      return isIntegerBetween(value, -(2 ** 31), 2 ** 31 - 1) ? undefined : unfit(schema, value, place);
    case 'int64':
      return isIntegerBetween(value, -(2 ** 63), 2 ** 63) ? undefined : unfit(schema, value, place);
    case 'double':
      return typeof value === 'number' ? undefined : unfit(schema, value, place);
    case 'bytes':
      if (typeof value !== 'string') return unfit(schema, value, place);
      return isBase64(value)
        ? undefined
        : custom(place, `illegal base64 data at input byte ${badBase64At(value)}`, base64Hint(place));
    case 'time':
    case 'microTime':
      if (typeof value !== 'string') return unfit(schema, value, place);
      if (value === '' || parseTime(value) !== undefined) return undefined;
      return custom(place, timeText(value), `${place.path} is a time: write it as 2006-01-02T15:04:05Z`);
    case 'quantity':
      if (typeof value !== 'string' && typeof value !== 'number') return unfit(schema, value, place);
      if (value === '' || parseQuantity(value) !== undefined) return undefined;
      return custom(place, quantityMessage, quantityHint(place));
    case 'intOrString':
      if (typeof value === 'string') return undefined;
      return isIntegerBetween(value, -(2 ** 31), 2 ** 31 - 1) ? undefined : unfit(schema, value, place);
    case 'duration':
      return typeof value === 'string' ? undefined : unfit(schema, value, place);
    case 'fields':
    case 'raw':
      return undefined;
  }
}

function mismatchInObject(schema: Schema, value: Readonly<Record<string, unknown>>, place: Place): TypeMismatch | undefined {
  const fields = schema.fields ?? {};
  const struct = goStructName(schema);
  for (const [member, content] of Object.entries(value)) {
    const field = Object.hasOwn(fields, member) ? fields[member] : undefined;
    if (field === undefined) continue;
    const found = mismatchIn(field.schema, content, {
      path: place.path === '' ? member : `${place.path}.${member}`,
      goPath: place.goPath === '' ? member : `${place.goPath}.${member}`,
      struct,
      member,
      schema: field.schema,
    });
    if (found !== undefined) return found;
  }
  return undefined;
}

function mismatchInItems(
  items: Schema,
  entries: readonly (readonly [string, unknown])[],
  place: Place,
  separator: '.' | '[',
): TypeMismatch | undefined {
  for (const [key, item] of entries) {
    const path = separator === '.' ? `${place.path}.${key}` : `${place.path}[${key}]`;
    const found = mismatchIn(items, item, { ...place, path, schema: items });
    if (found !== undefined) return found;
  }
  return undefined;
}

function unfit(schema: Schema, value: unknown, place: Place): TypeMismatch {
  const into =
    place.goPath === ''
      ? `Go value of type ${goTypeName(schema)}`
      : `Go struct field ${place.struct}.${place.goPath} of type ${goTypeName(schema, place.struct, place.member)}`;
  return {
    path: place.path,
    message: `json: cannot unmarshal ${goValueName(value)} into ${into}`,
    hint: hintFor(schema, value, place),
    lacksQuotes: schema.type === 'string' && (typeof value === 'number' || typeof value === 'boolean'),
  };
}

/** An error of a type's own decoder, which Go passes on bare. */
function custom(place: Place, message: string, hint: string): TypeMismatch {
  return { path: place.path, message, hint, lacksQuotes: false };
}

/** How Go's decoder calls the JSON value that it met. */
function goValueName(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isSafeInteger(value) && Math.abs(value) < 2 ** 31 ? 'number' : `number ${value}`;
  return typeof value;
}

function hintFor(schema: Schema, value: unknown, { path, schema: own }: Place): string {
  const name = lastName(path);
  if (path === '') return '';
  switch (own.type) {
    case 'list':
      if (isMap(value)) return `${path} is a list, so each entry starts with a dash; write it as:\n${indentYaml(name, [value])}`;
      if (typeof value !== 'object') return `${path} is a list; write it as:\n${indentYaml(name, [value])}`;
      return '';
    case 'object':
    case 'map':
      return Array.isArray(value)
        ? `${path} is a mapping, not a list: write its members below "${name}:" without dashes`
        : `${path} is a mapping: write its members below "${name}:", one "name: value" to a line`;
    case 'string':
      if (typeof value === 'boolean')
        // YAML 1.1, which kubectl reads, takes many words for booleans.
        return `${quotesHint(path, String(value))} (or ${value ? '"y", "yes", "on"' : '"n", "no", "off"'}: bare words that YAML takes for ${value})`;
      if (typeof value === 'number') return quotesHint(path, String(value));
      return Array.isArray(value) ? `${path} is one text, not a list` : `${path} is a text`;
    case 'int32':
    case 'int64':
      if (typeof value === 'string' && /^-?[0-9]+$/.test(value)) return `${path} is a number: write ${value} without quotes`;
      return `${path} is a whole number${own.type === 'int32' ? ' of at most 32 bits' : ''}`;
    case 'boolean':
      if (value === 'true' || value === 'false') return `${path} is true or false: write ${value} without quotes`;
      return `${path} is true or false`;
    case 'intOrString':
      return `${path} is a whole number or a text`;
    case 'quantity':
      return quantityHint({ path });
    case 'bytes':
      return base64Hint({ path });
    case 'double':
    case 'time':
    case 'microTime':
    case 'duration':
    case 'fields':
    case 'raw':
      return '';
  }
}

/** `port` of `spec.ports[0].port` and of `spec.port[1]`. By hand: a path holds names of the client's choice, of any length. */
function lastName(path: string): string {
  let end = path.length;
  while (path.charAt(end - 1) === ']') {
    const open = path.lastIndexOf('[', end - 1);
    if (open < 0 || !/^\d+$/.test(path.slice(open + 1, end - 1))) break;
    end = open;
  }
  let start = end;
  while (start > 0 && !'.[]'.includes(path.charAt(start - 1))) start--;
  return start === end ? path : path.slice(start, end);
}

function quantityHint({ path }: Pick<Place, 'path'>): string {
  return `${path} is a quantity such as ${canonicalQuantity('0.5')} or 64Mi`;
}

function base64Hint({ path }: Pick<Place, 'path'>): string {
  return `${path} holds bytes as base64 text`;
}

/** Two levels of YAML block style: enough to show how a list of mappings or of scalars is written. */
function indentYaml(name: string, items: readonly unknown[]): string {
  const lines = [`  ${name}:`];
  for (const item of items) {
    const entries = isMap(item) ? Object.entries(item).map(([key, value]) => `${key}: ${yamlScalar(value)}`) : [yamlScalar(item)];
    for (const [index, entry] of entries.entries()) lines.push(`${index === 0 ? '  - ' : '    '}${entry}`);
  }
  return lines.join('\n');
}

function yamlScalar(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return /^[A-Za-z][-A-Za-z0-9_./]*$/.test(value) && !/^(true|false|yes|no|on|off|null|y|n)$/i.test(value)
    ? value
    : JSON.stringify(value);
}

function timeText(value: string): string {
  return `parsing time ${goQuote(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${goQuote(value)} as "2006"`;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isIntegerBetween(value: unknown, low: number, high: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high;
}

function isBase64(text: string): boolean {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text.replace(/[\r\n]/g, ''));
}

function badBase64At(text: string): number {
  const at = text.search(/[^A-Za-z0-9+/]/);
  return at < 0 ? text.length - (text.length % 4) : at;
}
