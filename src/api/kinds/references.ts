/** Schemas of Kubernetes 1.36: references. */
import type { Infer } from '../schema.ts';
import { enumeration, field, int64, list, map, object, quantity, required, string, withDefault } from '../schema.ts';

export const objectReferenceSchema = object(
  'io.k8s.api.core.v1.ObjectReference',
  {
    kind: field(1, string),
    apiVersion: field(5, string),
    namespace: field(2, string),
    name: field(3, string),
    uid: field(4, string),
    resourceVersion: field(6, string),
    fieldPath: field(7, string),
  },
  { mapType: 'atomic' },
);
export type ObjectReference = Infer<typeof objectReferenceSchema>;

export const typedLocalObjectReferenceSchema = object(
  'io.k8s.api.core.v1.TypedLocalObjectReference',
  {
    kind: required(2, string, 'keepsZero'),
    apiGroup: field(1, string, 'pointer'),
    name: required(3, string, 'keepsZero'),
  },
  { mapType: 'atomic' },
);
export type TypedLocalObjectReference = Infer<typeof typedLocalObjectReferenceSchema>;

export const typedObjectReferenceSchema = object('io.k8s.api.core.v1.TypedObjectReference', {
  kind: required(2, string, 'keepsZero'),
  apiGroup: field(1, string, 'pointer'),
  name: required(3, string, 'keepsZero'),
  namespace: field(4, string, 'pointer'),
});
export type TypedObjectReference = Infer<typeof typedObjectReferenceSchema>;

export const volumeResourceRequirementsSchema = object('io.k8s.api.core.v1.VolumeResourceRequirements', {
  limits: field(1, map(quantity)),
  requests: field(2, map(quantity)),
});
export type VolumeResourceRequirements = Infer<typeof volumeResourceRequirementsSchema>;

export const nodeSelectorRequirementSchema = object('io.k8s.api.core.v1.NodeSelectorRequirement', {
  key: required(1, string, 'keepsZero'),
  operator: required(2, enumeration('DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn'), 'keepsZero'),
  values: field(3, list(string, { listType: 'atomic' })),
});
export type NodeSelectorRequirement = Infer<typeof nodeSelectorRequirementSchema>;

export const nodeSelectorTermSchema = object(
  'io.k8s.api.core.v1.NodeSelectorTerm',
  {
    matchExpressions: field(1, list(nodeSelectorRequirementSchema, { listType: 'atomic' })),
    matchFields: field(2, list(nodeSelectorRequirementSchema, { listType: 'atomic' })),
  },
  { mapType: 'atomic' },
);
export type NodeSelectorTerm = Infer<typeof nodeSelectorTermSchema>;

export const nodeSelectorSchema = object(
  'io.k8s.api.core.v1.NodeSelector',
  {
    nodeSelectorTerms: required(1, list(nodeSelectorTermSchema, { listType: 'atomic' }), 'keepsZero'),
  },
  { mapType: 'atomic' },
);
export type NodeSelector = Infer<typeof nodeSelectorSchema>;

export const objectFieldSelectorSchema = object(
  'io.k8s.api.core.v1.ObjectFieldSelector',
  {
    apiVersion: field(1, string),
    fieldPath: required(2, string, 'keepsZero'),
  },
  { mapType: 'atomic' },
);
export type ObjectFieldSelector = Infer<typeof objectFieldSelectorSchema>;

export const resourceFieldSelectorSchema = object(
  'io.k8s.api.core.v1.ResourceFieldSelector',
  {
    containerName: field(1, string),
    resource: required(2, string, 'keepsZero'),
    divisor: field(3, quantity),
  },
  { mapType: 'atomic' },
);
export type ResourceFieldSelector = Infer<typeof resourceFieldSelectorSchema>;

export const resourceClaimSchema = object('io.k8s.api.core.v1.ResourceClaim', {
  name: required(1, string, 'keepsZero'),
  request: field(2, string),
});
export type ResourceClaim = Infer<typeof resourceClaimSchema>;

export const localObjectReferenceSchema = object(
  'io.k8s.api.core.v1.LocalObjectReference',
  {
    name: field(1, withDefault(string, '')),
  },
  { mapType: 'atomic' },
);
export type LocalObjectReference = Infer<typeof localObjectReferenceSchema>;

export const tolerationSchema = object('io.k8s.api.core.v1.Toleration', {
  key: field(1, string),
  operator: field(2, enumeration('Equal', 'Exists', 'Gt', 'Lt')),
  value: field(3, string),
  effect: field(4, enumeration('NoExecute', 'NoSchedule', 'PreferNoSchedule')),
  tolerationSeconds: field(5, int64, 'pointer'),
});
export type Toleration = Infer<typeof tolerationSchema>;
