/** What `routing` says about everything on one node in one family, computed from the objects alone, each time from scratch. */
import type { EndpointSlice, Node, Service } from '../../../src/api/index.ts';
import type { IpFamily } from '../../../src/net/index.ts';
import { decide, frontendKey, settleClaims } from '../../../src/routing/index.ts';
import type { DecideOptions, Frontend, PortDecision, RoutingDecision } from '../../../src/routing/index.ts';
import type { AgentLab } from '../agent-lab.ts';

/** A frontend with the port that it belongs to. */
export interface Routed {
  readonly frontend: Frontend;
  readonly port: PortDecision;
  /** `namespace/name`. */
  readonly service: string;
}

/** One node, one family. */
export interface NodeRoutes {
  readonly nodeName: string;
  readonly family: IpFamily;
  readonly node: Node | undefined;
  readonly decisions: readonly RoutingDecision[];
  /** By `frontendKey`. */
  readonly frontends: ReadonlyMap<string, Routed>;
}

/** Decides everything anew. `options`: those of the node's agent. */
export function routesOf(lab: AgentLab, nodeName: string, family: IpFamily, options: DecideOptions = {}): NodeRoutes {
  const decisions = settleClaims(
    lab.services.list().map((service) =>
      decide({
        service,
        slices: lab.slices.list().filter((slice) => belongsTo(slice, service)),
        nodes: lab.nodes,
        nodeName,
        family,
        options,
      }),
    ),
  );
  const frontends = new Map<string, Routed>();
  for (const { namespace, name, ports } of decisions) {
    for (const port of ports) {
      for (const frontend of port.frontends)
        frontends.set(frontendKey(frontend), { frontend, port, service: `${namespace}/${name}` });
    }
  }
  return { nodeName, family, node: lab.nodes.get(nodeName), decisions, frontends };
}

/** `address:port` of the endpoints to which a UDP flow may go on, whatever the policies are now. Source: k8s pkg/proxy/conntrack v1.36. */
export function servingEndpoints({ endpoints }: PortDecision): ReadonlySet<string> {
  const unfit = new Set(['bad-address', 'wrong-family', 'no-such-port', 'headless-slice', 'duplicate']);
  return new Set(
    endpoints
      .filter(({ cluster, conditions }) => !unfit.has(cluster.code) && (conditions.ready || conditions.serving))
      .map(({ address, port }) => `${address} ${port}`),
  );
}

function belongsTo(slice: EndpointSlice, service: Service): boolean {
  return (
    slice.metadata?.namespace === service.metadata?.namespace &&
    slice.metadata?.labels?.['kubernetes.io/service-name'] === service.metadata?.name
  );
}
