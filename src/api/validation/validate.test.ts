import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configMaps, events, ipAddresses, leases, nodes, secrets, serviceCidrs } from '../kinds/index.ts';
import { testFaults, updateFaultsOf } from './faults.case.test.ts';

testFaults([
  [
    'bad keys',
    configMaps,
    { data: { '..': 'x', b: '' }, binaryData: { b: '' } },
    ['data[..]: Invalid value: "..": must not be \'..\'', 'data[b]: Invalid value: "b": duplicate of key present in binaryData'],
  ],
  ['missing keys', secrets, { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }, ['data[tls.key]: Required value']],
  [
    'taints and pod ranges',
    nodes,
    { spec: { taints: [{ key: '', effect: 'Never' }], podCIDRs: ['10.0.0.0/24', '10.1.0.0/24'] } },
    [
      'spec.taints[0].key: Required value',
      'spec.taints[0].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"',
      'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.1.0.0/24"]: may specify no more than one CIDR for each IP family',
    ],
  ],
  [
    'names that are no addresses, and no parent',
    ipAddresses,
    { metadata: { name: 'FD00::1' }, spec: {} },
    ['metadata.name: Invalid value: "FD00::1": must be in canonical form ("fd00::1")', 'spec.parentRef: Required value'],
  ],
  ['nothing', serviceCidrs, { spec: { cidrs: [] } }, ['spec.cidrs: Required value: at least one CIDR required']],
  [
    'ranges of one family, bits beyond the prefix',
    serviceCidrs,
    { spec: { cidrs: ['10.0.0.1/24', '10.1.0.0/24'] } },
    [
      'spec.cidrs: Invalid value: ["10.0.0.1/24","10.1.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96',
      'spec.cidrs[0]: Invalid value: "10.0.0.1/24": must be in canonical form ("10.0.0.0/24")',
    ],
  ],
  [
    'a duration of nothing',
    leases,
    { spec: { leaseDurationSeconds: 0 } },
    ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0'],
  ],
  [
    'another namespace',
    events,
    { involvedObject: { namespace: 'other' } },
    ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
  ],
]);

test('what is frozen stays', () => {
  assert.deepEqual(updateFaultsOf(configMaps, { data: { a: '2' } }, { data: { a: '1' }, immutable: true }), [
    'immutable: Forbidden: field is immutable when `immutable` is set',
    'data: Forbidden: field is immutable when `immutable` is set',
  ]);
  assert.deepEqual(updateFaultsOf(secrets, { type: 'x' }, { type: 'y' }), ['type: Invalid value: "x": field is immutable']);
});

test('a range may gain its second family and lose none', () => {
  const single = { spec: { cidrs: ['10.0.0.0/24'] } };
  const dual = { spec: { cidrs: ['10.0.0.0/24', 'fd00::/112'] } };
  assert.deepEqual(updateFaultsOf(serviceCidrs, dual, single), []);
  assert.equal(updateFaultsOf(serviceCidrs, single, dual).length, 1);
});
