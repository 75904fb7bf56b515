/** Schemas of Kubernetes 1.36: ingress. */
import type { Infer } from '../schema.ts';
import { enumeration, field, inlined, int32, list, object, required, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';
import { typedLocalObjectReferenceSchema } from './references.ts';

export const ingressClassParametersReferenceSchema = object('io.k8s.api.networking.v1.IngressClassParametersReference', {
  kind: required(2, string, 'keepsZero'),
  apiGroup: field(1, string, 'pointer'),
  name: required(3, string, 'keepsZero'),
  scope: field(4, string, 'pointer'),
  namespace: field(5, string, 'pointer'),
});
export type IngressClassParametersReference = Infer<typeof ingressClassParametersReferenceSchema>;

export const ingressClassSpecSchema = object('io.k8s.api.networking.v1.IngressClassSpec', {
  controller: field(1, string),
  parameters: field(2, ingressClassParametersReferenceSchema, 'pointer'),
});
export type IngressClassSpec = Infer<typeof ingressClassSpecSchema>;

export const ingressClassSchema = object(
  'io.k8s.api.networking.v1.IngressClass',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, ingressClassSpecSchema),
  },
  { gvk: [['networking.k8s.io', 'v1', 'IngressClass']] },
);
export type IngressClass = Infer<typeof ingressClassSchema>;

export const serviceBackendPortSchema = object(
  'io.k8s.api.networking.v1.ServiceBackendPort',
  {
    name: field(1, string),
    number: field(2, int32),
  },
  { mapType: 'atomic' },
);
export type ServiceBackendPort = Infer<typeof serviceBackendPortSchema>;

export const ingressServiceBackendSchema = object('io.k8s.api.networking.v1.IngressServiceBackend', {
  name: required(1, string, 'keepsZero'),
  port: field(2, serviceBackendPortSchema),
});
export type IngressServiceBackend = Infer<typeof ingressServiceBackendSchema>;

export const ingressBackendSchema = object('io.k8s.api.networking.v1.IngressBackend', {
  resource: field(3, typedLocalObjectReferenceSchema, 'pointer'),
  service: field(4, ingressServiceBackendSchema, 'pointer'),
});
export type IngressBackend = Infer<typeof ingressBackendSchema>;

export const httpIngressPathSchema = object('io.k8s.api.networking.v1.HTTPIngressPath', {
  path: field(1, string),
  backend: required(2, ingressBackendSchema, 'keepsZero'),
  pathType: required(3, enumeration('Exact', 'ImplementationSpecific', 'Prefix'), 'pointer'),
});
export type HTTPIngressPath = Infer<typeof httpIngressPathSchema>;

export const httpIngressRuleValueSchema = object('io.k8s.api.networking.v1.HTTPIngressRuleValue', {
  paths: required(1, list(httpIngressPathSchema, { listType: 'atomic' }), 'keepsZero'),
});
export type HTTPIngressRuleValue = Infer<typeof httpIngressRuleValueSchema>;

export const ingressRuleSchema = object('io.k8s.api.networking.v1.IngressRule', {
  host: field(1, string),
  ...inlined(2, {
    http: field(1, httpIngressRuleValueSchema, 'pointer'),
  }),
});
export type IngressRule = Infer<typeof ingressRuleSchema>;

export const ingressTLSSchema = object('io.k8s.api.networking.v1.IngressTLS', {
  hosts: field(1, list(string, { listType: 'atomic' })),
  secretName: field(2, string),
});
export type IngressTLS = Infer<typeof ingressTLSSchema>;

export const ingressSpecSchema = object('io.k8s.api.networking.v1.IngressSpec', {
  defaultBackend: field(1, ingressBackendSchema, 'pointer'),
  tls: field(2, list(ingressTLSSchema, { listType: 'atomic' })),
  rules: field(3, list(ingressRuleSchema, { listType: 'atomic' })),
  ingressClassName: field(4, string, 'pointer'),
});
export type IngressSpec = Infer<typeof ingressSpecSchema>;

export const ingressPortStatusSchema = object('io.k8s.api.networking.v1.IngressPortStatus', {
  port: required(1, int32, 'keepsZero'),
  protocol: required(2, enumeration('SCTP', 'TCP', 'UDP'), 'keepsZero'),
  error: field(3, string, 'pointer'),
});
export type IngressPortStatus = Infer<typeof ingressPortStatusSchema>;

export const ingressLoadBalancerIngressSchema = object('io.k8s.api.networking.v1.IngressLoadBalancerIngress', {
  ip: field(1, string),
  hostname: field(2, string),
  ports: field(4, list(ingressPortStatusSchema, { listType: 'atomic' })),
});
export type IngressLoadBalancerIngress = Infer<typeof ingressLoadBalancerIngressSchema>;

export const ingressLoadBalancerStatusSchema = object('io.k8s.api.networking.v1.IngressLoadBalancerStatus', {
  ingress: field(1, list(ingressLoadBalancerIngressSchema, { listType: 'atomic' })),
});
export type IngressLoadBalancerStatus = Infer<typeof ingressLoadBalancerStatusSchema>;

export const ingressStatusSchema = object('io.k8s.api.networking.v1.IngressStatus', {
  loadBalancer: field(1, ingressLoadBalancerStatusSchema),
});
export type IngressStatus = Infer<typeof ingressStatusSchema>;

export const ingressSchema = object(
  'io.k8s.api.networking.v1.Ingress',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, ingressSpecSchema),
    status: field(3, ingressStatusSchema),
  },
  { gvk: [['networking.k8s.io', 'v1', 'Ingress']] },
);
export type Ingress = Infer<typeof ingressSchema>;

export const ingressClasses = resource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  singular: 'ingressclass',
  namespaced: false,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: ingressClassSchema,
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Controller', type: 'string', priority: 0 },
    { name: 'Parameters', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
});

export const ingresses = resource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  singular: 'ingress',
  shortNames: ['ing'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: ingressSchema,
  subresources: {
    status: { kind: 'Ingress', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Class', type: 'string', priority: 0 },
    { name: 'Hosts', type: 'string', priority: 0 },
    { name: 'Address', type: 'string', priority: 0 },
    { name: 'Ports', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
});
