import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TestServer } from './test-server.ts';
import { startTestServer } from './test-server.ts';

let api: TestServer;
before(async () => {
  api = await startTestServer({ advertise: { address: '10.0.0.1', port: 6443 } });
});
after(() => api.close());

describe('reviews', () => {
  test('say who one is and that everything is allowed', async () => {
    const self = await api.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {});
    assert.equal(self.code, 201);
    assert.equal((self.body.status as { userInfo: { username: string } }).userInfo.username, 'fairlead-admin');
    const spec = { resourceAttributes: { verb: 'delete', resource: 'pods', namespace: 'default' } };
    for (const kind of ['selfsubjectaccessreviews', 'subjectaccessreviews']) {
      const { body } = await api.post(`/apis/authorization.k8s.io/v1/${kind}`, { spec });
      assert.equal((body.status as { allowed?: boolean }).allowed, true);
    }
    const rules = await api.post('/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', { spec: { namespace: 'default' } });
    assert.equal((rules.body.status as { incomplete?: boolean }).incomplete, false);
  });

  test('a token of a service account is one of a user', async () => {
    const request = { spec: { expirationSeconds: 3600 } };
    const issued = await api.post('/api/v1/namespaces/default/serviceaccounts/default/token', request);
    assert.equal(issued.code, 201);
    const { token } = issued.body.status as { token: string };
    const self = await api.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      body: {},
      headers: { authorization: `Bearer ${token}` },
    });
    const { userInfo } = self.body.status as { userInfo: { username: string; groups: string[] } };
    assert.equal(userInfo.username, 'system:serviceaccount:default:default');
    assert.ok(userInfo.groups.includes('system:serviceaccounts:default'));
    const review = async (text: string) => {
      const { body } = await api.post('/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token: text } });
      return (body.status as { authenticated?: boolean }).authenticated;
    };
    assert.equal(await review(token), true);
    assert.equal(await review(`${token.slice(0, -3)}abc`), false);
    assert.equal(await review('nonsense'), false);
    const short = await api.post('/api/v1/namespaces/default/serviceaccounts/default/token', { spec: { expirationSeconds: 5 } });
    assert.equal(short.code, 422);
  });

  test('a token ends with its account, and with the object that it is bound to', async () => {
    const accounts = '/api/v1/namespaces/default/serviceaccounts';
    const containers = [{ name: 'c', image: 'x' }];
    await api.post(accounts, { metadata: { name: 'robot' } });
    const pod = await api.post('/api/v1/namespaces/default/pods', {
      metadata: { name: 'holder' },
      spec: { serviceAccountName: 'robot', containers },
    });
    const uid = pod.body.metadata?.uid;
    const ask = (boundObjectRef: object, account = 'robot') =>
      api.post(`${accounts}/${account}/token`, { spec: { boundObjectRef } });
    const bound = await ask({ apiVersion: 'v1', kind: 'Pod', name: 'holder', uid });
    const free = await api.post(`${accounts}/robot/token`, { spec: {} });
    const refused = [
      [await ask({ apiVersion: 'v1', kind: 'Pod', name: 'holder', uid: 'other' }), 409, /does not match the UID in record/],
      [await ask({ apiVersion: 'v1', kind: 'Pod', name: 'holder', uid }, 'default'), 400, /different serviceaccount name/],
      [await ask({ apiVersion: 'v1', kind: 'Pod', name: 'nosuch' }), 404, /pods "nosuch" not found/],
      [
        await ask({ apiVersion: 'v1', kind: 'Service', name: 'holder' }),
        400,
        /cannot bind token to object of type v1, Kind=Service/,
      ],
    ] as const;
    for (const [{ code, body }, want, message] of refused) {
      assert.equal(code, want, JSON.stringify(body));
      assert.match(String(body.message), message);
    }
    const opens = async (answer: typeof bound): Promise<boolean> => {
      const { token } = answer.body.status as { token: string };
      const { code } = await api.get('/api/v1/namespaces', { authorization: `Bearer ${token}` });
      return code === 200;
    };
    assert.deepEqual([await opens(bound), await opens(free)], [true, true]);
    await api.call('DELETE', '/api/v1/namespaces/default/pods/holder', { body: { gracePeriodSeconds: 0 } });
    assert.deepEqual([await opens(bound), await opens(free)], [false, true]);
    await api.call('DELETE', `${accounts}/robot`, { body: {} });
    assert.equal(await opens(free), false);
  });

  test('a token for another audience opens nothing here', async () => {
    const issued = await api.post('/api/v1/namespaces/default/serviceaccounts/default/token', { spec: { audiences: ['vault'] } });
    const { token } = issued.body.status as { token: string };
    assert.equal((await api.get('/api/v1/namespaces', { authorization: `Bearer ${token}` })).code, 401);
  });
});
