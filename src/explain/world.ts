/** The objects that an explanation looks at, wherever they come from. */
import { endpointSlices, namespaces, nodes, pods, services } from '../api/index.ts';
import type { EndpointSlice, Node, Pod, Service } from '../api/index.ts';
import type { KubeClient } from '../client/index.ts';

export interface World {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  readonly pods: readonly Pod[];
  readonly nodes: readonly Node[];
  /** Names of the namespaces that exist. */
  readonly namespaces: readonly string[];
  /** `cluster.local`. */
  readonly clusterDomain: string;
  /** Ranges that cluster IPs come from. */
  readonly serviceCidrs: readonly string[];
  /** What was assumed because files do not say it; empty for a live cluster. */
  readonly assumptions: readonly string[];
}

/** The world as an API server tells it now. */
export async function worldFromCluster(
  client: KubeClient,
  options: { readonly serviceCidrs: readonly string[]; readonly clusterDomain?: string },
): Promise<World> {
  const [serviceList, sliceList, podList, nodeList, namespaceList] = await Promise.all([
    client.list(services),
    client.list(endpointSlices),
    client.list(pods),
    client.list(nodes),
    client.list(namespaces),
  ]);
  return {
    services: serviceList.items,
    slices: sliceList.items,
    pods: podList.items,
    nodes: nodeList.items,
    namespaces: namespaceList.items.map((namespace) => namespace.metadata?.name ?? ''),
    clusterDomain: options.clusterDomain ?? 'cluster.local',
    serviceCidrs: options.serviceCidrs,
    assumptions: [],
  };
}

/** `namespace/name` for people and keys. */
export function nameOf(object: { readonly metadata?: Service['metadata'] }): string {
  return `${object.metadata?.namespace ?? 'default'}/${object.metadata?.name ?? ''}`;
}

/** Node objects by name. */
export function nodeMap(world: World): ReadonlyMap<string, Node> {
  return new Map(world.nodes.map((node) => [node.metadata?.name ?? '', node]));
}
