/** Schemas of Kubernetes 1.36: deployment. */
import type { Infer } from '../schema.ts';
import { boolean, enumeration, field, int32, int64, intOrString, list, object, required, string, time } from '../schema.ts';
import { resource } from '../resource.ts';
import { labelSelectorSchema, objectMetaSchema } from './meta.ts';
import { podTemplateSpecSchema } from './pod-spec.ts';

export const rollingUpdateDeploymentSchema = object('io.k8s.api.apps.v1.RollingUpdateDeployment', {
  maxUnavailable: field(1, intOrString, 'pointer'),
  maxSurge: field(2, intOrString, 'pointer'),
});
export type RollingUpdateDeployment = Infer<typeof rollingUpdateDeploymentSchema>;

export const deploymentStrategySchema = object('io.k8s.api.apps.v1.DeploymentStrategy', {
  type: field(1, enumeration('Recreate', 'RollingUpdate')),
  rollingUpdate: field(2, rollingUpdateDeploymentSchema, 'pointer'),
});
export type DeploymentStrategy = Infer<typeof deploymentStrategySchema>;

export const deploymentSpecSchema = object('io.k8s.api.apps.v1.DeploymentSpec', {
  replicas: field(1, int32, 'pointer'),
  selector: required(2, labelSelectorSchema, 'pointer'),
  template: required(3, podTemplateSpecSchema, 'keepsZero'),
  strategy: field(4, { ...deploymentStrategySchema, patchStrategy: 'retainKeys' }),
  minReadySeconds: field(5, int32),
  revisionHistoryLimit: field(6, int32, 'pointer'),
  paused: field(7, boolean),
  progressDeadlineSeconds: field(9, int32, 'pointer'),
});
export type DeploymentSpec = Infer<typeof deploymentSpecSchema>;

export const deploymentConditionSchema = object('io.k8s.api.apps.v1.DeploymentCondition', {
  type: required(1, string, 'keepsZero'),
  status: required(2, string, 'keepsZero'),
  reason: field(4, string),
  message: field(5, string),
  lastUpdateTime: field(6, time),
  lastTransitionTime: field(7, time),
});
export type DeploymentCondition = Infer<typeof deploymentConditionSchema>;

export const deploymentStatusSchema = object('io.k8s.api.apps.v1.DeploymentStatus', {
  observedGeneration: field(1, int64),
  replicas: field(2, int32),
  updatedReplicas: field(3, int32),
  availableReplicas: field(4, int32),
  unavailableReplicas: field(5, int32),
  conditions: field(
    6,
    list(deploymentConditionSchema, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
  readyReplicas: field(7, int32),
  collisionCount: field(8, int32, 'pointer'),
  terminatingReplicas: field(9, int32, 'pointer'),
});
export type DeploymentStatus = Infer<typeof deploymentStatusSchema>;

export const deploymentSchema = object(
  'io.k8s.api.apps.v1.Deployment',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, deploymentSpecSchema),
    status: field(3, deploymentStatusSchema),
  },
  { gvk: [['apps', 'v1', 'Deployment']] },
);
export type Deployment = Infer<typeof deploymentSchema>;

export const deployments = resource({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: deploymentSchema,
  subresources: {
    scale: { kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: ['get', 'patch', 'update'] },
    status: { kind: 'Deployment', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Ready', type: 'string', priority: 0 },
    { name: 'Up-to-date', type: 'string', priority: 0 },
    { name: 'Available', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
    { name: 'Containers', type: 'string', priority: 1 },
    { name: 'Images', type: 'string', priority: 1 },
    { name: 'Selector', type: 'string', priority: 1 },
  ],
});
