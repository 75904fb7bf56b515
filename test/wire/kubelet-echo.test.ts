/** Pods without a command: who they say they are, on the wire, until they end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { configMaps, pods } from '../../src/api/index.ts';
import type { Pod } from '../../src/api/index.ts';
import { countProcesses, http, isReady, waitFor, useKubelets } from './kubelet-harness.ts';
import { isInside } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  const kubelets = useKubelets();
  const { create, eventually, exec, get, gone, lab, remove } = kubelets;

  describe('a pod without a command', () => {
    before(async () => {
      await create('web-0', { containers: [{ name: 'web', image: 'nginx', ports: [{ containerPort: 9376 }] }] });
      await create('web-1', {
        nodeName: 'node-2',
        containers: [{ name: 'web', image: 'nginx', ports: [{ containerPort: 9376 }] }],
      });
      await eventually('web-0', isReady);
      await eventually('web-1', isReady);
    });

    test('gets an address of its node and a full status', async () => {
      const { status } = await get('web-0');
      assert.equal(status?.phase, 'Running');
      assert.equal(status.podIP, '10.244.1.2');
      assert.equal(status.hostIP, '10.0.1.1');
      assert.equal(status.containerStatuses?.[0]?.started, true);
      assert.ok(status.containerStatuses[0].state?.running?.startedAt);
      assert.deepEqual(status.conditions?.map(({ type, status: value }) => `${type}=${value}`).sort(), [
        'ContainersReady=True',
        'Initialized=True',
        'PodReadyToStartContainers=True',
        'PodScheduled=True',
        'Ready=True',
      ]);
    });

    test('answers HTTP across nodes with who it is and whom it saw', async () => {
      const from = lab.place('pod/default/web-1');
      assert.equal(await http(from, '10.244.1.2', 9376), 'pod web-0 node node-1 client 10.244.2.2\n');
      const answer: unknown = JSON.parse(await http(from, '10.244.1.2', 9376, '/x', { accept: 'application/json' }));
      assert.equal((answer as { client: string }).client, '10.244.2.2');
      assert.equal(await http(from, '10.244.1.2', 9376, '/hostname'), 'web-0');
    });

    test('echoes plain TCP after naming itself', async () => {
      const socket = await lab.place('pod/default/web-1').dial({ address: '10.244.1.2', port: 9376 });
      socket.end('hello');
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      assert.equal(text, 'pod web-0 node node-1 client 10.244.2.2\nhello');
    });

    test('answers UDP', async () => {
      const socket = await lab.place('pod/default/web-1').openUdp({ address: '0.0.0.0', port: 0 });
      socket.send('hostname', 9376, '10.244.1.2');
      const [answer] = (await once(socket, 'message')) as [Buffer];
      socket.close();
      assert.equal(answer.toString(), 'web-0');
    });

    test('is held unready by annotation, and let go', async () => {
      const annotate = (value: string | null): Promise<Pod> =>
        kubelets.client.patch(
          pods,
          'web-0',
          'merge',
          { metadata: { annotations: { 'fairlead.dev/ready': value } } },
          { namespace: 'default' },
        );
      await annotate('false');
      await eventually('web-0', (pod) => !isReady(pod));
      assert.equal(await http(lab.place('pod/default/web-1'), '10.244.1.2', 9376, '/hostname'), 'web-0');
      await annotate(null);
      await eventually('web-0', isReady);
    });

    test('waits for the ConfigMap of its volume as a real container would', async () => {
      const spec = {
        containers: [{ name: 'c', ports: [{ containerPort: 80 }], volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
        volumes: [{ name: 'v', configMap: { name: 'pages' } }],
      };
      await create('with-volume', spec);
      const { status } = await eventually(
        'with-volume',
        (pod) => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
      );
      assert.equal(status?.containerStatuses?.[0]?.state?.waiting?.message, 'configmap "pages" not found');
      await kubelets.client.create(
        configMaps,
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'pages', namespace: 'default' }, data: { a: 'now' } },
        { namespace: 'default' },
      );
      await eventually('with-volume', isReady, 2000);
    });

    test('lets commands run in its place', async () => {
      const { code, out } = await exec('web-0', [
        'sh',
        '-c',
        'hostname; cat /etc/resolv.conf; echo $KUBERNETES_SERVICE_HOST; exit 7',
      ]);
      assert.equal(code, 7);
      assert.match(out, /^web-0\n/);
      assert.match(out, /^search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local$/m);
      assert.match(out, /^nameserver 10\.96\.0\.10$/m);
      assert.match(out, /^10\.96\.0\.1$/m);
      const missing = await exec('web-0', ['no-such-program', 'x']);
      assert.deepEqual(missing, { code: 127, out: '', err: 'exec: "no-such-program": executable file not found in $PATH\n' });
    });

    test('keeps what commands leave in its /tmp, for itself and as long as it lives', async () => {
      await create('keeper', {
        containers: ['a', 'b'].map((name, index) => ({ name, ports: [{ containerPort: 8080 + index }] })),
      });
      await eventually('keeper', isReady);
      const inContainer = (container: string, script: string): ReturnType<typeof exec> =>
        exec('keeper', ['sh', '-c', script], undefined, false, container);
      const before = countProcesses('sleep');
      await inContainer('a', 'echo kept > /tmp/x; mkfifo /dev/shm/y');
      assert.equal((await inContainer('a', 'cat /tmp/x; ls /dev/shm')).out, 'kept\ny\n');
      assert.equal((await inContainer('b', 'ls /tmp')).out, '');
      assert.ok(!existsSync('/tmp/x'));
      assert.ok(countProcesses('sleep') > before, 'its sandboxes are seen');
      await remove('keeper', 0);
      await gone('keeper');
      await waitFor(async () => countProcesses('sleep') === before);
    });

    test('goes on serving while it ends, and finishes what is open', async () => {
      const from = lab.place('pod/default/web-1');
      await create('last', { containers: [{ name: 'web', ports: [{ containerPort: 80 }] }] });
      const { status } = await eventually('last', isReady);
      const address = status?.podIP ?? '';
      const held = await from.dial({ address, port: 80 });
      held.write('x');
      await once(held, 'data');
      await remove('last');
      await eventually('last', (pod) => pod.metadata?.deletionTimestamp !== undefined);
      assert.equal(await http(from, address, 80, '/hostname'), 'last', 'new connections during the drain');
      await new Promise((resolve) => setTimeout(resolve, 1500));
      assert.ok(isReady(await get('last')), 'serving until the end');
      await assert.rejects(from.dial({ address, port: 80 }, { timeoutMs: 500 }));
      held.write('still');
      assert.equal(String((await once(held, 'data'))[0]), 'still');
      held.end();
      await gone('last', 2000);
    });
  });
}
