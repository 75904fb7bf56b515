import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Service } from '../../api/index.ts';
import { mustParseCidr } from '../../net/index.ts';
import { AddressPool } from './address-pool.ts';
import { isCandidateNode, wantsLoadBalancer } from './candidates.ts';

const pool = (...cidrs: string[]): AddressPool => new AddressPool(cidrs.map(mustParseCidr));

test('addresses come in order, stay with their owner and come back', () => {
  const addresses = pool('10.0.8.0/30', 'fd00:0:0:8::/64');
  assert.deepEqual(addresses.take('a', 'IPv4'), { address: '10.0.8.1' });
  assert.deepEqual(addresses.take('a', 'IPv4'), { address: '10.0.8.1' });
  assert.deepEqual(addresses.take('b', 'IPv4'), { address: '10.0.8.2' });
  assert.deepEqual(addresses.take('c', 'IPv4'), { fault: 'exhausted' });
  assert.deepEqual(addresses.take('a', 'IPv6'), { address: 'fd00:0:0:8::1' });
  assert.deepEqual(addresses.of('a'), ['10.0.8.1', 'fd00:0:0:8::1']);
  assert.deepEqual(addresses.release('a', ['fd00:0:0:8::1']), ['10.0.8.1']);
  assert.deepEqual(addresses.take('c', 'IPv4'), { address: '10.0.8.1' });
});

test('an address asked for is given if it is free and in range, and replaces the one before', () => {
  const addresses = pool('10.0.8.0/24');
  assert.deepEqual(addresses.take('a', 'IPv4'), { address: '10.0.8.1' });
  assert.deepEqual(addresses.take('a', 'IPv4', '10.0.8.9'), { address: '10.0.8.9' });
  assert.equal(addresses.ownerOf('10.0.8.1'), undefined);
  assert.deepEqual(addresses.take('b', 'IPv4', '10.0.8.9'), { fault: 'taken' });
  for (const outside of ['10.0.9.1', '10.0.8.0', '10.0.8.255'])
    assert.deepEqual(addresses.take('b', 'IPv4', outside), { fault: 'outside' }, outside);
  assert.deepEqual(addresses.take('b', 'IPv6'), { fault: 'no-pool' });
});

test('addresses known from before are claimed once', () => {
  const addresses = pool('fd00:0:0:8::/64');
  assert.equal(addresses.claim('a', 'fd00:0:0:8:0::1'), true);
  assert.equal(addresses.claim('b', 'fd00:0:0:8::1'), false);
  assert.equal(addresses.claim('b', '10.0.0.1'), false);
  assert.equal(addresses.claim('b', 'nonsense'), false);
  assert.deepEqual(addresses.take('b', 'IPv6'), { address: 'fd00:0:0:8::2' });
});

test('D44: which nodes take load-balancer traffic', () => {
  const label = 'node.kubernetes.io/exclude-from-external-load-balancers';
  const table: readonly [node: Node, want: boolean][] = [
    [{}, true],
    [{ status: { conditions: [{ type: 'Ready', status: 'False' }] } }, true],
    [{ spec: { unschedulable: true } }, true],
    [{ metadata: { labels: { [label]: '' } } }, false],
    [{ metadata: { labels: { [label]: 'true' } } }, false],
    [{ metadata: { labels: { [label]: 'foo' } } }, false],
    [{ metadata: { labels: { [label]: 'false' } } }, true],
    [{ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }, false],
    [{ spec: { taints: [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' }] } }, false],
    [{ spec: { taints: [{ key: 'other', effect: 'NoSchedule' }] } }, true],
  ];
  for (const [node, want] of table) assert.equal(isCandidateNode(node), want, JSON.stringify(node));
});

test('which Services get a load balancer', () => {
  const table: readonly [service: Service, want: boolean][] = [
    [{ spec: { type: 'LoadBalancer' } }, true],
    [{ spec: { type: 'NodePort' } }, false],
    [{ spec: { type: 'LoadBalancer', loadBalancerClass: 'example.com/x' } }, false],
    [{ spec: { type: 'LoadBalancer' }, metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }, false],
  ];
  for (const [service, want] of table) assert.equal(wantsLoadBalancer(service), want, JSON.stringify(service));
});
