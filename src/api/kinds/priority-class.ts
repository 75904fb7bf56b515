/** Schemas of Kubernetes 1.36: priority class. */
import type { Infer } from '../schema.ts';
import { boolean, enumeration, field, int32, object, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';

export const priorityClassSchema = object(
  'io.k8s.api.scheduling.v1.PriorityClass',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    value: field(2, int32, 'keepsZero'),
    globalDefault: field(3, boolean),
    description: field(4, string),
    preemptionPolicy: field(5, enumeration('Never', 'PreemptLowerPriority'), 'pointer'),
  },
  { gvk: [['scheduling.k8s.io', 'v1', 'PriorityClass']] },
);
export type PriorityClass = Infer<typeof priorityClassSchema>;

export const priorityClasses = resource({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  singular: 'priorityclass',
  shortNames: ['pc'],
  namespaced: false,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: priorityClassSchema,
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Value', type: 'integer', priority: 0 },
    { name: 'Global-Default', type: 'boolean', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
    { name: 'PreemptionPolicy', type: 'string', priority: 0 },
  ],
});
