/** Who controls an object: owner references of controllers. Pure. */
import { apiVersionOf } from '../api/index.ts';
import type { OwnerReference, Resource } from '../api/index.ts';
import type { KubeObject } from '../client/index.ts';

/** The owner reference whose `controller` is true; an object has at most one. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find((reference) => reference.controller === true);
}

/** A controller reference to `owner`, which keeps the owner while it is deleted in the foreground. */
export function controllerReference(resource: Pick<Resource, 'group' | 'version' | 'kind'>, owner: KubeObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name: owner.metadata?.name ?? '',
    uid: owner.metadata?.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Whether `owner` is the controller of `object`, by uid. */
export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  const uid = owner.metadata?.uid;
  return uid !== undefined && controllerOf(object)?.uid === uid;
}

/** The uid of an object's controller as a list, for an index. */
export function controllerUids(object: KubeObject): readonly string[] {
  const uid = controllerOf(object)?.uid;
  return uid === undefined ? [] : [uid];
}
