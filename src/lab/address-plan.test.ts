import { test } from 'node:test';
import assert from 'node:assert/strict';
import { cidrContains, formatIp, mustParseCidr } from '../net/index.ts';
import {
  addressPlan,
  controlPlaneAddress,
  defaultPodCidr,
  dnsAddress,
  macAddress,
  nodeAddress,
  outsideAddress,
  outsideAddressCount,
} from './address-plan.ts';
import { shareRules } from './balancer-rules.ts';

for (const family of ['IPv4', 'IPv6'] as const) {
  test(`no two ${family} addresses of the underlay are the same, and all are on it`, () => {
    const all = [
      controlPlaneAddress(family),
      dnsAddress(family),
      ...Array.from({ length: 254 }, (_each, index) => nodeAddress(family, index + 1)),
      ...Array.from({ length: outsideAddressCount }, (_each, index) => outsideAddress(family, index + 1)),
    ];
    assert.equal(new Set(all.map(formatIp)).size, all.length);
    const underlay = { address: controlPlaneAddress(family), prefixLength: addressPlan[family].underlayPrefix };
    for (const address of all) assert.ok(cidrContains(underlay, address), formatIp(address));
  });

  test(`every node's ${family} pods are among all pods`, () => {
    for (const index of [1, 9, 10, 254]) {
      const cidr = mustParseCidr(defaultPodCidr(family, index));
      assert.ok(cidrContains(addressPlan[family].allPods, cidr.address), defaultPodCidr(family, index));
    }
  });
}

test('MAC addresses are well formed and differ', () => {
  const all = [macAddress('fabric', 1), macAddress('outside', 1), macAddress('node', 1), macAddress('node', 254)];
  assert.equal(new Set(all).size, all.length);
  for (const mac of all) assert.match(mac, /^02(:[0-9a-f]{2}){5}$/);
});

test('each node of a balancer has its rule; none at all means wait', () => {
  assert.equal(shareRules([1, 2, 3]).length, 3);
  assert.deepEqual(
    shareRules([]).map((rule) => rule.map(({ name }) => name)),
    [['immediate']],
  );
  // the last one takes what the others have left: it asks no dice
  assert.ok(
    !shareRules([1, 2])
      .at(-1)
      ?.some(({ name }) => name === 'numgen'),
  );
});
