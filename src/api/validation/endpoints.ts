/** Validation of EndpointSlices and of Endpoints (k8s pkg/apis/{discovery,core}/validation). */
import { formatIp, parseIp } from '../../net/index.ts';
import type { FieldError } from '../field-errors.ts';
import { duplicate, goQuote, invalidValue, required, tooMany } from '../field-errors.ts';
import type {
  Endpoint,
  EndpointAddress,
  EndpointHints,
  Endpoints,
  EndpointSlice,
  EndpointSlicePort,
  EndpointsPort,
  EndpointSubset,
} from '../kinds/index.ts';
import { validateIp, validateNonSpecialIp } from '../service/ip-texts.ts';
import { dns1123Label, dns1123Subdomain, fullyQualifiedDomainName, labelValue, qualifiedName } from './identifiers.ts';
import { validateLabels } from './object-meta.ts';
import { checkImmutable, checkItems, checkOneOf, checkOptionalText, checkPort, checkText } from './rules.ts';

/** Limits of one slice (k8s pkg/apis/discovery/validation). */
export const endpointSliceLimits = {
  endpoints: 1000,
  addressesPerEndpoint: 100,
  ports: 20_000,
  topologyLabels: 16,
  zoneHints: 8,
  nodeHints: 8,
} as const;

const protocols = ['SCTP', 'TCP', 'UDP'];

/** Faults of a slice, metadata apart. */
export function validateEndpointSlice({ addressType, endpoints, ports }: EndpointSlice): FieldError[] {
  return [
    ...checkOneOf('addressType', addressType, ['FQDN', 'IPv4', 'IPv6']),
    ...validateSliceEndpoints(endpoints ?? [], addressType),
    ...validateSlicePorts(ports ?? []),
  ];
}

/** Faults of a slice that replaces another: the address type stays. */
export function validateEndpointSliceUpdate(next: EndpointSlice, previous: EndpointSlice): FieldError[] {
  return [...validateEndpointSlice(next), ...checkImmutable('addressType', next.addressType, previous.addressType)];
}

/** Faults of Endpoints, metadata apart. */
export function validateEndpoints({ subsets }: Endpoints): FieldError[] {
  return checkItems('subsets', subsets, validateSubset);
}

function validateSliceEndpoints(endpoints: readonly Endpoint[], addressType: string): FieldError[] {
  if (endpoints.length > endpointSliceLimits.endpoints)
    return [tooMany('endpoints', endpoints.length, endpointSliceLimits.endpoints)];
  return checkItems('endpoints', endpoints, (endpoint, path) => [
    ...validateAddresses(endpoint.addresses ?? [], addressType, `${path}.addresses`),
    ...(endpoint.nodeName === undefined ? [] : checkText(`${path}.nodeName`, endpoint.nodeName, dns1123Subdomain)),
    ...validateTopology(endpoint, `${path}.deprecatedTopology`),
    ...(endpoint.hostname === undefined ? [] : checkText(`${path}.hostname`, endpoint.hostname, dns1123Label)),
    ...(endpoint.hints === undefined ? [] : validateHints(endpoint.hints, `${path}.hints`)),
  ]);
}

function validateAddresses(addresses: readonly string[], addressType: string, path: string): FieldError[] {
  if (addresses.length === 0) return [required(path, 'must contain at least 1 address')];
  const max = endpointSliceLimits.addressesPerEndpoint;
  const errors = addresses.length > max ? [tooMany(path, addresses.length, max)] : [];
  return [...errors, ...checkItems(path, addresses, (address, at) => validateAddress(address, addressType, at))];
}

function validateAddress(address: string, addressType: string, path: string): FieldError[] {
  switch (addressType) {
    case 'IPv4':
    case 'IPv6': {
      const ip = parseIp(address);
      if (ip?.family !== addressType) return [invalidValue(path, address, `must be a valid ${addressType} address`)];
      const canonical = formatIp(ip);
      const form =
        canonical === address ? [] : [invalidValue(path, address, `must be in canonical form (${goQuote(canonical)})`)];
      return [...form, ...validateNonSpecialIp(path, address)];
    }
    case 'FQDN':
      return checkText(path, address, fullyQualifiedDomainName);
    default:
      // The address type itself is the fault, and was told already.
      return [];
  }
}

function validateTopology({ deprecatedTopology }: Endpoint, path: string): FieldError[] {
  const count = Object.keys(deprecatedTopology ?? {}).length;
  const max = endpointSliceLimits.topologyLabels;
  return [...(count > max ? [tooMany(path, count, max)] : []), ...validateLabels(deprecatedTopology, path)];
}

function validateHints({ forZones = [], forNodes = [] }: EndpointHints, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (forZones.length > endpointSliceLimits.zoneHints)
    errors.push(tooMany(`${path}.forZones`, forZones.length, endpointSliceLimits.zoneHints));
  else errors.push(...validateHintNames(forZones, `${path}.forZones`, labelValue));
  if (forNodes.length > endpointSliceLimits.nodeHints)
    errors.push(tooMany(`${path}.forNodes`, forNodes.length, endpointSliceLimits.nodeHints));
  else errors.push(...validateHintNames(forNodes, `${path}.forNodes`, dns1123Subdomain));
  return errors;
}

function validateHintNames(
  hints: readonly { readonly name: string }[],
  path: string,
  check: (text: string) => readonly string[],
): FieldError[] {
  const seen = new Set<string>();
  return checkItems(path, hints, ({ name }, at) => {
    const errors = seen.has(name) ? [duplicate(`${at}.name`, name)] : [];
    seen.add(name);
    return [...errors, ...(name === '' ? [required(`${at}.name`)] : checkText(`${at}.name`, name, check))];
  });
}

function validateSlicePorts(ports: readonly EndpointSlicePort[]): FieldError[] {
  if (ports.length > endpointSliceLimits.ports) return [tooMany('ports', ports.length, endpointSliceLimits.ports)];
  const names = new Set<string>();
  return checkItems('ports', ports, ({ name = '', protocol, port, appProtocol }, path) => {
    const errors = checkOptionalText(`${path}.name`, name, dns1123Label);
    if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
    names.add(name);
    errors.push(...checkOneOf(`${path}.protocol`, protocol, protocols));
    if (port !== undefined) errors.push(...checkPort(`${path}.port`, port));
    if (appProtocol !== undefined) errors.push(...checkText(`${path}.appProtocol`, appProtocol, qualifiedName));
    return errors;
  });
}

function validateSubset({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset, path: string): FieldError[] {
  // Without ports is fine: a headless Service has none.
  const isEmpty = addresses.length === 0 && notReadyAddresses.length === 0;
  return [
    ...(isEmpty ? [required(path, 'must specify `addresses` or `notReadyAddresses`')] : []),
    ...checkItems(`${path}.addresses`, addresses, validateEndpointAddress),
    ...checkItems(`${path}.notReadyAddresses`, notReadyAddresses, validateEndpointAddress),
    ...checkItems(`${path}.ports`, ports, (port, at) => validateEndpointsPort(port, ports.length > 1, at)),
  ];
}

function validateEndpointAddress({ ip, hostname, nodeName }: EndpointAddress, path: string): FieldError[] {
  return [
    ...validateIp(`${path}.ip`, ip),
    ...checkOptionalText(`${path}.hostname`, hostname, dns1123Label),
    ...(nodeName === undefined ? [] : checkText(`${path}.nodeName`, nodeName, dns1123Subdomain)),
    ...validateNonSpecialIp(`${path}.ip`, ip),
  ];
}

function validateEndpointsPort(
  { name = '', port, protocol, appProtocol }: EndpointsPort,
  needsName: boolean,
  path: string,
): FieldError[] {
  return [
    ...(name === '' && needsName ? [required(`${path}.name`)] : checkOptionalText(`${path}.name`, name, dns1123Label)),
    ...checkPort(`${path}.port`, port),
    ...checkOneOf(`${path}.protocol`, protocol, protocols),
    ...(appProtocol === undefined ? [] : checkText(`${path}.appProtocol`, appProtocol, qualifiedName)),
  ];
}
