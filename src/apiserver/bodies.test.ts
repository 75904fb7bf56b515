import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TestServer } from './test-server.ts';
import { startTestServer } from './test-server.ts';

let api: TestServer;
before(async () => {
  api = await startTestServer();
});
after(() => api.close());

const maps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, data: Readonly<Record<string, string>> = {}) => ({ metadata: { name }, data });

describe('bodies', () => {
  const send = (contentType: string, body: string | Uint8Array, query = '') =>
    api.call('POST', `${maps}${query}`, { body, headers: { 'content-type': contentType } });

  test('may be YAML', async () => {
    const { code, body } = await send('application/yaml', 'metadata:\n  name: yaml\ndata:\n  on: "1"\n');
    assert.equal(code, 201);
    assert.deepEqual(body['data'], { on: '1' });
  });

  test('may be protobuf', async () => {
    // k8s\0, Unknown{typeMeta{v1, ConfigMap}, raw: ConfigMap{metadata{name: "proto"}, data{a: "b"}}}
    const raw = Buffer.concat([
      message(1, message(1, Buffer.from('proto'))),
      message(2, Buffer.concat([message(1, Buffer.from('a')), message(2, Buffer.from('b'))])),
    ]);
    const typeMeta = Buffer.concat([message(1, Buffer.from('v1')), message(2, Buffer.from('ConfigMap'))]);
    const bytes = Buffer.concat([Buffer.from('k8s\0'), message(1, typeMeta), message(2, raw)]);
    const { code, body } = await send('application/vnd.kubernetes.protobuf', bytes);
    assert.equal(code, 201);
    assert.deepEqual(body['data'], { a: 'b' });
  });

  const faults: readonly {
    readonly name: string;
    readonly type: string;
    readonly body: string;
    readonly code: number;
    readonly text: RegExp;
  }[] = [
    { name: 'broken JSON', type: 'application/json', body: '{"metadata":', code: 400, text: /JSON/ },
    { name: 'broken YAML', type: 'application/yaml', body: 'a: [1', code: 400, text: /error converting YAML to JSON.*line 1/s },
    {
      name: 'YAML that would fill the memory',
      type: 'application/yaml',
      body: `a: &a [x]\nb: &b [${'*a,'.repeat(20)}]\nc: &c [${'*b,'.repeat(20)}]\nd: [${'*c,'.repeat(20)}]\n`,
      code: 400,
      text: /error converting YAML to JSON: yaml: its aliases/,
    },
    {
      name: 'YAML with keys in keys, whose text doubles with each',
      type: 'application/yaml',
      body: `${'? '.repeat(60)}a`,
      code: 400,
      text: /error converting YAML to JSON: yaml: a key must be a text/,
    },
    {
      name: 'two YAML documents',
      type: 'application/yaml',
      body: 'a: 1\n---\nb: 2\n',
      code: 400,
      text: /more than one YAML document/,
    },
    { name: 'a list', type: 'application/json', body: '[]', code: 400, text: /must be of type ConfigMap.*a list/ },
    { name: 'nothing', type: 'application/json', body: '', code: 400, text: /empty/ },
    {
      name: 'another kind',
      type: 'application/json',
      body: '{"apiVersion":"v1","kind":"Secret"}',
      code: 400,
      text: /Secret.*ConfigMap/,
    },
    {
      name: 'another version',
      type: 'application/json',
      body: '{"apiVersion":"v2","kind":"ConfigMap"}',
      code: 400,
      text: /the API version in the data \(v2\) does not match the expected API version \(v1\)/,
    },
    {
      name: 'a value of the wrong type',
      type: 'application/json',
      body: '{"data":[]}',
      code: 400,
      text: /ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal array into Go struct field ConfigMap\.data/,
    },
    {
      name: 'a protobuf body that is none',
      type: 'application/vnd.kubernetes.protobuf',
      body: '{}',
      code: 400,
      text: /protobuf/,
    },
    {
      name: 'CBOR',
      type: 'application/cbor',
      body: 'x',
      code: 415,
      text: /application\/json, application\/yaml, application\/vnd.kubernetes.protobuf/,
    },
    { name: 'a form', type: 'application/x-www-form-urlencoded', body: 'a=b', code: 415, text: /unknown format/ },
  ];
  for (const { name, type, body, code, text } of faults) {
    test(`${name} is answered ${code} with a reason`, async () => {
      const answer = await send(type, body);
      assert.equal(answer.code, code);
      assert.equal(answer.body.kind, 'Status');
      assert.match(answer.body.message ?? '', text);
    });
  }

  test('nested deeper than anything are refused', async () => {
    await api.post(maps, configMap('deep'));
    const { code, body } = await api.patch(`${maps}/deep`, 'merge', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`);
    assert.equal(code, 400);
    assert.match(body.message ?? '', /nested too deeply/);
  });

  test('of more than 3 MiB are a 413', async () => {
    const { code, body } = await send('application/json', JSON.stringify(configMap('big', { x: 'x'.repeat(3 * 1024 * 1024) })));
    assert.equal(code, 413);
    assert.equal(body.reason, 'RequestEntityTooLarge');
  });

  test('unknown and repeated fields are an error, a warning each, or nothing, as the caller wants', async () => {
    const text = '{"metadata":{"name":"NAME","nmae":"x"},"data":{"a":"1","a":"2"}}';
    const strict = await send('application/json', text.replace('NAME', 'strict'), '?fieldValidation=Strict');
    assert.equal(strict.code, 400);
    assert.equal(
      strict.body.message,
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.a", unknown field "metadata.nmae"',
    );
    const warned = await send('application/json', text.replace('NAME', 'warned'));
    assert.equal(warned.code, 201);
    assert.equal(warned.headers['warning'], '299 - "duplicate field \\"data.a\\"", 299 - "unknown field \\"metadata.nmae\\""');
    assert.deepEqual(warned.body['data'], { a: '2' });
    assert.equal(Object.hasOwn(warned.body.metadata ?? {}, 'nmae'), false);
    const ignored = await send('application/json', text.replace('NAME', 'ignored'), '?fieldValidation=Ignore');
    assert.equal(ignored.code, 201);
    assert.equal(ignored.headers['warning'], undefined);
    assert.equal((await send('application/json', '{}', '?fieldValidation=Lax')).code, 422);
  });
});

function message(field: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([field * 8 + 2, content.byteLength]), content]);
}
