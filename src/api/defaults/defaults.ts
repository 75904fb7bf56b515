/** What the API fills in on every write, for every kind but Service (see service/). */
import {
  clusterRoleBindings,
  cronJobs,
  daemonSets,
  deployments,
  endpoints,
  endpointSlices,
  horizontalPodAutoscalers,
  ingressClasses,
  jobs,
  namespaces,
  networkPolicies,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  podTemplates,
  priorityClasses,
  replicaSets,
  replicationControllers,
  roleBindings,
  secrets,
  statefulSets,
  storageClasses,
} from '../kinds/index.ts';
import type {
  ClusterRoleBinding,
  Endpoints,
  EndpointSlice,
  Namespace,
  NetworkPolicy,
  Node,
  RoleBinding,
  Secret,
} from '../kinds/index.ts';
import type { Resource } from '../resource.ts';
import { adjust, adjustItems, fill } from './fill.ts';
import { setPodDefaults } from './pod-defaults.ts';
import { setStorageClassDefaults, setVolumeDefaults } from './storage-defaults.ts';
import {
  setClaimDefaults,
  setCronJobDefaults,
  setDaemonSetDefaults,
  setDeploymentDefaults,
  setJobDefaults,
  setPodTemplateObjectDefaults,
  setReplicaSetDefaults,
  setReplicationControllerDefaults,
  setStatefulSetDefaults,
} from './workload-defaults.ts';

/**
 * The object with everything filled in that its kind's defaults say. Idempotent; the argument is not changed.
 * Takes objects in normal form (`normalize`): a member that is there, even if empty, counts as set.
 */
export function setDefaults<T>(resource: Resource<T>, object: T): T {
  const setter = setters.get(resource);
  return setter === undefined ? object : (setter(object as never) as T);
}

const setters = new Map<Resource, (object: never) => unknown>();

function defaults<T>(resource: Resource<T>, setter: (object: T) => T): void {
  setters.set(resource, setter);
}

defaults(clusterRoleBindings, setBindingDefaults);
defaults(cronJobs, setCronJobDefaults);
defaults(daemonSets, setDaemonSetDefaults);
defaults(deployments, setDeploymentDefaults);
defaults(endpoints, setEndpointsDefaults);
defaults(endpointSlices, setEndpointSliceDefaults);
defaults(horizontalPodAutoscalers, (autoscaler) => adjust(autoscaler, 'spec', (spec) => fill(spec, { minReplicas: 1 })));
defaults(ingressClasses, (ingressClass) =>
  adjust(ingressClass, 'spec', (spec) => adjust(spec, 'parameters', (parameters) => fill(parameters, { scope: 'Cluster' }))),
);
defaults(jobs, setJobDefaults);
defaults(namespaces, setNamespaceDefaults);
defaults(networkPolicies, setNetworkPolicyDefaults);
defaults(nodes, setNodeDefaults);
defaults(persistentVolumeClaims, setClaimDefaults);
defaults(persistentVolumes, setVolumeDefaults);
defaults(pods, setPodDefaults);
defaults(podTemplates, setPodTemplateObjectDefaults);
defaults(priorityClasses, (priorityClass) => fill(priorityClass, { preemptionPolicy: 'PreemptLowerPriority' }));
defaults(replicaSets, setReplicaSetDefaults);
defaults(replicationControllers, setReplicationControllerDefaults);
defaults(roleBindings, setBindingDefaults);
defaults(secrets, setSecretDefaults);
defaults(statefulSets, setStatefulSetDefaults);
defaults(storageClasses, setStorageClassDefaults);

function setEndpointsDefaults(object: Endpoints): Endpoints {
  return adjust(object, 'subsets', (subsets) =>
    adjustItems(subsets, (subset) =>
      adjust(subset, 'ports', (ports) => adjustItems(ports, (port) => fill(port, { protocol: 'TCP' }))),
    ),
  );
}

function setEndpointSliceDefaults(slice: EndpointSlice): EndpointSlice {
  return adjust(slice, 'ports', (ports) => adjustItems(ports, (port) => fill(port, { name: '', protocol: 'TCP' })));
}

/** Every namespace carries its name as a label, so that selectors can name it. */
function setNamespaceDefaults(namespace: Namespace): Namespace {
  const { metadata } = namespace;
  const status = fill(namespace.status ?? {}, { phase: 'Active' });
  const label = 'kubernetes.io/metadata.name';
  if (metadata?.name === undefined || metadata.name === '' || metadata.labels?.[label] === metadata.name)
    return status === namespace.status ? namespace : { ...namespace, status };
  return { ...namespace, metadata: { ...metadata, labels: { ...metadata.labels, [label]: metadata.name } }, status };
}

function setNetworkPolicyDefaults(policy: NetworkPolicy): NetworkPolicy {
  return adjust(policy, 'spec', (spec) => {
    const policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
    const typed = fill(spec, { policyTypes });
    const withIngress = adjust(typed, 'ingress', (rules) =>
      adjustItems(rules, (rule) =>
        adjust(rule, 'ports', (ports) => adjustItems(ports, (port) => fill(port, { protocol: 'TCP' }))),
      ),
    );
    return adjust(withIngress, 'egress', (rules) =>
      adjustItems(rules, (rule) =>
        adjust(rule, 'ports', (ports) => adjustItems(ports, (port) => fill(port, { protocol: 'TCP' }))),
      ),
    );
  });
}

function setNodeDefaults(node: Node): Node {
  return adjust(node, 'status', (status) => fill(status, { allocatable: status.capacity }));
}

function setBindingDefaults<T extends RoleBinding | ClusterRoleBinding>(binding: T): T {
  const apiGroup = 'rbac.authorization.k8s.io';
  const plain: RoleBinding = binding;
  const withRole = adjust(plain, 'roleRef', (roleRef) => ((roleRef.apiGroup ?? '') === '' ? { ...roleRef, apiGroup } : roleRef));
  return adjust(withRole, 'subjects', (subjects) =>
    adjustItems(subjects, (subject) => (subject.kind === 'ServiceAccount' ? subject : fill(subject, { apiGroup }))),
  ) as T;
}

/** `stringData` is only for writing: its texts become bytes of `data`. */
function setSecretDefaults(secret: Secret): Secret {
  const { stringData, ...rest } = fill(secret, { type: 'Opaque' });
  if (stringData === undefined) return rest.type === secret.type ? secret : rest;
  const bytes = Object.entries(stringData).map(([key, text]): readonly [string, string] => [key, base64OfText(text)]);
  return { ...rest, data: { ...rest.data, ...Object.fromEntries(bytes) } };
}

function base64OfText(text: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}
