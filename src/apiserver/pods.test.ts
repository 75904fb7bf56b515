import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TestServer } from './test-server.ts';
import { startTestServer } from './test-server.ts';

let api: TestServer;
before(async () => {
  api = await startTestServer({ advertise: { address: '10.0.0.1', port: 6443 } });
});
after(() => api.close());

const pods = '/api/v1/namespaces/default/pods';
const pod = (name: string, spec: Readonly<Record<string, unknown>> = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'echo' }], ...spec },
});

describe('pods', () => {
  test('start as Pending under the default service account', async () => {
    const { code, body } = await api.post(pods, pod('fresh'));
    assert.equal(code, 201);
    assert.deepEqual(body.status, { phase: 'Pending', qosClass: 'BestEffort' });
    assert.equal((body.spec as { serviceAccountName?: string }).serviceAccountName, 'default');
    assert.equal(body.metadata?.generation, 1);
  });

  test('that ask for a port of their node are told that they do not get it', async () => {
    const ports = [{ containerPort: 80 }, { containerPort: 81, hostPort: 8081 }];
    const withPorts = { ...pod('hosted'), spec: { containers: [{ name: 'c', image: 'x', ports }] } };
    const { headers } = await api.post(pods, withPorts);
    assert.equal(
      headers['warning'],
      '299 - "spec.containers[0].ports[1].hostPort is stored, but nothing in Fairlead acts on it"',
    );
  });

  test('that ask for what is not offered are told so, field by field', async () => {
    const spec = { hostPID: true, shareProcessNamespace: false, securityContext: { fsGroup: 2000, runAsUser: 1000 } };
    const { code, headers } = await api.post(pods, pod('asking', spec));
    assert.equal(code, 201);
    const said = (path: string): string => `299 - "spec.${path} is stored, but nothing in Fairlead acts on it"`;
    assert.equal(headers['warning'], `${said('hostPID')}, ${said('securityContext.fsGroup')}`);
  });

  test('are bound once', async () => {
    await api.post(pods, pod('bound'));
    const binding = (node: string) => ({
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'bound' },
      target: { kind: 'Node', name: node },
    });
    const first = await api.post(`${pods}/bound/binding`, binding('node-1'));
    assert.equal(first.code, 201);
    assert.equal(first.body['status'], 'Success');
    const { body } = await api.get(`${pods}/bound`);
    assert.equal((body.spec as { nodeName?: string }).nodeName, 'node-1');
    assert.equal((body.status as { conditions: { type: string }[] }).conditions[0]?.type, 'PodScheduled');
    const second = await api.post(`${pods}/bound/binding`, binding('node-2'));
    assert.equal(second.code, 409);
    assert.match(second.body.message ?? '', /pod bound is already assigned to node "node-1"/);
    const listed = await api.get('/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1');
    assert.equal(listed.body.items?.[0]?.metadata?.name, 'bound');
  });

  test('without a node go at once', async () => {
    await api.post(pods, pod('unscheduled'));
    assert.equal((await api.delete(`${pods}/unscheduled`)).code, 200);
    assert.equal((await api.get(`${pods}/unscheduled`)).code, 404);
  });

  test('on a node are given their grace, which later deletions only shorten', async () => {
    const { body: created } = await api.post(pods, pod('graceful', { nodeName: 'node-1', terminationGracePeriodSeconds: 20 }));
    const first = await api.delete(`${pods}/graceful`);
    assert.equal(first.body.metadata?.deletionGracePeriodSeconds, 20);
    const until = Date.parse(first.body.metadata?.deletionTimestamp ?? '');
    assert.ok(until - Date.now() > 15_000 && until - Date.now() <= 20_000);
    const longer = await api.delete(`${pods}/graceful`, { gracePeriodSeconds: 60 });
    assert.equal(longer.body.metadata?.deletionTimestamp, first.body.metadata?.deletionTimestamp);
    const shorter = await api.delete(`${pods}/graceful`, { gracePeriodSeconds: 5 });
    assert.equal(shorter.body.metadata?.deletionGracePeriodSeconds, 5);
    assert.equal((await api.get(`${pods}/graceful`)).code, 200);
    const stranger = await api.delete(`${pods}/graceful`, { gracePeriodSeconds: 0, preconditions: { uid: 'other' } });
    assert.equal(stranger.code, 409);
    await api.delete(`${pods}/graceful`, { gracePeriodSeconds: 0, preconditions: { uid: created.metadata?.uid } });
    assert.equal((await api.get(`${pods}/graceful`)).code, 404);
  });

  test('that have ended go at once', async () => {
    await api.post(pods, pod('ended', { nodeName: 'node-1' }));
    await api.patch(`${pods}/ended/status`, 'merge', { status: { phase: 'Succeeded' } });
    await api.delete(`${pods}/ended`);
    assert.equal((await api.get(`${pods}/ended`)).code, 404);
  });

  test('are deleted by an eviction', async () => {
    await api.post(pods, pod('evicted'));
    const { code } = await api.post(`${pods}/evicted/eviction`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: 'evicted' },
    });
    assert.equal(code, 201);
    assert.equal((await api.get(`${pods}/evicted`)).code, 404);
  });
});
