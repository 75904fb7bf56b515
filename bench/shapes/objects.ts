/**
 * Services, EndpointSlices and Nodes as a Kubernetes API server sends them, in any number: every field that it would fill in is
 * there, so that memory and time are those of real objects. The n-th object is always the same.
 */
import type { EndpointSlice, Node, Service } from '../../src/api/index.ts';

/** What a benchmark's cluster looks like. */
export interface ClusterShape {
  readonly serviceCount: number;
  readonly endpointsPerService: number;
  /** Every Service with sessionAffinity ClientIP. */
  readonly hasAffinity?: boolean;
  /** Addresses that endpoints are taken from in turn, more than a Service has endpoints; absent: each endpoint has one of its own. */
  readonly podAddresses?: readonly string[];
}

/** The node whose proxy is measured. */
export const nodeName = 'node-0';
export const servicePort = 80;
export const podPort = 8080;
/** Pods of one node: with addresses of their own, every node gets so many endpoints. */
const podsPerNode = 250;

/** Range of all cluster IPs. */
export const serviceCidr = '10.96.0.0/12';
/** Range of all pods that have addresses of their own; those of the measured node are the first 250. */
export const podCidr = '10.128.0.0/9';

/** Address of the n-th Service. */
export function clusterIpOf(index: number): string {
  return addressAt(10, 96, index + 1);
}

/** Address of one endpoint, the `version`-th that it has had. */
export function endpointAddressOf(shape: ClusterShape, service: number, endpoint: number, version = 0): string {
  const index = service * shape.endpointsPerService + endpoint;
  const { podAddresses } = shape;
  if (podAddresses !== undefined) return podAddresses[(index + version * shape.endpointsPerService) % podAddresses.length] ?? '';
  return addressAt(10, 128, index + 1 + version * shape.serviceCount * shape.endpointsPerService);
}

/** `namespace/name` of the n-th Service. */
export function serviceKeyOf(index: number): string {
  return `namespace-${index % 100}/service-${index}`;
}

export function makeService(shape: ClusterShape, index: number, version = 0): Service {
  const clusterIP = clusterIpOf(index);
  return copyOf<Service>({
    metadata: {
      name: `service-${index}`,
      namespace: `namespace-${index % 100}`,
      uid: uidOf('5e', index),
      resourceVersion: String(1_000_000 + index + version * 1_000_000),
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { app: `application-${index}`, 'app.kubernetes.io/managed-by': 'Helm' },
      annotations: { 'meta.helm.sh/release-name': `release-${index}` },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      internalTrafficPolicy: 'Cluster',
      ports: [{ name: 'http', protocol: 'TCP', port: servicePort, targetPort: podPort }],
      selector: { app: `application-${index}` },
      sessionAffinity: shape.hasAffinity === true ? 'ClientIP' : 'None',
      ...(shape.hasAffinity === true ? { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } } } : {}),
    },
    status: { loadBalancer: {} },
  });
}

/** The one slice of the n-th Service. `versions`: how often each endpoint has moved to another address; missing ones count as 0. */
export function makeSlice(
  shape: ClusterShape,
  index: number,
  versions: readonly number[] = [],
  resourceVersion = 2_000_000 + index,
): EndpointSlice {
  const first = index * shape.endpointsPerService;
  return copyOf<EndpointSlice>({
    metadata: {
      name: `service-${index}-x7k2p`,
      generateName: `service-${index}-`,
      namespace: `namespace-${index % 100}`,
      uid: uidOf('e5', index),
      resourceVersion: String(resourceVersion),
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: {
        app: `application-${index}`,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        'kubernetes.io/service-name': `service-${index}`,
      },
      annotations: { 'endpoints.kubernetes.io/last-change-trigger-time': '2026-01-01T00:00:00Z' },
      ownerReferences: [
        {
          apiVersion: 'v1',
          kind: 'Service',
          name: `service-${index}`,
          uid: uidOf('5e', index),
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: podPort }],
    endpoints: Array.from({ length: shape.endpointsPerService }, (_, endpoint) => ({
      addresses: [endpointAddressOf(shape, index, endpoint, versions[endpoint] ?? 0)],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${shape.podAddresses === undefined ? Math.floor((first + endpoint) / podsPerNode) : 0}`,
      zone: `zone-${(first + endpoint) % 3}`,
      targetRef: {
        kind: 'Pod',
        namespace: `namespace-${index % 100}`,
        name: `application-${index}-7d4b9c6f5-${(first + endpoint).toString(36).padStart(5, 'x')}`,
        uid: uidOf('9d', first + endpoint),
      },
    })),
  });
}

/** As many nodes as the endpoints need. */
export function nodeCountOf({ serviceCount, endpointsPerService, podAddresses }: ClusterShape): number {
  return podAddresses === undefined ? Math.max(3, Math.ceil((serviceCount * endpointsPerService) / podsPerNode)) : 3;
}

/** The n-th node. The measured one is number 0 and has `podCidrs`. */
export function makeNode(index: number, podCidrs: readonly string[] = ['10.128.0.0/24']): Node {
  const name = `node-${index}`;
  return copyOf<Node>({
    metadata: {
      name,
      uid: uidOf('0d', index),
      resourceVersion: String(3_000_000 + index),
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'node.kubernetes.io/instance-type': 'm5.large',
        'topology.kubernetes.io/region': 'region-1',
        'topology.kubernetes.io/zone': `zone-${index % 3}`,
      },
    },
    spec: index === 0 ? { podCIDR: podCidrs[0] ?? '', podCIDRs: [...podCidrs] } : { podCIDR: '', podCIDRs: [] },
    status: { addresses: [{ type: 'InternalIP', address: addressAt(10, 0, 256 + index) }] },
  });
}

function addressAt(first: number, second: number, offset: number): string {
  return `${first}.${second + (offset >> 16)}.${(offset >> 8) & 255}.${offset & 255}`;
}

function uidOf(prefix: string, index: number): string {
  const hex = index.toString(16).padStart(12, '0');
  return `${prefix}3f0c1a-9b7d-4e21-8c55-${hex}`;
}

/** As parsed from the wire: nothing is shared with any other object. */
function copyOf<T>(object: T): T {
  return JSON.parse(JSON.stringify(object)) as T;
}
