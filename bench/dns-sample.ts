/** The cluster that the name server's benchmarks ask about: Services in 100 namespaces, every fourth headless, with endpoints. */
import type { EndpointSlice, Service } from '../src/api/index.ts';

/** Namespace and name of Service number `at`. */
export function sampleName(at: number): { readonly namespace: string; readonly name: string } {
  return { namespace: `ns-${at % 100}`, name: `service-${at}` };
}

export function isHeadlessSample(at: number): boolean {
  return at % 4 === 3;
}

/** The cluster IP of Service number `at`, as text. */
export function sampleClusterIp(at: number): string {
  return `10.${96 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`;
}

/** The address of an endpoint, by its number in the whole cluster. */
export function sampleEndpointIp(at: number): string {
  return `11.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`;
}

export function sampleService(at: number): Service {
  const { namespace, name } = sampleName(at);
  const clusterIP = isHeadlessSample(at) ? 'None' : sampleClusterIp(at);
  return {
    metadata: {
      namespace,
      name,
      uid: uidOf(at),
      resourceVersion: String(1_000_000 + at),
      labels: { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': namespace },
      annotations: { 'example.com/owner': 'team@example.com' },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      selector: { 'app.kubernetes.io/name': name },
      ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }],
    },
  };
}

/** At most 100 endpoints in each, as the endpoint slice controller makes them. */
export function sampleSlices(at: number, endpoints: number): EndpointSlice[] {
  const { namespace, name } = sampleName(at);
  return Array.from({ length: Math.ceil(endpoints / 100) }, (_, part) => ({
    metadata: {
      namespace,
      name: `${name}-${part.toString(36).padStart(5, 'x')}`,
      uid: uidOf(at * 1_000 + part),
      resourceVersion: String(2_000_000 + at),
      labels: { 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' },
    },
    addressType: 'IPv4',
    endpoints: Array.from({ length: Math.min(100, endpoints - part * 100) }, (_each, index) => {
      const number = at * endpoints + part * 100 + index;
      return {
        addresses: [sampleEndpointIp(number)],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: `node-${number % 500}`,
        zone: `zone-${number % 3}`,
        targetRef: { kind: 'Pod', name: `${name}-${number}`, namespace, uid: uidOf(number) },
      };
    }),
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  }));
}

function uidOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

/** A headless Service with 1,000 endpoints. */
export const bigService = {
  name: 'big.ns-0.svc.cluster.local',
  service: {
    metadata: { namespace: 'ns-0', name: 'big' },
    spec: { clusterIP: 'None', clusterIPs: ['None'], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
  } satisfies Service,
  slices: Array.from({ length: 10 }, (_, part): EndpointSlice => ({
    metadata: { namespace: 'ns-0', name: `big-${part}`, labels: { 'kubernetes.io/service-name': 'big' } },
    addressType: 'IPv4',
    endpoints: Array.from({ length: 100 }, (_each, index) => ({ addresses: [`12.0.${part}.${index + 1}`] })),
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  })),
} as const;
