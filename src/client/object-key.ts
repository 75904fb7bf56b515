/** Keys of objects in stores and queues. Pure. */
import type { KubeObject } from './types.ts';

/** `namespace/name`, or `name` for a cluster-scoped object. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata ?? {};
  return namespace === undefined || namespace === '' ? (name ?? '') : joined(namespace, name ?? '');
}

/** Joined, not concatenated: V8 keeps a concatenation and its parts beside the text that it becomes as the key of a map. */
function joined(namespace: string, name: string): string {
  return [namespace, name].join('/');
}

/** The two halves of a key; `namespace` is undefined for a cluster-scoped object. */
export function splitKey(key: string): { readonly namespace: string | undefined; readonly name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { namespace: undefined, name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
