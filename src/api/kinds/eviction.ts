/** Schemas of Kubernetes 1.36: eviction. */
import type { Infer } from '../schema.ts';
import { field, object, string } from '../schema.ts';
import { deleteOptionsSchema, objectMetaSchema } from './meta.ts';

export const evictionSchema = object(
  'io.k8s.api.policy.v1.Eviction',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    deleteOptions: field(2, deleteOptionsSchema, 'pointer'),
  },
  { gvk: [['policy', 'v1', 'Eviction']] },
);
export type Eviction = Infer<typeof evictionSchema>;
