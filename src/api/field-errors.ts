/**
 * Field errors: what is wrong with one member of an object, in the words and the enumeration of the Kubernetes API
 * (k8s apimachinery/pkg/util/validation/field). Clients and test suites match on the printed text, so it is exact.
 */

export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'
  | 'InternalError';

/** One fault. `field` is a path such as `spec.ports[0].nodePort`. */
export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  /** What was found there. Not printed for required, forbidden and too long. */
  readonly badValue?: unknown;
  /** What is wrong with it; may be empty. */
  readonly detail: string;
}

/** A member is missing. */
export function required(field: string, detail = ''): FieldError {
  return { type: 'FieldValueRequired', field, badValue: '', detail };
}

/** A member has a value that its rules exclude. */
export function invalidValue(field: string, badValue: unknown, detail: string): FieldError {
  return { type: 'FieldValueInvalid', field, badValue, detail };
}

/** A member is none of a closed set. `supported` is printed in the order given: sort it where upstream does. */
export function notSupported(field: string, badValue: unknown, supported: readonly string[]): FieldError {
  const detail = supported.length === 0 ? '' : `supported values: ${supported.map(goQuote).join(', ')}`;
  return { type: 'FieldValueNotSupported', field, badValue, detail };
}

/** A value that must be unique stands there a second time. */
export function duplicate(field: string, badValue: unknown): FieldError {
  return { type: 'FieldValueDuplicate', field, badValue, detail: '' };
}

/** A reference to something that is not there. */
export function notFoundValue(field: string, badValue: unknown): FieldError {
  return { type: 'FieldValueNotFound', field, badValue, detail: '' };
}

/** A member must not be set in this situation. */
export function forbiddenField(field: string, detail: string): FieldError {
  return { type: 'FieldValueForbidden', field, badValue: '', detail };
}

/** A list has more than `max` items. */
export function tooMany(field: string, actual: number, max: number): FieldError {
  return {
    type: 'FieldValueTooMany',
    field,
    badValue: actual,
    detail: `must have at most ${max} ${max === 1 ? 'item' : 'items'}`,
  };
}

/** A text has more than `max` bytes. */
export function tooLong(field: string, max: number): FieldError {
  return {
    type: 'FieldValueTooLong',
    field,
    badValue: '',
    detail: `may not be more than ${max} ${max === 1 ? 'byte' : 'bytes'}`,
  };
}

/** Validation itself could not be carried out. */
export function internalFieldError(field: string, detail: string): FieldError {
  return { type: 'InternalError', field, detail };
}

/** `path.name`, or `name` at the root. */
export function childPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** `path[index]`. */
export function indexPath(path: string, index: number): string {
  return `${path}[${index}]`;
}

/** `path[key]`, as upstream writes members of maps. */
export function keyPath(path: string, key: string): string {
  return `${path}[${key}]`;
}

/** `<field>: <Type>[: <value>][: <detail>]`. */
export function printFieldError(error: FieldError): string {
  return `${error.field}: ${printFieldErrorBody(error)}`;
}

/** The text after the field path: the `message` of a Status cause. */
export function printFieldErrorBody(error: FieldError): string {
  const type = typeTexts[error.type];
  const head = valueless.has(error.type) ? type : `${type}: ${printGoValue(error.badValue)}`;
  return error.detail === '' ? head : `${head}: ${error.detail}`;
}

/** All of them as one text: bare when there is one, `[e1, e2]` otherwise, repeated texts once. */
export function printFieldErrors(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(printFieldError))];
  return texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
}

/** A value as Go's `%q` (texts), `%v` (numbers, booleans) or JSON (the rest) prints it. */
export function printGoValue(value: unknown): string {
  if (typeof value === 'string') return goQuote(value);
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  return goJson(value);
}

/** A text in double quotes, escaped as Go's `%q` does. */
export function goQuote(text: string): string {
  let quoted = '"';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const escape = goEscapes[character];
    if (escape !== undefined) quoted += escape;
    else if (code < 0x20 || code === 0x7f) quoted += `\\x${code.toString(16).padStart(2, '0')}`;
    else if (/[\p{C}\p{Zl}\p{Zp}]/u.test(character) || (/\p{Zs}/u.test(character) && character !== ' '))
      quoted += code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
    else quoted += character;
  }
  return `${quoted}"`;
}

/** JSON as Go's encoder writes it: `<`, `>` and `&` escaped, absent as `null`. */
export function goJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  return (text ?? 'null').replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const typeTexts: Readonly<Record<FieldErrorType, string>> = {
  FieldValueNotFound: 'Not found',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  FieldValueTypeInvalid: 'Invalid value',
  InternalError: 'Internal error',
};

const valueless: ReadonlySet<FieldErrorType> = new Set<FieldErrorType>([
  'FieldValueRequired',
  'FieldValueForbidden',
  'FieldValueTooLong',
  'FieldValueTypeInvalid',
  'InternalError',
]);

const goEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};
