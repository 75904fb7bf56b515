/** Objects without what names are not made of. A name server keeps every Service and slice of a cluster; each field kept is paid for that many times. */
import type { EndpointSlice, Namespace, ObjectMeta, Pod, Service } from '../api/index.ts';

export function slimNamespace(namespace: Namespace): Namespace {
  return { metadata: slimMetadata(namespace.metadata) };
}

export function slimService(service: Service): Service {
  const { type, clusterIP, clusterIPs, externalName, ports } = service.spec ?? {};
  return {
    metadata: slimMetadata(service.metadata),
    spec: {
      type,
      clusterIP: clusterIPs === undefined ? clusterIP : undefined,
      clusterIPs,
      externalName,
      ports: ports?.map(({ name, protocol, port }) => ({ name, protocol, port })),
    },
  };
}

export function slimSlice(slice: EndpointSlice): EndpointSlice {
  const serviceName = slice.metadata?.labels?.[serviceNameLabel];
  return {
    metadata: {
      ...slimMetadata(slice.metadata),
      ...(serviceName === undefined ? {} : { labels: { [serviceNameLabel]: serviceName } }),
    },
    addressType: slice.addressType,
    endpoints: slice.endpoints?.map(({ addresses, conditions, hostname, targetRef, zone }) => ({
      addresses,
      conditions,
      hostname,
      zone,
      targetRef: targetRef === undefined ? undefined : { kind: targetRef.kind, name: targetRef.name },
    })),
    ports: slice.ports?.map(({ name, protocol, port }) => ({ name, protocol, port })),
  };
}

export function slimPod(pod: Pod): Pod {
  const { phase, podIP, podIPs } = pod.status ?? {};
  const { deletionTimestamp } = pod.metadata ?? {};
  return { metadata: { ...slimMetadata(pod.metadata), deletionTimestamp }, status: { phase, podIP, podIPs } };
}

const serviceNameLabel = 'kubernetes.io/service-name';

function slimMetadata(metadata: ObjectMeta | undefined): ObjectMeta {
  return { name: metadata?.name, namespace: metadata?.namespace, uid: metadata?.uid, resourceVersion: metadata?.resourceVersion };
}
