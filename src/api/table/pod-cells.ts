/** The row of a pod: its status is put together from phase, reasons and container states, as `kubectl get pods` shows it. */
import type { Container, ContainerStatus, Pod } from '../kinds/index.ts';
import { ageSince } from './age.ts';
import type { Cell } from './cells.ts';
import { orNone } from './cells.ts';

/** Cells of a pod, wide columns included. */
export function podCells(pod: Pod, now: Date): readonly Cell[] {
  const { ready, total, reason, restarts } = summarizePod(pod, now);
  const { spec, status, metadata } = pod;
  return [
    metadata?.name ?? '',
    `${ready}/${total}`,
    reason,
    restarts,
    ageSince(metadata?.creationTimestamp, now),
    orNone(status?.podIPs?.[0]?.ip ?? status?.podIP),
    orNone(spec?.nodeName),
    orNone(status?.nominatedNodeName),
    readinessGates(pod),
  ];
}

/** The one word for a pod's state: `Running`, `Init:0/2`, `CrashLoopBackOff`, `Completed`, `Terminating` … */
export function podStatusText(pod: Pod, now: Date): string {
  return summarizePod(pod, now).reason;
}

interface PodSummary {
  readonly ready: number;
  readonly total: number;
  readonly reason: string;
  readonly restarts: string;
}

/** What one pass over the container statuses found. */
interface Tally {
  reason: string;
  ready: number;
  restarts: number;
  lastRestart: string;
}

function summarizePod(pod: Pod, now: Date): PodSummary {
  const { spec, status } = pod;
  const sidecars = new Set((spec?.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const gated = status?.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated') === true;
  const start = gated ? 'SchedulingGated' : nonEmpty(status?.reason, status?.phase ?? '');
  const init = tallyInit(pod, sidecars, start);
  const isInitialized = !init.isInitializing || isTrue(pod, 'Initialized');
  const tally = isInitialized ? tallyMain(pod, init) : init.all;
  return {
    ready: tally.ready,
    total: (spec?.containers?.length ?? 0) + sidecars.size,
    reason: finalReason(pod, tally.reason),
    restarts:
      tally.restarts > 0 && tally.lastRestart !== ''
        ? `${tally.restarts} (${ageSince(tally.lastRestart, now)} ago)`
        : String(tally.restarts),
  };
}

interface InitTally {
  readonly isInitializing: boolean;
  /** Over all init containers: what is shown while the pod initializes. */
  readonly all: Tally;
  /** Over sidecars only: what the main containers add to. */
  readonly sidecars: Tally;
}

function tallyInit(pod: Pod, sidecars: ReadonlySet<string>, reason: string): InitTally {
  const all: Tally = { reason, ready: 0, restarts: 0, lastRestart: '' };
  const own: Tally = { reason, ready: 0, restarts: 0, lastRestart: '' };
  for (const [index, container] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const isSidecarStatus = sidecars.has(container.name);
    countRestarts(all, container);
    if (isSidecarStatus) countRestarts(own, container);
    const { terminated, waiting } = container.state ?? {};
    if (terminated !== undefined && (terminated.exitCode ?? 0) === 0) continue;
    if (isSidecarStatus && container.started === true) {
      if (container.ready) {
        all.ready++;
        own.ready++;
      }
      continue;
    }
    if (terminated !== undefined) all.reason = `Init:${terminatedReason(terminated)}`;
    else if (waiting?.reason !== undefined && waiting.reason !== '' && waiting.reason !== 'PodInitializing')
      all.reason = `Init:${waiting.reason}`;
    else all.reason = `Init:${index}/${pod.spec?.initContainers?.length ?? 0}`;
    own.reason = all.reason;
    return { isInitializing: true, all, sidecars: own };
  }
  return { isInitializing: false, all, sidecars: own };
}

function tallyMain(pod: Pod, init: InitTally): Tally {
  const tally = { ...init.sidecars };
  let hasRunning = false;
  // Backwards, so that the first container's reason is the one that stays.
  for (const container of (pod.status?.containerStatuses ?? []).toReversed()) {
    countRestarts(tally, container);
    const { waiting, terminated, running } = container.state ?? {};
    if (waiting?.reason !== undefined && waiting.reason !== '') tally.reason = waiting.reason;
    else if (terminated !== undefined) tally.reason = terminatedReason(terminated);
    else if (container.ready && running !== undefined) {
      hasRunning = true;
      tally.ready++;
    }
  }
  if (tally.reason === 'Completed' && hasRunning) tally.reason = isTrue(pod, 'Ready') ? 'Running' : 'NotReady';
  return tally;
}

function finalReason(pod: Pod, reason: string): string {
  if (pod.metadata?.deletionTimestamp === undefined) return reason;
  if (pod.status?.reason === 'NodeLost') return 'Unknown';
  const isOver = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  return isOver ? reason : 'Terminating';
}

function terminatedReason({
  reason,
  signal,
  exitCode,
}: {
  readonly reason?: string | undefined;
  readonly signal?: number | undefined;
  readonly exitCode?: number | undefined;
}): string {
  if (reason !== undefined && reason !== '') return reason;
  return signal !== undefined && signal !== 0 ? `Signal:${signal}` : `ExitCode:${exitCode ?? 0}`;
}

function countRestarts(tally: Tally, { restartCount, lastState }: ContainerStatus): void {
  tally.restarts += restartCount;
  const finished = lastState?.terminated?.finishedAt ?? '';
  if (finished > tally.lastRestart) tally.lastRestart = finished;
}

function readinessGates(pod: Pod): string {
  const gates = pod.spec?.readinessGates ?? [];
  if (gates.length === 0) return orNone('');
  return `${gates.filter(({ conditionType }) => isTrue(pod, conditionType)).length}/${gates.length}`;
}

function isTrue(pod: Pod, type: string): boolean {
  return pod.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
}

function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

function nonEmpty(text: string | undefined, otherwise: string): string {
  return text === undefined || text === '' ? otherwise : text;
}
