/** Deletes objects whose owners are gone, and carries out foreground and orphan deletions. Decisions: plan-collection.ts. */
import { apiVersionOf, isNotFound, resources } from '../../api/index.ts';
import type { OwnerReference, Resource } from '../../api/index.ts';
import { WorkQueue } from '../../client/index.ts';
import type { KubeObject } from '../../client/index.ts';
import { createController, unlessGone } from '../controller.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { OwnerGraph, ownersOf } from './owner-graph.ts';
import type { GraphEntry } from './owner-graph.ts';
import { blocks, isWaitingForDependents, planCollection } from './plan-collection.ts';
import type { OwnerState } from './plan-collection.ts';

/** Kinds whose objects own nothing, are owned by nothing, and are too many to watch for that. */
const ignored: ReadonlySet<string> = new Set(['events']);

/** Runs until `stop`. Watches every kind that can be listed, watched and deleted. */
export function startGarbageCollector({ client, informers, logger }: ControllerContext): Controller {
  const graph = new OwnerGraph();
  const watched = resources.filter(
    (resource) => !ignored.has(resource.plural) && ['list', 'watch', 'delete'].every((verb) => resource.verbs.includes(verb)),
  );
  const byKind = new Map(watched.map((resource) => [`${apiVersionOf(resource)}/${resource.kind}`, resource]));
  const queue = new WorkQueue({ name: 'garbage', process: sync, concurrency: 5 }, { logger });

  const put = (resource: Resource, object: KubeObject): void => {
    graph.set(resource, object);
    const { uid, deletionTimestamp, finalizers } = object.metadata ?? {};
    if (uid === undefined) return;
    if (ownersOf(object).length > 0 || (deletionTimestamp !== undefined && (finalizers?.length ?? 0) > 0)) queue.add(uid);
    // An owner that waits may have lost its last blocking dependent by this change.
    for (const owner of ownersOf(object)) if (isWaiting(owner.uid)) queue.add(owner.uid);
  };
  const remove = (object: KubeObject): void => {
    const uid = object.metadata?.uid ?? '';
    graph.delete(uid);
    for (const dependent of graph.dependentsOf(uid)) queue.add(dependent.object.metadata?.uid ?? '');
    for (const owner of ownersOf(object)) if (isWaiting(owner.uid)) queue.add(owner.uid);
  };
  const isWaiting = (uid: string): boolean => {
    const entry = graph.get(uid);
    return entry !== undefined && isWaitingForDependents(entry.object);
  };
  const informersInUse = watched.map((resource) => informers.of(resource as Resource<KubeObject>));
  const subscriptions = informersInUse.map((informer) =>
    informer.subscribe({
      added: (object) => put(informer.resource, object),
      updated: (before, after) => {
        for (const owner of ownersOf(before)) if (isWaiting(owner.uid)) queue.add(owner.uid);
        put(informer.resource, after);
      },
      deleted: remove,
    }),
  );

  async function sync(uid: string): Promise<void> {
    // Foreground and orphan deletions must know every dependent.
    await Promise.all(informersInUse.map((informer) => informer.synced()));
    const entry = graph.get(uid);
    if (entry === undefined) return;
    const dependents = graph.dependentsOf(uid);
    const states = new Map<string, OwnerState>();
    for (const reference of ownersOf(entry.object)) states.set(reference.uid, await stateOf(reference, entry));
    const plan = planCollection({
      object: entry.object,
      dependents: dependents.map((dependent) => dependent.object),
      ownerState: (reference) => states.get(reference.uid) ?? 'unknown',
    });
    try {
      switch (plan.action) {
        case 'nothing':
          return;
        case 'delete-dependents':
          for (const dependent of dependents)
            if (blocks(dependent.object, entry.object)) queue.add(dependent.object.metadata?.uid ?? '');
          return;
        case 'drop-finalizer':
          await patch(entry, { finalizers: plan.finalizers });
          return;
        case 'orphan-dependents':
          for (const dependent of dependents) await disown(dependent, uid);
          await patch(entry, { finalizers: plan.finalizers });
          return;
        case 'drop-owners':
          await patch(entry, { ownerReferences: plan.ownerReferences });
          return;
        case 'delete': {
          const { name = '', namespace } = entry.object.metadata ?? {};
          await client.delete(entry.resource, name, {
            namespace,
            body: { preconditions: { uid }, propagationPolicy: plan.propagationPolicy },
          });
          logger.debug({ kind: entry.resource.kind, namespace, name }, 'collected an object without owners');
        }
      }
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** An owner that the graph does not know is looked up: our copy may be older than the dependent. */
  async function stateOf(reference: OwnerReference, dependent: GraphEntry): Promise<OwnerState> {
    const owner = graph.get(reference.uid);
    const namespace = dependent.object.metadata?.namespace;
    if (owner !== undefined) {
      // An owner is in the dependent's namespace or in none; a reference across namespaces means nothing.
      if (owner.resource.namespaced && owner.object.metadata?.namespace !== namespace) return 'absent';
      return isWaitingForDependents(owner.object) ? 'waiting' : 'solid';
    }
    const resource = byKind.get(`${reference.apiVersion}/${reference.kind}`);
    if (resource === undefined) return 'unknown';
    if (resource.namespaced && namespace === undefined) return 'absent';
    try {
      const found = (await client.get(resource, reference.name, {
        namespace: resource.namespaced ? namespace : undefined,
      })) as KubeObject;
      if (found.metadata?.uid !== reference.uid) return 'absent';
      return isWaitingForDependents(found) ? 'waiting' : 'solid';
    } catch (error) {
      if (isNotFound(error)) return 'absent';
      throw error;
    }
  }

  async function disown(dependent: GraphEntry, uid: string): Promise<void> {
    await unlessGone(
      patch(dependent, { ownerReferences: ownersOf(dependent.object).filter((reference) => reference.uid !== uid) }),
    );
  }

  async function patch({ resource, object }: GraphEntry, metadata: object): Promise<void> {
    const { name = '', namespace, uid, resourceVersion } = object.metadata ?? {};
    await client.patch(resource, name, 'merge', { metadata: { uid, resourceVersion, ...metadata } }, { namespace });
  }

  return createController(queue, subscriptions);
}
