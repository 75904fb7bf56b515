/**
 * Service + Pods + Nodes + the slices there are -> the writes that make the slices true. Level-triggered and pure.
 * Source: k8s staging/src/k8s.io/endpointslice/reconciler.go, v1.36.
 */
import type { Endpoint, EndpointSlice, EndpointSlicePort, ObjectMeta, Pod, Service } from '../api/index.ts';
import type { IpFamily } from '../net/index.ts';
import { identityOf, packEndpoints } from './packing.ts';
import { endpointOfPod, isHeadless } from './pod-endpoints.ts';
import type { NodesByName, PodEndpoint } from './pod-endpoints.ts';
import { allocateZones, usesTopologyMode, zoneSharesOf } from './topology-hints.ts';

export const serviceNameLabel = 'kubernetes.io/service-name';
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const headlessLabel = 'service.kubernetes.io/headless';
export const sliceControllerName = 'endpointslice-controller.k8s.io';
export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

/** Default of upstream's --max-endpoints-per-slice. */
export const defaultMaxEndpointsPerSlice = 100;

export interface SliceInput {
  readonly service: Service;
  /** Pods of the Service's namespace; those that the selector does not pick are ignored. */
  readonly pods: readonly Pod[];
  readonly nodes: NodesByName;
  /** Slices with the Service's name label that this controller manages. */
  readonly existing: readonly EndpointSlice[];
  readonly maxEndpointsPerSlice?: number;
  /** RFC 3339 text for the trigger-time annotation of what is written; absent removes the annotation. */
  readonly triggerTime?: string | undefined;
}

/** The writes to make. Created slices have generateName; updates and removals carry the stored object's metadata. */
export interface SlicePlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
  /** With topology-mode Auto: what came of it, for each family. The message is upstream's event text. */
  readonly topology: readonly TopologyOutcome[];
  /** Pods left out because their Node object is missing; the sync must be retried. */
  readonly missingNodes: readonly string[];
}

export interface TopologyOutcome {
  readonly family: IpFamily;
  readonly isEnabled: boolean;
  readonly message: string;
}

/** What the slices of a Service should be, as writes against those there are. Empty when all is well. */
export function reconcileSlices(input: SliceInput): SlicePlan {
  const { service, existing } = input;
  const plans: SlicePlan[] = [];
  const families = addressTypesOf(service);
  const uid = service.metadata?.uid;
  const own = existing.filter((slice) => isOwnedBy(slice, uid) && families.includes(slice.addressType as IpFamily));
  const foreign = existing.filter((slice) => !own.includes(slice));
  for (const family of families)
    plans.push(
      reconcileFamily(
        input,
        family,
        own.filter((slice) => slice.addressType === family),
      ),
    );
  const create = plans.flatMap((plan) => plan.create);
  return {
    // a Service that is being deleted gets no new slices
    create: service.metadata?.deletionTimestamp === undefined ? create : [],
    update: plans.flatMap((plan) => plan.update),
    remove: [...foreign, ...plans.flatMap((plan) => plan.remove)],
    topology: plans.flatMap((plan) => plan.topology),
    missingNodes: [...new Set(plans.flatMap((plan) => plan.missingNodes))],
  };
}

/** The slices that a Service would have, from nothing: for explaining files without a cluster. Names are made up. */
export function desiredSlices(service: Service, pods: readonly Pod[], nodes: NodesByName): EndpointSlice[] {
  return reconcileSlices({ service, pods, nodes, existing: [] }).create.map((slice, index) => ({
    ...slice,
    metadata: { ...slice.metadata, name: `${service.metadata?.name ?? ''}-${index}` },
  }));
}

/** The address families of a Service's slices: spec.ipFamilies, or IPv4 where the API has not filled it in. */
export function addressTypesOf(service: Service): readonly IpFamily[] {
  const families = (service.spec?.ipFamilies ?? []).filter(
    (family): family is IpFamily => family === 'IPv4' || family === 'IPv6',
  );
  if (families.length > 0) return families;
  const addresses = service.spec?.clusterIPs ?? [service.spec?.clusterIP ?? ''];
  return addresses.some((address) => address.includes(':')) ? ['IPv6'] : ['IPv4'];
}

/** Labels of a Service's slices: the Service's own, but for the reserved ones, and those that say whose they are. */
export function sliceLabels(service: Service): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(service.metadata?.labels ?? {})) {
    if (key !== serviceNameLabel && key !== managedByLabel && key !== headlessLabel) labels[key] = value;
  }
  if (isHeadless(service)) labels[headlessLabel] = '';
  labels[serviceNameLabel] = service.metadata?.name ?? '';
  labels[managedByLabel] = sliceControllerName;
  return labels;
}

interface Group {
  readonly ports: readonly EndpointSlicePort[];
  readonly endpoints: Endpoint[];
}

function reconcileFamily(input: SliceInput, family: IpFamily, existing: readonly EndpointSlice[]): SlicePlan {
  const max = input.maxEndpointsPerSlice ?? defaultMaxEndpointsPerSlice;
  const results = input.pods.map((pod) => endpointOfPod(input.service, pod, input.nodes, family));
  const groups = groupByPorts(results);
  const topology = usesTopologyMode(input.service) ? [shareOut(groups.values(), existing, input.nodes, family)] : [];
  const missingNodes = results
    .filter((result) => result.excluded === 'node-missing')
    .map((result) => result.pod.spec?.nodeName ?? '');
  const byPorts = new Map<string, EndpointSlice[]>();
  for (const slice of existing) append(byPorts, portKey(slice.ports ?? []), slice);
  const create: EndpointSlice[] = [];
  const update: EndpointSlice[] = [];
  const remove: EndpointSlice[] = [];
  const keep: EndpointSlice[] = [];
  for (const [key, { ports, endpoints }] of groups) {
    const packing = packEndpoints(endpoints, byPorts.get(key) ?? [], max);
    byPorts.delete(key);
    create.push(...packing.create.map((content) => newSlice(input, family, ports, content)));
    update.push(...packing.update.map((change) => rewritten(input, change.slice, ports, change.endpoints)));
    remove.push(...packing.remove);
    keep.push(...packing.keep);
  }
  for (const slices of byPorts.values()) {
    for (const slice of slices) (groups.size === 0 && isPlaceholder(slice) && keep.length === 0 ? keep : remove).push(slice);
  }
  // a Service without any endpoint keeps one empty slice, so that watchers know it was looked at
  if (groups.size === 0 && keep.length === 0) create.push(newSlice(input, family, [], []));
  recycle(create, update, remove);
  const wanted = sliceLabels(input.service);
  // labels are compared on every sync, reserved ones too: upstream misses those (kubernetes#105986)
  for (const slice of keep) {
    if (!sameMap(slice.metadata?.labels ?? {}, wanted))
      update.push(rewritten(input, slice, slice.ports ?? [], slice.endpoints ?? []));
  }
  return { create, update, remove, topology, missingNodes };
}

function groupByPorts(results: readonly PodEndpoint[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const result of results) {
    if (result.excluded !== undefined) continue;
    const key = portKey(result.ports);
    const group = groups.get(key) ?? { ports: result.ports, endpoints: [] };
    group.endpoints.push(result.endpoint);
    groups.set(key, group);
  }
  return groups;
}

/** Gives the ready endpoints their zones, or nobody any. Ready ones only: others serve nobody. */
function shareOut(
  groups: Iterable<Group>,
  existing: readonly EndpointSlice[],
  nodes: NodesByName,
  family: IpFamily,
): TopologyOutcome {
  const hinted = new Map<string, string>();
  for (const endpoint of existing.flatMap((slice) => slice.endpoints ?? [])) {
    const zone = endpoint.hints?.forZones?.[0]?.name;
    if (zone !== undefined) hinted.set(identityOf(endpoint), zone);
  }
  const lists = [...groups].map(({ endpoints }) => endpoints);
  const ready = lists.flatMap((list) => list.filter((endpoint) => endpoint.conditions?.ready === true));
  const ids = ready.map(identityOf);
  const allocation = allocateZones(
    ready.map(({ zone }, index) => {
      const id = ids[index] ?? '';
      const hint = hinted.get(id);
      return { id, ...(zone === undefined ? {} : { zone }), ...(hint === undefined ? {} : { hint }) };
    }),
    zoneSharesOf(nodes?.values() ?? []),
  );
  if (allocation.refusal !== undefined)
    return { family, isEnabled: false, message: `${allocation.refusal}, addressType: ${family}` };
  const zones = new Map(ready.map((endpoint, index) => [endpoint, allocation.zones[index] ?? '']));
  for (const list of lists) {
    for (const [index, endpoint] of list.entries()) {
      const zone = zones.get(endpoint);
      if (zone !== undefined) list[index] = { ...endpoint, hints: { forZones: [{ name: zone }] } };
    }
  }
  return { family, isEnabled: true, message: `Topology Aware Hints has been enabled, addressType: ${family}` };
}

function portKey(ports: readonly EndpointSlicePort[]): string {
  return JSON.stringify(
    ports.map((port) => JSON.stringify([port.name ?? '', port.protocol ?? 'TCP', port.port ?? 0, port.appProtocol ?? ''])).sort(),
  );
}

/** A create and a removal of one address type become one update: fewer events for every watcher. */
function recycle(create: EndpointSlice[], update: EndpointSlice[], remove: EndpointSlice[]): void {
  while (create.length > 0 && remove.length > 0) {
    const content = create.shift();
    const shell = remove.shift();
    if (content !== undefined && shell !== undefined) {
      update.push({
        ...content,
        metadata: { ...storedMeta(shell), labels: content.metadata?.labels, annotations: content.metadata?.annotations },
      });
    }
  }
}

function newSlice(
  input: SliceInput,
  family: IpFamily,
  ports: readonly EndpointSlicePort[],
  content: readonly Endpoint[],
): EndpointSlice {
  const { service } = input;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      // names hold 63 characters; the server adds five random ones
      generateName: `${(service.metadata?.name ?? '').slice(0, 57)}-`,
      namespace: service.metadata?.namespace,
      labels: sliceLabels(service),
      annotations: annotationsOf(input, {}),
      ownerReferences: [
        {
          apiVersion: 'v1',
          kind: 'Service',
          name: service.metadata?.name ?? '',
          uid: service.metadata?.uid ?? '',
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    addressType: family,
    endpoints: content,
    ports,
  };
}

function rewritten(
  input: SliceInput,
  slice: EndpointSlice,
  ports: readonly EndpointSlicePort[],
  content: readonly Endpoint[],
): EndpointSlice {
  const metadata = {
    ...slice.metadata,
    labels: sliceLabels(input.service),
    annotations: annotationsOf(input, slice.metadata?.annotations ?? {}),
  };
  return { ...slice, metadata, endpoints: content, ports };
}

function annotationsOf(input: SliceInput, present: Readonly<Record<string, string>>): Record<string, string> | undefined {
  const annotations = { ...present };
  if (input.triggerTime === undefined) delete annotations[triggerTimeAnnotation];
  else annotations[triggerTimeAnnotation] = input.triggerTime;
  return Object.keys(annotations).length === 0 ? undefined : annotations;
}

function storedMeta(slice: EndpointSlice): ObjectMeta {
  return slice.metadata ?? {};
}

function isOwnedBy(slice: EndpointSlice, uid: string | undefined): boolean {
  const owners = slice.metadata?.ownerReferences ?? [];
  return owners.length === 0 || owners.some((owner) => owner.uid === uid);
}

function isPlaceholder(slice: EndpointSlice): boolean {
  return (slice.endpoints ?? []).length === 0 && (slice.ports ?? []).length === 0;
}

function sameMap(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
