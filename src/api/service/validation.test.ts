import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printFieldError } from '../field-errors.ts';
import type { Service, ServiceSpec } from '../kinds/index.ts';
import { validateService, validateServiceStatusUpdate, validateServiceUpdate } from './validation.ts';
import { setServiceDefaults } from './defaults.ts';
import { normalizeClusterIPs } from './cluster-ips.ts';

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const qualified =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const notIp = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";
const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30_088 } as const;

interface Mistake {
  /** The number of the mistake in the reference table. */
  readonly m: number;
  readonly spec: ServiceSpec;
  readonly metadata?: Service['metadata'];
  readonly want: readonly string[];
}

function serviceOf(spec: ServiceSpec, metadata: Service['metadata'] = {}): Service {
  return { metadata: { name: 'web', namespace: 'demo', ...metadata }, spec };
}

function port(fields: object = {}): NonNullable<ServiceSpec['ports']>[number] {
  return { port: 80, ...fields };
}

function onePort(fields: object): ServiceSpec {
  return { ports: [port(fields)] };
}

function withPort(spec: ServiceSpec): ServiceSpec {
  return { ports: [port()], ...spec };
}

function faultsOf(spec: ServiceSpec, metadata?: Service['metadata']): string[] {
  return validateService(normalizeClusterIPs(setServiceDefaults(serviceOf(spec, metadata)))).map(printFieldError);
}

const mistakes: readonly Mistake[] = [
  { m: 1, spec: {}, want: ['spec.ports: Required value'] },
  { m: 2, spec: { ports: [port({ name: 'a' }), port({ port: 81 })] }, want: ['spec.ports[1].name: Required value'] },
  { m: 3, spec: onePort({ name: 'Web' }), want: [`spec.ports[0].name: Invalid value: "Web": ${label}`] },
  { m: 3, spec: onePort({ name: 'a.b' }), want: ['spec.ports[0].name: Invalid value: "a.b": must not contain dots'] },
  {
    m: 3,
    spec: onePort({ name: 'a'.repeat(64) }),
    want: [`spec.ports[0].name: Invalid value: "${'a'.repeat(64)}": must be no more than 63 characters`],
  },
  {
    m: 5,
    spec: { ports: [{} as never] },
    want: [
      'spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
  },
  {
    m: 4,
    spec: { ports: [port({ name: 'a' }), port({ name: 'a', port: 81 })] },
    want: ['spec.ports[1].name: Duplicate value: "a"'],
  },
  {
    m: 5,
    spec: onePort({ port: 0, targetPort: 80 }),
    want: ['spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive'],
  },
  {
    m: 5,
    spec: onePort({ port: 65_536, targetPort: 80 }),
    want: ['spec.ports[0].port: Invalid value: 65536: must be between 1 and 65535, inclusive'],
  },
  {
    m: 5,
    spec: onePort({ port: -1, targetPort: 80 }),
    want: ['spec.ports[0].port: Invalid value: -1: must be between 1 and 65535, inclusive'],
  },
  {
    m: 6,
    spec: onePort({ protocol: 'HTTP' }),
    want: ['spec.ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"'],
  },
  {
    m: 7,
    spec: onePort({ targetPort: 70_000 }),
    want: ['spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive'],
  },
  {
    m: 8,
    spec: onePort({ targetPort: 'abcdefghijklmnop' }),
    want: ['spec.ports[0].targetPort: Invalid value: "abcdefghijklmnop": must be no more than 15 characters'],
  },
  {
    m: 8,
    spec: onePort({ targetPort: 'a_b' }),
    want: [
      'spec.ports[0].targetPort: Invalid value: "a_b": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
    ],
  },
  {
    m: 8,
    spec: onePort({ targetPort: '80' }),
    want: ['spec.ports[0].targetPort: Invalid value: "80": must contain at least one letter (a-z)'],
  },
  {
    m: 8,
    spec: onePort({ targetPort: 'a--b' }),
    want: ['spec.ports[0].targetPort: Invalid value: "a--b": must not contain consecutive hyphens'],
  },
  {
    m: 8,
    spec: onePort({ targetPort: '-a' }),
    want: ['spec.ports[0].targetPort: Invalid value: "-a": must not begin or end with a hyphen'],
  },
  {
    m: 9,
    spec: { ports: [port({ name: 'a' }), port({ name: 'b' })] },
    want: [
      'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
    ],
  },
  {
    m: 10,
    spec: {
      type: 'NodePort',
      ports: [port({ name: 'a', nodePort: 30_080 }), port({ name: 'b', port: 81, nodePort: 30_080 })],
    },
    want: ['spec.ports[1].nodePort: Duplicate value: 30080'],
  },
  {
    m: 11,
    spec: onePort({ nodePort: 30_080 }),
    want: ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  },
  {
    m: 14,
    spec: onePort({ appProtocol: '/x' }),
    want: ['spec.ports[0].appProtocol: Invalid value: "/x": prefix part must be non-empty'],
  },
  { m: 14, spec: onePort({ appProtocol: 'a b' }), want: [`spec.ports[0].appProtocol: Invalid value: "a b": ${qualified}`] },
  {
    m: 15,
    spec: withPort({ type: 'Cluster' }),
    want: ['spec.type: Unsupported value: "Cluster": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'],
  },
  {
    m: 16,
    spec: withPort({ type: 'LoadBalancer', clusterIP: 'None' }),
    want: ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for LoadBalancer services'],
  },
  {
    m: 16,
    spec: withPort({ type: 'NodePort', clusterIP: 'None' }),
    want: ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
  },
  {
    m: 17,
    spec: {
      type: 'ExternalName',
      externalName: 'a.example',
      clusterIP: '10.96.0.9',
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    },
    want: ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy'].map(
      (field) => `spec.${field}: Forbidden: may not be set for ExternalName services`,
    ),
  },
  { m: 18, spec: { type: 'ExternalName' }, want: ['spec.externalName: Required value'] },
  {
    m: 18,
    spec: { type: 'ExternalName', externalName: 'A_b' },
    want: [`spec.externalName: Invalid value: "A_b": ${subdomain}`],
  },
  { m: 19, spec: withPort({ clusterIP: '10.96.0' }), want: [`spec.clusterIPs[0]: Invalid value: "10.96.0": ${notIp}`] },
  {
    m: 20,
    spec: withPort({ clusterIP: '10.096.0.1' }),
    want: ['spec.clusterIPs[0]: Invalid value: "10.096.0.1": must not have leading 0s'],
  },
  {
    m: 20,
    spec: withPort({ clusterIP: '::ffff:10.96.0.1' }),
    want: ['spec.clusterIPs[0]: Invalid value: "::ffff:10.96.0.1": must not be an IPv4-mapped IPv6 address'],
  },
  {
    m: 23,
    spec: withPort({ clusterIPs: ['10.96.0.9'] }),
    want: ['spec.clusterIPs: Invalid value: ["10.96.0.9"]: must be empty when `clusterIP` is not specified'],
  },
  {
    m: 24,
    spec: withPort({ clusterIP: '10.96.0.8', clusterIPs: ['10.96.0.9'] }),
    want: ['spec.clusterIPs: Invalid value: ["10.96.0.9"]: first value must match `clusterIP`'],
  },
  {
    m: 25,
    spec: withPort({ clusterIP: 'None', clusterIPs: ['None', '10.96.0.9'] }),
    want: ['spec.clusterIPs: Invalid value: ["None","10.96.0.9"]: \'None\' must be the first and only value'],
  },
  {
    m: 26,
    spec: withPort({ clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9', 'fd00::9', '10.96.0.8'] }),
    want: [
      'spec.clusterIPs: Invalid value: ["10.96.0.9","fd00::9","10.96.0.8"]: may only hold up to 2 values',
      'spec.clusterIPs: Invalid value: ["10.96.0.9","fd00::9","10.96.0.8"]: may specify no more than one IP for each IP family',
    ],
  },
  {
    m: 26,
    spec: withPort({ clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9', '10.96.0.8'] }),
    want: ['spec.clusterIPs: Invalid value: ["10.96.0.9","10.96.0.8"]: may specify no more than one IP for each IP family'],
  },
  {
    m: 27,
    spec: withPort({ clusterIP: 'fd00::9', ipFamilies: ['IPv4'] }),
    want: ['spec.clusterIPs[0]: Invalid value: "fd00::9": expected an IPv4 value as indicated by `ipFamilies[0]`'],
  },
  {
    m: 27,
    spec: withPort({ clusterIP: '10.96.0.9', ipFamilies: ['IPv6'] }),
    want: ['spec.clusterIPs[0]: Invalid value: "10.96.0.9": expected an IPv6 value as indicated by `ipFamilies[0]`'],
  },
  {
    m: 28,
    spec: withPort({ ipFamilies: ['IPv5'] }),
    want: ['spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"'],
  },
  { m: 28, spec: withPort({ ipFamilies: ['IPv4', 'IPv4'] }), want: ['spec.ipFamilies[1]: Duplicate value: "IPv4"'] },
  {
    m: 29,
    spec: withPort({ ipFamilyPolicy: 'Dual' }),
    want: [
      'spec.ipFamilyPolicy: Unsupported value: "Dual": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
    ],
  },
  {
    m: 33,
    spec: withPort({ sessionAffinity: 'Cookie' }),
    want: ['spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"'],
  },
  ...[0, -5, 86_401].map((timeoutSeconds) => ({
    m: 34,
    spec: withPort({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds } } }),
    want: [
      `spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: ${timeoutSeconds}: must be greater than 0 and less than 86400`,
    ],
  })),
  ...[
    ['nonsense', notIp],
    ['010.0.0.1', 'must not have leading 0s'],
    ['0.0.0.0', 'may not be unspecified (0.0.0.0)'],
    ['127.0.0.1', 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
    ['169.254.0.1', 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
    ['fe80::1', 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
    ['224.0.0.1', 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
  ].map(([ip = '', text]) => ({
    m: 35,
    spec: withPort({ externalIPs: [ip] }),
    want: [`spec.externalIPs[0]: Invalid value: "${ip}": ${text}`],
  })),
  {
    m: 36,
    spec: withPort({ loadBalancerSourceRanges: ['10.0.0.0/8'] }),
    want: [`spec.LoadBalancerSourceRanges: Forbidden: ${onlyLoadBalancer}`],
  },
  ...[
    ['10.0.0.0', 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
    ['garbage', 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
    ['10.0.0.1/8', 'must not have bits set beyond the prefix length'],
    ['10.00.0.0/8', 'must not have leading 0s in IP or prefix length'],
    ['10.0.0.0/08', 'must not have leading 0s in IP or prefix length'],
    ['::ffff:10.0.0.0/104', 'must not have an IPv4-mapped IPv6 address'],
  ].map(([range = '', text]) => ({
    m: 37,
    spec: withPort({ type: 'LoadBalancer', loadBalancerSourceRanges: [` ${range} `] }),
    want: [`spec.LoadBalancerSourceRanges[0]: Invalid value: "${range}": ${text}`],
  })),
  {
    m: 37,
    spec: withPort({ type: 'LoadBalancer' }),
    metadata: { annotations: { 'service.beta.kubernetes.io/load-balancer-source-ranges': '10.0.0.0/8, x' } },
    want: [
      'metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
  },
  {
    m: 38,
    spec: withPort({ allocateLoadBalancerNodePorts: true }),
    want: [`spec.allocateLoadBalancerNodePorts: Forbidden: ${onlyLoadBalancer}`],
  },
  {
    m: 39,
    spec: withPort({ loadBalancerClass: 'a/b' }),
    want: [`spec.loadBalancerClass: Forbidden: ${onlyLoadBalancer}`],
  },
  {
    m: 39,
    spec: withPort({ type: 'LoadBalancer', loadBalancerClass: 'a b' }),
    want: [`spec.loadBalancerClass: Invalid value: "a b": ${qualified}`],
  },
  {
    m: 40,
    spec: withPort({ externalTrafficPolicy: 'Local' }),
    want: ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
  },
  {
    m: 41,
    spec: withPort({ type: 'NodePort', externalTrafficPolicy: 'Global' }),
    want: ['spec.externalTrafficPolicy: Unsupported value: "Global": supported values: "Cluster", "Local"'],
  },
  {
    m: 42,
    spec: withPort({ type: 'LoadBalancer', healthCheckNodePort: 30_088 }),
    want: [
      "spec.healthCheckNodePort: Invalid value: 30088: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
  },
  {
    m: 44,
    spec: withPort({ internalTrafficPolicy: 'Near' }),
    want: ['spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"'],
  },
  {
    m: 45,
    spec: withPort({ trafficDistribution: 'PreferLocal' }),
    want: [
      'spec.trafficDistribution: Unsupported value: "PreferLocal": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
    ],
  },
  {
    m: 50,
    spec: withPort({ selector: { 'a b': 'x' } }),
    want: [`spec.selector: Invalid value: "a b": ${qualified}`],
  },
  {
    m: 50,
    spec: withPort({ selector: { app: 'a b' } }),
    want: [
      "spec.selector: Invalid value: \"a b\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ],
  },
  {
    m: 51,
    spec: withPort({}),
    metadata: {
      annotations: { 'service.kubernetes.io/topology-mode': 'Auto', 'service.kubernetes.io/topology-aware-hints': 'Disabled' },
    },
    want: [
      'metadata.annotations[service.kubernetes.io/topology-mode]: Invalid value: "Auto": must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified',
    ],
  },
  { m: 55, spec: withPort({}), metadata: { name: 'Web' }, want: [`metadata.name: Invalid value: "Web": ${label}`] },
  { m: 55, spec: withPort({}), metadata: { name: 'a.b' }, want: ['metadata.name: Invalid value: "a.b": must not contain dots'] },
];

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
  { name: 'a health-check port where it belongs', spec: withPort(local) },
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

const statuses: readonly {
  readonly name: string;
  readonly type: string;
  readonly ingress: object;
  readonly want: readonly string[];
}[] = [
  {
    name: 'M52',
    type: 'NodePort',
    ingress: { hostname: 'a.example' },
    want: ["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"],
  },
  {
    name: 'M53',
    type: 'LoadBalancer',
    ingress: { ip: '10.0.8.1' },
    want: ['status.loadBalancer.ingress[0].ipMode: Required value: must be specified when `ip` is set'],
  },
  {
    name: 'M53',
    type: 'LoadBalancer',
    ingress: { hostname: 'a', ipMode: 'VIP' },
    want: ['status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set'],
  },
  {
    name: 'M53',
    type: 'LoadBalancer',
    ingress: { ip: '10.0.8.1', ipMode: 'Nat' },
    want: ['status.loadBalancer.ingress[0].ipMode: Unsupported value: "Nat": supported values: "Proxy", "VIP"'],
  },
  {
    name: 'M54',
    type: 'LoadBalancer',
    ingress: { hostname: '10.0.8.1' },
    want: ['status.loadBalancer.ingress[0].hostname: Invalid value: "10.0.8.1": must be a DNS name, not an IP address'],
  },
  {
    name: 'an address that is none',
    type: 'LoadBalancer',
    ingress: { ip: '10.0.8', ipMode: 'VIP' },
    want: [`status.loadBalancer.ingress[0].ip: Invalid value: "10.0.8": ${notIp}`],
  },
  { name: 'a good status', type: 'LoadBalancer', ingress: { ip: '10.0.8.1', ipMode: 'Proxy' }, want: [] },
];

for (const { name, type, ingress, want } of statuses) {
  test(`status, ${name}: ${JSON.stringify(ingress)}`, () => {
    const previous = serviceOf({ type });
    const next = { ...previous, status: { loadBalancer: { ingress: [ingress] } } };
    assert.deepEqual(validateServiceStatusUpdate(next, previous).map(printFieldError), want);
  });
}

test('the table of mistakes leaves none of the 55 out', () => {
  // Those that only the cluster can tell, or that need allocation, are tested with the allocators.
  const elsewhere = [12, 13, 21, 22, 30, 31, 32];
  const here = [...mistakes.map(({ m }) => m), ...elsewhere, 43, 46, 47, 48, 49, 52, 53, 54];
  const missing = Array.from({ length: 55 }, (_, index) => index + 1).filter((m) => !here.includes(m));
  assert.deepEqual(missing, []);
});
