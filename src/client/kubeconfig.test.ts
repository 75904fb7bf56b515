import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { KubeconfigError } from './errors.ts';
import { loadInClusterConfig, loadKubeconfig, parseKubeconfig, writeKubeconfig } from './kubeconfig.ts';

describe('a kubeconfig', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-kubeconfig-'));
  after(() => rmSync(folder, { recursive: true }));

  function file(name: string, text: string): string {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  }

  const two = `
apiVersion: v1
kind: Config
current-context: one
clusters:
- name: c1
  cluster: {server: "https://10.0.0.1:6443/", certificate-authority: ca.pem, tls-server-name: api.example}
- name: c2
  cluster: {server: "https://10.0.0.2:6443/k8s", insecure-skip-tls-verify: true}
users:
- name: u1
  user: {client-certificate-data: ${btoa('CERT')}, client-key: key.pem}
- name: u2
  user: {token: secret}
contexts:
- {name: one, context: {cluster: c1, user: u1, namespace: shop}}
- {name: two, context: {cluster: c2, user: u2}}
- {name: lost, context: {cluster: nowhere, user: u2}}
`;

  test('a file is read with its relative paths, and another context can be chosen', () => {
    file('ca.pem', 'CA');
    file('key.pem', 'KEY');
    const path = file('config', two);
    const one = loadKubeconfig(path);
    assert.equal(one.server, 'https://10.0.0.1:6443');
    assert.deepEqual(
      [one.caData, one.clientCert, one.clientKey, one.namespace, one.tlsServerName],
      ['CA', 'CERT', 'KEY', 'shop', 'api.example'],
    );
    const other = loadKubeconfig(path, { context: 'two' });
    assert.deepEqual([other.server, other.token, other.insecure], ['https://10.0.0.2:6443/k8s', 'secret', true]);
  });

  test('the files of KUBECONFIG are merged, the first one winning, and missing ones are skipped', () => {
    const first = file(
      'first',
      'current-context: two\ncontexts: [{name: two, context: {cluster: c2, user: me}}]\nusers: [{name: me, user: {token: mine}}]\n',
    );
    const env = { KUBECONFIG: `${first}:${join(folder, 'missing')}:${file('second', two)}`, HOME: folder };
    const config = loadKubeconfig(undefined, { env });
    assert.deepEqual([config.server, config.token], ['https://10.0.0.2:6443/k8s', 'mine']);
  });

  test('what is written is read back', () => {
    const config = { server: 'https://127.0.0.1:6443', caData: 'CA', token: 't', namespace: 'ns' };
    const read = parseKubeconfig(writeKubeconfig(config, 'fairlead'));
    for (const [name, value] of Object.entries(config)) assert.equal(read[name as keyof typeof read], value, name);
  });

  test('mistakes are named', () => {
    const table: readonly [text: string, context: string | undefined, want: RegExp][] = [
      ['{{', undefined, /^KubeconfigError: kubeconfig: .* at line 1, column \d+$/],
      ['- a\n', undefined, /is not a kubeconfig/],
      ['{}', undefined, /no current-context/],
      [two, 'three', /has no context "three"/],
      [two, 'lost', /context lost names no known cluster/],
      [two.replace('{token: secret}', '{exec: {command: aws}}'), 'two', /user u2 gets its credentials from a program \(exec\)/],
      [two.replace('"https://10.0.0.2:6443/k8s"', 'nonsense'), 'two', /server "nonsense" is not a URL/],
      [two, 'one', /cannot read .*ca\.pem/],
    ];
    for (const [text, context, want] of table) {
      assert.throws(
        () => parseKubeconfig(text, { context, folder: '/nonexistent' }),
        (error: unknown) => error instanceof KubeconfigError && want.test(String(error)),
        String(want),
      );
    }
  });

  test('with no file anywhere it says which one it looked for', () => {
    assert.throws(
      () => loadKubeconfig(undefined, { env: { HOME: '/nonexistent' } }),
      /\/nonexistent\/\.kube\/config does not exist/,
    );
  });

  test('a pod finds its API server in the environment and its service account', () => {
    const account = join(folder, 'account');
    mkdirSync(account);
    for (const [name, text] of [
      ['token', 't\n'],
      ['ca.crt', 'CA'],
      ['namespace', 'ns\n'],
    ] as const)
      writeFileSync(join(account, name), text);
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    const config = loadInClusterConfig(env, account);
    assert.deepEqual(
      [config?.server, config?.caData, config?.namespace, config?.tokenFile],
      ['https://[fd00::1]:443', 'CA', 'ns', join(account, 'token')],
    );
    assert.equal(loadInClusterConfig({}, account), undefined);
  });
});
