import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Node, Pod, PodAffinityTerm, Taint } from '../../api/index.ts';
import { chooseNode } from './choose-node.ts';
import type { NodePods } from './pod-affinity.ts';

const zone = 'topology.kubernetes.io/zone';
const hostname = 'kubernetes.io/hostname';

function node(
  name: string,
  labels: Record<string, string> = {},
  more: { taints?: Taint[]; unschedulable?: boolean; ready?: string } = {},
): Node {
  return {
    metadata: { name, labels: { [hostname]: name, ...labels } },
    spec: {
      ...(more.taints !== undefined && { taints: more.taints }),
      ...(more.unschedulable !== undefined && { unschedulable: more.unschedulable }),
    },
    status: { conditions: [{ type: 'Ready', status: more.ready ?? 'True' }] },
  };
}

function pod(name: string, spec: Partial<NonNullable<Pod['spec']>> = {}, metadata: Pod['metadata'] = {}): Pod {
  return { metadata: { namespace: 'ns', name, ...metadata }, spec: { containers: [], ...spec } };
}

function owned(name: string, uid: string): Pod {
  return pod(name, {}, { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid, controller: true }] });
}

function on(entry: Node, ...pods: Pod[]): NodePods {
  return { node: entry, pods };
}

function withHostPort(name: string, hostPort: number, hostIP?: string, protocol?: string): Pod {
  return pod(name, { containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort, hostIP, protocol }] }] });
}

const anti = (...terms: PodAffinityTerm[]): Partial<NonNullable<Pod['spec']>> => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const near = (...terms: PodAffinityTerm[]): Partial<NonNullable<Pod['spec']>> => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
});
const web = { matchLabels: { app: 'web' } };
const webPod = (name: string, spec = {}): Pod => pod(name, spec, { labels: { app: 'web' } });

interface Case {
  readonly name: string;
  readonly pod: Pod;
  readonly nodes: readonly NodePods[];
  readonly want: string;
}

const requiredNode = (key: string, operator: string, ...values: string[]): Partial<NonNullable<Pod['spec']>> => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }] },
    },
  },
});

const sized = ['1', '5', '10'].map((size) => on(node(`n${size}`, { size })));
const two = [on(node('n1', { [zone]: 'a' })), on(node('n2', { [zone]: 'b' }))];
const taint: Taint = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };

const cases: readonly Case[] = [
  { name: 'no nodes', pod: pod('p'), nodes: [], want: 'no nodes available to schedule pods' },
  { name: 'nothing asked: the first by name', pod: pod('p'), nodes: [on(node('n2')), on(node('n1'))], want: 'n1' },
  { name: 'the emptier node', pod: pod('p'), nodes: [on(node('n1'), pod('x')), on(node('n2'))], want: 'n2' },
  {
    name: 'siblings weigh more than strangers',
    pod: owned('p', 'u'),
    nodes: [on(node('n1'), owned('s', 'u')), on(node('n2'), pod('x'), pod('y'))],
    want: 'n2',
  },
  {
    name: 'siblings in the zone weigh more than strangers on the node',
    pod: owned('p', 'u'),
    nodes: [
      on(node('n1', { [zone]: 'a' }), owned('s', 'u')),
      on(node('n2', { [zone]: 'a' })),
      on(node('n3', { [zone]: 'b' }), pod('x')),
    ],
    want: 'n3',
  },
  { name: 'nodeSelector', pod: pod('p', { nodeSelector: { [zone]: 'b' } }), nodes: two, want: 'n2' },
  {
    name: 'nodeSelector of nobody',
    pod: pod('p', { nodeSelector: { [zone]: 'c' } }),
    nodes: two,
    want: "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.",
  },
  { name: 'In', pod: pod('p', requiredNode('size', 'In', '5', '7')), nodes: sized, want: 'n5' },
  { name: 'NotIn', pod: pod('p', requiredNode('size', 'NotIn', '1', '10')), nodes: sized, want: 'n5' },
  { name: 'NotIn matches where the label is missing', pod: pod('p', requiredNode('x', 'NotIn', '1')), nodes: sized, want: 'n1' },
  { name: 'Exists', pod: pod('p', requiredNode('x', 'Exists')), nodes: [...sized, on(node('z', { x: '' }))], want: 'z' },
  { name: 'DoesNotExist', pod: pod('p', requiredNode('size', 'DoesNotExist')), nodes: [...sized, on(node('z'))], want: 'z' },
  { name: 'Gt compares numbers', pod: pod('p', requiredNode('size', 'Gt', '5')), nodes: sized, want: 'n10' },
  { name: 'Lt compares numbers', pod: pod('p', requiredNode('size', 'Lt', '5')), nodes: sized, want: 'n1' },
  {
    name: 'matchFields metadata.name',
    pod: pod('p', {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n2'] }] }],
          },
        },
      },
    }),
    nodes: two,
    want: 'n2',
  },
  {
    name: 'terms are alternatives; an empty one matches nothing',
    pod: pod('p', {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{}, { matchExpressions: [{ key: zone, operator: 'In', values: ['b'] }] }],
          },
        },
      },
    }),
    nodes: two,
    want: 'n2',
  },
  {
    name: 'a preference is followed against emptiness',
    pod: pod('p', {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 1, preference: { matchExpressions: [{ key: zone, operator: 'In', values: ['b'] }] } },
          ],
        },
      },
    }),
    nodes: [on(node('n1')), on(node('n2', { [zone]: 'b' }), pod('x'), pod('y'))],
    want: 'n2',
  },
  {
    name: 'unschedulable',
    pod: pod('p'),
    nodes: [on(node('n1', {}, { unschedulable: true }))],
    want: '0/1 nodes are available: 1 node(s) were unschedulable.',
  },
  {
    name: 'unschedulable is tolerated',
    pod: pod('p', { tolerations: [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }] }),
    nodes: [on(node('n1', {}, { unschedulable: true }))],
    want: 'n1',
  },
  {
    name: 'a taint',
    pod: pod('p'),
    nodes: [on(node('n1', {}, { taints: [taint] }))],
    want: '0/1 nodes are available: 1 node(s) had untolerated taint {gpu: yes}.',
  },
  {
    name: 'a taint tolerated by value',
    pod: pod('p', { tolerations: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] }),
    nodes: [on(node('n1', {}, { taints: [taint] }))],
    want: 'n1',
  },
  {
    name: 'another value does not tolerate',
    pod: pod('p', { tolerations: [{ key: 'gpu', operator: 'Equal', value: 'no' }] }),
    nodes: [on(node('n1', {}, { taints: [taint] }))],
    want: '0/1 nodes are available: 1 node(s) had untolerated taint {gpu: yes}.',
  },
  {
    name: 'another effect does not tolerate',
    pod: pod('p', { tolerations: [{ key: 'gpu', operator: 'Exists', effect: 'NoExecute' }] }),
    nodes: [on(node('n1', {}, { taints: [taint] }))],
    want: '0/1 nodes are available: 1 node(s) had untolerated taint {gpu: yes}.',
  },
  {
    name: 'Exists without a key tolerates everything',
    pod: pod('p', { tolerations: [{ operator: 'Exists' }] }),
    nodes: [on(node('n1', {}, { taints: [taint] }))],
    want: 'n1',
  },
  {
    name: 'PreferNoSchedule is avoided, not refused',
    pod: pod('p'),
    nodes: [on(node('n1', {}, { taints: [{ ...taint, effect: 'PreferNoSchedule' }] })), on(node('n2'), pod('x'))],
    want: 'n2',
  },
  {
    name: 'a node that is not ready',
    pod: pod('p'),
    nodes: [on(node('n1', {}, { ready: 'False' }))],
    want: '0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.',
  },
  {
    name: 'a node that nobody has heard of yet',
    pod: pod('p'),
    nodes: [on({ metadata: { name: 'n1' } }), on(node('n2', {}, { ready: 'Unknown' }))],
    want: '0/2 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }, 1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }.',
  },
  {
    name: 'the same host port',
    pod: withHostPort('p', 80),
    nodes: [on(node('n1'), withHostPort('x', 80)), on(node('n2'), pod('x'), pod('y'))],
    want: 'n2',
  },
  {
    name: 'the same host port on another address',
    pod: withHostPort('p', 80, '10.0.0.1'),
    nodes: [on(node('n1'), withHostPort('x', 80, '10.0.0.2'))],
    want: 'n1',
  },
  {
    name: 'the same host port on any address',
    pod: withHostPort('p', 80, '10.0.0.1'),
    nodes: [on(node('n1'), withHostPort('x', 80, '0.0.0.0'))],
    want: "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
  },
  {
    name: 'the same host port of another protocol',
    pod: withHostPort('p', 80),
    nodes: [on(node('n1'), withHostPort('x', 80, '', 'UDP'))],
    want: 'n1',
  },
  {
    name: 'anti-affinity on the host name',
    pod: webPod('p', anti({ topologyKey: hostname, labelSelector: web })),
    nodes: [on(node('n1'), webPod('x')), on(node('n2'), pod('y'), pod('z'))],
    want: 'n2',
  },
  {
    name: 'anti-affinity with every node taken',
    pod: webPod('p', anti({ topologyKey: hostname, labelSelector: web })),
    nodes: [on(node('n1'), webPod('x'))],
    want: "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
  },
  {
    name: 'anti-affinity of the pods that are there',
    pod: webPod('p'),
    nodes: [on(node('n1'), pod('x', anti({ topologyKey: hostname, labelSelector: web })))],
    want: "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
  },
  {
    name: 'anti-affinity means its own namespace',
    pod: webPod('p', anti({ topologyKey: hostname, labelSelector: web })),
    nodes: [on(node('n1'), pod('x', {}, { namespace: 'other', labels: { app: 'web' } }))],
    want: 'n1',
  },
  {
    name: 'affinity to a zone',
    pod: pod('p', near({ topologyKey: zone, labelSelector: web })),
    nodes: [
      on(node('n1', { [zone]: 'a' })),
      on(node('n2', { [zone]: 'b' }), webPod('x'), pod('y')),
      on(node('n3', { [zone]: 'b' })),
    ],
    want: 'n3',
  },
  {
    name: 'affinity to nobody',
    pod: pod('p', near({ topologyKey: zone, labelSelector: web })),
    nodes: two,
    want: "0/2 nodes are available: 2 node(s) didn't match pod affinity rules.",
  },
  {
    name: 'affinity to its own kind, the first of them',
    pod: webPod('p', near({ topologyKey: zone, labelSelector: web })),
    nodes: two,
    want: 'n1',
  },
  {
    name: 'topology spread with DoNotSchedule',
    pod: webPod('p', {
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector: web }],
    }),
    nodes: [on(node('n1', { [zone]: 'a' }), webPod('x')), on(node('n2', { [zone]: 'b' }), pod('y'), pod('z'))],
    want: 'n2',
  },
  {
    name: 'topology spread in vain',
    pod: webPod('p', {
      nodeSelector: { [zone]: 'a' },
      topologySpreadConstraints: [
        { maxSkew: 1, minDomains: 2, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector: web },
      ],
    }),
    nodes: [on(node('n1', { [zone]: 'a' }), webPod('x')), on(node('n2', { [zone]: 'b' }))],
    want: "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) didn't match pod topology spread constraints.",
  },
];

describe('a pod goes', () => {
  for (const { name, pod, nodes, want } of cases) {
    test(name, () => {
      const choice = chooseNode(pod, nodes);
      assert.equal('node' in choice ? choice.node : choice.message, want);
    });
  }
});

test('a namespaceSelector is looked up by the labels of namespaces', () => {
  const term = { topologyKey: hostname, labelSelector: web, namespaceSelector: { matchLabels: { team: 'red' } } };
  const nodes = [on(node('n1'), pod('x', {}, { namespace: 'other', labels: { app: 'web' } }))];
  const choose = (team: string): unknown =>
    chooseNode(webPod('p', anti(term)), nodes, (namespace) => (namespace === 'other' ? { team } : {}));
  assert.deepEqual(choose('blue'), { node: 'n1' });
  assert.equal('message' in (choose('red') as object), true);
});
