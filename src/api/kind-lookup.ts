/** From the names on an object (`apiVersion`, `kind`) to its schema. */
import {
  bindingSchema,
  deleteOptionsSchema,
  evictionSchema,
  listMetaSchema,
  resources,
  scaleSchema,
  statusSchema,
  tokenRequestSchema,
} from './kinds/index.ts';
import type { Resource } from './resource.ts';
import { apiVersionOf } from './resource.ts';
import type { Schema } from './schema.ts';
import { field, list, object, required, string } from './schema.ts';

/** The resource that serves this plural name, if there is one. */
export function findResource(group: string, version: string, plural: string): Resource | undefined {
  return byPlural.get(`${group}/${version}/${plural}`);
}

/** The resource whose objects call themselves so. */
export function findResourceByKind(apiVersion: string, kind: string): Resource | undefined {
  return byKind.get(`${apiVersion}/${kind}`);
}

/**
 * The schema of anything that can stand in a request body: stored kinds, their lists, and kinds of subresources. Kinds of
 * the API machinery (DeleteOptions, Status) are found under every apiVersion, for clients send them under the resource's.
 */
export function findSchema(apiVersion: string, kind: string): Schema | undefined {
  return schemas.get(`${apiVersion}/${kind}`) ?? machinery.get(kind);
}

/** The schema of a list of the resource's objects. */
export function listSchemaOf(resource: Resource): Schema {
  const known = listSchemas.get(resource);
  if (known !== undefined) return known;
  const { group, version, kind } = resource;
  const definition = resource.schema.name ?? kind;
  const schema = object(
    `${definition}List`,
    {
      apiVersion: field(0, string),
      kind: field(0, string),
      metadata: field(1, listMetaSchema),
      items: required(2, list(resource.schema), 'keepsZero'),
    },
    { gvk: [[group, version, `${kind}List`]] },
  );
  listSchemas.set(resource, schema);
  return schema;
}

const listSchemas = new WeakMap<Resource, Schema>();

const byPlural = new Map(resources.map((resource) => [`${resource.group}/${resource.version}/${resource.plural}`, resource]));
const byKind = new Map(resources.map((resource) => [`${apiVersionOf(resource)}/${resource.kind}`, resource]));

const schemas = new Map<string, Schema>([
  ['v1/Binding', bindingSchema],
  ['policy/v1/Eviction', evictionSchema],
  ['autoscaling/v1/Scale', scaleSchema],
  ['authentication.k8s.io/v1/TokenRequest', tokenRequestSchema],
  ...resources.flatMap((resource): (readonly [string, Schema])[] => [
    [`${apiVersionOf(resource)}/${resource.kind}`, resource.schema],
    ...(resource.verbs.includes('list')
      ? [[`${apiVersionOf(resource)}/${resource.kind}List`, listSchemaOf(resource)] as const]
      : []),
  ]),
]);

const machinery = new Map<string, Schema>([
  ['DeleteOptions', deleteOptionsSchema],
  ['Status', statusSchema],
]);
