/** Manifests -> objects in the API, with errors that say where in which file. */
import { apiVersionOf, goJson, isAlreadyExists, isJsonObject, resources, sortMembers, StatusError } from '../api/index.ts';
import type { Resource } from '../api/index.ts';
import type { KubeClient, KubeObject, WriteOptions } from '../client/index.ts';
import { formatPosition, locateRefusal, locateUnknownKind } from '../manifest/index.ts';
import type { ManifestObject, Position } from '../manifest/index.ts';
import { CodedError } from '../observe/index.ts';

/** An object that the API refused, or a kind that it does not know. */
export class ApplyError extends CodedError<{ readonly code: 'refused' | 'unknown-kind'; readonly position: Position }> {}

/**
 * Creates each object, or merges it into the one there is, in order. Stops at the first refusal with `ApplyError`, whose message
 * begins with the file, line and column of the field that was refused; what came before it stays. Answers what is stored now.
 */
export async function applyManifests(
  client: KubeClient,
  objects: readonly ManifestObject[],
  { warn = () => undefined }: ApplyOptions = {},
): Promise<readonly Applied[]> {
  const applied: Applied[] = [];
  for (const object of objects) {
    const onWarning = (text: string): void => warn(`${formatPosition(object.position)}: ${text}`);
    applied.push(await applyOne(client, object, onWarning));
  }
  return applied;
}

export interface ApplyOptions {
  /** Told of what the API remarks on an object that it takes: file, line and column of the object, then its words. */
  readonly warn?: (text: string) => void;
}

/** One object as the API answered it. */
export interface Applied {
  readonly resource: Resource<KubeObject>;
  readonly object: KubeObject;
}

async function applyOne(client: KubeClient, object: ManifestObject, onWarning: (text: string) => void): Promise<Applied> {
  const resource = resources.find((candidate) => candidate.kind === object.kind && apiVersionOf(candidate) === object.apiVersion);
  if (resource === undefined || !resource.verbs.includes('create')) {
    const { position, message } = locateUnknownKind(object);
    throw new ApplyError(`${formatPosition(position)}: ${message}`, { code: 'unknown-kind', position });
  }
  const namespace = resource.namespaced ? (object.namespace ?? 'default') : undefined;
  const typed = resource as Resource<KubeObject>;
  try {
    return { resource: typed, object: await createOrMerge(client, typed, object, { namespace, onWarning }) };
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    const { position, message } = locateRefusal(object, error);
    throw new ApplyError(`${formatPosition(position)}: ${message}`, { code: 'refused', position }, { cause: error });
  }
}

async function createOrMerge(
  client: KubeClient,
  resource: Resource<KubeObject>,
  object: ManifestObject,
  { namespace, onWarning }: Pick<WriteOptions, 'namespace' | 'onWarning'>,
): Promise<KubeObject> {
  const options = { namespace, onWarning, fieldManager: 'fairlead-up', fieldValidation: 'Strict' as const };
  const value = withLastApplied(object.value, namespace);
  try {
    return await client.create(resource, value, options);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return client.patch(resource, object.name, 'merge', value, options);
  }
}

/**
 * The annotation by which `kubectl apply` of the same file later knows what was written here, and what it may take away. Its text
 * is the one that kubectl itself would write (keys in order, as Go encodes JSON), so that an unchanged file is `unchanged`.
 */
function withLastApplied(value: ManifestObject['value'], namespace: string | undefined): Readonly<Record<string, unknown>> {
  const { metadata: written } = value;
  // the API says what is wrong with it, as long as it hears what was written
  if (!isJsonObject(written) || !isJsonObject(written['annotations'] ?? {})) return value;
  const given = written as { readonly annotations?: Readonly<Record<string, string>> };
  const metadata = namespace === undefined ? given : { ...given, namespace };
  const applied = goJson(sortMembers({ ...value, metadata: { ...metadata, annotations: { ...given.annotations } } }));
  const annotations = { ...given.annotations, 'kubectl.kubernetes.io/last-applied-configuration': `${applied}\n` };
  return { ...value, metadata: { ...metadata, annotations } };
}
