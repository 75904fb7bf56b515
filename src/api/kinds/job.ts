/** Schemas of Kubernetes 1.36: job. */
import type { Infer } from '../schema.ts';
import { boolean, enumeration, field, int32, int64, list, object, required, string, time } from '../schema.ts';
import { resource } from '../resource.ts';
import { labelSelectorSchema, objectMetaSchema } from './meta.ts';
import { podTemplateSpecSchema } from './pod-spec.ts';
import { objectReferenceSchema } from './references.ts';

export const podFailurePolicyOnExitCodesRequirementSchema = object('io.k8s.api.batch.v1.PodFailurePolicyOnExitCodesRequirement', {
  containerName: field(1, string, 'pointer'),
  operator: required(2, enumeration('In', 'NotIn'), 'keepsZero'),
  values: required(3, list(int32, { listType: 'set' }), 'keepsZero'),
});
export type PodFailurePolicyOnExitCodesRequirement = Infer<typeof podFailurePolicyOnExitCodesRequirementSchema>;

export const podFailurePolicyOnPodConditionsPatternSchema = object('io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern', {
  type: required(1, string, 'keepsZero'),
  status: field(2, string, 'keepsZero'),
});
export type PodFailurePolicyOnPodConditionsPattern = Infer<typeof podFailurePolicyOnPodConditionsPatternSchema>;

export const podFailurePolicyRuleSchema = object('io.k8s.api.batch.v1.PodFailurePolicyRule', {
  action: required(1, enumeration('Count', 'FailIndex', 'FailJob', 'Ignore'), 'keepsZero'),
  onExitCodes: field(2, podFailurePolicyOnExitCodesRequirementSchema, 'pointer'),
  onPodConditions: field(3, list(podFailurePolicyOnPodConditionsPatternSchema, { listType: 'atomic' })),
});
export type PodFailurePolicyRule = Infer<typeof podFailurePolicyRuleSchema>;

export const podFailurePolicySchema = object('io.k8s.api.batch.v1.PodFailurePolicy', {
  rules: required(1, list(podFailurePolicyRuleSchema, { listType: 'atomic' }), 'keepsZero'),
});
export type PodFailurePolicy = Infer<typeof podFailurePolicySchema>;

export const successPolicyRuleSchema = object('io.k8s.api.batch.v1.SuccessPolicyRule', {
  succeededIndexes: field(1, string, 'pointer'),
  succeededCount: field(2, int32, 'pointer'),
});
export type SuccessPolicyRule = Infer<typeof successPolicyRuleSchema>;

export const successPolicySchema = object('io.k8s.api.batch.v1.SuccessPolicy', {
  rules: required(1, list(successPolicyRuleSchema, { listType: 'atomic' }), 'keepsZero'),
});
export type SuccessPolicy = Infer<typeof successPolicySchema>;

export const jobSpecSchema = object('io.k8s.api.batch.v1.JobSpec', {
  parallelism: field(1, int32, 'pointer'),
  completions: field(2, int32, 'pointer'),
  activeDeadlineSeconds: field(3, int64, 'pointer'),
  selector: field(4, labelSelectorSchema, 'pointer'),
  manualSelector: field(5, boolean, 'pointer'),
  template: required(6, podTemplateSpecSchema, 'keepsZero'),
  backoffLimit: field(7, int32, 'pointer'),
  ttlSecondsAfterFinished: field(8, int32, 'pointer'),
  completionMode: field(9, enumeration('Indexed', 'NonIndexed'), 'pointer'),
  suspend: field(10, boolean, 'pointer'),
  podFailurePolicy: field(11, podFailurePolicySchema, 'pointer'),
  backoffLimitPerIndex: field(12, int32, 'pointer'),
  maxFailedIndexes: field(13, int32, 'pointer'),
  podReplacementPolicy: field(14, enumeration('Failed', 'TerminatingOrFailed'), 'pointer'),
  managedBy: field(15, string, 'pointer'),
  successPolicy: field(16, successPolicySchema, 'pointer'),
});
export type JobSpec = Infer<typeof jobSpecSchema>;

export const jobTemplateSpecSchema = object('io.k8s.api.batch.v1.JobTemplateSpec', {
  metadata: field(1, objectMetaSchema),
  spec: field(2, jobSpecSchema),
});
export type JobTemplateSpec = Infer<typeof jobTemplateSpecSchema>;

export const cronJobSpecSchema = object('io.k8s.api.batch.v1.CronJobSpec', {
  schedule: required(1, string, 'keepsZero'),
  startingDeadlineSeconds: field(2, int64, 'pointer'),
  concurrencyPolicy: field(3, enumeration('Allow', 'Forbid', 'Replace')),
  suspend: field(4, boolean, 'pointer'),
  jobTemplate: required(5, jobTemplateSpecSchema, 'keepsZero'),
  successfulJobsHistoryLimit: field(6, int32, 'pointer'),
  failedJobsHistoryLimit: field(7, int32, 'pointer'),
  timeZone: field(8, string, 'pointer'),
});
export type CronJobSpec = Infer<typeof cronJobSpecSchema>;

export const cronJobStatusSchema = object('io.k8s.api.batch.v1.CronJobStatus', {
  active: field(1, list(objectReferenceSchema, { listType: 'atomic' })),
  lastScheduleTime: field(4, time, 'pointer'),
  lastSuccessfulTime: field(5, time, 'pointer'),
});
export type CronJobStatus = Infer<typeof cronJobStatusSchema>;

export const cronJobSchema = object(
  'io.k8s.api.batch.v1.CronJob',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: required(2, cronJobSpecSchema),
    status: field(3, cronJobStatusSchema),
  },
  { gvk: [['batch', 'v1', 'CronJob']] },
);
export type CronJob = Infer<typeof cronJobSchema>;

export const jobConditionSchema = object('io.k8s.api.batch.v1.JobCondition', {
  type: required(1, string, 'keepsZero'),
  status: required(2, string, 'keepsZero'),
  lastProbeTime: field(3, time),
  lastTransitionTime: field(4, time),
  reason: field(5, string),
  message: field(6, string),
});
export type JobCondition = Infer<typeof jobConditionSchema>;

export const uncountedTerminatedPodsSchema = object('io.k8s.api.batch.v1.UncountedTerminatedPods', {
  succeeded: field(1, list(string, { listType: 'set' })),
  failed: field(2, list(string, { listType: 'set' })),
});
export type UncountedTerminatedPods = Infer<typeof uncountedTerminatedPodsSchema>;

export const jobStatusSchema = object('io.k8s.api.batch.v1.JobStatus', {
  conditions: field(1, list(jobConditionSchema, { listType: 'atomic', patchStrategy: 'merge', patchMergeKey: 'type' })),
  startTime: field(2, time, 'pointer'),
  completionTime: field(3, time, 'pointer'),
  active: field(4, int32),
  succeeded: field(5, int32),
  failed: field(6, int32),
  completedIndexes: field(7, string),
  uncountedTerminatedPods: field(8, uncountedTerminatedPodsSchema, 'pointer'),
  ready: field(9, int32, 'pointer'),
  failedIndexes: field(10, string, 'pointer'),
  terminating: field(11, int32, 'pointer'),
});
export type JobStatus = Infer<typeof jobStatusSchema>;

export const jobSchema = object(
  'io.k8s.api.batch.v1.Job',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, jobSpecSchema),
    status: field(3, jobStatusSchema),
  },
  { gvk: [['batch', 'v1', 'Job']] },
);
export type Job = Infer<typeof jobSchema>;

export const cronJobs = resource({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  singular: 'cronjob',
  shortNames: ['cj'],
  categories: ['all'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: cronJobSchema,
  subresources: {
    status: { kind: 'CronJob', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Schedule', type: 'string', priority: 0 },
    { name: 'Timezone', type: 'string', priority: 0 },
    { name: 'Suspend', type: 'boolean', priority: 0 },
    { name: 'Active', type: 'integer', priority: 0 },
    { name: 'Last Schedule', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
    { name: 'Containers', type: 'string', priority: 1 },
    { name: 'Images', type: 'string', priority: 1 },
    { name: 'Selector', type: 'string', priority: 1 },
  ],
});

export const jobs = resource({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  singular: 'job',
  categories: ['all'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: jobSchema,
  subresources: {
    status: { kind: 'Job', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Status', type: 'string', priority: 0 },
    { name: 'Completions', type: 'string', priority: 0 },
    { name: 'Duration', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
    { name: 'Containers', type: 'string', priority: 1 },
    { name: 'Images', type: 'string', priority: 1 },
    { name: 'Selector', type: 'string', priority: 1 },
  ],
});
