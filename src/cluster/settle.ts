/** Whether everything that was asked for is there: pods ready, endpoints listed, load balancers given. */
import { daemonSets, deployments, endpointSlices, pods, services, statefulSets } from '../api/index.ts';
import type { EndpointSlice, Pod, Resource, Service } from '../api/index.ts';
import type { KubeObject, SharedInformers } from '../client/index.ts';
import { keyOf } from '../client/index.ts';
import type { Applied } from './apply.ts';
import { isPodReady, selects, serviceNameLabel } from '../slices/index.ts';

const followed: readonly Resource<KubeObject>[] = [pods, services, endpointSlices, deployments, statefulSets, daemonSets];

/** Resolves when the informers hold what was just applied, or something newer: judging from an older copy would be too early. */
export async function untilKnown(informers: SharedInformers, applied: readonly Applied[], timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  const isKnown = ({ resource, object }: Applied): boolean => {
    if (!followed.includes(resource)) return true;
    const version = informers.of(resource).get(keyOf(object))?.metadata?.resourceVersion;
    return version !== undefined && BigInt(version) >= BigInt(object.metadata?.resourceVersion ?? '0');
  };
  while (!applied.every(isKnown) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** What is still missing, in a person's words; empty when all has settled. */
export function unsettled(informers: SharedInformers): string[] {
  const allPods = informers.of(pods).list();
  return [...workloads(informers), ...podsMissing(allPods), ...servicesMissing(informers, allPods)];
}

function workloads(informers: SharedInformers): string[] {
  const missing: string[] = [];
  for (const object of informers.of(deployments).list()) {
    const { observedGeneration = 0, readyReplicas = 0 } = object.status ?? {};
    if (observedGeneration < (object.metadata?.generation ?? 0) || readyReplicas < (object.spec?.replicas ?? 1))
      missing.push(`deployment ${keyOf(object)}`);
  }
  for (const object of informers.of(statefulSets).list()) {
    const { observedGeneration = 0, readyReplicas = 0 } = object.status ?? {};
    if (observedGeneration < (object.metadata?.generation ?? 0) || readyReplicas < (object.spec?.replicas ?? 1))
      missing.push(`statefulset ${keyOf(object)}`);
  }
  for (const object of informers.of(daemonSets).list()) {
    const { observedGeneration = 0, numberReady = 0, desiredNumberScheduled = 0 } = object.status ?? {};
    if (observedGeneration < (object.metadata?.generation ?? 0) || numberReady < desiredNumberScheduled)
      missing.push(`daemonset ${keyOf(object)}`);
  }
  return missing;
}

function podsMissing(all: readonly Pod[]): string[] {
  return all
    .filter((pod) => !isPodReady(pod) && !isFinished(pod) && pod.metadata?.deletionTimestamp === undefined)
    .map((pod) => `pod ${keyOf(pod)}${reasonOf(pod)}`);
}

function servicesMissing(informers: SharedInformers, allPods: readonly Pod[]): string[] {
  const slices = informers.of(endpointSlices).list();
  return informers
    .of(services)
    .list()
    .filter((service) => !isServed(service, allPods, slices))
    .map((service) => `service ${keyOf(service)}`);
}

function isServed(service: Service, allPods: readonly Pod[], slices: readonly EndpointSlice[]): boolean {
  const isBalancer = service.spec?.type === 'LoadBalancer' && service.spec.loadBalancerClass === undefined;
  if (isBalancer && (service.status?.loadBalancer?.ingress ?? []).length === 0) return false;
  if (service.spec?.selector === undefined || service.spec.type === 'ExternalName') return true;
  const wanted = allPods.filter(
    (pod) => selects(service, pod) && isPodReady(pod) && pod.metadata?.deletionTimestamp === undefined,
  ).length;
  const own = slices.filter(
    (slice) =>
      slice.metadata?.namespace === service.metadata?.namespace &&
      slice.metadata?.labels?.[serviceNameLabel] === service.metadata?.name,
  );
  const primary = own.filter((slice) => slice.addressType === (service.spec?.ipFamilies?.[0] ?? 'IPv4'));
  const listed = primary
    .flatMap((slice) => slice.endpoints ?? [])
    .filter((endpoint) => endpoint.conditions?.ready === true).length;
  return own.length > 0 && listed >= wanted;
}

function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Why a container waits, or no node takes the pod, if it says. */
function reasonOf(pod: Pod): string {
  const waiting = (pod.status?.containerStatuses ?? [])
    .map((status) => status.state?.waiting)
    .find((state) => state?.reason !== undefined);
  const unscheduled = (pod.status?.conditions ?? []).find((entry) => entry.type === 'PodScheduled' && entry.status === 'False');
  const { reason, message } = waiting ?? unscheduled ?? {};
  return reason === undefined ? '' : ` (${reason}${message === undefined ? '' : `: ${message}`})`;
}
