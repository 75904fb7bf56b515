/** Every kind that Fairlead knows. Adding a kind is adding its schema here. */
import type { Resource } from '../resource.ts';
import { configMaps } from './config-map.ts';
import { controllerRevisions } from './controller-revision.ts';
import { daemonSets } from './daemon-set.ts';
import { deployments } from './deployment.ts';
import { endpointSlices } from './endpoint-slice.ts';
import { endpoints } from './endpoints.ts';
import { events, eventsV1Events } from './event.ts';
import { horizontalPodAutoscalers } from './horizontal-pod-autoscaler.ts';
import { ingressClasses, ingresses } from './ingress.ts';
import { ipAddresses } from './ip-address.ts';
import { cronJobs, jobs } from './job.ts';
import { leases } from './lease.ts';
import { limitRanges } from './limit-range.ts';
import { namespaces } from './namespace.ts';
import { networkPolicies } from './network-policy.ts';
import { nodes } from './node.ts';
import { persistentVolumes } from './persistent-volume.ts';
import { persistentVolumeClaims } from './persistent-volume-claim.ts';
import { pods } from './pod.ts';
import { podDisruptionBudgets } from './pod-disruption-budget.ts';
import { podTemplates } from './pod-template.ts';
import { priorityClasses } from './priority-class.ts';
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from './rbac.ts';
import { replicaSets } from './replica-set.ts';
import { replicationControllers } from './replication-controller.ts';
import { resourceQuotas } from './resource-quota.ts';
import {
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
  tokenReviews,
} from './reviews.ts';
import { secrets } from './secret.ts';
import { services } from './service.ts';
import { serviceAccounts } from './service-account.ts';
import { serviceCidrs } from './service-cidr.ts';
import { statefulSets } from './stateful-set.ts';
import { storageClasses } from './storage-class.ts';

export * from './affinity.ts';
export * from './binding.ts';
export * from './config-map.ts';
export * from './container.ts';
export * from './container-status.ts';
export * from './controller-revision.ts';
export * from './daemon-set.ts';
export * from './deployment.ts';
export * from './endpoint-slice.ts';
export * from './endpoints.ts';
export * from './event.ts';
export * from './eviction.ts';
export * from './horizontal-pod-autoscaler.ts';
export * from './ingress.ts';
export * from './ip-address.ts';
export * from './job.ts';
export * from './lease.ts';
export * from './limit-range.ts';
export * from './meta.ts';
export * from './namespace.ts';
export * from './network-policy.ts';
export * from './node.ts';
export * from './persistent-volume-claim.ts';
export * from './persistent-volume.ts';
export * from './pod.ts';
export * from './pod-disruption-budget.ts';
export * from './pod-spec.ts';
export * from './pod-template.ts';
export * from './priority-class.ts';
export * from './rbac.ts';
export * from './references.ts';
export * from './replica-set.ts';
export * from './replication-controller.ts';
export * from './resource-quota.ts';
export * from './reviews.ts';
export * from './scale.ts';
export * from './secret.ts';
export * from './security-context.ts';
export * from './service.ts';
export * from './service-account.ts';
export * from './service-cidr.ts';
export * from './stateful-set.ts';
export * from './storage-class.ts';
export * from './volume.ts';

/** The resources, in the order in which discovery lists them. */
export const resources: readonly Resource[] = [
  configMaps,
  endpoints,
  events,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  podTemplates,
  replicationControllers,
  secrets,
  serviceAccounts,
  services,
  resourceQuotas,
  limitRanges,
  controllerRevisions,
  daemonSets,
  deployments,
  replicaSets,
  statefulSets,
  cronJobs,
  jobs,
  endpointSlices,
  ingressClasses,
  ingresses,
  ipAddresses,
  networkPolicies,
  serviceCidrs,
  leases,
  eventsV1Events,
  podDisruptionBudgets,
  clusterRoleBindings,
  clusterRoles,
  roleBindings,
  roles,
  selfSubjectReviews,
  tokenReviews,
  selfSubjectAccessReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
  localSubjectAccessReviews,
  horizontalPodAutoscalers,
  priorityClasses,
  storageClasses,
];
