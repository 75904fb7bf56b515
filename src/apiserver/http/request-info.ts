/**
 * What a request asks for, read from its path by rule (k8s apiserver/pkg/endpoints/request RequestInfo): paths are never
 * matched against a table of routes, and names may hold dots, colons and percent-encoded characters.
 */

/** A path below `/api/VERSION` or `/apis/GROUP/VERSION` that names a resource. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** Empty: cluster-scoped, or a collection over all namespaces. */
  readonly namespace: string;
  /** Empty: the collection. */
  readonly name: string;
  readonly subresource: string;
  /** What follows the subresource, without the leading slash; undefined when there is no slash after it. */
  readonly rest: string | undefined;
  /** The legacy `/watch/` prefix was there. */
  readonly isWatchPath: boolean;
}

/** The parts of a resource path, or undefined for any other path (discovery, health, OpenAPI, nonsense). */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const segments = path.split('/').slice(1).map(decodeSegment);
  let group = '';
  let version: string | undefined;
  let rest: string[];
  if (segments[0] === 'api') {
    version = segments[1];
    rest = segments.slice(2);
  } else if (segments[0] === 'apis') {
    group = segments[1] ?? '';
    version = segments[2];
    rest = segments.slice(3);
    if (group === '') return undefined;
  } else return undefined;
  if (version === undefined || version === '') return undefined;
  const isWatchPath = rest[0] === 'watch';
  if (isWatchPath) rest = rest.slice(1);

  let namespace = '';
  if (rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== '' && !namespaceSubresources.has(rest[2] ?? '')) {
    namespace = rest[1] ?? '';
    rest = rest.slice(2);
    if (namespace === '') return undefined;
  }
  const [plural, name = '', subresource = ''] = rest;
  if (plural === undefined || plural === '') return undefined;
  // A trailing slash is tolerated up to the name, as upstream does; after a subresource it belongs to the proxied path.
  return {
    group,
    version,
    plural,
    namespace,
    name,
    subresource,
    rest: rest.length > 3 ? rawTail(path, rest.length - 3) : undefined,
    isWatchPath,
  };
}

/** Subresources of a namespace itself; anything else below `namespaces/NAME/` is a resource in that namespace. */
const namespaceSubresources: ReadonlySet<string> = new Set(['status', 'finalize']);

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // Not percent-encoding: taken literally, and then not found.
    return segment;
  }
}

/** The last `count` segments as they were sent: a proxied path keeps its own encoding. */
function rawTail(path: string, count: number): string {
  return path.split('/').slice(-count).join('/');
}
