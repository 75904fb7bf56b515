import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServicePort, ServiceSpec } from '../../api/index.ts';
import { ipFamilyOf } from '../../net/index.ts';
import type { Harness, HarnessOptions } from './service-harness.ts';
import { dualStack, harness, refusal } from './service-harness.ts';

const http: ServicePort = { port: 80 };
const tcpAndUdp: readonly ServicePort[] = [
  { name: 'tcp', port: 80 },
  { name: 'udp', port: 80, protocol: 'UDP' },
];

function nodePortsIn(spec: ServiceSpec): number[] {
  return (spec.ports ?? []).map((port) => port.nodePort ?? 0);
}

function invalidWeb(fault: string): string {
  return `422 Service "web" is invalid: ${fault}`;
}

test('A1: a minimal Service gets one address of the primary family from the dynamic band', () => {
  const h = harness();
  const spec = h.create('web', { ports: [http] });
  assert.equal(spec.ipFamilyPolicy, 'SingleStack');
  assert.deepEqual(spec.ipFamilies, ['IPv4']);
  assert.deepEqual(spec.clusterIPs, [spec.clusterIP]);
  const [, , third = 0, fourth = 0] = (spec.clusterIP ?? '').split('.').map(Number);
  assert.ok(third * 256 + fourth > 256, `${spec.clusterIP} lies above the static band of 256`);
  assert.deepEqual(h.live.get('web')?.status, { loadBalancer: {} });
  assert.deepEqual(h.addresses.get(spec.clusterIP ?? ''), {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: {
      name: spec.clusterIP,
      labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' },
    },
    spec: { parentRef: { group: '', resource: 'services', namespace: 'demo', name: 'web' } },
  });
});

test('a status that comes with a new Service is wiped, and one that comes with a PUT is ignored', () => {
  const h = harness();
  const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } };
  const created = h.strategy.beginCreate({
    metadata: { name: 'a', namespace: 'demo' },
    spec: { type: 'LoadBalancer', ports: [http] },
    status,
  });
  assert.deepEqual(created.object.status, { loadBalancer: {} });
  const updated = h.strategy.beginUpdate({ ...created.object, status }, created.object);
  assert.deepEqual(updated.object.status, { loadBalancer: {} });
});

test('A9 and A20: neither a new nor a changed headless Service can be a NodePort', () => {
  const h = harness();
  const text = invalidWeb('spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services');
  assert.equal(
    refusal(() => h.create('web', { type: 'NodePort', clusterIP: 'None', ports: [http] })),
    text,
  );
  h.create('web', { clusterIP: 'None', ports: [http] });
  assert.equal(
    refusal(() => h.change('web', { type: 'NodePort' })),
    text,
  );
  assert.deepEqual(h.held(), { ports: [], addresses: [] });
});

test('A11, A12, A15: mistakes found after allocation leave nothing allocated', () => {
  const h = harness();
  const wrong: readonly ServiceSpec[] = [
    { type: 'LoadBalancer', ports: [http], loadBalancerSourceRanges: ['10.0.0.0'] },
    { type: 'LoadBalancer', ports: [http], healthCheckNodePort: 30_088 },
    { type: 'NodePort', ports: [http], trafficDistribution: 'PreferLocal' },
    { ports: [] },
  ];
  for (const spec of wrong)
    assert.match(
      refusal(() => h.create('web', spec)),
      /^422 /,
    );
  assert.deepEqual(h.held(), { ports: [], addresses: [] });
});

test('A13: a cluster IP is for life; ExternalName may become a ClusterIP with a chosen one', () => {
  const h = harness();
  const { clusterIP } = h.create('web', { clusterIP: '10.96.0.8', ports: [http] });
  assert.equal(clusterIP, '10.96.0.8');
  assert.equal(
    refusal(() => h.change('web', { clusterIP: '10.96.0.9' })),
    invalidWeb('spec.clusterIPs[0]: Invalid value: ["10.96.0.9"]: may not change once set'),
  );
  assert.equal(
    refusal(() => h.put('web', { clusterIP: '10.96.0.9', ports: [http] })),
    invalidWeb('spec.clusterIPs[0]: Invalid value: ["10.96.0.9"]: may not change once set'),
    'without the plural as well',
  );
  h.create('name', { type: 'ExternalName', externalName: 'a.example' });
  assert.deepEqual(h.change('name', { type: 'ClusterIP', clusterIP: '10.96.0.9', ports: [http] }).clusterIPs, ['10.96.0.9']);
  assert.deepEqual(h.held().addresses, ['10.96.0.8 demo/web', '10.96.0.9 demo/name']);
});

test('A14: a class may come with the type and not change after', () => {
  const h = harness();
  h.create('web', { ports: [http] });
  assert.equal(h.change('web', { type: 'LoadBalancer', loadBalancerClass: 'a/b' }).loadBalancerClass, 'a/b');
  assert.match(
    refusal(() => h.change('web', { loadBalancerClass: 'a/c' })),
    /may not change once set/,
  );
  assert.equal('loadBalancerClass' in h.change('web', { type: 'ClusterIP' }), false, 'and goes with the type');
});

test('A16: a PUT without the allocated values keeps them', () => {
  const h = harness();
  const asked: ServiceSpec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: tcpAndUdp };
  const created = h.create('web', asked);
  assert.ok((created.healthCheckNodePort ?? 0) > 0);
  assert.deepEqual(h.put('web', asked), created);
});

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

test('removing the external IPs of a ClusterIP Service drops its external policy', () => {
  const h = harness();
  assert.equal(h.create('web', { ports: [http], externalIPs: ['192.0.2.1'] }).externalTrafficPolicy, 'Cluster');
  assert.equal('externalTrafficPolicy' in h.change('web', { externalIPs: undefined }), false);
});

test('A18: ClusterIP to ExternalName gives the address back at once', () => {
  const h = harness({ cidrs: dualStack });
  const { clusterIPs } = h.create('web', { ports: [http], ipFamilyPolicy: 'RequireDualStack' });
  const [first = '', second = ''] = clusterIPs ?? [];
  assert.deepEqual([ipFamilyOf(first), ipFamilyOf(second)], ['IPv4', 'IPv6']);
  const spec = h.change('web', { type: 'ExternalName', externalName: 'a.example' });
  for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy'])
    assert.equal(field in spec, false, field);
  assert.deepEqual(h.held().addresses, []);
  assert.equal(h.create('other', { ports: [http], clusterIP: first }).clusterIP, first);
});

test('A19: ExternalName to NodePort gets an address and a node port', () => {
  const h = harness();
  h.create('web', { type: 'ExternalName', externalName: 'a.example' });
  assert.deepEqual(h.held(), { ports: [], addresses: [] });
  const spec = h.change('web', { type: 'NodePort', ports: [http] });
  assert.deepEqual(h.held(), {
    ports: [[nodePortsIn(spec)[0], 'demo/web']],
    addresses: [`${spec.clusterIP} demo/web`],
  });
});

test('Headless and ExternalName turn into each other', () => {
  const h = harness();
  h.create('web', { clusterIP: 'None', selector: { app: 'web' }, ports: [http] });
  h.change('web', { type: 'ExternalName', externalName: 'a.example' });
  assert.equal(h.put('web', { clusterIP: 'None', selector: { app: 'web' }, ports: [http] }).clusterIP, 'None');
  assert.match(
    refusal(() => h.change('web', { clusterIP: '10.96.0.9' })),
    /spec\.clusterIPs\[0\]: Invalid value: \["10\.96\.0\.9"\]: may not change once set/,
  );
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

test('A27: single stack to dual and back: the first address stays, only the second comes and goes', () => {
  const h = harness({ cidrs: dualStack });
  const { clusterIP, clusterIPs: before } = h.create('web', { ports: [http] });
  assert.equal(before?.length, 1);
  const { clusterIPs: both = [], ipFamilies } = h.change('web', { ipFamilyPolicy: 'PreferDualStack' });
  assert.deepEqual(ipFamilies, ['IPv4', 'IPv6']);
  assert.equal(both[0], clusterIP);
  assert.equal(ipFamilyOf(both[1] ?? ''), 'IPv6');
  assert.equal(
    refusal(() => h.change('web', { clusterIPs: both.slice(0, 1), ipFamilies: ['IPv4'], ipFamilyPolicy: 'RequireDualStack' })),
    invalidWeb(
      '[spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be \'SingleStack\' to release the secondary cluster IP, spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be \'SingleStack\' to release the secondary IP family]',
    ),
  );
  const single = h.change('web', { ipFamilyPolicy: 'SingleStack' });
  assert.deepEqual([single.clusterIPs, single.ipFamilies], [[clusterIP], ['IPv4']]);
  assert.deepEqual(h.held().addresses, [`${clusterIP} demo/web`]);
  const chosen = h.change('web', { ipFamilyPolicy: 'RequireDualStack', clusterIPs: [clusterIP ?? '', 'fd00:10:96::99'] });
  assert.deepEqual(chosen.clusterIPs, [clusterIP, 'fd00:10:96::99']);
});

test('a PreferDualStack Service does not change by itself when the cluster becomes dual-stack', () => {
  const single = harness();
  single.create('web', { ports: [http], ipFamilyPolicy: 'PreferDualStack' });
  const stored = single.live.get('web') ?? {};
  const dual = harness({ cidrs: dualStack });
  dual.live.set('web', stored);
  dual.strategy.repair(dual.live.values());
  assert.equal(dual.change('web', { sessionAffinity: 'ClientIP' }).clusterIPs?.length, 1);
  assert.equal(dual.change('web', { ipFamilyPolicy: 'RequireDualStack' }).clusterIPs?.length, 2);
});

test('A28, M30, M31, M32: what a cluster cannot give is refused before anything is taken', () => {
  const single = harness();
  const dual = harness({ cidrs: dualStack });
  const table: readonly (readonly [Harness, ServiceSpec, string])[] = [
    [
      single,
      { ipFamilyPolicy: 'RequireDualStack' },
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
    [single, { ipFamilies: ['IPv6'] }, 'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'],
    [single, { clusterIP: 'fd00::9' }, 'spec.clusterIPs[0]: Invalid value: ["fd00::9"]: IPv6 is not configured on this cluster'],
    [
      dual,
      { ipFamilyPolicy: 'SingleStack', clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9', 'fd00:10:96::9'] },
      "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified",
    ],
    [
      dual,
      { ipFamilies: ['IPv6', 'IPv4'] },
      "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
    ],
  ];
  for (const [h, spec, text] of table) {
    assert.equal(
      refusal(() => h.create('web', { ports: [http], ...spec })),
      invalidWeb(text),
    );
    assert.deepEqual(h.held().addresses, []);
  }
  const spec = single.create('web', { ports: [http], ipFamilyPolicy: 'PreferDualStack' });
  assert.deepEqual([spec.ipFamilies, spec.clusterIPs?.length], [['IPv4'], 1]);
});

test('headless without selector may name both families on any cluster; with selector it is as any other', () => {
  const h = harness();
  const free = h.create('free', { clusterIP: 'None', ports: [http] });
  assert.deepEqual([free.ipFamilies, free.ipFamilyPolicy, free.clusterIPs], [['IPv4', 'IPv6'], 'RequireDualStack', ['None']]);
  const bound = h.create('bound', { clusterIP: 'None', selector: { app: 'web' }, ports: [http] });
  assert.deepEqual([bound.ipFamilies, bound.ipFamilyPolicy], [['IPv4'], 'SingleStack']);
});

test('A29, M23: the singular fills the plural; the plural alone is refused', () => {
  const h = harness();
  assert.deepEqual(h.create('a', { clusterIP: '10.96.0.9', ports: [http] }).clusterIPs, ['10.96.0.9']);
  assert.equal(
    refusal(() => h.create('web', { clusterIPs: ['10.96.0.8'], ports: [http] })),
    invalidWeb('spec.clusterIPs: Invalid value: ["10.96.0.8"]: must be empty when `clusterIP` is not specified'),
  );
});

test('A29: an update that clears the singular keeps the address, unless the plural is cleared with it on purpose', () => {
  const h = harness();
  const { clusterIP } = h.create('web', { ports: [http] });
  assert.equal(h.change('web', { clusterIP: '' }).clusterIP, clusterIP);
  assert.equal(h.change('web', { clusterIP: undefined, clusterIPs: undefined }).clusterIP, clusterIP);
});

test('M47: `None` and lists cannot stand in for the address', () => {
  const h = harness();
  h.create('web', { ports: [http] });
  assert.match(
    refusal(() => h.change('web', { clusterIP: 'None' })),
    /spec\.clusterIPs\[0\]: Invalid value: \["None"\]: may not change once set/,
  );
});

test('A30, M22: an address is given once, and again after the deletion', () => {
  const h = harness();
  const ask = (name: string): ServiceSpec => h.create(name, { clusterIP: '10.96.0.9', ports: [http] });
  ask('first');
  assert.equal(
    refusal(() => ask('web')),
    invalidWeb(
      'spec.clusterIPs: Invalid value: ["10.96.0.9"]: failed to allocate IP 10.96.0.9: provided IP is already allocated (by Service demo/first)',
    ),
  );
  h.remove('first');
  assert.equal(ask('web').clusterIP, '10.96.0.9');
});

test('M21: an address outside every range, or at the end of one, is refused', () => {
  const h = harness();
  const ask = (clusterIP: string): string => refusal(() => h.create('web', { clusterIP, ports: [http] }));
  assert.equal(
    ask('10.97.0.1'),
    invalidWeb(
      'spec.clusterIPs: Invalid value: ["10.97.0.1"]: failed to allocate IP 10.97.0.1: the provided network does not match the current range',
    ),
  );
  for (const end of ['10.96.0.0', '10.96.255.255'])
    assert.equal(
      ask(end),
      invalidWeb(
        `spec.clusterIPs: Invalid value: ["${end}"]: failed to allocate IP ${end}: the provided IP (${end}) is not in the valid range. The range of valid IPs is 10.96.0.0/16`,
      ),
    );
});

test('A31: a dry run answers placeholders and takes nothing, on create and on update', () => {
  const h = harness({ cidrs: dualStack });
  const wish: ServiceSpec = {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    ipFamilyPolicy: 'RequireDualStack',
    ports: [http, { port: 81, name: 'b' }].map((port, index) => ({ ...port, name: `p${index}` })),
  };
  const dry = h.create('web', wish, { dryRun: true });
  assert.deepEqual(dry.clusterIPs, ['10.96.0.0', 'fd00:10:96::']);
  assert.deepEqual([...nodePortsIn(dry), dry.healthCheckNodePort], [32_768, 32_769, 32_770]);
  assert.deepEqual(h.held(), { ports: [], addresses: [] });
  h.create('web', { ports: [http] });
  const before = h.held();
  assert.equal(h.put('web', wish, { dryRun: true }).clusterIPs?.[1], 'fd00:10:96::');
  h.change('web', { type: 'ExternalName', externalName: 'a.example' }, { dryRun: true });
  assert.deepEqual(h.held(), before);
  assert.match(
    refusal(() => h.create('other', { clusterIP: h.live.get('web')?.spec?.clusterIP, ports: [http] }, { dryRun: true })),
    /already allocated/,
  );
});

test('A32: a Service holds what it has until it is really gone', () => {
  const h = harness();
  h.create('web', { type: 'NodePort', ports: [http] });
  const service = h.live.get('web') ?? {};
  const marked = {
    ...service,
    metadata: { ...service.metadata, deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['a/b'] },
  };
  const transaction = h.strategy.beginUpdate({ ...marked, metadata: { ...marked.metadata, finalizers: [] } }, marked);
  transaction.commit();
  assert.equal(h.held().ports.length, 1);
  h.strategy.released(transaction.object);
  assert.deepEqual(h.held(), { ports: [], addresses: [] });
});

test('A34: another ServiceCIDR gives addresses, asked for or not, and no more when it goes', () => {
  const h = harness({ cidrs: ['10.96.0.0/30'] });
  const [first, second] = ['a', 'b'].map((name) => h.create(name, { ports: [http] }).clusterIP);
  assert.deepEqual(new Set([first, second]), new Set(['10.96.0.1', '10.96.0.2']));
  assert.equal(
    refusal(() => h.create('web', { ports: [http] })),
    '500 Internal error occurred: failed to allocate a serviceIP: range is full',
  );
  h.serviceCidrs.push({ metadata: { name: 'more' }, spec: { cidrs: ['10.97.0.0/28'] } });
  assert.equal(h.create('c', { clusterIP: '10.97.0.14', ports: [http] }).clusterIP, '10.97.0.14');
  assert.match(h.create('d', { ports: [http] }).clusterIP ?? '', /^10\.97\.0\./);
  h.serviceCidrs[1] = {
    metadata: { name: 'more', deletionTimestamp: '2026-01-01T00:00:00Z' },
    spec: { cidrs: ['10.97.0.0/28'] },
  };
  assert.match(
    refusal(() => h.create('web', { ports: [http] })),
    /range is full/,
  );
  h.serviceCidrs[1] = {
    metadata: { name: 'more' },
    spec: { cidrs: ['10.97.0.0/28'] },
    status: { conditions: [{ type: 'Ready', status: 'False', reason: '', message: '', lastTransitionTime: '' }] },
  };
  assert.match(
    refusal(() => h.create('web', { ports: [http] })),
    /range is full/,
  );
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

test('A35: topologyKeys are stored, and refused together with Local', () => {
  const h = harness();
  const topologyKeys = ['kubernetes.io/hostname', '*'];
  assert.deepEqual(h.create('a', { ports: [http], topologyKeys }).topologyKeys, topologyKeys);
  assert.equal(
    refusal(() => h.create('web', { type: 'NodePort', externalTrafficPolicy: 'Local', ports: [http], topologyKeys })),
    invalidWeb('spec.topologyKeys: Forbidden: may not be specified when `externalTrafficPolicy=Local`'),
  );
});

test('A5: the status of a load balancer is checked, completed, and cleared when the type changes', () => {
  const h = harness();
  h.create('web', { type: 'LoadBalancer', ports: [http] });
  h.setStatus('web', { loadBalancer: { ingress: [{ ip: '10.0.8.1' }] } });
  assert.deepEqual(h.live.get('web')?.status?.loadBalancer?.ingress, [{ ip: '10.0.8.1', ipMode: 'VIP' }]);
  h.change('web', { sessionAffinity: 'ClientIP' });
  assert.equal(h.live.get('web')?.status?.loadBalancer?.ingress?.length, 1);
  h.change('web', { type: 'NodePort' });
  assert.deepEqual(h.live.get('web')?.status, { loadBalancer: {} });
  assert.equal(
    refusal(() => h.setStatus('web', { loadBalancer: { ingress: [{ ip: '10.0.8.1' }] } })),
    invalidWeb(
      "[status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer', status.loadBalancer.ingress[0].ipMode: Required value: must be specified when `ip` is set]",
    ),
  );
});

test('any type turns into any other and keeps exactly what it needs', () => {
  const types = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] as const;
  const held = { ClusterIP: [0, 1], NodePort: [1, 1], LoadBalancer: [1, 1], ExternalName: [0, 0] };
  const options: HarnessOptions = {};
  for (const from of types) {
    for (const to of types) {
      const h = harness(options);
      h.create('web', { type: from, externalName: 'a.example', ports: [http] });
      h.change('web', { type: to });
      const { ports, addresses } = h.held();
      assert.deepEqual([ports.length, addresses.length], held[to], `${from} to ${to}`);
    }
  }
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
