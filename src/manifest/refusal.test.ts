import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  assertTypes,
  badRequest,
  checkFields,
  findSchema,
  invalid,
  invalidValue,
  namespaces,
  notFound,
  StatusError,
  strictDecodingText,
} from '../api/index.ts';
import { formatPosition, parseManifest } from './parse.ts';
import type { ManifestObject } from './parse.ts';
import { locateRefusal, locateUnknownKind } from './refusal.ts';

/** What the API answers to the object. */
function answerTo({ apiVersion, kind, value }: ManifestObject): StatusError {
  const schema = findSchema(apiVersion, kind);
  assert.ok(schema !== undefined);
  try {
    assertTypes(schema, value, { kind, version: 'v1' });
    return badRequest(strictDecodingText(checkFields(schema, value)));
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    example.com/a.b: 5
spec:
  template:
    spec:
      containers:
      - name: a
      - name: b
        ports:
        - containerPort: eighty
`;

describe('an error of the API is put at its field', () => {
  const table = [
    [
      'a value deep inside',
      deployment.replace(': 5', ': "5"'),
      0,
      'x:14:11',
      /containers\[1\]\.ports\[0\]\.containerPort is a whole/,
    ],
    ['a key with dots', deployment, 0, 'x:6:5', /is a text: write it in quotes, "5"$/],
    [
      'a version that is a number, as the file spells it',
      deployment.replace(': 5', ': 1.10'),
      0,
      'x:6:5',
      /metadata\.labels\.example\.com\/a\.b is a text: write it in quotes, "1\.10"$/,
    ],
    ['a number too long to be one', deployment.replace(': 5', ': 12345678901234567890'), 0, 'x:6:5', /"12345678901234567890"$/],
    ['a truth value in capitals', deployment.replace(': 5', ': TRUE'), 0, 'x:6:5', /write it in quotes, "TRUE"$/],
    [
      'a number with an anchor',
      deployment.replace('name: web', 'name: &v 1.10').replace(': 5', ': "5"'),
      0,
      'x:4:3',
      /metadata\.name is a text: write it in quotes, "1\.10"$/,
    ],
    [
      'a number in JSON',
      '{"apiVersion": "v1", "kind": "Service",\n "metadata": {"labels": {"version": 1.50}}}',
      0,
      'x:2:26',
      /write it in quotes, "1\.50"$/,
    ],
    ['a member outside of spec', 'apiVersion: v1\nkind: ConfigMap\ndata:\n  a: b\n  n: 5\n', 0, 'x:5:3', /data\.n is a text/],
    [
      'in the third document',
      'apiVersion: v1\nkind: Pod\n---\napiVersion: v1\nkind: Pod\n---\napiVersion: v1\nkind: Pod\nspec: 5\n',
      2,
      'x:9:1',
      /spec is a mapping/,
    ],
    [
      'in an item of a list',
      'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  spec:\n    ports:\n    - port: "80"\n',
      0,
      'x:8:7',
      /write 80 without quotes/,
    ],
    ['in JSON', '{\n "apiVersion": "v1", "kind": "Service",\n "spec": {"type": 5}\n}', 0, 'x:3:11', /spec\.type is a text/],
    [
      'a field that is not known, with the one that is',
      'apiVersion: v1\nkind: Service\nspec:\n  ports:\n  - port: 80\n    targetport: 81\n',
      0,
      'x:6:5',
      /unknown field "spec\.ports\[0\]\.targetport"; did you mean targetPort\?$/,
    ],
    ['a field at the top', 'apiVersion: v1\nkind: Service\nSpec: {}\n', 0, 'x:3:1', /did you mean spec\?$/],
    [
      'a quantity',
      'apiVersion: v1\nkind: Node\nstatus:\n  capacity: {cpu: two}\n',
      0,
      'x:4:14',
      /status\.capacity\.cpu is a quantity such as/,
    ],
  ] as const;
  for (const [name, text, index, position, message] of table) {
    test(name, () => {
      const object = parseManifest(text, 'x')[index];
      assert.ok(object !== undefined);
      const refusal = locateRefusal(object, answerTo(object));
      assert.equal(formatPosition(refusal.position), position);
      assert.match(refusal.message, message);
    });
  }

  test('a field that validation names; and the object, when nothing is named', () => {
    const [object] = parseManifest('apiVersion: v1\nkind: Service\nmetadata:\n  name: A\n', 'x');
    assert.ok(object !== undefined);
    const named = invalid('Service', '', 'A', [invalidValue('metadata.name', 'A', 'no')]);
    assert.equal(formatPosition(locateRefusal(object, named).position), 'x:4:3');
    assert.equal(formatPosition(locateRefusal(object, badRequest('no')).position), 'x:1:1');
  });

  test('a namespace that is not there', () => {
    const [object] = parseManifest('apiVersion: v1\nkind: Pod\nmetadata:\n  namespace: n\n', 'x');
    assert.ok(object !== undefined);
    const { position, message } = locateRefusal(object, notFound(namespaces, 'n'));
    assert.equal(formatPosition(position), 'x:4:3');
    assert.match(message, /^namespaces "n" not found; create it first/);
  });
});

describe('a kind that nobody serves', () => {
  const table = [
    ['apiVersion: v1\nkind: Servce\n', 'x:2:1', 'no kind Servce in v1; did you mean Service (v1)?'],
    ['kind: Deployment\napiVersion: v1\n', 'x:2:1', 'no kind Deployment in v1: it is in apps/v1'],
    ['apiVersion: v1\nkind: Quux\n', 'x:2:1', 'no kind Quux in v1; see kubectl api-resources'],
  ] as const;
  for (const [text, position, message] of table) {
    test(message, () => {
      const [object] = parseManifest(text, 'x');
      assert.ok(object !== undefined);
      const refusal = locateUnknownKind(object);
      assert.deepEqual([formatPosition(refusal.position), refusal.message], [position, message]);
    });
  }
});
