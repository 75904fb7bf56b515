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
