/** What the lab answers to other commands of the same user. */
import { pods } from '../api/index.ts';
import { buildHosts, buildResolvConf, fqdnOf, hostnameOf, kernelHostnameOf } from '../kubelet/index.ts';
import { outsideResolvConf } from '../cluster/index.ts';
import type { Cluster, Machine } from '../cluster/index.ts';
import { keyOf } from '../client/index.ts';
import { formatIp, mustParseIp } from '../net/index.ts';
import { formatPlace, parsePlace } from '../explain/index.ts';
import type { AffinityPin, ControlHandler, PinFilter, PlaceEntry } from './control.ts';

type Request = Parameters<ControlHandler>[0];

/** Throws the coded errors of the rooms that do it; their messages are for the user. */
export async function answerControl(cluster: Cluster, request: Request): Promise<unknown> {
  switch (request.op) {
    case 'place':
      return placeEntry(cluster, wholePlace(request.place, request.namespace));
    case 'node':
      if (request.isUp) cluster.lab.startNode(request.node);
      else cluster.lab.stopNode(request.node);
      return null;
    case 'link':
      if (request.isWhole) cluster.lab.healLink(request.a, request.b);
      else cluster.lab.cutLink(request.a, request.b);
      return null;
    case 'affinity':
      return machinesOf(cluster, request.filter).flatMap((machine) => pinsOf(cluster, machine, request.filter));
    case 'clear-affinity': {
      const { node: _, ...filter } = request.filter;
      let count = 0;
      for (const { agent } of machinesOf(cluster, request.filter)) count += agent.clearAffinity(filter);
      return count;
    }
  }
}

/** In order of names. Throws the lab's error when the one that is asked for is not there. */
function machinesOf(cluster: Cluster, { node }: PinFilter): readonly Machine[] {
  if (node !== undefined) cluster.lab.node(node);
  return [...cluster.machines.values()]
    .filter((machine) => node === undefined || machine.name === node)
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

function pinsOf(cluster: Cluster, { name, agent }: Machine, { service, client }: PinFilter): AffinityPin[] {
  const wanted = client === undefined ? undefined : formatIp(mustParseIp(client));
  const podOf = new Map<string, string>();
  for (const pod of cluster.informers.of(pods).list())
    for (const { ip } of pod.status?.podIPs ?? [])
      if (ip !== undefined && pod.spec?.hostNetwork !== true) podOf.set(ip, keyOf(pod));
  return agent
    .affinity()
    .filter((entry) => (service === undefined || entry.service === service) && (wanted === undefined || entry.client === wanted))
    .map((entry) => {
      const pod = entry.endpoint === undefined ? undefined : podOf.get(hostOf(entry.endpoint));
      return { ...entry, node: name, ...(pod === undefined ? {} : { pod }) };
    });
}

/** `10.244.1.2` of `10.244.1.2:80`, `fd00::1` of `[fd00::1]:80`. */
function hostOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(':')).replaceAll(/[[\]]/g, '');
}

/** The place with the namespace that completes a pod's name. Throws `QuestionError` when the text is none. */
function wholePlace(text: string, namespace: string): string {
  const place = parsePlace(text);
  return formatPlace(place.kind === 'pod' ? { ...place, namespace: place.namespace ?? namespace } : place);
}

/** How to enter a place, with the names that are known there. */
function placeEntry(cluster: Cluster, name: string): PlaceEntry {
  const place = cluster.lab.place(name);
  const [kind = '', ...rest] = name.split('/');
  const key = rest.length === 1 ? `default/${rest[0] ?? ''}` : rest.join('/');
  const pod = kind === 'pod' ? cluster.informers.of(pods).get(key) : undefined;
  const { spec, metadata } = pod ?? {};
  const namespace = metadata?.namespace ?? 'default';
  const last = rest.at(-1) ?? kind;
  const hostname = spec === undefined ? last : hostnameOf({ name: last, spec, nodeName: spec.nodeName ?? last });
  const fqdn = spec === undefined ? undefined : fqdnOf(hostname, spec, namespace, cluster.clusterDns.domain);
  const hostResolvConf = kind === 'node' ? cluster.clusterDns.hostResolvConf : outsideResolvConf(cluster.lab.outside);
  return {
    place: name,
    namespaceFd: place.namespace.fd,
    resolvConf: spec === undefined ? hostResolvConf : buildResolvConf(spec, namespace, cluster.clusterDns),
    hosts: buildHosts({ addresses: place.addresses.slice(0, 2), hostname, fqdn }, spec?.hostAliases),
    hostname: (spec === undefined ? undefined : kernelHostnameOf(hostname, fqdn, spec)) ?? hostname,
  };
}
