/** Schemas of Kubernetes 1.36: endpoints. */
import type { Infer } from '../schema.ts';
import { enumeration, field, int32, list, object, required, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';
import { objectReferenceSchema } from './references.ts';

export const endpointAddressSchema = object(
  'io.k8s.api.core.v1.EndpointAddress',
  {
    ip: required(1, string, 'keepsZero'),
    targetRef: field(2, objectReferenceSchema, 'pointer'),
    hostname: field(3, string),
    nodeName: field(4, string, 'pointer'),
  },
  { mapType: 'atomic' },
);
export type EndpointAddress = Infer<typeof endpointAddressSchema>;

export const endpointsPortSchema = object(
  'io.k8s.api.core.v1.EndpointPort',
  {
    name: field(1, string),
    port: required(2, int32, 'keepsZero'),
    protocol: field(3, enumeration('SCTP', 'TCP', 'UDP')),
    appProtocol: field(4, string, 'pointer'),
  },
  { mapType: 'atomic' },
);
export type EndpointsPort = Infer<typeof endpointsPortSchema>;

export const endpointSubsetSchema = object('io.k8s.api.core.v1.EndpointSubset', {
  addresses: field(1, list(endpointAddressSchema, { listType: 'atomic' })),
  notReadyAddresses: field(2, list(endpointAddressSchema, { listType: 'atomic' })),
  ports: field(3, list(endpointsPortSchema, { listType: 'atomic' })),
});
export type EndpointSubset = Infer<typeof endpointSubsetSchema>;

export const endpointsSchema = object(
  'io.k8s.api.core.v1.Endpoints',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    subsets: field(2, list(endpointSubsetSchema, { listType: 'atomic' })),
  },
  { gvk: [['', 'v1', 'Endpoints']] },
);
export type Endpoints = Infer<typeof endpointsSchema>;

export const endpoints = resource({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: endpointsSchema,
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Endpoints', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
});
