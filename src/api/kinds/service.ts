/** Schemas of Kubernetes 1.36: service. */
import type { Infer } from '../schema.ts';
import { boolean, enumeration, field, int32, intOrString, list, map, object, required, string, withDefault } from '../schema.ts';
import { resource } from '../resource.ts';
import { conditionSchema, objectMetaSchema } from './meta.ts';

export const servicePortSchema = object('io.k8s.api.core.v1.ServicePort', {
  name: field(1, string),
  protocol: field(2, withDefault(enumeration('SCTP', 'TCP', 'UDP'), 'TCP')),
  port: required(3, int32, 'keepsZero'),
  targetPort: field(4, intOrString),
  nodePort: field(5, int32),
  appProtocol: field(6, string, 'pointer'),
});
export type ServicePort = Infer<typeof servicePortSchema>;

export const clientIPConfigSchema = object('io.k8s.api.core.v1.ClientIPConfig', {
  timeoutSeconds: field(1, int32, 'pointer'),
});
export type ClientIPConfig = Infer<typeof clientIPConfigSchema>;

export const sessionAffinityConfigSchema = object('io.k8s.api.core.v1.SessionAffinityConfig', {
  clientIP: field(1, clientIPConfigSchema, 'pointer'),
});
export type SessionAffinityConfig = Infer<typeof sessionAffinityConfigSchema>;

export const serviceSpecSchema = object('io.k8s.api.core.v1.ServiceSpec', {
  ports: field(
    1,
    list(servicePortSchema, {
      listType: 'map',
      listMapKeys: ['port', 'protocol'],
      patchStrategy: 'merge',
      patchMergeKey: 'port',
    }),
  ),
  selector: field(2, map(string, { mapType: 'atomic' })),
  clusterIP: field(3, string),
  type: field(4, enumeration('ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort')),
  externalIPs: field(5, list(string, { listType: 'atomic' })),
  sessionAffinity: field(7, enumeration('ClientIP', 'None')),
  loadBalancerIP: field(8, string),
  loadBalancerSourceRanges: field(9, list(string, { listType: 'atomic' })),
  externalName: field(10, string),
  externalTrafficPolicy: field(11, enumeration('Cluster', 'Local')),
  healthCheckNodePort: field(12, int32),
  publishNotReadyAddresses: field(13, boolean),
  sessionAffinityConfig: field(14, sessionAffinityConfigSchema, 'pointer'),
  // Gone upstream since 1.22 and kept here: the number is the one it had (k8s 1.20 core/v1 ServiceSpec).
  topologyKeys: field(16, list(string, { listType: 'atomic' })),
  ipFamilyPolicy: field(17, enumeration('PreferDualStack', 'RequireDualStack', 'SingleStack'), 'pointer'),
  clusterIPs: field(18, list(string, { listType: 'atomic' })),
  ipFamilies: field(19, list(enumeration('', 'IPv4', 'IPv6'), { listType: 'atomic' })),
  allocateLoadBalancerNodePorts: field(20, boolean, 'pointer'),
  loadBalancerClass: field(21, string, 'pointer'),
  internalTrafficPolicy: field(22, enumeration('Cluster', 'Local'), 'pointer'),
  trafficDistribution: field(23, string, 'pointer'),
});
export type ServiceSpec = Infer<typeof serviceSpecSchema>;

export const portStatusSchema = object('io.k8s.api.core.v1.PortStatus', {
  port: required(1, int32, 'keepsZero'),
  protocol: required(2, enumeration('SCTP', 'TCP', 'UDP'), 'keepsZero'),
  error: field(3, string, 'pointer'),
});
export type PortStatus = Infer<typeof portStatusSchema>;

export const loadBalancerIngressSchema = object('io.k8s.api.core.v1.LoadBalancerIngress', {
  ip: field(1, string),
  hostname: field(2, string),
  ipMode: field(3, string, 'pointer'),
  ports: field(4, list(portStatusSchema, { listType: 'atomic' })),
});
export type LoadBalancerIngress = Infer<typeof loadBalancerIngressSchema>;

export const loadBalancerStatusSchema = object('io.k8s.api.core.v1.LoadBalancerStatus', {
  ingress: field(1, list(loadBalancerIngressSchema, { listType: 'atomic' })),
});
export type LoadBalancerStatus = Infer<typeof loadBalancerStatusSchema>;

export const serviceStatusSchema = object('io.k8s.api.core.v1.ServiceStatus', {
  loadBalancer: field(1, loadBalancerStatusSchema),
  conditions: field(
    2,
    list(conditionSchema, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
});
export type ServiceStatus = Infer<typeof serviceStatusSchema>;

export const serviceSchema = object(
  'io.k8s.api.core.v1.Service',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, serviceSpecSchema),
    status: field(3, serviceStatusSchema),
  },
  { gvk: [['', 'v1', 'Service']] },
);
export type Service = Infer<typeof serviceSchema>;

export const services = resource({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  singular: 'service',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: serviceSchema,
  subresources: {
    proxy: { kind: 'ServiceProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
    status: { kind: 'Service', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Type', type: 'string', priority: 0 },
    { name: 'Cluster-IP', type: 'string', priority: 0 },
    { name: 'External-IP', type: 'string', priority: 0 },
    { name: 'Port(s)', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
    { name: 'Selector', type: 'string', priority: 1 },
  ],
});
