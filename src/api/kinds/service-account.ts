/** Schemas of Kubernetes 1.36: service account. */
import type { Infer } from '../schema.ts';
import { boolean, field, list, object, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { objectMetaSchema } from './meta.ts';
import { localObjectReferenceSchema, objectReferenceSchema } from './references.ts';

export const serviceAccountSchema = object(
  'io.k8s.api.core.v1.ServiceAccount',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    secrets: field(
      2,
      list(objectReferenceSchema, { listType: 'map', listMapKeys: ['name'], patchStrategy: 'merge', patchMergeKey: 'name' }),
    ),
    imagePullSecrets: field(3, list(localObjectReferenceSchema, { listType: 'atomic' })),
    automountServiceAccountToken: field(4, boolean, 'pointer'),
  },
  { gvk: [['', 'v1', 'ServiceAccount']] },
);
export type ServiceAccount = Infer<typeof serviceAccountSchema>;

export const serviceAccounts = resource({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  shortNames: ['sa'],
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: serviceAccountSchema,
  subresources: {
    token: { kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1', verbs: ['create'] },
  },
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
});
