/** Schemas of Kubernetes 1.36: namespace. */
import type { Infer } from '../schema.ts';
import { enumeration, field, list, object, required, string, time } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';

export const namespaceSpecSchema = object('io.k8s.api.core.v1.NamespaceSpec', {
  finalizers: field(1, list(string, { listType: 'atomic' })),
});
export type NamespaceSpec = Infer<typeof namespaceSpecSchema>;

export const namespaceConditionSchema = object('io.k8s.api.core.v1.NamespaceCondition', {
  type: required(1, string, 'keepsZero'),
  status: required(2, string, 'keepsZero'),
  lastTransitionTime: field(4, time),
  reason: field(5, string),
  message: field(6, string),
});
export type NamespaceCondition = Infer<typeof namespaceConditionSchema>;

export const namespaceStatusSchema = object('io.k8s.api.core.v1.NamespaceStatus', {
  phase: field(1, enumeration('Active', 'Terminating')),
  conditions: field(
    2,
    list(namespaceConditionSchema, { listType: 'map', listMapKeys: ['type'], patchStrategy: 'merge', patchMergeKey: 'type' }),
  ),
});
export type NamespaceStatus = Infer<typeof namespaceStatusSchema>;

export const namespaceSchema = object(
  'io.k8s.api.core.v1.Namespace',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, namespaceSpecSchema),
    status: field(3, namespaceStatusSchema),
  },
  { gvk: [['', 'v1', 'Namespace']] },
);
export type Namespace = Infer<typeof namespaceSchema>;

export const namespaces = resource({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  schema: namespaceSchema,
  subresources: {
    finalize: { kind: 'Namespace', verbs: ['update'] },
    status: { kind: 'Namespace', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Status', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
});
