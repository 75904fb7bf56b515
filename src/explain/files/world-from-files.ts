/**
 * A world made of manifests alone: what the API server and the controllers would fill in is filled in, and said. Workloads
 * become pods, pods get places and addresses, Services get addresses and slices, by the same rules as in a cluster.
 */
import type { Endpoints, EndpointSlice, Node, Pod, Service } from '../../api/index.ts';
import type { ManifestObject } from '../../manifest/index.ts';
import type { IpFamily } from '../../net/index.ts';
import { internalIpsOf } from '../../routing/index.ts';
import { desiredSlices, hasManagedEndpoints, reconcileMirror, serviceNameLabel } from '../../slices/index.ts';
import type { World } from '../world.ts';
import { admit } from './admission.ts';
import type { AdmittedObject } from './admission.ts';
import { placePods, podsOf } from './pods.ts';
import { allocateServices, serviceRanges } from './services.ts';

/** The world that these manifests describe. Kinds that have no part in Services are passed over; what the API would refuse is no part of it. */
export function worldFromManifests(objects: readonly ManifestObject[]): World {
  const assumptions: string[] = [];
  const { admitted, refused } = admit(objects);
  const of = <T>(kind: string): T[] => admitted.filter((object) => object.kind === kind).map((object) => object.value as T);
  const allocated = allocateServices(
    admitted.filter((object) => object.kind === 'Service'),
    assumptions,
  );
  const { services } = allocated;
  const families: readonly IpFamily[] = services.some((service) => (service.spec?.ipFamilies ?? []).includes('IPv6'))
    ? ['IPv4', 'IPv6']
    : ['IPv4'];
  const nodes = nodesOf(of<Node>('Node'), families, assumptions);
  const pods = placePods(podsOf(of, nodes), nodes, families, assumptions);
  return {
    services,
    slices: slicesOf(services, pods, nodes, of<EndpointSlice>('EndpointSlice'), of<Endpoints>('Endpoints')),
    pods,
    nodes,
    namespaces: namespacesOf(admitted, assumptions),
    clusterDomain: 'cluster.local',
    serviceCidrs: families.map((family) => serviceRanges[family]),
    assumptions,
    refused: [...refused, ...allocated.refused],
  };
}

/** Those given, with addresses where they have none, else three as the lab has them. */
function nodesOf(given: readonly Node[], families: readonly IpFamily[], assumptions: string[]): Node[] {
  const addresses = (number: number): { type: string; address: string }[] =>
    families.map((family) => ({
      type: 'InternalIP',
      address: family === 'IPv4' ? `10.0.1.${number}` : `fd00:0:0:1::1:${number}`,
    }));
  if (given.length === 0) {
    assumptions.push('no Node is given: three nodes are assumed, node-1 and node-2 in zone-a, node-3 in zone-b');
    return ['zone-a', 'zone-a', 'zone-b'].map((zone, index) => {
      const name = `node-${index + 1}`;
      return {
        metadata: { name, labels: { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': zone } },
        status: { addresses: addresses(index + 1) },
      };
    });
  }
  const lacking = given.filter((node) => internalIpsOf(node).length === 0);
  if (lacking.length > 0)
    assumptions.push(`node addresses are made up: ${lacking.map((node) => node.metadata?.name ?? '').join(', ')}`);
  return given.map((node, index) =>
    lacking.includes(node) ? { ...node, status: { ...node.status, addresses: addresses(index + 1) } } : node,
  );
}

/** Those that every cluster has, those given, and those that objects are in. */
function namespacesOf(admitted: readonly AdmittedObject[], assumptions: string[]): string[] {
  const known = new Set(['default', 'kube-node-lease', 'kube-public', 'kube-system']);
  for (const { kind, manifest } of admitted) if (kind === 'Namespace') known.add(manifest.name);
  const assumed = new Set<string>();
  for (const { value } of admitted) {
    const namespace = (value as Pod).metadata?.namespace;
    if (namespace !== undefined && !known.has(namespace)) assumed.add(namespace);
  }
  if (assumed.size > 0) assumptions.push(`no Namespace object is given for ${[...assumed].join(', ')}: assumed to exist`);
  return [...known, ...assumed];
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
