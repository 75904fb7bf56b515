/** What is in the store before anybody asks: system namespaces, the Service range, and the Service `kubernetes`. Idempotent. */
import type { Endpoints, EndpointSlice, Namespace, Resource, Service, ServiceCIDR } from '../../api/index.ts';
import { endpointSlices, endpoints, isNotFound, namespaces, serviceCidrs, services } from '../../api/index.ts';
import { ipFamilyOf } from '../../net/index.ts';
import { defaultServiceCidrName, firstServiceAddress, parseServiceRange } from '../allocation/index.ts';
import { formatIp } from '../../net/index.ts';
import { servedOf } from '../registry/catalog.ts';
import type { RegistryContext } from '../registry/context.ts';
import { updateObject } from '../registry/update.ts';
import type { ApiObject } from '../store/index.ts';
import { createUnlessThere, fillNamespace } from './namespace-behaviour.ts';

/** Where this API server is reached from inside the cluster. */
export interface AdvertisedAddress {
  readonly address: string;
  readonly port: number;
}

const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

/** Namespaces with their contents, and the ServiceCIDR: what has to be there before Services are. */
export function seedFoundations(context: RegistryContext, caPem: string, cidrs: readonly string[]): void {
  for (const name of systemNamespaces) {
    create(context, namespaces, '', { metadata: { name } } satisfies Namespace);
    fillNamespace(context, name, caPem);
  }
  create(context, serviceCidrs, '', { metadata: { name: defaultServiceCidrName }, spec: { cidrs } } satisfies ServiceCIDR);
}

/** The Service `default/kubernetes` on the first address of the first range, and where it leads. */
export function seedKubernetesService(
  context: RegistryContext,
  cidrs: readonly string[],
  advertised: AdvertisedAddress | undefined,
): void {
  const range = parseServiceRange(cidrs[0] ?? '');
  if (range === undefined) return;
  const name = 'kubernetes';
  const ports = [{ name: 'https', port: 443, targetPort: advertised?.port ?? 6443, protocol: 'TCP' }];
  create(context, services, 'default', {
    metadata: { name, labels: { component: 'apiserver', provider: name } },
    spec: { type: 'ClusterIP', clusterIP: formatIp(firstServiceAddress(range)), ports },
  } satisfies Service);
  if (advertised === undefined) return;
  const { address, port } = advertised;
  const targets = [{ name: 'https', port, protocol: 'TCP' }];
  put(context, endpoints, 'default', {
    metadata: { name, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets: [{ addresses: [{ ip: address }], ports: targets }],
  } satisfies Endpoints);
  put(context, endpointSlices, 'default', {
    metadata: { name, labels: { 'kubernetes.io/service-name': name } },
    addressType: ipFamilyOf(address) ?? 'IPv4',
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: targets,
  } satisfies EndpointSlice);
}

function create(context: RegistryContext, resource: Resource, namespace: string, object: ApiObject): void {
  createUnlessThere(context, servedOf(resource), namespace, object);
}

/** Creates an object, or makes the one that is there the same: the address may be another since the last start. */
function put(context: RegistryContext, resource: Resource, namespace: string, object: ApiObject): void {
  const served = servedOf(resource);
  const target = { namespace, name: object.metadata?.name ?? '', part: 'main', mayCreate: false } as const;
  const request = { isDryRun: false, warn: () => undefined };
  try {
    updateObject(context, served, target, () => object, request);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    createUnlessThere(context, served, namespace, object);
  }
}
