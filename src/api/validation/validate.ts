/** What may be created and what may replace what, for every kind but Service (see service/): one entry for each resource. */
import type { FieldError } from '../field-errors.ts';
import {
  clusterRoleBindings,
  clusterRoles,
  configMaps,
  daemonSets,
  deployments,
  endpoints,
  endpointSlices,
  events,
  ipAddresses,
  leases,
  namespaces,
  nodes,
  pods,
  podTemplates,
  replicaSets,
  replicationControllers,
  roleBindings,
  roles,
  secrets,
  serviceCidrs,
  services,
  statefulSets,
} from '../kinds/index.ts';
import type { ObjectMeta, PodTemplate } from '../kinds/index.ts';
import type { Resource } from '../resource.ts';
import {
  ipAddressName,
  validateConfigMap,
  validateConfigMapUpdate,
  validateEvent,
  validateIpAddress,
  validateIpAddressUpdate,
  validateLease,
  validateNamespace,
  validateNode,
  validateNodeUpdate,
  validateSecret,
  validateSecretUpdate,
  validateServiceCidr,
  validateServiceCidrUpdate,
} from './cluster.ts';
import { validateEndpoints, validateEndpointSlice, validateEndpointSliceUpdate } from './endpoints.ts';
import { dns1123Label, dns1123Subdomain, pathSegmentName } from './identifiers.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from './object-meta.ts';
import { validatePod, validatePodTemplate, validatePodUpdate } from './pod.ts';
import type { TextCheck } from './rules.ts';
import {
  validateDaemonSet,
  validateDaemonSetUpdate,
  validateDeployment,
  validateDeploymentUpdate,
  validateReplicaSet,
  validateReplicaSetUpdate,
  validateReplicationController,
  validateStatefulSet,
  validateStatefulSetUpdate,
} from './workloads.ts';

/**
 * Faults of an object that is to be created, metadata included. Takes objects in normal form and with defaults. Of a
 * Service only metadata is looked at here, and not its name.
 */
export function validateCreate<T>(resource: Resource<T>, object: T): FieldError[] {
  const rules = rulesOf(resource);
  return [
    ...validateObjectMeta(metadataOf(object), { namespaced: resource.namespaced, nameRule: rules.nameRule }),
    ...rules.create(object as never),
  ];
}

/** Faults of an object that is to replace another one of the same name. */
export function validateUpdate<T>(resource: Resource<T>, next: T, previous: T): FieldError[] {
  const rules = rulesOf(resource);
  const errors = validateObjectMetaUpdate(metadataOf(next), metadataOf(previous));
  return [...errors, ...rules.update(next as never, previous as never)];
}

interface Rules {
  readonly nameRule: TextCheck;
  readonly create: (object: never) => readonly FieldError[];
  readonly update: (next: never, previous: never) => readonly FieldError[];
}

/** Kinds without an entry have names that are subdomains, and are stored as they are. */
const plain: Rules = { nameRule: dns1123Subdomain, create: () => [], update: () => [] };

const table = new Map<Resource, Rules>();

function rulesOf(resource: Resource): Rules {
  return table.get(resource) ?? plain;
}

/** Without `update`, what replaces an object must be as good as a new one. */
function rules<T>(
  resource: Resource<T>,
  entry: {
    readonly nameRule?: TextCheck;
    readonly create?: (object: T) => readonly FieldError[];
    readonly update?: (next: T, previous: T) => readonly FieldError[];
  },
): void {
  const { nameRule = dns1123Subdomain, create = () => [], update = (next: T) => create(next) } = entry;
  table.set(resource, { nameRule, create, update });
}

rules(clusterRoleBindings, { nameRule: pathSegmentName });
rules(clusterRoles, { nameRule: pathSegmentName });
rules(configMaps, { create: validateConfigMap, update: validateConfigMapUpdate });
rules(daemonSets, { create: validateDaemonSet, update: validateDaemonSetUpdate });
rules(deployments, { create: validateDeployment, update: validateDeploymentUpdate });
rules(endpoints, { create: validateEndpoints });
rules(endpointSlices, { create: validateEndpointSlice, update: validateEndpointSliceUpdate });
rules(events, { create: validateEvent });
rules(ipAddresses, { nameRule: ipAddressName, create: validateIpAddress, update: validateIpAddressUpdate });
rules(leases, { create: validateLease });
rules(namespaces, { nameRule: dns1123Label, create: validateNamespace });
rules(nodes, { create: validateNode, update: validateNodeUpdate });
rules(pods, { create: validatePod, update: validatePodUpdate });
rules(podTemplates, { create: ({ template }: PodTemplate) => validatePodTemplate(template, 'template') });
rules(replicaSets, { create: validateReplicaSet, update: validateReplicaSetUpdate });
rules(replicationControllers, { create: validateReplicationController });
rules(roleBindings, { nameRule: pathSegmentName });
rules(roles, { nameRule: pathSegmentName });
rules(secrets, { create: validateSecret, update: validateSecretUpdate });
rules(serviceCidrs, { create: validateServiceCidr, update: validateServiceCidrUpdate });
rules(services, { nameRule: () => [] });
rules(statefulSets, { create: validateStatefulSet, update: validateStatefulSetUpdate });

function metadataOf(object: unknown): ObjectMeta | undefined {
  return (object as { readonly metadata?: ObjectMeta }).metadata;
}
