import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  deleteOptionsSchema,
  endpointSliceSchema,
  podSchema,
  resources,
  scaleSchema,
  secretSchema,
  serviceSchema,
  subjectAccessReviewSchema,
} from './kinds/index.ts';
import { listSchemaOf } from './kind-lookup.ts';
import { decodeProtobuf, isProtobuf } from './protobuf.ts';
import { apiVersionOf } from './resource.ts';
import type { Schema } from './schema.ts';
import { StatusError } from './status.ts';

/** Writes messages as Go's generated code does: every member that is no pointer is written, zero or not. */
class Writer {
  readonly #bytes: number[] = [];

  varint(value: bigint): this {
    let rest = BigInt.asUintN(64, value);
    while (rest > 0x7fn) {
      this.#bytes.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#bytes.push(Number(rest));
    return this;
  }

  tag(number: number, wireType: number): this {
    return this.varint(BigInt(number * 8 + wireType));
  }

  bytes(number: number, content: Uint8Array): this {
    this.tag(number, 2).varint(BigInt(content.length));
    for (const byte of content) this.#bytes.push(byte);
    return this;
  }

  text(number: number, text: string): this {
    return this.bytes(number, new TextEncoder().encode(text));
  }

  done(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

function envelope(apiVersion: string, kind: string, raw: Uint8Array): Uint8Array {
  const names = new Writer().text(1, apiVersion).text(2, kind).done();
  const unknown = new Writer().bytes(1, names).bytes(2, raw).text(3, '').text(4, '').done();
  return Uint8Array.from([0x6b, 0x38, 0x73, 0, ...unknown]);
}

function encodeMessage(schema: Schema, object: Readonly<Record<string, unknown>>): Uint8Array {
  const writer = new Writer();
  const inlined = new Map<number, Writer>();
  const fields = Object.entries(schema.fields ?? {}).toSorted(([, a], [, b]) => a.proto - b.proto);
  for (const [name, field] of fields) {
    if (field.proto === 0) continue;
    const value = object[name];
    if (field.inlinedIn !== undefined && !inlined.has(field.inlinedIn)) inlined.set(field.inlinedIn, new Writer());
    if (field.pointer && value === undefined) continue;
    const target = (field.inlinedIn === undefined ? undefined : inlined.get(field.inlinedIn)) ?? writer;
    encodeMember(target, field.proto, field.schema, value);
  }
  for (const [number, inner] of inlined) writer.bytes(number, inner.done());
  return writer.done();
}

function encodeMember(writer: Writer, number: number, schema: Schema, value: unknown): void {
  if (schema.type === 'list') {
    for (const item of (value as readonly unknown[] | undefined) ?? []) encodeValue(writer, number, schema.items, item);
  } else if (schema.type === 'map') {
    for (const [key, item] of Object.entries((value as object | undefined) ?? {})) {
      const entry = new Writer().text(1, key);
      if (schema.items?.type === 'list') {
        const wrapper = new Writer();
        encodeMember(wrapper, 1, schema.items, item);
        entry.bytes(2, wrapper.done());
      } else encodeValue(entry, 2, schema.items, item);
      writer.bytes(number, entry.done());
    }
  } else encodeValue(writer, number, schema, value);
}

function encodeValue(writer: Writer, number: number, schema: Schema | undefined, value: unknown): void {
  switch (schema?.type) {
    case 'boolean':
      writer.tag(number, 0).varint(value === true ? 1n : 0n);
      return;
    case 'int32':
    case 'int64':
      writer.tag(number, 0).varint(BigInt((value as number | undefined) ?? 0));
      return;
    case 'bytes':
      writer.bytes(
        number,
        Uint8Array.from(atob((value as string | undefined) ?? ''), (character) => character.charCodeAt(0)),
      );
      return;
    case 'object':
      writer.bytes(number, encodeMessage(schema, (value as Record<string, unknown> | undefined) ?? {}));
      return;
    case 'quantity':
      writer.bytes(number, new Writer().text(1, (value as string | undefined) ?? '0').done());
      return;
    case 'intOrString': {
      const isText = typeof value === 'string';
      const inner = new Writer().tag(1, 0).varint(isText ? 1n : 0n);
      inner.tag(2, 0).varint(BigInt(isText ? 0 : ((value as number | undefined) ?? 0)));
      writer.bytes(number, inner.text(3, isText ? value : '').done());
      return;
    }
    case 'time':
    case 'microTime': {
      const inner = new Writer();
      if (value !== undefined) {
        const milliseconds = Date.parse(value as string);
        const micros = schema.type === 'microTime' ? Number((value as string).slice(20, 26)) : 0;
        inner.tag(1, 0).varint(BigInt(Math.floor(milliseconds / 1000)));
        inner.tag(2, 0).varint(BigInt(micros * 1000));
      }
      writer.bytes(number, inner.done());
      return;
    }
    case 'fields':
    case 'raw':
      writer.bytes(number, value === undefined ? new Uint8Array() : new Writer().text(1, JSON.stringify(value)).done());
      return;
    default:
      writer.text(number, (value as string | undefined) ?? '');
  }
}

/** Values as a client may hold them. Depth is bounded: pod templates are deep. */
function arbitraryOf(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  switch (schema.type) {
    case 'boolean':
      return fc.boolean();
    case 'int32':
      return fc.integer();
    case 'int64':
      return fc.maxSafeInteger();
    case 'bytes':
      return fc.uint8Array({ maxLength: 5 }).map((bytes) => btoa(String.fromCharCode(...bytes)));
    case 'quantity':
      return fc.constantFrom('0', '500m', '1Gi', '3');
    case 'intOrString':
      return fc.oneof(fc.integer(), fc.constantFrom('80', 'http'));
    case 'time':
      return fc.constantFrom('1970-01-01T00:00:00Z', '2026-01-02T03:04:05Z', '1969-12-31T23:59:59Z');
    case 'microTime':
      return fc.constantFrom('1970-01-01T00:00:00.000000Z', '2026-01-02T03:04:05.000001Z', '1969-12-31T23:59:59.999999Z');
    case 'fields':
    case 'raw':
      return fc.constantFrom({ 'f:spec': {} }, { a: [1, 'x'] });
    case 'list':
      return depth === 0 || schema.items === undefined
        ? fc.constant([])
        : fc.array(arbitraryOf(schema.items, depth - 1), { maxLength: 2 });
    case 'map':
      return depth === 0 || schema.items === undefined
        ? fc.constant({})
        : fc.dictionary(fc.constantFrom('', 'a', '__proto__', 'é'), arbitraryOf(schema.items, depth - 1), { maxKeys: 2 });
    case 'object': {
      const model: Record<string, fc.Arbitrary<unknown>> = {};
      for (const [name, field] of Object.entries(schema.fields ?? {}))
        if (field.proto > 0 && (depth > 0 || field.schema.type === 'string')) model[name] = arbitraryOf(field.schema, depth - 1);
      return fc.record(model, { requiredKeys: [], noNullPrototype: true });
    }
    default:
      return fc.constantFrom('', 'x', 'Grüße');
  }
}

/** What Go holds: every member that is no pointer is there. Two JSON forms that mean the same are equal in it. */
function goView(schema: Schema, value: unknown): unknown {
  if (schema.type === 'list')
    return ((value as readonly unknown[] | undefined) ?? []).map((item) => goView(schema.items ?? schema, item));
  if (schema.type === 'map')
    return Object.entries((value as object | undefined) ?? {})
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, goView(schema.items ?? schema, item)]);
  if (schema.type !== 'object') return value ?? zeros[schema.type];
  const object = (value ?? {}) as Readonly<Record<string, unknown>>;
  const view: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(schema.fields ?? {})) {
    if (field.proto === 0 || (field.pointer && object[name] === undefined)) continue;
    view[name] = goView(field.schema, object[name]);
  }
  return view;
}

const zeros: Readonly<Record<string, unknown>> = {
  string: '',
  boolean: false,
  int32: 0,
  int64: 0,
  bytes: '',
  intOrString: 0,
  quantity: '0',
};

for (const resource of resources)
  test(`${resource.kind} of ${apiVersionOf(resource)} survives the protobuf wire`, () => {
    fc.assert(
      fc.property(arbitraryOf(resource.schema, 5), (object) => {
        const bytes = envelope(
          apiVersionOf(resource),
          resource.kind,
          encodeMessage(resource.schema, object as Record<string, unknown>),
        );
        const decoded = decodeProtobuf(bytes);
        assert.equal(decoded.kind, resource.kind);
        assert.deepEqual(goView(resource.schema, decoded.object), goView(resource.schema, object));
      }),
      { numRuns: 30 },
    );
  });

function decode(schema: Schema, apiVersion: string, kind: string, object: object): object {
  const {
    apiVersion: _,
    kind: __,
    ...rest
  } = decodeProtobuf(envelope(apiVersion, kind, encodeMessage(schema, object as Record<string, unknown>))).object;
  return rest;
}

for (const [name, schema, apiVersion, kind, object, want] of [
  [
    'zero values that mean unset are dropped, the port number is kept',
    serviceSchema,
    'v1',
    'Service',
    { metadata: { name: 'a' }, spec: { ports: [{ port: 0 }] } },
    { metadata: { name: 'a' }, spec: { ports: [{ port: 0 }] } },
  ],
  [
    'pointers are kept, whatever they point to',
    endpointSliceSchema,
    'discovery.k8s.io/v1',
    'EndpointSlice',
    { addressType: 'IPv4', ports: [{ name: '', port: 0 }], endpoints: [{ addresses: [], conditions: { ready: false } }] },
    { addressType: 'IPv4', ports: [{ name: '', port: 0 }], endpoints: [{ conditions: { ready: false } }] },
  ],
  [
    'embedded structs are merged into their object',
    podSchema,
    'v1',
    'Pod',
    {
      spec: {
        containers: [{ name: 'a', livenessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 3 } }],
        volumes: [{ name: 'v', configMap: { name: 'c', optional: false } }],
      },
    },
    {
      spec: {
        containers: [{ name: 'a', livenessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 3 } }],
        volumes: [{ name: 'v', configMap: { name: 'c', optional: false } }],
      },
    },
  ],
  ['bytes become base64', secretSchema, 'v1', 'Secret', { data: { a: 'aGk=', b: '' } }, { data: { a: 'aGk=', b: '' } }],
  [
    'delete options come under the version of the resource',
    deleteOptionsSchema,
    'apps/v1',
    'DeleteOptions',
    { gracePeriodSeconds: 0, propagationPolicy: 'Background' },
    { gracePeriodSeconds: 0, propagationPolicy: 'Background' },
  ],
  [
    'lists in maps are unwrapped',
    subjectAccessReviewSchema,
    'authorization.k8s.io/v1',
    'SubjectAccessReview',
    { spec: { extra: { scopes: ['a', 'b'] } } },
    { spec: { extra: { scopes: ['a', 'b'] } } },
  ],
  ['a scale', scaleSchema, 'autoscaling/v1', 'Scale', { spec: { replicas: 3 } }, { spec: { replicas: 3 } }],
] as const)
  test(`from protobuf: ${name}`, () => {
    const decoded = decode(schema, apiVersion, kind, object);
    for (const [member, value] of Object.entries(want)) assert.deepEqual(decoded[member as keyof typeof decoded], value);
  });

test('lists of objects are decoded', () => {
  const resource = resources.find(({ kind }) => kind === 'ConfigMap');
  assert.ok(resource !== undefined);
  const schema = listSchemaOf(resource);
  const decoded = decode(schema, 'v1', 'ConfigMapList', { items: [{ data: { a: 'b' } }] });
  assert.deepEqual(decoded, { items: [{ data: { a: 'b' } }] });
});

test('an empty kind is taken from the endpoint', () => {
  const bytes = envelope('', '', encodeMessage(serviceSchema, { metadata: { name: 'a' } }));
  const { apiVersion, kind } = decodeProtobuf(bytes, { apiVersion: 'v1', kind: 'Service' });
  assert.deepEqual([apiVersion, kind], ['v1', 'Service']);
});

test('fields that are not known are passed over, whatever their wire type', () => {
  const extra = new Writer().tag(99, 0).varint(5n).tag(98, 5);
  const fixed = Uint8Array.from([
    ...extra.done(),
    1,
    2,
    3,
    4,
    ...new Writer().tag(97, 3).tag(96, 0).varint(1n).tag(97, 4).done(),
  ]);
  const raw = Uint8Array.from([...fixed, ...encodeMessage(serviceSchema, { metadata: { name: 'a' } })]);
  assert.deepEqual(decodeProtobuf(envelope('v1', 'Service', raw)).object['metadata'], { name: 'a' });
});

test('packed numbers are read too', () => {
  const packed = new Writer().varint(1n).varint(2n).done();
  const context = new Writer().bytes(4, packed).done();
  const spec = new Writer().bytes(14, context).done();
  const pod = decodeProtobuf(envelope('v1', 'Pod', new Writer().bytes(2, spec).done())).object;
  assert.deepEqual(
    (pod['spec'] as { securityContext: { supplementalGroups: number[] } }).securityContext.supplementalGroups,
    [1, 2],
  );
});

for (const [name, bytes, message] of [
  ['nothing', new Uint8Array(), /must be of type Service\): empty data/],
  ['JSON', new TextEncoder().encode('{}'), /does not appear to be a protobuf message/],
  ['the magic only', Uint8Array.of(0x6b, 0x38, 0x73, 0), /empty body/],
  ['a truncated envelope', Uint8Array.of(0x6b, 0x38, 0x73, 0, 0x0a, 9), /unrecognized.*unexpected EOF/],
  ['a truncated object', envelope('v1', 'Service', Uint8Array.of(0x0a, 9)), /cannot be handled as a Service: unexpected EOF/],
  ['a wrong wire type', envelope('v1', 'Service', Uint8Array.of(0x08, 9)), /wrong wireType = 0 for field Metadata/],
  ['an unknown kind', envelope('v1', 'Gadget', new Uint8Array()), /no kind "Gadget" is registered for version "v1"/],
] as const)
  test(`a body of ${name} is refused with 400`, () => {
    assert.throws(
      () => decodeProtobuf(bytes, { apiVersion: 'v1', kind: 'Service' }),
      (error) => error instanceof StatusError && error.httpStatus === 400 && message.test(error.message),
    );
  });

test('random bytes are decoded or refused with 400, nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (raw) => {
      try {
        decodeProtobuf(envelope('v1', 'Pod', raw));
      } catch (error) {
        assert.ok(error instanceof StatusError && error.httpStatus === 400, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('protobuf is known by its first four bytes', () => {
  assert.equal(isProtobuf(envelope('v1', 'Pod', new Uint8Array())), true);
  assert.equal(isProtobuf(new TextEncoder().encode('k8s')), false);
});
