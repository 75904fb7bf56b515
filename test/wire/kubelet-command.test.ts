/** Pods with a command: what their programs may do, how they are started, probed and ended. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { configMaps, secrets } from '../../src/api/index.ts';
import { countProcesses, isReady, waitFor, useKubelets } from './kubelet-harness.ts';
import { isInside } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  const kubelets = useKubelets();
  const { create, eventually, exec, get, gone, logOf, remove } = kubelets;

  describe('a pod with a command', () => {
    test('runs, logs, and can be looked into', async () => {
      await create('shell', {
        hostname: 'busybox-1',
        subdomain: 'sub',
        containers: [
          {
            name: 'c',
            command: ['sh', '-c', 'echo out; echo err >&2; hostname; trap "echo bye; exit 3" TERM; while :; do sleep 0.05; done'],
          },
        ],
      });
      const pod = await eventually('shell', isReady);
      await waitFor(async () => (await logOf('shell')).includes('busybox-1'));
      assert.match(await logOf('shell'), /^out$/m);
      assert.match(await logOf('shell'), /^err$/m);
      const { out, code } = await exec('shell', ['cat'], 'typed');
      assert.deepEqual([out, code], ['typed', 0]);
      const hosts = await exec('shell', ['cat', '/etc/hosts']);
      assert.match(
        hosts.out,
        new RegExp(
          `^${pod.status?.podIP?.replaceAll('.', '\\.')}\tbusybox-1\\.sub\\.default\\.svc\\.cluster\\.local\tbusybox-1$`,
          'm',
        ),
      );
      const missing = await exec('shell', ['no-such-program']);
      assert.equal(missing.code, 127);
      const terminal = await exec('shell', ['sh', '-c', 'tty; stty size'], undefined, true);
      assert.match(terminal.out, /\/dev\/pts\/\d+\r\n40 100/);
      const followed = logOf('shell', { follow: true, tailLines: 1 });
      await remove('shell');
      assert.match(await followed, /bye/);
      await gone('shell');
    });

    test('can write neither the host nor a home, but its own /tmp and volumes', async () => {
      const homeFile = join(homedir() === '/nonexistent' ? tmpdir() : homedir(), `fairlead-test-${process.pid}`);
      const hostTmp = mkdtempSync(join(tmpdir(), 'fairlead-host-'));
      const script = [
        'echo in homes: $(ls -A /home /root 2>/dev/null | grep -cv -e :$ -e ^$)',
        'touch /fairlead-test-file && echo wrote-root',
        'touch /usr/fairlead-test-file && echo wrote-usr',
        `touch ${homeFile} 2>/dev/null; touch ${hostTmp}/x 2>/dev/null`,
        'mount -o remount,rw / 2>/dev/null && echo remounted',
        // to real root these are ordinary files
        'for path in /proc/sys/kernel/hostname /proc/irq/default_smp_affinity /proc/bus /proc/fs /proc/sysrq-trigger; do test -w $path && echo wrote $path; done',
        'touch /tmp/ok /data/new/ok /var/lib/fairlead/ok && echo private-ok',
        'cat /etc/config/greeting; echo',
        'id -u; echo $POD_IP $GREETING $(cat /secret/pw)',
      ].join('; ');
      await kubelets.client.create(
        configMaps,
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cm', namespace: 'default' }, data: { greeting: 'hello' } },
        { namespace: 'default' },
      );
      await kubelets.client.create(
        secrets,
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'sec', namespace: 'default' },
          data: { pw: Buffer.from('hush').toString('base64') },
        },
        { namespace: 'default' },
      );
      await create('careful', {
        restartPolicy: 'Never',
        volumes: [
          { name: 'data', emptyDir: {} },
          { name: 'config', configMap: { name: 'cm' } },
          { name: 'sec', secret: { secretName: 'sec' } },
        ],
        containers: [
          {
            name: 'c',
            command: ['sh', '-c', script],
            env: [
              { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
              { name: 'GREETING', valueFrom: { configMapKeyRef: { name: 'cm', key: 'greeting' } } },
            ],
            volumeMounts: [
              { name: 'data', mountPath: '/data/new' },
              { name: 'data', mountPath: '/var/lib/fairlead' },
              { name: 'config', mountPath: '/etc/config' },
              { name: 'sec', mountPath: '/secret' },
            ],
          },
        ],
      });
      const pod = await eventually('careful', ({ status }) => status?.phase === 'Succeeded' || status?.phase === 'Failed');
      const log = await logOf('careful');
      assert.doesNotMatch(log, /wrote|remounted/);
      assert.match(log, /^private-ok$/m, log);
      assert.match(log, /^hello$/m);
      assert.match(log, /^in homes: 0$/m, `the host's homes are not seen:\n${log}`);
      assert.match(log, new RegExp(`^${pod.status?.podIP ?? ''} hello hush$`, 'm'));
      for (const path of ['/fairlead-test-file', '/usr/fairlead-test-file', homeFile, join(hostTmp, 'x')])
        assert.equal(existsSync(path), false, path);
      rmSync(hostTmp, { recursive: true });
      await remove('careful');
      await gone('careful');
    });

    test('is restarted with back-off, and says why it waits', async () => {
      await create('crash', { containers: [{ name: 'c', command: ['sh', '-c', 'echo run; exit 3'] }] });
      const { status } = await eventually(
        'crash',
        (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff',
      );
      const [container] = status?.containerStatuses ?? [];
      assert.match(container?.state?.waiting?.message ?? '', /^back-off 10s restarting failed container=c pod=crash_default\(/);
      assert.equal(container?.lastState?.terminated?.exitCode, 3);
      assert.equal(container?.restartCount, 1);
      assert.equal(await logOf('crash', { previous: true }), 'run\n');
      await remove('crash', 0);
      await gone('crash');
    });

    test('that cannot run says why', async () => {
      await create('missing', { restartPolicy: 'Never', containers: [{ name: 'c', command: ['/no/such/program'] }] });
      const failed = await eventually('missing', ({ status }) => status?.phase === 'Failed');
      assert.equal(failed.status?.containerStatuses?.[0]?.state?.terminated?.reason, 'StartError');
      assert.match(failed.status.containerStatuses[0].state?.terminated?.message ?? '', /executable file not found/);
      await create('args', { containers: [{ name: 'c', image: 'redis', args: ['--port', '1'] }] });
      const waiting = await eventually(
        'args',
        ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
      );
      assert.match(waiting.status?.containerStatuses?.[0]?.state?.waiting?.message ?? '', /has args but no command/);
    });

    test('waits for a ConfigMap and starts when it is there', async () => {
      await create('late', {
        containers: [
          {
            name: 'c',
            command: ['sh', '-c', 'echo $A; exec sleep 100'],
            env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'later', key: 'a' } } }],
          },
        ],
      });
      const { status } = await eventually(
        'late',
        (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
      );
      assert.equal(status?.containerStatuses?.[0]?.state?.waiting?.message, 'configmap "later" not found');
      await kubelets.client.create(
        configMaps,
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'later', namespace: 'default' }, data: { a: 'now' } },
        { namespace: 'default' },
      );
      await eventually('late', isReady, 2000);
      await waitFor(async () => (await logOf('late')) === 'now\n');
    });

    test('runs init containers in order first', async () => {
      await create('staged', {
        volumes: [{ name: 'v', emptyDir: {} }],
        initContainers: [
          { name: 'one', command: ['sh', '-c', 'echo one >> /v/log'], volumeMounts: [{ name: 'v', mountPath: '/v' }] },
          { name: 'two', command: ['sh', '-c', 'echo two >> /v/log'], volumeMounts: [{ name: 'v', mountPath: '/v' }] },
        ],
        containers: [
          { name: 'c', command: ['sh', '-c', 'cat /v/log; exec sleep 100'], volumeMounts: [{ name: 'v', mountPath: '/v' }] },
        ],
      });
      await eventually('staged', isReady);
      await waitFor(async () => (await logOf('staged', { container: 'c' })) === 'one\ntwo\n');
    });

    test('is probed: ready when the probe says so, restarted when it is not alive', async () => {
      await create('probed', {
        containers: [
          {
            name: 'c',
            command: ['sh', '-c', 'touch /tmp/alive; sleep 100'],
            readinessProbe: { exec: { command: ['test', '-e', '/tmp/ready'] }, periodSeconds: 1 },
            livenessProbe: {
              exec: { command: ['test', '-e', '/tmp/alive'] },
              // on a busy machine the container takes a moment to its first line
              initialDelaySeconds: 2,
              periodSeconds: 1,
              failureThreshold: 1,
              terminationGracePeriodSeconds: 1,
            },
          },
        ],
      });
      await eventually('probed', ({ status }) => status?.containerStatuses?.[0]?.state?.running !== undefined);
      assert.equal(isReady(await get('probed')), false);
      await exec('probed', ['touch', '/tmp/ready']);
      await eventually('probed', isReady);
      await exec('probed', ['rm', '/tmp/alive']);
      await eventually('probed', ({ status }) => (status?.containerStatuses?.[0]?.restartCount ?? 0) >= 1);
    });

    test('is probed over HTTP from its node', async () => {
      await create('http', {
        containers: [
          {
            name: 'c',
            ports: [{ name: 'web', containerPort: 80 }],
            readinessProbe: { httpGet: { path: '/healthz', port: 'web' } },
          },
        ],
      });
      await eventually('http', isReady);
      await create('tcp', {
        containers: [
          { name: 'c', ports: [{ containerPort: 80 }], readinessProbe: { tcpSocket: { port: 81 }, periodSeconds: 1 } },
        ],
      });
      await eventually('tcp', ({ status }) => status?.phase === 'Running');
      await new Promise((resolve) => setTimeout(resolve, 1200));
      assert.equal(isReady(await get('tcp')), false);
    });

    test('leaves no process behind when it is killed', async () => {
      await create('busy', {
        containers: [{ name: 'c', command: ['sh', '-c', 'sleep 12345 & sleep 12345 & setsid sleep 12345 & wait'] }],
      });
      await eventually('busy', isReady);
      await waitFor(async () => countProcesses('12345') === 3 + 1);
      await remove('busy', 0);
      await gone('busy');
      await waitFor(async () => countProcesses('12345') === 0);
    });

    test('runs as the user it asks for, and may still use low ports', async () => {
      await create('user', {
        containers: [
          {
            name: 'c',
            command: ['sh', '-c', 'id -u; id -g; exec sleep 1000'],
            securityContext: { runAsUser: 1000, runAsGroup: 2000 },
          },
        ],
      });
      await eventually('user', isReady);
      await waitFor(async () => (await logOf('user')) === '1000\n2000\n');
      assert.equal((await exec('user', ['id', '-u'])).out, '1000\n');
      await remove('user', 0);
    });

    test('that ignores SIGTERM is killed when its grace is over', async () => {
      await create('stubborn', { terminationGracePeriodSeconds: 1, containers: [{ name: 'c', command: ['sleep', '1000'] }] });
      await eventually('stubborn', isReady);
      const startMs = Date.now();
      await remove('stubborn');
      await gone('stubborn', 4000);
      assert.ok(Date.now() - startMs > 900, 'it was not given its grace');
    });
  });
}
