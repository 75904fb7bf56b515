/** The lab on the wire: nodes, pods, the outside world, links, load balancers. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { Server as HttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Lab } from '../../src/lab/index.ts';
import type { Place } from '../../src/lab/index.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { isInside } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  const lab = new Lab({ ipFamilies: ['IPv4', 'IPv6'] }, { logger: silentLogger });
  let a: Place;
  let b: Place;
  let c: Place;
  before(async () => {
    await lab.start();
    const one = await lab.addNode({ name: 'node-1' });
    const two = await lab.addNode({ name: 'node-2' });
    const pod = (id: string, addresses: string[]): Parameters<typeof one.addPod>[0] => ({
      id,
      name: `ns/${id}`,
      addresses,
      hostNetwork: false,
    });
    a = await one.addPod(pod('a', ['10.244.1.2', 'fd00:10:244:1::2']));
    b = await one.addPod(pod('b', ['10.244.1.3', 'fd00:10:244:1::3']));
    c = await two.addPod(pod('c', ['10.244.2.2', 'fd00:10:244:2::2']));
    for (const place of [a, b, c]) await serveClientAddress(place, 9376);
  });
  after(() => lab.close());

  describe('pods reach each other under their own addresses', () => {
    const ways: readonly { name: string; from: () => Place; to: () => Place; index: number }[] = [
      { name: 'on one node', from: () => a, to: () => b, index: 0 },
      { name: 'across nodes', from: () => a, to: () => c, index: 0 },
      { name: 'on one node, IPv6', from: () => a, to: () => b, index: 1 },
      { name: 'across nodes, IPv6', from: () => a, to: () => c, index: 1 },
    ];
    for (const { name, from, to, index } of ways) {
      test(name, async () => {
        assert.equal(await ask(from(), to().addresses[index] ?? '', 9376), from().addresses[index]);
      });
    }
    test('over UDP', async () => {
      const server = await c.openUdp({ address: '0.0.0.0', port: 5353 });
      server.on('message', (_message, remote) => server.send(remote.address, remote.port, remote.address));
      const client = await a.openUdp({ address: '0.0.0.0', port: 0 });
      client.send('?', 5353, '10.244.2.2');
      const [answer] = (await once(client, 'message')) as [Buffer];
      assert.equal(answer.toString(), '10.244.1.2');
      client.close();
      server.close();
    });
  });

  test('a node reaches pods, its own and others, under its own address', async () => {
    const node = lab.place('node/node-1');
    assert.equal(await ask(node, '10.244.1.2', 9376), '10.0.1.1');
    assert.equal(await ask(node, '10.244.2.2', 9376), '10.0.1.1');
    assert.equal(await ask(node, 'fd00:10:244:2::2', 9376), 'fd00::1:0:0:1:1');
  });

  test('outside reaches nodes and the control plane, and is reached by pods, but does not reach pods', async () => {
    await serveClientAddress(lab.place('node/node-2'), 8000);
    await serveClientAddress(lab.controlPlane, 6443);
    await serveClientAddress(lab.outside, 7000);
    assert.equal(await ask(lab.outside, '10.0.1.2', 8000, '10.0.9.7'), '10.0.9.7');
    assert.equal(await ask(lab.outside, '10.0.1.2', 8000), '10.0.9.1');
    assert.equal(await ask(lab.outside, 'fd00:0:0:1::1:2', 8000), 'fd00::1:0:0:9:1');
    assert.equal(await ask(a, '10.0.9.3', 7000), '10.244.1.2');
    assert.equal(await ask(a, 'fd00:0:0:1::9:3', 7000), 'fd00:10:244:1::2');
    assert.equal(await ask(a, '10.0.0.1', 6443), '10.244.1.2');
    await assert.rejects(ask(lab.outside, '10.244.1.2', 9376));
  });

  test('what nobody has is unreachable at once, not after a timeout', async () => {
    const startMs = Date.now();
    await assert.rejects(ask(a, '192.0.2.1', 80));
    assert.ok(Date.now() - startMs < 2000, 'the answer came late');
  });

  test('a cut link loses packets both ways until it is healed', async () => {
    lab.cutLink('node-1', 'node-2');
    await assert.rejects(ask(a, '10.244.2.2', 9376, undefined, 300));
    await assert.rejects(ask(c, '10.244.1.2', 9376, undefined, 300));
    assert.equal(await ask(a, '10.244.1.3', 9376), '10.244.1.2');
    lab.healLink('node-1', 'node-2');
    assert.equal(await ask(a, '10.244.2.2', 9376), '10.244.1.2');
  });

  test('a stopped node is away with its pods, and comes back', async () => {
    lab.stopNode('node-2');
    await assert.rejects(ask(a, '10.244.2.2', 9376, undefined, 300));
    lab.startNode('node-2');
    assert.equal(await ask(a, '10.244.2.2', 9376), '10.244.1.2');
  });

  test('nsenter finds a pod by its path', () => {
    const result = spawnSync('nsenter', [`--net=${a.namespacePath}`, '--', 'cat', '/proc/net/fib_trie'], { encoding: 'utf8' });
    assert.match(result.stdout, /10\.244\.1\.2/, result.stderr);
  });

  test('places are found by name; unknown ones are named', () => {
    assert.equal(lab.place('pod/ns/c'), c);
    assert.throws(() => lab.place('pod/ns/zzz'), /there is no place pod\/ns\/zzz/);
    assert.throws(() => lab.place('node/zzz'), /there is no node zzz/);
  });

  describe('a load balancer', () => {
    const address = '10.0.8.5';
    const address6 = 'fd00:0:0:8::5';
    const health = new Map<string, { server: HttpServer; status: number }>();
    before(async () => {
      for (const name of ['node-1', 'node-2']) {
        const place = lab.place(`node/${name}`);
        const entry = { status: 200, server: createHttpServer((_request, response) => response.writeHead(entry.status).end()) };
        health.set(name, entry);
        await place.listenTcp(entry.server, { address: '0.0.0.0', port: 30088 });
        // stands in for the agent: the node takes the address itself
        const netlink = await place.openNetlink('route');
        const { RouteSocket } = await import('../../src/linux/index.ts');
        const { mustParseCidr } = await import('../../src/net/index.ts');
        const routes = new RouteSocket(netlink);
        routes.addAddress('lo', mustParseCidr(`${address}/32`));
        routes.addAddress('lo', mustParseCidr(`${address6}/128`));
        routes.close();
        await serveName(place, name, 80);
      }
    });
    after(() => {
      for (const { server } of health.values()) server.close();
    });

    test('without a health check spreads over all nodes', async () => {
      lab.setLoadBalancer({ address });
      const seen = new Set<string>();
      for (let count = 0; count < 40; count++) seen.add(await hear(lab.outside, address, 80));
      assert.deepEqual([...seen].sort(), ['node-1', 'node-2']);
    });

    test('spreads IPv6 connections too', async () => {
      lab.setLoadBalancer({ address: address6 });
      const seen = new Set<string>();
      for (let count = 0; count < 40; count++) seen.add(await hear(lab.outside, address6, 80));
      assert.deepEqual([...seen].sort(), ['node-1', 'node-2']);
      lab.setLoadBalancer({ address: address6, nodes: ['node-2'] });
      for (let count = 0; count < 5; count++) assert.equal(await hear(lab.outside, address6, 80), 'node-2');
      lab.removeLoadBalancer(address6);
    });

    test('follows health checks for new connections and leaves established ones where they are', async () => {
      const setStatus = (name: string, status: number): void => {
        const entry = health.get(name);
        if (entry !== undefined) entry.status = status;
      };
      setStatus('node-2', 503);
      lab.setLoadBalancer({ address, healthCheckNodePort: 30088 });
      await until(() => lab.loadBalancerTargets(address).join() === 'node-1');
      const held = await lab.outside.dial({ address, port: 80 });
      assert.equal(await nextText(held), 'node-1');
      setStatus('node-2', 200);
      await until(() => lab.loadBalancerTargets(address).length === 2);
      setStatus('node-1', 503);
      await until(() => lab.loadBalancerTargets(address).join() === 'node-2');
      for (let count = 0; count < 10; count++) assert.equal(await hear(lab.outside, address, 80), 'node-2');
      held.write('still there?');
      assert.equal(await nextText(held), 'node-1');
      held.destroy();
    });

    test('with no healthy node keeps clients waiting, and serves them when one is back', async () => {
      for (const entry of health.values()) entry.status = 503;
      await until(() => lab.loadBalancerTargets(address).length === 0);
      const waiting = hear(lab.outside, address, 80, 5000);
      for (const entry of health.values()) entry.status = 200;
      assert.match(await waiting, /^node-[12]$/);
      lab.removeLoadBalancer(address);
      assert.deepEqual(lab.loadBalancerTargets(address), []);
    });
  });

  test('a removed node is forgotten, and its name can be used again', async () => {
    await lab.removeNode('node-2');
    await assert.rejects(ask(a, '10.244.2.2', 9376, undefined, 1000));
    const again = await lab.addNode({ name: 'node-2' });
    const pod = await again.addPod({ id: 'd', name: 'ns/d', addresses: ['10.244.2.9'], hostNetwork: false });
    await serveClientAddress(pod, 9376);
    assert.equal(await ask(a, '10.244.2.9', 9376), '10.244.1.2');
  });

  test("a node that wants the pods of another is refused and in nobody's way", async () => {
    await assert.rejects(lab.addNode({ name: 'greedy', podCidrs: ['10.244.1.0/24'] }), /node-1 has addresses of it/);
    await assert.rejects(lab.addNode({ name: 'greedy', podCidrs: ['10.244.1.0/24'] }), /node-1 has addresses of it/);
    const third = await lab.addNode({ name: 'node-3' });
    assert.equal(third.podCidrs[0], '10.244.3.0/24');
    const pod = await third.addPod({ id: 'e', name: 'ns/e', addresses: ['10.244.3.2'], hostNetwork: false });
    await serveClientAddress(pod, 9376);
    assert.equal(await ask(a, '10.244.3.2', 9376), '10.244.1.2');
    await lab.removeNode('node-3');
  });
}

/** Answers each connection with the address it came from. */
async function serveClientAddress(place: Place, port: number): Promise<void> {
  const server = createServer((socket) => socket.end((socket.remoteAddress ?? '').replace('::ffff:', '')));
  server.unref();
  await place.listenTcp(server, { address: '::', port });
}

/** Answers each connection, and each piece of text, with a name. */
async function serveName(place: Place, name: string, port: number): Promise<void> {
  const server = createServer((socket) => {
    socket.write(name);
    socket.on('data', () => socket.write(name));
    socket.on('error', () => socket.destroy());
  });
  server.unref();
  await place.listenTcp(server, { address: '::', port });
}

async function ask(from: Place, address: string, port: number, source?: string, timeoutMs = 3000): Promise<string> {
  const bind = source === undefined ? undefined : { address: source, port: 0 };
  const socket = await from.dial({ address, port }, { bind, timeoutMs });
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

async function hear(from: Place, address: string, port: number, timeoutMs = 3000): Promise<string> {
  const socket = await from.dial({ address, port }, { timeoutMs });
  const text = await nextText(socket);
  socket.destroy();
  return text;
}

async function nextText(socket: Socket): Promise<string> {
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString();
}

async function until(condition: () => boolean, timeoutMs = 3000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!condition()) {
    assert.ok(Date.now() < deadline, 'the condition did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
