/** Schemas of Kubernetes 1.36: limit range. */
import type { Infer } from '../schema.ts';
import { field, list, map, object, quantity, required, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';

export const limitRangeItemSchema = object('io.k8s.api.core.v1.LimitRangeItem', {
  type: required(1, string, 'keepsZero'),
  max: field(2, map(quantity)),
  min: field(3, map(quantity)),
  default: field(4, map(quantity)),
  defaultRequest: field(5, map(quantity)),
  maxLimitRequestRatio: field(6, map(quantity)),
});
export type LimitRangeItem = Infer<typeof limitRangeItemSchema>;

export const limitRangeSpecSchema = object('io.k8s.api.core.v1.LimitRangeSpec', {
  limits: required(1, list(limitRangeItemSchema, { listType: 'atomic' }), 'keepsZero'),
});
export type LimitRangeSpec = Infer<typeof limitRangeSpecSchema>;

export const limitRangeSchema = object(
  'io.k8s.api.core.v1.LimitRange',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, limitRangeSpecSchema),
  },
  { gvk: [['', 'v1', 'LimitRange']] },
);
export type LimitRange = Infer<typeof limitRangeSchema>;

export const limitRanges = resource({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  singular: 'limitrange',
  shortNames: ['limits'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: limitRangeSchema,
});
