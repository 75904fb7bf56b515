/** PUT and PATCH (k8s apiserver/pkg/registry/generic/registry/store.go, Update). */
import { apiVersionOf, badRequest, conflict, invalid, invalidValue, notFound, isEqualJson } from '../../api/index.ts';
import type { ApiObject, StoredObject } from '../store/index.ts';
import { storeKey } from '../store/index.ts';
import type { Served } from './catalog.ts';
import type { PreparedWrite, RegistryContext, WriteRequest } from './context.ts';
import { behaviourOf } from './context.ts';
import { createObject } from './create.ts';
import { metadataForUpdate, withMetadata } from './metadata.ts';
import { isReadyToGo, removeObject } from './remove.ts';
import { assertNoNewFinalizers, assertReplaceable, completed, metaOf } from './rules.ts';
import { strategyOf } from './strategy.ts';

/** Which part of an object a write may change; everything else stays as stored. */
export type UpdatedPart = 'main' | 'status' | 'finalize';

export interface UpdateTarget {
  readonly namespace: string;
  readonly name: string;
  readonly part: UpdatedPart;
  /** A PUT of an unknown name may create it, where the kind allows that. */
  readonly mayCreate: boolean;
}

export interface UpdateResult {
  readonly object: ApiObject;
  readonly isNew: boolean;
}

/**
 * Changes an object. `change` gets the stored object and returns the whole next one (stored form, fitting the schema);
 * when there is none and the target may be created, it is called with undefined. Throws 400, 404, 409, 422.
 */
export function updateObject(
  context: RegistryContext,
  served: Served,
  target: UpdateTarget,
  change: (current: ApiObject | undefined) => ApiObject,
  request: WriteRequest,
): UpdateResult {
  const { storage, resource } = served;
  const { namespace, name, part } = target;
  const strategy = strategyOf(storage);
  const stored = context.store.get(storeKey(storage.group, storage.plural, namespace, name));
  if (stored === undefined) {
    if (!target.mayCreate || !strategy.createsOnUpdate) throw notFound(resource, name);
    const object = change(undefined);
    assertSameName(target, object);
    if (metaOf(object).uid !== undefined) throw conflict(resource, name, uidText(metaOf(object).uid, ''));
    return { object: createObject(context, served, namespace, object, request), isNew: true };
  }
  const sent = change(stored.object);
  assertSameName(target, sent);
  assertPreconditions(served, target, sent, stored);
  const next = completed(storage, {
    ...keptApart(served, part, sent, stored.object),
    apiVersion: apiVersionOf(storage),
    kind: storage.kind,
    metadata: metadataForUpdate(metaOf(sent), metaOf(stored.object)),
  });
  assertNoNewFinalizers(served, next, stored.object);
  const prepared = begin(context, served, part, next, stored.object, request);
  // Status says how far a generation came, it does not make one; annotations may come with it.
  const object = part === 'status' ? prepared.object : withGeneration(strategy.generation, prepared.object, stored.object);
  const isSame = isEqualJson(object, stored.object);
  if (isSame || request.isDryRun) {
    prepared.rollback();
    return { object: isSame ? stored.object : object, isNew: false };
  }
  let written: StoredObject;
  try {
    written = context.store.update(stored.key, object, stored.revision);
  } catch (error) {
    prepared.rollback();
    throw error;
  }
  prepared.commit();
  if (isReadyToGo(object)) removeObject(context, served, written);
  return { object: written.object, isNew: false };
}

function begin(
  context: RegistryContext,
  served: Served,
  part: UpdatedPart,
  next: ApiObject,
  previous: ApiObject,
  request: WriteRequest,
): PreparedWrite {
  const behaviour = behaviourOf(context, served.storage);
  if (part === 'main' && behaviour.beginUpdate !== undefined) return behaviour.beginUpdate(next, previous, request);
  const object = part === 'status' ? (behaviour.beginStatusUpdate?.(next, previous) ?? next) : next;
  assertReplaceable(served, object, previous);
  return { object, commit: () => undefined, rollback: () => undefined };
}

/** The parts that this write may not touch, as they were stored. */
function keptApart({ storage }: Served, part: UpdatedPart, sent: ApiObject, previous: ApiObject): ApiObject {
  if (part === 'finalize') {
    const { finalizers } = (sent.spec ?? {}) as { readonly finalizers?: readonly string[] };
    return { ...previous, spec: { ...(previous.spec as object | undefined), finalizers } };
  }
  if (part === 'status') {
    const { status: _status, metadata: _metadata, ...rest } = previous;
    return sent.status === undefined ? rest : { ...rest, status: sent.status };
  }
  if (storage.subresources?.['status'] === undefined) return sent;
  const { status: _status, ...rest } = sent;
  // What keeps a namespace is changed through its own subresource.
  if (previous.kind === 'Namespace') return { ...rest, spec: previous.spec, status: previous.status };
  return previous.status === undefined ? rest : { ...rest, status: previous.status };
}

function withGeneration(
  mode: 'none' | 'spec' | 'specAndAnnotations' | 'content',
  next: ApiObject,
  previous: ApiObject,
): ApiObject {
  if (mode === 'none') return next;
  const { metadata: nextMeta, status: _a, ...nextContent } = next;
  const { metadata: previousMeta, status: _b, ...previousContent } = previous;
  const isChanged =
    mode === 'content'
      ? !isEqualJson(nextContent, previousContent) || !isEqualJson(nextMeta?.labels, previousMeta?.labels)
      : !isEqualJson(next.spec, previous.spec) ||
        (mode === 'specAndAnnotations' && !isEqualJson(nextMeta?.annotations, previousMeta?.annotations));
  return isChanged ? withMetadata(next, { generation: (previousMeta?.generation ?? 0) + 1 }) : next;
}

function assertSameName({ namespace, name }: UpdateTarget, object: ApiObject): void {
  const meta = metaOf(object);
  if (meta.name !== undefined && meta.name !== name) {
    throw badRequest(`the name of the object (${meta.name}) does not match the name on the URL (${name})`);
  }
  if (meta.namespace !== undefined && meta.namespace !== namespace) {
    throw badRequest(`the namespace of the object (${meta.namespace}) does not match the namespace on the URL (${namespace})`);
  }
}

function assertPreconditions(served: Served, { name }: UpdateTarget, sent: ApiObject, stored: StoredObject): void {
  const { resource, storage } = served;
  const meta = metaOf(sent);
  if (meta.uid !== undefined && meta.uid !== metaOf(stored.object).uid) {
    throw conflict(resource, name, uidText(meta.uid, metaOf(stored.object).uid));
  }
  if (meta.resourceVersion === undefined || meta.resourceVersion === '') {
    if (!strategyOf(storage).needsResourceVersion) return;
    throw invalid(resource.kind, resource.group, name, [
      invalidValue('metadata.resourceVersion', '', 'must be specified for an update'),
    ]);
  }
  if (meta.resourceVersion !== String(stored.revision)) throw conflict(resource, name);
}

function uidText(asked: string | undefined, found: string | undefined): string {
  return `Precondition failed: UID in precondition: ${asked ?? ''}, UID in object meta: ${found ?? ''}`;
}
