/** Schemas of Kubernetes 1.36: ip address. */
import type { Infer } from '../schema.ts';
import { field, object, required, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';

export const parentReferenceSchema = object('io.k8s.api.networking.v1.ParentReference', {
  group: field(1, string),
  resource: required(2, string),
  namespace: field(3, string),
  name: required(4, string),
});
export type ParentReference = Infer<typeof parentReferenceSchema>;

export const ipAddressSpecSchema = object('io.k8s.api.networking.v1.IPAddressSpec', {
  parentRef: required(1, parentReferenceSchema, 'pointer'),
});
export type IPAddressSpec = Infer<typeof ipAddressSpecSchema>;

export const ipAddressSchema = object(
  'io.k8s.api.networking.v1.IPAddress',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: required(2, ipAddressSpecSchema),
  },
  { gvk: [['networking.k8s.io', 'v1', 'IPAddress']] },
);
export type IPAddress = Infer<typeof ipAddressSchema>;

export const ipAddresses = resource({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  singular: 'ipaddress',
  shortNames: ['ip'],
  namespaced: false,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: ipAddressSchema,
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'ParentRef', type: 'string', priority: 0 },
  ],
});
