/** Rows of Services, endpoints, address ranges and Ingresses. */
import { formatHostPort } from '../../net/index.ts';
import type {
  Endpoints,
  EndpointSlice,
  Ingress,
  IngressClass,
  IPAddress,
  NetworkPolicy,
  Service,
  ServiceCIDR,
  ServicePort,
} from '../kinds/index.ts';
import { describeLabelSelector } from '../selectors.ts';
import { ageSince } from './age.ts';
import type { Cell } from './cells.ts';
import { joined, labelsText, none, orNone, truncated, unset } from './cells.ts';

/** Name, type, addresses, ports, age, and wide: the selector. */
export function serviceCells(service: Service, now: Date): readonly Cell[] {
  const { metadata, spec } = service;
  return [
    metadata?.name ?? '',
    spec?.type ?? '',
    orNone(spec?.clusterIPs?.[0] ?? spec?.clusterIP),
    externalIpText(service),
    orNone((spec?.ports ?? []).map(portText).join(',')),
    ageSince(metadata?.creationTimestamp, now),
    labelsText(spec?.selector),
  ];
}

function externalIpText({ spec, status }: Service): string {
  const externalIps = spec?.externalIPs ?? [];
  switch (spec?.type) {
    case 'ExternalName':
      return spec.externalName ?? '';
    case 'LoadBalancer': {
      const entries = (status?.loadBalancer?.ingress ?? []).map(({ ip = '', hostname = '' }) => (ip === '' ? hostname : ip));
      const addresses = [...new Set(entries.filter((entry) => entry !== ''))].toSorted();
      const all = [...addresses, ...externalIps];
      return all.length === 0 ? '<pending>' : all.join(',');
    }
    default:
      return joined(externalIps);
  }
}

function portText({ port, nodePort, protocol }: ServicePort): string {
  return nodePort === undefined || nodePort === 0 ? `${port}/${protocol ?? ''}` : `${port}:${nodePort}/${protocol ?? ''}`;
}

/** Name, the first three endpoints, age. */
export function endpointsCells({ metadata, subsets }: Endpoints, now: Date): readonly Cell[] {
  const pairs = (subsets ?? []).flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) => addresses.map(({ ip }) => formatHostPort(ip, port))),
  );
  const text = pairs.length === 0 ? none : truncated(pairs, 3);
  return [metadata?.name ?? '', text, ageSince(metadata?.creationTimestamp, now)];
}

/** Name, address type, ports, the first three endpoints, age. */
export function endpointSliceCells({ metadata, addressType, ports, endpoints }: EndpointSlice, now: Date): readonly Cell[] {
  const portTexts = (ports ?? []).map(({ name, port }) => (port === undefined ? (name ?? '*') : String(port)));
  const addresses = (endpoints ?? []).map((endpoint) => endpoint.addresses?.[0] ?? '');
  return [
    metadata?.name ?? '',
    addressType,
    portTexts.length === 0 ? unset : truncated(portTexts, 3),
    addresses.length === 0 ? unset : truncated(addresses, 3),
    ageSince(metadata?.creationTimestamp, now),
  ];
}

/** Name and whose it is. */
export function ipAddressCells({ metadata, spec }: IPAddress): readonly Cell[] {
  const parent = spec?.parentRef;
  if (parent === undefined) return [metadata?.name ?? '', none];
  const resource = parent.group === undefined || parent.group === '' ? parent.resource : `${parent.resource}.${parent.group}`;
  const place = [resource, parent.namespace, parent.name].filter((part) => part !== undefined && part !== '');
  return [metadata?.name ?? '', place.join('/')];
}

/** Name, prefixes, age. */
export function serviceCidrCells({ metadata, spec }: ServiceCIDR, now: Date): readonly Cell[] {
  return [metadata?.name ?? '', (spec?.cidrs ?? []).join(','), ageSince(metadata?.creationTimestamp, now)];
}

/** Name, class, hosts, address, ports, age. */
export function ingressCells({ metadata, spec, status }: Ingress, now: Date): readonly Cell[] {
  const hosts = (spec?.rules ?? []).map(({ host }) => host ?? '').filter((host) => host !== '');
  const addresses = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? '');
  return [
    metadata?.name ?? '',
    orNone(spec?.ingressClassName),
    hosts.length === 0 ? '*' : truncated(hosts, 3),
    [...new Set(addresses)].toSorted().join(','),
    (spec?.tls ?? []).length > 0 ? '80, 443' : '80',
    ageSince(metadata?.creationTimestamp, now),
  ];
}

/** Name, controller, parameters, age. */
export function ingressClassCells({ metadata, spec }: IngressClass, now: Date): readonly Cell[] {
  const reference = spec?.parameters;
  const kind = reference?.apiGroup === undefined ? reference?.kind : `${reference.kind}.${reference.apiGroup}`;
  const parameters = reference === undefined ? none : `${kind}/${reference.name}`;
  return [metadata?.name ?? '', spec?.controller ?? '', parameters, ageSince(metadata?.creationTimestamp, now)];
}

/** Name, selector of pods, age. */
export function networkPolicyCells({ metadata, spec }: NetworkPolicy, now: Date): readonly Cell[] {
  return [metadata?.name ?? '', describeLabelSelector(spec?.podSelector), ageSince(metadata?.creationTimestamp, now)];
}
