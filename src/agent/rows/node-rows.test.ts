import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Node } from '../../api/index.ts';
import type { NodeFacts, PodDetector } from './node-rows.ts';
import { nodeRowsOf } from './node-rows.ts';
import type { Bytes } from './row-bytes.ts';
import { addressLength, ipText } from './row-bytes.ts';

const facts: NodeFacts = { node: undefined, detector: { kind: 'none' }, serviceCidrs: [], nodeAddresses: [] };
const range = (bytes: Bytes): string => {
  const length = addressLength(bytes.length === 8 ? 'IPv4' : 'IPv6');
  return `${ipText(bytes.slice(0, length))}-${ipText(bytes.slice(length))}`;
};

describe('addresses that answer on node ports', () => {
  const addresses = ['10.0.1.1', '10.0.1.77', '192.168.0.1', '127.0.0.1', 'fd00::1', 'fd00:1::1', '::1'];
  const cases: readonly (readonly [name: string, given: Partial<NodeFacts>, ipv4: string, ipv6: string])[] = [
    ['unless told otherwise the primary ones', {}, '10.0.1.1', 'fd00::1'],
    ['those inside the prefixes', { nodePortAddresses: ['10.0.0.0/16', 'fd00:1::/64'] }, '10.0.1.1 10.0.1.77', 'fd00:1::1'],
    ['one by its own prefix', { nodePortAddresses: ['10.0.1.77/32', 'fd00:1::1/128'] }, '10.0.1.77', 'fd00:1::1'],
    ['none where no address is inside', { nodePortAddresses: ['203.0.113.0/24', 'fd09::/16'] }, '', ''],
    [
      'all of a family that has no prefix of its own, as in kube-proxy',
      { nodePortAddresses: ['192.168.0.0/16'] },
      '192.168.0.1',
      'fd00::1 fd00:1::1',
    ],
    [
      'all of both by the widest prefixes, loopback never',
      { nodePortAddresses: ['0.0.0.0/0', '::/0'] },
      '10.0.1.1 10.0.1.77 192.168.0.1',
      'fd00::1 fd00:1::1',
    ],
    ['loopback never, even as the primary one', { nodeAddresses: ['127.0.0.1', '10.0.1.9', '::1'] }, '10.0.1.9', ''],
    ['none of a node that nobody knows', { nodeAddresses: [] }, '', ''],
    [
      'with prefixes, of the addresses that links bear now',
      { nodePortAddresses: ['10.0.0.0/8'], linkAddresses: ['10.9.9.9', 'fd00:9::9'] },
      '10.9.9.9',
      'fd00:9::9',
    ],
    ['without prefixes links do not count', { linkAddresses: ['10.9.9.9'] }, '10.0.1.1', 'fd00::1'],
  ];
  for (const [name, given, ipv4, ipv6] of cases) {
    test(name, () => {
      for (const [family, want] of [
        ['IPv4', ipv4],
        ['IPv6', ipv6],
      ] as const) {
        const rows = nodeRowsOf({ ...facts, nodeAddresses: addresses, ...given }, family);
        assert.equal(rows['nodeport-ips'].map(ipText).join(' '), want, family);
      }
    });
  }
});

describe('pods of this node', () => {
  const node: Node = { spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24', 'fd00:10:244:1::/64'] } };
  const cases: readonly (readonly [name: string, detector: PodDetector, given: Node | undefined, ipv4: string])[] = [
    ['are those in its pod CIDRs', { kind: 'node-pod-cidrs' }, node, '10.244.1.0-10.244.1.255'],
    ['or in its only pod CIDR', { kind: 'node-pod-cidrs' }, { spec: { podCIDR: '10.244.3.0/24' } }, '10.244.3.0-10.244.3.255'],
    ['are unknown of a node that nobody knows', { kind: 'node-pod-cidrs' }, undefined, ''],
    [
      'are those in the prefixes of the configuration',
      { kind: 'cidrs', cidrs: ['10.244.0.0/16'] },
      node,
      '10.244.0.0-10.244.255.255',
    ],
    ['cannot be told without a detector', { kind: 'none' }, node, ''],
  ];
  for (const [name, detector, given, want] of cases) {
    test(name, () => {
      const rows = nodeRowsOf({ ...facts, detector, node: given }, 'IPv4');
      assert.equal(rows.pods.map(range).join(' '), want);
    });
  }
});

test('service ranges: several of a family are joined, one inside another left out, old spellings read, the rest passed over', () => {
  const serviceCidrs = ['10.98.0.0/16', '10.96.0.0/12', '010.200.000.0/024', 'fd00:10:96::/112', 'nonsense'];
  const of = (family: 'IPv4' | 'IPv6'): string[] => nodeRowsOf({ ...facts, serviceCidrs }, family)['service-cidrs'].map(range);
  assert.deepEqual(of('IPv4'), ['10.96.0.0-10.111.255.255', '10.200.0.0-10.200.0.255']);
  assert.deepEqual(of('IPv6'), ['fd00:10:96::-fd00:10:96::ffff']);
});
