/** Services of every type with every field that a node's proxy reads, drawn at random. What an API server would refuse is not drawn. */
import type { SeededRandom } from '../../../bench/shapes/seeded-random.ts';
import type { Service } from '../../../src/api/index.ts';

/** One port, as in spec.ports. */
interface DraftPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  nodePort?: number;
}

/** A Service that is still being changed. */
export interface ServiceDraft {
  /** Of its name `web-N`, its cluster IPs and its health-check port. */
  readonly number: number;
  createdAt: string;
  type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName' | 'Headless';
  families: readonly ('IPv4' | 'IPv6')[];
  ports: DraftPort[];
  internalPolicy: string;
  externalPolicy: string;
  timeoutSeconds: number | undefined;
  externalIps: readonly string[];
  ingress: readonly { readonly ip?: string; readonly hostname?: string; readonly ipMode?: 'VIP' | 'Proxy' }[];
  ranges: readonly string[];
  topologyKeys: readonly string[];
  hasKeysInAnnotation: boolean;
  isOfOtherProxy: boolean;
}

/** Addresses at which load balancers and external IPs are drawn; few, so that Services contend for them. */
export const vips = {
  IPv4: Array.from({ length: 5 }, (_, index) => `10.0.8.${index + 1}`),
  IPv6: Array.from({ length: 5 }, (_, index) => `fd00:0:0:8::${index + 1}`),
} as const;

/** Cluster IP of the n-th Service. */
export function clusterIp(number: number, family: 'IPv4' | 'IPv6'): string {
  return family === 'IPv4' ? `10.96.0.${number}` : `fd00:10:96::${number.toString(16)}`;
}

/** A Service that may do anything. `createdAt` orders claims. */
export function drawService(random: SeededRandom, number: number, createdAt: string): ServiceDraft {
  const draft: ServiceDraft = {
    number,
    createdAt,
    type: 'ClusterIP',
    families: ['IPv4', 'IPv6'],
    ports: [],
    internalPolicy: 'Cluster',
    externalPolicy: 'Cluster',
    timeoutSeconds: undefined,
    externalIps: [],
    ingress: [],
    ranges: [],
    topologyKeys: [],
    hasKeysInAnnotation: false,
    isOfOtherProxy: false,
  };
  for (const aspect of Object.values(aspects)) aspect(random, draft);
  return draft;
}

/** What can be changed about a Service, each drawn anew by itself. */
export const aspects = {
  type: (random, draft) => {
    draft.type = random.pick([
      ...(['ClusterIP', 'NodePort', 'LoadBalancer'] as const).flatMap((type) => [type, type, type, type]),
      'ExternalName',
      'Headless',
    ]);
    if (draft.ports.length === 0) aspects.ports(random, draft);
    aspects.nodePorts(random, draft);
  },
  families: (random, draft) => {
    draft.families = random.pick([['IPv4', 'IPv6'], ['IPv6', 'IPv4'], ['IPv4'], ['IPv6']] as const);
  },
  ports: (random, draft) => {
    const taken = new Set<string>();
    draft.ports = Array.from({ length: 1 + random.below(3) }, (_, index) => ({
      name: `p${index}`,
      port: random.pick([80, 81, 443]),
      protocol: random.pick(['TCP', 'TCP', 'TCP', 'UDP', 'UDP', 'UDP', 'SCTP']),
    })).filter(({ port, protocol }) => {
      const key = `${port}/${protocol}`;
      return !taken.has(key) && taken.add(key);
    });
    aspects.nodePorts(random, draft);
  },
  nodePorts: (random, draft) => {
    const taken = new Set<string>();
    for (const port of draft.ports) {
      delete port.nodePort;
      if (draft.type !== 'NodePort' && (draft.type !== 'LoadBalancer' || random.percent(20))) continue;
      const nodePort = 30_000 + random.below(24);
      const key = `${nodePort}/${port.protocol}`;
      if (!taken.has(key)) port.nodePort = nodePort;
      taken.add(key);
    }
  },
  policies: (random, draft) => {
    draft.internalPolicy = random.pick(['Cluster', 'Cluster', 'Local']);
    draft.externalPolicy = random.pick(['Cluster', 'Local']);
  },
  affinity: (random, draft) => {
    draft.timeoutSeconds = random.percent(40) ? random.pick([1, 60, 10_800]) : undefined;
  },
  externalIps: (random, draft) => {
    draft.externalIps = random.percent(30) ? [...random.some(vips.IPv4, 25), ...random.some(vips.IPv6, 25)] : [];
    // somebody else's cluster IP, which its owner keeps
    if (random.percent(5)) draft.externalIps = [clusterIp(1 + random.below(20), 'IPv4')];
  },
  ingress: (random, draft) => {
    const ips = [...random.some(vips.IPv4, 25), ...random.some(vips.IPv6, 25)];
    draft.ingress = ips.map((ip) => ({ ip, ...random.pick([{}, { ipMode: 'VIP' }, { ipMode: 'VIP' }, { ipMode: 'Proxy' }]) }));
    if (random.percent(5)) draft.ingress = [...draft.ingress, { hostname: 'lb.example.com' }];
  },
  ranges: (random, draft) => {
    draft.ranges = random.percent(35)
      ? random.some(
          [
            '10.0.9.0/30',
            '10.0.9.4/31',
            ' 10.0.9.5/32',
            '10.0.9.6/31',
            '10.0.1.0/24',
            '10.244.0.0/16',
            '10.244.1.0/28',
            'fd00:0:0:9::/126',
            'fd00:0:0:9::4/127',
            'fd00:10:244:1::/64',
            'fd00:0:0:1::1/128',
            '0.0.0.0/0',
          ],
          random.pick([10, 40]),
        )
      : [];
  },
  topology: (random, draft) => {
    draft.topologyKeys = random.percent(25)
      ? random.pick([
          ['kubernetes.io/hostname'],
          ['kubernetes.io/hostname', '*'],
          ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'],
          ['topology.kubernetes.io/zone', '*'],
          ['example.com/rack'],
        ])
      : [];
    draft.hasKeysInAnnotation = random.percent(50);
  },
  proxy: (random, draft) => {
    draft.isOfOtherProxy = random.percent(4);
  },
} as const satisfies Readonly<Record<string, (random: SeededRandom, draft: ServiceDraft) => void>>;

/** The object as an API server would hand it out. */
export function toService(draft: ServiceDraft): Service {
  const { type, families, ports } = draft;
  const hasAddress = type !== 'ExternalName' && type !== 'Headless';
  const clusterIPs = hasAddress ? families.map((family) => clusterIp(draft.number, family)) : type === 'Headless' ? ['None'] : [];
  const keys = draft.topologyKeys.length > 0 ? draft.topologyKeys : undefined;
  return {
    metadata: {
      name: `web-${draft.number}`,
      namespace: 'ns',
      creationTimestamp: draft.createdAt,
      ...(draft.isOfOtherProxy ? { labels: { 'service.kubernetes.io/service-proxy-name': 'other' } } : {}),
      ...(keys !== undefined && draft.hasKeysInAnnotation
        ? { annotations: { 'fairlead.dev/topology-keys': JSON.stringify(keys) } }
        : {}),
    },
    spec: {
      type: type === 'Headless' ? 'ClusterIP' : type,
      ...(type === 'ExternalName' ? { externalName: 'example.com' } : {}),
      ...(clusterIPs[0] === undefined ? {} : { clusterIP: clusterIPs[0], clusterIPs }),
      ipFamilies: [...families],
      ports: ports.map((port) => ({ ...port })),
      internalTrafficPolicy: draft.internalPolicy,
      externalTrafficPolicy: draft.externalPolicy,
      externalIPs: [...draft.externalIps],
      ...(keys !== undefined && !draft.hasKeysInAnnotation ? { topologyKeys: [...keys] } : {}),
      ...(draft.timeoutSeconds === undefined
        ? { sessionAffinity: 'None' }
        : { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: draft.timeoutSeconds } } }),
      ...(type === 'LoadBalancer' ? { loadBalancerSourceRanges: [...draft.ranges] } : {}),
      ...(type === 'LoadBalancer' && draft.externalPolicy === 'Local' ? { healthCheckNodePort: 31_000 + draft.number } : {}),
    },
    status: { loadBalancer: type === 'LoadBalancer' ? { ingress: [...draft.ingress] } : {} },
  };
}
