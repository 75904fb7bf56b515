/** A pod that is to be reached on its node: which container, and is it there at all. */
import type { Pod } from '../../api/index.ts';
import { badRequest, pods, serviceUnavailable } from '../../api/index.ts';
import type { Services } from '../http/services.ts';
import type { NodeAccess, PodTarget } from '../node-access.ts';
import { servedOf } from '../registry/catalog.ts';
import { readObject } from '../registry/read.ts';

/** A pod, and the way to its node. */
export interface ReachablePod {
  readonly pod: Pod;
  readonly target: PodTarget;
  readonly nodeAccess: NodeAccess;
}

/** Finds a pod that runs somewhere. Throws 404, 400 while it has no node, 503 where nothing runs pods. */
export function findReachablePod(services: Services, namespace: string, name: string): ReachablePod {
  const pod = readObject(services.context, servedOf(pods), namespace, name).object as Pod;
  const nodeName = pod.spec?.nodeName ?? '';
  if (nodeName === '') throw badRequest(`pod ${name} does not have a host assigned`);
  return { pod, target: { namespace, name, uid: pod.metadata?.uid ?? '', nodeName }, nodeAccess: nodeAccessOf(services) };
}

/** The way to the nodes. Throws 503 where nothing runs pods. */
export function nodeAccessOf(services: Services): NodeAccess {
  const nodeAccess = services.nodeAccess();
  if (nodeAccess === undefined) {
    throw serviceUnavailable('nothing runs pods behind this API server: it was started without nodes (fairlead up has them)');
  }
  return nodeAccess;
}

/** The container that a request means: the named one, or the only one, or the one that the pod's annotation names. Throws 400. */
export function containerOf(pod: Pod, asked: string): string {
  const name = pod.metadata?.name ?? '';
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec ?? { containers: [] };
  const all = [...containers, ...initContainers, ...ephemeralContainers].map((container) => container.name);
  if (asked !== '') {
    if (all.includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const [first] = containers;
  if (containers.length === 1 && first !== undefined) return first.name;
  const preferred = pod.metadata?.annotations?.['kubectl.kubernetes.io/default-container'];
  if (preferred !== undefined && all.includes(preferred)) return preferred;
  const choices = containers.map((container) => container.name).join(' ');
  throw badRequest(`a container name must be specified for pod ${name}, choose one of: [${choices}]`);
}

/** Throws 400 when the container has not started yet, with the reason that its status gives. */
export function assertStarted(pod: Pod, container: string): void {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const status = statuses.find(({ name }) => name === container);
  const waiting = status?.state?.waiting;
  if (status !== undefined && (waiting === undefined || status.lastState?.terminated !== undefined)) return;
  const reason = waiting?.reason ?? 'ContainerCreating';
  throw badRequest(
    `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod.metadata?.name ?? '')} is waiting to start: ${reason}`,
  );
}
