/** Endpoints written by hand -> EndpointSlices. Source: k8s pkg/controller/endpointslicemirroring, v1.36. */
import type { Endpoint, Endpoints, EndpointAddress, EndpointSlice, EndpointSlicePort, Service } from '../api/index.ts';
import { parseIp } from '../net/index.ts';
import type { IpFamily } from '../net/index.ts';
import { packEndpoints } from './packing.ts';
import { managedByLabel, serviceNameLabel, triggerTimeAnnotation } from './reconcile.ts';
import { packSubsets, pairsOf } from './subsets.ts';

export const mirrorControllerName = 'endpointslicemirroring-controller.k8s.io';
export const skipMirrorLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** Addresses of one subset that are mirrored; the rest is dropped with an event. */
export const maxMirroredAddresses = 1000;

export interface MirrorPlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
  /** Addresses that are no IP addresses, and how many were beyond the limit: for Warning events. */
  readonly invalidAddresses: readonly string[];
  readonly dropped: number;
}

/** Whether the Endpoints object is mirrored: a Service of its name without a selector, and no opt-out. */
export function shouldMirror(endpoints: Endpoints | undefined, service: Service | undefined): boolean {
  if (endpoints === undefined || service === undefined || service.spec?.selector !== undefined) return false;
  if (endpoints.metadata?.labels?.[skipMirrorLabel] === 'true') return false;
  return endpoints.metadata?.annotations?.[leaderAnnotation] === undefined;
}

/** The writes that make the mirrored slices true. `existing` = slices of that Service name managed by the mirroring controller. */
export function reconcileMirror(
  endpoints: Endpoints | undefined,
  service: Service | undefined,
  existing: readonly EndpointSlice[],
  triggerTime?: string,
): MirrorPlan {
  if (endpoints === undefined || !shouldMirror(endpoints, service)) {
    return { create: [], update: [], remove: existing, invalidAddresses: [], dropped: 0 };
  }
  const { groups, invalidAddresses, dropped } = groupAddresses(endpoints);
  const create: EndpointSlice[] = [];
  const update: EndpointSlice[] = [];
  const remaining = new Set(existing);
  const metadata = mirroredMetadata(endpoints, triggerTime);
  for (const { family, ports, members } of groups) {
    const key = portKey(family, ports);
    const same = existing.filter((slice) => portKey(slice.addressType, slice.ports ?? []) === key);
    const packing = packEndpoints(members, same, maxMirroredAddresses);
    for (const slice of packing.keep) {
      remaining.delete(slice);
      if (!isSameMetadata(slice, metadata)) update.push(rewritten(slice, metadata, slice.endpoints ?? []));
    }
    for (const change of packing.update) {
      remaining.delete(change.slice);
      update.push(rewritten(change.slice, metadata, change.endpoints));
    }
    create.push(...packing.create.map((content) => newSlice(endpoints, metadata, family, ports, content)));
  }
  const remove = [...remaining];
  // a removal and a creation of one address type become one update
  const fresh = create.splice(0);
  for (const slice of fresh) {
    const shell = remove.find((candidate) => candidate.addressType === slice.addressType);
    if (shell === undefined) {
      create.push(slice);
      continue;
    }
    remove.splice(remove.indexOf(shell), 1);
    update.push({
      ...slice,
      metadata: { ...shell.metadata, labels: slice.metadata?.labels, annotations: slice.metadata?.annotations },
    });
  }
  return { create, update, remove, invalidAddresses, dropped };
}

interface AddressGroup {
  readonly family: IpFamily;
  readonly ports: readonly EndpointSlicePort[];
  readonly members: Endpoint[];
}

function groupAddresses(endpoints: Endpoints): { groups: AddressGroup[]; invalidAddresses: string[]; dropped: number } {
  const groups: AddressGroup[] = [];
  const invalidAddresses: string[] = [];
  let dropped = 0;
  for (const subset of packSubsets(pairsOf(endpoints.subsets ?? []))) {
    const ports = (subset.ports ?? []).map((port) => ({
      name: port.name ?? '',
      protocol: port.protocol ?? 'TCP',
      port: port.port,
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    }));
    let room = maxMirroredAddresses;
    const byFamily = new Map<IpFamily, AddressGroup>();
    const take = (address: EndpointAddress, ready: boolean): void => {
      const ip = parseIp(address.ip);
      if (ip === undefined) invalidAddresses.push(address.ip);
      else if (room === 0) dropped++;
      else {
        room--;
        const group = byFamily.get(ip.family) ?? { family: ip.family, ports, members: [] };
        group.members.push(mirroredEndpoint(address, ready));
        byFamily.set(ip.family, group);
      }
    };
    for (const address of subset.addresses ?? []) take(address, true);
    for (const address of subset.notReadyAddresses ?? []) take(address, false);
    groups.push(...byFamily.values());
  }
  return { groups, invalidAddresses, dropped };
}

/** Serving, terminating and zone are not known of hand-written addresses and stay unset, as upstream. */
function mirroredEndpoint(address: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [address.ip],
    conditions: { ready },
    ...(address.hostname === undefined || address.hostname === '' ? {} : { hostname: address.hostname }),
    ...(address.nodeName === undefined ? {} : { nodeName: address.nodeName }),
    ...(address.targetRef === undefined ? {} : { targetRef: address.targetRef }),
  };
}

interface MirroredMetadata {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

function mirroredMetadata(endpoints: Endpoints, triggerTime: string | undefined): MirroredMetadata {
  const annotations: Record<string, string> = { ...endpoints.metadata?.annotations };
  delete annotations[lastAppliedAnnotation];
  delete annotations[triggerTimeAnnotation];
  if (triggerTime !== undefined) annotations[triggerTimeAnnotation] = triggerTime;
  const labels = {
    ...endpoints.metadata?.labels,
    [serviceNameLabel]: endpoints.metadata?.name ?? '',
    [managedByLabel]: mirrorControllerName,
  };
  return { labels, annotations };
}

function newSlice(
  owner: Endpoints,
  { labels, annotations }: MirroredMetadata,
  family: IpFamily,
  ports: readonly EndpointSlicePort[],
  content: readonly Endpoint[],
): EndpointSlice {
  const name = owner.metadata?.name ?? '';
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      generateName: `${name.slice(0, 57)}-`,
      namespace: owner.metadata?.namespace,
      labels,
      annotations: Object.keys(annotations).length === 0 ? undefined : annotations,
      ownerReferences: [
        { apiVersion: 'v1', kind: 'Endpoints', name, uid: owner.metadata?.uid ?? '', controller: true, blockOwnerDeletion: true },
      ],
    },
    addressType: family,
    endpoints: content,
    ports,
  };
}

function rewritten(slice: EndpointSlice, { labels, annotations }: MirroredMetadata, content: readonly Endpoint[]): EndpointSlice {
  return {
    ...slice,
    metadata: { ...slice.metadata, labels, annotations: Object.keys(annotations).length === 0 ? undefined : annotations },
    endpoints: content,
  };
}

/** Everything but the trigger time, which moves with every change and is no reason for a write by itself. */
function isSameMetadata(slice: EndpointSlice, wanted: MirroredMetadata): boolean {
  return (
    entriesOf(slice.metadata?.labels ?? {}) === entriesOf(wanted.labels) &&
    entriesOf(slice.metadata?.annotations ?? {}) === entriesOf(wanted.annotations)
  );
}

function entriesOf(map: Readonly<Record<string, string>>): string {
  const keys = Object.keys(map).filter((key) => key !== triggerTimeAnnotation);
  return JSON.stringify(keys.sort((a, b) => (a < b ? -1 : 1)).map((key) => [key, map[key]]));
}

function portKey(family: string, ports: readonly EndpointSlicePort[]): string {
  return (
    family +
    JSON.stringify(
      ports
        .map((port) => JSON.stringify([port.name ?? '', port.protocol ?? 'TCP', port.port ?? 0, port.appProtocol ?? '']))
        .sort(),
    )
  );
}
