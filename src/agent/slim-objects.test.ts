import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointSlice, Node, Service } from '../api/index.ts';
import { decide } from '../routing/index.ts';
import type { RoutingDecision } from '../routing/index.ts';
import { createSlimmer } from './slim-objects.ts';

const service: Service = {
  metadata: {
    name: 'web',
    namespace: 'ns',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels: { app: 'web' },
    annotations: { 'fairlead.dev/topology-keys': '["topology.kubernetes.io/zone","*"]', other: 'x' },
    managedFields: [{ manager: 'kubectl' }],
  },
  spec: {
    type: 'LoadBalancer',
    clusterIP: '10.96.0.1',
    clusterIPs: ['10.96.0.1'],
    selector: { app: 'web' },
    ports: [{ name: 'http', port: 80, protocol: 'TCP', nodePort: 30_080 }],
    sessionAffinity: 'ClientIP',
    internalTrafficPolicy: 'Local',
    externalTrafficPolicy: 'Cluster',
    loadBalancerSourceRanges: ['10.0.0.0/8'],
  },
  status: { loadBalancer: { ingress: [{ ip: '10.0.8.1' }] } },
};

const hints = { forZones: [{ name: 'a' }], forNodes: [{ name: 'n1' }] };

const slice: EndpointSlice = {
  metadata: {
    name: 'web-1',
    namespace: 'ns',
    resourceVersion: '1',
    labels: { app: 'web', 'kubernetes.io/service-name': 'web' },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'web', uid: 'u' }],
  },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: [
    {
      addresses: ['10.244.1.1'],
      nodeName: 'n1',
      zone: 'a',
      hints,
      targetRef: { kind: 'Pod', namespace: 'ns', name: 'p1', uid: 'p' },
    },
    { addresses: ['10.244.2.1', '10.244.2.2'], conditions: { ready: true }, nodeName: 'n2', zone: 'b', hints },
    { addresses: ['10.244.2.3'], conditions: { ready: false, serving: true, terminating: true }, nodeName: 'n2', zone: 'b' },
    { addresses: ['10.244.9.1'], conditions: { ready: false }, hostname: 'h' },
    { addresses: ['10.244.2.4'], nodeName: 'n2', zone: 'b', hints: { forZones: [{ name: 'b' }], forNodes: [{ name: 'n2' }] } },
  ],
};

const node: Node = {
  metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'a' }, managedFields: [{ manager: 'kubelet' }] },
  spec: { podCIDRs: ['10.244.1.0/24'] },
  status: {
    addresses: [{ type: 'InternalIP', address: '10.0.1.1' }],
    images: [{ names: ['registry/image'], sizeBytes: 1 }],
  },
};

function decisionOf(slim: boolean, more: Partial<NonNullable<Service['spec']>>): RoutingDecision {
  const { service: slimService, slice: slimSlice, node: slimNode } = createSlimmer();
  const annotations = more.type === 'ClusterIP' ? {} : service.metadata?.annotations;
  const asked: Service = {
    ...service,
    metadata: { ...service.metadata, annotations },
    spec: { ...service.spec, ...more },
  };
  return decide({
    service: slim ? slimService(asked) : asked,
    slices: [slim ? slimSlice(slice) : slice],
    nodes: new Map([['n1', slim ? slimNode(node) : node]]),
    nodeName: 'n1',
    family: 'IPv4',
  });
}

/** Without the names of pods, which slim slices do not have. */
function withoutPods(decision: RoutingDecision): RoutingDecision {
  return JSON.parse(
    JSON.stringify(decision, (key, value: unknown) => (key === 'targetRef' ? undefined : value)),
  ) as RoutingDecision;
}

describe('slim objects', () => {
  for (const [name, more] of Object.entries({
    'topology keys and a load balancer': {},
    'external traffic for this node alone': { externalTrafficPolicy: 'Local', healthCheckNodePort: 30_100 },
    'hints, without topology keys': { type: 'ClusterIP' },
  } as const)) {
    it(`lead to the same decision: ${name}`, () => {
      assert.deepEqual(withoutPods(decisionOf(true, more)), withoutPods(decisionOf(false, more)));
    });
  }

  it('have nothing of what large clusters have much of', () => {
    const slim = createSlimmer();
    const text = JSON.stringify([slim.service(service), slim.slice(slice), slim.node(node)]);
    for (const word of ['managedFields', 'ownerReferences', 'selector', 'targetRef', 'images', '"app"'])
      assert.ok(!text.includes(word), word);
  });

  it('keep what an event about a Service needs, and the mark of a node that is to go', () => {
    const slim = createSlimmer();
    const { metadata } = slim.service(service);
    assert.deepEqual([metadata?.name, metadata?.namespace, metadata?.uid], ['web', 'ns', 'u']);
    const taints = [{ key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule' as const }];
    const going = slim.node({ ...node, metadata: { name: 'n1', deletionTimestamp: '2026-01-01T00:00:00Z' }, spec: { taints } });
    assert.deepEqual(going.spec?.taints, taints);
    assert.equal(going.metadata?.deletionTimestamp, '2026-01-01T00:00:00Z');
  });

  it('share what is alike', () => {
    const slim = createSlimmer();
    const [one, two] = [slim.slice(slice), slim.slice(structuredClone(slice))];
    assert.equal(one.ports, two.ports);
    assert.equal(one.endpoints?.[1]?.conditions, two.endpoints?.[1]?.conditions);
  });
});
