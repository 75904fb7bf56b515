/** The moment an object really leaves the store. */
import type { ApiObject, StoredObject } from '../store/index.ts';
import type { Served } from './catalog.ts';
import type { RegistryContext } from './context.ts';
import { behaviourOf } from './context.ts';
import { metaOf } from './rules.ts';

/** Removes an object and tells its kind. Returns the last state. */
export function removeObject(context: RegistryContext, served: Served, stored: StoredObject): ApiObject {
  const last = context.store.delete(stored.key, stored.revision).object;
  behaviourOf(context, served.storage).released?.(last);
  return last;
}

/** Whether nothing keeps a deleted object any more: its finalizers are gone and its grace is over. */
export function isReadyToGo(object: ApiObject): boolean {
  const meta = metaOf(object);
  if (meta.deletionTimestamp === undefined || (meta.finalizers ?? []).length > 0) return false;
  if ((meta.deletionGracePeriodSeconds ?? 0) > 0) return false;
  const spec = object.spec as { readonly finalizers?: readonly string[] } | undefined;
  return object.kind !== 'Namespace' || (spec?.finalizers ?? []).length === 0;
}
