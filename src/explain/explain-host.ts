/** A packet to an address that is nobody's frontend: a pod, a node, or something else. Pure. */
import { formatHostPort } from '../net/index.ts';
import type { Protocol } from '../net/index.ts';
import { internalIpsOf } from '../routing/index.ts';
import type { Node, Pod } from '../api/index.ts';
import type { ClientPlace } from './client-place.ts';
import { undeclaredPorts } from './diagnose.ts';
import { ending } from './ending.ts';
import type { Base } from './ending.ts';
import type { CandidateEndpoint, Explanation, Step } from './explanation.ts';
import { ownedPortList, podAt } from './frontends.ts';
import type { Owner } from './frontends.ts';
import { explainHealthCheck } from './health-check.ts';
import { declaredPorts, isFinished } from './pod-state.ts';
import { seenDirectly } from './source-address.ts';
import { nameOf } from './world.ts';
import type { World } from './world.ts';

/** What is asked for, without a Service behind it. */
export interface HostTarget {
  readonly address: string;
  readonly port?: number;
  readonly protocol: Protocol;
}

/** Explains a packet that is not translated. `owners`: Services that have other ports at the address. */
export function explainHost(
  world: World,
  client: ClientPlace,
  target: HostTarget,
  owners: readonly Owner[],
  base: Base,
  steps: readonly Step[],
): Explanation {
  const { address } = target;
  const pod = podAt(world, address);
  if (pod !== undefined) return explainPod(client, target, pod, base, steps);
  const node = world.nodes.find((candidate) => internalIpsOf(candidate).includes(address));
  if (node !== undefined) return explainNodeItself(world, client, target, node, owners, base, steps);
  const summary = `${address} is no address of a Service, a pod or a node: the packet goes where ${client.nodeName ?? 'the network'} routes it`;
  return ending(base, 'direct', summary, steps);
}

function explainPod(client: ClientPlace, target: HostTarget, pod: Pod, base: Base, steps: readonly Step[]): Explanation {
  const { address, port, protocol } = target;
  if (client.nodeName === undefined) {
    const summary = `unreachable: ${address} is pod ${nameOf(pod)}, and pod addresses are known inside the cluster only (unless your network routes them)`;
    return ending(base, 'unreachable', summary, steps);
  }
  const summary = `${address} is pod ${nameOf(pod)} itself: the packet goes there unchanged, and no Service has a part in it`;
  return ending(base, 'direct', summary, steps, {
    candidates: [podCandidate(client, target, pod, 'its own address')],
    findings: port === undefined ? [] : undeclaredPorts([{ pod, port }], protocol),
  });
}

/** A pod that is reached at an address without a proxy between. */
export function podCandidate(
  client: ClientPlace,
  { address, port }: Pick<HostTarget, 'address' | 'port'>,
  pod: Pod | undefined,
  reason: string,
  share = 1,
): CandidateEndpoint {
  const node = pod?.spec?.nodeName;
  return {
    address,
    ...(port === undefined ? {} : { port }),
    ...(pod === undefined ? {} : { pod: nameOf(pod) }),
    ...(node === undefined ? {} : { node }),
    share,
    reason,
    seenAs: [seenDirectly(client, address)],
  };
}

function explainNodeItself(
  world: World,
  client: ClientPlace,
  target: HostTarget,
  node: Node,
  owners: readonly Owner[],
  base: Base,
  steps: readonly Step[],
): Explanation {
  const { address, port, protocol } = target;
  const nodeName = node.metadata?.name ?? '';
  if (port === undefined) {
    const ports = owners
      .filter((owner) => owner.kind === 'nodePort')
      .map((owner) => `${nameOf(owner.service)} ${ownedPortList(owner.ports)}`);
    return ending(
      base,
      'direct',
      `${address} is ${nodeName} itself; its node ports: ${ports.length === 0 ? 'none' : ports.join('; ')}`,
      steps,
    );
  }
  const health = protocol === 'TCP' ? explainHealthCheck(world, nodeName, { address, port }, base, steps) : undefined;
  if (health !== undefined) return health;
  const pod = world.pods.find(
    (candidate) =>
      candidate.spec?.hostNetwork === true &&
      candidate.spec.nodeName === nodeName &&
      !isFinished(candidate) &&
      declaredPorts(candidate).some((declared) => declared.port === port && declared.protocol === protocol),
  );
  if (pod !== undefined) {
    const summary = `no Service has node port ${port}/${protocol}: the packet reaches ${nodeName} itself, where pod ${nameOf(pod)} (hostNetwork) has that port`;
    return ending(base, 'direct', summary, steps, {
      candidates: [podCandidate(client, target, pod, 'in the network of its node')],
    });
  }
  const summary = `no Service has node port ${port}/${protocol}: the packet reaches ${nodeName} itself, which refuses unless something listens at ${formatHostPort(address, port)} there`;
  return ending(base, 'direct', summary, steps);
}
