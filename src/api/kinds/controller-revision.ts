/** Schemas of Kubernetes 1.36: controller revision. */
import type { Infer } from '../schema.ts';
import { field, int64, object, rawExtension, required, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';

export const controllerRevisionSchema = object(
  'io.k8s.api.apps.v1.ControllerRevision',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    data: field(2, rawExtension),
    revision: required(3, int64, 'keepsZero'),
  },
  { gvk: [['apps', 'v1', 'ControllerRevision']] },
);
export type ControllerRevision = Infer<typeof controllerRevisionSchema>;

export const controllerRevisions = resource({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  singular: 'controllerrevision',
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: controllerRevisionSchema,
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Controller', type: 'string', priority: 0 },
    { name: 'Revision', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
});
