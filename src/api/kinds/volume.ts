/** Schemas of Kubernetes 1.36: volume. */
import type { Infer } from '../schema.ts';
import {
  boolean,
  enumeration,
  field,
  inlined,
  int32,
  int64,
  list,
  map,
  object,
  quantity,
  required,
  string,
  withDefault,
} from '../schema.ts';
import { labelSelectorSchema, objectMetaSchema } from './meta.ts';
import { persistentVolumeClaimSpecSchema } from './persistent-volume-claim.ts';
import { localObjectReferenceSchema, objectFieldSelectorSchema, resourceFieldSelectorSchema } from './references.ts';

export const awsElasticBlockStoreVolumeSourceSchema = object('io.k8s.api.core.v1.AWSElasticBlockStoreVolumeSource', {
  volumeID: required(1, string, 'keepsZero'),
  fsType: field(2, string),
  partition: field(3, int32),
  readOnly: field(4, boolean),
});
export type AWSElasticBlockStoreVolumeSource = Infer<typeof awsElasticBlockStoreVolumeSourceSchema>;

export const azureDiskVolumeSourceSchema = object('io.k8s.api.core.v1.AzureDiskVolumeSource', {
  kind: field(6, withDefault(enumeration('Dedicated', 'Managed', 'Shared'), 'Shared'), 'pointer'),
  diskName: required(1, string, 'keepsZero'),
  diskURI: required(2, string, 'keepsZero'),
  cachingMode: field(3, withDefault(enumeration('None', 'ReadOnly', 'ReadWrite'), 'ReadWrite'), 'pointer'),
  fsType: field(4, withDefault(string, 'ext4'), 'pointer'),
  readOnly: field(5, withDefault(boolean, false), 'pointer'),
});
export type AzureDiskVolumeSource = Infer<typeof azureDiskVolumeSourceSchema>;

export const azureFileVolumeSourceSchema = object('io.k8s.api.core.v1.AzureFileVolumeSource', {
  secretName: required(1, string, 'keepsZero'),
  shareName: required(2, string, 'keepsZero'),
  readOnly: field(3, boolean),
});
export type AzureFileVolumeSource = Infer<typeof azureFileVolumeSourceSchema>;

export const cephFSVolumeSourceSchema = object('io.k8s.api.core.v1.CephFSVolumeSource', {
  monitors: required(1, list(string, { listType: 'atomic' }), 'keepsZero'),
  path: field(2, string),
  user: field(3, string),
  secretFile: field(4, string),
  secretRef: field(5, localObjectReferenceSchema, 'pointer'),
  readOnly: field(6, boolean),
});
export type CephFSVolumeSource = Infer<typeof cephFSVolumeSourceSchema>;

export const cinderVolumeSourceSchema = object('io.k8s.api.core.v1.CinderVolumeSource', {
  volumeID: required(1, string, 'keepsZero'),
  fsType: field(2, string),
  readOnly: field(3, boolean),
  secretRef: field(4, localObjectReferenceSchema, 'pointer'),
});
export type CinderVolumeSource = Infer<typeof cinderVolumeSourceSchema>;

export const keyToPathSchema = object('io.k8s.api.core.v1.KeyToPath', {
  key: required(1, string, 'keepsZero'),
  path: required(2, string, 'keepsZero'),
  mode: field(3, int32, 'pointer'),
});
export type KeyToPath = Infer<typeof keyToPathSchema>;

export const configMapVolumeSourceSchema = object('io.k8s.api.core.v1.ConfigMapVolumeSource', {
  ...inlined(1, {
    name: field(1, withDefault(string, '')),
  }),
  items: field(2, list(keyToPathSchema, { listType: 'atomic' })),
  defaultMode: field(3, int32, 'pointer'),
  optional: field(4, boolean, 'pointer'),
});
export type ConfigMapVolumeSource = Infer<typeof configMapVolumeSourceSchema>;

export const csiVolumeSourceSchema = object('io.k8s.api.core.v1.CSIVolumeSource', {
  driver: required(1, string, 'keepsZero'),
  readOnly: field(2, boolean, 'pointer'),
  fsType: field(3, string, 'pointer'),
  volumeAttributes: field(4, map(string)),
  nodePublishSecretRef: field(5, localObjectReferenceSchema, 'pointer'),
});
export type CSIVolumeSource = Infer<typeof csiVolumeSourceSchema>;

export const downwardAPIVolumeFileSchema = object('io.k8s.api.core.v1.DownwardAPIVolumeFile', {
  path: required(1, string, 'keepsZero'),
  fieldRef: field(2, objectFieldSelectorSchema, 'pointer'),
  resourceFieldRef: field(3, resourceFieldSelectorSchema, 'pointer'),
  mode: field(4, int32, 'pointer'),
});
export type DownwardAPIVolumeFile = Infer<typeof downwardAPIVolumeFileSchema>;

export const downwardAPIVolumeSourceSchema = object('io.k8s.api.core.v1.DownwardAPIVolumeSource', {
  items: field(1, list(downwardAPIVolumeFileSchema, { listType: 'atomic' })),
  defaultMode: field(2, int32, 'pointer'),
});
export type DownwardAPIVolumeSource = Infer<typeof downwardAPIVolumeSourceSchema>;

export const emptyDirVolumeSourceSchema = object('io.k8s.api.core.v1.EmptyDirVolumeSource', {
  medium: field(1, string),
  sizeLimit: field(2, quantity, 'pointer'),
});
export type EmptyDirVolumeSource = Infer<typeof emptyDirVolumeSourceSchema>;

export const persistentVolumeClaimTemplateSchema = object('io.k8s.api.core.v1.PersistentVolumeClaimTemplate', {
  metadata: field(1, objectMetaSchema),
  spec: required(2, persistentVolumeClaimSpecSchema, 'keepsZero'),
});
export type PersistentVolumeClaimTemplate = Infer<typeof persistentVolumeClaimTemplateSchema>;

export const ephemeralVolumeSourceSchema = object('io.k8s.api.core.v1.EphemeralVolumeSource', {
  volumeClaimTemplate: field(1, persistentVolumeClaimTemplateSchema, 'pointer'),
});
export type EphemeralVolumeSource = Infer<typeof ephemeralVolumeSourceSchema>;

export const fcVolumeSourceSchema = object('io.k8s.api.core.v1.FCVolumeSource', {
  targetWWNs: field(1, list(string, { listType: 'atomic' })),
  lun: field(2, int32, 'pointer'),
  fsType: field(3, string),
  readOnly: field(4, boolean),
  wwids: field(5, list(string, { listType: 'atomic' })),
});
export type FCVolumeSource = Infer<typeof fcVolumeSourceSchema>;

export const flexVolumeSourceSchema = object('io.k8s.api.core.v1.FlexVolumeSource', {
  driver: required(1, string, 'keepsZero'),
  fsType: field(2, string),
  secretRef: field(3, localObjectReferenceSchema, 'pointer'),
  readOnly: field(4, boolean),
  options: field(5, map(string)),
});
export type FlexVolumeSource = Infer<typeof flexVolumeSourceSchema>;

export const flockerVolumeSourceSchema = object('io.k8s.api.core.v1.FlockerVolumeSource', {
  datasetName: field(1, string),
  datasetUUID: field(2, string),
});
export type FlockerVolumeSource = Infer<typeof flockerVolumeSourceSchema>;

export const gcePersistentDiskVolumeSourceSchema = object('io.k8s.api.core.v1.GCEPersistentDiskVolumeSource', {
  pdName: required(1, string, 'keepsZero'),
  fsType: field(2, string),
  partition: field(3, int32),
  readOnly: field(4, boolean),
});
export type GCEPersistentDiskVolumeSource = Infer<typeof gcePersistentDiskVolumeSourceSchema>;

export const gitRepoVolumeSourceSchema = object('io.k8s.api.core.v1.GitRepoVolumeSource', {
  repository: required(1, string, 'keepsZero'),
  revision: field(2, string),
  directory: field(3, string),
});
export type GitRepoVolumeSource = Infer<typeof gitRepoVolumeSourceSchema>;

export const glusterfsVolumeSourceSchema = object('io.k8s.api.core.v1.GlusterfsVolumeSource', {
  endpoints: required(1, string, 'keepsZero'),
  path: required(2, string, 'keepsZero'),
  readOnly: field(3, boolean),
});
export type GlusterfsVolumeSource = Infer<typeof glusterfsVolumeSourceSchema>;

export const hostPathVolumeSourceSchema = object('io.k8s.api.core.v1.HostPathVolumeSource', {
  path: required(1, string, 'keepsZero'),
  type: field(
    2,
    enumeration('', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'),
    'pointer',
  ),
});
export type HostPathVolumeSource = Infer<typeof hostPathVolumeSourceSchema>;

export const imageVolumeSourceSchema = object('io.k8s.api.core.v1.ImageVolumeSource', {
  reference: field(1, string),
  pullPolicy: field(2, enumeration('Always', 'IfNotPresent', 'Never')),
});
export type ImageVolumeSource = Infer<typeof imageVolumeSourceSchema>;

export const iscsiVolumeSourceSchema = object('io.k8s.api.core.v1.ISCSIVolumeSource', {
  targetPortal: required(1, string, 'keepsZero'),
  iqn: required(2, string, 'keepsZero'),
  lun: required(3, int32, 'keepsZero'),
  iscsiInterface: field(4, withDefault(string, 'default')),
  fsType: field(5, string),
  readOnly: field(6, boolean),
  portals: field(7, list(string, { listType: 'atomic' })),
  chapAuthDiscovery: field(8, boolean),
  secretRef: field(10, localObjectReferenceSchema, 'pointer'),
  chapAuthSession: field(11, boolean),
  initiatorName: field(12, string, 'pointer'),
});
export type ISCSIVolumeSource = Infer<typeof iscsiVolumeSourceSchema>;

export const nfsVolumeSourceSchema = object('io.k8s.api.core.v1.NFSVolumeSource', {
  server: required(1, string, 'keepsZero'),
  path: required(2, string, 'keepsZero'),
  readOnly: field(3, boolean),
});
export type NFSVolumeSource = Infer<typeof nfsVolumeSourceSchema>;

export const persistentVolumeClaimVolumeSourceSchema = object('io.k8s.api.core.v1.PersistentVolumeClaimVolumeSource', {
  claimName: required(1, string, 'keepsZero'),
  readOnly: field(2, boolean),
});
export type PersistentVolumeClaimVolumeSource = Infer<typeof persistentVolumeClaimVolumeSourceSchema>;

export const photonPersistentDiskVolumeSourceSchema = object('io.k8s.api.core.v1.PhotonPersistentDiskVolumeSource', {
  pdID: required(1, string, 'keepsZero'),
  fsType: field(2, string),
});
export type PhotonPersistentDiskVolumeSource = Infer<typeof photonPersistentDiskVolumeSourceSchema>;

export const portworxVolumeSourceSchema = object('io.k8s.api.core.v1.PortworxVolumeSource', {
  volumeID: required(1, string, 'keepsZero'),
  fsType: field(2, string),
  readOnly: field(3, boolean),
});
export type PortworxVolumeSource = Infer<typeof portworxVolumeSourceSchema>;

export const clusterTrustBundleProjectionSchema = object('io.k8s.api.core.v1.ClusterTrustBundleProjection', {
  name: field(1, string, 'pointer'),
  signerName: field(2, string, 'pointer'),
  labelSelector: field(3, labelSelectorSchema, 'pointer'),
  path: required(4, string, 'keepsZero'),
  optional: field(5, boolean, 'pointer'),
});
export type ClusterTrustBundleProjection = Infer<typeof clusterTrustBundleProjectionSchema>;

export const configMapProjectionSchema = object('io.k8s.api.core.v1.ConfigMapProjection', {
  ...inlined(1, {
    name: field(1, withDefault(string, '')),
  }),
  items: field(2, list(keyToPathSchema, { listType: 'atomic' })),
  optional: field(4, boolean, 'pointer'),
});
export type ConfigMapProjection = Infer<typeof configMapProjectionSchema>;

export const downwardAPIProjectionSchema = object('io.k8s.api.core.v1.DownwardAPIProjection', {
  items: field(1, list(downwardAPIVolumeFileSchema, { listType: 'atomic' })),
});
export type DownwardAPIProjection = Infer<typeof downwardAPIProjectionSchema>;

export const podCertificateProjectionSchema = object('io.k8s.api.core.v1.PodCertificateProjection', {
  signerName: required(1, string),
  keyType: required(2, string),
  maxExpirationSeconds: field(3, int32, 'pointer'),
  credentialBundlePath: field(4, string),
  keyPath: field(5, string),
  certificateChainPath: field(6, string),
  userAnnotations: field(7, map(string)),
});
export type PodCertificateProjection = Infer<typeof podCertificateProjectionSchema>;

export const secretProjectionSchema = object('io.k8s.api.core.v1.SecretProjection', {
  ...inlined(1, {
    name: field(1, withDefault(string, '')),
  }),
  items: field(2, list(keyToPathSchema, { listType: 'atomic' })),
  optional: field(4, boolean, 'pointer'),
});
export type SecretProjection = Infer<typeof secretProjectionSchema>;

export const serviceAccountTokenProjectionSchema = object('io.k8s.api.core.v1.ServiceAccountTokenProjection', {
  audience: field(1, string),
  expirationSeconds: field(2, int64, 'pointer'),
  path: required(3, string, 'keepsZero'),
});
export type ServiceAccountTokenProjection = Infer<typeof serviceAccountTokenProjectionSchema>;

export const volumeProjectionSchema = object('io.k8s.api.core.v1.VolumeProjection', {
  secret: field(1, secretProjectionSchema, 'pointer'),
  downwardAPI: field(2, downwardAPIProjectionSchema, 'pointer'),
  configMap: field(3, configMapProjectionSchema, 'pointer'),
  serviceAccountToken: field(4, serviceAccountTokenProjectionSchema, 'pointer'),
  clusterTrustBundle: field(5, clusterTrustBundleProjectionSchema, 'pointer'),
  podCertificate: field(6, podCertificateProjectionSchema, 'pointer'),
});
export type VolumeProjection = Infer<typeof volumeProjectionSchema>;

export const projectedVolumeSourceSchema = object('io.k8s.api.core.v1.ProjectedVolumeSource', {
  sources: field(1, list(volumeProjectionSchema, { listType: 'atomic' }), 'keepsZero'),
  defaultMode: field(2, int32, 'pointer'),
});
export type ProjectedVolumeSource = Infer<typeof projectedVolumeSourceSchema>;

export const quobyteVolumeSourceSchema = object('io.k8s.api.core.v1.QuobyteVolumeSource', {
  registry: required(1, string, 'keepsZero'),
  volume: required(2, string, 'keepsZero'),
  readOnly: field(3, boolean),
  user: field(4, string),
  group: field(5, string),
  tenant: field(6, string),
});
export type QuobyteVolumeSource = Infer<typeof quobyteVolumeSourceSchema>;

export const rbdVolumeSourceSchema = object('io.k8s.api.core.v1.RBDVolumeSource', {
  monitors: required(1, list(string, { listType: 'atomic' }), 'keepsZero'),
  image: required(2, string, 'keepsZero'),
  fsType: field(3, string),
  pool: field(4, withDefault(string, 'rbd')),
  user: field(5, withDefault(string, 'admin')),
  keyring: field(6, withDefault(string, '/etc/ceph/keyring')),
  secretRef: field(7, localObjectReferenceSchema, 'pointer'),
  readOnly: field(8, boolean),
});
export type RBDVolumeSource = Infer<typeof rbdVolumeSourceSchema>;

export const scaleIOVolumeSourceSchema = object('io.k8s.api.core.v1.ScaleIOVolumeSource', {
  gateway: required(1, string, 'keepsZero'),
  system: required(2, string, 'keepsZero'),
  secretRef: required(3, localObjectReferenceSchema, 'pointer'),
  sslEnabled: field(4, boolean),
  protectionDomain: field(5, string),
  storagePool: field(6, string),
  storageMode: field(7, withDefault(string, 'ThinProvisioned')),
  volumeName: field(8, string),
  fsType: field(9, withDefault(string, 'xfs')),
  readOnly: field(10, boolean),
});
export type ScaleIOVolumeSource = Infer<typeof scaleIOVolumeSourceSchema>;

export const secretVolumeSourceSchema = object('io.k8s.api.core.v1.SecretVolumeSource', {
  secretName: field(1, string),
  items: field(2, list(keyToPathSchema, { listType: 'atomic' })),
  defaultMode: field(3, int32, 'pointer'),
  optional: field(4, boolean, 'pointer'),
});
export type SecretVolumeSource = Infer<typeof secretVolumeSourceSchema>;

export const storageOSVolumeSourceSchema = object('io.k8s.api.core.v1.StorageOSVolumeSource', {
  volumeName: field(1, string),
  volumeNamespace: field(2, string),
  fsType: field(3, string),
  readOnly: field(4, boolean),
  secretRef: field(5, localObjectReferenceSchema, 'pointer'),
});
export type StorageOSVolumeSource = Infer<typeof storageOSVolumeSourceSchema>;

export const vsphereVirtualDiskVolumeSourceSchema = object('io.k8s.api.core.v1.VsphereVirtualDiskVolumeSource', {
  volumePath: required(1, string, 'keepsZero'),
  fsType: field(2, string),
  storagePolicyName: field(3, string),
  storagePolicyID: field(4, string),
});
export type VsphereVirtualDiskVolumeSource = Infer<typeof vsphereVirtualDiskVolumeSourceSchema>;

export const volumeSchema = object('io.k8s.api.core.v1.Volume', {
  name: required(1, string, 'keepsZero'),
  ...inlined(2, {
    hostPath: field(1, hostPathVolumeSourceSchema, 'pointer'),
    emptyDir: field(2, emptyDirVolumeSourceSchema, 'pointer'),
    gcePersistentDisk: field(3, gcePersistentDiskVolumeSourceSchema, 'pointer'),
    awsElasticBlockStore: field(4, awsElasticBlockStoreVolumeSourceSchema, 'pointer'),
    gitRepo: field(5, gitRepoVolumeSourceSchema, 'pointer'),
    secret: field(6, secretVolumeSourceSchema, 'pointer'),
    nfs: field(7, nfsVolumeSourceSchema, 'pointer'),
    iscsi: field(8, iscsiVolumeSourceSchema, 'pointer'),
    glusterfs: field(9, glusterfsVolumeSourceSchema, 'pointer'),
    persistentVolumeClaim: field(10, persistentVolumeClaimVolumeSourceSchema, 'pointer'),
    rbd: field(11, rbdVolumeSourceSchema, 'pointer'),
    flexVolume: field(12, flexVolumeSourceSchema, 'pointer'),
    cinder: field(13, cinderVolumeSourceSchema, 'pointer'),
    cephfs: field(14, cephFSVolumeSourceSchema, 'pointer'),
    flocker: field(15, flockerVolumeSourceSchema, 'pointer'),
    downwardAPI: field(16, downwardAPIVolumeSourceSchema, 'pointer'),
    fc: field(17, fcVolumeSourceSchema, 'pointer'),
    azureFile: field(18, azureFileVolumeSourceSchema, 'pointer'),
    configMap: field(19, configMapVolumeSourceSchema, 'pointer'),
    vsphereVolume: field(20, vsphereVirtualDiskVolumeSourceSchema, 'pointer'),
    quobyte: field(21, quobyteVolumeSourceSchema, 'pointer'),
    azureDisk: field(22, azureDiskVolumeSourceSchema, 'pointer'),
    photonPersistentDisk: field(23, photonPersistentDiskVolumeSourceSchema, 'pointer'),
    portworxVolume: field(24, portworxVolumeSourceSchema, 'pointer'),
    scaleIO: field(25, scaleIOVolumeSourceSchema, 'pointer'),
    projected: field(26, projectedVolumeSourceSchema, 'pointer'),
    storageos: field(27, storageOSVolumeSourceSchema, 'pointer'),
    csi: field(28, csiVolumeSourceSchema, 'pointer'),
    ephemeral: field(29, ephemeralVolumeSourceSchema, 'pointer'),
    image: field(30, imageVolumeSourceSchema, 'pointer'),
  }),
});
export type Volume = Infer<typeof volumeSchema>;
