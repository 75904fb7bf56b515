/** A name as a client of the cluster's DNS would resolve it: the walk of the search path over the very index that the name server answers from. */
import { formatIp } from '../net/index.ts';
import { encodeLabel, NameIndex, rrsetOf, rrTypes } from '../names/index.ts';
import type { KnownService, NameNode } from '../names/index.ts';
import type { ClientPlace } from './client-place.ts';
import type { World } from './world.ts';

/** What a name leads to. */
export type NameAnswer =
  | { readonly kind: 'addresses'; readonly name: string; readonly addresses: readonly string[]; readonly service?: KnownService }
  | { readonly kind: 'alias'; readonly name: string; readonly target: string; readonly service?: KnownService }
  /** Exists, without an address. */
  | { readonly kind: 'no-data'; readonly name: string }
  | { readonly kind: 'not-found'; readonly why: string }
  /** Not of the cluster domain. */
  | { readonly kind: 'foreign'; readonly name: string };

export interface Resolution {
  /** Every name that was asked for, in order, with the outcome of each. */
  readonly tried: readonly { readonly name: string; readonly answer: 'NXDOMAIN' | 'NODATA' | 'NOERROR' | 'foreign' }[];
  readonly answer: NameAnswer;
}

/** Upstream's pod resolv.conf: names with fewer dots go through the search path first. */
const ndots = 5;
const maxAliases = 10;

/** Resolves a name as typed: through the search path of the client's namespace, then as it stands. */
export function resolveName(world: World, client: ClientPlace, typed: string): Resolution {
  const index = indexOf(world);
  const tried: { name: string; answer: 'NXDOMAIN' | 'NODATA' | 'NOERROR' | 'foreign' }[] = [];
  for (const name of candidateNames(world, client, typed)) {
    const relative = relativeLabels(world, name);
    if (relative === undefined) {
      tried.push({ name, answer: 'foreign' });
      // one or two labels are more likely a mistaken Service name than an outside name
      const isShort = tried.length > 1 && typed.split('.').length <= 2;
      return {
        tried,
        answer: isShort ? { kind: 'not-found', why: whyNot(world, index, client, typed) } : { kind: 'foreign', name },
      };
    }
    const found = lookUp(world, index, relative, name);
    tried.push({ name, answer: found.kind === 'not-found' ? 'NXDOMAIN' : found.kind === 'no-data' ? 'NODATA' : 'NOERROR' });
    if (found.kind !== 'not-found') return { tried, answer: found };
  }
  return { tried, answer: { kind: 'not-found', why: whyNot(world, index, client, typed) } };
}

function candidateNames(world: World, client: ClientPlace, typed: string): string[] {
  if (typed.endsWith('.')) return [typed.slice(0, -1)];
  const search = [`${client.namespace}.svc.${world.clusterDomain}`, `svc.${world.clusterDomain}`, world.clusterDomain];
  const expanded = search.map((suffix) => `${typed}.${suffix}`);
  const dots = typed.split('.').length - 1;
  return dots >= ndots ? [typed, ...expanded] : [...expanded, typed];
}

/** Labels left of the cluster domain; undefined when the name is of another domain. */
function relativeLabels(world: World, name: string): string[] | undefined {
  const suffix = `.${world.clusterDomain}`;
  return name.endsWith(suffix) ? name.slice(0, -suffix.length).split('.') : undefined;
}

function lookUp(world: World, index: NameIndex, labels: readonly string[], name: string, depth = 0): NameAnswer {
  const node = findNode(index, labels);
  if (node === undefined) return { kind: 'not-found', why: '' };
  const service = serviceOf(index, labels);
  const owner = service === undefined ? {} : { service };
  const [alias] = rrsetOf(node, rrTypes.CNAME) === undefined ? [] : [service?.service?.spec?.externalName ?? ''];
  if (alias !== undefined) {
    const target = alias.replace(/\.$/, '').toLowerCase();
    const inside = relativeLabels(world, target);
    if (inside === undefined || depth >= maxAliases) return { kind: 'alias', name, target, ...owner };
    const end = lookUp(world, index, inside, target, depth + 1);
    return end.kind === 'not-found' ? { kind: 'alias', name, target, ...owner } : end;
  }
  const addresses = [...addressesOf(node, rrTypes.A, 4), ...addressesOf(node, rrTypes.AAAA, 16)];
  return addresses.length === 0 ? { kind: 'no-data', name } : { kind: 'addresses', name, addresses, ...owner };
}

function findNode(index: NameIndex, labels: readonly string[]): NameNode | undefined {
  if (labels.some((label) => label === '' || label.length > 63)) return undefined;
  return index.forward.findText(labels.map((label) => encodeLabel(label)).join(''));
}

function addressesOf(node: NameNode, type: number, width: 4 | 16): string[] {
  const rrset = rrsetOf(node, type);
  if (rrset === undefined) return [];
  const texts: string[] = [];
  for (let at = 0; at + width <= rrset.data.length; at += width) {
    const bytes = Uint8Array.from({ length: width }, (_, offset) => rrset.data.charCodeAt(at + offset));
    texts.push(formatIp({ family: width === 4 ? 'IPv4' : 'IPv6', bytes }));
  }
  return texts;
}

function serviceOf(index: NameIndex, labels: readonly string[]): KnownService | undefined {
  const at = labels.lastIndexOf('svc');
  return at < 2 ? undefined : index.service(labels[at - 1] ?? '', labels[at - 2] ?? '');
}

/** The reason that helps most: namespace, then Service, then endpoints. */
function whyNot(world: World, index: NameIndex, client: ClientPlace, typed: string): string {
  const labels = (relativeLabels(world, typed.replace(/\.$/, '')) ?? typed.replace(/\.$/, '').split('.')).filter(
    (label) => label !== 'svc',
  );
  const [first = '', second] = labels;
  const namespace = labels.length >= 2 ? (labels.at(-1) ?? '') : client.namespace;
  const name = labels.length >= 3 ? (second ?? '') : first;
  if (!world.namespaces.includes(namespace)) return `there is no namespace ${namespace}`;
  const known = index.service(namespace, name);
  if (known?.service === undefined) {
    const elsewhere = world.services
      .filter((service) => service.metadata?.name === name)
      .map((service) => service.metadata?.namespace ?? '');
    const hint = elsewhere.length === 0 ? '' : `; there is one in ${elsewhere.join(', ')}: ask for ${name}.${elsewhere[0] ?? ''}`;
    return `there is no Service ${name} in namespace ${namespace}${hint}`;
  }
  if (labels.length >= 3)
    return `Service ${namespace}/${name} has no ready endpoint called ${first}: the name is a pod's spec.hostname, with spec.subdomain ${name}`;
  if (known.service.spec?.clusterIP === 'None') return `the headless Service ${namespace}/${name} has no ready endpoint`;
  return `Service ${namespace}/${name} gives no address`;
}

function indexOf(world: World): NameIndex {
  const index = new NameIndex({ zone: world.clusterDomain, nowSeconds: () => 0 });
  for (const name of world.namespaces) index.applyNamespace({ metadata: { name } });
  for (const service of world.services) index.applyService(service);
  for (const slice of world.slices) index.applyEndpointSlice(slice);
  return index;
}
