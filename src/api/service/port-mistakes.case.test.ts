/** Mistakes in the ports of a Service. */
import { labelText, onePort, port, qualifiedText } from './mistake.case.test.ts';
import type { Mistake } from './mistake.case.test.ts';

export const portMistakes: readonly Mistake[] = [
  { m: 1, spec: {}, want: ['spec.ports: Required value'] },
  { m: 2, spec: { ports: [port({ name: 'a' }), port({ port: 81 })] }, want: ['spec.ports[1].name: Required value'] },
  { m: 3, spec: onePort({ name: 'Web' }), want: [`spec.ports[0].name: Invalid value: "Web": ${labelText}`] },
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
  { m: 14, spec: onePort({ appProtocol: 'a b' }), want: [`spec.ports[0].appProtocol: Invalid value: "a b": ${qualifiedText}`] },
];
