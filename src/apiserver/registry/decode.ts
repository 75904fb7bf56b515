/** A decoded body -> an object of the kind that an endpoint takes, or a 400 that says why not. */
import type { Schema } from '../../api/index.ts';
import {
  apiVersionOf,
  assertTypes,
  badRequest,
  checkFields,
  invalid,
  notSupported,
  strictDecodingText,
} from '../../api/index.ts';
import type { DecodedBody } from '../http/body.ts';
import type { ApiObject } from '../store/index.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** The kind that a body must hold. */
export interface ExpectedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly schema: Schema;
}

/** The query parameter `fieldValidation`. Throws 422 for anything but its three values. */
export function fieldValidationOf(text: string | null): FieldValidation {
  if (text === null || text === '') return 'Warn';
  if (text === 'Strict' || text === 'Warn' || text === 'Ignore') return text;
  throw invalid('CreateOptions', 'meta.k8s.io', '', [notSupported('fieldValidation', text, ['Ignore', 'Strict', 'Warn'])]);
}

/** The query parameter or option `dryRun`. Throws 422 for anything but `All`. */
export function isDryRun(values: readonly string[]): boolean {
  const given = values.filter((value) => value !== '');
  for (const value of given) {
    if (value !== 'All') throw invalid('CreateOptions', 'meta.k8s.io', '', [notSupported('dryRun', value, ['All'])]);
  }
  return given.length > 0;
}

/** Far more than any kind has, and little enough for everything that walks objects by recursion. */
const maxDepth = 1000;

/** Throws 400 for a value that is nested more deeply than is stored (encoding/json in Go stops as well, at 10,000). */
export function assertDepth(value: unknown): void {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > maxDepth) throw badRequest(`the object is nested too deeply: at most ${maxDepth} levels are stored`);
    level = level.flatMap((node) => (typeof node === 'object' && node !== null ? Object.values(node) : []));
  }
}

/**
 * Checks that a body is an object of the kind, with values of the right types; unknown and repeated members are an error
 * (Strict), a warning each (Warn) or ignored. A missing apiVersion or kind is filled in, as upstream does.
 */
export function expectObject(
  expected: ExpectedKind,
  { value, duplicates }: DecodedBody,
  validation: FieldValidation,
  warn: (text: string) => void,
): ApiObject {
  const object = expectIdentity(expected, value);
  const { kind, version, schema } = expected;
  assertDepth(object);
  assertTypes(schema, object, { kind, version });
  if (validation !== 'Ignore') {
    const faults = [...duplicates, ...checkFields(schema, object)];
    if (faults.length > 0 && validation === 'Strict') {
      throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${strictDecodingText(faults)}`);
    }
    for (const fault of faults) warn(fault);
  }
  return object;
}

function expectIdentity(expected: ExpectedKind, value: unknown): ApiObject {
  const { kind } = expected;
  const apiVersion = apiVersionOf(expected);
  if (value === undefined || value === null) throw badRequest(`the body of the request is empty: a ${kind} is needed`);
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): the body is ${nameOf(value)}, not an object`,
    );
  }
  const object = value as ApiObject;
  const writtenVersion: unknown = object.apiVersion ?? apiVersion;
  const writtenKind: unknown = object.kind ?? kind;
  if (typeof writtenVersion !== 'string' || typeof writtenKind !== 'string') {
    throw badRequest(`the object provided is unrecognized (must be of type ${kind}): apiVersion and kind must be texts`);
  }
  if (writtenVersion !== apiVersion) {
    throw badRequest(`the API version in the data (${writtenVersion}) does not match the expected API version (${apiVersion})`);
  }
  if (writtenKind !== kind) {
    throw badRequest(
      `${writtenKind} in version "${expected.version}" cannot be handled as a ${kind}: the kind in the data (${writtenKind}) does not match the expected kind (${kind})`,
    );
  }
  return { ...object, apiVersion, kind };
}

function nameOf(value: unknown): string {
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}
