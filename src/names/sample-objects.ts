/** Builders of the objects that names come from, for tests. */
import type { Endpoint, EndpointSlice, Namespace, Pod, Service } from '../api/index.ts';
import type { NameIndexOptions } from './name-index.ts';
import { NameIndex } from './name-index.ts';

export function namespaceOf(name: string): Namespace {
  return { metadata: { name } };
}

/** `name` may be `namespace/name`; without a namespace it is `default`. */
export function serviceOf(name: string, spec: NonNullable<Service['spec']>): Service {
  return { metadata: identity(name), spec };
}

/** A headless Service. */
export function headlessOf(name: string, spec: NonNullable<Service['spec']> = {}): Service {
  return serviceOf(name, { clusterIP: 'None', clusterIPs: ['None'], ...spec });
}

/** A slice of the Service `name`, called `<name>-<suffix>`. An endpoint written as a text is a ready one with this address. */
export function sliceOf(
  name: string,
  endpoints: readonly (string | Endpoint)[],
  ports: EndpointSlice['ports'] = [],
  suffix = 'a',
): EndpointSlice {
  const { namespace, name: serviceName } = identity(name);
  const list = endpoints.map((endpoint) => (typeof endpoint === 'string' ? { addresses: [endpoint] } : endpoint));
  return {
    metadata: { namespace, name: `${serviceName}-${suffix}`, labels: { 'kubernetes.io/service-name': serviceName } },
    addressType: list[0]?.addresses[0]?.includes(':') === true ? 'IPv6' : 'IPv4',
    endpoints: list,
    ports,
  };
}

export function podOf(name: string, ...ips: readonly string[]): Pod {
  return { metadata: identity(name), status: { phase: 'Running', podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) } };
}

/** Everything that the reference's tables speak of, in one cluster. */
export function sampleIndex(options: Partial<NameIndexOptions> = {}): NameIndex {
  const index = new NameIndex({ zone: 'cluster.local', nowSeconds: () => 1000, ttlSeconds: 5, ...options });
  for (const name of ['default', 'kube-system', 'empty']) index.applyNamespace(namespaceOf(name));
  const http = { name: 'http', port: 80, protocol: 'TCP' };
  const dns = { name: 'dns', port: 53, protocol: 'UDP' };
  index.applyService(serviceOf('web', { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'], ports: [http, dns] }));
  index.applyEndpointSlice(sliceOf('web', ['10.244.1.5'], [{ name: 'http', port: 8080, protocol: 'TCP' }]));
  index.applyService(serviceOf('dual', { clusterIPs: ['10.96.0.6', 'fd00:10:96::6'], ports: [http] }));
  index.applyService(serviceOf('nameless', { clusterIPs: ['10.96.0.7'], ports: [{ port: 80 }] }));
  index.applyService(headlessOf('db', { ports: [{ name: 'pg', port: 5432 }] }));
  const pg = [{ name: 'pg', port: 15_432, protocol: 'TCP' }];
  index.applyEndpointSlice(
    sliceOf(
      'db',
      [
        { addresses: ['10.244.1.10'], hostname: 'db-0' },
        { addresses: ['10.244.1.11'] },
        { addresses: ['10.244.1.12'], conditions: { ready: false } },
      ],
      pg,
    ),
  );
  index.applyEndpointSlice(sliceOf('db', [{ addresses: ['fd00:10:244::10'], hostname: 'db-0' }, '2001:db8::'], pg, 'b'));
  index.applyService(headlessOf('portless'));
  index.applyEndpointSlice(sliceOf('portless', ['10.244.1.10']));
  index.applyService(headlessOf('nobody', { ports: [http] }));
  index.applyEndpointSlice(sliceOf('nobody', [{ addresses: ['10.244.1.9'], conditions: { ready: false } }], [http]));
  const external = { outside: 'www.example.com', dotted: 'www.example.com.', inside: 'web.default.svc.cluster.local' };
  const chains = { to: 'inside', dangling: 'gone', 'loop-a': 'loop-b', 'loop-b': 'loop-a', self: 'self', 'to-db': 'db' };
  for (const [name, externalName] of Object.entries(external))
    index.applyService(serviceOf(name, { type: 'ExternalName', externalName }));
  for (const [name, target] of Object.entries(chains)) {
    index.applyService(serviceOf(name, { type: 'ExternalName', externalName: `${target}.default.svc.cluster.local` }));
  }
  index.applyService(serviceOf('address', { type: 'ExternalName', externalName: '192.0.2.1' }));
  index.applyService(serviceOf('nowhere/orphan', { clusterIPs: ['10.96.0.8'], ports: [http] }));
  index.applyEndpointSlice(sliceOf('no-service', ['10.244.1.77']));
  return index;
}

function identity(name: string): { readonly namespace: string; readonly name: string } {
  const slash = name.indexOf('/');
  return slash < 0 ? { namespace: 'default', name } : { namespace: name.slice(0, slash), name: name.slice(slash + 1) };
}
