/** Schemas of Kubernetes 1.36: Metadata that every object carries, and the options and answers of the API itself. */
import type { Infer } from '../schema.ts';
import { boolean, field, fieldsV1, int32, int64, list, map, object, required, string, time } from '../schema.ts';

export const managedFieldsEntrySchema = object('io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry', {
  apiVersion: field(3, string),
  manager: field(1, string),
  operation: field(2, string),
  time: field(4, time, 'pointer'),
  fieldsType: field(6, string),
  fieldsV1: field(7, fieldsV1, 'pointer'),
  subresource: field(8, string),
});
export type ManagedFieldsEntry = Infer<typeof managedFieldsEntrySchema>;

export const ownerReferenceSchema = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference',
  {
    kind: required(1, string, 'keepsZero'),
    apiVersion: required(5, string, 'keepsZero'),
    name: required(3, string, 'keepsZero'),
    uid: required(4, string, 'keepsZero'),
    controller: field(6, boolean, 'pointer'),
    blockOwnerDeletion: field(7, boolean, 'pointer'),
  },
  { mapType: 'atomic' },
);
export type OwnerReference = Infer<typeof ownerReferenceSchema>;

export const objectMetaSchema = object('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', {
  name: field(1, string),
  generateName: field(2, string),
  namespace: field(3, string),
  selfLink: field(4, string),
  uid: field(5, string),
  resourceVersion: field(6, string),
  generation: field(7, int64),
  creationTimestamp: field(8, time),
  deletionTimestamp: field(9, time, 'pointer'),
  deletionGracePeriodSeconds: field(10, int64, 'pointer'),
  labels: field(11, map(string)),
  annotations: field(12, map(string)),
  ownerReferences: field(
    13,
    list(ownerReferenceSchema, { listType: 'map', listMapKeys: ['uid'], patchStrategy: 'merge', patchMergeKey: 'uid' }),
  ),
  finalizers: field(14, list(string, { listType: 'set', patchStrategy: 'merge' })),
  managedFields: field(17, list(managedFieldsEntrySchema, { listType: 'atomic' })),
});
export type ObjectMeta = Infer<typeof objectMetaSchema>;

export const labelSelectorRequirementSchema = object('io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement', {
  key: required(1, string, 'keepsZero'),
  operator: required(2, string, 'keepsZero'),
  values: field(3, list(string, { listType: 'atomic' })),
});
export type LabelSelectorRequirement = Infer<typeof labelSelectorRequirementSchema>;

export const labelSelectorSchema = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector',
  {
    matchLabels: field(1, map(string)),
    matchExpressions: field(2, list(labelSelectorRequirementSchema, { listType: 'atomic' })),
  },
  { mapType: 'atomic' },
);
export type LabelSelector = Infer<typeof labelSelectorSchema>;

export const conditionSchema = object('io.k8s.apimachinery.pkg.apis.meta.v1.Condition', {
  type: required(1, string, 'keepsZero'),
  status: required(2, string, 'keepsZero'),
  observedGeneration: field(3, int64),
  lastTransitionTime: required(4, time, 'keepsZero'),
  reason: required(5, string, 'keepsZero'),
  message: required(6, string, 'keepsZero'),
});
export type Condition = Infer<typeof conditionSchema>;

export const fieldSelectorRequirementSchema = object('io.k8s.apimachinery.pkg.apis.meta.v1.FieldSelectorRequirement', {
  key: required(1, string, 'keepsZero'),
  operator: required(2, string, 'keepsZero'),
  values: field(3, list(string, { listType: 'atomic' })),
});
export type FieldSelectorRequirement = Infer<typeof fieldSelectorRequirementSchema>;

export const preconditionsSchema = object('io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions', {
  uid: field(1, string, 'pointer'),
  resourceVersion: field(2, string, 'pointer'),
});
export type Preconditions = Infer<typeof preconditionsSchema>;

export const deleteOptionsSchema = object('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions', {
  apiVersion: field(0, string),
  kind: field(0, string),
  gracePeriodSeconds: field(1, int64, 'pointer'),
  preconditions: field(2, preconditionsSchema, 'pointer'),
  orphanDependents: field(3, boolean, 'pointer'),
  propagationPolicy: field(4, string, 'pointer'),
  dryRun: field(5, list(string, { listType: 'atomic' })),
  ignoreStoreReadErrorWithClusterBreakingPotential: field(6, boolean, 'pointer'),
});
export type DeleteOptions = Infer<typeof deleteOptionsSchema>;

export const statusCauseSchema = object('io.k8s.apimachinery.pkg.apis.meta.v1.StatusCause', {
  reason: field(1, string),
  message: field(2, string),
  field: field(3, string),
});
export type StatusCause = Infer<typeof statusCauseSchema>;

export const statusDetailsSchema = object('io.k8s.apimachinery.pkg.apis.meta.v1.StatusDetails', {
  kind: field(3, string),
  name: field(1, string),
  group: field(2, string),
  causes: field(4, list(statusCauseSchema, { listType: 'atomic' })),
  retryAfterSeconds: field(5, int32),
  uid: field(6, string),
});
export type StatusDetails = Infer<typeof statusDetailsSchema>;

export const shardInfoSchema = object('io.k8s.apimachinery.pkg.apis.meta.v1.ShardInfo', {
  selector: required(1, string, 'keepsZero'),
});
export type ShardInfo = Infer<typeof shardInfoSchema>;

export const listMetaSchema = object('io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta', {
  selfLink: field(1, string),
  resourceVersion: field(2, string),
  continue: field(3, string),
  remainingItemCount: field(4, int64, 'pointer'),
  shardInfo: field(5, shardInfoSchema, 'pointer'),
});
export type ListMeta = Infer<typeof listMetaSchema>;

export const statusSchema = object(
  'io.k8s.apimachinery.pkg.apis.meta.v1.Status',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, listMetaSchema),
    status: field(2, string),
    message: field(3, string),
    reason: field(4, string),
    details: field(5, statusDetailsSchema, 'pointer'),
    code: field(6, int32),
  },
  { gvk: [['', 'v1', 'Status']] },
);
export type Status = Infer<typeof statusSchema>;
