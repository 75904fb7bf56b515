/** Builders for tests of the decision: short objects with the defaults that an API server would have filled in. */
import type { Endpoint, EndpointSlice, Node, Service } from '../api/index.ts';
import type { PortDecision, RoutingDecision, Target } from './decision.ts';
import type { DecideInput, DecideOptions } from './decide.ts';
import { decide, nodesByName } from './decide.ts';

export interface EndpointText {
  readonly ip: string;
  readonly node?: string;
  readonly zone?: string;
  /** `ready` (default), `not-ready`, `terminating` (still serving) or `gone` (terminating, not serving). */
  readonly state?: 'ready' | 'not-ready' | 'terminating' | 'gone';
  readonly forZones?: readonly string[];
  readonly forNodes?: readonly string[];
}

const states = {
  ready: { ready: true, serving: true, terminating: false },
  'not-ready': { ready: false, serving: false, terminating: false },
  terminating: { ready: false, serving: true, terminating: true },
  gone: { ready: false, serving: false, terminating: true },
} as const;

export function endpoint(text: EndpointText): Endpoint {
  return {
    addresses: [text.ip],
    conditions: states[text.state ?? 'ready'],
    ...(text.node === undefined ? {} : { nodeName: text.node }),
    ...(text.zone === undefined ? {} : { zone: text.zone }),
    ...(text.forZones === undefined && text.forNodes === undefined
      ? {}
      : { hints: { forZones: text.forZones?.map((name) => ({ name })), forNodes: text.forNodes?.map((name) => ({ name })) } }),
  };
}

/** A slice of Service ns/web with port 8080 unless said. */
export function slice(
  endpoints: readonly EndpointText[],
  more: {
    readonly name?: string;
    readonly ports?: EndpointSlice['ports'];
    readonly labels?: Record<string, string>;
    readonly addressType?: string;
    readonly service?: string;
  } = {},
): EndpointSlice {
  return {
    metadata: {
      name: more.name ?? 'web-1',
      namespace: 'ns',
      labels: { 'kubernetes.io/service-name': more.service ?? 'web', ...more.labels },
    },
    addressType: more.addressType ?? 'IPv4',
    ports: more.ports ?? [{ name: '', protocol: 'TCP', port: 8080 }],
    endpoints: endpoints.map(endpoint),
  };
}

/** Service ns/web with cluster IP 10.96.0.1 and port 80. */
export function service(spec: Readonly<Record<string, unknown>> = {}, more: Partial<Service> = {}): Service {
  return {
    metadata: { name: 'web', namespace: 'ns', creationTimestamp: '2026-01-01T00:00:00Z', ...more.metadata },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1'],
      ports: [{ port: 80, protocol: 'TCP' }],
      ...spec,
    },
    ...(more.status === undefined ? {} : { status: more.status }),
  };
}

/** A LoadBalancer Service with every kind of frontend: cluster IP, load balancer 1.2.3.4, external IP 192.168.99.11, node port 30080. */
export function fullService(
  spec: Readonly<Record<string, unknown>> = {},
  ingress: readonly Readonly<Record<string, string>>[] = [{ ip: '1.2.3.4' }],
): Service {
  return service(
    { type: 'LoadBalancer', externalIPs: ['192.168.99.11'], ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }], ...spec },
    { status: { loadBalancer: { ingress } } },
  );
}

export function node(name: string, labels: Readonly<Record<string, string>> = {}, address = '10.0.1.1'): Node {
  return { metadata: { name, labels }, status: { addresses: [{ type: 'InternalIP', address }] } };
}

/** The decision on node `n1`. */
export function decideOn(
  input: Partial<Omit<DecideInput, 'nodes'>> & { readonly nodes?: readonly Node[]; readonly endpoints?: readonly EndpointText[] },
  options: DecideOptions = {},
): RoutingDecision {
  return decide({
    service: input.service ?? service(),
    slices: input.slices ?? [slice(input.endpoints ?? [])],
    nodes: nodesByName(input.nodes ?? [node('n1')]),
    nodeName: input.nodeName ?? 'n1',
    family: input.family ?? 'IPv4',
    options,
  });
}

/** The first port of a decision. Throws when there is none. */
export function onlyPort(decision: RoutingDecision): PortDecision {
  const [port] = decision.ports;
  if (port === undefined) throw new Error(`no ports: ${JSON.stringify(decision.skipped)}`);
  return port;
}

/** Short text of a target: `a b c`, `reject` or `drop`; last parts of addresses only. */
export function targetText(target: Target): string {
  return target.kind === 'endpoints'
    ? target.endpoints.map(({ address }) => address.slice(address.lastIndexOf('.') + 1)).join(' ')
    : target.kind;
}

/** `kind inside | outside` of every frontend of the first port. */
export function flowsOf(decision: RoutingDecision): string[] {
  return onlyPort(decision).frontends.map(
    (frontend) => `${frontend.kind} ${targetText(frontend.inside)} | ${targetText(frontend.outside)}`,
  );
}

/** `address code` (with `!` before it when left out) of each endpoint for the Cluster list. */
export function clusterCodes(decision: RoutingDecision): string[] {
  return onlyPort(decision).endpoints.map((line) => `${line.address} ${line.cluster.used ? '' : '!'}${line.cluster.code}`);
}

/** The same for the Local list. */
export function localCodes(decision: RoutingDecision): string[] {
  return onlyPort(decision).endpoints.map(
    (line) => `${line.address} ${line.local === undefined ? '-' : `${line.local.used ? '' : '!'}${line.local.code}`}`,
  );
}
