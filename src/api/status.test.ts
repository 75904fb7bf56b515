import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  duplicate,
  forbiddenField,
  goQuote,
  invalidValue,
  notSupported,
  printFieldError,
  required,
  tooLong,
  tooMany,
} from './field-errors.ts';
import {
  alreadyExists,
  conflict,
  forbidden,
  invalid,
  isAlreadyExists,
  isConflict,
  isExpired,
  isInvalid,
  isNotFound,
  methodNotAllowed,
  notFound,
  statusErrorFromBody,
  tooLargeResourceVersion,
  tooOldResourceVersion,
} from './status.ts';

const services = { group: '', plural: 'services' };
const deployments = { group: 'apps', plural: 'deployments' };

for (const [error, want] of [
  [required('spec.ports'), 'spec.ports: Required value'],
  [required('spec.ports', 'why'), 'spec.ports: Required value: why'],
  [invalidValue('a', 'x"y', 'bad'), 'a: Invalid value: "x\\"y": bad'],
  [invalidValue('a', 80, 'bad'), 'a: Invalid value: 80: bad'],
  [invalidValue('a', { b: '<' }, 'bad'), 'a: Invalid value: {"b":"\\u003c"}: bad'],
  [invalidValue('a', undefined, 'bad'), 'a: Invalid value: null: bad'],
  [notSupported('p', 'HTTP', ['SCTP', 'TCP', 'UDP']), 'p: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"'],
  [duplicate('n', 'x'), 'n: Duplicate value: "x"'],
  [forbiddenField('f', 'may not'), 'f: Forbidden: may not'],
  [tooMany('l', 17, 16), 'l: Too many: 17: must have at most 16 items'],
  [tooLong('t', 128), 't: Too long: may not be more than 128 bytes'],
] as const)
  test(`a field error prints as ${want}`, () => {
    assert.equal(printFieldError(error), want);
  });

test('texts are quoted as Go quotes them', () => {
  assert.equal(goQuote('a\tb\u0001é\u00a0\\'), '"a\\tb\\x01é\\u00a0\\\\"');
});

for (const [error, httpStatus, message] of [
  [notFound(services, 'x'), 404, 'services "x" not found'],
  [notFound(deployments, 'x'), 404, 'deployments.apps "x" not found'],
  [alreadyExists(services, 'x'), 409, 'services "x" already exists'],
  [conflict(services, 'x', 'changed'), 409, 'Operation cannot be fulfilled on services "x": changed'],
  [forbidden(deployments, 'x', 'no'), 403, 'deployments.apps "x" is forbidden: no'],
  [methodNotAllowed(services, 'patch'), 405, 'patch is not supported on resources of kind "services"'],
  [tooOldResourceVersion('1', '9'), 410, 'too old resource version: 1 (9)'],
  [tooLargeResourceVersion('9', '1'), 504, 'Timeout: Too large resource version: 9, current: 1'],
] as const)
  test(`${error.code} answers ${httpStatus} ${message}`, () => {
    assert.equal(error.httpStatus, httpStatus);
    assert.equal(error.status.message, message);
    assert.equal(error.status.code, httpStatus);
    assert.equal(error.status.kind, 'Status');
  });

test('an invalid object names its kind with the group, and each cause', () => {
  const error = invalid('Deployment', 'apps', 'web', [required('spec.selector'), invalidValue('spec.replicas', -1, 'too small')]);
  assert.equal(
    error.message,
    'Deployment.apps "web" is invalid: [spec.selector: Required value, spec.replicas: Invalid value: -1: too small]',
  );
  assert.deepEqual(error.status.details, {
    name: 'web',
    group: 'apps',
    kind: 'Deployment',
    causes: [
      { reason: 'FieldValueRequired', message: 'Required value', field: 'spec.selector' },
      { reason: 'FieldValueInvalid', message: 'Invalid value: -1: too small', field: 'spec.replicas' },
    ],
  });
});

test('one fault is printed bare', () => {
  assert.equal(
    invalid('Service', '', 'a', [required('spec.ports')]).message,
    'Service "a" is invalid: spec.ports: Required value',
  );
});

test('predicates tell the reasons apart', () => {
  assert.equal(isNotFound(notFound(services, 'x')), true);
  assert.equal(isConflict(alreadyExists(services, 'x')), false);
  assert.equal(isAlreadyExists(alreadyExists(services, 'x')), true);
  assert.equal(isConflict(conflict(services, 'x')), true);
  assert.equal(isExpired(tooOldResourceVersion('1', '2')), true);
  assert.equal(isInvalid(invalid('Service', '', 'a', [])), true);
  assert.equal(isNotFound(new Error('not found')), false);
});

test('an answer that is no Status becomes an error of its text', () => {
  const error = statusErrorFromBody(404, '404 page not found\n');
  assert.equal(error.message, '404 page not found');
  assert.equal(isNotFound(error), true);
  assert.equal(statusErrorFromBody(409, conflict(services, 'x').status).code, 'Conflict');
  assert.equal(statusErrorFromBody(502, '').httpStatus, 502);
});
