/** The legacy Endpoints object of a Service with a selector. Source: k8s pkg/controller/endpoint, v1.36. */
import type { Endpoints, EndpointSubset, Pod, Service } from '../api/index.ts';
import { endpointOfPod, isHeadless } from './pod-endpoints.ts';
import type { NodesByName } from './pod-endpoints.ts';
import { addressTypesOf, headlessLabel, triggerTimeAnnotation } from './reconcile.ts';
import { packSubsets } from './subsets.ts';
import type { SubsetPair } from './subsets.ts';

export const endpointsManagedByLabel = 'endpoints.kubernetes.io/managed-by';
export const endpointsControllerName = 'endpoint-controller';
export const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity';

/** Endpoints objects hold this many addresses at most; slices hold all. */
export const maxEndpointsAddresses = 1000;

/**
 * The Endpoints object that the Service should have; undefined when the stored one already says the same. Only the primary
 * family; terminating pods only with publishNotReadyAddresses.
 */
export function desiredEndpoints(
  service: Service,
  pods: readonly Pod[],
  nodes: NodesByName,
  existing: Endpoints | undefined,
  triggerTime?: string,
): Endpoints | undefined {
  const all = packSubsets(pairsOfPods(service, pods, nodes));
  const { subsets, isTruncated } = truncate(all);
  const annotations: Record<string, string> = { ...existing?.metadata?.annotations };
  delete annotations[triggerTimeAnnotation];
  delete annotations[overCapacityAnnotation];
  if (isTruncated) annotations[overCapacityAnnotation] = 'truncated';
  const labels: Record<string, string> = { ...service.metadata?.labels };
  delete labels[headlessLabel];
  labels[endpointsManagedByLabel] = endpointsControllerName;
  if (isHeadless(service)) labels[headlessLabel] = '';
  if (existing !== undefined && isSame(existing, subsets, labels, isTruncated)) return undefined;
  if (triggerTime !== undefined) annotations[triggerTimeAnnotation] = triggerTime;
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      ...existing?.metadata,
      name: service.metadata?.name,
      namespace: service.metadata?.namespace,
      labels,
      annotations: Object.keys(annotations).length === 0 ? undefined : annotations,
    },
    subsets,
  };
}

function pairsOfPods(service: Service, pods: readonly Pod[], nodes: NodesByName): SubsetPair[] {
  const family = addressTypesOf(service)[0] ?? 'IPv4';
  const publishesNotReady = service.spec?.publishNotReadyAddresses === true;
  const isPortless = (service.spec?.ports ?? []).length === 0;
  return pods.flatMap((pod): SubsetPair[] => {
    const result = endpointOfPod(service, pod, nodes, family);
    // Endpoints never look at nodes: a pod whose Node is missing is listed all the same
    const found = result.excluded === 'node-missing' ? endpointOfPod(service, pod, undefined, family) : result;
    if (found.excluded !== undefined || (found.endpoint.conditions?.terminating === true && !publishesNotReady)) return [];
    const { endpoint } = found;
    const address = {
      ip: endpoint.addresses[0] ?? '',
      ...(endpoint.hostname === undefined ? {} : { hostname: endpoint.hostname }),
      ...(endpoint.nodeName === undefined ? {} : { nodeName: endpoint.nodeName }),
      ...(endpoint.targetRef === undefined ? {} : { targetRef: endpoint.targetRef }),
    };
    const ready = endpoint.conditions?.ready === true;
    if (isPortless) return [{ address, port: undefined, ready }];
    return found.ports.map((port) => ({
      address,
      port: {
        ...(port.name === undefined || port.name === '' ? {} : { name: port.name }),
        port: port.port ?? 0,
        protocol: port.protocol,
        ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
      },
      ready,
    }));
  });
}

/** At most 1000 addresses: ready ones first, each subset in proportion to its size. */
function truncate(subsets: readonly EndpointSubset[]): { subsets: readonly EndpointSubset[]; isTruncated: boolean } {
  const ready = subsets.reduce((sum, subset) => sum + (subset.addresses?.length ?? 0), 0);
  const notReady = subsets.reduce((sum, subset) => sum + (subset.notReadyAddresses?.length ?? 0), 0);
  if (ready + notReady <= maxEndpointsAddresses) return { subsets, isTruncated: false };
  const readyRoom = Math.min(ready, maxEndpointsAddresses);
  const readyShare = shareOut(
    subsets.map((subset) => subset.addresses?.length ?? 0),
    readyRoom,
  );
  const notReadyShare = shareOut(
    subsets.map((subset) => subset.notReadyAddresses?.length ?? 0),
    maxEndpointsAddresses - readyRoom,
  );
  const cut = subsets.map((subset, index) => {
    const addresses = subset.addresses?.slice(0, readyShare[index]) ?? [];
    const notReadyAddresses = subset.notReadyAddresses?.slice(0, notReadyShare[index]) ?? [];
    return {
      ...(addresses.length === 0 ? {} : { addresses }),
      ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
      ...(subset.ports === undefined ? {} : { ports: subset.ports }),
    };
  });
  return {
    subsets: cut.filter((subset) => subset.addresses !== undefined || subset.notReadyAddresses !== undefined),
    isTruncated: true,
  };
}

/** Shares `room` out over sizes in proportion; what rounding leaves goes to the first that still have some. */
function shareOut(sizes: readonly number[], room: number): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total <= room) return [...sizes];
  const shares = sizes.map((size) => Math.floor((size * room) / total));
  let rest = room - shares.reduce((sum, share) => sum + share, 0);
  for (const [index, size] of sizes.entries()) {
    const share = shares[index] ?? 0;
    const extra = Math.min(rest, size - share);
    shares[index] = share + extra;
    rest -= extra;
  }
  return shares;
}

function isSame(
  existing: Endpoints,
  subsets: readonly EndpointSubset[],
  labels: Readonly<Record<string, string>>,
  isTruncated: boolean,
): boolean {
  const stored = existing.metadata?.labels ?? {};
  const keys = Object.keys(stored);
  return (
    keys.length === Object.keys(labels).length &&
    keys.every((key) => stored[key] === labels[key]) &&
    (existing.metadata?.annotations?.[overCapacityAnnotation] !== undefined) === isTruncated &&
    canonical(existing.subsets ?? []) === canonical(subsets)
  );
}

function canonical(subsets: readonly EndpointSubset[]): string {
  const addresses = (list: EndpointSubset['addresses']): unknown =>
    (list ?? []).map(({ ip, hostname, nodeName, targetRef }) => [
      ip,
      hostname ?? '',
      nodeName ?? '',
      targetRef?.namespace,
      targetRef?.name,
      targetRef?.uid,
    ]);
  return JSON.stringify(
    subsets.map((subset) => [
      addresses(subset.addresses),
      addresses(subset.notReadyAddresses),
      (subset.ports ?? []).map((port) => [port.name ?? '', port.port, port.protocol ?? 'TCP', port.appProtocol ?? '']),
    ]),
  );
}
