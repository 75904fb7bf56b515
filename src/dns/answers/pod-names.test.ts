import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podOf, sampleIndex } from '../../names/sample-objects.ts';
import { ask, sampleResponder, textOf } from '../forwarding/asking.ts';
import { nodata, nxdomain, testRules } from './rule.case.test.ts';

testRules([
  { rule: 'pod names do not exist when disabled', name: '10-0-0-1.default.pod.cluster.local', type: 'A', want: nxdomain },
  { rule: 'nor does a namespace below pod', name: 'default.pod.cluster.local', type: 'A', want: nxdomain },
]);

testRules(
  [
    {
      rule: 'pods insecure: any address has a name when insecure',
      name: '10-0-0-1.default.pod.cluster.local',
      type: 'A',
      want: 'NOERROR\n10-0-0-1.default.pod.cluster.local A 10.0.0.1',
    },
    { rule: 'pods insecure: the other family is NODATA', name: '10-0-0-1.default.pod.cluster.local', type: 'AAAA', want: nodata },
    {
      rule: 'pods insecure: dashes that are no IPv4 address are read as IPv6',
      name: '2001-db8--1.default.pod.cluster.local',
      type: 'AAAA',
      want: 'NOERROR\n2001-db8--1.default.pod.cluster.local AAAA 2001:db8::1',
    },
    {
      rule: 'pods insecure: a full IPv6 address is read too',
      name: '1-2-3-4-5-6-7-8.default.pod.cluster.local',
      type: 'AAAA',
      want: 'NOERROR\n1-2-3-4-5-6-7-8.default.pod.cluster.local AAAA 1:2:3:4:5:6:7:8',
    },
    {
      rule: 'pods insecure: a label that is no address does not exist',
      name: '10-0-0-256.default.pod.cluster.local',
      type: 'A',
      want: nxdomain,
    },
    {
      rule: 'pods insecure: leading zeros are no address',
      name: '10-0-0-01.default.pod.cluster.local',
      type: 'A',
      want: nxdomain,
    },
    { rule: 'pods insecure: the namespace must exist', name: '10-0-0-1.nowhere.pod.cluster.local', type: 'A', want: nxdomain },
    { rule: 'pods insecure: a namespace exists below pod', name: 'default.pod.cluster.local', type: 'A', want: nodata },
    {
      rule: 'pods insecure: labels before the address do not count',
      name: 'x.y.10-0-0-1.default.pod.cluster.local',
      type: 'A',
      want: nxdomain,
    },
  ],
  { podMode: 'insecure' },
);

test('pods verified: both families of a live pod of the namespace, compared by value, until it terminates', () => {
  const index = sampleIndex({ podMode: 'verified' });
  const responder = sampleResponder(index);
  const first = (name: string, type: string): string => textOf(ask(responder, name, type)).split('\n')[0] ?? '';
  const v4 = '10-244-1-65.default.pod.cluster.local';
  const v6 = 'fd00-10-0-0--41.default.pod.cluster.local';
  assert.equal(first(v4, 'A'), 'NXDOMAIN');
  index.applyPod(podOf('a', '10.244.1.65', 'fd00:10::41'));
  index.applyPod(podOf('b', '10.244.1.65'));
  assert.equal(textOf(ask(responder, v4, 'A')), `NOERROR\n${v4} A 10.244.1.65`);
  assert.equal(textOf(ask(responder, v6, 'AAAA')), `NOERROR\n${v6} AAAA fd00:10::41`);
  assert.equal(first(v4.replace('default', 'empty'), 'A'), 'NXDOMAIN');
  assert.equal(first('10-244-1-97.default.pod.cluster.local', 'A'), 'NXDOMAIN', 'bytes are compared exactly, not as letters');
  const pod = podOf('a', '10.244.1.65', 'fd00:10::41');
  index.applyPod({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
  assert.equal(first(v6, 'AAAA'), 'NXDOMAIN');
  assert.equal(first(v4, 'A'), 'NOERROR', 'the other pod still has the address');
  index.removePod(podOf('b'));
  assert.equal(first(v4, 'A'), 'NXDOMAIN');
});
