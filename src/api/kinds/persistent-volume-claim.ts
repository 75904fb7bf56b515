/** Schemas of Kubernetes 1.36: persistent volume claim. */
import type { Infer } from '../schema.ts';
import { enumeration, field, list, map, object, quantity, required, string, time } from '../schema.ts';
import { resource } from '../resource.ts';
import { labelSelectorSchema, objectMetaSchema } from './meta.ts';
import { typedLocalObjectReferenceSchema, typedObjectReferenceSchema, volumeResourceRequirementsSchema } from './references.ts';

export const persistentVolumeClaimSpecSchema = object('io.k8s.api.core.v1.PersistentVolumeClaimSpec', {
  accessModes: field(
    1,
    list(enumeration('ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'), { listType: 'atomic' }),
  ),
  resources: field(2, volumeResourceRequirementsSchema),
  volumeName: field(3, string),
  selector: field(4, labelSelectorSchema, 'pointer'),
  storageClassName: field(5, string, 'pointer'),
  volumeMode: field(6, enumeration('Block', 'Filesystem'), 'pointer'),
  dataSource: field(7, typedLocalObjectReferenceSchema, 'pointer'),
  dataSourceRef: field(8, typedObjectReferenceSchema, 'pointer'),
  volumeAttributesClassName: field(9, string, 'pointer'),
});
export type PersistentVolumeClaimSpec = Infer<typeof persistentVolumeClaimSpecSchema>;

export const persistentVolumeClaimConditionSchema = object('io.k8s.api.core.v1.PersistentVolumeClaimCondition', {
  type: required(1, string, 'keepsZero'),
  status: required(2, string, 'keepsZero'),
  lastProbeTime: field(3, time),
  lastTransitionTime: field(4, time),
  reason: field(5, string),
  message: field(6, string),
});
export type PersistentVolumeClaimCondition = Infer<typeof persistentVolumeClaimConditionSchema>;

export const modifyVolumeStatusSchema = object('io.k8s.api.core.v1.ModifyVolumeStatus', {
  targetVolumeAttributesClassName: field(1, string),
  status: required(2, enumeration('InProgress', 'Infeasible', 'Pending'), 'keepsZero'),
});
export type ModifyVolumeStatus = Infer<typeof modifyVolumeStatusSchema>;

export const persistentVolumeClaimStatusSchema = object('io.k8s.api.core.v1.PersistentVolumeClaimStatus', {
  phase: field(1, enumeration('Bound', 'Lost', 'Pending')),
  accessModes: field(
    2,
    list(enumeration('ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'), { listType: 'atomic' }),
  ),
  capacity: field(3, map(quantity)),
  conditions: field(
    4,
    list(persistentVolumeClaimConditionSchema, {
      listType: 'map',
      listMapKeys: ['type'],
      patchStrategy: 'merge',
      patchMergeKey: 'type',
    }),
  ),
  allocatedResources: field(5, map(quantity)),
  allocatedResourceStatuses: field(
    7,
    map(
      enumeration(
        'ControllerResizeInProgress',
        'ControllerResizeInfeasible',
        'NodeResizeInProgress',
        'NodeResizeInfeasible',
        'NodeResizePending',
      ),
      { mapType: 'granular' },
    ),
  ),
  currentVolumeAttributesClassName: field(8, string, 'pointer'),
  modifyVolumeStatus: field(9, modifyVolumeStatusSchema, 'pointer'),
});
export type PersistentVolumeClaimStatus = Infer<typeof persistentVolumeClaimStatusSchema>;

export const persistentVolumeClaimSchema = object(
  'io.k8s.api.core.v1.PersistentVolumeClaim',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, persistentVolumeClaimSpecSchema),
    status: field(3, persistentVolumeClaimStatusSchema),
  },
  { gvk: [['', 'v1', 'PersistentVolumeClaim']] },
);
export type PersistentVolumeClaim = Infer<typeof persistentVolumeClaimSchema>;

export const persistentVolumeClaims = resource({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  singular: 'persistentvolumeclaim',
  shortNames: ['pvc'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: persistentVolumeClaimSchema,
  subresources: {
    status: { kind: 'PersistentVolumeClaim', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Status', type: 'string', priority: 0 },
    { name: 'Volume', type: 'string', priority: 0 },
    { name: 'Capacity', type: 'string', priority: 0 },
    { name: 'Access Modes', type: 'string', priority: 0 },
    { name: 'StorageClass', type: 'string', priority: 0 },
    { name: 'VolumeAttributesClass', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
    { name: 'VolumeMode', type: 'string', priority: 1 },
  ],
});
