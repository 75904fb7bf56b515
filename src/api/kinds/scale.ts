/** Schemas of Kubernetes 1.36: scale. */
import type { Infer } from '../schema.ts';
import { field, int32, object, required, string, withDefault } from '../schema.ts';
import { objectMetaSchema } from './meta.ts';

export const scaleSpecSchema = object('io.k8s.api.autoscaling.v1.ScaleSpec', {
  replicas: field(1, withDefault(int32, 0)),
});
export type ScaleSpec = Infer<typeof scaleSpecSchema>;

export const scaleStatusSchema = object('io.k8s.api.autoscaling.v1.ScaleStatus', {
  replicas: required(1, int32, 'keepsZero'),
  selector: field(2, string),
});
export type ScaleStatus = Infer<typeof scaleStatusSchema>;

export const scaleSchema = object(
  'io.k8s.api.autoscaling.v1.Scale',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, scaleSpecSchema),
    status: field(3, scaleStatusSchema),
  },
  { gvk: [['autoscaling', 'v1', 'Scale']] },
);
export type Scale = Infer<typeof scaleSchema>;
