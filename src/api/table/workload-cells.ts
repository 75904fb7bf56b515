/** Rows of the kinds that run pods. */
import type {
  ControllerRevision,
  CronJob,
  DaemonSet,
  Deployment,
  HorizontalPodAutoscaler,
  Job,
  PodDisruptionBudget,
  PodTemplate,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../kinds/index.ts';
import { describeLabelSelector } from '../selectors.ts';
import { parseTime } from '../timestamps.ts';
import { ageSince, ageText } from './age.ts';
import type { Cell } from './cells.ts';
import { containerCells, labelsText, none, unknownCell } from './cells.ts';

/** Name, ready of wanted, up to date, available, age, and wide: containers, images, selector. */
export function deploymentCells({ metadata, spec, status }: Deployment, now: Date): readonly Cell[] {
  return [
    metadata?.name ?? '',
    `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    status?.updatedReplicas ?? 0,
    status?.availableReplicas ?? 0,
    ageSince(metadata?.creationTimestamp, now),
    ...containerCells(spec?.template?.spec),
    describeLabelSelector(spec?.selector),
  ];
}

/** Name, wanted, current, ready, age, and wide: containers, images, selector. */
export function replicaSetCells({ metadata, spec, status }: ReplicaSet, now: Date): readonly Cell[] {
  return [
    metadata?.name ?? '',
    spec?.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    ageSince(metadata?.creationTimestamp, now),
    ...containerCells(spec?.template?.spec),
    describeLabelSelector(spec?.selector),
  ];
}

/** As of a ReplicaSet. */
export function replicationControllerCells({ metadata, spec, status }: ReplicationController, now: Date): readonly Cell[] {
  return [
    metadata?.name ?? '',
    spec?.replicas ?? 0,
    status?.replicas ?? 0,
    status?.readyReplicas ?? 0,
    ageSince(metadata?.creationTimestamp, now),
    ...containerCells(spec?.template?.spec),
    labelsText(spec?.selector),
  ];
}

/** Name, ready of wanted, age, and wide: containers, images. */
export function statefulSetCells({ metadata, spec, status }: StatefulSet, now: Date): readonly Cell[] {
  return [
    metadata?.name ?? '',
    `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    ageSince(metadata?.creationTimestamp, now),
    ...containerCells(spec?.template?.spec),
  ];
}

/** Name, counts from wanted to available, node selector, age, and wide: containers, images, selector. */
export function daemonSetCells({ metadata, spec, status }: DaemonSet, now: Date): readonly Cell[] {
  return [
    metadata?.name ?? '',
    status?.desiredNumberScheduled ?? 0,
    status?.currentNumberScheduled ?? 0,
    status?.numberReady ?? 0,
    status?.updatedNumberScheduled ?? 0,
    status?.numberAvailable ?? 0,
    labelsText(spec?.template?.spec?.nodeSelector),
    ageSince(metadata?.creationTimestamp, now),
    ...containerCells(spec?.template?.spec),
    describeLabelSelector(spec?.selector),
  ];
}

/** Name, controller, revision, age. */
export function controllerRevisionCells({ metadata, revision }: ControllerRevision, now: Date): readonly Cell[] {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  const group = owner?.apiVersion.includes('/') === true ? `.${owner.apiVersion.split('/')[0] ?? ''}` : '';
  const controller = owner === undefined ? none : `${owner.kind.toLowerCase()}${group}/${owner.name}`;
  return [metadata?.name ?? '', controller, revision ?? 0, ageSince(metadata?.creationTimestamp, now)];
}

/** Name, containers, images, labels. */
export function podTemplateCells({ metadata, template }: PodTemplate): readonly Cell[] {
  return [metadata?.name ?? '', ...containerCells(template?.spec), labelsText(template?.metadata?.labels)];
}

/** Name, status, completions, duration, age, and wide: containers, images, selector. */
export function jobCells({ metadata, spec, status }: Job, now: Date): readonly Cell[] {
  const condition = (type: string): boolean =>
    status?.conditions?.some((one) => one.type === type && one.status === 'True') === true;
  const succeeded = status?.succeeded ?? 0;
  const state = condition('Complete')
    ? 'Complete'
    : condition('Failed')
      ? 'Failed'
      : metadata?.deletionTimestamp !== undefined
        ? 'Terminating'
        : condition('Suspended')
          ? 'Suspended'
          : condition('FailureTarget')
            ? 'FailureTarget'
            : condition('SuccessCriteriaMet')
              ? 'SuccessCriteriaMet'
              : 'Running';
  const parallelism = spec?.parallelism ?? 0;
  const completions =
    spec?.completions !== undefined
      ? `${succeeded}/${spec.completions}`
      : parallelism > 1
        ? `${succeeded}/1 of ${parallelism}`
        : `${succeeded}/1`;
  return [
    metadata?.name ?? '',
    state,
    completions,
    jobDuration(status?.startTime, status?.completionTime, now),
    ageSince(metadata?.creationTimestamp, now),
    ...containerCells(spec?.template?.spec),
    describeLabelSelector(spec?.selector),
  ];
}

function jobDuration(start: string | undefined, end: string | undefined, now: Date): string {
  const from = start === undefined ? undefined : parseTime(start);
  if (from === undefined) return '';
  const to = end === undefined ? undefined : parseTime(end);
  return ageText((to ?? now.getTime()) - from);
}

/** Name, schedule, zone, whether suspended, running jobs, last run, age, and wide: containers, images, selector. */
export function cronJobCells({ metadata, spec, status }: CronJob, now: Date): readonly Cell[] {
  const last = status?.lastScheduleTime;
  return [
    metadata?.name ?? '',
    spec?.schedule ?? '',
    spec?.timeZone ?? none,
    spec?.suspend ?? false,
    (status?.active ?? []).length,
    last === undefined ? none : ageSince(last, now),
    ageSince(metadata?.creationTimestamp, now),
    ...containerCells(spec?.jobTemplate?.spec?.template?.spec),
    describeLabelSelector(spec?.jobTemplate?.spec?.selector),
  ];
}

/** Name, the two limits, how many may go now, age. */
export function podDisruptionBudgetCells({ metadata, spec, status }: PodDisruptionBudget, now: Date): readonly Cell[] {
  return [
    metadata?.name ?? '',
    String(spec?.minAvailable ?? 'N/A'),
    String(spec?.maxUnavailable ?? 'N/A'),
    status?.disruptionsAllowed ?? 0,
    ageSince(metadata?.creationTimestamp, now),
  ];
}

/** Name, target, metrics, limits, replicas, age. */
export function horizontalPodAutoscalerCells({ metadata, spec, status }: HorizontalPodAutoscaler, now: Date): readonly Cell[] {
  const target = spec?.scaleTargetRef;
  const wanted = spec?.targetCPUUtilizationPercentage;
  const measured = status?.currentCPUUtilizationPercentage;
  return [
    metadata?.name ?? '',
    `${target?.kind ?? ''}/${target?.name ?? ''}`,
    wanted === undefined ? none : `cpu: ${measured === undefined ? unknownCell : `${measured}%`}/${wanted}%`,
    String(spec?.minReplicas ?? unknownCell),
    spec?.maxReplicas ?? 0,
    status?.currentReplicas ?? 0,
    ageSince(metadata?.creationTimestamp, now),
  ];
}
