import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printFieldError } from '../field-errors.ts';
import type { ServiceSpec } from '../kinds/index.ts';
import { validateTopologyKeys } from './topology-keys.ts';

const seventeen = Array.from({ length: 17 }, (_, index) => `key-${index}`);
const table: readonly { readonly name: string; readonly spec: ServiceSpec; readonly want: readonly string[] }[] = [
  {
    name: 'hostname, zone, region and any are accepted',
    spec: { topologyKeys: ['kubernetes.io/hostname', 'topology.kubernetes.io/zone', 'topology.kubernetes.io/region', '*'] },
    want: [],
  },
  {
    name: 'an empty list constrains nothing, even with Local',
    spec: { topologyKeys: [], externalTrafficPolicy: 'Local' },
    want: [],
  },
  {
    name: '17 keys are too many',
    spec: { topologyKeys: seventeen },
    want: ['spec.topologyKeys: Too many: 17: must have at most 16 items'],
  },
  {
    name: 'any in the middle',
    spec: { topologyKeys: ['*', 'kubernetes.io/hostname'] },
    want: ['spec.topologyKeys[0]: Invalid value: "*": "*" must be the last value specified'],
  },
  {
    name: 'a key twice',
    spec: { topologyKeys: ['a', 'a'] },
    want: ['spec.topologyKeys[1]: Duplicate value: "a"'],
  },
  {
    name: 'text that is no label key',
    spec: { topologyKeys: ['a b'] },
    want: [
      "spec.topologyKeys[0]: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
  },
  {
    name: 'together with Local',
    spec: { topologyKeys: ['*'], externalTrafficPolicy: 'Local' },
    want: ['spec.topologyKeys: Forbidden: may not be specified when `externalTrafficPolicy=Local`'],
  },
];

for (const { name, spec, want } of table) {
  test(`A35: ${name}`, () => {
    assert.deepEqual(validateTopologyKeys({ spec }).map(printFieldError), want);
  });
}
