/**
 * DELETE: preconditions, grace, finalizers and what is to become of dependents (k8s apiserver/pkg/registry/rest/delete.go and
 * generic/registry/store.go). Deleting dependents is a controller's work; here its finalizers are set.
 */
import type { DeleteOptions, StatusDetails } from '../../api/index.ts';
import { badRequest, conflict, invalid, notSupported, successStatus, formatTime } from '../../api/index.ts';
import type { ApiObject, StoredObject } from '../store/index.ts';
import type { Served } from './catalog.ts';
import type { RegistryContext } from './context.ts';
import { behaviourOf } from './context.ts';
import { withMetadata } from './metadata.ts';
import { readObject } from './read.ts';
import { isReadyToGo, removeObject } from './remove.ts';
import { metaOf } from './rules.ts';
import { strategyOf } from './strategy.ts';

/** What a DELETE answers. */
export interface DeleteResult {
  /** The object (stored form) or a Status. */
  readonly body: ApiObject;
  readonly isObject: boolean;
  /** False while finalizers or grace keep it. */
  readonly isGone: boolean;
}

const foregroundFinalizer = 'foregroundDeletion';
const orphanFinalizer = 'orphan';

/** Deletes an object or starts its deletion. Throws 404, 409 for failed preconditions, 422 for contradictory options. */
export function deleteObject(
  context: RegistryContext,
  served: Served,
  namespace: string,
  name: string,
  options: DeleteOptions,
  isDryRun: boolean,
): DeleteResult {
  assertOptions(options);
  const stored = readObject(context, served, namespace, name);
  assertPreconditions(served, name, options, stored);
  behaviourOf(context, served.storage).assertDeletable?.(stored.object);
  const marked = markDeleted(context, served, stored.object, options);
  if (marked === undefined) return { body: stored.object, isObject: true, isGone: false };
  const isGone = isReadyToGo(marked);
  if (isDryRun) return answer(served, marked, isGone);
  if (isGone) {
    const last = removeObject(context, served, stored);
    // The answer shows the deletion; the event carries the last stored state.
    return answer(served, { ...marked, metadata: { ...marked.metadata, resourceVersion: metaOf(last).resourceVersion } }, true);
  }
  return answer(served, context.store.update(stored.key, marked, stored.revision).object, false);
}

/** The object as deletion leaves it; undefined when an earlier deletion already did as much. */
function markDeleted(context: RegistryContext, served: Served, object: ApiObject, options: DeleteOptions): ApiObject | undefined {
  const meta = metaOf(object);
  const grace = gracePeriodSeconds(served, object, options);
  const isUnderWay = meta.deletionTimestamp !== undefined;
  if (isUnderWay) {
    // A later deletion can only shorten the grace.
    const left = meta.deletionGracePeriodSeconds ?? 0;
    if (left > 0 && grace >= left) return undefined;
    if (left === 0 && !isReadyToGo(object) && finalizersFor(served, object, options) === meta.finalizers) return undefined;
  }
  const now = context.now();
  const isShortened = isUnderWay && (meta.deletionGracePeriodSeconds ?? 0) > grace;
  const marked = withMetadata(object, {
    deletionTimestamp: isUnderWay && !isShortened ? meta.deletionTimestamp : timestampAfter(now, grace),
    deletionGracePeriodSeconds: grace,
    finalizers: finalizersFor(served, object, options),
    ...(meta.generation === undefined || isUnderWay ? {} : { generation: meta.generation + 1 }),
  });
  return object.kind === 'Namespace'
    ? { ...marked, status: { ...(object.status as object | undefined), phase: 'Terminating' } }
    : marked;
}

/** RFC 3339 has four digits for the year, a grace may have eighteen. */
const lastTimestampMs = Date.UTC(9999, 11, 31, 23, 59, 59);

function timestampAfter(now: Date, seconds: number): string {
  return formatTime(new Date(Math.min(now.getTime() + seconds * 1000, lastTimestampMs)));
}

/** Seconds until the object may go: only pods that run somewhere are given any. */
function gracePeriodSeconds({ storage }: Served, object: ApiObject, { gracePeriodSeconds: asked }: DeleteOptions): number {
  if (storage.group !== '' || storage.plural !== 'pods') return 0;
  const spec = object.spec as { readonly nodeName?: string; readonly terminationGracePeriodSeconds?: number } | undefined;
  const phase = (object.status as { readonly phase?: string } | undefined)?.phase;
  if (spec?.nodeName === undefined || phase === 'Succeeded' || phase === 'Failed') return 0;
  const seconds = asked ?? spec.terminationGracePeriodSeconds ?? 30;
  return seconds < 0 ? 1 : seconds;
}

/** The finalizers after the caller's choice of propagation; the same list when nothing changes. */
function finalizersFor({ storage }: Served, object: ApiObject, options: DeleteOptions): readonly string[] | undefined {
  const current = metaOf(object).finalizers;
  const policy = policyOf(options);
  const wanted = policy ?? policyFromFinalizers(current) ?? strategyOf(storage).defaultPropagation;
  const kept = (current ?? []).filter((finalizer) => finalizer !== foregroundFinalizer && finalizer !== orphanFinalizer);
  if (wanted === 'Foreground') kept.push(foregroundFinalizer);
  if (wanted === 'Orphan') kept.push(orphanFinalizer);
  const isSame = kept.length === (current ?? []).length && kept.every((finalizer) => (current ?? []).includes(finalizer));
  if (isSame) return current;
  return kept.length === 0 ? undefined : kept;
}

function policyOf({ orphanDependents, propagationPolicy }: DeleteOptions): string | undefined {
  if (orphanDependents !== undefined) return orphanDependents ? 'Orphan' : 'Background';
  return propagationPolicy;
}

function policyFromFinalizers(finalizers: readonly string[] | undefined): string | undefined {
  if (finalizers?.includes(orphanFinalizer) === true) return 'Orphan';
  return finalizers?.includes(foregroundFinalizer) === true ? 'Foreground' : undefined;
}

function assertOptions({ orphanDependents, propagationPolicy, gracePeriodSeconds }: DeleteOptions): void {
  if (orphanDependents !== undefined && propagationPolicy !== undefined) {
    throw invalid('DeleteOptions', '', '', [
      {
        type: 'FieldValueInvalid',
        field: 'propagationPolicy',
        badValue: propagationPolicy,
        detail: 'orphanDependents and deletionPropagation cannot be both set',
      },
    ]);
  }
  if (propagationPolicy !== undefined && !['Foreground', 'Background', 'Orphan'].includes(propagationPolicy)) {
    throw invalid('DeleteOptions', '', '', [
      notSupported('propagationPolicy', propagationPolicy, ['Foreground', 'Background', 'Orphan', 'nil']),
    ]);
  }
  if (gracePeriodSeconds !== undefined && !Number.isInteger(gracePeriodSeconds))
    throw badRequest('gracePeriodSeconds must be an integer');
}

function assertPreconditions({ resource }: Served, name: string, { preconditions }: DeleteOptions, stored: StoredObject): void {
  const uid = metaOf(stored.object).uid ?? '';
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    throw conflict(resource, name, `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`);
  }
  const version = preconditions?.resourceVersion;
  if (version !== undefined && version !== String(stored.revision)) {
    throw conflict(
      resource,
      name,
      `Precondition failed: ResourceVersion in precondition: ${version}, ResourceVersion in object meta: ${stored.revision}`,
    );
  }
}

function answer({ resource, storage }: Served, object: ApiObject, isGone: boolean): DeleteResult {
  if (!isGone || strategyOf(storage).returnsDeleted) return { body: object, isObject: true, isGone };
  const { name, uid } = metaOf(object);
  const details: StatusDetails = {
    name,
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.plural,
    uid,
  };
  return { body: successStatus(details), isObject: false, isGone };
}
