/** Schemas of Kubernetes 1.36: lease. */
import type { Infer } from '../schema.ts';
import { field, int32, microTime, object, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';

export const leaseSpecSchema = object('io.k8s.api.coordination.v1.LeaseSpec', {
  holderIdentity: field(1, string, 'pointer'),
  leaseDurationSeconds: field(2, int32, 'pointer'),
  acquireTime: field(3, microTime, 'pointer'),
  renewTime: field(4, microTime, 'pointer'),
  leaseTransitions: field(5, int32, 'pointer'),
  strategy: field(6, string, 'pointer'),
  preferredHolder: field(7, string, 'pointer'),
});
export type LeaseSpec = Infer<typeof leaseSpecSchema>;

export const leaseSchema = object(
  'io.k8s.api.coordination.v1.Lease',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, leaseSpecSchema),
  },
  { gvk: [['coordination.k8s.io', 'v1', 'Lease']] },
);
export type Lease = Infer<typeof leaseSchema>;

export const leases = resource({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: leaseSchema,
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Holder', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
});
