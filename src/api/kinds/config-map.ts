/** Schemas of Kubernetes 1.36: config map. */
import type { Infer } from '../schema.ts';
import { boolean, bytes, field, map, object, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';

export const configMapSchema = object(
  'io.k8s.api.core.v1.ConfigMap',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    data: field(2, map(string)),
    binaryData: field(3, map(bytes)),
    immutable: field(4, boolean, 'pointer'),
  },
  { gvk: [['', 'v1', 'ConfigMap']] },
);
export type ConfigMap = Infer<typeof configMapSchema>;

export const configMaps = resource({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: configMapSchema,
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Data', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
});
