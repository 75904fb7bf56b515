/** Schemas of Kubernetes 1.36: pod spec. */
import type { Infer } from '../schema.ts';
import { boolean, enumeration, field, int32, int64, list, map, object, quantity, required, string } from '../schema.ts';
import { affinitySchema, topologySpreadConstraintSchema } from './affinity.ts';
import { containerSchema, ephemeralContainerSchema, resourceRequirementsSchema } from './container.ts';
import { objectMetaSchema } from './meta.ts';
import { localObjectReferenceSchema, tolerationSchema } from './references.ts';
import { podSecurityContextSchema } from './security-context.ts';
import { volumeSchema } from './volume.ts';

export const podDNSConfigOptionSchema = object('io.k8s.api.core.v1.PodDNSConfigOption', {
  name: field(1, string),
  value: field(2, string, 'pointer'),
});
export type PodDNSConfigOption = Infer<typeof podDNSConfigOptionSchema>;

export const podDNSConfigSchema = object('io.k8s.api.core.v1.PodDNSConfig', {
  nameservers: field(1, list(string, { listType: 'atomic' })),
  searches: field(2, list(string, { listType: 'atomic' })),
  options: field(3, list(podDNSConfigOptionSchema, { listType: 'atomic' })),
});
export type PodDNSConfig = Infer<typeof podDNSConfigSchema>;

export const hostAliasSchema = object('io.k8s.api.core.v1.HostAlias', {
  ip: required(1, string, 'keepsZero'),
  hostnames: field(2, list(string, { listType: 'atomic' })),
});
export type HostAlias = Infer<typeof hostAliasSchema>;

export const podOSSchema = object('io.k8s.api.core.v1.PodOS', {
  name: required(1, string, 'keepsZero'),
});
export type PodOS = Infer<typeof podOSSchema>;

export const podReadinessGateSchema = object('io.k8s.api.core.v1.PodReadinessGate', {
  conditionType: required(1, string, 'keepsZero'),
});
export type PodReadinessGate = Infer<typeof podReadinessGateSchema>;

export const podResourceClaimSchema = object('io.k8s.api.core.v1.PodResourceClaim', {
  name: required(1, string, 'keepsZero'),
  resourceClaimName: field(3, string, 'pointer'),
  resourceClaimTemplateName: field(4, string, 'pointer'),
});
export type PodResourceClaim = Infer<typeof podResourceClaimSchema>;

export const podSchedulingGateSchema = object('io.k8s.api.core.v1.PodSchedulingGate', {
  name: required(1, string, 'keepsZero'),
});
export type PodSchedulingGate = Infer<typeof podSchedulingGateSchema>;

export const podSchedulingGroupSchema = object('io.k8s.api.core.v1.PodSchedulingGroup', {
  podGroupName: field(1, string, 'pointer'),
});
export type PodSchedulingGroup = Infer<typeof podSchedulingGroupSchema>;

export const podSpecSchema = object('io.k8s.api.core.v1.PodSpec', {
  volumes: field(
    1,
    list(volumeSchema, { listType: 'map', listMapKeys: ['name'], patchStrategy: 'merge,retainKeys', patchMergeKey: 'name' }),
  ),
  containers: required(
    2,
    list(containerSchema, { listType: 'map', listMapKeys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' }),
    'keepsZero',
  ),
  restartPolicy: field(3, enumeration('Always', 'Never', 'OnFailure')),
  terminationGracePeriodSeconds: field(4, int64, 'pointer'),
  activeDeadlineSeconds: field(5, int64, 'pointer'),
  dnsPolicy: field(6, enumeration('ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None')),
  nodeSelector: field(7, map(string, { mapType: 'atomic' })),
  serviceAccountName: field(8, string),
  serviceAccount: field(9, string),
  nodeName: field(10, string),
  hostNetwork: field(11, boolean),
  hostPID: field(12, boolean),
  hostIPC: field(13, boolean),
  securityContext: field(14, podSecurityContextSchema, 'pointer'),
  imagePullSecrets: field(
    15,
    list(localObjectReferenceSchema, { listType: 'map', listMapKeys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' }),
  ),
  hostname: field(16, string),
  subdomain: field(17, string),
  affinity: field(18, affinitySchema, 'pointer'),
  schedulerName: field(19, string),
  initContainers: field(
    20,
    list(containerSchema, { listType: 'map', listMapKeys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' }),
  ),
  automountServiceAccountToken: field(21, boolean, 'pointer'),
  tolerations: field(22, list(tolerationSchema, { listType: 'atomic' })),
  hostAliases: field(
    23,
    list(hostAliasSchema, { listType: 'map', listMapKeys: ['ip'], patchStrategy: 'merge', patchMergeKey: 'ip' }),
  ),
  priorityClassName: field(24, string),
  priority: field(25, int32, 'pointer'),
  dnsConfig: field(26, podDNSConfigSchema, 'pointer'),
  shareProcessNamespace: field(27, boolean, 'pointer'),
  readinessGates: field(28, list(podReadinessGateSchema, { listType: 'atomic' })),
  runtimeClassName: field(29, string, 'pointer'),
  enableServiceLinks: field(30, boolean, 'pointer'),
  preemptionPolicy: field(31, enumeration('Never', 'PreemptLowerPriority'), 'pointer'),
  overhead: field(32, map(quantity)),
  topologySpreadConstraints: field(
    33,
    list(topologySpreadConstraintSchema, {
      listType: 'map',
      listMapKeys: ['topologyKey', 'whenUnsatisfiable'],
      patchStrategy: 'merge',
      patchMergeKey: 'topologyKey',
    }),
  ),
  ephemeralContainers: field(
    34,
    list(ephemeralContainerSchema, { listType: 'map', listMapKeys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' }),
  ),
  setHostnameAsFQDN: field(35, boolean, 'pointer'),
  os: field(36, podOSSchema, 'pointer'),
  hostUsers: field(37, boolean, 'pointer'),
  schedulingGates: field(
    38,
    list(podSchedulingGateSchema, { listType: 'map', listMapKeys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' }),
  ),
  resourceClaims: field(
    39,
    list(podResourceClaimSchema, {
      listType: 'map',
      listMapKeys: ['name'],
      patchStrategy: 'merge,retainKeys',
      patchMergeKey: 'name',
    }),
  ),
  resources: field(40, resourceRequirementsSchema, 'pointer'),
  hostnameOverride: field(41, string, 'pointer'),
  schedulingGroup: field(43, podSchedulingGroupSchema, 'pointer'),
});
export type PodSpec = Infer<typeof podSpecSchema>;

export const podTemplateSpecSchema = object('io.k8s.api.core.v1.PodTemplateSpec', {
  metadata: field(1, objectMetaSchema),
  spec: field(2, podSpecSchema),
});
export type PodTemplateSpec = Infer<typeof podTemplateSpecSchema>;
