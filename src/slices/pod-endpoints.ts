/**
 * One Service, one pod: is it an endpoint, and which. Shared by the EndpointSlice and the Endpoints rules and by explain.
 * Source: k8s staging/src/k8s.io/endpointslice/util, v1.36.
 */
import type { Container, Endpoint, EndpointSlicePort, Node, Pod, Service, ServicePort } from '../api/index.ts';
import { formatIp, parseIp } from '../net/index.ts';
import type { IpFamily } from '../net/index.ts';
import { hintsFor } from './hints.ts';
import { usesTopologyMode } from './topology-hints.ts';

/** Why a pod of the namespace gives no endpoint. */
export type PodExclusion =
  | 'selector-mismatch' // its labels do not match spec.selector
  | 'no-ip' // it has no address of the family yet
  | 'finished' // phase Succeeded or Failed
  | 'node-missing'; // its Node object does not exist, so its zone is unknown

/** Why an endpoint, though listed, is not ready. */
export type NotReadyReason = 'terminating' | 'pod-not-ready';

/** One pod's part in a Service, for one address family. */
export type PodEndpoint =
  | { readonly pod: Pod; readonly excluded: PodExclusion }
  | {
      readonly pod: Pod;
      readonly excluded?: undefined;
      readonly endpoint: Endpoint;
      readonly ports: readonly EndpointSlicePort[];
      /** Service ports whose named target the pod does not have; they are left out for this pod only. */
      readonly missingPorts: readonly ServicePort[];
      readonly notReady?: NotReadyReason;
    };

/** Nodes by name; undefined when nothing is known of nodes (explaining a lone file), and then none counts as missing. */
export type NodesByName = ReadonlyMap<string, Node> | undefined;

/** Whether the endpoint controllers handle this Service: it has a selector and is not ExternalName. An empty selector counts. */
export function hasManagedEndpoints(service: Service): boolean {
  return service.spec?.selector !== undefined && service.spec.type !== 'ExternalName';
}

/** Whether the Service's selector picks the pod: same namespace, every pair equal. `{}` picks every pod of the namespace. */
export function selects(service: Service, pod: Pod): boolean {
  const selector = service.spec?.selector;
  if (selector === undefined || (service.metadata?.namespace ?? '') !== (pod.metadata?.namespace ?? '')) return false;
  const labels = pod.metadata?.labels ?? {};
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

/** Whether pods in this state are listed at all: an address, and not finished. Terminating pods are listed. */
export function exclusionOf(pod: Pod, family: IpFamily): PodExclusion | undefined {
  if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return 'finished';
  return podAddress(pod, family) === undefined ? 'no-ip' : undefined;
}

/** The pod's address of a family, in canonical text. */
export function podAddress(pod: Pod, family: IpFamily): string | undefined {
  const texts = [...(pod.status?.podIPs ?? []).map((entry) => entry.ip), pod.status?.podIP];
  for (const text of texts) {
    const ip = text === undefined ? undefined : parseIp(text);
    if (ip?.family === family) return formatIp(ip);
  }
  return undefined;
}

/** Whether the pod's Ready condition is True. */
export function isPodReady(pod: Pod): boolean {
  return (pod.status?.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True');
}

/** A Service without a virtual address: clusterIP `None`, or none given. */
export function isHeadless(service: Service): boolean {
  const clusterIP = service.spec?.clusterIP ?? '';
  return clusterIP === 'None' || clusterIP === '';
}

/** The pod as an endpoint of the Service, or why it is none. */
export function endpointOfPod(service: Service, pod: Pod, nodes: NodesByName, family: IpFamily): PodEndpoint {
  if (!selects(service, pod)) return { pod, excluded: 'selector-mismatch' };
  const excluded = exclusionOf(pod, family);
  const address = podAddress(pod, family);
  if (excluded !== undefined || address === undefined) return { pod, excluded: excluded ?? 'no-ip' };
  const nodeName = pod.spec?.nodeName;
  const node = nodeName === undefined ? undefined : nodes?.get(nodeName);
  const publishesNotReady = service.spec?.publishNotReadyAddresses === true;
  if (nodes !== undefined && nodeName !== undefined && nodeName !== '' && node === undefined && !publishesNotReady) {
    return { pod, excluded: 'node-missing' };
  }
  const serving = isPodReady(pod);
  const terminating = pod.metadata?.deletionTimestamp !== undefined;
  const ready = publishesNotReady || (serving && !terminating);
  const zone = node?.metadata?.labels?.['topology.kubernetes.io/zone'];
  const hostname = endpointHostname(service, pod);
  // topology-mode Auto looks at all endpoints together, and comes first
  const hints = ready && !usesTopologyMode(service) ? hintsFor(service.spec?.trafficDistribution, zone, nodeName) : undefined;
  const { ports, missingPorts } = resolvePorts(service, pod);
  return {
    pod,
    endpoint: {
      addresses: [address],
      conditions: { ready, serving, terminating },
      ...(hostname === undefined ? {} : { hostname }),
      targetRef: { kind: 'Pod', namespace: pod.metadata?.namespace, name: pod.metadata?.name, uid: pod.metadata?.uid },
      ...(nodeName === undefined || nodeName === '' ? {} : { nodeName }),
      ...(zone === undefined ? {} : { zone }),
      ...(hints === undefined ? {} : { hints }),
    },
    ports,
    missingPorts,
    ...(ready ? {} : { notReady: terminating ? 'terminating' : 'pod-not-ready' }),
  };
}

/** spec.hostname, when the pod's subdomain is the Service's own name (KEP-less rule of 1.3; see TestShouldSetHostname). */
export function endpointHostname(service: Service, pod: Pod): string | undefined {
  const hostname = pod.spec?.hostname;
  if (hostname === undefined || hostname === '' || pod.spec?.subdomain !== service.metadata?.name) return undefined;
  return pod.metadata?.namespace === service.metadata?.namespace ? hostname : undefined;
}

/** The number behind a Service port on this pod; undefined when the pod has no port of that name and protocol. */
export function findPodPort(pod: Pod, servicePort: ServicePort): number | undefined {
  const target = servicePort.targetPort ?? servicePort.port;
  if (typeof target === 'number') return target === 0 ? servicePort.port : target;
  const protocol = servicePort.protocol ?? 'TCP';
  for (const container of portBearers(pod)) {
    const match = (container.ports ?? []).find((port) => port.name === target && (port.protocol ?? 'TCP') === protocol);
    if (match !== undefined) return match.containerPort;
  }
  return undefined;
}

/** Containers first, then sidecars: init containers that restart always (KEP-753). */
function portBearers(pod: Pod): readonly Container[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  return [...(pod.spec?.containers ?? []), ...sidecars];
}

function resolvePorts(service: Service, pod: Pod): { ports: EndpointSlicePort[]; missingPorts: ServicePort[] } {
  const ports: EndpointSlicePort[] = [];
  const missingPorts: ServicePort[] = [];
  for (const servicePort of service.spec?.ports ?? []) {
    const port = findPodPort(pod, servicePort);
    if (port === undefined) missingPorts.push(servicePort);
    else ports.push(slicePort(servicePort, port));
  }
  return { ports, missingPorts };
}

function slicePort(servicePort: ServicePort, port: number): EndpointSlicePort {
  const { appProtocol } = servicePort;
  return {
    name: servicePort.name ?? '',
    protocol: servicePort.protocol ?? 'TCP',
    port,
    ...(appProtocol === undefined ? {} : { appProtocol }),
  };
}
