/** Schemas as OpenAPI definitions, in the dialect of version 2 or 3. Facts not in a schema: descriptions. */
import { listSchemaOf } from '../kind-lookup.ts';
import type { Resource } from '../resource.ts';
import type { Field, Schema } from '../schema.ts';
import { describeDefinition, describeField } from './descriptions.ts';

export type OpenApiVersion = 2 | 3;

/** A JSON object of an OpenAPI document. */
export type OpenApiObject = Readonly<Record<string, unknown>>;

const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** Name of the definition that stands for any patch body. */
export const patchDefinition = `${metaPackage}.Patch`;

/** The definition of an object schema. */
export function definitionOf(schema: Schema, version: OpenApiVersion): OpenApiObject {
  const fields = Object.entries(schema.fields ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const required = Object.entries(schema.fields ?? {}).flatMap(([name, field]) => (field.required ? [name] : []));
  const description = schema.description ?? describeDefinition(schema.name ?? '');
  return {
    ...(description === '' ? {} : { description }),
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    properties: Object.fromEntries(fields.map(([name, field]) => [name, propertyOf(schema, name, field, version)])),
    ...(schema.gvk === undefined
      ? {}
      : {
          'x-kubernetes-group-version-kind': schema.gvk.map(([group, gvkVersion, kind]) => ({
            group,
            version: gvkVersion,
            kind,
          })),
        }),
    ...(schema.mapType === undefined ? {} : { 'x-kubernetes-map-type': schema.mapType }),
  };
}

/** A reference to a definition. */
export function referenceTo(definition: string, version: OpenApiVersion): OpenApiObject {
  return { $ref: `${version === 2 ? '#/definitions/' : '#/components/schemas/'}${definition}` };
}

/** All definitions that these schemas need, themselves included, by name. */
export function definitionsFor(schemas: readonly Schema[], version: OpenApiVersion): Readonly<Record<string, OpenApiObject>> {
  const found = new Map<string, OpenApiObject>();
  const visit = (schema: Schema): void => {
    const scalar = scalarDefinitions[schema.type];
    if (scalar !== undefined) found.set(scalar.name, version === 2 ? scalar.v2 : scalar.v3);
    if (schema.items !== undefined) visit(schema.items);
    if (schema.type !== 'object' || schema.name === undefined || found.has(schema.name)) return;
    found.set(schema.name, {});
    for (const field of Object.values(schema.fields ?? {})) visit(field.schema);
    found.set(schema.name, definitionOf(schema, version));
  };
  for (const schema of schemas) visit(schema);
  found.set(patchDefinition, { description: describeDefinition(patchDefinition), type: 'object' });
  return Object.fromEntries([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** What a resource's requests and answers are made of. */
export function schemasOf(resource: Resource): Schema[] {
  return resource.verbs.includes('list') ? [resource.schema, listSchemaOf(resource)] : [resource.schema];
}

/** A member as a property. In version 3 nothing may stand beside a $ref, so it is wrapped. */
function propertyOf(owner: Schema, name: string, field: Field, version: OpenApiVersion): OpenApiObject {
  const { schema } = field;
  const description = describeField(owner.name ?? '', name);
  const value = defaultOf(field);
  const extras: OpenApiObject = {
    ...(description === '' ? {} : { description }),
    ...(value === undefined || version === 2 ? {} : { default: value }),
    ...(schema.patchStrategy === undefined ? {} : { 'x-kubernetes-patch-strategy': schema.patchStrategy }),
    ...(schema.patchMergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': schema.patchMergeKey }),
    ...(schema.listType === undefined ? {} : { 'x-kubernetes-list-type': schema.listType }),
    ...(schema.listMapKeys === undefined ? {} : { 'x-kubernetes-list-map-keys': schema.listMapKeys }),
    // of an object its definition says it; a member that merges finer than that says so itself
    ...(schema.mapType === 'granular' || (schema.type === 'map' && schema.mapType !== undefined)
      ? { 'x-kubernetes-map-type': schema.mapType }
      : {}),
  };
  const type = typeOf(schema, version);
  if (type['$ref'] === undefined) return { ...type, ...extras };
  if (Object.keys(extras).length === 0) return type;
  return version === 2 ? { ...type, ...extras } : { allOf: [type], ...extras };
}

function typeOf(schema: Schema, version: OpenApiVersion): OpenApiObject {
  const scalar = scalarDefinitions[schema.type];
  if (scalar !== undefined) return referenceTo(scalar.name, version);
  switch (schema.type) {
    case 'string':
      return schema.enum === undefined ? { type: 'string' } : { type: 'string', enum: schema.enum };
    case 'boolean':
      return { type: 'boolean' };
    case 'int32':
    case 'int64':
      return { type: 'integer', format: schema.type };
    case 'double':
      return { type: 'number', format: 'double' };
    case 'bytes':
      return { type: 'string', format: 'byte' };
    case 'list':
      return { type: 'array', items: schema.items === undefined ? {} : typeOf(schema.items, version) };
    case 'map':
      return { type: 'object', additionalProperties: schema.items === undefined ? {} : typeOf(schema.items, version) };
    case 'object':
      return schema.name === undefined ? { type: 'object' } : referenceTo(schema.name, version);
    case 'duration':
    case 'time':
    case 'microTime':
    case 'quantity':
    case 'intOrString':
    case 'fields':
    case 'raw':
      return { type: 'string' };
  }
}

/** Defaults as upstream publishes them: those of the schema, and Go's zero value where it is always written. */
function defaultOf(field: Field): unknown {
  const { schema } = field;
  if (schema.default !== undefined) return schema.default;
  if (field.pointer || field.proto === 0) return undefined;
  if (schema.type === 'object') return {};
  return field.keepsZero ? zeros[schema.type] : undefined;
}

const zeros: Readonly<Record<string, unknown>> = { string: '', boolean: false, int32: 0, int64: 0 };

interface ScalarDefinition {
  readonly name: string;
  readonly v2: OpenApiObject;
  readonly v3: OpenApiObject;
}

function scalar(name: string, v2: OpenApiObject, v3: OpenApiObject = v2): ScalarDefinition {
  const description = describeDefinition(name);
  return { name, v2: { description, ...v2 }, v3: { description, ...v3 } };
}

/** Scalars that are definitions of their own. */
const scalarDefinitions: Readonly<Record<string, ScalarDefinition | undefined>> = {
  time: scalar(`${metaPackage}.Time`, { type: 'string', format: 'date-time' }),
  microTime: scalar(`${metaPackage}.MicroTime`, { type: 'string', format: 'date-time' }),
  duration: scalar(`${metaPackage}.Duration`, { type: 'string' }),
  fields: scalar(`${metaPackage}.FieldsV1`, { type: 'object' }),
  raw: scalar('io.k8s.apimachinery.pkg.runtime.RawExtension', { type: 'object' }),
  quantity: scalar(
    'io.k8s.apimachinery.pkg.api.resource.Quantity',
    { type: 'string' },
    { oneOf: [{ type: 'string' }, { type: 'number' }] },
  ),
  intOrString: scalar(
    'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
    { type: 'string', format: 'int-or-string' },
    { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  ),
};
