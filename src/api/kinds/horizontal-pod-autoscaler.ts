/** Schemas of Kubernetes 1.36: horizontal pod autoscaler. */
import type { Infer } from '../schema.ts';
import { field, int32, int64, object, required, string, time } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';

export const crossVersionObjectReferenceSchema = object(
  'io.k8s.api.autoscaling.v1.CrossVersionObjectReference',
  {
    kind: required(1, string, 'keepsZero'),
    apiVersion: field(3, string),
    name: required(2, string, 'keepsZero'),
  },
  { mapType: 'atomic' },
);
export type CrossVersionObjectReference = Infer<typeof crossVersionObjectReferenceSchema>;

export const horizontalPodAutoscalerSpecSchema = object('io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerSpec', {
  scaleTargetRef: required(1, crossVersionObjectReferenceSchema, 'keepsZero'),
  minReplicas: field(2, int32, 'pointer'),
  maxReplicas: required(3, int32, 'keepsZero'),
  targetCPUUtilizationPercentage: field(4, int32, 'pointer'),
});
export type HorizontalPodAutoscalerSpec = Infer<typeof horizontalPodAutoscalerSpecSchema>;

export const horizontalPodAutoscalerStatusSchema = object('io.k8s.api.autoscaling.v1.HorizontalPodAutoscalerStatus', {
  observedGeneration: field(1, int64, 'pointer'),
  lastScaleTime: field(2, time, 'pointer'),
  currentReplicas: required(3, int32, 'keepsZero'),
  desiredReplicas: required(4, int32, 'keepsZero'),
  currentCPUUtilizationPercentage: field(5, int32, 'pointer'),
});
export type HorizontalPodAutoscalerStatus = Infer<typeof horizontalPodAutoscalerStatusSchema>;

export const horizontalPodAutoscalerSchema = object(
  'io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: required(2, horizontalPodAutoscalerSpecSchema),
    status: field(3, horizontalPodAutoscalerStatusSchema),
  },
  { gvk: [['autoscaling', 'v1', 'HorizontalPodAutoscaler']] },
);
export type HorizontalPodAutoscaler = Infer<typeof horizontalPodAutoscalerSchema>;

export const horizontalPodAutoscalers = resource({
  group: 'autoscaling',
  version: 'v1',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  singular: 'horizontalpodautoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: horizontalPodAutoscalerSchema,
  subresources: {
    status: { kind: 'HorizontalPodAutoscaler', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Reference', type: 'string', priority: 0 },
    { name: 'Targets', type: 'string', priority: 0 },
    { name: 'MinPods', type: 'string', priority: 0 },
    { name: 'MaxPods', type: 'string', priority: 0 },
    { name: 'Replicas', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
});
