/**
 * Objects without what names are not made of. A name server keeps every Service and slice of a cluster; each field kept is paid
 * for that many times, and so is each copy of a list of ports that a thousand Services have alike.
 */
import type { Endpoint, EndpointSlice, Namespace, ObjectMeta, Pod, Service } from '../api/index.ts';

/** What decides which names are made, and so what must be kept. */
export interface SlimOptions {
  readonly endpointPodNames: boolean;
  readonly zonalNames: boolean;
  /** Told of each slice as it comes, before what names are not made of is dropped. */
  readonly sliceSeen?: (slice: EndpointSlice) => void;
}

/** Slims objects of one server. */
export interface Slimmer {
  readonly namespace: (namespace: Namespace) => Namespace;
  readonly service: (service: Service) => Service;
  readonly slice: (slice: EndpointSlice) => EndpointSlice;
  readonly pod: (pod: Pod) => Pod;
}

/** The same ports are one list for all objects of a slimmer. */
export function createSlimmer(options: SlimOptions): Slimmer {
  const known = new Map<string, EndpointSlice['ports']>();

  const sharedPorts = (ports: EndpointSlice['ports']): EndpointSlice['ports'] => {
    if (ports === undefined) return undefined;
    const key = ports.map(({ name, protocol, port }) => `${name ?? ''}/${protocol ?? ''}/${port ?? ''}`).join(' ');
    const same = known.get(key);
    if (same !== undefined) return same;
    const slim = ports.map(({ name, protocol, port }) => ({ name, protocol, port }));
    // node ports and the like come and go: what is shared by few is not worth a place for ever
    if (known.size >= maxSharedLists) known.clear();
    known.set(key, slim);
    return slim;
  };

  const slimEndpoint = ({ addresses, conditions, hostname, targetRef, zone }: Endpoint): Endpoint => ({
    addresses,
    ...(conditions?.ready === false ? { conditions: notReady } : {}),
    ...(hostname === undefined || hostname === '' ? {} : { hostname }),
    ...(options.zonalNames && zone !== undefined ? { zone } : {}),
    ...(options.endpointPodNames && targetRef !== undefined ? { targetRef: { kind: targetRef.kind, name: targetRef.name } } : {}),
  });

  return {
    namespace: (namespace) => ({ metadata: slimMetadata(namespace.metadata) }),
    service({ metadata, spec }) {
      const { type, clusterIP, clusterIPs, externalName, ports } = spec ?? {};
      return {
        metadata: slimMetadata(metadata),
        spec: {
          ...(type === 'ExternalName' ? { type, externalName } : {}),
          ...(clusterIPs === undefined ? { clusterIP } : { clusterIPs }),
          // every port of a Service has a number
          ports: sharedPorts(ports) as NonNullable<Service['spec']>['ports'],
        },
      };
    },
    slice(slice) {
      options.sliceSeen?.(slice);
      const { metadata, addressType, endpoints, ports } = slice;
      const serviceName = metadata?.labels?.[serviceNameLabel];
      return {
        metadata:
          serviceName === undefined
            ? slimMetadata(metadata)
            : { ...slimMetadata(metadata), labels: { [serviceNameLabel]: serviceName } },
        addressType,
        endpoints: endpoints?.map(slimEndpoint),
        ports: sharedPorts(ports),
      };
    },
    pod({ metadata, status }) {
      const { phase, podIP, podIPs } = status ?? {};
      const { deletionTimestamp } = metadata ?? {};
      return { metadata: { ...slimMetadata(metadata), deletionTimestamp }, status: { phase, podIP, podIPs } };
    },
  };
}

const serviceNameLabel = 'kubernetes.io/service-name';
const maxSharedLists = 1_000;
const notReady = { ready: false };

function slimMetadata(metadata: ObjectMeta | undefined): ObjectMeta {
  return { name: metadata?.name, namespace: metadata?.namespace, uid: metadata?.uid, resourceVersion: metadata?.resourceVersion };
}
