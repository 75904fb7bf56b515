/** Schemas of Kubernetes 1.36: pod disruption budget. */
import type { Infer } from '../schema.ts';
import { enumeration, field, int32, int64, intOrString, list, map, object, string, time } from '../schema.ts';
import { resource } from '../resource.ts';
import { conditionSchema, labelSelectorSchema, objectMetaSchema } from './meta.ts';

export const podDisruptionBudgetSpecSchema = object('io.k8s.api.policy.v1.PodDisruptionBudgetSpec', {
  minAvailable: field(1, intOrString, 'pointer'),
  selector: field(2, { ...labelSelectorSchema, patchStrategy: 'replace' }, 'pointer'),
  maxUnavailable: field(3, intOrString, 'pointer'),
  unhealthyPodEvictionPolicy: field(4, enumeration('AlwaysAllow', 'IfHealthyBudget'), 'pointer'),
});
export type PodDisruptionBudgetSpec = Infer<typeof podDisruptionBudgetSpecSchema>;

export const podDisruptionBudgetStatusSchema = object('io.k8s.api.policy.v1.PodDisruptionBudgetStatus', {
  observedGeneration: field(1, int64),
  disruptedPods: field(2, map(time)),
  disruptionsAllowed: field(3, int32, 'keepsZero'),
  currentHealthy: field(4, int32, 'keepsZero'),
  desiredHealthy: field(5, int32, 'keepsZero'),
  expectedPods: field(6, int32, 'keepsZero'),
  conditions: field(
    7,
    list(conditionSchema, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
});
export type PodDisruptionBudgetStatus = Infer<typeof podDisruptionBudgetStatusSchema>;

export const podDisruptionBudgetSchema = object(
  'io.k8s.api.policy.v1.PodDisruptionBudget',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, podDisruptionBudgetSpecSchema),
    status: field(3, podDisruptionBudgetStatusSchema),
  },
  { gvk: [['policy', 'v1', 'PodDisruptionBudget']] },
);
export type PodDisruptionBudget = Infer<typeof podDisruptionBudgetSchema>;

export const podDisruptionBudgets = resource({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  singular: 'poddisruptionbudget',
  shortNames: ['pdb'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: podDisruptionBudgetSchema,
  subresources: {
    status: { kind: 'PodDisruptionBudget', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Min Available', type: 'string', priority: 0 },
    { name: 'Max Unavailable', type: 'string', priority: 0 },
    { name: 'Allowed Disruptions', type: 'integer', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
});
