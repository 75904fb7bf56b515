import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Pod, TokenRequest, Volume } from '../api/index.ts';
import { notFound, serviceAccounts } from '../api/index.ts';
import type { KubeClient } from '../client/index.ts';
import { apiAccessPath, PodTokens, withApiAccess } from './pod-tokens.ts';

/** An API that knows the account and gives each token a number. */
function createApi(account: object | undefined): Pick<KubeClient, 'get' | 'create'> & { readonly requests: TokenRequest[] } {
  const requests: TokenRequest[] = [];
  return {
    requests,
    get: async <T>() => {
      if (account === undefined) throw notFound(serviceAccounts, 'default');
      return account as T;
    },
    create: async <T>(_resource: unknown, object: unknown) => {
      const request = object as TokenRequest;
      requests.push(request);
      return { ...request, status: { token: `token-${requests.length}`, expirationTimestamp: '' } } as T;
    },
  };
}

function podOf(spec: object): Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'n', uid: 'u' }, spec: { containers: [], ...spec } };
}

const vault: Volume = {
  name: 'vault',
  projected: { sources: [{ serviceAccountToken: { path: 'token', audience: 'vault', expirationSeconds: 600 } }] },
};

describe("the API's files", () => {
  const table = [
    { pod: {}, account: {}, want: true },
    { pod: {}, account: { automountServiceAccountToken: false }, want: false },
    { pod: { automountServiceAccountToken: true }, account: { automountServiceAccountToken: false }, want: true },
    { pod: { automountServiceAccountToken: false }, account: {}, want: false },
    { pod: { automountServiceAccountToken: false, volumes: [vault] }, account: {}, want: false },
  ];
  for (const { pod, account, want } of table) {
    test(`are ${want ? '' : 'not '}for pod ${JSON.stringify(pod)} of account ${JSON.stringify(account)}`, async () => {
      const { hasApiAccess, volumes } = await new PodTokens({ client: createApi(account) }).prepare(podOf(pod));
      assert.equal(hasApiAccess, want);
      assert.equal(
        volumes.some(({ name }) => name === 'kube-api-access'),
        want,
      );
    });
  }

  test('are asked for in the name of the account, for the pod, and no token without them', async () => {
    const api = createApi({});
    await new PodTokens({ client: api }).prepare(podOf({ serviceAccountName: 'robot' }));
    assert.deepEqual(
      api.requests.map(({ metadata, spec }) => [metadata?.name, metadata?.namespace, spec]),
      [
        [
          'robot',
          'n',
          {
            audiences: [],
            expirationSeconds: 3607,
            boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u' },
          },
        ],
      ],
    );
    const silent = createApi({});
    await new PodTokens({ client: silent }).prepare(podOf({ automountServiceAccountToken: false }));
    assert.deepEqual(silent.requests, []);
  });

  test('leave alone a container that has something there', () => {
    const own = { name: 'c', volumeMounts: [{ name: 'mine', mountPath: `${apiAccessPath}/` }] };
    assert.equal(withApiAccess(own), own);
    assert.deepEqual(withApiAccess({ name: 'c' }).volumeMounts, [
      { name: 'kube-api-access', mountPath: apiAccessPath, readOnly: true },
    ]);
  });
});

test('an account that does not exist is named', async () => {
  const attempt = new PodTokens({ client: createApi(undefined) }).prepare(podOf({ serviceAccountName: 'robot' }));
  await assert.rejects(attempt, { message: 'serviceaccount "robot" not found' });
});

test('an API that gives no token is a reason to wait, not to end', async () => {
  const api = { ...createApi({}), create: async () => Promise.reject(new Error('connect ECONNREFUSED')) };
  await assert.rejects(new PodTokens({ client: api }).prepare(podOf({})), {
    message: 'failed to fetch token: connect ECONNREFUSED',
    facts: { code: 'CreateContainerConfigError' },
  });
});

test('a token is renewed when four fifths of its life have passed, and not before', async () => {
  let now = 0;
  const api = createApi({});
  const tokens = new PodTokens({ client: api, now: () => now });
  const pod = podOf({ automountServiceAccountToken: false, volumes: [vault] });
  const projection = { path: 'token', audience: 'vault', expirationSeconds: 600 };
  await tokens.prepare(pod);
  now = 479_000;
  assert.equal(tokens.isDue, false);
  await tokens.prepare(pod);
  assert.equal(tokens.get(projection), 'token-1');
  now = 480_000;
  assert.equal(tokens.isDue, true);
  await tokens.prepare(pod);
  assert.deepEqual([tokens.get(projection), tokens.isDue], ['token-2', false]);
  assert.deepEqual(
    api.requests.map(({ spec }) => spec?.audiences),
    [['vault'], ['vault']],
  );
});
