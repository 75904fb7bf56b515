import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Service, ServiceSpec } from '../kinds/index.ts';
import { defaultOnRead, setServiceDefaults } from './defaults.ts';

function defaulted(spec: ServiceSpec): ServiceSpec {
  return setServiceDefaults({ spec }).spec ?? {};
}

test('A1: a minimal Service gets type, affinity, internal policy, protocol and target port', () => {
  assert.deepEqual(defaulted({ ports: [{ port: 80 }] }), {
    type: 'ClusterIP',
    sessionAffinity: 'None',
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    internalTrafficPolicy: 'Cluster',
  });
});

test('a target port that says something is left alone', () => {
  const ports = [
    { port: 80, targetPort: 'http' },
    { port: 81, targetPort: 8081, protocol: 'UDP' },
    { port: 82, targetPort: 0 },
    { port: 83, targetPort: '' },
  ];
  assert.deepEqual(
    defaulted({ ports }).ports?.map(({ targetPort, protocol }) => [targetPort, protocol]),
    [
      ['http', 'TCP'],
      [8081, 'UDP'],
      [82, 'TCP'],
      [83, 'TCP'],
    ],
  );
});

test('A2: ClientIP without a timeout gets three hours, None loses its configuration', () => {
  for (const sessionAffinityConfig of [undefined, {}, { clientIP: {} }]) {
    assert.deepEqual(defaulted({ sessionAffinity: 'ClientIP', sessionAffinityConfig }).sessionAffinityConfig, {
      clientIP: { timeoutSeconds: 10_800 },
    });
  }
  const kept = { clientIP: { timeoutSeconds: 10 } };
  assert.deepEqual(defaulted({ sessionAffinity: 'ClientIP', sessionAffinityConfig: kept }).sessionAffinityConfig, kept);
  assert.equal('sessionAffinityConfig' in defaulted({ sessionAffinityConfig: kept }), false);
});

test('A3: only what clients outside can reach gets an external policy', () => {
  const policyOf = (spec: ServiceSpec): string | undefined => defaulted(spec).externalTrafficPolicy;
  assert.equal(policyOf({ type: 'LoadBalancer' }), 'Cluster');
  assert.equal(policyOf({ type: 'NodePort' }), 'Cluster');
  assert.equal(policyOf({ externalIPs: ['192.0.2.1'] }), 'Cluster');
  assert.equal(policyOf({ type: 'NodePort', externalTrafficPolicy: 'Local' }), 'Local');
  assert.equal(policyOf({}), undefined);
  assert.equal(policyOf({ type: 'ExternalName', externalIPs: ['192.0.2.1'] }), undefined);
});

test('A4: ExternalName gets no internal policy, every other type does', () => {
  assert.equal(defaulted({ type: 'ExternalName' }).internalTrafficPolicy, undefined);
  for (const type of ['ClusterIP', 'NodePort', 'LoadBalancer'])
    assert.equal(defaulted({ type }).internalTrafficPolicy, 'Cluster');
});

test('a load balancer allocates node ports unless told not to', () => {
  assert.equal(defaulted({ type: 'LoadBalancer' }).allocateLoadBalancerNodePorts, true);
  assert.equal(defaulted({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false }).allocateLoadBalancerNodePorts, false);
  assert.equal('allocateLoadBalancerNodePorts' in defaulted({ type: 'NodePort' }), false);
});

test('A5: an ingress address without a mode is a VIP; entries without address are left alone', () => {
  const ingress = [{ ip: '10.0.8.1' }, { hostname: 'lb.example' }, { ip: '10.0.8.2', ipMode: 'Proxy' }];
  const service: Service = { spec: { type: 'LoadBalancer' }, status: { loadBalancer: { ingress } } };
  assert.deepEqual(setServiceDefaults(service).status?.loadBalancer?.ingress, [
    { ip: '10.0.8.1', ipMode: 'VIP' },
    { hostname: 'lb.example' },
    { ip: '10.0.8.2', ipMode: 'Proxy' },
  ]);
});

test('defaults set twice are the defaults set once', () => {
  const spec = fc.record(
    {
      type: fc.constantFrom('', 'ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'),
      sessionAffinity: fc.constantFrom('', 'None', 'ClientIP'),
      externalIPs: fc.constantFrom([], ['192.0.2.1']),
      ports: fc.array(fc.record({ port: fc.integer({ min: 1, max: 9 }), targetPort: fc.constantFrom(0, '', 'http', 8080) })),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(spec, (given) => {
      const once = setServiceDefaults({ spec: given });
      assert.deepEqual(setServiceDefaults(once), once);
    }),
  );
});

const reads: readonly { readonly name: string; readonly spec: ServiceSpec; readonly want: ServiceSpec }[] = [
  {
    name: 'one address',
    spec: { type: 'ClusterIP', clusterIP: '10.96.0.9' },
    want: { clusterIPs: ['10.96.0.9'], ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' },
  },
  {
    name: 'two addresses',
    spec: { type: 'ClusterIP', clusterIP: 'fd00::9', clusterIPs: ['fd00::9', '10.96.0.9'] },
    want: { clusterIPs: ['fd00::9', '10.96.0.9'], ipFamilies: ['IPv6', 'IPv4'], ipFamilyPolicy: 'RequireDualStack' },
  },
  {
    name: 'headless with selector',
    spec: { type: 'ClusterIP', clusterIP: 'None', selector: { app: 'a' } },
    want: { clusterIPs: ['None'], ipFamilies: ['IPv6'], ipFamilyPolicy: 'SingleStack' },
  },
  {
    name: 'headless without selector',
    spec: { type: 'ClusterIP', clusterIP: 'None' },
    want: { clusterIPs: ['None'], ipFamilies: ['IPv6', 'IPv4'], ipFamilyPolicy: 'RequireDualStack' },
  },
];

for (const { name, spec, want } of reads) {
  test(`an old object is completed on read: ${name}`, () => {
    const { clusterIPs, ipFamilies, ipFamilyPolicy } = defaultOnRead({ spec }, 'IPv6').spec ?? {};
    assert.deepEqual({ clusterIPs, ipFamilies, ipFamilyPolicy }, want);
  });
}

test('a complete object is returned as it is, and an old ExternalName loses its internal policy', () => {
  const complete: Service = {
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.0.9',
      clusterIPs: ['10.96.0.9'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'PreferDualStack',
    },
  };
  assert.equal(defaultOnRead(complete, 'IPv4'), complete);
  const old: Service = { spec: { type: 'ExternalName', externalName: 'a', internalTrafficPolicy: 'Cluster' } };
  assert.deepEqual(defaultOnRead(old, 'IPv4').spec, { type: 'ExternalName', externalName: 'a' });
});
