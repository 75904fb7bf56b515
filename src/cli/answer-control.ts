/** What the lab answers to other commands of the same user. */
import { pods } from '../api/index.ts';
import { buildHosts, buildResolvConf } from '../kubelet/index.ts';
import { outsideResolvConf } from '../cluster/index.ts';
import type { Cluster } from '../cluster/index.ts';
import { formatPlace, parsePlace } from '../explain/index.ts';
import type { ControlHandler, PlaceEntry } from './control.ts';

type Request = Parameters<ControlHandler>[0];

/** Throws the coded errors of the rooms that do it; their messages are for the user. */
export async function answerControl(cluster: Cluster, request: Request): Promise<unknown> {
  switch (request.op) {
    case 'place':
      return placeEntry(cluster, wholePlace(request.place, request.namespace));
  }
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
  const hostname = pod?.spec?.hostname ?? rest.at(-1) ?? kind;
  const hostResolvConf = kind === 'node' ? cluster.clusterDns.hostResolvConf : outsideResolvConf(cluster.lab.outside);
  return {
    place: name,
    namespaceFd: place.namespace.fd,
    resolvConf:
      pod?.spec === undefined
        ? hostResolvConf
        : buildResolvConf(pod.spec, pod.metadata?.namespace ?? 'default', cluster.clusterDns),
    hosts: buildHosts({ addresses: place.addresses.slice(0, 2), hostname }, pod?.spec?.hostAliases),
    hostname,
  };
}
