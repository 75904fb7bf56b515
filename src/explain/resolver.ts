/** What a client's resolv.conf says: k8s pkg/kubelet/network/dns, as the kubelet writes it. Pure. */
import type { ClientPlace } from './client-place.ts';
import type { Finding } from './explanation.ts';
import { nameOf } from './world.ts';
import type { World } from './world.ts';

/** The way from a typed name to the names that are asked for. */
export interface Resolver {
  readonly search: readonly string[];
  /** Names with fewer dots go through the search path first. */
  readonly ndots: number;
  /** Remarks on it. */
  readonly findings: readonly Finding[];
  /** Not a pod of the cluster's DNS: what it would be told if it were. */
  readonly isAssumed: boolean;
}

/** As the kubelet gives it to pods of the cluster's DNS. */
const clusterNdots = 5;
/** resolv.conf(5). */
const usualNdots = 1;

/** The resolver of a client. Nodes and outside have none that knows the cluster: for them a pod of the namespace stands in. */
export function resolverOf(world: World, client: ClientPlace): Resolver {
  const domain = world.clusterDomain;
  const search = [`${client.namespace}.svc.${domain}`, `svc.${domain}`, domain];
  const spec = client.pod?.spec;
  if (client.pod === undefined || spec === undefined) return { search, ndots: clusterNdots, findings: [], isAssumed: true };
  const policy = spec.dnsPolicy ?? 'ClusterFirst';
  const usesNode = policy === 'Default' || (policy === 'ClusterFirst' && spec.hostNetwork === true);
  const extra = spec.dnsConfig?.searches ?? [];
  const option = spec.dnsConfig?.options?.find(({ name }) => name === 'ndots')?.value;
  const own = option === undefined || !/^\d+$/.test(option) ? undefined : Number(option);
  if (usesNode)
    return { search: extra, ndots: own ?? usualNdots, findings: [nodeResolver(nameOf(client.pod), policy)], isAssumed: false };
  const base = policy === 'None' ? [] : search;
  return {
    search: [...new Set([...base, ...extra])],
    ndots: own ?? (policy === 'None' ? usualNdots : clusterNdots),
    findings: [],
    isAssumed: false,
  };
}

function nodeResolver(pod: string, policy: string): Finding {
  const why =
    policy === 'Default'
      ? 'has dnsPolicy Default'
      : "has hostNetwork and dnsPolicy ClusterFirst (for the cluster's names it needs ClusterFirstWithHostNet)";
  const text = `pod ${pod} ${why}: it asks its node's name server, without the cluster's search path; only full names can be found, and only if that server knows the cluster`;
  return { kind: 'cause', code: 'node-resolver', text };
}

/** Every name that is asked for, in order (resolver(5)): through the search path, or first as it stands when it has enough dots. */
export function namesToTry({ search, ndots }: Pick<Resolver, 'search' | 'ndots'>, typed: string): string[] {
  if (typed.endsWith('.')) return [typed.slice(0, -1)];
  const expanded = search.map((suffix) => `${typed}.${suffix.replace(/\.$/, '')}`);
  const dots = typed.split('.').length - 1;
  return dots >= ndots ? [typed, ...expanded] : [...expanded, typed];
}
