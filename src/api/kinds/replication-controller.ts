/** Schemas of Kubernetes 1.36: replication controller. */
import type { Infer } from '../schema.ts';
import { field, int32, int64, list, map, object, required, string, time, withDefault } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';
import { podTemplateSpecSchema } from './pod-spec.ts';

export const replicationControllerSpecSchema = object('io.k8s.api.core.v1.ReplicationControllerSpec', {
  replicas: field(1, withDefault(int32, 1), 'pointer'),
  selector: field(2, map(string, { mapType: 'atomic' })),
  template: field(3, podTemplateSpecSchema, 'pointer'),
  minReadySeconds: field(4, withDefault(int32, 0)),
});
export type ReplicationControllerSpec = Infer<typeof replicationControllerSpecSchema>;

export const replicationControllerConditionSchema = object('io.k8s.api.core.v1.ReplicationControllerCondition', {
  type: required(1, string, 'keepsZero'),
  status: required(2, string, 'keepsZero'),
  lastTransitionTime: field(3, time),
  reason: field(4, string),
  message: field(5, string),
});
export type ReplicationControllerCondition = Infer<typeof replicationControllerConditionSchema>;

export const replicationControllerStatusSchema = object('io.k8s.api.core.v1.ReplicationControllerStatus', {
  replicas: required(1, int32, 'keepsZero'),
  fullyLabeledReplicas: field(2, int32),
  observedGeneration: field(3, int64),
  readyReplicas: field(4, int32),
  availableReplicas: field(5, int32),
  conditions: field(
    6,
    list(replicationControllerConditionSchema, {
      listType: 'map',
      listMapKeys: ['type'],
      patchStrategy: 'merge',
      patchMergeKey: 'type',
    }),
  ),
});
export type ReplicationControllerStatus = Infer<typeof replicationControllerStatusSchema>;

export const replicationControllerSchema = object(
  'io.k8s.api.core.v1.ReplicationController',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, replicationControllerSpecSchema),
    status: field(3, replicationControllerStatusSchema),
  },
  { gvk: [['', 'v1', 'ReplicationController']] },
);
export type ReplicationController = Infer<typeof replicationControllerSchema>;

export const replicationControllers = resource({
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  singular: 'replicationcontroller',
  shortNames: ['rc'],
  categories: ['all'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: replicationControllerSchema,
  subresources: {
    scale: { kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: ['get', 'patch', 'update'] },
    status: { kind: 'ReplicationController', verbs: ['get', 'patch', 'update'] },
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
