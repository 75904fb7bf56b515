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
