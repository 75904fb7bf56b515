/** Schemas of Kubernetes 1.36: resource quota. */
import type { Infer } from '../schema.ts';
import { enumeration, field, list, map, object, quantity, required, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';

export const scopedResourceSelectorRequirementSchema = object('io.k8s.api.core.v1.ScopedResourceSelectorRequirement', {
  scopeName: required(
    1,
    enumeration(
      'BestEffort',
      'CrossNamespacePodAffinity',
      'NotBestEffort',
      'NotTerminating',
      'PriorityClass',
      'Terminating',
      'VolumeAttributesClass',
    ),
    'keepsZero',
  ),
  operator: required(2, enumeration('DoesNotExist', 'Exists', 'In', 'NotIn'), 'keepsZero'),
  values: field(3, list(string, { listType: 'atomic' })),
});
export type ScopedResourceSelectorRequirement = Infer<typeof scopedResourceSelectorRequirementSchema>;

export const scopeSelectorSchema = object(
  'io.k8s.api.core.v1.ScopeSelector',
  {
    matchExpressions: field(1, list(scopedResourceSelectorRequirementSchema, { listType: 'atomic' })),
  },
  { mapType: 'atomic' },
);
export type ScopeSelector = Infer<typeof scopeSelectorSchema>;

export const resourceQuotaSpecSchema = object('io.k8s.api.core.v1.ResourceQuotaSpec', {
  hard: field(1, map(quantity)),
  scopes: field(
    2,
    list(
      enumeration(
        'BestEffort',
        'CrossNamespacePodAffinity',
        'NotBestEffort',
        'NotTerminating',
        'PriorityClass',
        'Terminating',
        'VolumeAttributesClass',
      ),
      { listType: 'atomic' },
    ),
  ),
  scopeSelector: field(3, scopeSelectorSchema, 'pointer'),
});
export type ResourceQuotaSpec = Infer<typeof resourceQuotaSpecSchema>;

export const resourceQuotaStatusSchema = object('io.k8s.api.core.v1.ResourceQuotaStatus', {
  hard: field(1, map(quantity)),
  used: field(2, map(quantity)),
});
export type ResourceQuotaStatus = Infer<typeof resourceQuotaStatusSchema>;

export const resourceQuotaSchema = object(
  'io.k8s.api.core.v1.ResourceQuota',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, resourceQuotaSpecSchema),
    status: field(3, resourceQuotaStatusSchema),
  },
  { gvk: [['', 'v1', 'ResourceQuota']] },
);
export type ResourceQuota = Infer<typeof resourceQuotaSchema>;

export const resourceQuotas = resource({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  singular: 'resourcequota',
  shortNames: ['quota'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: resourceQuotaSchema,
  subresources: {
    status: { kind: 'ResourceQuota', verbs: ['get', 'patch', 'update'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Request', type: 'string', priority: 0 },
    { name: 'Limit', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
});
