import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resources } from '../kinds/index.ts';
import { apiVersionOf } from '../resource.ts';
import { describeDefinition, describeField } from './descriptions.ts';
import type { OpenApiObject } from './definitions.ts';
import { WireReader } from '../protobuf-wire.ts';
import { openApiGroupVersions, openApiV2, openApiV3 } from './documents.ts';
import { openApiV2Protobuf } from './v2-protobuf.ts';

interface Operation {
  readonly parameters: readonly { readonly name: string }[];
  readonly requestBody?: { readonly content: OpenApiObject };
  readonly 'x-kubernetes-group-version-kind': { readonly group: string; readonly version: string; readonly kind: string };
}

function pathsOf(document: OpenApiObject | undefined): Readonly<Record<string, Readonly<Record<string, Operation>>>> {
  return document?.['paths'] as Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

function referencesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = (value as { readonly $ref?: unknown }).$ref;
  return [...(typeof own === 'string' ? [own] : []), ...Object.values(value).flatMap(referencesIn)];
}

for (const version of [...openApiGroupVersions(), undefined])
  test(`every reference of ${version ?? 'version 2'} leads to a definition`, () => {
    const document = version === undefined ? openApiV2() : openApiV3(version);
    const names = Object.keys(
      (version === undefined
        ? document?.['definitions']
        : (document?.['components'] as { schemas: object } | undefined)?.schemas) as object,
    );
    const prefix = version === undefined ? '#/definitions/' : '#/components/schemas/';
    const references = new Set(referencesIn(document));
    assert.ok(references.size > 10);
    for (const reference of references) assert.ok(names.includes(reference.slice(prefix.length)), reference);
  });

test('kubectl finds what it asks: a PATCH of the kind that knows fieldValidation and strategic merge', () => {
  for (const resource of resources.filter(({ verbs }) => verbs.includes('patch'))) {
    const operations = Object.values(pathsOf(openApiV3(apiVersionOf(resource)))).flatMap(({ patch }) =>
      patch === undefined ? [] : [patch],
    );
    const patch = operations.find((operation) => {
      const { group, version, kind } = operation['x-kubernetes-group-version-kind'];
      return group === resource.group && version === resource.version && kind === resource.kind;
    });
    assert.ok(patch !== undefined, resource.kind);
    assert.ok(patch.parameters.some(({ name }) => name === 'fieldValidation'));
    assert.deepEqual(Object.keys(patch.requestBody?.content ?? {}), [
      'application/json-patch+json',
      'application/merge-patch+json',
      'application/strategic-merge-patch+json',
    ]);
  }
});

test('server-side apply is advertised only where it is there', () => {
  const patch = pathsOf(openApiV3('v1', { serverSideApply: true }))['/api/v1/namespaces/{namespace}/services/{name}']?.['patch'];
  assert.ok(Object.hasOwn(patch?.requestBody?.content ?? {}, 'application/apply-patch+yaml'));
});

test('paths are those of the API', () => {
  const paths = pathsOf(openApiV3('apps/v1'));
  const root = '/apis/apps/v1';
  assert.deepEqual(Object.keys(paths[`${root}/namespaces/{namespace}/deployments`] ?? {}), [
    'get',
    'post',
    'delete',
    'parameters',
  ]);
  assert.deepEqual(Object.keys(paths[`${root}/namespaces/{namespace}/deployments/{name}`] ?? {}), [
    'get',
    'put',
    'patch',
    'delete',
    'parameters',
  ]);
  assert.deepEqual(Object.keys(paths[`${root}/deployments`] ?? {}), ['get', 'parameters']);
  const scale = paths[`${root}/namespaces/{namespace}/deployments/{name}/scale`]?.['get'];
  assert.deepEqual(scale?.['x-kubernetes-group-version-kind'], { group: 'autoscaling', version: 'v1', kind: 'Scale' });
  assert.equal(openApiV3('none/v1'), undefined);
});

test('every kind is described, and every field of Services and endpoints', () => {
  for (const { schema } of resources) assert.notEqual(describeDefinition(schema.name ?? ''), '', schema.name);
  for (const document of [openApiV3('v1'), openApiV3('discovery.k8s.io/v1')]) {
    assert.ok(document !== undefined);
    const { schemas } = document['components'] as { schemas: Readonly<Record<string, { properties?: object }>> };
    for (const [name, { properties = {} }] of Object.entries(schemas)) {
      if (!described.test(name)) continue;
      for (const member of Object.keys(properties)) assert.notEqual(describeField(name, member), '', `${name}.${member}`);
    }
  }
});

test('the protobuf form of version 2 holds every definition and every path', () => {
  const document = openApiV2();
  const fields = new Map<number, Uint8Array>();
  const reader = new WireReader(openApiV2Protobuf(document));
  while (reader.hasMore) fields.set(reader.tag().field, reader.bytes());
  assert.deepEqual(namesIn(fields.get(8), 2), Object.keys(document['paths'] as object));
  assert.deepEqual(namesIn(fields.get(9), 1), Object.keys(document['definitions'] as object));
  assert.equal(new TextDecoder().decode(fields.get(1)), '2.0');
});

/** Names of a list of (name, value) entries. */
function namesIn(message: Uint8Array | undefined, entry: number): string[] {
  const names: string[] = [];
  const reader = new WireReader(message ?? new Uint8Array());
  while (reader.hasMore) {
    assert.equal(reader.tag().field, entry);
    const inner = new WireReader(reader.bytes());
    assert.equal(inner.tag().field, 1);
    names.push(inner.text());
  }
  return names;
}

const described =
  /\.(Service|ServiceSpec|ServicePort|ServiceStatus|LoadBalancer\w+|PortStatus|SessionAffinityConfig|ClientIPConfig|EndpointSlice|Endpoint|EndpointConditions|EndpointHints|ForZone|ForNode|EndpointPort|Endpoints|EndpointSubset|EndpointAddress)$/;
