/** Where a resource lives in the URL space of the API. Pure. */
import type { Resource } from '../api/index.ts';

/** Query parameters; undefined and false are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Path of a collection (no `name`), of an object, or of a subresource of it, e.g. /api/v1/namespaces/ns/pods/x/status. */
export function resourcePath(
  resource: Pick<Resource, 'group' | 'version' | 'plural' | 'namespaced'>,
  place: {
    readonly namespace?: string | undefined;
    readonly name?: string | undefined;
    readonly subresource?: string | undefined;
  },
): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const parts = [root];
  if (resource.namespaced && place.namespace !== undefined && place.namespace !== '')
    parts.push('namespaces', encodeURIComponent(place.namespace));
  parts.push(resource.plural);
  if (place.name !== undefined) parts.push(encodeURIComponent(place.name));
  if (place.subresource !== undefined) parts.push(place.subresource);
  return parts.join('/');
}

/** `path?query`, or the path alone when no parameter is set. */
export function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== false && value !== '') parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? path : `${path}?${text}`;
}
