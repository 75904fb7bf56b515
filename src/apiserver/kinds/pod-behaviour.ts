/** Pods on creation: a first status, and the service account that they run under (k8s pkg/registry/core/pod/strategy.go). */
import type { Container, Pod, ResourceRequirements } from '../../api/index.ts';
import { pods } from '../../api/index.ts';
import { servedOf } from '../registry/catalog.ts';
import type { Behaviour } from '../registry/context.ts';
import { assertCreatable } from '../registry/rules.ts';
import type { ApiObject } from '../store/index.ts';

/** The behaviour of pods. */
export function createPodBehaviour(): Behaviour {
  return {
    beginCreate: (object, request) => {
      const { spec, metadata } = object as Pod;
      const serviceAccountName = spec?.serviceAccountName ?? spec?.serviceAccount ?? 'default';
      const pod = {
        ...object,
        metadata,
        ...(spec === undefined ? {} : { spec: { ...spec, serviceAccountName, serviceAccount: serviceAccountName } }),
        status: { phase: 'Pending', qosClass: qosClassOf(spec?.containers ?? [], spec?.initContainers ?? []) },
      } as ApiObject;
      assertCreatable(servedOf(pods), pod);
      for (const path of [...hostPortPaths(spec), ...idlePaths(spec)])
        request.warn(`${path} is stored, but nothing in Fairlead acts on it`);
      return { object: pod, commit: () => undefined, rollback: () => undefined };
    },
  };
}

/** Fields that ask for a port of the node; with hostNetwork every port is one already. */
function hostPortPaths(spec: Pod['spec']): string[] {
  if (spec?.hostNetwork === true) return [];
  return (spec?.containers ?? []).flatMap(({ ports = [] }, container) =>
    ports.flatMap(({ hostPort = 0 }, port) => (hostPort === 0 ? [] : [`spec.containers[${container}].ports[${port}].hostPort`])),
  );
}

/** Fields that would change how a pod's programs see each other or the node. */
function idlePaths(spec: Pod['spec']): string[] {
  const { hostPID, hostIPC, shareProcessNamespace, runtimeClassName, priorityClassName, securityContext } = spec ?? {};
  const asked: readonly (readonly [string, boolean])[] = [
    ['hostPID', hostPID === true],
    ['hostIPC', hostIPC === true],
    ['shareProcessNamespace', shareProcessNamespace === true],
    ['runtimeClassName', runtimeClassName !== undefined],
    ['priorityClassName', priorityClassName !== undefined],
    ['securityContext.fsGroup', securityContext?.fsGroup !== undefined],
    ['securityContext.sysctls', (securityContext?.sysctls ?? []).length > 0],
  ];
  return asked.flatMap(([path, isAsked]) => (isAsked ? [`spec.${path}`] : []));
}

/** Guaranteed: every container limits cpu and memory and requests as much; BestEffort: none says anything; else Burstable. */
function qosClassOf(
  containers: readonly Container[],
  initContainers: readonly Container[],
): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const all = [...containers, ...initContainers].map(({ resources }) => resources ?? {});
  if (all.every((resources) => count(resources) === 0)) return 'BestEffort';
  return all.every(isGuaranteed) ? 'Guaranteed' : 'Burstable';
}

function count({ limits = {}, requests = {} }: ResourceRequirements): number {
  return Object.keys(limits).length + Object.keys(requests).length;
}

function isGuaranteed({ limits = {}, requests = {} }: ResourceRequirements): boolean {
  return ['cpu', 'memory'].every((name) => limits[name] !== undefined && (requests[name] ?? limits[name]) === limits[name]);
}
