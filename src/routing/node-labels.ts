/** What a node or an endpoint is worth for a topology key. */
import { objectsIn } from '../api/index.ts';
import type { Node } from '../api/index.ts';

export const hostnameLabel = 'kubernetes.io/hostname';
export const zoneLabel = 'topology.kubernetes.io/zone';
export const regionLabel = 'topology.kubernetes.io/region';

/** Keys in the short spelling that examples of topologyKeys use, and the labels that they mean where the short one is absent. */
const shortLabels: ReadonlyMap<string, string> = new Map([
  ['kubernetes.io/zone', zoneLabel],
  ['kubernetes.io/region', regionLabel],
]);

/** Node objects by name; a `Map` and an informer both fit. */
export interface NodeLookup {
  get(name: string): Node | undefined;
}

/** The value of a topology key on a node; undefined when it has none. A node that nobody knows still has its name. */
export function nodeTopologyValue(node: Node | undefined, nodeName: string, key: string): string | undefined {
  const labels = node?.metadata?.labels;
  const own = labelOf(labels, key);
  if (own !== undefined) return own;
  if (key === hostnameLabel) return nodeName;
  const long = shortLabels.get(key);
  return long === undefined ? undefined : labelOf(labels, long);
}

/** A key may be any text, `constructor` too. */
function labelOf(labels: Readonly<Record<string, string>> | undefined, key: string): string | undefined {
  return labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** The value of a topology key for an endpoint: that of its node, else the zone that its slice names. */
export function endpointTopologyValue(
  nodes: NodeLookup,
  endpoint: { readonly nodeName?: string; readonly zone?: string },
  key: string,
): string | undefined {
  const { nodeName, zone } = endpoint;
  const value = nodeName === undefined ? undefined : nodeTopologyValue(nodes.get(nodeName), nodeName, key);
  if (value !== undefined) return value;
  return key === zoneLabel || shortLabels.get(key) === zoneLabel ? zone : undefined;
}

/** The zone of a node, from its label; undefined when it has none or an empty one. */
export function zoneOf(node: Node | undefined): string | undefined {
  const zone = node?.metadata?.labels?.[zoneLabel];
  return zone === '' ? undefined : zone;
}

/** InternalIP addresses of a node, in the order of its status: the first of a family is the primary one. */
export function internalIpsOf(node: Node | undefined): readonly string[] {
  return objectsIn(node?.status?.addresses).flatMap(({ type, address }) =>
    type === 'InternalIP' && typeof address === 'string' ? [address] : [],
  );
}
