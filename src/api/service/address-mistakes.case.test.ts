/** Mistakes in the addresses and families of a Service. */
import { notIpText, withPort } from './mistake.case.test.ts';
import type { Mistake } from './mistake.case.test.ts';

export const addressMistakes: readonly Mistake[] = [
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
  { m: 19, spec: withPort({ clusterIP: '10.96.0' }), want: [`spec.clusterIPs[0]: Invalid value: "10.96.0": ${notIpText}`] },
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
  ...[
    ['nonsense', notIpText],
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
];
