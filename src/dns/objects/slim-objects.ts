/**
 * Objects without what names are not made of. A name server keeps every Service and slice of a cluster; each field kept is paid
 * for that many times. So what is left of one is a line of text, and its fields are made again when somebody looks: that is
 * when it changes, or its neighbours do. V8 takes ten times as much for the same as objects.
 */
import { objectsIn, textsIn } from '../../api/index.ts';
import type { Endpoint, EndpointSlice, Namespace, ObjectMeta, Pod, Service } from '../../api/index.ts';

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

/** Makes objects that read like those given, as far as names are made of them. */
export function createSlimmer(options: SlimOptions): Slimmer {
  const slimEndpoint = ({ addresses: all, conditions, hostname, targetRef, zone }: Endpoint): Endpoint | string => {
    const addresses = textsIn(all);
    const endpoint = {
      addresses,
      ...(conditions?.ready === false ? { conditions: { ready: false } } : {}),
      ...((hostname ?? '') === '' ? {} : { hostname }),
      ...(options.zonalNames && zone !== undefined ? { zone } : {}),
      ...(options.endpointPodNames && targetRef !== undefined && targetRef !== null
        ? { targetRef: { kind: targetRef.kind, name: targetRef.name } }
        : {}),
    };
    const [address] = addresses;
    // nearly all are just an address
    return address !== undefined && addresses.length === 1 && Object.keys(endpoint).length === 1 ? address : endpoint;
  };

  return {
    namespace: (namespace) => ({ metadata: slimMetadata(namespace.metadata) }),
    service({ metadata, spec }) {
      const { type, clusterIP, clusterIPs, externalName, ports } = spec ?? {};
      const name = type === 'ExternalName' ? { type, externalName } : {};
      const addresses = clusterIPs === undefined || clusterIPs === null ? { clusterIP } : { clusterIPs };
      return new PackedService(packed(metadata, undefined, { ...name, ...addresses }, ports));
    },
    slice(slice) {
      options.sliceSeen?.(slice);
      const { metadata, addressType, endpoints, ports } = slice;
      const facts = { addressType, endpoints: objectsIn(endpoints).map(slimEndpoint) };
      return new PackedSlice(packed(metadata, metadata?.labels?.[serviceNameLabel], facts, ports));
    },
    pod({ metadata, status }) {
      const { phase, podIP, podIPs } = status ?? {};
      const { deletionTimestamp } = metadata ?? {};
      return { metadata: { ...slimMetadata(metadata), deletionTimestamp }, status: { phase, podIP, podIPs } };
    },
  };
}

class PackedService implements Service {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get metadata(): ObjectMeta {
    return metadataOf(this.#text);
  }

  get spec(): NonNullable<Service['spec']> {
    const [facts, ports] = unpacked<NonNullable<Service['spec']>>(this.#text);
    // every port of a Service has a number
    return { ...facts, ports } as NonNullable<Service['spec']>;
  }
}

class PackedSlice implements EndpointSlice {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get metadata(): ObjectMeta {
    return metadataOf(this.#text);
  }

  get addressType(): EndpointSlice['addressType'] {
    return this.#facts[0].addressType;
  }

  get endpoints(): EndpointSlice['endpoints'] {
    return this.#facts[0].endpoints?.map((endpoint) => (typeof endpoint === 'string' ? { addresses: [endpoint] } : endpoint));
  }

  get ports(): EndpointSlice['ports'] {
    return this.#facts[1];
  }

  get #facts(): [SliceFacts, EndpointSlice['ports']] {
    return unpacked<SliceFacts>(this.#text);
  }
}

interface SliceFacts {
  readonly addressType: EndpointSlice['addressType'];
  readonly endpoints?: (Endpoint | string)[];
}

type PortRow = readonly [name: string | null, protocol: string | null, port: number | null];

const serviceNameLabel = 'kubernetes.io/service-name';

/** Two lines of JSON: who it is, for whoever only wants to know that, and what it says. Joined, for a concatenation keeps its parts. */
function packed(
  metadata: ObjectMeta | undefined,
  serviceName: string | undefined,
  facts: object,
  ports: EndpointSlice['ports'],
): string {
  const { name, namespace, uid, resourceVersion } = metadata ?? {};
  const rows = ports === undefined ? undefined : objectsIn(ports).map(({ name, protocol, port }) => [name, protocol, port]);
  return [JSON.stringify([name, namespace, uid, resourceVersion, serviceName]), JSON.stringify([facts, rows])].join('\n');
}

function metadataOf(text: string): ObjectMeta {
  const row = JSON.parse(text.slice(0, text.indexOf('\n'))) as readonly (string | null)[];
  const [name, namespace, uid, resourceVersion, serviceName] = row.map((value) => value ?? undefined);
  const metadata = { name, namespace, uid, resourceVersion };
  return serviceName === undefined ? metadata : { ...metadata, labels: { [serviceNameLabel]: serviceName } };
}

/** What was looked into last: whoever reads one field soon reads the others. */
let latest: { readonly text: string; readonly content: unknown } | undefined;

function unpacked<Facts>(text: string): [Facts, EndpointSlice['ports']] {
  if (latest?.text !== text) latest = { text, content: unpackAgain<Facts>(text) };
  return latest.content as [Facts, EndpointSlice['ports']];
}

function unpackAgain<Facts>(text: string): [Facts, EndpointSlice['ports']] {
  const [facts, rows] = JSON.parse(text.slice(text.indexOf('\n') + 1)) as [Facts, readonly PortRow[] | null];
  const ports = rows?.map(([name, protocol, port]) => ({
    name: name ?? undefined,
    protocol: (protocol ?? undefined) as 'TCP',
    port: port ?? undefined,
  }));
  return [facts, ports];
}

function slimMetadata(metadata: ObjectMeta | undefined): ObjectMeta {
  return { name: metadata?.name, namespace: metadata?.namespace, uid: metadata?.uid, resourceVersion: metadata?.resourceVersion };
}
