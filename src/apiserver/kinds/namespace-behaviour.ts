/** A namespace's life: what every one gets, and the sweep that empties one before it goes (KEP-less; k8s pkg/controller/namespace). */
import type { ConfigMap, Namespace, ServiceAccount } from '../../api/index.ts';
import { configMaps, forbidden, isAlreadyExists, namespaces, serviceAccounts, isEqualJson, formatTime } from '../../api/index.ts';
import { messageOf } from '../../observe/index.ts';
import { catalog, servedOf } from '../registry/catalog.ts';
import type { Behaviour, RegistryContext, WriteRequest } from '../registry/context.ts';
import { createObject } from '../registry/create.ts';
import { deleteObject } from '../registry/delete.ts';
import { isReadyToGo, removeObject } from '../registry/remove.ts';
import { assertCreatable } from '../registry/rules.ts';
import type { ApiObject, StoredObject } from '../store/index.ts';
import { storeKey, storePrefix } from '../store/index.ts';
import { leftoverConditions } from './namespace-conditions.ts';
import type { Leftovers } from './namespace-conditions.ts';

const internalWrite: WriteRequest = { isDryRun: false, warn: () => undefined };

/** The finalizer that keeps a namespace until it is empty. */
const contentFinalizer = 'kubernetes';

/** What the cluster itself lives in (k8s plugin/pkg/admission/namespace/lifecycle). */
const immortalNamespaces: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);

/** How soon a namespace whose content lingers (finalizers, pods in their grace) is looked at again. */
const retryMs = 100;

/** The behaviour of namespaces. `caPem` goes into the ConfigMap that pods verify the API server by. */
export function createNamespaceBehaviour(context: RegistryContext, caPem: string): Behaviour {
  return {
    beginCreate: (object) => {
      const { name = '', labels } = object.metadata ?? {};
      const namespace: ApiObject = {
        ...object,
        metadata: { ...object.metadata, labels: { ...labels, 'kubernetes.io/metadata.name': name } },
        spec: { ...(object.spec as Namespace['spec']), finalizers: [contentFinalizer] },
        status: { phase: 'Active' },
      };
      assertCreatable(servedOf(namespaces), namespace);
      return { object: namespace, commit: () => undefined, rollback: () => undefined };
    },
    assertDeletable: ({ metadata }) => {
      const name = metadata?.name ?? '';
      if (immortalNamespaces.has(name)) throw forbidden(namespaces, name, 'this namespace may not be deleted');
    },
    created: (object) => fillNamespace(context, object.metadata?.name ?? '', caPem),
  };
}

/** What every namespace has: the service account of its pods, and the CA of this API server. Does nothing where they are. */
export function fillNamespace(context: RegistryContext, namespace: string, caPem: string): void {
  const account: ServiceAccount = { metadata: { name: 'default' } };
  const ca: ConfigMap = {
    metadata: {
      name: 'kube-root-ca.crt',
      annotations: {
        'kubernetes.io/description':
          'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
      },
    },
    data: { 'ca.crt': caPem },
  };
  createUnlessThere(context, servedOf(serviceAccounts), namespace, account);
  createUnlessThere(context, servedOf(configMaps), namespace, ca);
}

/** Creates an object of the server's own; one of that name that is there already stays as it is. */
export function createUnlessThere(
  context: RegistryContext,
  served: ReturnType<typeof servedOf>,
  namespace: string,
  object: ApiObject,
): void {
  try {
    createObject(context, served, namespace, object, internalWrite);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

/** Empties namespaces that are being deleted, and lets them go once they are empty. */
export class NamespaceSweeper {
  readonly #context: RegistryContext;
  readonly #terminating = new Set<string>();
  #stopWatch: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: RegistryContext) {
    this.#context = context;
  }

  start(): void {
    const { store } = this.#context;
    const prefix = storePrefix(namespaces.group, namespaces.plural);
    for (const stored of store.list(prefix).items) this.#notice(stored.object);
    this.#stopWatch = store.watch(prefix, store.revision, (event) => {
      if (event.type === 'DELETED') this.#terminating.delete(event.current.object.metadata?.name ?? '');
      else this.#notice(event.current.object);
    });
  }

  stop(): void {
    this.#stopWatch?.();
    clearTimeout(this.#timer);
  }

  #notice({ metadata }: ApiObject): void {
    if (metadata?.deletionTimestamp === undefined) return;
    this.#terminating.add(metadata.name ?? '');
    // After the write that is under way: its answer is still to be given.
    this.#schedule(0);
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#sweep(), delayMs);
    this.#timer.unref();
  }

  #sweep(): void {
    for (const name of this.#terminating) {
      try {
        if (sweepNamespace(this.#context, name)) this.#terminating.delete(name);
      } catch (error) {
        this.#context.logger.warn({ namespace: name, error: messageOf(error) }, 'could not empty a namespace, trying again');
      }
    }
    if (this.#terminating.size > 0) this.#schedule(retryMs);
  }
}

/** Deletes what a namespace holds; when nothing is left, lets the namespace go. Returns whether it is gone. */
function sweepNamespace(context: RegistryContext, namespace: string): boolean {
  const { store } = context;
  const stored = store.get(storeKey(namespaces.group, namespaces.plural, '', namespace));
  if (stored === undefined) return true;
  const resources = new Map<string, number>();
  const finalizers = new Map<string, number>();
  for (const served of catalog) {
    if (!served.resource.namespaced || served.conversion !== undefined || !served.resource.verbs.includes('delete')) continue;
    const prefix = storePrefix(served.storage.group, served.storage.plural, namespace);
    for (const { key, object } of store.list(prefix).items) {
      const meta = object.metadata ?? {};
      // Once is enough: what is being deleted already waits for its grace or its finalizers.
      if (meta.deletionTimestamp === undefined && store.get(key) !== undefined) {
        deleteObject(context, served, namespace, meta.name ?? '', { propagationPolicy: 'Background' }, false);
      }
      const left = store.get(key);
      if (left === undefined) continue;
      count(resources, `${served.storage.plural}.${served.storage.group}`);
      for (const finalizer of left.object.metadata?.finalizers ?? []) count(finalizers, finalizer);
    }
  }
  if (resources.size === 0) return release(context, stored);
  tellLeftovers(context, stored.key, { resources, finalizers });
  return false;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** Says in the namespace's status what it waits for. */
function tellLeftovers({ store, now }: RegistryContext, key: string, leftovers: Leftovers): void {
  const stored = store.get(key);
  if (stored === undefined) return;
  const status = (stored.object as Namespace).status ?? {};
  const conditions = leftoverConditions(leftovers, status.conditions ?? [], formatTime(now()));
  if (!isEqualJson(conditions, status.conditions))
    store.update(key, { ...stored.object, status: { ...status, conditions } }, stored.revision);
}

function release(context: RegistryContext, stored: StoredObject): boolean {
  const namespace = stored.object as Namespace;
  const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== contentFinalizer);
  const next: ApiObject = { ...stored.object, spec: { ...namespace.spec, finalizers } };
  if (isReadyToGo(next)) {
    removeObject(context, servedOf(namespaces), stored);
    return true;
  }
  if (finalizers.length !== (namespace.spec?.finalizers ?? []).length) context.store.update(stored.key, next, stored.revision);
  return false;
}
