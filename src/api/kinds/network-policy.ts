/** Schemas of Kubernetes 1.36: network policy. */
import type { Infer } from '../schema.ts';
import { enumeration, field, int32, intOrString, list, object, required, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { labelSelectorSchema, objectMetaSchema } from './meta.ts';

export const networkPolicyPortSchema = object('io.k8s.api.networking.v1.NetworkPolicyPort', {
  protocol: field(1, enumeration('SCTP', 'TCP', 'UDP'), 'pointer'),
  port: field(2, intOrString, 'pointer'),
  endPort: field(3, int32, 'pointer'),
});
export type NetworkPolicyPort = Infer<typeof networkPolicyPortSchema>;

export const ipBlockSchema = object('io.k8s.api.networking.v1.IPBlock', {
  cidr: required(1, string, 'keepsZero'),
  except: field(2, list(string, { listType: 'atomic' })),
});
export type IPBlock = Infer<typeof ipBlockSchema>;

export const networkPolicyPeerSchema = object('io.k8s.api.networking.v1.NetworkPolicyPeer', {
  podSelector: field(1, labelSelectorSchema, 'pointer'),
  namespaceSelector: field(2, labelSelectorSchema, 'pointer'),
  ipBlock: field(3, ipBlockSchema, 'pointer'),
});
export type NetworkPolicyPeer = Infer<typeof networkPolicyPeerSchema>;

export const networkPolicyEgressRuleSchema = object('io.k8s.api.networking.v1.NetworkPolicyEgressRule', {
  ports: field(1, list(networkPolicyPortSchema, { listType: 'atomic' })),
  to: field(2, list(networkPolicyPeerSchema, { listType: 'atomic' })),
});
export type NetworkPolicyEgressRule = Infer<typeof networkPolicyEgressRuleSchema>;

export const networkPolicyIngressRuleSchema = object('io.k8s.api.networking.v1.NetworkPolicyIngressRule', {
  ports: field(1, list(networkPolicyPortSchema, { listType: 'atomic' })),
  from: field(2, list(networkPolicyPeerSchema, { listType: 'atomic' })),
});
export type NetworkPolicyIngressRule = Infer<typeof networkPolicyIngressRuleSchema>;

export const networkPolicySpecSchema = object('io.k8s.api.networking.v1.NetworkPolicySpec', {
  podSelector: field(1, labelSelectorSchema, 'keepsZero'),
  ingress: field(2, list(networkPolicyIngressRuleSchema, { listType: 'atomic' })),
  egress: field(3, list(networkPolicyEgressRuleSchema, { listType: 'atomic' })),
  policyTypes: field(4, list(enumeration('Egress', 'Ingress'), { listType: 'atomic' })),
});
export type NetworkPolicySpec = Infer<typeof networkPolicySpecSchema>;

export const networkPolicySchema = object(
  'io.k8s.api.networking.v1.NetworkPolicy',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, networkPolicySpecSchema),
  },
  { gvk: [['networking.k8s.io', 'v1', 'NetworkPolicy']] },
);
export type NetworkPolicy = Infer<typeof networkPolicySchema>;

export const networkPolicies = resource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  singular: 'networkpolicy',
  shortNames: ['netpol'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: networkPolicySchema,
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Pod-Selector', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
});
