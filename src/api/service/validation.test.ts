import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printFieldError } from '../field-errors.ts';
import type { Service, ServiceSpec } from '../kinds/index.ts';
import { addressMistakes } from './address-mistakes.case.test.ts';
import { normalizeClusterIPs } from './cluster-ips.ts';
import { setServiceDefaults } from './defaults.ts';
import { port, serviceOf, withPort } from './mistake.case.test.ts';
import { policyMistakes } from './policy-mistakes.case.test.ts';
import { portMistakes } from './port-mistakes.case.test.ts';
import { validateService } from './validation.ts';

const mistakes = [...portMistakes, ...addressMistakes, ...policyMistakes];

function faultsOf(spec: ServiceSpec, metadata?: Service['metadata']): string[] {
  return validateService(normalizeClusterIPs(setServiceDefaults(serviceOf(spec, metadata)))).map(printFieldError);
}

for (const [index, { m, spec, metadata, want }] of mistakes.entries()) {
  test(`M${m} (row ${index}) is refused with upstream's text`, () => {
    assert.deepEqual(faultsOf(spec, metadata), want);
  });
}

const accepted: readonly { readonly name: string; readonly spec: ServiceSpec; readonly metadata?: Service['metadata'] }[] = [
  { name: 'A6: headless without ports', spec: { clusterIP: 'None' } },
  { name: 'A6: ExternalName without ports', spec: { type: 'ExternalName', externalName: 'a.example' } },
  { name: 'A10: an external name with a trailing dot', spec: { type: 'ExternalName', externalName: 'foo.bar.com.' } },
  {
    name: 'A8: one node port on two protocols',
    spec: {
      type: 'NodePort',
      ports: [port({ name: 'a', nodePort: 30_053 }), port({ name: 'b', protocol: 'UDP', nodePort: 30_053 })],
    },
  },
  {
    name: 'a timeout of a whole day',
    spec: withPort({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86_400 } } }),
  },
  { name: 'a name that starts with a digit', spec: withPort({}), metadata: { name: '1st' } },
  { name: 'a node port on ExternalName', spec: { type: 'ExternalName', externalName: 'a', ports: [port({ nodePort: 30_000 })] } },
  {
    name: 'a health-check port where it belongs',
    spec: withPort({ type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30_088 }),
  },
  {
    name: 'externalTrafficPolicy with external IPs',
    spec: withPort({ externalIPs: ['192.0.2.1'], externalTrafficPolicy: 'Local' }),
  },
  {
    name: 'an internal policy on ExternalName',
    spec: { type: 'ExternalName', externalName: 'a', internalTrafficPolicy: 'Local' },
  },
  ...['PreferClose', 'PreferSameZone', 'PreferSameNode'].map((trafficDistribution) => ({
    name: `trafficDistribution ${trafficDistribution}`,
    spec: withPort({ trafficDistribution }),
  })),
  {
    name: 'equal topology annotations',
    spec: withPort({}),
    metadata: {
      annotations: { 'service.kubernetes.io/topology-mode': 'Auto', 'service.kubernetes.io/topology-aware-hints': 'Auto' },
    },
  },
];

for (const { name, spec, metadata } of accepted) {
  test(`accepted: ${name}`, () => {
    assert.deepEqual(faultsOf(spec, metadata), []);
  });
}

test('a load balancer may not open the kubelet port', () => {
  assert.deepEqual(faultsOf({ type: 'LoadBalancer', ports: [port({ port: 10_250 })] }), [
    'spec.ports[0]: Invalid value: 10250: may not expose port 10250 externally since it is used by kubelet',
  ]);
});

test('M38: a load balancer without its default is refused at a path without spec', () => {
  const { allocateLoadBalancerNodePorts: _none, ...spec } =
    setServiceDefaults(serviceOf(withPort({ type: 'LoadBalancer' }))).spec ?? {};
  assert.deepEqual(validateService(serviceOf(spec)).map(printFieldError), ['allocateLoadBalancerNodePorts: Required value']);
});

test('the table of mistakes leaves none of the 55 out', () => {
  // Those that only the cluster can tell, or that need allocation, are tested with the allocators.
  const elsewhere = [12, 13, 21, 22, 30, 31, 32];
  const here = [...mistakes.map(({ m }) => m), ...elsewhere, 43, 46, 47, 48, 49, 52, 53, 54];
  const missing = Array.from({ length: 55 }, (_, index) => index + 1).filter((m) => !here.includes(m));
  assert.deepEqual(missing, []);
});
