/** The rules that follow from a kind's schema: form, defaults, validation. The registry meets `api/` here. */
import type { FieldError, ObjectMeta, Resource } from '../../api/index.ts';
import { invalid, normalize, setDefaults, validateCreate, validateUpdate } from '../../api/index.ts';
import type { ApiObject } from '../store/index.ts';
import type { Served } from './catalog.ts';

/** The object with its defaults, in the form in which it is kept. It must fit the schema. */
export function completed(resource: Resource, object: ApiObject): ApiObject {
  return setDefaults(resource, normalize(resource.schema, object)) as ApiObject;
}

/** Throws 422 when the object may not be created. */
export function assertCreatable(served: Served, object: ApiObject): void {
  throwFaults(served, object, validateCreate(served.storage, object));
}

/** Throws 422 when the object may not replace the stored one. */
export function assertReplaceable(served: Served, next: ApiObject, previous: ApiObject): void {
  throwFaults(served, next, validateUpdate(served.storage, next, previous));
}

/** Throws 422 when a write to an object under deletion adds a finalizer. */
export function assertNoNewFinalizers(served: Served, next: ApiObject, previous: ApiObject): void {
  if (previous.metadata?.deletionTimestamp === undefined) return;
  const before = previous.metadata.finalizers ?? [];
  const added = (next.metadata?.finalizers ?? []).filter((finalizer) => !before.includes(finalizer));
  if (added.length === 0) return;
  const list = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`;
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`;
  throwFaults(served, next, [{ type: 'FieldValueForbidden', field: 'metadata.finalizers', detail }]);
}

/** The metadata of an object, empty when it has none. */
export function metaOf(object: ApiObject): ObjectMeta {
  return object.metadata ?? {};
}

function throwFaults({ resource }: Served, object: ApiObject, faults: readonly FieldError[]): void {
  if (faults.length > 0)
    throw invalid(resource.kind, resource.group, metaOf(object).name ?? metaOf(object).generateName ?? '', faults);
}
