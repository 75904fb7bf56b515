/** What the embedded cluster looks like: its nodes, ranges and system objects. Pure. */
import type { EndpointSlice, Node, Service } from '../api/index.ts';
import type { IpFamily } from '../net/index.ts';

export type ClusterFamilies = 'ipv4' | 'ipv6' | 'dual';

export const clusterDomain = 'cluster.local';

/** Address families, the primary one first. */
export function familiesOf(families: ClusterFamilies): readonly IpFamily[] {
  return families === 'ipv4' ? ['IPv4'] : families === 'ipv6' ? ['IPv6'] : ['IPv4', 'IPv6'];
}

/** Ranges of the cluster, per family. */
export const ranges: Readonly<
  Record<IpFamily, { readonly services: string; readonly dnsService: string; readonly loadBalancers: string }>
> = {
  IPv4: { services: '10.96.0.0/16', dnsService: '10.96.0.10', loadBalancers: '10.0.8.0/24' },
  IPv6: { services: 'fd00:10:96::/112', dnsService: 'fd00:10:96::a', loadBalancers: 'fd00:0:0:8::/64' },
};

/** The node objects of a lab of `count` nodes: the last third (at least one of two or more) is in zone-b. */
export function plannedNodes(count: number): Node[] {
  const inSecondZone = count < 2 ? 0 : Math.max(1, Math.floor(count / 3));
  return Array.from({ length: count }, (_, index) => {
    const name = `node-${index + 1}`;
    return {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name,
        labels: {
          'kubernetes.io/hostname': name,
          'kubernetes.io/os': 'linux',
          'topology.kubernetes.io/region': 'lab',
          'topology.kubernetes.io/zone': index < count - inSecondZone ? 'zone-a' : 'zone-b',
        },
      },
    };
  });
}

/**
 * Nodes in the order in which their machines are to be made: of two that claim one prefix for their pods the older has it, as it had
 * it before a restart. Timestamps know whole seconds: within one, whichever was ready comes first.
 */
export function byAge(known: readonly Node[]): Node[] {
  const bornAt = ({ metadata }: Node): string => metadata?.creationTimestamp ?? '';
  return known.toSorted((a, b) => {
    if (bornAt(a) !== bornAt(b)) return bornAt(a) < bornAt(b) ? -1 : 1;
    return Number(isNodeReady(b)) - Number(isNodeReady(a));
  });
}

/** Whether the Node's own condition says so. */
export function isNodeReady(node: Node | undefined): boolean {
  return (node?.status?.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True');
}

const dnsName = 'kube-dns';
const dnsPorts = [
  { name: 'dns', protocol: 'UDP', port: 53 },
  { name: 'dns-tcp', protocol: 'TCP', port: 53 },
] as const;

/** The Service at which pods find the name server. It has no selector: the server is no pod. */
export function dnsService(families: readonly IpFamily[]): Service {
  const clusterIPs = families.map((family) => ranges[family].dnsService);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: dnsName,
      namespace: 'kube-system',
      // kubectl cluster-info lists what is labelled so
      labels: { 'k8s-app': dnsName, 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' },
    },
    spec: {
      clusterIP: clusterIPs[0],
      clusterIPs,
      ipFamilies: families,
      ipFamilyPolicy: families.length > 1 ? 'RequireDualStack' : 'SingleStack',
      ports: dnsPorts.map((port) => ({ ...port, targetPort: 53 })),
    },
  };
}

/** Where the name server really is. */
export function dnsSlice(family: IpFamily, address: string): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${dnsName}-${family.toLowerCase()}`,
      namespace: 'kube-system',
      labels: { 'kubernetes.io/service-name': dnsName, 'endpointslice.kubernetes.io/managed-by': 'fairlead' },
    },
    addressType: family,
    ports: dnsPorts.map((port) => ({ ...port })),
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  };
}
