/** Schemas of Kubernetes 1.36: binding. */
import type { Infer } from '../schema.ts';
import { field, object, required, string } from '../schema.ts';
import { objectMetaSchema } from './meta.ts';
import { objectReferenceSchema } from './references.ts';

export const bindingSchema = object(
  'io.k8s.api.core.v1.Binding',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    target: required(2, objectReferenceSchema, 'keepsZero'),
  },
  { gvk: [['', 'v1', 'Binding']] },
);
export type Binding = Infer<typeof bindingSchema>;
