import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../../api/index.ts';
import { mustParseIp } from '../../net/index.ts';
import { harness } from './service-harness.ts';

function nodePortService(name: string, nodePort: number, created = '2026-01-01T00:00:00Z'): Service {
  return {
    metadata: { name, namespace: 'demo', creationTimestamp: created },
    spec: { type: 'NodePort', clusterIP: '', ports: [{ port: 80, nodePort }] },
  };
}

test('at start the ports are what the Services say, and the older of two keeps a port', () => {
  const h = harness();
  const fresh = harness();
  fresh.ports.hold(31_000, 'demo/forgotten');
  const findings = fresh.strategy.repair([]);
  assert.deepEqual(findings, []);
  const services = [
    nodePortService('young', 30_001, '2026-02-01T00:00:00Z'),
    nodePortService('old', 30_001),
    nodePortService('far', 80),
  ];
  assert.deepEqual(h.strategy.repair(services), [
    { reason: 'PortNotAllocated', service: 'demo/old', message: 'Port 30001 is not allocated; repairing' },
    {
      reason: 'PortOutOfRange',
      service: 'demo/far',
      message: 'Port 80 is not within the port range 30000-32767; please recreate service',
    },
    {
      reason: 'PortAlreadyAllocated',
      service: 'demo/young',
      message: 'Port 30001 was assigned to multiple services, the other is demo/old; please recreate service',
    },
  ]);
  assert.equal(h.ports.ownerOf(30_001), 'demo/old');
});

test('a leaked port or address is freed at the third pass, not before', () => {
  const h = harness();
  const { clusterIP = '' } = h.create('gone', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_001 }] });
  h.live.delete('gone');
  for (const pass of [1, 2]) {
    h.strategy.repair(h.live.values());
    assert.equal(h.ports.ownerOf(30_001), 'demo/gone', `pass ${pass}`);
    assert.notEqual(h.addresses.get(clusterIP), undefined, `pass ${pass}`);
  }
  h.strategy.repair(h.live.values());
  assert.deepEqual(h.held(), { ports: [], addresses: [] });
});

test('a reservation whose Service appears between passes is no leak', () => {
  const h = harness();
  h.create('late', { type: 'NodePort', ports: [{ port: 80 }] });
  const live = [...h.live.values()];
  h.strategy.repair([]);
  h.strategy.repair([]);
  assert.deepEqual(h.strategy.repair(live), []);
  h.strategy.repair([]);
  h.strategy.repair([]);
  assert.equal(h.held().ports.length, 1);
});

test('addresses are restored, and strangers among them are reported', () => {
  const h = harness();
  const { clusterIP = '' } = h.create('web', { ports: [{ port: 80 }] });
  const web = h.live.get('web') ?? {};
  h.addresses.delete(clusterIP);
  assert.deepEqual(
    h.strategy.repair([web]).map(({ reason }) => reason),
    ['ClusterIPNotAllocated'],
  );
  assert.deepEqual(h.held().addresses, [`${clusterIP} demo/web`]);
  const twin = { ...web, metadata: { ...web.metadata, name: 'twin' } };
  const lost = { metadata: { name: 'lost', namespace: 'demo' }, spec: { type: 'ClusterIP', clusterIP: '10.1.0.1' } };
  const broken = { metadata: { name: 'broken', namespace: 'demo' }, spec: { type: 'ClusterIP', clusterIP: 'x' } };
  assert.deepEqual(
    h.strategy.repair([web, twin, lost, broken]).map(({ reason, service }) => [reason, service]),
    [
      ['ClusterIPAlreadyAllocated', 'demo/twin'],
      ['ClusterIPOutOfRange', 'demo/lost'],
      ['ClusterIPNotValid', 'demo/broken'],
    ],
  );
});

test('an IPAddress that somebody else manages is never freed', () => {
  const h = harness();
  h.addresses.create({ metadata: { name: '10.96.0.77' }, spec: { parentRef: { resource: 'gateways', name: 'g' } } });
  for (let pass = 0; pass < 4; pass++) h.strategy.repair([]);
  assert.notEqual(h.addresses.get('10.96.0.77'), undefined);
  assert.equal(h.ips.holderOf(mustParseIp('10.96.0.77')), 'IPAddress 10.96.0.77');
});
