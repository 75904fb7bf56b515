/** Notifications of nftables, and connection tracking entries of real connections. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import {
  Conntrack,
  NamespaceThread,
  NftBatch,
  NftMonitor,
  Nftables,
  RouteSocket,
  be16Bytes,
  concatenate,
  hostU32Bytes,
  nft,
  type NamespaceHandle,
  type NetlinkSocket,
  type NftEvent,
  type NftTable,
} from '../../src/linux/index.ts';
import { libc } from '../../src/linux/libc.ts';
import { formatIp, mustParseCidr, mustParseIp } from '../../src/net/index.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { hasProgram, isInside, run } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  const atStart = inheritedFds();
  const thread = new NamespaceThread({}, { logger: silentLogger });
  before(() => thread.start());
  after(() => thread.stop());

  describe('notifications', () => {
    let namespace: NamespaceHandle;
    let nftables: Nftables;
    let monitor: NftMonitor;
    let socket: NetlinkSocket;
    const events: NftEvent[] = [];
    const table: NftTable = { family: 'ip', name: 'watched' };
    before(async () => {
      namespace = await thread.create('watched');
      nftables = new Nftables(await thread.openNetlink(namespace, 'netfilter'));
      socket = await thread.openNetlink(namespace, 'netfilter');
      monitor = new NftMonitor({ socket, onEvent: (event) => events.push(event) }, { logger: silentLogger });
    });
    after(async () => {
      await monitor.close();
      nftables.close();
      thread.close(namespace);
    });

    const commit = (fill: (batch: NftBatch) => void): void => {
      const batch = new NftBatch();
      fill(batch);
      nftables.commit(batch);
    };
    const nextGeneration = async (): Promise<NftEvent[]> => {
      await until(() => events.some((event) => event.kind !== 'change'), 'no generation');
      return events.splice(0);
    };

    test('a commit of ours is told object by object, then with its generation and our process', async () => {
      commit((batch) => {
        batch.addTable(table);
        batch.addSet(table, { name: 'rows', key: ['inet_service'] });
        batch.addElements(table, 'rows', [{ key: be16Bytes(1) }, { key: be16Bytes(2) }, { key: be16Bytes(3) }]);
        batch.addChain(table, { name: 'chain' });
        batch.addRule(table, 'chain', [nft.verdict({ kind: 'drop' })]);
      });
      const seen = await nextGeneration();
      const told = seen.map((event) => (event.kind === 'change' ? `${event.action} ${event.object} ${event.name}` : event.kind));
      assert.deepEqual(told, [
        'new table watched',
        'new set rows',
        'new elements rows',
        'new chain chain',
        'new rule chain',
        'generation',
      ]);
      const last = seen.at(-1);
      assert.ok(last?.kind === 'generation');
      assert.equal(last.generation.id, nftables.getGeneration().id);
      assert.equal(last.generation.processId, nftables.ownProcessId());
    });

    test('the doings of another process are told apart', hasProgram('nft') ? {} : { skip: 'nft is not installed' }, async () => {
      run('nsenter', `--net=${namespace.path}`, 'nft', 'delete', 'element', 'ip', 'watched', 'rows', '{ 2 }');
      const [change, generation] = await nextGeneration();
      assert.deepEqual(change, { kind: 'change', action: 'delete', object: 'elements', table, name: 'rows' });
      assert.ok(generation?.kind === 'generation');
      assert.equal(generation.generation.processName, 'nft');
      assert.notEqual(generation.generation.processId, nftables.ownProcessId());
    });

    test('no descriptor of ours reaches a program that we start', () => {
      assert.deepEqual(inheritedFds(), atStart);
    });

    test('an overrun is told, and the following goes on', async () => {
      const SO_RCVBUF = 8;
      libc().setsockopt(socket.fd, 1, SO_RCVBUF, hostU32Bytes(64 * 1024));
      const many = new NftBatch();
      many.addTable(table);
      for (let index = 0; index < 1000; index++) many.addElements(table, 'rows', [{ key: be16Bytes(1000 + index) }]);
      const none = new NftBatch();
      for (let index = 0; index < 1000; index++) none.deleteElements(table, 'rows', [{ key: be16Bytes(1000 + index) }]);
      // Without giving the event loop a turn: nothing is read meanwhile.
      for (let round = 0; round < 4; round++) {
        nftables.commit(many);
        nftables.commit(none);
      }
      await until(() => events.some((event) => event.kind === 'overrun'), 'no overrun');
      commit((batch) => batch.deleteTable(table));
      const isEnd = (event: NftEvent): boolean =>
        event.kind === 'change' && event.object === 'table' && event.action === 'delete' && event.name === 'watched';
      await until(() => events.some(isEnd), 'no notification after the overrun');
    });
  });

  describe('connection tracking', () => {
    let node: NamespaceHandle;
    let backend: NamespaceHandle;
    let conntrack: Conntrack;
    const table: NftTable = { family: 'ip', name: 'redirect' };
    before(async () => {
      node = await thread.create('node');
      backend = await thread.create('backend');
      conntrack = new Conntrack(await thread.openNetlink(node, 'netfilter'));
      const route = new RouteSocket(await thread.openNetlink(node, 'route'));
      const other = new RouteSocket(await thread.openNetlink(backend, 'route'));
      route.addVeth({ name: 'wire', peer: 'wire', peerNamespaceFd: backend.fd });
      for (const [socket, number] of [
        [route, 1],
        [other, 2],
      ] as const) {
        socket.setUp('wire');
        socket.addAddress('wire', mustParseCidr(`10.7.0.${number}/24`));
      }
      route.addRoute({ dst: mustParseCidr('10.96.0.0/16'), dev: 'wire' });
      route.close();
      other.close();
      const nftables = new Nftables(await thread.openNetlink(node, 'netfilter'));
      const batch = new NftBatch();
      batch.addTable(table);
      batch.addSet(table, {
        name: 'endpoints',
        key: ['ipv4_addr', 'inet_proto', 'inet_service', 'mark'],
        data: ['ipv4_addr', 'inet_service'],
      });
      batch.addChain(table, { name: 'output', base: { type: 'nat', hook: 'output', priority: -100 } });
      batch.addRule(table, 'output', [
        nft.payload('network', 16, 4, 8),
        nft.meta('l4proto', 9),
        nft.payload('transport', 2, 2, 10),
        nft.numgen('random', 1, 11),
        nft.lookup('endpoints', 8, { to: 8 }),
        nft.dnat('ip', 8, 9),
      ]);
      for (const protocol of [6, 17]) {
        const frontend = concatenate(mustParseIp('10.96.0.10').bytes, Uint8Array.of(protocol), be16Bytes(53), hostU32Bytes(0));
        batch.addElements(table, 'endpoints', [
          { key: frontend, data: concatenate(mustParseIp('10.7.0.2').bytes, be16Bytes(5353)) },
        ]);
      }
      nftables.commit(batch);
      nftables.close();
    });
    after(() => {
      conntrack.close();
      thread.close(node);
      thread.close(backend);
    });

    test('a translated UDP flow is found by frontend or by endpoint, and deleted', async () => {
      const server = await thread.openUdp(backend, { bind: { address: '10.7.0.2', port: 5353 } });
      const client = await thread.openUdp(node, { bind: { address: '10.7.0.1', port: 4000 } });
      server.on('message', (message, sender) => server.send(message, sender.port, sender.address));
      client.send('query', 53, '10.96.0.10');
      const [answer, sender] = (await once(client, 'message')) as [Buffer, { address: string; port: number }];
      assert.equal(answer.toString(), 'query');
      assert.equal(`${sender.address}:${sender.port}`, '10.96.0.10:53', 'the answer comes from the frontend');

      const family = 'IPv4' as const;
      const [flow, ...rest] = conntrack.listFlows({
        family,
        protocol: 17,
        originalDestination: mustParseIp('10.96.0.10'),
        originalDestinationPort: 53,
      });
      assert.deepEqual(rest, []);
      assert.ok(flow !== undefined);
      assert.equal(formatIp(flow.original.source), '10.7.0.1');
      assert.equal(flow.original.sourcePort, 4000);
      assert.equal(formatIp(flow.reply.source), '10.7.0.2');
      assert.equal(flow.reply.sourcePort, 5353);
      assert.equal(flow.status & 0x20, 0x20, 'destination translated');
      const endpoint = { family, protocol: 17, replySource: mustParseIp('10.7.0.2'), replySourcePort: 5353 };
      assert.equal(conntrack.listFlows(endpoint).length, 1);
      assert.equal(conntrack.listFlows({ ...endpoint, replySourcePort: 5354 }).length, 0);
      assert.equal(conntrack.listFlows({ ...endpoint, protocol: 6 }).length, 0);
      assert.equal(conntrack.listFlows({ family: 'IPv6' }).length, 0);
      assert.equal(conntrack.listFlows({ family, status: 0x10 }).length, 0);
      assert.equal(conntrack.count(), conntrack.listFlows({ family }).length);

      assert.equal(conntrack.deleteFlows(endpoint), 1);
      assert.equal(conntrack.deleteFlow(flow.original), false, 'gone already');
      assert.equal(conntrack.listFlows(endpoint).length, 0);
      client.close();
      server.close();
    });

    test('TCP through the frontend reaches the endpoint', async () => {
      const server = createServer((socket) => socket.end('served'));
      await thread.listenTcp(backend, server, { address: '10.7.0.2', port: 5353 });
      const socket = await thread.connectTcp(node, { address: '10.96.0.10', port: 53 }, { timeoutMs: 2000 });
      const [data] = (await once(socket, 'data')) as [Buffer];
      assert.equal(data.toString(), 'served');
      assert.equal(conntrack.listFlows({ family: 'IPv4', protocol: 6, replySource: mustParseIp('10.7.0.2') }).length, 1);
      socket.destroy();
      server.close();
    });
  });
}

/** Numbers of the descriptors that a child process gets: the standard ones, and what we were given ourselves. */
function inheritedFds(): string[] {
  return run('ls', '/proc/self/fd').split('\n').filter(Boolean);
}

async function until(condition: () => boolean, complaint: string): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, complaint);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
