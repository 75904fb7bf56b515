/** The paths of a resource as OpenAPI operations. kubectl reads of them what a PATCH accepts and whether fieldValidation is known. */
import { deleteOptionsSchema, statusSchema } from '../kinds/meta.ts';
import { listSchemaOf } from '../kind-lookup.ts';
import type { Resource, Subresource } from '../resource.ts';
import { apiVersionOf } from '../resource.ts';
import type { OpenApiObject, OpenApiVersion } from './definitions.ts';
import { patchDefinition, referenceTo } from './definitions.ts';

/** What is told about the server. */
export interface PathOptions {
  /** Whether PATCH with application/apply-patch+yaml is advertised. */
  readonly serverSideApply: boolean;
}

/** Path -> verb -> operation, for everything served under the resource's plural name. */
export function pathsOf(
  resource: Resource,
  version: OpenApiVersion,
  options: PathOptions,
): Readonly<Record<string, OpenApiObject>> {
  const { verbs, plural, namespaced } = resource;
  const root = basePath(resource);
  const collection = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  const make = (verb: string, subresource?: string): OpenApiObject => operation(resource, verb, version, options, subresource);
  const paths: Record<string, OpenApiObject> = {
    [collection]: {
      ...(verbs.includes('list') ? { get: make('list') } : {}),
      ...(verbs.includes('create') ? { post: make('create') } : {}),
      ...(verbs.includes('deletecollection') ? { delete: make('deletecollection') } : {}),
      parameters: pathParameters(namespaced, false, version),
    },
  };
  if (verbs.includes('get'))
    paths[`${collection}/{name}`] = {
      get: make('get'),
      ...(verbs.includes('update') ? { put: make('update') } : {}),
      ...(verbs.includes('patch') ? { patch: make('patch') } : {}),
      ...(verbs.includes('delete') ? { delete: make('delete') } : {}),
      parameters: pathParameters(namespaced, true, version),
    };
  if (namespaced && verbs.includes('list')) paths[`${root}/${plural}`] = { get: make('list'), parameters: [] };
  for (const [name, subresource] of Object.entries(resource.subresources ?? {}))
    paths[`${collection}/{name}/${name}`] = {
      ...Object.fromEntries(subresource.verbs.flatMap((verb) => methodEntry(verb, make(verb, name)))),
      parameters: pathParameters(namespaced, true, version),
    };
  return paths;
}

/** `/api/v1` or `/apis/group/version`. */
export function basePath(resource: Pick<Resource, 'group' | 'version'>): string {
  return resource.group === '' ? `/api/${resource.version}` : `/apis/${apiVersionOf(resource)}`;
}

function methodEntry(verb: string, content: OpenApiObject): (readonly [string, OpenApiObject])[] {
  const method = methods[verb];
  return method === undefined ? [] : [[method, content]];
}

const methods: Readonly<Record<string, string>> = {
  get: 'get',
  list: 'get',
  create: 'post',
  update: 'put',
  patch: 'patch',
  delete: 'delete',
  deletecollection: 'delete',
};

function operation(
  resource: Resource,
  verb: string,
  version: OpenApiVersion,
  options: PathOptions,
  subresourceName?: string,
): OpenApiObject {
  const subresource = subresourceName === undefined ? undefined : resource.subresources?.[subresourceName];
  const kind = subresource?.kind ?? resource.kind;
  const body = bodySchema(resource, verb, subresource, version);
  const answer = answerSchema(resource, verb, subresource, version);
  const target = subresourceName === undefined ? resource.kind : `${resource.kind}${capitalize(subresourceName)}`;
  const scope = resource.namespaced ? 'Namespaced' : '';
  const gvkGroup = subresource?.group ?? resource.group;
  const gvkVersion = subresource?.version ?? resource.version;
  const content = contentTypes(verb, options);
  return {
    tags: [tagOf(resource)],
    description: describe(verb, target),
    operationId: `${operationNames[verb] ?? verb}${capitalize(tagOf(resource))}${scope}${target}`,
    ...parametersAndBody(queryParameters(verb, version), body, content, version),
    responses: {
      200: answerOf(answer, 'OK', version),
      ...(verb === 'create' || verb === 'update' ? { 201: answerOf(answer, 'Created', version) } : {}),
      ...(verb === 'create' || verb === 'delete' ? { 202: answerOf(answer, 'Accepted', version) } : {}),
    },
    'x-kubernetes-action': actions[verb] ?? verb,
    'x-kubernetes-group-version-kind': { group: gvkGroup, version: gvkVersion, kind },
    ...(version === 2 ? { consumes: content, produces: ['application/json'] } : {}),
  };
}

function parametersAndBody(
  parameters: readonly OpenApiObject[],
  body: OpenApiObject | undefined,
  content: readonly string[],
  version: OpenApiVersion,
): OpenApiObject {
  if (version === 2)
    return {
      parameters: body === undefined ? parameters : [{ name: 'body', in: 'body', required: true, schema: body }, ...parameters],
    };
  if (body === undefined) return { parameters };
  return {
    parameters,
    requestBody: { content: Object.fromEntries(content.map((type) => [type, { schema: body }])), required: true },
  };
}

function answerOf(schema: OpenApiObject, description: string, version: OpenApiVersion): OpenApiObject {
  return version === 2 ? { description, schema } : { description, content: { 'application/json': { schema } } };
}

function bodySchema(
  resource: Resource,
  verb: string,
  subresource: Subresource | undefined,
  version: OpenApiVersion,
): OpenApiObject | undefined {
  if (verb === 'patch') return referenceTo(patchDefinition, version);
  if (verb === 'delete' || verb === 'deletecollection') return referenceTo(deleteOptionsSchema.name ?? '', version);
  if (verb !== 'create' && verb !== 'update') return undefined;
  return objectSchema(resource, subresource, version);
}

function answerSchema(
  resource: Resource,
  verb: string,
  subresource: Subresource | undefined,
  version: OpenApiVersion,
): OpenApiObject {
  if (verb === 'list') return referenceTo(listSchemaOf(resource).name ?? '', version);
  if (verb === 'delete' || verb === 'deletecollection') return referenceTo(statusSchema.name ?? '', version);
  return objectSchema(resource, subresource, version);
}

/** The kind itself, a subresource's own kind where it has a definition, or text (logs, proxied answers). */
function objectSchema(resource: Resource, subresource: Subresource | undefined, version: OpenApiVersion): OpenApiObject {
  const own = resource.schema.name ?? '';
  if (subresource === undefined || subresource.kind === resource.kind) return referenceTo(own, version);
  const definition = subresourceDefinitions[subresource.kind];
  return definition === undefined ? { type: 'string' } : referenceTo(definition, version);
}

/** Definitions of the kinds that only subresources take. */
export const subresourceDefinitions: Readonly<Record<string, string>> = {
  Scale: 'io.k8s.api.autoscaling.v1.Scale',
  Binding: 'io.k8s.api.core.v1.Binding',
  Eviction: 'io.k8s.api.policy.v1.Eviction',
  TokenRequest: 'io.k8s.api.authentication.v1.TokenRequest',
};

function contentTypes(verb: string, { serverSideApply }: PathOptions): readonly string[] {
  if (verb !== 'patch') return ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
  return [
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/strategic-merge-patch+json',
    ...(serverSideApply ? ['application/apply-patch+yaml'] : []),
  ];
}

function pathParameters(namespaced: boolean, hasName: boolean, version: OpenApiVersion): OpenApiObject[] {
  const parameters: OpenApiObject[] = [];
  if (hasName) parameters.push(parameter('name', 'path', 'string', 'Name of the object.', version));
  if (namespaced) parameters.push(parameter('namespace', 'path', 'string', 'Namespace of the object.', version));
  return parameters;
}

function queryParameters(verb: string, version: OpenApiVersion): OpenApiObject[] {
  return (queryNames[verb] ?? []).map((name) => {
    const [type, description] = queryDescriptions[name] ?? ['string', ''];
    return parameter(name, 'query', type, description, version);
  });
}

function parameter(
  name: string,
  place: 'path' | 'query',
  type: string,
  description: string,
  version: OpenApiVersion,
): OpenApiObject {
  const isRequired = place === 'path' ? { required: true } : {};
  const typed = version === 2 ? { type, uniqueItems: true } : { schema: { type, uniqueItems: true } };
  return { name, in: place, description, ...isRequired, ...typed };
}

const listParameters = [
  'labelSelector',
  'fieldSelector',
  'resourceVersion',
  'resourceVersionMatch',
  'limit',
  'continue',
  'timeoutSeconds',
];

const queryNames: Readonly<Record<string, readonly string[]>> = {
  get: ['pretty'],
  list: ['pretty', ...listParameters, 'watch', 'allowWatchBookmarks', 'sendInitialEvents'],
  create: ['pretty', 'dryRun', 'fieldManager', 'fieldValidation'],
  update: ['pretty', 'dryRun', 'fieldManager', 'fieldValidation'],
  patch: ['pretty', 'dryRun', 'fieldManager', 'fieldValidation', 'force'],
  delete: ['pretty', 'dryRun', 'gracePeriodSeconds', 'propagationPolicy', 'orphanDependents'],
  deletecollection: ['pretty', ...listParameters, 'dryRun', 'gracePeriodSeconds', 'propagationPolicy', 'orphanDependents'],
};

const queryDescriptions: Readonly<Record<string, readonly [type: string, description: string]>> = {
  pretty: ['string', 'Any value but false asks for an answer with line breaks.'],
  dryRun: ['string', 'All: check and default the object as if it were stored, and store nothing.'],
  fieldManager: ['string', 'Who makes the change.'],
  fieldValidation: ['string', 'What unknown and repeated fields lead to: Ignore, Warn or Strict (an error).'],
  force: ['boolean', 'Server-side apply only: take over fields that others own.'],
  gracePeriodSeconds: ['integer', 'Seconds until a pod is killed; 0 kills at once.'],
  propagationPolicy: ['string', 'What becomes of objects that this one owns: Orphan, Background or Foreground.'],
  orphanDependents: ['boolean', 'The older form of propagationPolicy.'],
  labelSelector: ['string', 'Only objects whose labels match.'],
  fieldSelector: ['string', 'Only objects whose fields match.'],
  resourceVersion: ['string', 'State of the collection to start from.'],
  resourceVersionMatch: ['string', 'How resourceVersion is meant in a list: Exact or NotOlderThan.'],
  limit: ['integer', 'Most objects to answer in one piece.'],
  continue: ['string', 'Where the last piece of a list ended.'],
  timeoutSeconds: ['integer', 'How long a list or a watch may last.'],
  watch: ['boolean', 'Answer a stream of changes in place of a list.'],
  allowWatchBookmarks: ['boolean', 'Send the current resource version from time to time.'],
  sendInitialEvents: ['boolean', 'Start the watch with the objects there are, followed by a bookmark.'],
};

const operationNames: Readonly<Record<string, string>> = {
  get: 'read',
  update: 'replace',
  deletecollection: 'deleteCollection',
};

const actions: Readonly<Record<string, string>> = { create: 'post', update: 'put' };

function describe(verb: string, kind: string): string {
  switch (verb) {
    case 'list':
      return `List or watch objects of kind ${kind}.`;
    case 'create':
      return `Create a ${kind}.`;
    case 'update':
      return `Replace a ${kind}.`;
    case 'patch':
      return `Change parts of a ${kind}.`;
    case 'delete':
      return `Delete a ${kind}.`;
    case 'deletecollection':
      return `Delete a collection of kind ${kind}.`;
    default:
      return `Read a ${kind}.`;
  }
}

/** `core_v1`, `networking_v1`: the group's first word and the version. */
function tagOf({ group, version }: Pick<Resource, 'group' | 'version'>): string {
  const word = group === '' ? 'core' : (group.split('.')[0] ?? group);
  return `${word}_${version}`;
}

function capitalize(text: string): string {
  return text.replace(/(?:^|[_-])([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
