/** Which nodes a packet may enter the cluster by, and whether its client counts as inside there. Pure. */
import type { Node, Service } from '../api/index.ts';
import type { IpFamily } from '../net/index.ts';
import type { FrontendKind } from '../routing/index.ts';
import { internalIpsOf } from '../routing/index.ts';
import type { ClientPlace } from './client-place.ts';
import type { Step } from './explanation.ts';
import { decideOn } from './frontends.ts';
import type { Entry } from './source-address.ts';
import type { World } from './world.ts';

/** The entries, equally likely, with the sentence that says why. `dead`: there are none, and what that means for the client. */
export type EntryPlan =
  | { readonly entries: readonly Entry[]; readonly steps: readonly Step[] }
  | {
      readonly entries: readonly [];
      readonly steps: readonly Step[];
      readonly dead: { readonly outcome: 'dropped' | 'unreachable'; readonly summary: string };
    };

/** Where packets of the client for this address of the Service enter. */
export function entriesFor(
  world: World,
  client: ClientPlace,
  service: Service,
  kind: FrontendKind,
  address: string,
  family: IpFamily,
): EntryPlan {
  const owner = world.nodes.find((node) => internalIpsOf(node).includes(address))?.metadata?.name;
  const isInside = owner !== undefined && owner === client.nodeName;
  if (owner !== undefined && (kind === 'nodePort' || client.nodeName === undefined)) {
    const text = isInside
      ? `the client is on ${owner} itself: it counts as inside`
      : `the packet enters ${owner} from elsewhere: the client counts as outside`;
    return { entries: [{ nodeName: owner, isInside, weight: 1 }], steps: [{ code: 'entry', text }] };
  }
  if (client.nodeName !== undefined) {
    const text = `${client.nodeName} decides: the packet meets its rules before it leaves`;
    return { entries: [{ nodeName: client.nodeName, isInside: true, weight: 1 }], steps: [{ code: 'entry', text }] };
  }
  if (kind === 'clusterIP') return noWayToClusterIps;
  return kind === 'loadBalancerIP'
    ? byLoadBalancer(world, service, family)
    : anyOf(
        world.nodes.map(nameOfNode),
        `nothing announces an external IP by itself: whoever routes ${address} to the cluster chooses the node`,
      );
}

/** What becomes of a packet from outside for an address that only nodes know. */
export const noWayToClusterIps: EntryPlan = deadEnd(
  'unreachable',
  'cluster IPs are known inside the cluster only: outside, nobody has a route to them',
);

const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';

/** As a cloud's service controller and its health checks choose. */
function byLoadBalancer(world: World, service: Service, family: IpFamily): EntryPlan {
  const members = world.nodes.filter((node) => !isExcluded(node)).map(nameOfNode);
  if (service.spec?.externalTrafficPolicy !== 'Local') return anyOf(members, 'the load balancer spreads over all nodes');
  const port = service.spec.healthCheckNodePort ?? 0;
  const health = members.map((nodeName) => ({
    nodeName,
    count: decideOn(world, service, nodeName, family).healthCheck?.localReadyCount,
  }));
  const healthy = health.filter(({ count }) => count === undefined || count > 0).map(({ nodeName }) => nodeName);
  const text = `externalTrafficPolicy Local: the load balancer asks the health-check port ${port} of every node (${health
    .map(({ nodeName, count }) => `${nodeName} ${count === undefined || count > 0 ? '200' : '503'}`)
    .join(', ')})`;
  if (healthy.length > 0) return anyOf(healthy, `${text} and sends to ${healthy.join(', ')}`, 'health-check');
  return deadEnd(
    'dropped',
    'no node has a ready endpoint of its own, so every health check fails and the load balancer sends to nobody',
    text,
  );
}

function anyOf(names: readonly string[], text: string, code: Step['code'] = 'entry'): EntryPlan {
  if (names.length === 0) return deadEnd('unreachable', 'there is no node that it could enter');
  const entries = names.map((nodeName) => ({ nodeName, isInside: false, weight: 1 / names.length }));
  return {
    entries,
    steps: [
      { code, text },
      {
        code: 'entry',
        text: `the packet enters by ${names.length === 1 ? '' : 'one of '}${someOf(names)}: the client counts as outside`,
      },
    ],
  };
}

function deadEnd(outcome: 'dropped' | 'unreachable', summary: string, text = summary): EntryPlan {
  return { entries: [], steps: [{ code: 'entry', text }], dead: { outcome, summary } };
}

function someOf(names: readonly string[]): string {
  return names.length <= 8 ? names.join(', ') : `${names.slice(0, 8).join(', ')} and ${names.length - 8} more`;
}

function nameOfNode(node: Node): string {
  return node.metadata?.name ?? '';
}

/** k8s cloud-provider/controllers/service: label, deletion, and the autoscaler's taint. */
function isExcluded(node: Node): boolean {
  const label = node.metadata?.labels?.[excludeLabel];
  return (
    node.metadata?.deletionTimestamp !== undefined ||
    (label !== undefined && !['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(label)) ||
    (node.spec?.taints ?? []).some((taint) => taint.key === 'ToBeDeletedByClusterAutoscaler')
  );
}
