/** Schemas of Kubernetes 1.36: daemon set. */
import type { Infer } from '../schema.ts';
import { enumeration, field, int32, int64, intOrString, list, object, required, string, time } from '../schema.ts';
import { resource } from '../resource.ts';
import { labelSelectorSchema, objectMetaSchema } from './meta.ts';
import { podTemplateSpecSchema } from './pod-spec.ts';

export const rollingUpdateDaemonSetSchema = object('io.k8s.api.apps.v1.RollingUpdateDaemonSet', {
  maxUnavailable: field(1, intOrString, 'pointer'),
  maxSurge: field(2, intOrString, 'pointer'),
});
export type RollingUpdateDaemonSet = Infer<typeof rollingUpdateDaemonSetSchema>;

export const daemonSetUpdateStrategySchema = object('io.k8s.api.apps.v1.DaemonSetUpdateStrategy', {
  type: field(1, enumeration('OnDelete', 'RollingUpdate')),
  rollingUpdate: field(2, rollingUpdateDaemonSetSchema, 'pointer'),
});
export type DaemonSetUpdateStrategy = Infer<typeof daemonSetUpdateStrategySchema>;

export const daemonSetSpecSchema = object('io.k8s.api.apps.v1.DaemonSetSpec', {
  selector: required(1, labelSelectorSchema, 'pointer'),
  template: required(2, podTemplateSpecSchema, 'keepsZero'),
  updateStrategy: field(3, daemonSetUpdateStrategySchema),
  minReadySeconds: field(4, int32),
  revisionHistoryLimit: field(6, int32, 'pointer'),
});
export type DaemonSetSpec = Infer<typeof daemonSetSpecSchema>;

export const daemonSetConditionSchema = object('io.k8s.api.apps.v1.DaemonSetCondition', {
  type: required(1, string, 'keepsZero'),
  status: required(2, string, 'keepsZero'),
  lastTransitionTime: field(3, time),
  reason: field(4, string),
  message: field(5, string),
});
export type DaemonSetCondition = Infer<typeof daemonSetConditionSchema>;

export const daemonSetStatusSchema = object('io.k8s.api.apps.v1.DaemonSetStatus', {
  currentNumberScheduled: required(1, int32, 'keepsZero'),
  numberMisscheduled: required(2, int32, 'keepsZero'),
  desiredNumberScheduled: required(3, int32, 'keepsZero'),
  numberReady: required(4, int32, 'keepsZero'),
  observedGeneration: field(5, int64),
  updatedNumberScheduled: field(6, int32),
  numberAvailable: field(7, int32),
  numberUnavailable: field(8, int32),
  collisionCount: field(9, int32, 'pointer'),
  conditions: field(
    10,
    list(daemonSetConditionSchema, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
});
export type DaemonSetStatus = Infer<typeof daemonSetStatusSchema>;

export const daemonSetSchema = object(
  'io.k8s.api.apps.v1.DaemonSet',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, daemonSetSpecSchema),
    status: field(3, daemonSetStatusSchema),
  },
  { gvk: [['apps', 'v1', 'DaemonSet']] },
);
export type DaemonSet = Infer<typeof daemonSetSchema>;

export const daemonSets = resource({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  singular: 'daemonset',
  shortNames: ['ds'],
  categories: ['all'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: daemonSetSchema,
  subresources: {
    status: { kind: 'DaemonSet', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Desired', type: 'integer', priority: 0 },
    { name: 'Current', type: 'integer', priority: 0 },
    { name: 'Ready', type: 'integer', priority: 0 },
    { name: 'Up-to-date', type: 'integer', priority: 0 },
    { name: 'Available', type: 'integer', priority: 0 },
    { name: 'Node Selector', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
    { name: 'Containers', type: 'string', priority: 1 },
    { name: 'Images', type: 'string', priority: 1 },
    { name: 'Selector', type: 'string', priority: 1 },
  ],
});
