/** The objects that an explanation looks at, wherever they come from. */
import { endpointSlices, namespaces, nodes, pods, services } from '../api/index.ts';
import type { EndpointSlice, Node, Pod, Service } from '../api/index.ts';
import type { KubeClient } from '../client/index.ts';
import { serviceNameLabel } from '../slices/index.ts';

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
  /** Objects of the files that the API would refuse, and that are therefore no part of the world. */
  readonly refused: readonly RefusedObject[];
}

/** An object as somebody wrote it, and what the API says to it. */
export interface RefusedObject {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** `file:line:column` of the field at fault. */
  readonly position: string;
  /** Upstream's words. */
  readonly message: string;
  readonly value: Readonly<Record<string, unknown>>;
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
    refused: [],
  };
}

/** `namespace/name` for people and keys. */
export function nameOf(object: { readonly metadata?: Service['metadata'] }): string {
  return `${object.metadata?.namespace ?? 'default'}/${object.metadata?.name ?? ''}`;
}

/** Node objects by name. */
export function nodeMap(world: World): ReadonlyMap<string, Node> {
  return lookupsOf(world).nodes;
}

/** The slices that bear the Service's name, whatever they hold. */
export function slicesOf(world: World, service: Service): readonly EndpointSlice[] {
  return lookupsOf(world).slices.get(nameOf(service)) ?? [];
}

interface Lookups {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly slices: ReadonlyMap<string, readonly EndpointSlice[]>;
}

/** A world never changes, so what is looked up in it often is sorted once. */
const lookups = new WeakMap<World, Lookups>();

function lookupsOf(world: World): Lookups {
  const known = lookups.get(world);
  if (known !== undefined) return known;
  const slices = new Map<string, EndpointSlice[]>();
  for (const slice of world.slices) {
    const serviceName = slice.metadata?.labels?.[serviceNameLabel];
    if (serviceName === undefined) continue;
    const key = `${slice.metadata?.namespace ?? 'default'}/${serviceName}`;
    const list = slices.get(key);
    if (list === undefined) slices.set(key, [slice]);
    else list.push(slice);
  }
  const made: Lookups = { nodes: new Map(world.nodes.map((node) => [node.metadata?.name ?? '', node])), slices };
  lookups.set(world, made);
  return made;
}
