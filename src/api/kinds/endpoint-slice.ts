/** Schemas of Kubernetes 1.36: endpoint slice. */
import type { Infer } from '../schema.ts';
import { boolean, enumeration, field, int32, list, map, object, required, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';
import { objectReferenceSchema } from './references.ts';

export const endpointConditionsSchema = object('io.k8s.api.discovery.v1.EndpointConditions', {
  ready: field(1, boolean, 'pointer'),
  serving: field(2, boolean, 'pointer'),
  terminating: field(3, boolean, 'pointer'),
});
export type EndpointConditions = Infer<typeof endpointConditionsSchema>;

export const forNodeSchema = object('io.k8s.api.discovery.v1.ForNode', {
  name: required(1, string, 'keepsZero'),
});
export type ForNode = Infer<typeof forNodeSchema>;

export const forZoneSchema = object('io.k8s.api.discovery.v1.ForZone', {
  name: required(1, string, 'keepsZero'),
});
export type ForZone = Infer<typeof forZoneSchema>;

export const endpointHintsSchema = object('io.k8s.api.discovery.v1.EndpointHints', {
  forZones: field(1, list(forZoneSchema, { listType: 'atomic' })),
  forNodes: field(2, list(forNodeSchema, { listType: 'atomic' })),
});
export type EndpointHints = Infer<typeof endpointHintsSchema>;

export const endpointSchema = object('io.k8s.api.discovery.v1.Endpoint', {
  addresses: required(1, list(string, { listType: 'set' }), 'keepsZero'),
  conditions: field(2, endpointConditionsSchema),
  hostname: field(3, string, 'pointer'),
  targetRef: field(4, objectReferenceSchema, 'pointer'),
  deprecatedTopology: field(5, map(string)),
  nodeName: field(6, string, 'pointer'),
  zone: field(7, string, 'pointer'),
  hints: field(8, endpointHintsSchema, 'pointer'),
});
export type Endpoint = Infer<typeof endpointSchema>;

export const endpointSlicePortSchema = object(
  'io.k8s.api.discovery.v1.EndpointPort',
  {
    name: field(1, string, 'pointer'),
    protocol: field(2, enumeration('SCTP', 'TCP', 'UDP'), 'pointer'),
    port: field(3, int32, 'pointer'),
    appProtocol: field(4, string, 'pointer'),
  },
  { mapType: 'atomic' },
);
export type EndpointSlicePort = Infer<typeof endpointSlicePortSchema>;

export const endpointSliceSchema = object(
  'io.k8s.api.discovery.v1.EndpointSlice',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    endpoints: field(2, list(endpointSchema, { listType: 'atomic' }), 'keepsZero'),
    ports: field(3, list(endpointSlicePortSchema, { listType: 'atomic' }), 'keepsZero'),
    addressType: required(4, enumeration('FQDN', 'IPv4', 'IPv6'), 'keepsZero'),
  },
  { gvk: [['discovery.k8s.io', 'v1', 'EndpointSlice']] },
);
export type EndpointSlice = Infer<typeof endpointSliceSchema>;

export const endpointSlices = resource({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  singular: 'endpointslice',
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: endpointSliceSchema,
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'AddressType', type: 'string', priority: 0 },
    { name: 'Ports', type: 'string', priority: 0 },
    { name: 'Endpoints', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
});
