/** Schemas of Kubernetes 1.36: affinity. */
import type { Infer } from '../schema.ts';
import { enumeration, field, int32, list, object, required, string } from '../schema.ts';
import { labelSelectorSchema } from './meta.ts';
import { nodeSelectorSchema, nodeSelectorTermSchema } from './references.ts';

export const preferredSchedulingTermSchema = object('io.k8s.api.core.v1.PreferredSchedulingTerm', {
  weight: required(1, int32, 'keepsZero'),
  preference: required(2, nodeSelectorTermSchema, 'keepsZero'),
});
export type PreferredSchedulingTerm = Infer<typeof preferredSchedulingTermSchema>;

export const nodeAffinitySchema = object('io.k8s.api.core.v1.NodeAffinity', {
  requiredDuringSchedulingIgnoredDuringExecution: field(1, nodeSelectorSchema, 'pointer'),
  preferredDuringSchedulingIgnoredDuringExecution: field(2, list(preferredSchedulingTermSchema, { listType: 'atomic' })),
});
export type NodeAffinity = Infer<typeof nodeAffinitySchema>;

export const podAffinityTermSchema = object('io.k8s.api.core.v1.PodAffinityTerm', {
  labelSelector: field(1, labelSelectorSchema, 'pointer'),
  namespaces: field(2, list(string, { listType: 'atomic' })),
  topologyKey: required(3, string, 'keepsZero'),
  namespaceSelector: field(4, labelSelectorSchema, 'pointer'),
  matchLabelKeys: field(5, list(string, { listType: 'atomic' })),
  mismatchLabelKeys: field(6, list(string, { listType: 'atomic' })),
});
export type PodAffinityTerm = Infer<typeof podAffinityTermSchema>;

export const weightedPodAffinityTermSchema = object('io.k8s.api.core.v1.WeightedPodAffinityTerm', {
  weight: required(1, int32, 'keepsZero'),
  podAffinityTerm: required(2, podAffinityTermSchema, 'keepsZero'),
});
export type WeightedPodAffinityTerm = Infer<typeof weightedPodAffinityTermSchema>;

export const podAffinitySchema = object('io.k8s.api.core.v1.PodAffinity', {
  requiredDuringSchedulingIgnoredDuringExecution: field(1, list(podAffinityTermSchema, { listType: 'atomic' })),
  preferredDuringSchedulingIgnoredDuringExecution: field(2, list(weightedPodAffinityTermSchema, { listType: 'atomic' })),
});
export type PodAffinity = Infer<typeof podAffinitySchema>;

export const podAntiAffinitySchema = object('io.k8s.api.core.v1.PodAntiAffinity', {
  requiredDuringSchedulingIgnoredDuringExecution: field(1, list(podAffinityTermSchema, { listType: 'atomic' })),
  preferredDuringSchedulingIgnoredDuringExecution: field(2, list(weightedPodAffinityTermSchema, { listType: 'atomic' })),
});
export type PodAntiAffinity = Infer<typeof podAntiAffinitySchema>;

export const affinitySchema = object('io.k8s.api.core.v1.Affinity', {
  nodeAffinity: field(1, nodeAffinitySchema, 'pointer'),
  podAffinity: field(2, podAffinitySchema, 'pointer'),
  podAntiAffinity: field(3, podAntiAffinitySchema, 'pointer'),
});
export type Affinity = Infer<typeof affinitySchema>;

export const topologySpreadConstraintSchema = object('io.k8s.api.core.v1.TopologySpreadConstraint', {
  maxSkew: required(1, int32, 'keepsZero'),
  topologyKey: required(2, string, 'keepsZero'),
  whenUnsatisfiable: required(3, enumeration('DoNotSchedule', 'ScheduleAnyway'), 'keepsZero'),
  labelSelector: field(4, labelSelectorSchema, 'pointer'),
  minDomains: field(5, int32, 'pointer'),
  nodeAffinityPolicy: field(6, enumeration('Honor', 'Ignore'), 'pointer'),
  nodeTaintsPolicy: field(7, enumeration('Honor', 'Ignore'), 'pointer'),
  matchLabelKeys: field(8, list(string, { listType: 'atomic' })),
});
export type TopologySpreadConstraint = Infer<typeof topologySpreadConstraintSchema>;
