/** What a command in a pod reaches of the host, and what it does not: as the lab's user, in namespaces of this file's own. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { pods } from '../../src/api/index.ts';
import { parseManifest } from '../../src/manifest/index.ts';
import { sleep, useCluster } from './cluster-harness.ts';
import { hasProgram, isInside } from './linux-harness.ts';

/** A directory that every machine has and no container has of its own. */
const folder = ['/mnt', '/srv', '/opt'].find((path) => existsSync(path)) ?? '/usr';

if (isInside(import.meta.url)) {
  // for this process's mount namespace alone; the lab's is made of it
  const mount = (target: string): void => void execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', target]);
  mount(folder);
  // a mount that another lies over must not be in the way
  mkdirSync(join(folder, 'below'));
  mount(join(folder, 'below'));
  mount(folder);
  const cluster = useCluster({ nodes: 1 });

  /** What a pod with this script prints until it has ended. */
  const outputOf = async (name: string, script: string, more: object = {}): Promise<string> => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox', command: ['sh', '-c', script], ...more }] },
    };
    await cluster().apply(parseManifest(JSON.stringify(pod), 'pod.json'));
    const { client } = cluster();
    for (const deadline = Date.now() + 15_000; ;) {
      const { status } = await client.get(pods, name, { namespace: 'default' });
      if (status?.phase === 'Succeeded' || status?.phase === 'Failed') break;
      assert.ok(Date.now() < deadline, JSON.stringify(status));
      await sleep(20);
    }
    return String(await client.request('GET', `/api/v1/namespaces/default/pods/${name}/log`));
  };

  test('a Unix socket of the host is not reached', hasProgram('curl') ? {} : { skip: 'curl is missing' }, async () => {
    const socket = join(folder, 'd aemon.sock');
    const server = createServer((_request, response) => response.end('reached'));
    server.listen(socket);
    await once(server, 'listening');
    assert.equal(await askSocket(socket), 'reached', 'here it is there');
    const output = await outputOf(
      'connects',
      `for path in '${socket}' '/proc/1/root${socket}'; do ls "$path"; curl -sS --unix-socket "$path" http://x/; done 2>&1`,
    );
    server.close();
    assert.ok(output.startsWith(`${socket}\n`), output);
    assert.doesNotMatch(output, /reached/);
    assert.equal(output.match(/^curl: /gm)?.length, 2, output);
  });

  test('no process and no variable of the lab is seen', async () => {
    const output = await outputOf('looks', 'echo /proc/[0-9]*; env | grep -c -e KUBECONFIG -e ^NODE_; true');
    assert.deepEqual(output.trim().split('\n'), ['/proc/1', '0']);
  });

  test('a pod that gives up all that it can runs, as somebody who is not root', async () => {
    const securityContext = {
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    };
    const script = 'id -u; grep CapEff /proc/self/status; touch /tmp/x && echo private';
    assert.equal(await outputOf('restricted', script, { securityContext }), '65532\nCapEff:\t0000000000000000\nprivate\n');
    const chosen = { ...securityContext, runAsUser: 1000, runAsGroup: 3000 };
    assert.equal(await outputOf('chosen', 'id -u; id -g', { securityContext: chosen }), '1000\n3000\n');
  });

  test('the last words of a container are in its status, from the file or else from its log', async () => {
    const messageOf = async (name: string, script: string, more: object): Promise<string | undefined> => {
      await outputOf(name, script, more);
      const { status } = await cluster().client.get(pods, name, { namespace: 'default' });
      return status?.containerStatuses?.[0]?.state?.terminated?.message;
    };
    const fromLog = { terminationMessagePolicy: 'FallbackToLogsOnError' };
    assert.equal(await messageOf('says', 'echo done > /dev/termination-log', {}), 'done\n');
    assert.equal(
      await messageOf('says-elsewhere', 'printf %5000s x > /tmp/why', { terminationMessagePath: '/tmp/why' }),
      ' '.repeat(4096),
    );
    assert.equal(await messageOf('says-both', 'echo log; echo file > /dev/termination-log; exit 1', fromLog), 'file\n');
    assert.equal(await messageOf('logs', 'echo log; exit 1', fromLog), 'log\n');
    assert.equal(await messageOf('is-silent', 'echo log; exit 1', {}), undefined);
  });

  test('a working directory that is not there is made, below a first directory that the host does not have too', async () => {
    for (const [name, workingDir] of [
      ['in-tmp', '/tmp/日本/b c'],
      ['in-root', '/no-such-app/src'],
    ] as const)
      assert.equal(
        await outputOf(name, 'pwd; touch /no-such-file 2>/dev/null || echo closed', { workingDir }),
        `${workingDir}\nclosed\n`,
      );
    const refused = await outputOf('in-usr', 'pwd', { workingDir: '/usr/no-such-app' });
    assert.equal(refused, 'chdir to cwd ("/usr/no-such-app") failed: no such file or directory\n');
  });
}

function askSocket(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path: '/' }, (response) => {
      response.setEncoding('utf8').on('data', resolve);
    });
    call.once('error', reject);
    call.end();
  });
}
