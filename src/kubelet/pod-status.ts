/** A pod's status from the state of its containers. Pure. Source: k8s pkg/kubelet/kubelet_pods.go (getPhase), pkg/kubelet/status/generate.go. */
import type { ContainerStatus, Pod, PodCondition, PodSpec, PodStatus } from '../api/index.ts';

/** Everything that the status says. */
export interface StatusInput {
  readonly pod: Pod;
  /** The status last written or read, for transition times and for conditions that others own. */
  readonly previous: PodStatus | undefined;
  readonly initContainers: readonly ContainerStatus[];
  readonly containers: readonly ContainerStatus[];
  readonly podIPs: readonly string[];
  readonly hostIPs: readonly string[];
  /** RFC 3339, whole seconds. */
  readonly startTime: string;
  readonly now: string;
  /** Set when the pod as a whole failed (deadline, eviction). */
  readonly failure?: { readonly reason: string; readonly message: string } | undefined;
}

/** The status to write. Two calls with the same facts give equal values, whatever `now` is. */
export function computePodStatus(input: StatusInput): PodStatus {
  const { pod, containers, initContainers } = input;
  const spec = pod.spec ?? { containers: [] };
  const phase = input.failure === undefined ? computePhase(spec, containers, initContainers) : 'Failed';
  const conditions = computeConditions(input, spec, phase);
  const podIPs = input.podIPs.map((ip) => ({ ip }));
  const hostIPs = input.hostIPs.map((ip) => ({ ip }));
  return {
    phase,
    conditions,
    ...input.failure,
    ...(hostIPs[0] === undefined ? {} : { hostIP: hostIPs[0].ip, hostIPs }),
    ...(podIPs[0] === undefined ? {} : { podIP: podIPs[0].ip, podIPs }),
    startTime: input.startTime,
    ...(initContainers.length === 0 ? {} : { initContainerStatuses: initContainers }),
    containerStatuses: containers,
    qosClass: computeQosClass(spec),
    ...(pod.metadata?.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
  };
}

/** Pending, Running, Succeeded or Failed. */
export function computePhase(
  spec: PodSpec,
  containers: readonly ContainerStatus[],
  initContainers: readonly ContainerStatus[],
): 'Pending' | 'Running' | 'Succeeded' | 'Failed' {
  const restartPolicy = spec.restartPolicy ?? 'Always';
  for (const [index, init] of (spec.initContainers ?? []).entries()) {
    const status = initContainers[index];
    if (init.restartPolicy === 'Always') {
      if (status?.started !== true && !hasEnded(status)) return 'Pending';
      continue;
    }
    const ended = status?.state?.terminated ?? status?.lastState?.terminated;
    if (ended === undefined) return 'Pending';
    if (ended.exitCode !== 0) return restartPolicy === 'Never' ? 'Failed' : 'Pending';
  }
  let running = 0;
  let neverRan = 0;
  let failed = 0;
  let succeeded = 0;
  for (const { state, lastState } of containers) {
    if (state?.running !== undefined) running++;
    else if (state?.terminated !== undefined) {
      if (state.terminated.exitCode === 0) succeeded++;
      else failed++;
    } else if (lastState?.terminated === undefined) neverRan++;
    else running++; // waiting to be started again
  }
  if (neverRan > 0 || containers.length < spec.containers.length) return 'Pending';
  if (running > 0) return 'Running';
  if (restartPolicy === 'Always') return 'Running';
  if (failed === 0) return 'Succeeded';
  return restartPolicy === 'Never' && succeeded + failed === containers.length ? 'Failed' : 'Running';
}

/** Guaranteed when every container's limits equal its requests in cpu and memory; BestEffort when nothing is asked. */
export function computeQosClass(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const all = [...spec.containers, ...(spec.initContainers ?? [])];
  const asks = all.some(({ resources }) =>
    ['cpu', 'memory'].some((name) => resources?.requests?.[name] !== undefined || resources?.limits?.[name] !== undefined),
  );
  if (!asks) return 'BestEffort';
  const isGuaranteed = all.every(({ resources }) =>
    ['cpu', 'memory'].every((name) => {
      const limit = resources?.limits?.[name];
      return limit !== undefined && String(resources?.requests?.[name] ?? limit) === String(limit);
    }),
  );
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

const ownedConditions = new Set(['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled']);

function computeConditions(input: StatusInput, spec: PodSpec, phase: string): PodCondition[] {
  const { containers, initContainers, previous } = input;
  const others = (previous?.conditions ?? []).filter((condition) => !ownedConditions.has(condition.type));
  const notInitialized = (spec.initContainers ?? [])
    .filter((init, index) => !isInitialized(init.restartPolicy === 'Always', initContainers[index]))
    .map(({ name }) => name);
  const sidecars = initContainers.filter((_status, index) => spec.initContainers?.[index]?.restartPolicy === 'Always');
  const notReady = [...sidecars, ...containers].filter((status) => !status.ready).map(({ name }) => name);
  const isDone = phase === 'Succeeded' || phase === 'Failed';
  const doneReason = phase === 'Succeeded' ? { reason: 'PodCompleted' } : { reason: 'PodFailed' };
  const containersNotReady = isDone
    ? doneReason
    : notReady.length === 0 && containers.length > 0
      ? undefined
      : { reason: 'ContainersNotReady', message: `containers with unready status: [${notReady.join(' ')}]` };
  const closedGates = (spec.readinessGates ?? [])
    .map(({ conditionType }) => conditionType)
    .filter((type) => others.find((condition) => condition.type === type)?.status !== 'True');
  const podNotReady =
    containersNotReady ??
    (closedGates.length === 0
      ? undefined
      : {
          reason: 'ReadinessGatesNotReady',
          message: closedGates.map((type) => `corresponding condition of pod readiness gate "${type}" is not "True".`).join(', '),
        });
  const conditions: readonly (readonly [string, object | undefined])[] = [
    ['PodReadyToStartContainers', input.podIPs.length > 0 && !isDone ? undefined : {}],
    [
      'Initialized',
      notInitialized.length === 0 || phase === 'Succeeded'
        ? undefined
        : { reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${notInitialized.join(' ')}]` },
    ],
    ['Ready', podNotReady],
    ['ContainersReady', containersNotReady],
    ['PodScheduled', undefined],
  ];
  return [...conditions.map(([type, problem]) => condition(type, problem, previous, input.now)), ...others];
}

/** `problem` undefined: the condition is True. Keeps the transition time while the status stays. */
function condition(type: string, problem: object | undefined, previous: PodStatus | undefined, now: string): PodCondition {
  const status = problem === undefined ? 'True' : 'False';
  const before = previous?.conditions?.find((each) => each.type === type);
  const lastTransitionTime = before?.status === status ? (before.lastTransitionTime ?? now) : now;
  return { type, status, lastProbeTime: undefined, lastTransitionTime, ...problem };
}

function isInitialized(isSidecar: boolean, status: ContainerStatus | undefined): boolean {
  if (isSidecar) return status?.started === true || hasEnded(status);
  return (status?.state?.terminated ?? status?.lastState?.terminated)?.exitCode === 0;
}

function hasEnded(status: ContainerStatus | undefined): boolean {
  return status?.state?.terminated !== undefined;
}
