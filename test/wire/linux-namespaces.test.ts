/** Namespaces made by the threads, wired together, with sockets inside them that the main thread uses. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import {
  LinuxError,
  MountThread,
  NamespaceThread,
  RouteSocket,
  isNoSuchThing,
  udpSocketFromFd,
  type NamespaceHandle,
} from '../../src/linux/index.ts';
import { mustParseCidr, mustParseIp } from '../../src/net/index.ts';
import { hasCode, silentLogger } from '../../src/observe/index.ts';
import { isInside } from './linux-harness.ts';

const execute = promisify(execFile);

if (isInside(import.meta.url)) {
  const thread = new NamespaceThread({}, { logger: silentLogger });
  const hostNamespace = readlinkSync('/proc/self/ns/net');
  before(() => thread.start());
  after(() => thread.stop());

  describe('two namespaces with a wire between them', () => {
    let left: NamespaceHandle;
    let right: NamespaceHandle;
    before(async () => {
      left = await thread.create('left');
      right = await thread.create('right');
      const route = new RouteSocket(await thread.openNetlink(left, 'route'));
      const other = new RouteSocket(await thread.openNetlink(right, 'route'));
      route.addVeth({ name: 'wire', peer: 'wire', peerNamespaceFd: right.fd });
      for (const [socket, number] of [
        [route, 1],
        [other, 2],
      ] as const) {
        socket.setUp('wire');
        socket.addAddress('wire', mustParseCidr(`10.7.0.${number}/24`));
        socket.addAddress('wire', mustParseCidr(`fd07::${number}/64`));
      }
      route.addRoute({ dst: mustParseCidr('10.8.0.0/16'), via: mustParseIp('10.7.0.2') });
      assert.equal(other.getLink('wire')?.isUp, true);
      assert.equal(other.getLink('eth0'), undefined);
      route.close();
      other.close();
    });
    after(() => {
      thread.close(left);
      thread.close(right);
    });

    test('the main thread stays where it was', () => {
      assert.equal(readlinkSync('/proc/self/ns/net'), hostNamespace);
      assert.notEqual(readlinkSync(left.path), hostNamespace);
      assert.equal(readlinkSync(left.path), `net:[${left.inode}]`);
    });

    for (const [from, to] of [
      ['10.7.0.1', '10.7.0.2'],
      ['fd07::1', 'fd07::2'],
    ] as const) {
      test(`TCP from ${from} to a server on ${to}`, async () => {
        const server = createServer((socket) => socket.end(`you are ${socket.remoteAddress}`));
        await thread.listenTcp(right, server, { address: to, port: 8080 });
        const socket = await thread.connectTcp(
          left,
          { address: to, port: 8080 },
          { bind: { address: from, port: 0 }, timeoutMs: 2000 },
        );
        const [data] = (await once(socket, 'data')) as [Buffer];
        assert.equal(data.toString(), `you are ${from}`);
        socket.destroy();
        server.close();
      });

      test(`UDP between ${from} and ${to}`, async () => {
        const a = await thread.openUdp(left, { bind: { address: from, port: 0 } });
        const b = await thread.openUdp(right, { bind: { address: to, port: 5353 } });
        b.on('message', (message, sender) => b.send(`echo ${message.toString()}`, sender.port, sender.address));
        a.send('ping', 5353, to);
        const [message] = (await once(a, 'message')) as [Buffer];
        assert.equal(message.toString(), 'echo ping');
        a.close();
        b.close();
      });
    }

    test('a refused, an unanswered and a cancelled connection reject', async () => {
      const closed = { address: '10.7.0.2', port: 1 };
      await assert.rejects(thread.connectTcp(left, closed), { code: 'ECONNREFUSED' });
      const silent = { address: '10.8.0.1', port: 1 };
      const other = new RouteSocket(await thread.openNetlink(right, 'route'));
      other.addRoute({ dst: mustParseCidr('10.8.0.0/16'), type: 'blackhole' });
      await thread.writeSysctl(right, 'net.ipv4.ip_forward', 1);
      await assert.rejects(thread.connectTcp(left, silent, { timeoutMs: 50 }), { code: 'ETIMEDOUT' });
      await assert.rejects(thread.connectTcp(left, silent, { signal: AbortSignal.abort(new Error('enough')) }), /enough/);
      other.close();
    });

    test('system calls that fail reject with their errno', async () => {
      await assert.rejects(
        thread.openSocket(left, { type: 'udp', bind: { address: '10.7.0.2', port: 53 } }),
        (error) =>
          error instanceof LinuxError && error.facts.code === 'EADDRNOTAVAIL' && error.message.includes('10.7.0.2 port 53'),
      );
      const fd = await thread.openSocket(left, { type: 'udp', bind: { address: '10.7.0.99', port: 53 }, freebind: true });
      const socket = await udpSocketFromFd(fd, 4);
      assert.equal(socket.address().address, '10.7.0.99');
      socket.close();
      await assert.rejects(thread.readSysctl(left, 'net.ipv4.nonsense'), isNoSuchThing);
      await assert.rejects(thread.writeSysctl(left, 'kernel.hostname', 'x'), /not a network setting/);
      await assert.rejects(thread.open('file', '/etc/passwd'), /is no network namespace/);
    });

    test('settings are those of the namespace', async () => {
      await thread.writeSysctl(left, 'net.ipv4.ip_forward', 1);
      assert.equal(await thread.readSysctl(left, 'net/ipv4/ip_forward'), '1');
      const third = await thread.create('third');
      assert.equal(await thread.readSysctl(third, 'net.ipv4.ip_forward'), '0');
      thread.close(third);
    });

    test('a program runs inside through the path of the handle', async () => {
      const { stdout } = await execute('nsenter', [`--net=${right.path}`, 'ip', '-br', 'address', 'show', 'wire']);
      assert.match(stdout, /10\.7\.0\.2\/24/);
    });
  });

  describe('the life of a namespace', () => {
    test('many come and go without leaving a descriptor', async () => {
      const threads = Array.from({ length: 8 }, () => new NamespaceThread({}, { logger: silentLogger }));
      const before = countFds();
      await Promise.all(threads.map((each) => each.start()));
      await Promise.all(
        threads.map(async (each, number) => {
          for (let round = 0; round < 10; round++) {
            const pair = [await each.create(`a${number}`), await each.create(`b${number}`)] as const;
            const route = new RouteSocket(await each.openNetlink(pair[0], 'route'));
            route.addVeth({ name: 'w', peer: 'w', peerNamespaceFd: pair[1].fd });
            const udp = await each.openUdp(pair[0]);
            udp.close();
            const server = createServer();
            await each.listenTcp(pair[0], server, { address: '127.0.0.1', port: 0 });
            server.close();
            route.close();
            for (const namespace of pair) each.close(namespace);
          }
        }),
      );
      await Promise.all(threads.map((each) => each.stop()));
      await until(
        () => countFds() <= before,
        () => `descriptors: ${before} before, ${countFds()} after: ${listFds()}`,
      );
    });

    test('a closed namespace is gone, with the veth that led into it', async () => {
      const stays = await thread.create('stays');
      const goes = await thread.create('goes');
      const route = new RouteSocket(await thread.openNetlink(stays, 'route'));
      route.addVeth({ name: 'w', peer: 'w', peerNamespaceFd: goes.fd });
      thread.close(goes);
      await until(
        () => route.getLink('w') === undefined,
        () => 'the veth is still there',
      );
      route.close();
      thread.close(stays);
    });

    test('requests after the end are refused', async () => {
      const brief = new NamespaceThread({}, { logger: silentLogger });
      await assert.rejects(brief.create('early'), /not running/);
      await brief.start();
      await brief.stop();
      await assert.rejects(brief.create('late'), /not running/);
    });
  });

  describe('mount namespaces', () => {
    const mounts = new MountThread({}, { logger: silentLogger });
    const folder = mkdtempSync('/tmp/fairlead-mounts-');
    before(() => mounts.start());
    after(async () => {
      await mounts.stop();
      rmSync(folder, { recursive: true });
    });

    test('a read-only tree with writable islands and a replaced file', async () => {
      const hosts = join(folder, 'hosts');
      writeFileSync(hosts, '10.0.0.1 from-the-cluster\n');
      const namespace = await mounts.create([
        { kind: 'read-only', path: '/' },
        { kind: 'bind', source: hosts, target: '/etc/hosts', readOnly: true },
        { kind: 'tmpfs', target: '/tmp', mode: 0o1777, sizeBytes: 1 << 20 },
        { kind: 'mkdir', path: '/tmp/work', mode: 0o700 },
        { kind: 'file', path: '/tmp/work/note', content: 'hello', mode: 0o600 },
        { kind: 'symlink', path: '/tmp/link', target: 'work/note' },
      ]);
      const inside = (script: string): string =>
        spawnSync('nsenter', [`--mount=${namespace.path}`, 'sh', '-c', `(${script}) 2>&1`], { encoding: 'utf8' }).stdout;
      assert.equal(inside('cat /etc/hosts'), '10.0.0.1 from-the-cluster\n');
      assert.match(inside('touch /fairlead-was-here'), /Read-only file system/);
      assert.match(inside('echo x >> /etc/hosts'), /Read-only file system/);
      assert.equal(inside('cat /tmp/link; stat -c %a /tmp/work; touch /tmp/mine && echo written'), 'hello700\nwritten\n');
      assert.ok(!existsSync('/tmp/mine'), 'the outer /tmp is another');
      assert.ok(existsSync(hosts), 'the main thread sees its own mounts');
      mounts.close(namespace);
    });

    test('a step that fails names itself and leaves nothing', async () => {
      const before = countFds();
      await assert.rejects(
        mounts.create([
          { kind: 'tmpfs', target: '/mnt' },
          { kind: 'bind', source: '/nowhere', target: '/mnt' },
        ]),
        (error) => hasCode(error, 'ENOENT') && error instanceof Error && error.message.includes('/nowhere'),
      );
      assert.equal(countFds(), before);
    });
  });
}

function countFds(): number {
  return readdirSync('/proc/self/fd').length;
}

function listFds(): string {
  return readdirSync('/proc/self/fd')
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch (error) {
        return String(error);
      }
    })
    .join(' ');
}

/** Waits for what the kernel or the event loop does a moment later. */
async function until(condition: () => boolean, complaint: () => string): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, complaint());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
