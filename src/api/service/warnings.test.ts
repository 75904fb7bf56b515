import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service, ServiceSpec } from '../kinds/index.ts';
import { setServiceDefaults } from './defaults.ts';
import { serviceWarnings } from './warnings.ts';

const deprecated = 'spec.externalIPs is deprecated and may no longer be implemented in some clusters';
const table: readonly {
  readonly spec: ServiceSpec;
  readonly metadata?: Service['metadata'];
  readonly want: readonly string[];
}[] = [
  { spec: { ports: [{ port: 80 }] }, want: [] },
  {
    spec: { clusterIP: 'None', loadBalancerIP: '192.0.2.1', externalIPs: ['192.0.2.1'], sessionAffinity: 'ClientIP' },
    want: [
      'spec.loadBalancerIP is ignored for headless services',
      'spec.externalIPs is ignored for headless services',
      'spec.SessionAffinity is ignored for headless services',
    ],
  },
  { spec: { externalIPs: ['192.0.2.1'] }, want: [deprecated] },
  {
    spec: { type: 'ExternalName', externalName: 'a', externalIPs: ['192.0.2.1'] },
    want: ['spec.externalIPs is ignored when spec.type is "ExternalName"'],
  },
  { spec: { externalName: 'a' }, want: ['spec.externalName is ignored when spec.type is not "ExternalName"'] },
  {
    spec: { trafficDistribution: 'PreferClose' },
    want: ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'],
  },
  {
    spec: {},
    metadata: { annotations: { 'service.kubernetes.io/topology-aware-hints': 'Auto' } },
    want: [
      'annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead',
    ],
  },
  {
    spec: { clusterIP: '2001:DB8::1', clusterIPs: ['2001:DB8::1'] },
    want: ['spec.clusterIPs[0]: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")'],
  },
  {
    spec: { externalIPs: ['192.000.2.1', '::ffff:192.0.2.1'] },
    want: [
      'spec.externalIPs[0]: non-standard IP address "192.000.2.1" will be considered invalid in a future Kubernetes release: use "192.0.2.1"',
      'spec.externalIPs[1]: non-standard IP address "::ffff:192.0.2.1" will be considered invalid in a future Kubernetes release: use "192.0.2.1"',
      deprecated,
    ],
  },
  {
    spec: { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.1/8', '010.0.0.0/8', '2001:DB8::/32'] },
    want: [
      'spec.loadBalancerSourceRanges[0]: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)',
      'spec.loadBalancerSourceRanges[1]: non-standard CIDR value "010.0.0.0/8" will be considered invalid in a future Kubernetes release: use "10.0.0.0/8"',
      'spec.loadBalancerSourceRanges[2]: IPv6 CIDR value "2001:DB8::/32" should be in RFC 5952 canonical format ("2001:db8::/32")',
    ],
  },
];

for (const { spec, metadata, want } of table) {
  test(`warnings of ${JSON.stringify({ ...spec, ...metadata })}`, () => {
    assert.deepEqual(serviceWarnings(setServiceDefaults({ metadata, spec })), want);
  });
}
