/** Schemas of Kubernetes 1.36: reviews. */
import type { Infer } from '../schema.ts';
import { boolean, field, int64, list, map, object, required, string, time } from '../schema.ts';
import { resource } from '../resource.ts';
import { fieldSelectorRequirementSchema, labelSelectorRequirementSchema, objectMetaSchema } from './meta.ts';

export const userInfoSchema = object('io.k8s.api.authentication.v1.UserInfo', {
  username: field(1, string),
  uid: field(2, string),
  groups: field(3, list(string, { listType: 'atomic' })),
  extra: field(4, map(list(string))),
});
export type UserInfo = Infer<typeof userInfoSchema>;

export const selfSubjectReviewStatusSchema = object('io.k8s.api.authentication.v1.SelfSubjectReviewStatus', {
  userInfo: field(1, userInfoSchema),
});
export type SelfSubjectReviewStatus = Infer<typeof selfSubjectReviewStatusSchema>;

export const selfSubjectReviewSchema = object(
  'io.k8s.api.authentication.v1.SelfSubjectReview',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    status: field(2, selfSubjectReviewStatusSchema),
  },
  { gvk: [['authentication.k8s.io', 'v1', 'SelfSubjectReview']] },
);
export type SelfSubjectReview = Infer<typeof selfSubjectReviewSchema>;

export const tokenReviewSpecSchema = object('io.k8s.api.authentication.v1.TokenReviewSpec', {
  token: required(1, string),
  audiences: field(2, list(string, { listType: 'atomic' })),
});
export type TokenReviewSpec = Infer<typeof tokenReviewSpecSchema>;

export const tokenReviewStatusSchema = object('io.k8s.api.authentication.v1.TokenReviewStatus', {
  authenticated: field(1, boolean),
  user: field(2, userInfoSchema),
  error: field(3, string),
  audiences: field(4, list(string, { listType: 'atomic' })),
});
export type TokenReviewStatus = Infer<typeof tokenReviewStatusSchema>;

export const tokenReviewSchema = object(
  'io.k8s.api.authentication.v1.TokenReview',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: required(2, tokenReviewSpecSchema, 'keepsZero'),
    status: field(3, tokenReviewStatusSchema),
  },
  { gvk: [['authentication.k8s.io', 'v1', 'TokenReview']] },
);
export type TokenReview = Infer<typeof tokenReviewSchema>;

export const nonResourceAttributesSchema = object('io.k8s.api.authorization.v1.NonResourceAttributes', {
  path: field(1, string),
  verb: field(2, string),
});
export type NonResourceAttributes = Infer<typeof nonResourceAttributesSchema>;

export const fieldSelectorAttributesSchema = object('io.k8s.api.authorization.v1.FieldSelectorAttributes', {
  rawSelector: field(1, string),
  requirements: field(2, list(fieldSelectorRequirementSchema, { listType: 'atomic' })),
});
export type FieldSelectorAttributes = Infer<typeof fieldSelectorAttributesSchema>;

export const labelSelectorAttributesSchema = object('io.k8s.api.authorization.v1.LabelSelectorAttributes', {
  rawSelector: field(1, string),
  requirements: field(2, list(labelSelectorRequirementSchema, { listType: 'atomic' })),
});
export type LabelSelectorAttributes = Infer<typeof labelSelectorAttributesSchema>;

export const resourceAttributesSchema = object('io.k8s.api.authorization.v1.ResourceAttributes', {
  namespace: field(1, string),
  verb: field(2, string),
  group: field(3, string),
  version: field(4, string),
  resource: field(5, string),
  subresource: field(6, string),
  name: field(7, string),
  fieldSelector: field(8, fieldSelectorAttributesSchema, 'pointer'),
  labelSelector: field(9, labelSelectorAttributesSchema, 'pointer'),
});
export type ResourceAttributes = Infer<typeof resourceAttributesSchema>;

export const selfSubjectAccessReviewSpecSchema = object('io.k8s.api.authorization.v1.SelfSubjectAccessReviewSpec', {
  resourceAttributes: field(1, resourceAttributesSchema, 'pointer'),
  nonResourceAttributes: field(2, nonResourceAttributesSchema, 'pointer'),
});
export type SelfSubjectAccessReviewSpec = Infer<typeof selfSubjectAccessReviewSpecSchema>;

export const subjectAccessReviewStatusSchema = object('io.k8s.api.authorization.v1.SubjectAccessReviewStatus', {
  allowed: required(1, boolean, 'keepsZero'),
  reason: field(2, string),
  evaluationError: field(3, string),
  denied: field(4, boolean),
});
export type SubjectAccessReviewStatus = Infer<typeof subjectAccessReviewStatusSchema>;

export const selfSubjectAccessReviewSchema = object(
  'io.k8s.api.authorization.v1.SelfSubjectAccessReview',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: required(2, selfSubjectAccessReviewSpecSchema, 'keepsZero'),
    status: field(3, subjectAccessReviewStatusSchema),
  },
  { gvk: [['authorization.k8s.io', 'v1', 'SelfSubjectAccessReview']] },
);
export type SelfSubjectAccessReview = Infer<typeof selfSubjectAccessReviewSchema>;

export const selfSubjectRulesReviewSpecSchema = object('io.k8s.api.authorization.v1.SelfSubjectRulesReviewSpec', {
  namespace: field(1, string),
});
export type SelfSubjectRulesReviewSpec = Infer<typeof selfSubjectRulesReviewSpecSchema>;

export const nonResourceRuleSchema = object('io.k8s.api.authorization.v1.NonResourceRule', {
  verbs: required(1, list(string, { listType: 'atomic' }), 'keepsZero'),
  nonResourceURLs: field(2, list(string, { listType: 'atomic' })),
});
export type NonResourceRule = Infer<typeof nonResourceRuleSchema>;

export const resourceRuleSchema = object('io.k8s.api.authorization.v1.ResourceRule', {
  verbs: required(1, list(string, { listType: 'atomic' }), 'keepsZero'),
  apiGroups: field(2, list(string, { listType: 'atomic' })),
  resources: field(3, list(string, { listType: 'atomic' })),
  resourceNames: field(4, list(string, { listType: 'atomic' })),
});
export type ResourceRule = Infer<typeof resourceRuleSchema>;

export const subjectRulesReviewStatusSchema = object('io.k8s.api.authorization.v1.SubjectRulesReviewStatus', {
  resourceRules: required(1, list(resourceRuleSchema, { listType: 'atomic' }), 'keepsZero'),
  nonResourceRules: required(2, list(nonResourceRuleSchema, { listType: 'atomic' }), 'keepsZero'),
  incomplete: required(3, boolean, 'keepsZero'),
  evaluationError: field(4, string),
});
export type SubjectRulesReviewStatus = Infer<typeof subjectRulesReviewStatusSchema>;

export const selfSubjectRulesReviewSchema = object(
  'io.k8s.api.authorization.v1.SelfSubjectRulesReview',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: required(2, selfSubjectRulesReviewSpecSchema, 'keepsZero'),
    status: field(3, subjectRulesReviewStatusSchema),
  },
  { gvk: [['authorization.k8s.io', 'v1', 'SelfSubjectRulesReview']] },
);
export type SelfSubjectRulesReview = Infer<typeof selfSubjectRulesReviewSchema>;

export const subjectAccessReviewSpecSchema = object('io.k8s.api.authorization.v1.SubjectAccessReviewSpec', {
  resourceAttributes: field(1, resourceAttributesSchema, 'pointer'),
  nonResourceAttributes: field(2, nonResourceAttributesSchema, 'pointer'),
  user: field(3, string),
  groups: field(4, list(string, { listType: 'atomic' })),
  extra: field(5, map(list(string))),
  uid: field(6, string),
});
export type SubjectAccessReviewSpec = Infer<typeof subjectAccessReviewSpecSchema>;

export const subjectAccessReviewSchema = object(
  'io.k8s.api.authorization.v1.SubjectAccessReview',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: required(2, subjectAccessReviewSpecSchema, 'keepsZero'),
    status: field(3, subjectAccessReviewStatusSchema),
  },
  { gvk: [['authorization.k8s.io', 'v1', 'SubjectAccessReview']] },
);
export type SubjectAccessReview = Infer<typeof subjectAccessReviewSchema>;

export const localSubjectAccessReviewSchema = object(
  'io.k8s.api.authorization.v1.LocalSubjectAccessReview',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: required(2, subjectAccessReviewSpecSchema, 'keepsZero'),
    status: field(3, subjectAccessReviewStatusSchema),
  },
  { gvk: [['authorization.k8s.io', 'v1', 'LocalSubjectAccessReview']] },
);
export type LocalSubjectAccessReview = Infer<typeof localSubjectAccessReviewSchema>;

export const boundObjectReferenceSchema = object('io.k8s.api.authentication.v1.BoundObjectReference', {
  kind: field(1, string),
  apiVersion: field(2, string),
  name: field(3, string),
  uid: field(4, string),
});
export type BoundObjectReference = Infer<typeof boundObjectReferenceSchema>;

export const tokenRequestSpecSchema = object('io.k8s.api.authentication.v1.TokenRequestSpec', {
  audiences: field(1, list(string, { listType: 'atomic' }), 'keepsZero'),
  boundObjectRef: field(3, boundObjectReferenceSchema, 'pointer'),
  expirationSeconds: field(4, int64, 'pointer'),
});
export type TokenRequestSpec = Infer<typeof tokenRequestSpecSchema>;

export const tokenRequestStatusSchema = object('io.k8s.api.authentication.v1.TokenRequestStatus', {
  token: field(1, string, 'keepsZero'),
  expirationTimestamp: field(2, time, 'keepsZero'),
});
export type TokenRequestStatus = Infer<typeof tokenRequestStatusSchema>;

export const tokenRequestSchema = object(
  'io.k8s.api.authentication.v1.TokenRequest',
  {
    apiVersion: field(0, string),
    kind: field(0, string),
    metadata: field(1, objectMetaSchema),
    spec: field(2, tokenRequestSpecSchema, 'keepsZero'),
    status: field(3, tokenRequestStatusSchema),
  },
  { gvk: [['authentication.k8s.io', 'v1', 'TokenRequest']] },
);
export type TokenRequest = Infer<typeof tokenRequestSchema>;

export const selfSubjectReviews = resource({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  singular: 'selfsubjectreview',
  namespaced: false,
  verbs: ['create'],
  schema: selfSubjectReviewSchema,
});

export const tokenReviews = resource({
  group: 'authentication.k8s.io',
  version: 'v1',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  singular: 'tokenreview',
  namespaced: false,
  verbs: ['create'],
  schema: tokenReviewSchema,
});

export const selfSubjectAccessReviews = resource({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  singular: 'selfsubjectaccessreview',
  namespaced: false,
  verbs: ['create'],
  schema: selfSubjectAccessReviewSchema,
});

export const selfSubjectRulesReviews = resource({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  singular: 'selfsubjectrulesreview',
  namespaced: false,
  verbs: ['create'],
  schema: selfSubjectRulesReviewSchema,
});

export const subjectAccessReviews = resource({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  singular: 'subjectaccessreview',
  namespaced: false,
  verbs: ['create'],
  schema: subjectAccessReviewSchema,
});

export const localSubjectAccessReviews = resource({
  group: 'authorization.k8s.io',
  version: 'v1',
  kind: 'LocalSubjectAccessReview',
  plural: 'localsubjectaccessreviews',
  singular: 'localsubjectaccessreview',
  namespaced: true,
  verbs: ['create'],
  schema: localSubjectAccessReviewSchema,
});
