/**
 * JSON patch, RFC 6902, with JSON pointers, RFC 6901. Written here and not taken from a package because the one at hand
 * steps over pointer tokens such as `constructor`, which are good label names, and inserts at index 0 for `/list/x`.
 */
import { goQuote } from '../field-errors.ts';
import { badRequest, patchRejected, requestEntityTooLarge } from '../status.ts';
import { isJsonObject } from './json-merge-patch.ts';

/** Upstream's limit: more operations are answered with 413. */
export const maxJsonPatchOperations = 10_000;
/** Upstream's limit of what all `copy` operations of a patch may add, as bytes of JSON: each may double a document. */
const maxCopiedBytes = 3 * 1024 * 1024;

/**
 * The document with the operations applied in order; `original` is not changed. Throws a StatusError: 400 when the patch
 * is malformed, 413 when it is too long or copies too much, 422 when an operation fails (a `test` that does not hold, a path that is not there).
 */
export function jsonPatch(original: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) throw badRequest('a JSON patch is a list of operations');
  if (operations.length > maxJsonPatchOperations)
    throw requestEntityTooLarge(
      `The allowed maximum operations in a JSON patch is ${maxJsonPatchOperations}, got ${operations.length}`,
    );
  const checked = operations.map(checkOperation);
  const state = { copiedBytes: 0 };
  // A copy of our own, which the operations change in place: a new one for each would take their number times its size.
  return checked.reduce((document, operation) => applyOperation(document, operation, state), copyOf(original));
}

/** Not structuredClone: what stands at two places of a value would be one in its copy, and be changed at both. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copyOf(member)]));
}

function sizeOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}

interface Operation {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
  readonly path: readonly string[];
  readonly from: readonly string[];
  readonly value: unknown;
}

/** Changes the document in place, and answers it: another one where the whole is replaced. */
function applyOperation(document: unknown, { op, path, from, value }: Operation, state: { copiedBytes: number }): unknown {
  switch (op) {
    case 'add':
    case 'replace':
      return write(document, path, copyOf(value), op);
    case 'remove':
      return write(document, path, undefined, op);
    case 'copy': {
      const original = read(document, from, op);
      state.copiedBytes += sizeOf(original);
      if (state.copiedBytes > maxCopiedBytes)
        throw requestEntityTooLarge(
          `Unable to complete the copy, the accumulated size increase of copy is ${state.copiedBytes}, exceeding the limit ${maxCopiedBytes}`,
        );
      return write(document, path, copyOf(original), 'add');
    }
    case 'move': {
      const moved = read(document, from, 'remove');
      return write(write(document, from, undefined, 'remove'), path, moved, 'add');
    }
    case 'test':
      if (!jsonEquals(read(document, path, op), value)) throw patchRejected(`testing value ${pointerText(path)} failed`);
      return document;
  }
}

type Change = 'add' | 'replace' | 'remove';

/** The document after the change of the place that the pointer names. */
function write(document: unknown, path: readonly string[], value: unknown, change: Change): unknown {
  const name = path.at(-1);
  if (name === undefined) {
    if (change === 'remove') throw patchRejected('the whole document cannot be removed');
    return value;
  }
  const parent = read(document, path.slice(0, -1), change);
  if (Array.isArray(parent)) {
    const index = listIndex(name, parent.length, change === 'add');
    if (index === undefined) throw missing(change, pointerText(path));
    if (change === 'replace') parent[index] = value;
    else if (change === 'add') parent.splice(index, 0, value);
    else parent.splice(index, 1);
  } else if (isJsonObject(parent) && (change === 'add' || Object.hasOwn(parent, name))) {
    if (change === 'remove') Reflect.deleteProperty(parent, name);
    // Not by assignment, to which `__proto__` is no member.
    else Object.defineProperty(parent, name, { value, enumerable: true, configurable: true, writable: true });
  } else throw missing(change, pointerText(path));
  return document;
}

function read(document: unknown, path: readonly string[], operation: string): unknown {
  let node = document;
  for (const [at, token] of path.entries()) {
    const index = Array.isArray(node) ? listIndex(token, node.length, false) : undefined;
    if (Array.isArray(node) && index !== undefined) node = node[index];
    else if (isJsonObject(node) && Object.hasOwn(node, token)) node = node[token];
    else throw missing(operation, pointerText(path.slice(0, at + 1)));
  }
  return node;
}

/** RFC 6901 section 4: digits without leading zeros; `-` is the place after the last item. */
function listIndex(token: string, length: number, isInsertion: boolean): number | undefined {
  if (token === '-') return isInsertion ? length : undefined;
  if (!/^(0|[1-9][0-9]*)$/.test(token)) return undefined;
  const index = Number(token);
  return index < length || (isInsertion && index === length) ? index : undefined;
}

function checkOperation(value: unknown, index: number): Operation {
  const refuse = (text: string): Error => badRequest(`operation ${index} of the JSON patch: ${text}`);
  if (!isJsonObject(value)) throw refuse('not a mapping');
  const { op } = value;
  if (!isOperationName(op)) throw refuse(`unexpected kind: ${typeof op === 'string' ? goQuote(op) : 'none'}`);
  const path = parsePointer(value['path']);
  if (path === undefined) throw refuse('path must be a JSON pointer such as /spec/replicas');
  const needsFrom = op === 'move' || op === 'copy';
  const from = needsFrom ? parsePointer(value['from']) : [];
  if (from === undefined) throw refuse('from must be a JSON pointer such as /spec/replicas');
  if ((op === 'add' || op === 'replace' || op === 'test') && !Object.hasOwn(value, 'value')) throw refuse(`${op} has no value`);
  if (op === 'move' && path.length > from.length && from.every((token, at) => token === path[at]))
    throw refuse(`${goQuote(pointerText(from))} cannot move into itself`);
  return { op, path, from, value: value['value'] };
}

function isOperationName(op: unknown): op is Operation['op'] {
  return op === 'add' || op === 'remove' || op === 'replace' || op === 'move' || op === 'copy' || op === 'test';
}

function parsePointer(pointer: unknown): string[] | undefined {
  if (pointer === '') return [];
  if (typeof pointer !== 'string' || !pointer.startsWith('/') || /~(?![01])/.test(pointer)) return undefined;
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function pointerText(tokens: readonly string[]): string {
  return tokens.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

function missing(operation: string, pointer: string): Error {
  return patchRejected(`${operation} operation does not apply: doc is missing path: ${pointer}`);
}

function jsonEquals(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, index) => jsonEquals(item, b[index]));
  if (!isJsonObject(a)) return a === b;
  if (!isJsonObject(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && jsonEquals(a[name], b[name]));
}
