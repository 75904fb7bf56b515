/**
 * A world made of manifests alone: what the API server and the controllers would fill in is filled in, and said. Workloads
 * become pods, pods get places and addresses, Services get addresses and slices, by the same rules as in a cluster.
 */
import { labelSelectorFromObject, setServiceDefaults } from '../api/index.ts';
import type {
  DaemonSet,
  Deployment,
  Endpoints,
  EndpointSlice,
  Node,
  Pod,
  PodSpec,
  PodTemplateSpec,
  ReplicaSet,
  Service,
  StatefulSet,
} from '../api/index.ts';
import type { ManifestObject } from '../manifest/index.ts';
import { addToIp, cidrContains, formatIp, mustParseCidr, parseIp } from '../net/index.ts';
import { desiredSlices, hasManagedEndpoints, reconcileMirror, serviceNameLabel } from '../slices/index.ts';
import type { World } from './world.ts';

/** Ranges of the lab, assumed when only files are known. */
const serviceCidr = '10.96.0.0/16';
const maxReplicas = 100;

/** The world that these manifests describe. Kinds that have no part in Services are passed over. */
export function worldFromManifests(objects: readonly ManifestObject[]): World {
  const assumptions: string[] = [];
  const of = <T>(kind: string): T[] =>
    objects.filter((object) => object.kind === kind).map((object) => withNamespace(object) as T);
  const givenNodes = of<Node>('Node');
  const nodes = givenNodes.length > 0 ? givenNodes : assumedNodes(assumptions);
  const pods = placePods([...of<Pod>('Pod'), ...podsOfWorkloads(of, nodes)], nodes, assumptions);
  const services = allocate(
    of<Service>('Service').map((service) => setServiceDefaults(service)),
    assumptions,
  );
  const slices = slicesOf(services, pods, nodes, of<EndpointSlice>('EndpointSlice'), of<Endpoints>('Endpoints'));
  const namespaces = new Set([
    'default',
    'kube-system',
    ...of<{ metadata?: { name?: string } }>('Namespace').map((namespace) => namespace.metadata?.name ?? ''),
  ]);
  for (const object of [...services, ...pods]) namespaces.add(object.metadata?.namespace ?? 'default');
  return {
    services,
    slices,
    pods,
    nodes,
    namespaces: [...namespaces],
    clusterDomain: 'cluster.local',
    serviceCidrs: [serviceCidr],
    assumptions,
  };
}

const clusterScoped: ReadonlySet<string> = new Set(['Node', 'Namespace']);

function withNamespace(object: ManifestObject): unknown {
  const metadata = typeof object.value['metadata'] === 'object' ? object.value['metadata'] : {};
  return clusterScoped.has(object.kind)
    ? object.value
    : { ...object.value, metadata: { ...metadata, namespace: object.namespace ?? 'default' } };
}

function assumedNodes(assumptions: string[]): Node[] {
  assumptions.push('no Node is given: three nodes are assumed, node-1 and node-2 in zone-a, node-3 in zone-b');
  return ['zone-a', 'zone-a', 'zone-b'].map((zone, index) => {
    const name = `node-${index + 1}`;
    return {
      metadata: { name, labels: { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': zone } },
      status: { addresses: [{ type: 'InternalIP', address: `10.0.1.${index + 1}` }] },
    };
  });
}

function podsOfWorkloads(of: <T>(kind: string) => T[], nodes: readonly Node[]): Pod[] {
  const replicated = [...of<Deployment>('Deployment'), ...of<ReplicaSet>('ReplicaSet')].flatMap((workload) =>
    replicas(workload.spec?.replicas).map((index) => podFrom(workload.metadata, workload.spec?.template, `-${index + 1}`)),
  );
  const stateful = of<StatefulSet>('StatefulSet').flatMap((set) =>
    replicas(set.spec?.replicas).map((index) => {
      const pod = podFrom(set.metadata, set.spec?.template, `-${index}`);
      const name = pod.metadata?.name;
      return {
        ...pod,
        spec: { ...pod.spec, containers: pod.spec?.containers ?? [], hostname: name, subdomain: set.spec?.serviceName },
      };
    }),
  );
  const daemons = of<DaemonSet>('DaemonSet').flatMap((set) =>
    nodes
      .filter((node) => admits(set.spec?.template.spec, node))
      .map((node) => {
        const pod = podFrom(set.metadata, set.spec?.template, `-on-${node.metadata?.name ?? ''}`);
        return { ...pod, spec: { ...pod.spec, containers: pod.spec?.containers ?? [], nodeName: node.metadata?.name } };
      }),
  );
  return [...replicated, ...stateful, ...daemons];
}

function replicas(count: number | undefined): number[] {
  return Array.from({ length: Math.min(maxReplicas, count ?? 1) }, (_, index) => index);
}

function podFrom(owner: Pod['metadata'], template: PodTemplateSpec | undefined, suffix: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template?.metadata, name: `${owner?.name ?? ''}${suffix}`, namespace: owner?.namespace ?? 'default' },
    ...(template?.spec === undefined ? {} : { spec: template.spec }),
  };
}

/** Pods without a node are spread over those that admit them; pods without an address get one; without a status they are ready. */
function placePods(pods: readonly Pod[], nodes: readonly Node[], assumptions: string[]): Pod[] {
  const load = new Map(nodes.map((node) => [node.metadata?.name ?? '', 0]));
  let assumed = 0;
  const placed = pods.map((pod, index): Pod => {
    const fitting = nodes.filter((node) => admits(pod.spec, node)).map((node) => node.metadata?.name ?? '');
    fitting.sort((a, b) => (load.get(a) ?? 0) - (load.get(b) ?? 0));
    const nodeName = pod.spec?.nodeName ?? fitting[0];
    if (nodeName === undefined) return pod;
    load.set(nodeName, (load.get(nodeName) ?? 0) + 1);
    const nodeIndex = nodes.findIndex((node) => node.metadata?.name === nodeName);
    const spec = { ...pod.spec, containers: pod.spec?.containers ?? [], nodeName };
    if (pod.status?.podIPs !== undefined || pod.status?.podIP !== undefined) return { ...pod, spec };
    assumed++;
    const ready = pod.metadata?.annotations?.['fairlead.dev/ready'] === 'false' ? 'False' : 'True';
    const address = `10.244.${nodeIndex + 1}.${(index % 250) + 2}`;
    return {
      ...pod,
      spec,
      status: { phase: 'Running', podIPs: [{ ip: address }], conditions: [{ type: 'Ready', status: ready }], ...pod.status },
    };
  });
  if (assumed > 0)
    assumptions.push(`${assumed} pod${assumed === 1 ? ' is' : 's are'} assumed to run and to be ready, with addresses made up`);
  return placed;
}

/** nodeSelector and required node affinity. */
function admits(spec: PodSpec | undefined, node: Node): boolean {
  const labels = node.metadata?.labels ?? {};
  if (!Object.entries(spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms === undefined) return true;
  return terms.some((term) =>
    (term.matchExpressions ?? []).every((expression) =>
      labelSelectorFromObject({ matchExpressions: [expression] }).matches(labels),
    ),
  );
}

/** Cluster IPs, made up where the files name none. */
function allocate(services: readonly Service[], assumptions: string[]): Service[] {
  const taken = new Set(services.flatMap((service) => service.spec?.clusterIPs ?? [service.spec?.clusterIP ?? '']));
  const range = mustParseCidr(serviceCidr);
  let next = 100;
  const made: string[] = [];
  const allocated = services.map((service): Service => {
    const { spec } = service;
    if (spec?.type === 'ExternalName' || spec?.clusterIP === 'None') return service;
    const given = spec?.clusterIP ?? '';
    let clusterIP = given;
    if (given === '') {
      do clusterIP = formatIp(addToIp(range.address, next++));
      while (taken.has(clusterIP));
    }
    taken.add(clusterIP);
    if (given === '') made.push(`${service.metadata?.name ?? ''} ${clusterIP}`);
    const family = clusterIP.includes(':') ? 'IPv6' : 'IPv4';
    return {
      ...service,
      spec: { ...spec, clusterIP, clusterIPs: spec?.clusterIPs ?? [clusterIP], ipFamilies: spec?.ipFamilies ?? [family] },
    };
  });
  if (made.length > 0) assumptions.push(`cluster IPs are made up: ${made.join(', ')}`);
  const strangers = allocated.filter((service) => isOutside(service.spec?.clusterIP ?? '', range));
  if (strangers.length > 0)
    assumptions.push(
      `cluster IPs outside ${serviceCidr} are taken as they are: ${strangers.map((service) => service.metadata?.name ?? '').join(', ')}`,
    );
  return allocated;
}

function isOutside(address: string, range: ReturnType<typeof mustParseCidr>): boolean {
  const ip = parseIp(address);
  return ip !== undefined && ip.family === 'IPv4' && !cidrContains(range, ip);
}

/** Slices as given; for Services without any, those that the controllers would make. */
function slicesOf(
  services: readonly Service[],
  pods: readonly Pod[],
  nodes: readonly Node[],
  given: readonly EndpointSlice[],
  endpoints: readonly Endpoints[],
): EndpointSlice[] {
  const byName = new Map(nodes.map((node) => [node.metadata?.name ?? '', node]));
  const made = services.flatMap((service) => {
    const { name, namespace } = service.metadata ?? {};
    const hasOwn = given.some(
      (slice) => slice.metadata?.namespace === namespace && slice.metadata?.labels?.[serviceNameLabel] === name,
    );
    if (hasOwn) return [];
    if (hasManagedEndpoints(service)) return desiredSlices(service, pods, byName);
    const own = endpoints.find((object) => object.metadata?.namespace === namespace && object.metadata?.name === name);
    return reconcileMirror(own, service, []).create.map((slice, index) => ({
      ...slice,
      metadata: { ...slice.metadata, name: `${name ?? ''}-${index}` },
    }));
  });
  return [...given, ...made];
}
