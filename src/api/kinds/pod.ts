/** Schemas of Kubernetes 1.36: pod. */
import type { Infer } from '../schema.ts';
import { enumeration, field, int64, list, map, object, quantity, required, string, time } from '../schema.ts';
import { resource } from '../resource.ts';
import { resourceRequirementsSchema } from './container.ts';
import { containerStatusSchema } from './container-status.ts';
import { objectMetaSchema } from './meta.ts';
import { podSpecSchema } from './pod-spec.ts';

export const podConditionSchema = object('io.k8s.api.core.v1.PodCondition', {
  type: required(1, string, 'keepsZero'),
  status: required(2, string, 'keepsZero'),
  lastProbeTime: field(3, time),
  lastTransitionTime: field(4, time),
  reason: field(5, string),
  message: field(6, string),
  observedGeneration: field(7, int64),
});
export type PodCondition = Infer<typeof podConditionSchema>;

export const containerExtendedResourceRequestSchema = object('io.k8s.api.core.v1.ContainerExtendedResourceRequest', {
  containerName: required(1, string, 'keepsZero'),
  resourceName: required(2, string, 'keepsZero'),
  requestName: required(3, string, 'keepsZero'),
});
export type ContainerExtendedResourceRequest = Infer<typeof containerExtendedResourceRequestSchema>;

export const podExtendedResourceClaimStatusSchema = object('io.k8s.api.core.v1.PodExtendedResourceClaimStatus', {
  requestMappings: required(1, list(containerExtendedResourceRequestSchema, { listType: 'atomic' }), 'keepsZero'),
  resourceClaimName: required(2, string, 'keepsZero'),
});
export type PodExtendedResourceClaimStatus = Infer<typeof podExtendedResourceClaimStatusSchema>;

export const hostIPSchema = object('io.k8s.api.core.v1.HostIP', {
  ip: required(1, string, 'keepsZero'),
});
export type HostIP = Infer<typeof hostIPSchema>;

export const nodeAllocatableResourceClaimStatusSchema = object('io.k8s.api.core.v1.NodeAllocatableResourceClaimStatus', {
  resourceClaimName: required(1, string, 'keepsZero'),
  containers: field(2, list(string, { listType: 'set' })),
  resources: required(3, map(quantity), 'keepsZero'),
});
export type NodeAllocatableResourceClaimStatus = Infer<typeof nodeAllocatableResourceClaimStatusSchema>;

export const podIPSchema = object('io.k8s.api.core.v1.PodIP', {
  ip: required(1, string, 'keepsZero'),
});
export type PodIP = Infer<typeof podIPSchema>;

export const podResourceClaimStatusSchema = object('io.k8s.api.core.v1.PodResourceClaimStatus', {
  name: required(1, string, 'keepsZero'),
  resourceClaimName: field(2, string, 'pointer'),
});
export type PodResourceClaimStatus = Infer<typeof podResourceClaimStatusSchema>;

export const podStatusSchema = object('io.k8s.api.core.v1.PodStatus', {
  phase: field(1, enumeration('Failed', 'Pending', 'Running', 'Succeeded', 'Unknown')),
  conditions: field(
    2,
    list(podConditionSchema, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
  message: field(3, string),
  reason: field(4, string),
  hostIP: field(5, string),
  podIP: field(6, string),
  startTime: field(7, time, 'pointer'),
  containerStatuses: field(8, list(containerStatusSchema, { listType: 'atomic' })),
  qosClass: field(9, enumeration('BestEffort', 'Burstable', 'Guaranteed')),
  initContainerStatuses: field(10, list(containerStatusSchema, { listType: 'atomic' })),
  nominatedNodeName: field(11, string),
  podIPs: field(12, list(podIPSchema, { listType: 'map', listMapKeys: ['ip'], patchStrategy: 'merge', patchMergeKey: 'ip' })),
  ephemeralContainerStatuses: field(13, list(containerStatusSchema, { listType: 'atomic' })),
  resize: field(14, string),
  resourceClaimStatuses: field(
    15,
    list(podResourceClaimStatusSchema, {
      listType: 'map',
      listMapKeys: ['name'],
      patchStrategy: 'merge,retainKeys',
      patchMergeKey: 'name',
    }),
  ),
  hostIPs: field(16, list(hostIPSchema, { listType: 'atomic', patchStrategy: 'merge', patchMergeKey: 'ip' })),
  observedGeneration: field(17, int64),
  extendedResourceClaimStatus: field(18, podExtendedResourceClaimStatusSchema, 'pointer'),
  allocatedResources: field(19, map(quantity)),
  resources: field(20, resourceRequirementsSchema, 'pointer'),
  nodeAllocatableResourceClaimStatuses: field(21, list(nodeAllocatableResourceClaimStatusSchema, { listType: 'atomic' })),
});
export type PodStatus = Infer<typeof podStatusSchema>;

export const podSchema = object(
  'io.k8s.api.core.v1.Pod',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, podSpecSchema),
    status: field(3, podStatusSchema),
  },
  { gvk: [['', 'v1', 'Pod']] },
);
export type Pod = Infer<typeof podSchema>;

export const pods = resource({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: podSchema,
  subresources: {
    attach: { kind: 'PodAttachOptions', verbs: ['create', 'get'] },
    binding: { kind: 'Binding', verbs: ['create'] },
    ephemeralcontainers: { kind: 'Pod', verbs: ['get', 'patch', 'update'] },
    eviction: { kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
    exec: { kind: 'PodExecOptions', verbs: ['create', 'get'] },
    log: { kind: 'Pod', verbs: ['get'] },
    portforward: { kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
    proxy: { kind: 'PodProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
    resize: { kind: 'Pod', verbs: ['get', 'patch', 'update'] },
    status: { kind: 'Pod', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Ready', type: 'string', priority: 0 },
    { name: 'Status', type: 'string', priority: 0 },
    { name: 'Restarts', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
    { name: 'IP', type: 'string', priority: 1 },
    { name: 'Node', type: 'string', priority: 1 },
    { name: 'Nominated Node', type: 'string', priority: 1 },
    { name: 'Readiness Gates', type: 'string', priority: 1 },
  ],
});
