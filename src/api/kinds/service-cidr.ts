/** Schemas of Kubernetes 1.36: service cidr. */
import type { Infer } from '../schema.ts';
import { field, list, object, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { conditionSchema, objectMetaSchema } from './meta.ts';

export const serviceCIDRSpecSchema = object('io.k8s.api.networking.v1.ServiceCIDRSpec', {
  cidrs: field(1, list(string, { listType: 'atomic' })),
});
export type ServiceCIDRSpec = Infer<typeof serviceCIDRSpecSchema>;

export const serviceCIDRStatusSchema = object('io.k8s.api.networking.v1.ServiceCIDRStatus', {
  conditions: field(
    1,
    list(conditionSchema, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
});
export type ServiceCIDRStatus = Infer<typeof serviceCIDRStatusSchema>;

export const serviceCIDRSchema = object(
  'io.k8s.api.networking.v1.ServiceCIDR',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, serviceCIDRSpecSchema),
    status: field(3, serviceCIDRStatusSchema),
  },
  { gvk: [['networking.k8s.io', 'v1', 'ServiceCIDR']] },
);
export type ServiceCIDR = Infer<typeof serviceCIDRSchema>;

export const serviceCidrs = resource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  singular: 'servicecidr',
  namespaced: false,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: serviceCIDRSchema,
  subresources: {
    status: { kind: 'ServiceCIDR', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'CIDRs', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
});
