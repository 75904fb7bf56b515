/** The resolv.conf and hosts file of a pod. Pure. Source: k8s pkg/kubelet/network/dns and kubelet_pods.go. */
import type { PodSpec } from '../api/index.ts';

/** What the cluster says about names. */
export interface ClusterDns {
  readonly nameservers: readonly string[];
  /** e.g. `cluster.local`. */
  readonly domain: string;
  /** The node's own resolv.conf text, for dnsPolicy Default. */
  readonly hostResolvConf: string;
}

interface Resolver {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/**
 * The text of the pod's /etc/resolv.conf. `ClusterFirst` is the default; with hostNetwork it means `Default`, unless the
 * policy is `ClusterFirstWithHostNet`. dnsConfig is added to it: at most 3 nameservers and 32 search domains stay.
 */
export function buildResolvConf(spec: PodSpec, namespace: string, cluster: ClusterDns): string {
  const base = baseResolver(spec, namespace, cluster);
  const extra = spec.dnsConfig;
  const nameservers = unique([...base.nameservers, ...(extra?.nameservers ?? [])]).slice(0, 3);
  const searches = unique([...base.searches, ...(extra?.searches ?? [])]).slice(0, 32);
  const options = new Map<string, string>();
  for (const option of base.options) options.set(option.split(':')[0] ?? option, option);
  for (const { name, value } of extra?.options ?? [])
    if (name !== undefined) options.set(name, value === undefined || value === '' ? name : `${name}:${value}`);
  const lines = nameservers.map((address) => `nameserver ${address}`);
  if (searches.length > 0) lines.unshift(`search ${searches.join(' ')}`);
  if (options.size > 0) lines.push(`options ${[...options.values()].join(' ')}`);
  return `${lines.join('\n')}\n`;
}

/** The text of the pod's /etc/hosts. With hostNetwork it is the node's own. */
export function buildHosts(
  pod: { readonly addresses: readonly string[]; readonly hostname: string; readonly fqdn?: string | undefined },
  aliases: PodSpec['hostAliases'] = [],
): string {
  const lines = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
  ];
  for (const address of pod.addresses) {
    lines.push([address, ...(pod.fqdn === undefined ? [] : [pod.fqdn]), pod.hostname].join('\t'));
  }
  if (aliases.length > 0) {
    lines.push('', '# Entries added by HostAliases.');
    for (const alias of aliases) lines.push([alias.ip, ...(alias.hostnames ?? [])].join('\t'));
  }
  return `${lines.join('\n')}\n`;
}

/** The pod's host name: spec.hostname, else its name, cut to 63 characters. hostNetwork pods have the node's. */
export function hostnameOf(pod: { readonly name: string; readonly spec: PodSpec; readonly nodeName: string }): string {
  if (pod.spec.hostNetwork === true) return pod.nodeName;
  const name = pod.spec.hostnameOverride ?? pod.spec.hostname;
  return (name === undefined || name === '' ? pod.name : name).slice(0, 63).replace(/[-.]+$/, '');
}

/** `hostname.subdomain.namespace.svc.domain` when the pod has a subdomain. */
export function fqdnOf(hostname: string, spec: PodSpec, namespace: string, domain: string): string | undefined {
  if (spec.subdomain === undefined || spec.subdomain === '') return undefined;
  return `${hostname}.${spec.subdomain}.${namespace}.svc.${domain}`;
}

/**
 * What the kernel is told: the whole name with setHostnameAsFQDN and a subdomain, else the host name. Undefined when the whole
 * name is longer than a kernel's may be (64 bytes).
 */
export function kernelHostnameOf(hostname: string, fqdn: string | undefined, spec: PodSpec): string | undefined {
  if (spec.setHostnameAsFQDN !== true || fqdn === undefined) return hostname;
  return fqdn.length > maxKernelHostname ? undefined : fqdn;
}

/** Linux, __NEW_UTS_LEN. */
const maxKernelHostname = 64;

function baseResolver(spec: PodSpec, namespace: string, cluster: ClusterDns): Resolver {
  const policy = spec.dnsPolicy ?? 'ClusterFirst';
  if (policy === 'None') return { nameservers: [], searches: [], options: [] };
  if (policy === 'Default' || (policy === 'ClusterFirst' && spec.hostNetwork === true))
    return parseResolvConf(cluster.hostResolvConf);
  const { domain } = cluster;
  const host = parseResolvConf(cluster.hostResolvConf);
  return {
    nameservers: cluster.nameservers,
    searches: [`${namespace}.svc.${domain}`, `svc.${domain}`, domain, ...host.searches],
    options: ['ndots:5'],
  };
}

function parseResolvConf(text: string): Resolver {
  const nameservers: string[] = [];
  let searches: readonly string[] = [];
  const options: string[] = [];
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === 'nameserver' && rest[0] !== undefined) nameservers.push(rest[0]);
    else if (word === 'search' || word === 'domain') searches = rest;
    else if (word === 'options') options.push(...rest);
  }
  return { nameservers, searches, options };
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
