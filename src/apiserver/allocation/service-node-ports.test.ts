import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceSpec } from '../../api/index.ts';
import { harness, http, invalidWeb, nodePortsIn, refusal, tcpAndUdp } from './service-harness.ts';

test('A16: node ports are carried by port name, and not to a second port', () => {
  const h = harness();
  const [first = 0] = nodePortsIn(h.create('web', { type: 'NodePort', ports: [{ name: 'a', port: 80 }] }));
  const moved = h.put('web', {
    type: 'NodePort',
    ports: [
      { name: 'b', port: 81, nodePort: first },
      { name: 'a', port: 80 },
    ],
  });
  const [taken, fresh = 0] = nodePortsIn(moved);
  assert.equal(taken, first);
  assert.notEqual(fresh, first);
  assert.ok(fresh > 0);
  const [renamed = 0] = nodePortsIn(h.put('web', { type: 'NodePort', ports: [{ name: 'c', port: 80 }] }));
  assert.ok(renamed !== fresh && renamed > 0, 'another name is another port');
  assert.deepEqual(h.held().ports, [[renamed, 'demo/web']]);
});

test('A17: NodePort to ClusterIP drops unchanged node ports, refuses changed ones, keeps the address', () => {
  const h = harness();
  const { clusterIP, ports = [] } = h.create('web', { type: 'NodePort', ports: [http] });
  assert.equal(
    refusal(() => h.change('web', { type: 'ClusterIP', ports: ports.map((port) => ({ ...port, nodePort: 30_001 })) })),
    invalidWeb("spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"),
  );
  assert.equal(h.held().ports.length, 1, 'a refused change frees nothing');
  const changed = h.change('web', { type: 'ClusterIP' });
  assert.deepEqual(nodePortsIn(changed), [0]);
  assert.equal(changed.clusterIP, clusterIP);
  assert.equal('externalTrafficPolicy' in changed, false);
  assert.deepEqual(h.held().ports, []);
});

test('A21: on create, ports of one number share a node port, also one that only one of them names', () => {
  const h = harness();
  const [first, second] = nodePortsIn(h.create('a', { type: 'NodePort', ports: tcpAndUdp }));
  assert.equal(first, second);
  const [tcp = http, udp = http] = tcpAndUdp;
  assert.deepEqual(
    nodePortsIn(h.create('b', { type: 'NodePort', ports: [tcp, { ...udp, nodePort: 30_053 }] })),
    [30_053, 30_053],
  );
  assert.deepEqual(
    nodePortsIn(
      h.create('c', {
        type: 'NodePort',
        ports: [
          { ...tcp, nodePort: 30_054 },
          { ...udp, nodePort: 30_055 },
        ],
      }),
    ),
    [30_054, 30_055],
  );
  assert.deepEqual(
    h.held().ports.filter(([, owner]) => owner !== 'demo/a'),
    [
      [30_053, 'demo/b'],
      [30_054, 'demo/c'],
      [30_055, 'demo/c'],
    ],
  );
});

test('A8: one node port on two protocols is one reservation; on two ports of one protocol it is a duplicate', () => {
  const h = harness();
  const [tcp = http, udp = http] = tcpAndUdp;
  const both = [
    { ...tcp, nodePort: 30_053 },
    { ...udp, port: 81, nodePort: 30_053 },
  ];
  assert.deepEqual(nodePortsIn(h.create('web', { type: 'NodePort', ports: both })), [30_053, 30_053]);
  h.remove('web');
  assert.deepEqual(h.held().ports, []);
  const twice = [
    { ...tcp, nodePort: 30_053 },
    { ...tcp, name: 'two', port: 81, nodePort: 30_053 },
  ];
  assert.equal(
    refusal(() => h.create('web', { type: 'NodePort', ports: twice })),
    invalidWeb('spec.ports[1].nodePort: Duplicate value: 30053'),
  );
});

test('A22: a protocol added later gets a node port of its own', () => {
  const h = harness();
  const [first] = nodePortsIn(h.create('web', { type: 'NodePort', ports: tcpAndUdp.slice(0, 1) }));
  const [kept, added = 0] = nodePortsIn(h.put('web', { type: 'NodePort', ports: tcpAndUdp }));
  assert.equal(kept, first);
  assert.ok(added > 0);
});

test('A23, M13: a taken node port is refused, and the error says by whom; after the deletion it is free', () => {
  const h = harness();
  h.create('first', { type: 'NodePort', ports: [{ ...http, nodePort: 30_080 }] });
  const ask = (): ServiceSpec => h.create('web', { type: 'NodePort', ports: [{ ...http, nodePort: 30_080 }] });
  const text = 'spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated (by Service demo/first)';
  assert.equal(refusal(ask), invalidWeb(text));
  h.create('other', { type: 'NodePort', ports: [http] });
  assert.match(
    refusal(() => h.change('other', { ports: [{ ...http, nodePort: 30_080 }] })),
    /already allocated \(by Service demo\/first\)/,
  );
  h.remove('first');
  assert.deepEqual(nodePortsIn(ask()), [30_080]);
});

test('A24, M12: a node port outside the range is refused with the range', () => {
  assert.equal(
    refusal(() => harness().create('web', { type: 'NodePort', ports: [{ ...http, nodePort: 80 }] })),
    invalidWeb(
      'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767',
    ),
  );
});

test('A25: allocateLoadBalancerNodePorts false assigns nothing, honours requests, and takes nothing away', () => {
  const h = harness();
  assert.deepEqual(
    nodePortsIn(h.create('web', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [http] })),
    [0],
  );
  const [assigned = 0] = nodePortsIn(h.change('web', { allocateLoadBalancerNodePorts: true }));
  assert.ok(assigned > 0, 'false to true allocates');
  assert.deepEqual(nodePortsIn(h.change('web', { allocateLoadBalancerNodePorts: false })), [assigned], 'true to false keeps');
  assert.deepEqual(h.held().ports, [[assigned, 'demo/web']]);
  assert.deepEqual(nodePortsIn(h.change('web', { ports: [http] })), [0], 'until cleared');
  assert.deepEqual(h.held().ports, []);
  assert.deepEqual(nodePortsIn(h.change('web', { ports: [{ ...http, nodePort: 30_001 }] })), [30_001], 'a request is honoured');
  assert.deepEqual(h.held().ports, [[30_001, 'demo/web']]);
});

test('A26: Local brings a health-check port, Cluster takes it away', () => {
  const h = harness();
  h.create('web', { type: 'LoadBalancer', ports: [http] });
  const { healthCheckNodePort = 0 } = h.change('web', { externalTrafficPolicy: 'Local' });
  assert.equal(h.ports.ownerOf(healthCheckNodePort), 'demo/web');
  assert.equal('healthCheckNodePort' in h.change('web', { externalTrafficPolicy: 'Cluster' }), false);
  assert.equal(h.ports.ownerOf(healthCheckNodePort), undefined);
  assert.equal(h.change('web', { externalTrafficPolicy: 'Local', healthCheckNodePort: 30_088 }).healthCheckNodePort, 30_088);
  assert.equal(
    refusal(() => h.change('web', { healthCheckNodePort: 30_089 })),
    invalidWeb('spec.healthCheckNodePort: Forbidden: field is immutable'),
  );
  assert.match(
    refusal(() => h.change('web', { externalTrafficPolicy: 'Cluster', healthCheckNodePort: 30_089 })),
    /may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'/,
  );
  assert.equal(h.ports.ownerOf(30_088), 'demo/web');
});

test('a taken health-check port is an internal error that says by whom', () => {
  const h = harness();
  const spec: ServiceSpec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30_088, ports: [http] };
  h.create('first', spec);
  assert.equal(
    refusal(() => h.create('web', spec)),
    '500 Internal error occurred: failed to allocate requested HealthCheck NodePort 30088: provided port is already allocated (by Service demo/first)',
  );
  assert.match(
    refusal(() => h.create('web', { ...spec, healthCheckNodePort: 30_090, ports: [{ ...http, nodePort: 30_090 }] })),
    /^500 .* HealthCheck NodePort 30090: provided port is already allocated \(by this Service itself\)$/,
  );
  assert.match(
    refusal(() => h.create('web', { ...spec, healthCheckNodePort: 80 })),
    /^500 .*provided port is not in the valid range/,
  );
  assert.equal(h.held().addresses.length, 1);
});

test('a full port range is an internal error, for node ports and for health checks', () => {
  const h = harness({ range: { first: 30_000, last: 30_001 } });
  h.create('a', { type: 'NodePort', ports: [http] });
  const local: ServiceSpec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [http] };
  assert.equal(
    refusal(() => h.create('web', local)),
    '500 Internal error occurred: failed to allocate a HealthCheck NodePort 0: range is full',
  );
  h.create('b', { type: 'NodePort', ports: [http] });
  assert.equal(
    refusal(() => h.create('web', local)),
    '500 Internal error occurred: failed to allocate a nodePort: range is full',
  );
  assert.match(
    refusal(() => h.create('web', local, { dryRun: true })),
    /range is full/,
  );
});

test('a node port written on an ExternalName Service is held only once the type uses it', () => {
  const h = harness();
  const ports = [{ ...http, nodePort: 30_080 }];
  h.create('name', { type: 'ExternalName', externalName: 'a.example', ports });
  assert.deepEqual(h.held().ports, []);
  h.create('web', { type: 'NodePort', ports });
  assert.match(
    refusal(() => h.change('name', { type: 'NodePort' })),
    /already allocated \(by Service demo\/web\)/,
  );
  h.remove('web');
  h.change('name', { type: 'NodePort' });
  assert.deepEqual(h.held().ports, [[30_080, 'demo/name']]);
});
