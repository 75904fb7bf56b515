import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPosition, parseManifest } from './parse.ts';
import { faultOf, parseYamlText } from './yaml-document.ts';

const twoDocuments = `apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  ports:
    - port: 80
      targetPort: 9376
---
# nothing here
---
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: b}
`;

test('every document becomes an object with its name, namespace and place', () => {
  const objects = parseManifest(twoDocuments, 'x.yaml');
  assert.deepEqual(
    objects.map(({ kind, name, namespace, position }) => [kind, name, namespace, formatPosition(position)]),
    [
      ['Service', 'web', undefined, 'x.yaml:1:1'],
      ['Pod', 'a', 'b', 'x.yaml:12:1'],
    ],
  );
});

test('a field is found by its path, an absent one by its nearest parent', () => {
  const [service] = parseManifest(twoDocuments, 'x.yaml');
  const table = [
    ['spec.ports[0].targetPort', 'x.yaml:8:7'],
    ['spec.ports[0].nodePort', 'x.yaml:7:7'],
    ['spec.ports', 'x.yaml:6:3'],
    ['spec.ports[3].port', 'x.yaml:6:3'],
    ['metadata.annotations[a.b/c]', 'x.yaml:3:1'],
  ] as const;
  for (const [path, want] of table)
    assert.equal(formatPosition(service?.locate(path) ?? { file: '', line: 0, column: 0 }), want, path);
});

test('a List is replaced by its items', () => {
  const objects = parseManifest(
    '{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"}}]}',
    'l.json',
  );
  assert.deepEqual(
    objects.map((object) => object.name),
    ['p'],
  );
});

test('items of a list of one kind take version and kind from it', () => {
  const objects = parseManifest('apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: a}\n- kind: Service\n', 'l.yaml');
  assert.deepEqual(
    objects.map(({ apiVersion, kind, name, value }) => [apiVersion, kind, name, value['kind']]),
    [
      ['v1', 'Pod', 'a', 'Pod'],
      ['v1', 'Service', '', 'Service'],
    ],
  );
});

test('merge keys are read as Kubernetes reads them; a byte order mark and Windows line ends do no harm', () => {
  const [object] = parseManifest(
    '\uFEFFapiVersion: v1\r\nkind: ConfigMap\r\nmetadata: {labels: &l {a: b}}\r\ndata:\r\n  <<: *l\r\n  c: d\r\n',
    'x',
  );
  assert.deepEqual(object?.value['data'], { a: 'b', c: 'd' });
});

test('a text that would fill the memory, and one too deep, are refused in a sentence', () => {
  const level = (name: string, of: string): string => `${name}: &${name} [${`*${of},`.repeat(9)}]`;
  const bomb = ['a: &a [x]', level('b', 'a'), level('c', 'b'), level('d', 'c'), level('e', 'd'), 'kind: Pod'].join('\n');
  assert.throws(() => parseManifest(bomb, 'x'), /^ManifestError: x:1:1: its aliases stand for more than 100 copies/);
  assert.throws(
    () => parseManifest(`a: ${'['.repeat(20_000)}${']'.repeat(20_000)}`, 'x'),
    /^ManifestError: x:1:\d+: it is nested too deeply/,
  );
  const marks = Array.from({ length: 1001 }, (_each, index) => index);
  const many = `a: [${marks.map((mark) => `&x${mark} v`).join(', ')}]\nb: [${marks.map((mark) => `*x${mark}`).join(', ')}]`;
  const column = many.lastIndexOf('*') - many.indexOf('\n');
  assert.throws(() => parseManifest(many, 'x'), { message: `x:2:${column}: it has more than 1000 aliases; write them out` });
});

test('a mapping of very many keys is read in a moment', () => {
  const keys = Array.from({ length: 20_000 }, (_each, index) => `  key-${index}: x`).join('\n');
  const start = process.cpuUsage();
  const [object] = parseManifest(`apiVersion: v1\nkind: ConfigMap\ndata:\n${keys}\n`, 'x');
  assert.equal(Object.keys(object?.value['data'] ?? {}).length, 20_000);
  // every key compared with every other takes more than ten seconds
  assert.ok(process.cpuUsage(start).user < 5_000_000);
});

test('what is no object is refused with its place and what to write', () => {
  const table = [
    ['kind: Pod', /^x:1:1: apiVersion is missing/],
    ['apiVersion: v1\nmetadata: {}', /^x:1:1: kind is missing/],
    ['- a', /^x:1:1: a document must be a mapping/],
    ['a: [', /^x:\d+:\d+: /],
    ['a: 1\na: 2', /^x:2:1: the key "a" stands twice in one mapping/],
    ['a: b: c', /^x:1:/],
    ['apiVersion: 1\nkind: Pod', /^x:1:1: apiVersion must be a text/],
    ['a:\n  ? [b]\n  : c', /^x:2:5: .*a key must be a text, not a list or a mapping$/],
    ['a: {{b: c}: d}', /^x:1:5: .*a key must be a text/],
    ['a: &b [c]\nd: {*b : e}', /^x:2:5: .*a key must be a text/],
    [`${'? '.repeat(60)}a`, /^x:1:\d+: .*a key must be a text/],
    ['apiVersion: v1\nkind: Pod\nspec:\n  a: *b\n', /^x:4:6: \*b stands for what is marked &b, and nothing above it is$/],
  ] as const;
  for (const [text, want] of table) assert.throws(() => parseManifest(text, 'x'), { message: want }, text);
});

test('a reader that wants one document does not read those behind the second', () => {
  const text = `a: 1\n---\nb: 2\n${'---\n'.repeat(1000)}{`;
  const { documents } = parseYamlText(text, 2);
  assert.deepEqual(documents.map(faultOf), [undefined, undefined]);
  assert.equal(parseYamlText(text).documents.length, 1002);
});
