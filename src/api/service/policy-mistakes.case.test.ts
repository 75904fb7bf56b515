/** Mistakes in the name, type, affinity, policies and load balancer of a Service. */
import { labelText, qualifiedText, withPort } from './mistake.case.test.ts';
import type { Mistake } from './mistake.case.test.ts';

const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const onlyLoadBalancer = "may only be used when `type` is 'LoadBalancer'";

export const policyMistakes: readonly Mistake[] = [
  {
    m: 15,
    spec: withPort({ type: 'Cluster' }),
    want: ['spec.type: Unsupported value: "Cluster": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'],
  },
  { m: 18, spec: { type: 'ExternalName' }, want: ['spec.externalName: Required value'] },
  {
    m: 18,
    spec: { type: 'ExternalName', externalName: 'A_b' },
    want: [`spec.externalName: Invalid value: "A_b": ${subdomainText}`],
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
    want: [`spec.loadBalancerClass: Invalid value: "a b": ${qualifiedText}`],
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
    want: [`spec.selector: Invalid value: "a b": ${qualifiedText}`],
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
  { m: 55, spec: withPort({}), metadata: { name: 'Web' }, want: [`metadata.name: Invalid value: "Web": ${labelText}`] },
  { m: 55, spec: withPort({}), metadata: { name: 'a.b' }, want: ['metadata.name: Invalid value: "a.b": must not contain dots'] },
];
