/** Schemas of Kubernetes 1.36: replica set. */
import type { Infer } from '../schema.ts';
import { field, int32, int64, list, object, required, string, time } from '../schema.ts';
import { resource } from '../resource.ts';
import { labelSelectorSchema, objectMetaSchema } from './meta.ts';
import { podTemplateSpecSchema } from './pod-spec.ts';

export const replicaSetSpecSchema = object('io.k8s.api.apps.v1.ReplicaSetSpec', {
  replicas: field(1, int32, 'pointer'),
  selector: required(2, labelSelectorSchema, 'pointer'),
  template: field(3, podTemplateSpecSchema),
  minReadySeconds: field(4, int32),
});
export type ReplicaSetSpec = Infer<typeof replicaSetSpecSchema>;

export const replicaSetConditionSchema = object('io.k8s.api.apps.v1.ReplicaSetCondition', {
  type: required(1, string, 'keepsZero'),
  status: required(2, string, 'keepsZero'),
  lastTransitionTime: field(3, time),
  reason: field(4, string),
  message: field(5, string),
});
export type ReplicaSetCondition = Infer<typeof replicaSetConditionSchema>;

export const replicaSetStatusSchema = object('io.k8s.api.apps.v1.ReplicaSetStatus', {
  replicas: required(1, int32, 'keepsZero'),
  fullyLabeledReplicas: field(2, int32),
  observedGeneration: field(3, int64),
  readyReplicas: field(4, int32),
  availableReplicas: field(5, int32),
  conditions: field(
    6,
    list(replicaSetConditionSchema, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
  terminatingReplicas: field(7, int32, 'pointer'),
});
export type ReplicaSetStatus = Infer<typeof replicaSetStatusSchema>;

export const replicaSetSchema = object(
  'io.k8s.api.apps.v1.ReplicaSet',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, replicaSetSpecSchema),
    status: field(3, replicaSetStatusSchema),
  },
  { gvk: [['apps', 'v1', 'ReplicaSet']] },
);
export type ReplicaSet = Infer<typeof replicaSetSchema>;

export const replicaSets = resource({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  singular: 'replicaset',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: replicaSetSchema,
  subresources: {
    scale: { kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: ['get', 'patch', 'update'] },
    status: { kind: 'ReplicaSet', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Desired', type: 'integer', priority: 0 },
    { name: 'Current', type: 'integer', priority: 0 },
    { name: 'Ready', type: 'integer', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
    { name: 'Containers', type: 'string', priority: 1 },
    { name: 'Images', type: 'string', priority: 1 },
    { name: 'Selector', type: 'string', priority: 1 },
  ],
});
