/** Programs in pods that use the API as client libraries do: by the files of their service account, at kubernetes.default.svc. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNotFound, pods } from '../../src/api/index.ts';

import { parseManifest } from '../../src/manifest/index.ts';
import { sleep, useCluster } from './cluster-harness.ts';
import { hasProgram, isInside } from './linux-harness.ts';

const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
const curl = hasProgram('curl') ? {} : { skip: 'curl is missing: apt install curl' };

/** A pod that runs a script once. */
function job(name: string, script: string, spec: object = {}, mounts: readonly object[] = []): string {
  const container = { name: 'c', image: 'busybox', command: ['sh', '-c', script], volumeMounts: mounts };
  return `${JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'robots' },
    spec: { restartPolicy: 'Never', containers: [container], ...spec },
  })}\n---\n`;
}

const ask = (path: string, tokenFile = `${folder}/token`): string =>
  `curl -sS --cacert ${folder}/ca.crt -H "Authorization: Bearer $(cat ${tokenFile})" https://kubernetes.default.svc${path}`;
const whoAmI = `${ask('/apis/authentication.k8s.io/v1/selfsubjectreviews')} -H 'content-type: application/json' -d '{}'`;

const projected = {
  volumes: [
    {
      name: 'other',
      projected: {
        sources: [
          { serviceAccountToken: { path: 'api', expirationSeconds: 600 } },
          { serviceAccountToken: { path: 'vault', audience: 'vault' } },
        ],
      },
    },
  ],
};

const manifests = `
apiVersion: v1
kind: Namespace
metadata: {name: robots}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot, namespace: robots}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: mute, namespace: robots}
automountServiceAccountToken: false
---
${job('default', `${ask('/api/v1/namespaces/robots/pods/default')}; echo; cat ${folder}/namespace; ls -l ${folder}/token`)}
${job('robot', whoAmI, { serviceAccountName: 'robot' })}
${job('mute', `ls ${folder}; echo none`, { serviceAccountName: 'mute' })}
${job('silent', `ls ${folder}; echo none`, { automountServiceAccountToken: false })}
${job(
  'projected',
  `${ask('/version', '/tokens/api')}; ${ask('/api', '/tokens/vault')} -o /dev/null -w 'vault %{http_code}'; touch /tokens/x 2>&1`,
  projected,
  [{ name: 'other', mountPath: '/tokens' }],
)}
${job('lost', 'true', { serviceAccountName: 'nobody' })}
${job('asks-by-address', `curl -sS --cacert ${folder}/ca.crt https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/version`)}
`;

if (isInside(import.meta.url)) {
  const cluster = useCluster({ nodes: 1 });

  /** What the pod printed, once it has ended. */
  const outputOf = async (name: string): Promise<string> => {
    const { client } = cluster();
    for (const deadline = Date.now() + 15_000; ;) {
      const pod = await client.get(pods, name, { namespace: 'robots' });
      if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') break;
      assert.ok(Date.now() < deadline, JSON.stringify(pod.status));
      await sleep(20);
    }
    return String(await client.request('GET', `/api/v1/namespaces/robots/pods/${name}/log`));
  };

  test('the files are there, and lead to the API with its certificate checked', curl, async () => {
    await cluster().apply(parseManifest(manifests, 'robots.yaml'));
    const [body = '', rest = ''] = (await outputOf('default')).split(/\n(?=robots)/);
    const pod = JSON.parse(body) as { readonly kind: string; readonly metadata: { readonly name: string } };
    assert.deepEqual([pod.kind, pod.metadata.name], ['Pod', 'default']);
    assert.match(rest, /^robots-rw-r--r-- /);
    assert.match(await outputOf('asks-by-address'), /"gitVersion"/);
  });

  test("the token is the pod's own service account's, bound to the pod", curl, async () => {
    const { status } = JSON.parse(await outputOf('robot')) as { status: { userInfo: { username: string; groups: string[] } } };
    assert.equal(status.userInfo.username, 'system:serviceaccount:robots:robot');
    assert.ok(status.userInfo.groups.includes('system:serviceaccounts:robots'));
  });

  test('a pod or an account that wants none has none', curl, async () => {
    for (const name of ['mute', 'silent']) assert.match(await outputOf(name), /No such file[^\n]*\nnone\n$/, name);
  });

  test('projected tokens have the audience that was asked for, and only their own opens the API', curl, async () => {
    const output = await outputOf('projected');
    assert.match(output, /"gitVersion"/);
    assert.match(output, /vault 401/);
    assert.match(output, /vault 401touch: .*: Read-only file system\n$/);
  });

  test('a service account that does not exist is why the pod waits', curl, async () => {
    const { client } = cluster();
    const waiting = async (): Promise<string | undefined> => {
      const pod = await client.get(pods, 'lost', { namespace: 'robots' });
      return pod.status?.containerStatuses?.[0]?.state?.waiting?.message;
    };
    const deadline = Date.now() + 5000;
    while ((await waiting()) !== 'serviceaccount "nobody" not found') {
      assert.ok(Date.now() < deadline, await waiting());
      await sleep(20);
    }
  });

  test("a pod's token ends with the pod", curl, async () => {
    const { client } = cluster();
    await cluster().apply(parseManifest(job('teller', `cat ${folder}/token`), 'teller.yaml'));
    const token = await outputOf('teller');
    const isValid = async (): Promise<unknown> => {
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } };
      const answer = (await client.request('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: review })) as {
        readonly status: { readonly authenticated?: boolean };
      };
      return answer.status.authenticated;
    };
    assert.equal(await isValid(), true);
    await client.delete(pods, 'teller', { namespace: 'robots', body: { gracePeriodSeconds: 0 } });
    for (const deadline = Date.now() + 5000; ;) {
      try {
        await client.get(pods, 'teller', { namespace: 'robots' });
      } catch (error) {
        if (isNotFound(error)) break;
        throw error;
      }
      assert.ok(Date.now() < deadline);
      await sleep(20);
    }
    assert.equal(await isValid(), false);
  });
}
