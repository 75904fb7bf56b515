/**
 * Objects without what the agent never reads. It keeps every Service, slice and Node of a cluster; each field kept is paid for that many
 * times. With 10,000 Services of ten endpoints they weigh a third of what was parsed.
 */
import { objectsIn, textsIn } from '../api/index.ts';
import type { Endpoint, EndpointSlice, Node, ObjectMeta, Service } from '../api/index.ts';
import { headlessLabel, proxyNameLabel, serviceNameLabel, topologyKeysAnnotation } from '../routing/index.ts';
import { triggerTimeAnnotation } from './change-tracker.ts';

/** Slims the objects of one server: values that many objects have alike are one value. */
export interface Slimmer {
  readonly service: (service: Service) => Service;
  readonly slice: (slice: EndpointSlice) => EndpointSlice;
  readonly node: (node: Node) => Node;
}

/** A slimmer, which remembers the names of nodes and zones and the lists of ports. */
export function createSlimmer(): Slimmer {
  const shared = createShared();
  return {
    service: ({ metadata, spec, status }) => {
      const { selector: _selector, ...rest } = spec ?? {};
      return {
        metadata: slimMetadata(metadata, [proxyNameLabel], [topologyKeysAnnotation]),
        spec: rest,
        ...(status?.loadBalancer?.ingress === undefined ? {} : { status: { loadBalancer: status.loadBalancer } }),
      };
    },
    slice: ({ metadata, addressType, ports, endpoints }) => ({
      metadata: slimMetadata(metadata, [serviceNameLabel, headlessLabel], [triggerTimeAnnotation]),
      addressType,
      ...(ports === undefined || ports === null ? {} : { ports: shared.list(ports) }),
      endpoints: objectsIn(endpoints).map((endpoint) => slimEndpoint(endpoint, shared)),
    }),
    node: ({ metadata, spec, status }) => ({
      metadata: { ...slimMetadata(metadata, [], []), ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }) },
      spec: { podCIDR: spec?.podCIDR, podCIDRs: spec?.podCIDRs, taints: spec?.taints, unschedulable: spec?.unschedulable },
      status: { addresses: status?.addresses },
    }),
  };
}

/** What one endpoint is for the proxy: of its pod the address, which is what packets know. */
function slimEndpoint(endpoint: Endpoint, shared: Shared): Endpoint {
  const { hostname, nodeName, zone, hints } = endpoint;
  const all = textsIn(endpoint.addresses);
  const addresses = all.length > 1 ? all.slice(0, 1) : all;
  const { ready, serving, terminating } = endpoint.conditions ?? {};
  const conditions = conditionsOf(ready ?? true, serving ?? true, terminating ?? false);
  // As nearly all are, in one literal: what is put together by spreading takes a quarter more for ever.
  if (nodeName !== undefined && zone !== undefined && hostname === undefined && hints === undefined) {
    return { addresses, conditions, nodeName: shared.text(nodeName), zone: shared.text(zone) };
  }
  return {
    addresses,
    conditions,
    ...(nodeName === undefined ? {} : { nodeName: shared.text(nodeName) }),
    ...(zone === undefined ? {} : { zone: shared.text(zone) }),
    ...(hostname === undefined || hostname === '' ? {} : { hostname }),
    ...(hints === undefined || hints === null ? {} : { hints: shared.list(hints) }),
  };
}

function slimMetadata(
  metadata: ObjectMeta | undefined,
  labelNames: readonly string[],
  annotationNames: readonly string[],
): ObjectMeta {
  const labels = pick(metadata?.labels, labelNames);
  const annotations = pick(metadata?.annotations, annotationNames);
  return {
    name: metadata?.name,
    namespace: metadata?.namespace,
    uid: metadata?.uid,
    resourceVersion: metadata?.resourceVersion,
    creationTimestamp: metadata?.creationTimestamp,
    ...(metadata?.deletionTimestamp === undefined ? {} : { deletionTimestamp: metadata.deletionTimestamp }),
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** The entries with these names; undefined when there are none. */
function pick(
  entries: Readonly<Record<string, string>> | undefined,
  names: readonly string[],
): Record<string, string> | undefined {
  let picked: Record<string, string> | undefined;
  for (const name of names) {
    const value = entries?.[name];
    if (value !== undefined) (picked ??= {})[name] = value;
  }
  return picked;
}

/** All there can be, so that nobody has conditions of their own. */
const allConditions = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => ({
  ready: (bits & 4) !== 0,
  serving: (bits & 2) !== 0,
  terminating: (bits & 1) !== 0,
}));

function conditionsOf(ready: boolean, serving: boolean, terminating: boolean): Endpoint['conditions'] {
  return allConditions[(ready ? 4 : 0) | (serving ? 2 : 0) | (terminating ? 1 : 0)];
}

/** Equal values made one. */
interface Shared {
  text(text: string): string;
  list<T extends object>(value: T): T;
}

/** More than a cluster has nodes; beyond it memory is begun anew rather than filled with names of nodes that are gone. */
const maxShared = 50_000;

function createShared(): Shared {
  const known = new Map<string, unknown>();
  const share = <T>(key: string, value: T): T => {
    const same = known.get(key);
    if (same !== undefined) return same as T;
    if (known.size >= maxShared) known.clear();
    known.set(key, value);
    return value;
  };
  return {
    text: (text) => share(text, text),
    list: (value) => share(JSON.stringify(value), value),
  };
}
