/** kubectl with pods that really run: logs, commands in them, copies, proxies, rollouts that carry traffic. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { noKubectl } from '../../tools/testing/kubectl.ts';
import { Desk, needsLab } from '../wire/up-harness.ts';
import type { Running } from '../wire/up-harness.ts';
import { kubectlPrograms } from './each-kubectl.ts';
import type { Kubectl } from './run-kubectl.ts';
import { createKubectl } from './run-kubectl.ts';

const programs = kubectlPrograms();
const needs = programs.size === 0 ? { skip: noKubectl } : needsLab;

describe('in a lab', needs, () => {
  const desk = new Desk();
  let lab: Running | undefined;
  before(async () => {
    lab = desk.start(['up', '--name', 'kubectl']);
    await lab.printed(/Try, in another terminal/);
  });
  after(async () => {
    lab?.child.kill('SIGTERM');
    await lab?.ended;
    desk.close();
  });

  for (const [version, program] of programs) {
    describe(`with kubectl ${version}`, () => {
      const namespace = `with-${version.replaceAll('.', '-')}`;
      let cluster: Kubectl | undefined;
      const use = (): Kubectl => {
        if (cluster === undefined) throw new Error('the lab did not start');
        return cluster;
      };
      before(async () => {
        const scratch = join(desk.folder, namespace);
        mkdirSync(scratch);
        const kubeconfig = join(scratch, 'kubeconfig');
        copyFileSync(join(desk.runtime, 'fairlead', 'kubectl', 'kubeconfig'), kubeconfig);
        cluster = createKubectl(program, kubeconfig, scratch);
        await cluster.ok(`create namespace ${namespace}`);
        await cluster.ok(`config set-context --current --namespace=${namespace}`);
        // process 1 of a namespace is sent only the signals that it handles
        const script = 'trap exit TERM; echo hello; echo mistake >&2; sleep 300 & wait';
        await cluster.ok(['run', 'box', '--image=busybox', '--restart=Never', '--command', '--', 'bash', '-c', script]);
        await cluster.ok('create deployment web --image=echo --replicas=2 --port=8080');
        await cluster.ok('expose deployment web --port=80 --target-port=8080');
        await cluster.ok('wait --for=condition=Ready pod/box --timeout=30s');
        await cluster.ok('rollout status deployment/web --timeout=30s');
      });
      after(() => cluster?.stopAll());

      test('logs: whole, the end of them, with times, of a Deployment, followed', async () => {
        const { ok, start } = use();
        assert.deepEqual((await ok('logs box')).trimEnd().split('\n').sort(), ['hello', 'mistake']);
        assert.equal((await ok('logs box --tail=1')).trimEnd().split('\n').length, 1);
        assert.match(await ok('logs box --timestamps'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z hello$/m);
        assert.match(await ok('logs deployment/web'), /echo server on 8080\/TCP/);
        const following = start('logs -f box');
        await following.printed(/hello/);
        await following.stop();
      });

      test("exec: output, errors, input, exit status, and the pod's own network", async () => {
        const { ok, kubectl } = use();
        assert.equal(await ok('exec box -- echo hi'), 'hi\n');
        const failed = await kubectl(['exec', 'box', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3']);
        assert.deepEqual([failed.status, failed.out], [3, 'out\n']);
        assert.match(failed.err, /^err\ncommand terminated with exit code 3\n$/);
        assert.equal(await ok('exec -i box -- cat', { input: 'given\n' }), 'given\n');
        assert.match(
          await ok('exec box -- cat /etc/resolv.conf'),
          new RegExp(`^search ${namespace}\\.svc\\.cluster\\.local .*\nnameserver 10\\.96\\.0\\.10$`, 'm'),
        );
        assert.match(await ok('exec box -- getent hosts web'), /^10\.96\.\d+\.\d+ /);
      });

      test('exec over SPDY, as kubectl up to 1.29 asks for it', async () => {
        const { ok, kubectl } = use();
        const env = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' };
        assert.equal(await ok('exec -i box -- cat', { env, input: 'given\n'.repeat(100_000) }), 'given\n'.repeat(100_000));
        const failed = await kubectl(['exec', 'box', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3'], { env });
        assert.deepEqual([failed.status, failed.out], [3, 'out\n']);
        assert.match(failed.err, /^err\ncommand terminated with exit code 3\n$/);
      });

      test('cp: there and back', async () => {
        const { ok, file, scratch } = use();
        const echo = (await ok('get pod -l app=web -o name')).split('\n')[0]?.replace('pod/', '') ?? '';
        for (const pod of ['box', echo]) {
          await ok(`cp ${file('there', 'carried\n')} ${pod}:/tmp/there`);
          assert.equal(await ok(`exec ${pod} -- cat /tmp/there`), 'carried\n');
          await ok(`cp ${pod}:/tmp/there back`);
          assert.equal(readFileSync(join(scratch, 'back'), 'utf8'), 'carried\n');
        }
      });

      test("get --raw reaches pods through the Service's and the pod's proxy", async () => {
        const { ok } = use();
        const answer = JSON.parse(await ok(`get --raw /api/v1/namespaces/${namespace}/services/web:80/proxy/`)) as {
          pod: string;
        };
        assert.match(answer.pod, /^web-/);
        const direct = JSON.parse(
          await ok(`get --raw /api/v1/namespaces/${namespace}/pods/${answer.pod}:8080/proxy/some/path`),
        ) as { pod: string; path: string };
        assert.deepEqual([direct.pod, direct.path], [answer.pod, '/some/path']);
      });

      test('run --rm -i talks with a pod, and takes it away', async () => {
        const { ok, fails } = use();
        const said = await ok(
          [
            'run',
            'short',
            '--image=busybox',
            '--rm',
            '-i',
            '--restart=Never',
            '--command',
            '--',
            'bash',
            '-c',
            // before anybody can be attached
            'echo early; read line; echo "got $line"',
          ],
          { input: 'given\n' },
        );
        assert.match(said, /^early\ngot given$/m);
        assert.equal(await fails('get pod short'), 'Error from server (NotFound): pods "short" not found\n');
      });

      test('a rollout replaces every pod, and the Service leads to the new ones', async () => {
        const { ok } = use();
        const before = await ok('get pods -l app=web -o name');
        await ok('rollout restart deployment/web');
        await ok('rollout status deployment/web --timeout=60s');
        const answer = JSON.parse(await ok(`get --raw /api/v1/namespaces/${namespace}/services/web:80/proxy/`)) as {
          pod: string;
        };
        assert.ok(!before.includes(answer.pod), `${answer.pod} is old`);
      });

      test('describe and events tell what happened to a pod', async () => {
        const { ok } = use();
        const said = await ok('describe pod box');
        assert.match(said, /^ +Container ID: +fairlead:\/\//m);
        assert.match(said, /Normal +Scheduled +.* Successfully assigned /);
        assert.match(said, /Normal +Started +.* Started container box|Normal +Started /);
      });

      test('cluster-info says where the name server is', async () => {
        const text = stripVTControlCharacters(await use().ok('cluster-info'));
        assert.match(text, /^CoreDNS is running at https:\S+\/api\/v1\/namespaces\/kube-system\/services\/kube-dns:dns\/proxy$/m);
      });

      test('delete stops what runs', async () => {
        const { ok } = use();
        await ok('delete pod box --timeout=20s');
        assert.equal(await ok('get pods --field-selector metadata.name=box -o name'), '');
      });
    });
  }
});
