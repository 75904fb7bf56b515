/** Schemas of Kubernetes 1.36: secret. */
import type { Infer } from '../schema.ts';
import { boolean, bytes, field, map, object, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';

export const secretSchema = object(
  'io.k8s.api.core.v1.Secret',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    data: field(2, map(bytes)),
    type: field(3, string),
    stringData: field(4, map(string)),
    immutable: field(5, boolean, 'pointer'),
  },
  { gvk: [['', 'v1', 'Secret']] },
);
export type Secret = Infer<typeof secretSchema>;

export const secrets = resource({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: secretSchema,
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Type', type: 'string', priority: 0 },
    { name: 'Data', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
});
