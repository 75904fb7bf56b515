/** Compares every schema with what a real API server publishes, where the reference files are at hand. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findSchema, listSchemaOf } from '../kind-lookup.ts';
import type { OpenApiObject } from '../openapi/definitions.ts';
import { openApiGroupVersions, openApiV2, openApiV3 } from '../openapi/documents.ts';
import type { Resource } from '../resource.ts';
import { apiVersionOf } from '../resource.ts';
import type { Field, Schema } from '../schema.ts';
import { tableColumns } from '../table/table.ts';
import {
  deleteOptionsSchema,
  evictionSchema,
  resources,
  scaleSchema,
  serviceSpecSchema,
  statusSchema,
  tokenRequestSchema,
} from './index.ts';

const reference = join(import.meta.dirname, '../../../../shared/reference');
const skip = existsSync(join(reference, 'schema-facts.json')) ? false : `no reference files in ${reference}`;

interface Fact {
  readonly type?: string;
  readonly format?: string;
  readonly $ref?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Fact>>;
  readonly items?: Fact;
  readonly additionalProperties?: Fact;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly gvk?: readonly (readonly string[])[];
}

interface ProtoFact {
  readonly json: string;
  readonly num: number;
  readonly type: string;
  readonly repeated?: boolean;
  readonly pointer?: boolean;
  readonly omitempty?: boolean;
  readonly omitzero?: boolean;
  readonly inline?: boolean;
}

interface ResourceFact extends Omit<Resource, 'columns'> {
  readonly columns?: 'default' | Resource['columns'];
}

function read(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(reference, name), 'utf8')) as Record<string, unknown>;
}

/** All object schemas that the resources lead to, by definition name. */
const schemas = new Map<string, Schema>();
const visit = (schema: Schema): void => {
  if (schema.items !== undefined) visit(schema.items);
  if (schema.type !== 'object' || schema.name === undefined || schemas.has(schema.name)) return;
  schemas.set(schema.name, schema);
  for (const field of Object.values(schema.fields ?? {})) visit(field.schema);
};
const roots = [deleteOptionsSchema, statusSchema, evictionSchema, scaleSchema, tokenRequestSchema];
for (const schema of [...roots, ...resources.map(({ schema }) => schema)]) visit(schema);
for (const resource of resources) if (resource.verbs.includes('list')) visit(listSchemaOf(resource));

/** Members that upstream no longer has and that we keep. */
const ours: ReadonlySet<string> = new Set(['io.k8s.api.core.v1.ServiceSpec.topologyKeys']);

test('every definition of the OpenAPI documents is as published', { skip }, () => {
  const { definitions } = read('schema-facts.json') as { definitions: Readonly<Record<string, Fact>> };
  const faults: string[] = [];
  const documents = [openApiV2()['definitions'], ...openApiGroupVersions().map((version) => componentsOf(openApiV3(version)))];
  let compared = 0;
  for (const document of documents)
    for (const [name, definition] of Object.entries(document as Readonly<Record<string, OpenApiObject>>)) {
      const fact = definitions[name];
      if (fact === undefined) faults.push(`${name} is not published`);
      else compareDefinition(name, definition, fact, document !== documents[0], faults);
      compared++;
    }
  assert.ok(compared > 300, `${compared} definitions compared`);
  assert.deepEqual(faults, []);
});

test('every member has its protobuf number and presence rule', { skip }, () => {
  const packages = read('proto-fields.json') as Readonly<Record<string, Readonly<Record<string, readonly ProtoFact[]>>>>;
  const faults: string[] = [];
  for (const [name, schema] of schemas) {
    const [message, group, file] = messageOf(name, packages);
    if (message === undefined) faults.push(`${name}: no message in ${group}`);
    else compareMessage(name, Object.entries(schema.fields ?? {}), message, file ?? {}, faults);
  }
  assert.ok(schemas.size > 200, `${schemas.size} messages compared`);
  assert.deepEqual(faults, []);
});

test('every resource has its names, verbs and columns', { skip }, () => {
  const facts = read('schema-facts.json') as {
    resources: Readonly<Record<string, ResourceFact>>;
    defaultColumns: Resource['columns'];
  };
  for (const resource of resources) {
    const fact = facts.resources[`${apiVersionOf(resource)}/${resource.plural}`];
    assert.ok(fact !== undefined, resource.plural);
    const { group, version, kind, plural, singular, shortNames = [], categories = [], namespaced, verbs } = resource;
    assert.deepEqual(
      { group, version, kind, plural, singular, shortNames, categories, namespaced, verbs: verbs.toSorted() },
      {
        group: fact.group,
        version: fact.version,
        kind: fact.kind,
        plural: fact.plural,
        singular: fact.singular,
        shortNames: fact.shortNames,
        categories: fact.categories,
        namespaced: fact.namespaced,
        verbs: fact.verbs.toSorted(),
      },
    );
    if (fact.columns !== undefined)
      assert.deepEqual(tableColumns(resource), fact.columns === 'default' ? facts.defaultColumns : fact.columns, plural);
    assert.equal(findSchema(apiVersionOf(resource), kind), resource.schema);
  }
});

test('topologyKeys is the one member that upstream does not have', () => {
  assert.equal(serviceSpecSchema.fields?.['topologyKeys']?.proto, 16);
});

function componentsOf(document: OpenApiObject | undefined): unknown {
  return (document?.['components'] as { schemas: unknown } | undefined)?.schemas;
}

function compareDefinition(name: string, definition: OpenApiObject, fact: Fact, isV3: boolean, faults: string[]): void {
  const report = (path: string, got: unknown, want: unknown): void => {
    if (JSON.stringify(got) !== JSON.stringify(want))
      faults.push(`${path}: ${JSON.stringify(got)}, published ${JSON.stringify(want)}`);
  };
  // In version 3 numbers that may be texts, and quantities, are alternatives instead of a type.
  if (definition['oneOf'] === undefined) report(`${name} type`, definition['type'], fact.type);
  report(`${name} format`, definition['format'], fact.format);
  report(`${name} map type`, definition['x-kubernetes-map-type'], (fact as OpenApiObject)['x-kubernetes-map-type']);
  report(`${name} required`, sorted(definition['required']), sorted(fact.required));
  const gvk = definition['x-kubernetes-group-version-kind'] as readonly OpenApiObject[] | undefined;
  if (fact.gvk !== undefined)
    report(
      `${name} kinds`,
      gvk?.map(({ group, version, kind }) => [group, version, kind]),
      fact.gvk,
    );
  const properties = (definition['properties'] ?? {}) as Readonly<Record<string, OpenApiObject>>;
  const names = new Set([...Object.keys(properties), ...Object.keys(fact.properties ?? {})]);
  for (const member of names) {
    const path = `${name}.${member}`;
    if (ours.has(path)) continue;
    const property = properties[member];
    const published = fact.properties?.[member];
    if (property === undefined || published === undefined) {
      faults.push(`${path}: ${property === undefined ? 'missing' : 'not published'}`);
      continue;
    }
    compareType(path, property, published, report);
    for (const key of extensions) report(`${path} ${key}`, property[key], (published as OpenApiObject)[key]);
    if (isV3) report(`${path} default`, property['default'], published.default);
  }
}

const extensions = [
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-patch-strategy',
  'x-kubernetes-patch-merge-key',
  'x-kubernetes-map-type',
];

function compareType(
  path: string,
  property: OpenApiObject,
  fact: Fact,
  report: (path: string, got: unknown, want: unknown) => void,
): void {
  const wrapped = property['allOf'] as readonly OpenApiObject[] | undefined;
  const type = wrapped?.[0] ?? property;
  report(
    `${path} reference`,
    (type['$ref'] as string | undefined)?.replace(/^#\/(definitions|components\/schemas)\//, ''),
    fact.$ref,
  );
  if (fact.$ref !== undefined) return;
  report(`${path} type`, type['type'], fact.type);
  report(`${path} format`, type['format'], fact.format);
  report(`${path} enum`, type['enum'], fact.enum);
  for (const part of ['items', 'additionalProperties'] as const) {
    const inner = type[part] as OpenApiObject | undefined;
    const published = fact[part];
    if (inner === undefined || published === undefined) report(`${path} ${part}`, inner === undefined, published === undefined);
    else compareType(`${path} ${part}`, inner, published, report);
  }
}

type Messages = Readonly<Record<string, readonly ProtoFact[]>>;

function messageOf(
  name: string,
  packages: Readonly<Record<string, Messages>>,
): readonly [readonly ProtoFact[] | undefined, string, Messages | undefined] {
  const parts = name.split('.');
  const kind = parts.at(-1) ?? '';
  const version = parts.at(-2) ?? '';
  const word = parts.at(-3) ?? '';
  const group =
    Object.keys(packages).find((key) => key === `${word}/${version}` || key.startsWith(`${word}.`)) ?? `${word}/${version}`;
  return [packages[group]?.[kind], group, packages[group]];
}

function compareMessage(
  name: string,
  fields: readonly (readonly [string, Field])[],
  message: readonly ProtoFact[],
  file: Messages,
  faults: string[],
): void {
  const facts = new Map<string, ProtoFact & { readonly inlinedIn?: number }>();
  for (const fact of message) {
    if (fact.inline !== true) facts.set(fact.json, fact);
    else for (const inner of file[fact.type] ?? []) facts.set(inner.json, { ...inner, inlinedIn: fact.num });
  }
  for (const [member, field] of fields) {
    const path = `${name}.${member}`;
    if (field.proto === 0 || ours.has(path)) continue;
    const fact = facts.get(member);
    if (fact === undefined) {
      faults.push(`${path}: not on the wire`);
      continue;
    }
    const got = { number: field.proto, inlinedIn: field.inlinedIn, pointer: field.pointer };
    const want = { number: fact.num, inlinedIn: fact.inlinedIn, pointer: fact.pointer === true };
    if (JSON.stringify(got) !== JSON.stringify(want)) faults.push(`${path}: ${JSON.stringify(got)}, is ${JSON.stringify(want)}`);
    const keepsZero = fact.omitempty !== true && fact.omitzero !== true && fact.pointer !== true;
    if (field.keepsZero !== keepsZero && !field.pointer)
      faults.push(`${path}: keeps a zero value ${field.keepsZero}, is ${keepsZero}`);
    if ((field.schema.type === 'list') !== (fact.repeated === true)) faults.push(`${path}: repeated ${fact.repeated === true}`);
    facts.delete(member);
  }
  for (const member of facts.keys()) faults.push(`${name}.${member}: missing`);
}

function sorted(names: unknown): unknown {
  return Array.isArray(names) ? (names as readonly string[]).toSorted() : names;
}
