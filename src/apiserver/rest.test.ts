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
const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
const configMap = (name: string, data: Readonly<Record<string, string>> = {}) => ({ metadata: { name }, data });

describe('creating', () => {
  test('fills in what the server knows and answers 201', async () => {
    const { code, body } = await api.post(maps, configMap('filled', { a: 'b' }));
    assert.equal(code, 201);
    assert.equal(body.kind, 'ConfigMap');
    assert.equal(body.apiVersion, 'v1');
    assert.equal(body.metadata?.namespace, 'default');
    assert.match(body.metadata?.uid ?? '', /^[0-9a-f-]{36}$/);
    assert.match(body.metadata?.creationTimestamp ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.match(body.metadata?.resourceVersion ?? '', /^[1-9]\d*$/);
  });

  test('a taken name is a 409 that names the object', async () => {
    await api.post(maps, configMap('twice'));
    const { code, body } = await api.post(maps, configMap('twice'));
    assert.equal(code, 409);
    assert.equal(body.reason, 'AlreadyExists');
    assert.equal(body.message, 'configmaps "twice" already exists');
    assert.deepEqual(body.details, { name: 'twice', kind: 'configmaps' });
  });

  test('generateName makes a name of the prefix and five characters', async () => {
    const { body } = await api.post(maps, { metadata: { generateName: 'made-' } });
    assert.match(body.metadata?.name ?? '', /^made-[a-z0-9]{5}$/);
  });

  test('what only the server may write is not taken from the client', async () => {
    const metadata = {
      name: 'sly',
      uid: 'mine',
      resourceVersion: '99999',
      creationTimestamp: null,
      deletionTimestamp: '2020-01-01T00:00:00Z',
      generation: 7,
      managedFields: [],
    };
    const { code, body } = await api.post(maps, { metadata });
    assert.equal(code, 201);
    assert.notEqual(body.metadata?.uid, 'mine');
    assert.notEqual(body.metadata?.resourceVersion, '99999');
    assert.equal(body.metadata?.deletionTimestamp, undefined);
    assert.equal(body.metadata?.generation, undefined);
  });

  test('a namespace that is not there is a 404, another one than the path says a 400', async () => {
    const missing = await api.post('/api/v1/namespaces/nowhere/configmaps', configMap('x'));
    assert.equal(missing.code, 404);
    assert.equal(missing.body.message, 'namespaces "nowhere" not found');
    const other = await api.post(maps, { metadata: { name: 'x', namespace: 'kube-system' } });
    assert.equal(other.code, 400);
    assert.equal(other.body.message, 'the namespace of the provided object does not match the namespace sent on the request');
  });

  test('a dry run answers as the real thing and stores nothing', async () => {
    const { code, body } = await api.post(`${maps}?dryRun=All`, configMap('dry'));
    assert.equal(code, 201);
    assert.equal(body.metadata?.name, 'dry');
    assert.equal((await api.get(`${maps}/dry`)).code, 404);
    const unknown = await api.post(`${maps}?dryRun=Some`, configMap('dry'));
    assert.equal(unknown.code, 422);
  });

  test('a kind that nothing acts on says so, on a dry run too', async () => {
    for (const query of ['?dryRun=All', '']) {
      const path = `/apis/scheduling.k8s.io/v1/priorityclasses${query}`;
      const answer = await api.post(path, { metadata: { name: 'high' }, value: 5 });
      assert.equal(answer.code, 201);
      assert.equal(answer.headers['warning'], '299 - "PriorityClass is stored, but nothing in Fairlead acts on it"');
    }
  });

  test('a kind that a controller acts on is not remarked on', async () => {
    const labels = { app: 'old' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'echo' }] } };
    const { code, headers } = await api.post('/api/v1/namespaces/default/replicationcontrollers', {
      metadata: { name: 'old' },
      spec: { replicas: 0, template },
    });
    assert.equal(code, 201);
    assert.equal(headers['warning'], undefined);
  });
});

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

describe('updating', () => {
  test('with an old resourceVersion is a conflict, without one unconditional', async () => {
    const created = await api.post(maps, configMap('put', { a: '1' }));
    const first = await api.put(`${maps}/put`, { ...created.body, data: { a: '2' } });
    assert.equal(first.code, 200);
    const late = await api.put(`${maps}/put`, { ...created.body, data: { a: '3' } });
    assert.equal(late.code, 409);
    assert.equal(
      late.body.message,
      'Operation cannot be fulfilled on configmaps "put": the object has been modified; please apply your changes to the latest version and try again',
    );
    const unconditional = await api.put(`${maps}/put`, configMap('put', { a: '4' }));
    assert.equal(unconditional.code, 200);
    assert.equal(unconditional.body.metadata?.uid, created.body.metadata?.uid);
    assert.equal(unconditional.body.metadata?.creationTimestamp, created.body.metadata?.creationTimestamp);
  });

  test('to the same content does not raise the resourceVersion', async () => {
    const { body } = await api.post(maps, configMap('same', { a: '1' }));
    const again = await api.put(`${maps}/same`, body);
    assert.equal(again.body.metadata?.resourceVersion, body.metadata?.resourceVersion);
  });

  test('under another name or uid is refused', async () => {
    await api.post(maps, configMap('named'));
    assert.equal((await api.put(`${maps}/named`, configMap('other'))).code, 400);
    const uid = await api.put(`${maps}/named`, { metadata: { name: 'named', uid: 'other' } });
    assert.equal(uid.code, 409);
    assert.match(uid.body.message ?? '', /Precondition failed: UID in precondition: other, UID in object meta: /);
  });

  test('an unknown name is a 404, but creates where the kind allows that', async () => {
    assert.equal((await api.put(`${maps}/absent`, configMap('absent'))).code, 404);
    const endpoints = '/api/v1/namespaces/default/endpoints/made-by-put';
    const { code } = await api.put(endpoints, { metadata: { name: 'made-by-put' } });
    assert.equal(code, 201);
    assert.equal((await api.get(endpoints)).code, 200);
  });

  test('a lease needs a resourceVersion', async () => {
    const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
    const { body } = await api.post(leases, { metadata: { name: 'l' }, spec: { leaseDurationSeconds: 5 } });
    const blind = await api.put(`${leases}/l`, { metadata: { name: 'l' }, spec: { leaseDurationSeconds: 6 } });
    assert.equal(blind.code, 422);
    assert.match(blind.body.message ?? '', /metadata.resourceVersion: Invalid value: "": must be specified for an update/);
    assert.equal((await api.put(`${leases}/l`, { ...body, spec: { leaseDurationSeconds: 6 } })).code, 200);
  });

  test('generation counts changes of content, not of the rest', async () => {
    const slice = { metadata: { name: 'counted' }, addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.9'] }], ports: [] };
    const created = await api.post(slices, slice);
    assert.equal(created.body.metadata?.generation, 1);
    const annotated = await api.patch(`${slices}/counted`, 'merge', { metadata: { annotations: { a: 'b' } } });
    assert.equal(annotated.body.metadata?.generation, 1);
    const changed = await api.patch(`${slices}/counted`, 'merge', { endpoints: [{ addresses: ['10.0.0.10'] }] });
    assert.equal(changed.body.metadata?.generation, 2);
  });

  test('status and the rest are written through their own doors', async () => {
    const nodes = '/api/v1/nodes';
    await api.post(nodes, { metadata: { name: 'n' }, spec: { podCIDR: '10.244.0.0/24' }, status: { phase: 'kept' } });
    const main = await api.patch(`${nodes}/n`, 'merge', { spec: { unschedulable: true }, status: { phase: 'ignored' } });
    assert.equal((main.body.status as { phase?: string }).phase, 'kept');
    const status = await api.patch(`${nodes}/n/status`, 'merge', {
      metadata: { annotations: { through: 'status' } },
      spec: { unschedulable: false },
      status: { phase: 'written' },
    });
    assert.equal(status.code, 200);
    assert.equal((status.body.status as { phase?: string }).phase, 'written');
    assert.equal((status.body.spec as { unschedulable?: boolean }).unschedulable, true);
    assert.deepEqual(status.body.metadata?.annotations, { through: 'status' });
    assert.equal((await api.get(`${nodes}/n/status`)).body.kind, 'Node');
  });
});

describe('patching', () => {
  test('knows three kinds', async () => {
    await api.post(maps, configMap('patched', { a: '1', b: '2' }));
    const merged = await api.patch(`${maps}/patched`, 'merge', { data: { a: null, c: '3' } });
    assert.deepEqual(merged.body['data'], { b: '2', c: '3' });
    const json = await api.patch(`${maps}/patched`, 'json', [{ op: 'replace', path: '/data/b', value: '9' }]);
    assert.deepEqual(json.body['data'], { b: '9', c: '3' });
    const strategic = await api.patch(`${maps}/patched`, 'strategic', { data: { $patch: 'replace', d: '4' } });
    assert.deepEqual(strategic.body['data'], { d: '4' });
  });

  test('strategic merge matches list items by their key', async () => {
    const services = '/api/v1/namespaces/default/services';
    const ports = [
      { name: 'a', port: 80, targetPort: 8080 },
      { name: 'b', port: 81, targetPort: 8081 },
    ];
    await api.post(services, { metadata: { name: 'listed' }, spec: { ports } });
    const { code, body } = await api.patch(`${services}/listed`, 'strategic', {
      spec: { ports: [{ port: 81, targetPort: 9999 }] },
    });
    assert.equal(code, 200);
    const after = (body.spec as { ports: { name: string; targetPort: number }[] }).ports;
    assert.deepEqual(
      after.map(({ name, targetPort }) => [name, targetPort]),
      [
        ['a', 8080],
        ['b', 9999],
      ],
    );
  });

  test('a failed test is a 422, a patch with an old resourceVersion a 409', async () => {
    const { body } = await api.post(maps, configMap('guarded', { a: '1' }));
    const failed = await api.patch(`${maps}/guarded`, 'json', [{ op: 'test', path: '/data/a', value: '2' }]);
    assert.equal(failed.code, 422);
    await api.patch(`${maps}/guarded`, 'merge', { data: { a: '2' } });
    const resourceVersion = body.metadata?.resourceVersion;
    const late = await api.patch(`${maps}/guarded`, 'merge', { metadata: { resourceVersion }, data: { a: '3' } });
    assert.equal(late.code, 409);
  });

  test('server-side apply is refused, naming what is accepted', async () => {
    const { code, body } = await api.call('PATCH', `${maps}/patched`, {
      body: {},
      headers: { 'content-type': 'application/apply-patch+yaml' },
    });
    assert.equal(code, 415);
    assert.match(
      body.message ?? '',
      /^Fairlead has no server-side apply yet: leave out --server-side, or send application\/json-patch\+json, application\/merge-patch\+json, application\/strategic-merge-patch\+json/,
    );
  });

  test('unknown fields in what it makes are checked as in a PUT', async () => {
    await api.post(maps, configMap('checked'));
    const path = `${maps}/checked?fieldValidation=Strict`;
    const { code, body } = await api.patch(path, 'merge', { dtaa: {} });
    assert.equal(code, 400);
    assert.equal(body.message, 'strict decoding error: unknown field "dtaa"');
    assert.equal((await api.patch(`${maps}/checked?force=true`, 'merge', {})).code, 422);
  });
});

describe('deleting', () => {
  test('answers a Status that names what went, or the object, by kind', async () => {
    const { body } = await api.post(maps, configMap('gone'));
    const status = await api.delete(`${maps}/gone`);
    assert.equal(status.code, 200);
    assert.equal(status.body['status'], 'Success');
    assert.deepEqual(status.body.details, { name: 'gone', kind: 'configmaps', uid: body.metadata?.uid });
    assert.equal((await api.get(`${maps}/gone`)).code, 404);
    await api.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'gone' } });
    const object = await api.delete('/api/v1/namespaces/default/serviceaccounts/gone');
    assert.equal(object.body.kind, 'ServiceAccount');
  });

  test('holds the preconditions', async () => {
    const { body } = await api.post(maps, configMap('held'));
    const wrong = await api.delete(`${maps}/held`, { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: 'other' } });
    assert.equal(wrong.code, 409);
    const old = await api.delete(`${maps}/held`, { preconditions: { resourceVersion: '1' } });
    assert.equal(old.code, 409);
    const right = await api.delete(`${maps}/held`, {
      preconditions: { uid: body.metadata?.uid, resourceVersion: body.metadata?.resourceVersion },
    });
    assert.equal(right.code, 200);
  });

  test('waits for finalizers, to which none may be added', async () => {
    await api.post(maps, { metadata: { name: 'final', finalizers: ['example.com/one', 'example.com/two'] } });
    const started = await api.delete(`${maps}/final`);
    assert.equal(started.code, 200);
    assert.match(started.body.metadata?.deletionTimestamp ?? '', /Z$/);
    const added = await api.patch(`${maps}/final`, 'merge', {
      metadata: { finalizers: ['example.com/one', 'example.com/two', 'example.com/three'] },
    });
    assert.equal(added.code, 422);
    assert.match(added.body.message ?? '', /no new finalizers can be added if the object is being deleted/);
    assert.equal((await api.patch(`${maps}/final`, 'merge', { metadata: { finalizers: ['example.com/two'] } })).code, 200);
    assert.equal((await api.get(`${maps}/final`)).code, 200);
    await api.patch(`${maps}/final`, 'merge', { metadata: { finalizers: null } });
    assert.equal((await api.get(`${maps}/final`)).code, 404);
  });

  test('sets the finalizer of the wanted propagation', async () => {
    for (const [policy, finalizer] of [
      ['Foreground', 'foregroundDeletion'],
      ['Orphan', 'orphan'],
    ]) {
      const name = `by-${policy}`.toLowerCase();
      await api.post(maps, configMap(name));
      const { body } = await api.delete(`${maps}/${name}?propagationPolicy=${policy}`);
      assert.deepEqual(body.metadata?.finalizers, [finalizer]);
      assert.notEqual(body.metadata?.deletionTimestamp, undefined);
    }
    const both = await api.delete(`${maps}/by-orphan`, { propagationPolicy: 'Orphan', orphanDependents: true });
    assert.equal(both.code, 422);
  });

  test('a collection takes what is selected', async () => {
    for (const name of ['sel-1', 'sel-2', 'sel-3']) {
      await api.post(maps, { metadata: { name, labels: { which: name === 'sel-3' ? 'stays' : 'goes' } } });
    }
    const { code, body } = await api.delete(`${maps}?labelSelector=which%3Dgoes`);
    assert.equal(code, 200);
    assert.equal(body.items?.length, 2);
    assert.equal((await api.get(`${maps}/sel-1`)).code, 404);
    assert.equal((await api.get(`${maps}/sel-3`)).code, 200);
  });

  test('a dry run takes nothing', async () => {
    await api.post(maps, configMap('spared'));
    assert.equal((await api.delete(`${maps}/spared`, { dryRun: ['All'] })).code, 200);
    assert.equal((await api.get(`${maps}/spared`)).code, 200);
  });
});

describe('unknown things', () => {
  const cases: readonly [method: string, path: string, code: number][] = [
    ['GET', '/api/v1/namespaces/default/nonsense', 404],
    ['GET', '/apis/nonsense.k8s.io/v1/things', 404],
    ['GET', '/nonsense', 404],
    ['GET', '/api/v1/namespaces/default/nodes', 404],
    ['GET', '/api/v1/pods/named-without-namespace', 404],
    ['POST', '/api/v1/namespaces/default/configmaps/named', 405],
    ['PUT', '/api/v1/namespaces/default/configmaps', 405],
    ['DELETE', '/api/v1/namespaces', 405],
    ['GET', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', 405],
    ['TRACE', '/api/v1/namespaces', 405],
  ];
  for (const [method, path, code] of cases) {
    test(`${method} ${path} is ${code}`, async () => {
      const answer = await api.call(method, path);
      assert.equal(answer.code, code);
      assert.equal(answer.body.code, code);
    });
  }
});

function message(field: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([field * 8 + 2, content.byteLength]), content]);
}
