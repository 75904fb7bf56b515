/** Schemas of Kubernetes 1.36: node. */
import type { Infer } from '../schema.ts';
import { boolean, enumeration, field, int32, int64, list, map, object, quantity, required, string, time } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';

export const configMapNodeConfigSourceSchema = object('io.k8s.api.core.v1.ConfigMapNodeConfigSource', {
  namespace: required(1, string, 'keepsZero'),
  name: required(2, string, 'keepsZero'),
  uid: field(3, string),
  resourceVersion: field(4, string),
  kubeletConfigKey: required(5, string, 'keepsZero'),
});
export type ConfigMapNodeConfigSource = Infer<typeof configMapNodeConfigSourceSchema>;

export const nodeConfigSourceSchema = object('io.k8s.api.core.v1.NodeConfigSource', {
  configMap: field(2, configMapNodeConfigSourceSchema, 'pointer'),
});
export type NodeConfigSource = Infer<typeof nodeConfigSourceSchema>;

export const taintSchema = object('io.k8s.api.core.v1.Taint', {
  key: required(1, string, 'keepsZero'),
  value: field(2, string),
  effect: required(3, enumeration('NoExecute', 'NoSchedule', 'PreferNoSchedule'), 'keepsZero'),
  timeAdded: field(4, time, 'pointer'),
});
export type Taint = Infer<typeof taintSchema>;

export const nodeSpecSchema = object('io.k8s.api.core.v1.NodeSpec', {
  podCIDR: field(1, string),
  externalID: field(2, string),
  providerID: field(3, string),
  unschedulable: field(4, boolean),
  taints: field(5, list(taintSchema, { listType: 'atomic' })),
  configSource: field(6, nodeConfigSourceSchema, 'pointer'),
  podCIDRs: field(7, list(string, { listType: 'set', patchStrategy: 'merge' })),
});
export type NodeSpec = Infer<typeof nodeSpecSchema>;

export const nodeAddressSchema = object('io.k8s.api.core.v1.NodeAddress', {
  type: required(1, string, 'keepsZero'),
  address: required(2, string, 'keepsZero'),
});
export type NodeAddress = Infer<typeof nodeAddressSchema>;

export const nodeConditionSchema = object('io.k8s.api.core.v1.NodeCondition', {
  type: required(1, string, 'keepsZero'),
  status: required(2, string, 'keepsZero'),
  lastHeartbeatTime: field(3, time),
  lastTransitionTime: field(4, time),
  reason: field(5, string),
  message: field(6, string),
});
export type NodeCondition = Infer<typeof nodeConditionSchema>;

export const nodeConfigStatusSchema = object('io.k8s.api.core.v1.NodeConfigStatus', {
  assigned: field(1, nodeConfigSourceSchema, 'pointer'),
  active: field(2, nodeConfigSourceSchema, 'pointer'),
  lastKnownGood: field(3, nodeConfigSourceSchema, 'pointer'),
  error: field(4, string),
});
export type NodeConfigStatus = Infer<typeof nodeConfigStatusSchema>;

export const daemonEndpointSchema = object('io.k8s.api.core.v1.DaemonEndpoint', {
  Port: required(1, int32, 'keepsZero'),
});
export type DaemonEndpoint = Infer<typeof daemonEndpointSchema>;

export const nodeDaemonEndpointsSchema = object('io.k8s.api.core.v1.NodeDaemonEndpoints', {
  kubeletEndpoint: field(1, daemonEndpointSchema),
});
export type NodeDaemonEndpoints = Infer<typeof nodeDaemonEndpointsSchema>;

export const nodeFeaturesSchema = object('io.k8s.api.core.v1.NodeFeatures', {
  supplementalGroupsPolicy: field(1, boolean, 'pointer'),
});
export type NodeFeatures = Infer<typeof nodeFeaturesSchema>;

export const containerImageSchema = object('io.k8s.api.core.v1.ContainerImage', {
  names: field(1, list(string, { listType: 'atomic' }), 'keepsZero'),
  sizeBytes: field(2, int64),
});
export type ContainerImage = Infer<typeof containerImageSchema>;

export const nodeSwapStatusSchema = object('io.k8s.api.core.v1.NodeSwapStatus', {
  capacity: field(1, int64, 'pointer'),
});
export type NodeSwapStatus = Infer<typeof nodeSwapStatusSchema>;

export const nodeSystemInfoSchema = object('io.k8s.api.core.v1.NodeSystemInfo', {
  machineID: required(1, string, 'keepsZero'),
  systemUUID: required(2, string, 'keepsZero'),
  bootID: required(3, string, 'keepsZero'),
  kernelVersion: required(4, string, 'keepsZero'),
  osImage: required(5, string, 'keepsZero'),
  containerRuntimeVersion: required(6, string, 'keepsZero'),
  kubeletVersion: required(7, string, 'keepsZero'),
  kubeProxyVersion: required(8, string, 'keepsZero'),
  operatingSystem: required(9, string, 'keepsZero'),
  architecture: required(10, string, 'keepsZero'),
  swap: field(11, nodeSwapStatusSchema, 'pointer'),
});
export type NodeSystemInfo = Infer<typeof nodeSystemInfoSchema>;

export const nodeRuntimeHandlerFeaturesSchema = object('io.k8s.api.core.v1.NodeRuntimeHandlerFeatures', {
  recursiveReadOnlyMounts: field(1, boolean, 'pointer'),
  userNamespaces: field(2, boolean, 'pointer'),
});
export type NodeRuntimeHandlerFeatures = Infer<typeof nodeRuntimeHandlerFeaturesSchema>;

export const nodeRuntimeHandlerSchema = object('io.k8s.api.core.v1.NodeRuntimeHandler', {
  name: field(1, string, 'keepsZero'),
  features: field(2, nodeRuntimeHandlerFeaturesSchema, 'pointer'),
});
export type NodeRuntimeHandler = Infer<typeof nodeRuntimeHandlerSchema>;

export const attachedVolumeSchema = object('io.k8s.api.core.v1.AttachedVolume', {
  name: required(1, string, 'keepsZero'),
  devicePath: required(2, string, 'keepsZero'),
});
export type AttachedVolume = Infer<typeof attachedVolumeSchema>;

export const nodeStatusSchema = object('io.k8s.api.core.v1.NodeStatus', {
  capacity: field(1, map(quantity)),
  allocatable: field(2, map(quantity)),
  phase: field(3, enumeration('Pending', 'Running', 'Terminated')),
  conditions: field(
    4,
    list(nodeConditionSchema, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
  addresses: field(
    5,
    list(nodeAddressSchema, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
  daemonEndpoints: field(6, nodeDaemonEndpointsSchema),
  nodeInfo: field(7, nodeSystemInfoSchema),
  images: field(8, list(containerImageSchema, { listType: 'atomic' })),
  volumesInUse: field(9, list(string, { listType: 'atomic' })),
  volumesAttached: field(10, list(attachedVolumeSchema, { listType: 'atomic' })),
  config: field(11, nodeConfigStatusSchema, 'pointer'),
  runtimeHandlers: field(12, list(nodeRuntimeHandlerSchema, { listType: 'atomic' })),
  features: field(13, nodeFeaturesSchema, 'pointer'),
  declaredFeatures: field(14, list(string, { listType: 'atomic' })),
});
export type NodeStatus = Infer<typeof nodeStatusSchema>;

export const nodeSchema = object(
  'io.k8s.api.core.v1.Node',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, nodeSpecSchema),
    status: field(3, nodeStatusSchema),
  },
  { gvk: [['', 'v1', 'Node']] },
);
export type Node = Infer<typeof nodeSchema>;

export const nodes = resource({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  singular: 'node',
  shortNames: ['no'],
  namespaced: false,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: nodeSchema,
  subresources: {
    proxy: { kind: 'NodeProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
    status: { kind: 'Node', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Status', type: 'string', priority: 0 },
    { name: 'Roles', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
    { name: 'Version', type: 'string', priority: 0 },
    { name: 'Internal-IP', type: 'string', priority: 1 },
    { name: 'External-IP', type: 'string', priority: 1 },
    { name: 'OS-Image', type: 'string', priority: 1 },
    { name: 'Kernel-Version', type: 'string', priority: 1 },
    { name: 'Container-Runtime', type: 'string', priority: 1 },
  ],
});
