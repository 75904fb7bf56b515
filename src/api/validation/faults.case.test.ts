/** For the tests of validation: objects of any kind, their faults as text, and tables of both. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setDefaults } from '../defaults/defaults.ts';
import { printFieldError } from '../field-errors.ts';
import type { Resource } from '../resource.ts';
import { validateCreate, validateUpdate } from './validate.ts';

/** Of a good object. */
export const metadata = { name: 'a', namespace: 'n' };
const clusterMetadata = { name: 'a' };

function faultsOf<T>(resource: Resource<T>, object: object): string[] {
  const meta = resource.namespaced ? metadata : clusterMetadata;
  return validateCreate(resource, setDefaults(resource, { metadata: meta, ...object } as T)).map(printFieldError);
}

/** The faults of a change. */
export function updateFaultsOf<T>(resource: Resource<T>, next: object, previous: object): string[] {
  const complete = (object: object): T => setDefaults(resource, { metadata, ...object } as T);
  return validateUpdate(resource, complete(next), complete(previous)).map(printFieldError);
}

/** What identifiers of each kind must be, in upstream's words. */
export const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
export const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
export const qualifiedText =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
export const valueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

type Case = readonly [name: string, resource: Resource, object: object, want: readonly string[]];

/** Registers a test for each case. */
export function testFaults(cases: readonly Case[]): void {
  for (const [name, resource, object, want] of cases)
    test(`${resource.kind}: ${name}`, () => {
      assert.deepEqual(faultsOf(resource, object), want);
    });
}
