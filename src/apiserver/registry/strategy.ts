/** How kinds differ in what the registry does with them: a table, so that a kind that is absent behaves like most. */
import type { Resource } from '../../api/index.ts';

export interface Strategy {
  /** `metadata.generation` counts changes of this part; `none` for kinds without a generation. */
  readonly generation: 'none' | 'spec' | 'specAndAnnotations' | 'content';
  /** PUT of an unknown name creates it. */
  readonly createsOnUpdate: boolean;
  /** PUT needs `metadata.resourceVersion`. */
  readonly needsResourceVersion: boolean;
  /** DELETE answers the object instead of a Status. */
  readonly returnsDeleted: boolean;
  /** What DELETE does to dependents when the caller does not say. */
  readonly defaultPropagation: 'Background' | 'Orphan';
  /** A client may write status together with the rest when it creates the object. */
  readonly keepsStatusOnCreate: boolean;
  /** Stored and served, but nothing in this program acts on it. */
  readonly isMerelyStored: boolean;
}

/** The strategy of a resource. */
export function strategyOf(resource: Resource): Strategy {
  return { ...usual, ...strategies[`${resource.group}/${resource.plural}`] };
}

const usual: Strategy = {
  generation: 'none',
  createsOnUpdate: false,
  needsResourceVersion: false,
  returnsDeleted: false,
  defaultPropagation: 'Background',
  keepsStatusOnCreate: false,
  isMerelyStored: false,
};

const merelyStored = { isMerelyStored: true } as const;
const withGeneration = { generation: 'spec' } as const;

const strategies: Readonly<Record<string, Partial<Strategy>>> = {
  '/namespaces': { returnsDeleted: true },
  '/nodes': { keepsStatusOnCreate: true },
  '/pods': { ...withGeneration, returnsDeleted: true },
  '/services': { createsOnUpdate: true, returnsDeleted: true },
  '/serviceaccounts': { returnsDeleted: true },
  '/endpoints': { createsOnUpdate: true },
  '/events': { createsOnUpdate: true },
  '/limitranges': { ...merelyStored, createsOnUpdate: true },
  '/resourcequotas': merelyStored,
  '/persistentvolumeclaims': { ...merelyStored, returnsDeleted: true },
  '/persistentvolumes': { ...merelyStored, returnsDeleted: true },
  '/podtemplates': { ...withGeneration, ...merelyStored, returnsDeleted: true },
  '/replicationcontrollers': { ...withGeneration, defaultPropagation: 'Orphan' },
  'apps/daemonsets': withGeneration,
  'apps/deployments': { generation: 'specAndAnnotations' },
  'apps/replicasets': withGeneration,
  'apps/statefulsets': withGeneration,
  'autoscaling/horizontalpodautoscalers': merelyStored,
  'batch/cronjobs': { ...withGeneration, ...merelyStored },
  'batch/jobs': { ...withGeneration, ...merelyStored, defaultPropagation: 'Orphan' },
  'coordination.k8s.io/leases': { createsOnUpdate: true, needsResourceVersion: true },
  'discovery.k8s.io/endpointslices': { generation: 'content' },
  'networking.k8s.io/ingressclasses': { ...withGeneration, ...merelyStored },
  'networking.k8s.io/ingresses': { ...withGeneration, ...merelyStored },
  'networking.k8s.io/networkpolicies': { ...withGeneration, ...merelyStored },
  'policy/poddisruptionbudgets': { ...withGeneration, ...merelyStored },
  'rbac.authorization.k8s.io/clusterrolebindings': { ...merelyStored, createsOnUpdate: true },
  'rbac.authorization.k8s.io/clusterroles': { ...merelyStored, createsOnUpdate: true },
  'rbac.authorization.k8s.io/rolebindings': { ...merelyStored, createsOnUpdate: true },
  'rbac.authorization.k8s.io/roles': { ...merelyStored, createsOnUpdate: true },
  'scheduling.k8s.io/priorityclasses': { ...withGeneration, ...merelyStored },
  'storage.k8s.io/storageclasses': merelyStored,
};
