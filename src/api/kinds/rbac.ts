/** Schemas of Kubernetes 1.36: rbac. */
import type { Infer } from '../schema.ts';
import { field, list, object, required, string } from '../schema.ts';
import { resource } from '../resource.ts';
import { labelSelectorSchema, objectMetaSchema } from './meta.ts';

export const roleRefSchema = object(
  'io.k8s.api.rbac.v1.RoleRef',
  {
    kind: required(2, string, 'keepsZero'),
    apiGroup: field(1, string, 'keepsZero'),
    name: required(3, string, 'keepsZero'),
  },
  { mapType: 'atomic' },
);
export type RoleRef = Infer<typeof roleRefSchema>;

export const subjectSchema = object(
  'io.k8s.api.rbac.v1.Subject',
  {
    kind: required(1, string, 'keepsZero'),
    apiGroup: field(2, string),
    name: required(3, string, 'keepsZero'),
    namespace: field(4, string),
  },
  { mapType: 'atomic' },
);
export type Subject = Infer<typeof subjectSchema>;

export const clusterRoleBindingSchema = object(
  'io.k8s.api.rbac.v1.ClusterRoleBinding',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    subjects: field(2, list(subjectSchema, { listType: 'atomic' })),
    roleRef: required(3, roleRefSchema, 'keepsZero'),
  },
  { gvk: [['rbac.authorization.k8s.io', 'v1', 'ClusterRoleBinding']] },
);
export type ClusterRoleBinding = Infer<typeof clusterRoleBindingSchema>;

export const aggregationRuleSchema = object('io.k8s.api.rbac.v1.AggregationRule', {
  clusterRoleSelectors: field(1, list(labelSelectorSchema, { listType: 'atomic' })),
});
export type AggregationRule = Infer<typeof aggregationRuleSchema>;

export const policyRuleSchema = object('io.k8s.api.rbac.v1.PolicyRule', {
  verbs: required(1, list(string, { listType: 'atomic' }), 'keepsZero'),
  apiGroups: field(2, list(string, { listType: 'atomic' })),
  resources: field(3, list(string, { listType: 'atomic' })),
  resourceNames: field(4, list(string, { listType: 'atomic' })),
  nonResourceURLs: field(5, list(string, { listType: 'atomic' })),
});
export type PolicyRule = Infer<typeof policyRuleSchema>;

export const clusterRoleSchema = object(
  'io.k8s.api.rbac.v1.ClusterRole',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    rules: field(2, list(policyRuleSchema, { listType: 'atomic' }), 'keepsZero'),
    aggregationRule: field(3, aggregationRuleSchema, 'pointer'),
  },
  { gvk: [['rbac.authorization.k8s.io', 'v1', 'ClusterRole']] },
);
export type ClusterRole = Infer<typeof clusterRoleSchema>;

export const roleBindingSchema = object(
  'io.k8s.api.rbac.v1.RoleBinding',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    subjects: field(2, list(subjectSchema, { listType: 'atomic' })),
    roleRef: required(3, roleRefSchema, 'keepsZero'),
  },
  { gvk: [['rbac.authorization.k8s.io', 'v1', 'RoleBinding']] },
);
export type RoleBinding = Infer<typeof roleBindingSchema>;

export const roleSchema = object(
  'io.k8s.api.rbac.v1.Role',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    rules: field(2, list(policyRuleSchema, { listType: 'atomic' }), 'keepsZero'),
  },
  { gvk: [['rbac.authorization.k8s.io', 'v1', 'Role']] },
);
export type Role = Infer<typeof roleSchema>;

export const clusterRoleBindings = resource({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  singular: 'clusterrolebinding',
  namespaced: false,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: clusterRoleBindingSchema,
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Role', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
    { name: 'Users', type: 'string', priority: 1 },
    { name: 'Groups', type: 'string', priority: 1 },
    { name: 'ServiceAccounts', type: 'string', priority: 1 },
  ],
});

export const clusterRoles = resource({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'ClusterRole',
  plural: 'clusterroles',
  singular: 'clusterrole',
  namespaced: false,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: clusterRoleSchema,
});

export const roleBindings = resource({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'RoleBinding',
  plural: 'rolebindings',
  singular: 'rolebinding',
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: roleBindingSchema,
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Role', type: 'string', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
    { name: 'Users', type: 'string', priority: 1 },
    { name: 'Groups', type: 'string', priority: 1 },
    { name: 'ServiceAccounts', type: 'string', priority: 1 },
  ],
});

export const roles = resource({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind: 'Role',
  plural: 'roles',
  singular: 'role',
  namespaced: true,
  verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  schema: roleSchema,
});
