/** Schemas of Kubernetes 1.36: storage class. */
import type { Infer } from '../schema.ts';
import { boolean, enumeration, field, list, map, object, required, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';

export const topologySelectorLabelRequirementSchema = object('io.k8s.api.core.v1.TopologySelectorLabelRequirement', {
  key: required(1, string, 'keepsZero'),
  values: required(2, list(string, { listType: 'atomic' }), 'keepsZero'),
});
export type TopologySelectorLabelRequirement = Infer<typeof topologySelectorLabelRequirementSchema>;

export const topologySelectorTermSchema = object(
  'io.k8s.api.core.v1.TopologySelectorTerm',
  {
    matchLabelExpressions: field(1, list(topologySelectorLabelRequirementSchema, { listType: 'atomic' })),
  },
  { mapType: 'atomic' },
);
export type TopologySelectorTerm = Infer<typeof topologySelectorTermSchema>;

export const storageClassSchema = object(
  'io.k8s.api.storage.v1.StorageClass',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    provisioner: required(2, string, 'keepsZero'),
    parameters: field(3, map(string)),
    reclaimPolicy: field(4, enumeration('Delete', 'Recycle', 'Retain'), 'pointer'),
    mountOptions: field(5, list(string, { listType: 'atomic' })),
    allowVolumeExpansion: field(6, boolean, 'pointer'),
    volumeBindingMode: field(7, enumeration('Immediate', 'WaitForFirstConsumer'), 'pointer'),
    allowedTopologies: field(8, list(topologySelectorTermSchema, { listType: 'atomic' })),
  },
  { gvk: [['storage.k8s.io', 'v1', 'StorageClass']] },
);
export type StorageClass = Infer<typeof storageClassSchema>;

export const storageClasses = resource({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  singular: 'storageclass',
  shortNames: ['sc'],
  namespaced: false,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: storageClassSchema,
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Provisioner', type: 'string', priority: 0 },
    { name: 'ReclaimPolicy', type: 'string', priority: 0 },
    { name: 'VolumeBindingMode', type: 'string', priority: 0 },
    { name: 'AllowVolumeExpansion', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
});
