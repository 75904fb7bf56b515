import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printFieldError } from '../field-errors.ts';
import type { ServiceSpec } from '../kinds/index.ts';
import { setServiceDefaults } from './defaults.ts';
import { serviceOf, withPort } from './mistake.case.test.ts';
import { validateServiceUpdate } from './validation.ts';

const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30_088 } as const;
const stored: ServiceSpec = withPort({
  clusterIP: '10.96.0.9',
  clusterIPs: ['10.96.0.9'],
  ipFamilies: ['IPv4'],
  ipFamilyPolicy: 'SingleStack',
});
const dual: ServiceSpec = {
  ...stored,
  clusterIPs: ['10.96.0.9', 'fd00::9'],
  ipFamilies: ['IPv4', 'IPv6'],
  ipFamilyPolicy: 'RequireDualStack',
};
const changes: readonly {
  readonly name: string;
  readonly before: ServiceSpec;
  readonly after: ServiceSpec;
  readonly want: readonly string[];
}[] = [
  {
    name: 'M46: a cluster IP for another',
    before: stored,
    after: { ...stored, clusterIP: '10.96.0.8', clusterIPs: ['10.96.0.8'] },
    want: ['spec.clusterIPs[0]: Invalid value: ["10.96.0.8"]: may not change once set'],
  },
  {
    name: 'M46: headless to an address',
    before: withPort({ clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv4'] }),
    after: stored,
    want: ['spec.clusterIPs[0]: Invalid value: ["10.96.0.9"]: may not change once set'],
  },
  {
    name: 'M47: the address taken away',
    before: stored,
    after: { ...stored, clusterIP: undefined, clusterIPs: undefined },
    want: ['spec.clusterIPs[0]: Invalid value: null: primary clusterIP can not be unset'],
  },
  {
    name: 'M48: another primary family',
    before: { ...stored, ipFamilies: ['IPv4'] },
    after: { ...stored, clusterIPs: ['10.96.0.9'], ipFamilies: ['IPv6'] },
    want: [
      'spec.ipFamilies[0]: Invalid value: ["IPv6"]: may not change once set',
      'spec.clusterIPs[0]: Invalid value: "10.96.0.9": expected an IPv6 value as indicated by `ipFamilies[0]`',
    ],
  },
  {
    name: 'M49: the second address and family dropped without SingleStack',
    before: dual,
    after: { ...dual, clusterIPs: ['10.96.0.9'], ipFamilies: ['IPv4'] },
    want: [
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be set to \'SingleStack\' when releasing the secondary clusterIP',
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be set to \'SingleStack\' when releasing the secondary ipFamily',
    ],
  },
  { name: 'M49: the same with SingleStack is fine', before: dual, after: stored, want: [] },
  {
    name: 'M39: another class',
    before: { ...stored, type: 'LoadBalancer', loadBalancerClass: 'a/b' },
    after: { ...stored, type: 'LoadBalancer', loadBalancerClass: 'a/c' },
    want: ['spec.loadBalancerClass: Invalid value: "a/c": may not change once set'],
  },
  {
    name: 'M39: another class that is malformed is told once for each rule',
    before: { ...stored, type: 'LoadBalancer', loadBalancerClass: 'a/b' },
    after: { ...stored, type: 'LoadBalancer', loadBalancerClass: '/c' },
    want: [
      'spec.loadBalancerClass: Invalid value: "/c": may not change once set',
      'spec.loadBalancerClass: Invalid value: "/c": prefix part must be non-empty',
    ],
  },
  {
    name: 'M39: a class taken away',
    before: { ...stored, type: 'LoadBalancer', loadBalancerClass: 'a/b' },
    after: { ...stored, type: 'LoadBalancer' },
    want: ['spec.loadBalancerClass: Invalid value: "null": may not change once set'],
  },
  {
    name: 'M39: a class given late',
    before: { ...stored, type: 'LoadBalancer' },
    after: { ...stored, type: 'LoadBalancer', loadBalancerClass: 'a/b' },
    want: ['spec.loadBalancerClass: Invalid value: "a/b": may not change once set'],
  },
  {
    name: 'A14: a class that comes with the type is fine',
    before: stored,
    after: { ...stored, type: 'LoadBalancer', loadBalancerClass: 'a/b' },
    want: [],
  },
  {
    name: 'M43: another health-check port',
    before: { ...stored, ...local },
    after: { ...stored, ...local, healthCheckNodePort: 30_089 },
    want: ['spec.healthCheckNodePort: Forbidden: field is immutable'],
  },
  {
    name: 'addresses may be anything when either side is ExternalName',
    before: { type: 'ExternalName', externalName: 'a' },
    after: stored,
    want: [],
  },
  {
    name: 'headless to headless may change families',
    before: withPort({ clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv4'] }),
    after: withPort({ clusterIP: 'None', clusterIPs: ['None'], ipFamilies: ['IPv6'] }),
    want: [],
  },
  {
    name: 'ratcheting: what the object had already is not judged by the new rules',
    before: withPort({
      type: 'LoadBalancer',
      clusterIP: '10.096.0.9',
      clusterIPs: ['10.096.0.9'],
      externalIPs: ['192.000.2.1'],
      loadBalancerSourceRanges: ['10.0.0.1/8'],
    }),
    after: withPort({
      type: 'LoadBalancer',
      clusterIP: '10.096.0.9',
      clusterIPs: ['10.096.0.9'],
      externalIPs: ['192.000.2.1'],
      loadBalancerSourceRanges: ['10.0.0.1/8', '11.0.0.1/8'],
    }),
    want: ['spec.LoadBalancerSourceRanges[1]: Invalid value: "11.0.0.1/8": must not have bits set beyond the prefix length'],
  },
];

for (const { name, before, after, want } of changes) {
  test(`change, ${name}`, () => {
    const next = setServiceDefaults(serviceOf(after, { name: 'Not.A.Label' }));
    const previous = setServiceDefaults(serviceOf(before, { name: 'Not.A.Label' }));
    assert.deepEqual(validateServiceUpdate(next, previous).map(printFieldError), want);
  });
}
