import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readResourceField } from './resource-fields.ts';

const allocatable = { cpu: '4', memory: '8Gi', 'ephemeral-storage': '100Gi' };
const container = {
  resources: { limits: { cpu: '1500m', memory: '100Mi' }, requests: { cpu: '250m', memory: '1.5Ki', 'hugepages-2Mi': '4Mi' } },
};
const unbounded = {};

const cases = [
  { resource: 'limits.cpu', want: '2', about: 'whole processors, rounded up' },
  { resource: 'limits.cpu', divisor: '1m', want: '1500' },
  { resource: 'requests.cpu', want: '1' },
  { resource: 'requests.cpu', divisor: '1m', want: '250' },
  { resource: 'limits.memory', want: '104857600' },
  { resource: 'limits.memory', divisor: '1Mi', want: '100' },
  { resource: 'limits.memory', divisor: '1Gi', want: '1' },
  { resource: 'requests.memory', want: '1536' },
  { resource: 'requests.hugepages-2Mi', divisor: '1Mi', want: '4' },
  { resource: 'limits.cpu', of: unbounded, want: '4', about: 'no limit: all of the node' },
  { resource: 'limits.memory', of: unbounded, divisor: '1Gi', want: '8' },
  { resource: 'limits.ephemeral-storage', of: unbounded, divisor: '1Gi', want: '100' },
  { resource: 'requests.cpu', of: unbounded, want: '0', about: 'no request: nothing' },
  { resource: 'limits.cpu', divisor: '0', want: '2', about: 'a divisor of zero is one' },
  { resource: 'limits.pods', want: undefined, about: 'no such resource' },
];

for (const { resource, divisor, of = container, want, about } of cases)
  test(`${resource} in ${divisor ?? 'ones'} is ${want ?? 'refused'}${about === undefined ? '' : `: ${about}`}`, () => {
    assert.equal(readResourceField({ resource, ...(divisor === undefined ? {} : { divisor }) }, of, allocatable), want);
  });
