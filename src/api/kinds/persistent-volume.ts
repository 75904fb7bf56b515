/** Schemas of Kubernetes 1.36: persistent volume. */
import type { Infer } from '../schema.ts';
import {
  boolean,
  enumeration,
  field,
  inlined,
  int32,
  list,
  map,
  object,
  quantity,
  required,
  string,
  time,
  withDefault,
} from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';
import { nodeSelectorSchema, objectReferenceSchema } from './references.ts';
import {
  awsElasticBlockStoreVolumeSourceSchema,
  azureDiskVolumeSourceSchema,
  fcVolumeSourceSchema,
  flockerVolumeSourceSchema,
  gcePersistentDiskVolumeSourceSchema,
  hostPathVolumeSourceSchema,
  nfsVolumeSourceSchema,
  photonPersistentDiskVolumeSourceSchema,
  portworxVolumeSourceSchema,
  quobyteVolumeSourceSchema,
  vsphereVirtualDiskVolumeSourceSchema,
} from './volume.ts';

export const glusterfsPersistentVolumeSourceSchema = object('io.k8s.api.core.v1.GlusterfsPersistentVolumeSource', {
  endpoints: required(1, string, 'keepsZero'),
  path: required(2, string, 'keepsZero'),
  readOnly: field(3, boolean),
  endpointsNamespace: field(4, string, 'pointer'),
});
export type GlusterfsPersistentVolumeSource = Infer<typeof glusterfsPersistentVolumeSourceSchema>;

export const secretReferenceSchema = object(
  'io.k8s.api.core.v1.SecretReference',
  {
    name: field(1, string),
    namespace: field(2, string),
  },
  { mapType: 'atomic' },
);
export type SecretReference = Infer<typeof secretReferenceSchema>;

export const rbdPersistentVolumeSourceSchema = object('io.k8s.api.core.v1.RBDPersistentVolumeSource', {
  monitors: required(1, list(string, { listType: 'atomic' }), 'keepsZero'),
  image: required(2, string, 'keepsZero'),
  fsType: field(3, string),
  pool: field(4, withDefault(string, 'rbd')),
  user: field(5, withDefault(string, 'admin')),
  keyring: field(6, withDefault(string, '/etc/ceph/keyring')),
  secretRef: field(7, secretReferenceSchema, 'pointer'),
  readOnly: field(8, boolean),
});
export type RBDPersistentVolumeSource = Infer<typeof rbdPersistentVolumeSourceSchema>;

export const iscsiPersistentVolumeSourceSchema = object('io.k8s.api.core.v1.ISCSIPersistentVolumeSource', {
  targetPortal: required(1, string, 'keepsZero'),
  iqn: required(2, string, 'keepsZero'),
  lun: required(3, int32, 'keepsZero'),
  iscsiInterface: field(4, withDefault(string, 'default')),
  fsType: field(5, string),
  readOnly: field(6, boolean),
  portals: field(7, list(string, { listType: 'atomic' })),
  chapAuthDiscovery: field(8, boolean),
  secretRef: field(10, secretReferenceSchema, 'pointer'),
  chapAuthSession: field(11, boolean),
  initiatorName: field(12, string, 'pointer'),
});
export type ISCSIPersistentVolumeSource = Infer<typeof iscsiPersistentVolumeSourceSchema>;

export const cinderPersistentVolumeSourceSchema = object('io.k8s.api.core.v1.CinderPersistentVolumeSource', {
  volumeID: required(1, string, 'keepsZero'),
  fsType: field(2, string),
  readOnly: field(3, boolean),
  secretRef: field(4, secretReferenceSchema, 'pointer'),
});
export type CinderPersistentVolumeSource = Infer<typeof cinderPersistentVolumeSourceSchema>;

export const cephFSPersistentVolumeSourceSchema = object('io.k8s.api.core.v1.CephFSPersistentVolumeSource', {
  monitors: required(1, list(string, { listType: 'atomic' }), 'keepsZero'),
  path: field(2, string),
  user: field(3, string),
  secretFile: field(4, string),
  secretRef: field(5, secretReferenceSchema, 'pointer'),
  readOnly: field(6, boolean),
});
export type CephFSPersistentVolumeSource = Infer<typeof cephFSPersistentVolumeSourceSchema>;

export const flexPersistentVolumeSourceSchema = object('io.k8s.api.core.v1.FlexPersistentVolumeSource', {
  driver: required(1, string, 'keepsZero'),
  fsType: field(2, string),
  secretRef: field(3, secretReferenceSchema, 'pointer'),
  readOnly: field(4, boolean),
  options: field(5, map(string)),
});
export type FlexPersistentVolumeSource = Infer<typeof flexPersistentVolumeSourceSchema>;

export const azureFilePersistentVolumeSourceSchema = object('io.k8s.api.core.v1.AzureFilePersistentVolumeSource', {
  secretName: required(1, string, 'keepsZero'),
  shareName: required(2, string, 'keepsZero'),
  readOnly: field(3, boolean),
  secretNamespace: field(4, string, 'pointer', 'keepsZero'),
});
export type AzureFilePersistentVolumeSource = Infer<typeof azureFilePersistentVolumeSourceSchema>;

export const scaleIOPersistentVolumeSourceSchema = object('io.k8s.api.core.v1.ScaleIOPersistentVolumeSource', {
  gateway: required(1, string, 'keepsZero'),
  system: required(2, string, 'keepsZero'),
  secretRef: required(3, secretReferenceSchema, 'pointer', 'keepsZero'),
  sslEnabled: field(4, boolean),
  protectionDomain: field(5, string),
  storagePool: field(6, string),
  storageMode: field(7, withDefault(string, 'ThinProvisioned')),
  volumeName: field(8, string),
  fsType: field(9, withDefault(string, 'xfs')),
  readOnly: field(10, boolean),
});
export type ScaleIOPersistentVolumeSource = Infer<typeof scaleIOPersistentVolumeSourceSchema>;

export const localVolumeSourceSchema = object('io.k8s.api.core.v1.LocalVolumeSource', {
  path: required(1, string, 'keepsZero'),
  fsType: field(2, string, 'pointer'),
});
export type LocalVolumeSource = Infer<typeof localVolumeSourceSchema>;

export const storageOSPersistentVolumeSourceSchema = object('io.k8s.api.core.v1.StorageOSPersistentVolumeSource', {
  volumeName: field(1, string),
  volumeNamespace: field(2, string),
  fsType: field(3, string),
  readOnly: field(4, boolean),
  secretRef: field(5, objectReferenceSchema, 'pointer'),
});
export type StorageOSPersistentVolumeSource = Infer<typeof storageOSPersistentVolumeSourceSchema>;

export const csiPersistentVolumeSourceSchema = object('io.k8s.api.core.v1.CSIPersistentVolumeSource', {
  driver: required(1, string, 'keepsZero'),
  volumeHandle: required(2, string, 'keepsZero'),
  readOnly: field(3, boolean),
  fsType: field(4, string),
  volumeAttributes: field(5, map(string)),
  controllerPublishSecretRef: field(6, secretReferenceSchema, 'pointer'),
  nodeStageSecretRef: field(7, secretReferenceSchema, 'pointer'),
  nodePublishSecretRef: field(8, secretReferenceSchema, 'pointer'),
  controllerExpandSecretRef: field(9, secretReferenceSchema, 'pointer'),
  nodeExpandSecretRef: field(10, secretReferenceSchema, 'pointer'),
});
export type CSIPersistentVolumeSource = Infer<typeof csiPersistentVolumeSourceSchema>;

export const volumeNodeAffinitySchema = object('io.k8s.api.core.v1.VolumeNodeAffinity', {
  required: field(1, nodeSelectorSchema, 'pointer'),
});
export type VolumeNodeAffinity = Infer<typeof volumeNodeAffinitySchema>;

export const persistentVolumeSpecSchema = object('io.k8s.api.core.v1.PersistentVolumeSpec', {
  capacity: field(1, map(quantity)),
  ...inlined(2, {
    gcePersistentDisk: field(1, gcePersistentDiskVolumeSourceSchema, 'pointer'),
    awsElasticBlockStore: field(2, awsElasticBlockStoreVolumeSourceSchema, 'pointer'),
    hostPath: field(3, hostPathVolumeSourceSchema, 'pointer'),
    glusterfs: field(4, glusterfsPersistentVolumeSourceSchema, 'pointer'),
    nfs: field(5, nfsVolumeSourceSchema, 'pointer'),
    rbd: field(6, rbdPersistentVolumeSourceSchema, 'pointer'),
    iscsi: field(7, iscsiPersistentVolumeSourceSchema, 'pointer'),
    cinder: field(8, cinderPersistentVolumeSourceSchema, 'pointer'),
    cephfs: field(9, cephFSPersistentVolumeSourceSchema, 'pointer'),
    fc: field(10, fcVolumeSourceSchema, 'pointer'),
    flocker: field(11, flockerVolumeSourceSchema, 'pointer'),
    flexVolume: field(12, flexPersistentVolumeSourceSchema, 'pointer'),
    azureFile: field(13, azureFilePersistentVolumeSourceSchema, 'pointer'),
    vsphereVolume: field(14, vsphereVirtualDiskVolumeSourceSchema, 'pointer'),
    quobyte: field(15, quobyteVolumeSourceSchema, 'pointer'),
    azureDisk: field(16, azureDiskVolumeSourceSchema, 'pointer'),
    photonPersistentDisk: field(17, photonPersistentDiskVolumeSourceSchema, 'pointer'),
    portworxVolume: field(18, portworxVolumeSourceSchema, 'pointer'),
    scaleIO: field(19, scaleIOPersistentVolumeSourceSchema, 'pointer'),
    local: field(20, localVolumeSourceSchema, 'pointer'),
    storageos: field(21, storageOSPersistentVolumeSourceSchema, 'pointer'),
    csi: field(22, csiPersistentVolumeSourceSchema, 'pointer'),
  }),
  accessModes: field(
    3,
    list(enumeration('ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'), { listType: 'atomic' }),
  ),
  claimRef: field(4, { ...objectReferenceSchema, mapType: 'granular' }, 'pointer'),
  persistentVolumeReclaimPolicy: field(5, enumeration('Delete', 'Recycle', 'Retain')),
  storageClassName: field(6, string),
  mountOptions: field(7, list(string, { listType: 'atomic' })),
  volumeMode: field(8, enumeration('Block', 'Filesystem'), 'pointer'),
  nodeAffinity: field(9, volumeNodeAffinitySchema, 'pointer'),
  volumeAttributesClassName: field(10, string, 'pointer'),
});
export type PersistentVolumeSpec = Infer<typeof persistentVolumeSpecSchema>;

export const persistentVolumeStatusSchema = object('io.k8s.api.core.v1.PersistentVolumeStatus', {
  phase: field(1, enumeration('Available', 'Bound', 'Failed', 'Pending', 'Released')),
  message: field(2, string),
  reason: field(3, string),
  lastPhaseTransitionTime: field(4, time, 'pointer'),
});
export type PersistentVolumeStatus = Infer<typeof persistentVolumeStatusSchema>;

export const persistentVolumeSchema = object(
  'io.k8s.api.core.v1.PersistentVolume',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, persistentVolumeSpecSchema),
    status: field(3, persistentVolumeStatusSchema),
  },
  { gvk: [['', 'v1', 'PersistentVolume']] },
);
export type PersistentVolume = Infer<typeof persistentVolumeSchema>;

export const persistentVolumes = resource({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  singular: 'persistentvolume',
  shortNames: ['pv'],
  namespaced: false,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: persistentVolumeSchema,
  subresources: {
    status: { kind: 'PersistentVolume', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Capacity', type: 'string', priority: 0 },
    { name: 'Access Modes', type: 'string', priority: 0 },
    { name: 'Reclaim Policy', type: 'string', priority: 0 },
    { name: 'Status', type: 'string', priority: 0 },
    { name: 'Claim', type: 'string', priority: 0 },
    { name: 'StorageClass', type: 'string', priority: 0 },
    { name: 'VolumeAttributesClass', type: 'string', priority: 0 },
    { name: 'Reason', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
    { name: 'VolumeMode', type: 'string', priority: 1 },
  ],
});
