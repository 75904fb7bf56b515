/** Defaults of the kinds that run pods (k8s pkg/apis/{apps,batch}/v1/defaults.go). */
import type {
  CronJob,
  DaemonSet,
  Deployment,
  Job,
  JobSpec,
  PersistentVolumeClaim,
  PodTemplate,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../kinds/index.ts';
import { adjust, adjustItems, fill } from './fill.ts';
import { setPodTemplateDefaults } from './pod-defaults.ts';

/** One replica, a rolling update of a quarter each way, ten revisions, ten minutes to make progress (apps/v1 defaults). */
export function setDeploymentDefaults(deployment: Deployment): Deployment {
  return adjust(deployment, 'spec', (given) => {
    const spec = fill(given, { replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600, strategy: {} });
    const rolling = { maxUnavailable: '25%', maxSurge: '25%' };
    const withStrategy = adjust(spec, 'strategy', (given) => {
      const strategy = fill(given, { type: 'RollingUpdate' });
      return strategy.type === 'RollingUpdate'
        ? { ...strategy, rollingUpdate: fill(strategy.rollingUpdate ?? {}, rolling) }
        : strategy;
    });
    return adjust(withStrategy, 'template', setPodTemplateDefaults);
  });
}

/** One replica (apps/v1 defaults). */
export function setReplicaSetDefaults(replicaSet: ReplicaSet): ReplicaSet {
  return adjust(replicaSet, 'spec', (spec) => adjust(fill(spec, { replicas: 1 }), 'template', setPodTemplateDefaults));
}

/** Selector and labels that a ReplicationController leaves open are those of its template. */
export function setReplicationControllerDefaults(controller: ReplicationController): ReplicationController {
  const labels = controller.spec?.template?.metadata?.labels;
  const labelled = labels === undefined ? controller : { ...controller, metadata: fill(controller.metadata ?? {}, { labels }) };
  return adjust(labelled, 'spec', (spec) =>
    adjust(fill(spec, { replicas: 1, selector: labels }), 'template', setPodTemplateDefaults),
  );
}

/** One replica, pods in order, a rolling update from the last, claims kept, ten revisions (apps/v1 defaults). */
export function setStatefulSetDefaults(statefulSet: StatefulSet): StatefulSet {
  return adjust(statefulSet, 'spec', (given) => {
    const spec = fill(given, {
      replicas: 1,
      revisionHistoryLimit: 10,
      podManagementPolicy: 'OrderedReady',
      updateStrategy: {},
      persistentVolumeClaimRetentionPolicy: {},
    });
    let complete = adjust(spec, 'updateStrategy', (given) => {
      const strategy = fill(given, { type: 'RollingUpdate' });
      return strategy.type === 'RollingUpdate'
        ? { ...strategy, rollingUpdate: fill(strategy.rollingUpdate ?? {}, { partition: 0 }) }
        : strategy;
    });
    complete = adjust(complete, 'persistentVolumeClaimRetentionPolicy', (policy) =>
      fill(policy, { whenDeleted: 'Retain', whenScaled: 'Retain' }),
    );
    complete = adjust(complete, 'volumeClaimTemplates', (claims) =>
      adjustItems(claims, (claim) => ({ apiVersion: 'v1', kind: 'PersistentVolumeClaim', ...setClaimDefaults(claim) })),
    );
    return adjust(complete, 'template', setPodTemplateDefaults);
  });
}

/** A rolling update with one pod away at a time, ten revisions (apps/v1 defaults). */
export function setDaemonSetDefaults(daemonSet: DaemonSet): DaemonSet {
  return adjust(daemonSet, 'spec', (given) => {
    const spec = fill(given, { revisionHistoryLimit: 10, updateStrategy: {} });
    const withStrategy = adjust(spec, 'updateStrategy', (given) => {
      const strategy = fill(given, { type: 'RollingUpdate' });
      const rolling = { maxUnavailable: 1, maxSurge: 0 };
      return strategy.type === 'RollingUpdate'
        ? { ...strategy, rollingUpdate: fill(strategy.rollingUpdate ?? {}, rolling) }
        : strategy;
    });
    return adjust(withStrategy, 'template', setPodTemplateDefaults);
  });
}

/** One pod at a time and six retries; labels of the template where it has none of its own (batch/v1 defaults). */
export function setJobDefaults(job: Job): Job {
  const labels = job.spec?.template?.metadata?.labels;
  const labelled = labels === undefined ? job : { ...job, metadata: fill(job.metadata ?? {}, { labels }) };
  return adjust(labelled, 'spec', setJobSpecDefaults);
}

/** Runs may overlap; three good and one failed run are kept (batch/v1 defaults). */
export function setCronJobDefaults(cronJob: CronJob): CronJob {
  return adjust(cronJob, 'spec', (given) => {
    const spec = fill(given, {
      concurrencyPolicy: 'Allow',
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    });
    return adjust(spec, 'jobTemplate', (template) => adjust(template, 'spec', setJobSpecDefaults));
  });
}

function setJobSpecDefaults(given: JobSpec): JobSpec {
  // A job that gives neither number runs one pod; one that gives only parallelism runs until a pod succeeds.
  const isPlain = given.completions === undefined && given.parallelism === undefined;
  const spec = fill(given, {
    parallelism: 1,
    ...(isPlain ? { completions: 1 } : {}),
    backoffLimit: 6,
    completionMode: 'NonIndexed',
    suspend: false,
    podReplacementPolicy: given.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed',
  });
  return adjust(spec, 'template', setPodTemplateDefaults);
}

/** The defaults of the pods that the template describes. */
export function setPodTemplateObjectDefaults(podTemplate: PodTemplate): PodTemplate {
  return adjust(podTemplate, 'template', setPodTemplateDefaults);
}

/** Pending at first, with a file system (core/v1 defaults). */
export function setClaimDefaults(claim: PersistentVolumeClaim): PersistentVolumeClaim {
  const withStatus = { ...claim, status: fill(claim.status ?? {}, { phase: 'Pending' }) };
  return adjust(withStatus, 'spec', (spec) => fill(spec, { volumeMode: 'Filesystem' }));
}
