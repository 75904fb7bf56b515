/** Kubelets with a real API server, in a lab of two nodes: what pods do on the wire and to the host. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { configMaps, isNotFound, nodes, pods, secrets, services } from '../../src/api/index.ts';
import type { Container, Pod, PodSpec } from '../../src/api/index.ts';
import { startApiServer } from '../../src/apiserver/index.ts';
import type { ApiServer, NodeAccess } from '../../src/apiserver/index.ts';
import { SharedInformers, createClient } from '../../src/client/index.ts';
import type { ClosableKubeClient } from '../../src/client/index.ts';
import { Kubelet, PodAccess, SandboxHost } from '../../src/kubelet/index.ts';
import type { PodTarget } from '../../src/kubelet/index.ts';
import { Lab } from '../../src/lab/index.ts';
import type { Place } from '../../src/lab/index.ts';
import { RouteSocket, openNetlink } from '../../src/linux/index.ts';
import { createLogger } from '../../src/observe/index.ts';
import { isInside } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  const logger = createLogger('error');
  const lab = new Lab({}, { logger });
  const stopping = new AbortController();
  const kubelets = new Map<string, Kubelet>();
  let server: ApiServer;
  let client: ClosableKubeClient;
  let access: PodAccess;

  before(async () => {
    const own = new RouteSocket(openNetlink('route'));
    own.setUp('lo');
    own.close();
    await lab.start();
    server = await startApiServer({ port: 0 }, { logger });
    client = createClient({ server: server.url, caData: server.caPem, token: server.token }, { logger });
    const shared = new SharedInformers(client, { logger });
    const informers = {
      pods: shared.of(pods),
      nodes: shared.of(nodes),
      services: shared.of(services),
      configMaps: shared.of(configMaps),
      secrets: shared.of(secrets),
    };
    await shared.start(stopping.signal);
    const sandbox = new SandboxHost();
    const dns = { nameservers: ['10.96.0.10'], domain: 'cluster.local', hostResolvConf: '' };
    for (const name of ['node-1', 'node-2']) {
      const node = await lab.addNode({ name });
      const kubelet = new Kubelet(
        { nodeName: name, podCidrs: node.podCidrs, runtime: node, client, informers, dns, sandbox },
        { logger },
      );
      kubelets.set(name, kubelet);
      kubelet.start();
      await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name } });
    }
    access = new PodAccess({
      findKubelet: (name) => kubelets.get(name),
      dial: (address, port) => lab.controlPlane.dial({ address, port }),
    });
    server.setNodeAccess(access satisfies NodeAccess);
  });
  after(async () => {
    for (const kubelet of kubelets.values()) await kubelet.stop();
    stopping.abort();
    client.close();
    await server.close();
    await lab.close();
  });

  const create = (name: string, spec: Partial<PodSpec> & { containers: readonly Container[] }): Promise<Pod> => {
    // the API wants images, the lab does not read them
    const named = (containers: readonly Container[] = []): Container[] => containers.map((each) => ({ image: 'echo', ...each }));
    const { containers, initContainers } = spec;
    return client.create(
      pods,
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default' },
        spec: { nodeName: 'node-1', ...spec, containers: named(containers), initContainers: named(initContainers) },
      },
      { namespace: 'default' },
    );
  };
  const get = (name: string): Promise<Pod> => client.get(pods, name, { namespace: 'default' });
  const eventually = async (name: string, condition: (pod: Pod) => boolean, timeoutMs = 8000): Promise<Pod> => {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const pod = await get(name);
      if (condition(pod)) return pod;
      assert.ok(Date.now() < deadline, `pod ${name} did not get there: ${JSON.stringify(pod.status, undefined, 1)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const remove = async (name: string, gracePeriodSeconds?: number): Promise<void> => {
    await client.delete(pods, name, {
      namespace: 'default',
      body: gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds },
    });
  };
  const gone = async (name: string, timeoutMs = 8000): Promise<void> => {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      try {
        const pod = await get(name);
        assert.ok(Date.now() < deadline, `pod ${name} is still there: ${JSON.stringify(pod.status)}`);
      } catch (error) {
        if (isNotFound(error)) return;
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const logOf = async (name: string, over: Partial<Parameters<PodAccess['readLog']>[1]> = {}): Promise<string> => {
    const options = { container: '', follow: false, previous: false, timestamps: false, ...over };
    let text = '';
    for await (const chunk of access.readLog(targetOf(await get(name)), options, new AbortController().signal))
      text += Buffer.from(chunk).toString();
    return text;
  };
  const exec = async (
    name: string,
    command: readonly string[],
    input?: string,
    tty = false,
    container = '',
  ): Promise<{ code: number; out: string; err: string }> => {
    let out = '';
    let err = '';
    const code = await access.exec(
      targetOf(await get(name)),
      { container, command, tty, stdin: input !== undefined, stdout: true, stderr: true },
      {
        stdin: input === undefined ? undefined : chunks(input),
        writeStdout: async (chunk) => void (out += Buffer.from(chunk).toString()),
        writeStderr: async (chunk) => void (err += Buffer.from(chunk).toString()),
        resizes: sizes(),
        signal: new AbortController().signal,
      },
    );
    return { code, out, err };
  };

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
        client.patch(
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
      await client.create(
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
        'touch /fairlead-test-file && echo wrote-root',
        'touch /usr/fairlead-test-file && echo wrote-usr',
        `touch ${homeFile} 2>/dev/null; touch ${hostTmp}/x 2>/dev/null`,
        'mount -o remount,rw / 2>/dev/null && echo remounted',
        // to real root these are ordinary files
        'for path in /proc/sys/kernel/hostname /proc/irq/default_smp_affinity /proc/bus /proc/fs /proc/sysrq-trigger; do test -w $path && echo wrote $path; done',
        'touch /tmp/ok /data/new/ok /var/lib/fairlead/ok && echo private-ok',
        'cat /etc/config/greeting; ls /home /root',
        'id -u; echo $POD_IP $GREETING $(cat /secret/pw)',
      ].join('; ');
      await client.create(
        configMaps,
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cm', namespace: 'default' }, data: { greeting: 'hello' } },
        { namespace: 'default' },
      );
      await client.create(
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
      assert.match(log, /^hello/m);
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
      await client.create(
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

  test('hostNetwork shares the node, where a taken port is reported', async () => {
    await create('host-a', { hostNetwork: true, containers: [{ name: 'c', ports: [{ containerPort: 8055 }] }] });
    const pod = await eventually('host-a', isReady);
    assert.equal(pod.status?.podIP, '10.0.1.1');
    assert.match(await http(lab.outside, '10.0.1.1', 8055), /^pod host-a node node-1 client 10\.0\.9\.1/);
    await create('host-b', { hostNetwork: true, containers: [{ name: 'c', ports: [{ containerPort: 8055 }] }] });
    const other = await eventually(
      'host-b',
      ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff',
    );
    assert.match(other.status?.containerStatuses?.[0]?.lastState?.terminated?.message ?? '', /EADDRINUSE/);
  });

  test('nodes are ready', async () => {
    const node = await client.get(nodes, 'node-1');
    assert.equal(node.status?.conditions?.find(({ type }) => type === 'Ready')?.status, 'True');
    assert.deepEqual(node.status.addresses, [
      { type: 'InternalIP', address: '10.0.1.1' },
      { type: 'Hostname', address: 'node-1' },
    ]);
  });

  test('a hundred echo pods are ready soon, and gone soon', async (context) => {
    const names = Array.from({ length: 100 }, (_each, index) => `many-${index}`);
    const startMs = Date.now();
    await Promise.all(
      names.map((name, index) =>
        create(name, { nodeName: `node-${(index % 2) + 1}`, containers: [{ name: 'c', ports: [{ containerPort: 80 }] }] }),
      ),
    );
    await waitFor(async () => {
      const { items } = await client.list(pods, { namespace: 'default' });
      return items.filter((pod) => pod.metadata?.name?.startsWith('many-') === true && isReady(pod)).length === 100;
    }, 20_000);
    context.diagnostic(`100 echo pods ready in ${Date.now() - startMs} ms`);
    const stopMs = Date.now();
    await Promise.all(names.map((name) => remove(name)));
    for (const name of names) await gone(name, 20_000);
    await waitFor(async () => lab.node('node-1').site.routes.listLinks().length < 40);
    context.diagnostic(`100 echo pods gone in ${Date.now() - stopMs} ms`);
  });
}

function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

function targetOf(pod: Pod): PodTarget {
  return {
    namespace: 'default',
    name: pod.metadata?.name ?? '',
    uid: pod.metadata?.uid ?? '',
    nodeName: pod.spec?.nodeName ?? '',
  };
}

async function http(
  from: Place,
  address: string,
  port: number,
  path = '/',
  headers: Record<string, string> = {},
): Promise<string> {
  const socket = await from.dial({ address, port }, { timeoutMs: 2000 });
  return new Promise((resolve, reject) => {
    const call = request(
      { path, headers: { host: 'x', connection: 'close', ...headers }, createConnection: () => socket },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve(text));
      },
    );
    call.once('error', reject);
    call.end();
  });
}

async function waitFor(condition: () => Promise<boolean>, timeoutMs = 5000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, 'the condition did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Processes in this pid namespace whose command line has the word. */
function countProcesses(word: string): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'latin1');
      return line.includes(word) && !line.startsWith('/usr/bin/nsenter') && !line.includes('fairlead-container');
    } catch {
      return false; // it ended while we looked
    }
  }).length;
}

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

async function* sizes(): AsyncGenerator<{ readonly columns: number; readonly rows: number }> {
  yield { columns: 100, rows: 40 };
}
