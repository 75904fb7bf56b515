/** `fairlead agent` on a node of its own: this process's network namespace is the node, the embedded API is its API server. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { endpointSlices, nodes, services } from '../../src/api/index.ts';
import { startApiServer } from '../../src/apiserver/index.ts';
import type { ApiServer } from '../../src/apiserver/index.ts';
import { createClient, parseKubeconfig } from '../../src/client/index.ts';
import { NamespaceThread, Nftables, openNetlink, RouteSocket } from '../../src/linux/index.ts';
import type { NamespaceHandle } from '../../src/linux/index.ts';
import { mustParseCidr, mustParseIp } from '../../src/net/index.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { isInside } from './linux-harness.ts';

const program = fileURLToPath(new URL('../../bin/fairlead.js', import.meta.url));

if (isInside(import.meta.url)) {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-agent-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const thread = new NamespaceThread({}, { logger: silentLogger });
  const started: Agent[] = [];
  let api: ApiServer;
  let client: ReturnType<typeof createClient>;
  let pod: NamespaceHandle;
  let outside: NamespaceHandle;

  before(async () => {
    await thread.start();
    const routes = new RouteSocket(openNetlink('route'));
    routes.setUp('lo');
    [pod, outside] = await Promise.all([
      connect(routes, 'pod0', '10.244.1.1/24', '10.244.1.2/24'),
      connect(routes, 'out0', '10.0.1.1/16', '10.0.9.1/16'),
    ]);
    routes.addAddress('out0', mustParseCidr('10.0.1.77/16'));
    routes.close();
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
    const echo = createServer((socket) => socket.on('error', () => undefined).end(`pod ${socket.remoteAddress ?? ''}`));
    await thread.listenTcp(pod, echo, { address: '10.244.1.2', port: 8080 });
    api = await startApi(0);
    writeFileSync(kubeconfig, api.kubeconfigText);
    client = createClient(parseKubeconfig(api.kubeconfigText), { logger: silentLogger });
    await client.create(nodes, {
      metadata: { name: 'this-node' },
      spec: { podCIDRs: ['10.244.1.0/24'] },
    });
    await client.patch(
      nodes,
      'this-node',
      'merge',
      { status: { addresses: [{ type: 'InternalIP', address: '10.0.1.1' }] } },
      { subresource: 'status' },
    );
    await client.create(
      services,
      { metadata: { name: 'web' }, spec: { type: 'NodePort', clusterIP: '10.96.1.1', ports: [{ port: 80, nodePort: 30_080 }] } },
      { namespace: 'default' },
    );
    await client.create(
      endpointSlices,
      {
        metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        ports: [{ name: '', protocol: 'TCP', port: 8080 }],
        endpoints: [{ addresses: ['10.244.1.2'], nodeName: 'this-node', conditions: { ready: true } }],
      },
      { namespace: 'default' },
    );
  });
  after(async () => {
    for (const agent of started) agent.child.kill('SIGKILL');
    client.close();
    await api.close();
    await thread.stop();
    rmSync(folder, { recursive: true });
  });

  /** With the objects and the certificates that it had before. */
  function startApi(port: number): Promise<ApiServer> {
    const dataDir = join(folder, 'data');
    return startApiServer({ host: '127.0.0.1', port, serviceCidrs: ['10.96.0.0/16'], dataDir }, { logger: silentLogger });
  }

  /** A namespace on a link of its own; its default route is the node. */
  async function connect(routes: RouteSocket, name: string, own: string, other: string): Promise<NamespaceHandle> {
    const namespace = await thread.create(name);
    routes.addVeth({ name, peer: 'eth0', peerNamespaceFd: namespace.fd });
    routes.setUp(name);
    routes.addAddress(name, mustParseCidr(own));
    const inner = new RouteSocket(await thread.openNetlink(namespace, 'route'));
    inner.setUp('eth0');
    inner.addAddress('eth0', mustParseCidr(other));
    inner.addRoute({ family: 'IPv4', via: mustParseIp(own.split('/')[0] ?? '') });
    inner.close();
    return namespace;
  }

  async function ask(from: NamespaceHandle, address: string, port: number): Promise<string> {
    try {
      const socket = await thread.connectTcp(from, { address, port }, { timeoutMs: 500 });
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      return text.replace('::ffff:', '');
    } catch {
      return 'nobody';
    }
  }

  interface Agent {
    readonly child: ChildProcess;
    /** What it has said so far. */
    said(): string;
  }

  /** Starts the command and waits until it says that it is ready. */
  async function start(...flags: readonly string[]): Promise<Agent> {
    const child = spawn(
      process.execPath,
      [program, 'agent', '--kubeconfig', kubeconfig, '--node-name', 'this-node', '--log-level', 'info', ...flags],
      { stdio: ['ignore', 'inherit', 'pipe'] },
    );
    let text = '';
    child.stderr?.on('data', (chunk: Buffer) => (text += chunk.toString()));
    const agent = { child, said: () => text };
    started.push(agent);
    const deadline = performance.now() + 15_000;
    while (!text.includes('ready:')) {
      assert.ok(performance.now() < deadline && child.exitCode === null, `it did not start:\n${text}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return agent;
  }

  async function stop({ child }: Agent): Promise<void> {
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];
    assert.equal(code, 0);
  }

  function fetchOwn(port: number, path: string): Promise<{ status: number | undefined; body: string }> {
    return new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode, body }));
      }).on('error', reject);
    });
  }

  const tables = (): string[] => {
    const nftables = new Nftables(openNetlink('netfilter'));
    const found = nftables.dumpTables().map(({ family, name }) => `${family} ${name}`);
    nftables.close();
    return found.sort();
  };

  describe('the agent as a command', () => {
    test('D37: serves from the start, keeps its table when it stops, and adopts it when it comes back', async () => {
      const first = await start();
      assert.equal(await ask(pod, '10.96.1.1', 80), 'pod 10.244.1.1');
      assert.equal(await ask(outside, '10.0.1.1', 30_080), 'pod 10.244.1.1');
      assert.equal((await fetchOwn(10_256, '/healthz')).status, 200);
      assert.match(
        (await fetchOwn(10_249, '/metrics')).body,
        /^kubeproxy_sync_proxy_rules_duration_seconds_count\{ip_family="IPv4"\} [1-9]/m,
      );
      assert.match((await fetchOwn(10_249, '/debug/routes?service=default/web')).body, /10\.244\.1\.2/);
      await stop(first);
      assert.deepEqual(tables(), ['ip fairlead', 'ip6 fairlead']);
      assert.equal(await ask(outside, '10.0.1.1', 30_080), 'pod 10.244.1.1', 'served without an agent');
      await client.patch(endpointSlices, 'web-1', 'merge', { endpoints: [] }, { namespace: 'default' });
      const second = await start();
      assert.match(second.said(), /"kind":"adopted"/);
      assert.equal(await ask(outside, '10.0.1.1', 30_080), 'nobody');
      await client.patch(
        endpointSlices,
        'web-1',
        'merge',
        { endpoints: [{ addresses: ['10.244.1.2'], conditions: { ready: true } }] },
        { namespace: 'default' },
      );
      const deadline = performance.now() + 5000;
      while ((await ask(outside, '10.0.1.1', 30_080)) === 'nobody') assert.ok(performance.now() < deadline, 'never served');
      await stop(second);
    });

    test('D37: while the API server is away everything is served as before, and what changes once it is back is followed', async () => {
      const agent = await start();
      const { port } = api;
      await api.close();
      assert.equal(await ask(outside, '10.0.1.1', 30_080), 'pod 10.244.1.1');
      assert.equal((await fetchOwn(10_256, '/healthz')).status, 200);
      api = await startApi(port);
      const set = (endpoints: readonly object[]): Promise<unknown> =>
        client.patch(endpointSlices, 'web-1', 'merge', { endpoints }, { namespace: 'default' });
      for (const [endpoints, want] of [
        [[], 'nobody'],
        [[{ addresses: ['10.244.1.2'], conditions: { ready: true } }], 'pod 10.244.1.1'],
      ] as const) {
        await set(endpoints);
        const deadline = performance.now() + 15_000;
        while ((await ask(outside, '10.0.1.1', 30_080)) !== want) assert.ok(performance.now() < deadline, `never ${want}`);
      }
      await stop(agent);
    });

    test('D7: node ports answer on the addresses that the file names, and follow what links bear', async () => {
      const config = join(folder, 'config.yaml');
      writeFileSync(
        config,
        'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nnodePortAddresses: [10.0.0.0/16]\n' +
          'healthzBindAddress: 127.0.0.1:20256\nmetricsBindAddress: 127.0.0.1:20249\n',
      );
      const agent = await start('--config', config);
      const served = async (address: string): Promise<boolean> => (await ask(outside, address, 30_080)) !== 'nobody';
      assert.deepEqual([await served('10.0.1.1'), await served('10.0.1.77'), await served('10.244.1.1')], [true, true, false]);
      const routes = new RouteSocket(openNetlink('route'));
      const until = async (address: string, want: boolean): Promise<void> => {
        const deadline = performance.now() + 3000;
        while ((await served(address)) !== want) assert.ok(performance.now() < deadline, `${address} is not ${String(want)}`);
      };
      routes.addAddress('out0', mustParseCidr('10.0.1.99/16'));
      await until('10.0.1.99', true);
      routes.deleteAddress('out0', mustParseCidr('10.0.1.99/16'));
      routes.deleteAddress('out0', mustParseCidr('10.0.1.77/16'));
      await until('10.0.1.77', false);
      routes.close();
      assert.equal((await fetchOwn(20_256, '/livez')).status, 200);
      assert.equal((await fetchOwn(20_249, '/proxyMode')).body, 'nftables');
      await stop(agent);
    });

    test('a file with faults is refused, each with its place', () => {
      const config = join(folder, 'wrong.yaml');
      writeFileSync(
        config,
        'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: ipvs\noomScoreAdj: -999\n',
      );
      const { status, stderr } = run('--config', config);
      assert.equal(status, 1);
      assert.match(stderr, /wrong\.yaml:3:\d+: mode: the agent works as mode nftables does; "ipvs" is not available/);
      assert.match(stderr, /wrong\.yaml:4:\d+: oomScoreAdj: not supported/);
    });

    test('a port that is taken, and no rights, are one sentence each', async () => {
      const other = createServer().listen(20_300, '127.0.0.1');
      await once(other, 'listening');
      const taken = run('--metrics-bind-address', '127.0.0.1:20300');
      other.close();
      assert.equal(taken.status, 1);
      assert.match(taken.stderr, /^fairlead: cannot listen: .*is kube-proxy still running\?/m);
      const poor = spawnSync(
        'setpriv',
        ['--bounding-set=-net_admin', '--inh-caps=-net_admin', process.execPath, program, 'agent', '--kubeconfig', kubeconfig],
        { encoding: 'utf8' },
      );
      assert.equal(poor.status, 1);
      assert.match(poor.stderr, /^fairlead: the agent may not change nftables here: run it as root, or with CAP_NET_ADMIN/m);
    });

    test('--cleanup removes the tables and says so', () => {
      assert.match(run('--cleanup').stderr, /removed table fairlead: ip, ip6/);
      assert.deepEqual(tables(), []);
      assert.match(run('--cleanup').stderr, /there was no table/);
    });
  });

  /** Runs the command to its end. */
  function run(...flags: readonly string[]): { readonly status: number | null; readonly stderr: string } {
    return spawnSync(process.execPath, [program, 'agent', '--kubeconfig', kubeconfig, '--node-name', 'this-node', ...flags], {
      encoding: 'utf8',
      timeout: 20_000,
    });
  }
}
