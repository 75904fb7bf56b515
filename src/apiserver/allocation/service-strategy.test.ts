import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ServiceSpec } from '../../api/index.ts';
import { ipFamilyOf } from '../../net/index.ts';
import type { HarnessOptions } from './service-harness.ts';
import { dualStack, harness, http, invalidWeb, nodePortsIn, refusal, tcpAndUdp } from './service-harness.ts';

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
