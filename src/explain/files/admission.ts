/**
 * Manifests as the API would take them: of the right types, with defaults, valid; or refused, in upstream's words. Pure.
 * Allocation follows in services.ts, since it needs all Services at once.
 */
import {
  apiVersionOf,
  assertTypes,
  badRequest,
  checkFields,
  findResourceByKind,
  findSchema,
  invalid,
  normalize,
  resources,
  setDefaults,
  setServiceDefaults,
  StatusError,
  strictDecodingText,
  validateCreate,
} from '../../api/index.ts';
import type { Resource, Service } from '../../api/index.ts';
import { formatPosition, locateRefusal, locateUnknownKind } from '../../manifest/index.ts';
import type { ManifestObject, Refusal } from '../../manifest/index.ts';
import type { RefusedObject } from '../world.ts';

/** An object that has passed, with the manifest that it came from. */
export interface AdmittedObject {
  readonly kind: string;
  readonly value: unknown;
  readonly manifest: ManifestObject;
}

/** The kinds that Services and names depend on; all others are passed over. */
const relevantKinds: ReadonlySet<string> = new Set([
  'DaemonSet',
  'Deployment',
  'Endpoints',
  'EndpointSlice',
  'Namespace',
  'Node',
  'Pod',
  'ReplicaSet',
  'ReplicationController',
  'Service',
  'StatefulSet',
]);

/** Sorts objects into those that the API takes and those that it refuses. Of two with one name the later one counts, as with `kubectl apply`. */
export function admit(objects: readonly ManifestObject[]): {
  readonly admitted: readonly AdmittedObject[];
  readonly refused: readonly RefusedObject[];
} {
  const admitted = new Map<string, AdmittedObject>();
  const refused: RefusedObject[] = [];
  for (const manifest of objects) {
    if (isMistyped(manifest)) refused.push(refusedAt(manifest, locateUnknownKind(manifest)));
    if (!relevantKinds.has(manifest.kind)) continue;
    try {
      const value = admitOne(manifest);
      admitted.set(`${manifest.kind} ${manifest.namespace ?? 'default'}/${manifest.name}`, {
        kind: manifest.kind,
        value,
        manifest,
      });
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      refused.push(refusal(manifest, error));
    }
  }
  return { admitted: [...admitted.values()], refused };
}

/** A kind that nobody has, of an API that is served: of others nobody here can know. */
function isMistyped({ apiVersion, kind }: ManifestObject): boolean {
  return findSchema(apiVersion, kind) === undefined && !relevantKinds.has(kind) && servedVersions.has(apiVersion);
}

const servedVersions: ReadonlySet<string> = new Set(resources.map(apiVersionOf));

/** What to say of an object that the API refuses, at the field at fault. */
export function refusal(manifest: ManifestObject, error: StatusError): RefusedObject {
  return refusedAt(manifest, locateRefusal(manifest, error));
}

function refusedAt(manifest: ManifestObject, { position, message }: Refusal): RefusedObject {
  return {
    kind: manifest.kind,
    namespace: manifest.namespace ?? 'default',
    name: manifest.name,
    position: formatPosition(position),
    message,
    value: manifest.value,
  };
}

/** The object with its defaults. Throws `StatusError` as the API would; allocated members are not looked at. */
function admitOne(manifest: ManifestObject): unknown {
  const { apiVersion, kind } = manifest;
  const found = findResourceByKind(apiVersion, kind);
  // kubectl's words: it looks the kind up before it sends anything
  if (found === undefined) throw badRequest(`no matches for kind "${kind}" in version "${apiVersion}"`);
  const { schema, version } = found;
  assertTypes(schema, manifest.value, { kind, version });
  const unknown = checkFields(schema, manifest.value);
  if (unknown.length > 0)
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${strictDecodingText(unknown)}`);
  const complete = withDefaults(found, normalize(schema, withNamespace(found, manifest)));
  const faults = validateCreate(found, complete);
  if (faults.length > 0) throw invalid(found.kind, found.group, manifest.name, faults);
  return complete;
}

function withDefaults(resource: Resource, object: unknown): unknown {
  return apiVersionOf(resource) === 'v1' && resource.kind === 'Service'
    ? setServiceDefaults(object as Service)
    : setDefaults(resource, object);
}

function withNamespace(resource: Resource, { value, namespace }: ManifestObject): unknown {
  const metadata = typeof value['metadata'] === 'object' ? value['metadata'] : {};
  return resource.namespaced ? { ...value, metadata: { ...metadata, namespace: namespace ?? 'default' } } : value;
}
