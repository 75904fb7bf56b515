/** POST of a new object (k8s apiserver/pkg/registry/generic/registry/store.go, Create). */
import { randomUUID } from 'node:crypto';
import type { Resource } from '../../api/index.ts';
import { alreadyExists, apiVersionOf, badRequest, forbidden, generateNameConflict, notFound } from '../../api/index.ts';
import type { ApiObject, StoredObject } from '../store/index.ts';
import { storeKey } from '../store/index.ts';
import type { Served } from './catalog.ts';
import type { PreparedWrite, RegistryContext, WriteRequest } from './context.ts';
import { behaviourOf } from './context.ts';
import { generateName, metadataForCreate } from './metadata.ts';
import { assertCreatable, completed, metaOf } from './rules.ts';
import { strategyOf } from './strategy.ts';

/** How often a taken generated name is replaced by another (k8s: 8 since 1.30). */
const generateNameAttempts = 8;

/**
 * Creates an object (in its stored form) in a namespace, empty for cluster-scoped kinds. Returns it as stored, or as it
 * would be on a dry run. Throws 400, 403, 404, 409, 422, and what the kind's behaviour throws.
 */
export function createObject(
  context: RegistryContext,
  served: Served,
  namespace: string,
  object: ApiObject,
  request: WriteRequest,
): ApiObject {
  const { storage } = served;
  const meta = metaOf(object);
  if (meta.namespace !== undefined && meta.namespace !== namespace) {
    throw badRequest(
      namespace === '' && !storage.namespaced
        ? 'namespace is not allowed on this type'
        : `the namespace of the provided object does not match the namespace sent on the request`,
    );
  }
  if (storage.namespaced) assertNamespaceAcceptsContent(context, served, namespace, meta.name ?? '');
  const name = meta.name ?? freeName(context, served, namespace, meta.generateName);
  const key = storeKey(storage.group, storage.plural, namespace, name);
  const strategy = strategyOf(storage);
  const initial = completed(storage, {
    ...withoutStatus(served, object, strategy.keepsStatusOnCreate),
    apiVersion: apiVersionOf(storage),
    kind: storage.kind,
    metadata: metadataForCreate(meta, {
      namespace,
      name,
      now: context.now(),
      uid: randomUUID(),
      hasGeneration: strategy.generation !== 'none',
    }),
  });
  // Before anything is allocated: a taken name must not cost, or be hidden behind, an address.
  if (context.store.get(key) !== undefined) throw alreadyExists(served.resource, name);
  const behaviour = behaviourOf(context, storage);
  const prepared = behaviour.beginCreate?.(initial, request) ?? plainCreate(served, initial);
  if (strategy.isMerelyStored) request.warn(merelyStoredText(storage));
  if (request.isDryRun) {
    prepared.rollback();
    return prepared.object;
  }
  let stored: StoredObject;
  try {
    stored = context.store.create(key, inKindOrder(prepared.object));
  } catch (error) {
    prepared.rollback();
    throw error;
  }
  prepared.commit();
  behaviour.created?.(stored.object);
  return stored.object;
}

/** Throws when a namespace is not there (404) or is being deleted (403): nothing may be created in it. */
export function assertNamespaceAcceptsContent(
  context: RegistryContext,
  { resource }: Served,
  namespace: string,
  name: string,
): void {
  if (namespace === '') throw badRequest('an empty namespace may not be set during creation');
  const stored = context.store.get(storeKey('', 'namespaces', '', namespace));
  if (stored === undefined) throw notFound({ group: '', plural: 'namespaces' }, namespace);
  if (stored.object.metadata?.deletionTimestamp === undefined) return;
  throw forbidden(resource, name, `unable to create new content in namespace ${namespace} because it is being terminated`, [
    { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' },
  ]);
}

function plainCreate(served: Served, object: ApiObject): PreparedWrite {
  assertCreatable(served, object);
  return { object, commit: () => undefined, rollback: () => undefined };
}

function freeName(
  context: RegistryContext,
  { resource, storage }: Served,
  namespace: string,
  prefix: string | undefined,
): string {
  // Without both the name stays empty, and validation says so.
  if (prefix === undefined) return '';
  let name = '';
  for (let attempt = 0; attempt < generateNameAttempts; attempt += 1) {
    name = generateName(prefix, Math.random);
    if (context.store.get(storeKey(storage.group, storage.plural, namespace, name)) === undefined) return name;
  }
  throw generateNameConflict(resource, name);
}

function withoutStatus({ storage }: Served, object: ApiObject, isKept: boolean): ApiObject {
  if (isKept || storage.subresources?.['status'] === undefined) return object;
  const { status: _status, ...rest } = object;
  return rest;
}

function merelyStoredText({ kind }: Resource): string {
  return `${kind} is stored, but nothing in Fairlead acts on it`;
}

/** apiVersion, kind and metadata first, as everybody expects to read them. */
function inKindOrder({ apiVersion, kind, metadata, ...rest }: ApiObject): ApiObject {
  return { apiVersion, kind, metadata, ...rest };
}
