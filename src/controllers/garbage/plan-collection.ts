/** What the garbage collector does with one object. Pure. Source: k8s pkg/controller/garbagecollector. */
import type { OwnerReference } from '../../api/index.ts';
import type { KubeObject } from '../../client/index.ts';
import { ownersOf } from './owner-graph.ts';

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

/** Of an owner: there; there but waiting for its dependents to go first; known to be gone; of a kind that we do not watch. */
export type OwnerState = 'solid' | 'waiting' | 'absent' | 'unknown';

export type Collection =
  | { readonly action: 'nothing' }
  /** Dependents first: delete those that block, then drop the finalizer. */
  | { readonly action: 'delete-dependents' }
  /** No dependent blocks any more. */
  | { readonly action: 'drop-finalizer'; readonly finalizers: readonly string[] }
  /** Take the references to this object out of its dependents, then drop the finalizer. */
  | { readonly action: 'orphan-dependents'; readonly finalizers: readonly string[] }
  /** At least one owner is there: forget the others. */
  | { readonly action: 'drop-owners'; readonly ownerReferences: readonly OwnerReference[] }
  | { readonly action: 'delete'; readonly propagationPolicy: 'Background' | 'Foreground' | 'Orphan' };

export interface CollectionInput {
  readonly object: KubeObject;
  readonly dependents: readonly KubeObject[];
  readonly ownerState: (reference: OwnerReference) => OwnerState;
}

/** Decides for one object. Deletion spreads by the owners of an object being gone, or waiting in foreground deletion. */
export function planCollection({ object, dependents, ownerState }: CollectionInput): Collection {
  const finalizers = object.metadata?.finalizers ?? [];
  if (object.metadata?.deletionTimestamp !== undefined) {
    if (finalizers.includes(orphanFinalizer))
      return { action: 'orphan-dependents', finalizers: without(finalizers, orphanFinalizer) };
    if (!finalizers.includes(foregroundFinalizer)) return { action: 'nothing' };
    if (dependents.some((dependent) => blocks(dependent, object))) return { action: 'delete-dependents' };
    return { action: 'drop-finalizer', finalizers: without(finalizers, foregroundFinalizer) };
  }
  const owners = ownersOf(object);
  if (owners.length === 0) return { action: 'nothing' };
  const states = owners.map((reference) => ({ reference, state: ownerState(reference) }));
  const solid = states.filter(({ state }) => state === 'solid' || state === 'unknown');
  if (solid.length === owners.length) return { action: 'nothing' };
  if (solid.length > 0) return { action: 'drop-owners', ownerReferences: solid.map(({ reference }) => reference) };
  if (states.some(({ state }) => state === 'waiting') && dependents.length > 0)
    return { action: 'delete', propagationPolicy: 'Foreground' };
  if (finalizers.includes(orphanFinalizer)) return { action: 'delete', propagationPolicy: 'Orphan' };
  return { action: 'delete', propagationPolicy: finalizers.includes(foregroundFinalizer) ? 'Foreground' : 'Background' };
}

/** Whether an owner waits in foreground deletion for its dependents. */
export function isWaitingForDependents(owner: KubeObject): boolean {
  return owner.metadata?.deletionTimestamp !== undefined && owner.metadata.finalizers?.includes(foregroundFinalizer) === true;
}

/** Whether `dependent` keeps `owner` from going in a foreground deletion. */
export function blocks(dependent: KubeObject, owner: KubeObject): boolean {
  return ownersOf(dependent).some((reference) => reference.uid === owner.metadata?.uid && reference.blockOwnerDeletion === true);
}

function without(list: readonly string[], value: string): readonly string[] {
  return list.filter((entry) => entry !== value);
}
