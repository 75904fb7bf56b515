/** Schemas of Kubernetes 1.36: pod template. */
import type { Infer } from '../schema.ts';
import { field, object, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';
import { podTemplateSpecSchema } from './pod-spec.ts';

export const podTemplateSchema = object(
  'io.k8s.api.core.v1.PodTemplate',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    template: field(2, podTemplateSpecSchema),
  },
  { gvk: [['', 'v1', 'PodTemplate']] },
);
export type PodTemplate = Infer<typeof podTemplateSchema>;

export const podTemplates = resource({
  group: '',
  version: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  singular: 'podtemplate',
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: podTemplateSchema,
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Containers', type: 'string', priority: 0 },
    { name: 'Images', type: 'string', priority: 0 },
    { name: 'Pod Labels', type: 'string', priority: 0 },
  ],
});
