import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyPatch } from 'rfc6902';
import { podSchema, serviceSchema, deploymentSchema, nodeSchema } from '../kinds/index.ts';
import { StatusError } from '../status.ts';
import { isJsonObject, jsonMergePatch } from './json-merge-patch.ts';
import { jsonPatch } from './json-patch.ts';
import { strategicMergePatch } from './strategic-merge-patch.ts';

const json = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, tie('leaf'), tie('object'), fc.array(tie('value'), { maxLength: 3 })),
  leaf: fc.oneof(fc.integer(), fc.boolean(), fc.constantFrom('', 'x', 'y')),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor'), tie('value'), { maxKeys: 4 }),
}));
const document = json.object;

function refusedWith(httpStatus: number): (error: unknown) => boolean {
  return (error) => error instanceof StatusError && error.httpStatus === httpStatus;
}

// JSON merge patch

for (const [original, patch, want] of [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ a: 'foo' }, null, null],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
] as const)
  test(`merge patch ${JSON.stringify(patch)} makes ${JSON.stringify(original)} into ${JSON.stringify(want)}`, () => {
    assert.deepEqual(jsonMergePatch(original, patch), want);
  });

test('a merge patch made from the difference of two documents leads from one to the other, and is idempotent', () => {
  const difference = (from: unknown, to: unknown): unknown => {
    if (!isJsonObject(from) || !isJsonObject(to)) return to;
    const names = new Set([...Object.keys(from), ...Object.keys(to)]);
    return Object.fromEntries(
      [...names].map((name) => {
        if (!Object.hasOwn(to, name)) return [name, null];
        return [name, Object.hasOwn(from, name) ? difference(from[name], to[name]) : to[name]];
      }),
    );
  };
  fc.assert(
    fc.property(document, document, (from, to) => {
      const before = JSON.stringify(from);
      const patch = difference(from, to);
      const once = jsonMergePatch(from, patch);
      assert.equal(canonical(once), canonical(to));
      assert.equal(canonical(jsonMergePatch(once, patch)), canonical(once));
      assert.equal(JSON.stringify(from), before);
    }),
  );
});

// JSON patch

const patchCases: readonly (readonly [original: unknown, operations: unknown, want: unknown])[] = [
  [{}, [{ op: 'add', path: '/a', value: 1 }], { a: 1 }],
  [{ a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
  [{ a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
  [{ a: 1 }, [{ op: 'remove', path: '/a' }], {}],
  [{ a: 1 }, [{ op: 'replace', path: '', value: 7 }], 7],
  [{ a: 1 }, [{ op: 'move', from: '/a', path: '/b' }], { b: 1 }],
  [{ a: [1, 2, 3] }, [{ op: 'move', from: '/a/0', path: '/a/2' }], { a: [2, 3, 1] }],
  [{ a: { x: 1 } }, [{ op: 'copy', from: '/a', path: '/b' }], { a: { x: 1 }, b: { x: 1 } }],
  [{ a: { x: [1] } }, [{ op: 'test', path: '/a', value: { x: [1] } }], { a: { x: [1] } }],
  [
    { 'a/b': 1, 'c~d': 2 },
    [
      { op: 'replace', path: '/a~1b', value: 3 },
      { op: 'remove', path: '/c~0d' },
    ],
    { 'a/b': 3 },
  ],
  [{ labels: { constructor: 'x', y: 'z' } }, [{ op: 'remove', path: '/labels/constructor' }], { labels: { y: 'z' } }],
];
for (const [original, operations, want] of patchCases)
  test(`JSON patch ${JSON.stringify(operations)}`, () => {
    const before = JSON.stringify(original);
    assert.deepEqual(jsonPatch(original, operations), want);
    assert.equal(JSON.stringify(original), before);
  });

for (const [why, original, operations, httpStatus] of [
  ['no list', {}, {}, 400],
  ['an operation that is not one', {}, [{ op: 'patch', path: '/a' }], 400],
  ['a path that is no pointer', {}, [{ op: 'remove', path: 'a' }], 400],
  ['no value', {}, [{ op: 'add', path: '/a' }], 400],
  ['a move into itself', { a: {} }, [{ op: 'move', from: '/a', path: '/a/b' }], 400],
  ['removing what is not there', {}, [{ op: 'remove', path: '/a' }], 422],
  ['replacing what is not there', {}, [{ op: 'replace', path: '/a', value: 1 }], 422],
  ['adding below what is not there', {}, [{ op: 'add', path: '/a/b', value: 1 }], 422],
  ['a list index that is none', { a: [1] }, [{ op: 'add', path: '/a/x', value: 1 }], 422],
  ['a list index beyond the end', { a: [1] }, [{ op: 'add', path: '/a/2', value: 1 }], 422],
  ['a test that does not hold', { a: 1 }, [{ op: 'test', path: '/a', value: 2 }], 422],
  ['an inherited member', {}, [{ op: 'test', path: '/toString', value: 1 }], 422],
  ['too many operations', {}, Array.from({ length: 10_001 }, () => ({ op: 'add', path: '/a', value: 1 })), 413],
] as const)
  test(`a JSON patch with ${why} is refused with ${httpStatus}`, () => {
    assert.throws(() => jsonPatch(original, operations), refusedWith(httpStatus));
  });

test('JSON patches that apply agree with an independent implementation', () => {
  const pointer = fc
    .array(fc.constantFrom('a', 'b', '0', '1', '-'), { minLength: 1, maxLength: 3 })
    .map((tokens) => tokens.map((token) => `/${token}`).join(''));
  const operation = fc.oneof(
    fc.record({ op: fc.constantFrom('add', 'replace', 'test'), path: pointer, value: fc.constantFrom<unknown>(1, 'x', {}, [1]) }),
    fc.record({ op: fc.constant('remove'), path: pointer }),
  );
  const plain = fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom<unknown>(1, [1, 2], { a: [3] }, { b: { a: 1 } }), {
    noNullPrototype: true,
  });
  fc.assert(
    fc.property(plain, operation, (original, one) => {
      let ours: unknown;
      try {
        ours = jsonPatch(original, [one]);
      } catch (error) {
        // The other accepts list indexes that are none, and members of scalars: only what we accept is compared.
        assert.ok(error instanceof StatusError);
        return;
      }
      // Not structuredClone: it would keep two members one object where the generator made them so.
      const theirs = JSON.parse(JSON.stringify(original)) as unknown;
      assert.deepEqual(applyPatch(theirs, [one]), [null]);
      assert.deepEqual(ours, theirs);
    }),
  );
});

// Strategic merge patch

const service = (ports: readonly unknown[], rest: object = {}): object => ({ spec: { ports, ...rest } });

const strategicCases: readonly {
  readonly name: string;
  readonly schema: typeof serviceSchema | typeof podSchema | typeof deploymentSchema | typeof nodeSchema;
  readonly original: unknown;
  readonly patch: unknown;
  readonly want: unknown;
}[] = [
  {
    name: 'items of a keyed list are merged by their key',
    schema: serviceSchema,
    original: service([{ port: 80, name: 'http', nodePort: 30080 }]),
    patch: service([
      { port: 80, targetPort: 8080 },
      { port: 443, name: 'https' },
    ]),
    want: service([
      { port: 80, name: 'http', nodePort: 30080, targetPort: 8080 },
      { port: 443, name: 'https' },
    ]),
  },
  {
    name: '$patch delete removes an item',
    schema: serviceSchema,
    original: service([{ port: 80 }, { port: 443 }]),
    patch: service([{ $patch: 'delete', port: 80 }]),
    want: service([{ port: 443 }]),
  },
  {
    name: '$patch replace in a list replaces the list',
    schema: serviceSchema,
    original: service([{ port: 80 }, { port: 443 }]),
    patch: service([{ $patch: 'replace' }, { port: 8080 }]),
    want: service([{ port: 8080 }]),
  },
  {
    name: '$patch replace in a mapping replaces the mapping',
    schema: serviceSchema,
    original: { metadata: { labels: { a: '1', b: '2' } } },
    patch: { metadata: { labels: { $patch: 'replace', c: '3' } } },
    want: { metadata: { labels: { c: '3' } } },
  },
  {
    name: '$patch delete in a mapping empties it',
    schema: serviceSchema,
    original: { metadata: { labels: { a: '1' } } },
    patch: { metadata: { labels: { $patch: 'delete' } } },
    want: { metadata: { labels: {} } },
  },
  {
    name: '$patch merge is the default',
    schema: serviceSchema,
    original: { metadata: { labels: { a: '1' } } },
    patch: { metadata: { labels: { $patch: 'merge', b: '2' } } },
    want: { metadata: { labels: { a: '1', b: '2' } } },
  },
  {
    name: 'null removes a member, and nothing where there is none',
    schema: serviceSchema,
    original: { spec: { type: 'NodePort', selector: { a: 'b' } } },
    patch: { spec: { type: null, clusterIP: null, sessionAffinityConfig: { clientIP: null } } },
    want: { spec: { selector: { a: 'b' }, sessionAffinityConfig: {} } },
  },
  {
    name: 'a list without a strategy is replaced',
    schema: serviceSchema,
    original: { spec: { externalIPs: ['10.0.0.1'] } },
    patch: { spec: { externalIPs: ['10.0.0.2'] } },
    want: { spec: { externalIPs: ['10.0.0.2'] } },
  },
  {
    name: 'a merged list of scalars is a union',
    schema: serviceSchema,
    original: { metadata: { finalizers: ['a', 'b'] } },
    patch: { metadata: { finalizers: ['b', 'c'] } },
    want: { metadata: { finalizers: ['a', 'b', 'c'] } },
  },
  {
    name: '$deleteFromPrimitiveList removes scalars',
    schema: serviceSchema,
    original: { metadata: { finalizers: ['a', 'b', 'c'] } },
    patch: { metadata: { '$deleteFromPrimitiveList/finalizers': ['a', 'c'], finalizers: ['d'] } },
    want: { metadata: { finalizers: ['d', 'b'] } },
  },
  {
    name: '$setElementOrder orders named items and leaves the server its own between them',
    schema: podSchema,
    original: { spec: { containers: [{ name: 'a' }, { name: 'sidecar' }, { name: 'b' }] } },
    patch: {
      spec: {
        '$setElementOrder/containers': [{ name: 'b' }, { name: 'c' }, { name: 'a' }],
        containers: [{ name: 'c', image: 'x' }],
      },
    },
    want: { spec: { containers: [{ name: 'sidecar' }, { name: 'b' }, { name: 'c', image: 'x' }, { name: 'a' }] } },
  },
  {
    name: '$setElementOrder alone only reorders',
    schema: podSchema,
    original: { spec: { containers: [{ name: 'a' }, { name: 'b' }] } },
    patch: { spec: { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }] } },
    want: { spec: { containers: [{ name: 'b' }, { name: 'a' }] } },
  },
  {
    name: 'an item deleted and the order of the rest, as kubectl edit sends it',
    schema: podSchema,
    original: { spec: { containers: [{ name: 'a', image: '1' }, { name: 'b' }] } },
    patch: {
      spec: {
        '$setElementOrder/containers': [{ name: 'a' }],
        containers: [
          { name: 'a', image: '2' },
          { $patch: 'delete', name: 'b' },
        ],
      },
    },
    want: { spec: { containers: [{ name: 'a', image: '2' }] } },
  },
  {
    name: '$retainKeys drops the members that it does not name',
    schema: deploymentSchema,
    original: { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } },
    patch: { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
    want: { spec: { strategy: { type: 'Recreate' } } },
  },
  {
    name: 'nested keyed lists merge at every level',
    schema: deploymentSchema,
    original: { spec: { template: { spec: { containers: [{ name: 'a', env: [{ name: 'X', value: '1' }] }] } } } },
    patch: { spec: { template: { spec: { containers: [{ name: 'a', env: [{ name: 'Y', value: '2' }] }] } } } },
    want: {
      spec: {
        template: {
          spec: {
            containers: [
              {
                name: 'a',
                env: [
                  { name: 'Y', value: '2' },
                  { name: 'X', value: '1' },
                ],
              },
            ],
          },
        },
      },
    },
  },
  {
    name: 'an item that is new stands before those that the patch does not name',
    schema: serviceSchema,
    original: service([{ port: 80 }, { port: 81 }, { port: 82 }]),
    patch: service([{ port: 81, name: 'b' }, { port: 443 }]),
    want: service([{ port: 80 }, { port: 81, name: 'b' }, { port: 443 }, { port: 82 }]),
  },
  {
    name: 'conditions merge by type',
    schema: nodeSchema,
    original: { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
    patch: {
      status: {
        conditions: [
          { type: 'Ready', status: 'False' },
          { type: 'Disk', status: 'True' },
        ],
      },
    },
    want: {
      status: {
        conditions: [
          { type: 'Ready', status: 'False' },
          { type: 'Disk', status: 'True' },
        ],
      },
    },
  },
  {
    name: 'directives do not survive where the original has nothing',
    schema: podSchema,
    original: {},
    patch: {
      spec: { containers: [{ name: 'a' }, { $patch: 'delete', name: 'b' }], '$setElementOrder/containers': [{ name: 'a' }] },
    },
    want: { spec: { containers: [{ name: 'a' }] } },
  },
];
for (const { name, schema, original, patch, want } of strategicCases)
  test(`strategic merge: ${name}`, () => {
    const before = JSON.stringify(original);
    assert.deepEqual(strategicMergePatch(schema, original, patch), want);
    assert.equal(JSON.stringify(original), before);
  });

for (const [why, patch] of [
  ['an unknown directive', { spec: { $patch: 'explode' } }],
  ['an item without its key', service([{ name: 'x' }])],
  ['an order that its own items break', { spec: { '$setElementOrder/ports': [{ port: 1 }], ports: [{ port: 2 }] } }],
  ['a member outside $retainKeys', { spec: { $retainKeys: ['type'], clusterIP: 'None' } }],
  ['a list', []],
] as const)
  test(`a strategic merge patch with ${why} is refused with 400`, () => {
    assert.throws(() => strategicMergePatch(serviceSchema, service([{ port: 1 }]), patch), refusedWith(400));
  });

const port = fc.record(
  { port: fc.integer({ min: 1, max: 4 }), name: fc.constantFrom('a', 'b'), nodePort: fc.integer({ min: 1, max: 3 }) },
  { requiredKeys: ['port'] },
);
const ports = fc.uniqueArray(port, { selector: (one) => one.port, maxLength: 4 });
const labels = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'));
const object = fc.record({ metadata: fc.record({ labels }), spec: fc.record({ ports }) });

test('a strategic merge patch is idempotent, and keeps every item that it does not name', () => {
  fc.assert(
    fc.property(object, object, (original, patch) => {
      const once = strategicMergePatch(serviceSchema, original, patch) as typeof original;
      assert.deepEqual(strategicMergePatch(serviceSchema, once, patch), once);
      for (const item of original.spec.ports)
        if (!patch.spec.ports.some((other) => other.port === item.port))
          assert.ok(once.spec.ports.some((other) => other.port === item.port));
      for (const item of patch.spec.ports) {
        const found = once.spec.ports.find((other) => other.port === item.port);
        assert.deepEqual({ ...found, ...item }, found);
      }
    }),
  );
});

test('without lists a strategic merge patch is a JSON merge patch', () => {
  const flat = fc.record({ metadata: fc.record({ labels }) });
  fc.assert(
    fc.property(flat, flat, (original, patch) => {
      assert.deepEqual(strategicMergePatch(serviceSchema, original, patch), jsonMergePatch(original, patch));
    }),
  );
});

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    isJsonObject(part) ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1))) : part,
  );
}
