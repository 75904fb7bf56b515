/** Schemas of Kubernetes 1.36: stateful set. */
import type { Infer } from '../schema.ts';
import { enumeration, field, int32, int64, intOrString, list, object, required, string, time } from '../schema.ts';
import { resource } from '../resource.ts';
import { labelSelectorSchema, objectMetaSchema } from './meta.ts';
import { persistentVolumeClaimSchema } from './persistent-volume-claim.ts';
import { podTemplateSpecSchema } from './pod-spec.ts';

export const statefulSetOrdinalsSchema = object('io.k8s.api.apps.v1.StatefulSetOrdinals', {
  start: field(1, int32, 'keepsZero'),
});
export type StatefulSetOrdinals = Infer<typeof statefulSetOrdinalsSchema>;

export const statefulSetPersistentVolumeClaimRetentionPolicySchema = object(
  'io.k8s.api.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy',
  {
    whenDeleted: field(1, string),
    whenScaled: field(2, string),
  },
);
export type StatefulSetPersistentVolumeClaimRetentionPolicy = Infer<typeof statefulSetPersistentVolumeClaimRetentionPolicySchema>;

export const rollingUpdateStatefulSetStrategySchema = object('io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy', {
  partition: field(1, int32, 'pointer'),
  maxUnavailable: field(2, intOrString, 'pointer'),
});
export type RollingUpdateStatefulSetStrategy = Infer<typeof rollingUpdateStatefulSetStrategySchema>;

export const statefulSetUpdateStrategySchema = object('io.k8s.api.apps.v1.StatefulSetUpdateStrategy', {
  type: field(1, enumeration('OnDelete', 'RollingUpdate')),
  rollingUpdate: field(2, rollingUpdateStatefulSetStrategySchema, 'pointer'),
});
export type StatefulSetUpdateStrategy = Infer<typeof statefulSetUpdateStrategySchema>;

export const statefulSetSpecSchema = object('io.k8s.api.apps.v1.StatefulSetSpec', {
  replicas: field(1, int32, 'pointer'),
  selector: required(2, labelSelectorSchema, 'pointer'),
  template: required(3, podTemplateSpecSchema, 'keepsZero'),
  volumeClaimTemplates: field(4, list(persistentVolumeClaimSchema, { listType: 'atomic' })),
  serviceName: field(5, string, 'keepsZero'),
  podManagementPolicy: field(6, enumeration('OrderedReady', 'Parallel')),
  updateStrategy: field(7, statefulSetUpdateStrategySchema),
  revisionHistoryLimit: field(8, int32, 'pointer'),
  minReadySeconds: field(9, int32),
  persistentVolumeClaimRetentionPolicy: field(10, statefulSetPersistentVolumeClaimRetentionPolicySchema, 'pointer'),
  ordinals: field(11, statefulSetOrdinalsSchema, 'pointer'),
});
export type StatefulSetSpec = Infer<typeof statefulSetSpecSchema>;

export const statefulSetConditionSchema = object('io.k8s.api.apps.v1.StatefulSetCondition', {
  type: required(1, string, 'keepsZero'),
  status: required(2, string, 'keepsZero'),
  lastTransitionTime: field(3, time),
  reason: field(4, string),
  message: field(5, string),
});
export type StatefulSetCondition = Infer<typeof statefulSetConditionSchema>;

export const statefulSetStatusSchema = object('io.k8s.api.apps.v1.StatefulSetStatus', {
  observedGeneration: field(1, int64),
  replicas: required(2, int32, 'keepsZero'),
  readyReplicas: field(3, int32),
  currentReplicas: field(4, int32),
  updatedReplicas: field(5, int32),
  currentRevision: field(6, string),
  updateRevision: field(7, string),
  collisionCount: field(9, int32, 'pointer'),
  conditions: field(
    10,
    list(statefulSetConditionSchema, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
  availableReplicas: field(11, int32, 'keepsZero'),
});
export type StatefulSetStatus = Infer<typeof statefulSetStatusSchema>;

export const statefulSetSchema = object(
  'io.k8s.api.apps.v1.StatefulSet',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, statefulSetSpecSchema),
    status: field(3, statefulSetStatusSchema),
  },
  { gvk: [['apps', 'v1', 'StatefulSet']] },
);
export type StatefulSet = Infer<typeof statefulSetSchema>;

export const statefulSets = resource({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  singular: 'statefulset',
  shortNames: ['sts'],
  categories: ['all'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: statefulSetSchema,
  subresources: {
    scale: { kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: ['get', 'patch', 'update'] },
    status: { kind: 'StatefulSet', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Ready', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
    { name: 'Containers', type: 'string', priority: 1 },
    { name: 'Images', type: 'string', priority: 1 },
  ],
});
