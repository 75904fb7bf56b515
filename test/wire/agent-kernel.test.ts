/** The node's proxy and what is in the kernel already: adoption, damage, strangers, restarts; UDP clients. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { constantChains, dumpRows, dumpStructure, findFaults, tableOf } from '../../src/agent/index.ts';
import type { SyncResult } from '../../src/agent/index.ts';
import { nft, NftBatch, Nftables } from '../../src/linux/index.ts';
import { silentLogger } from '../../src/observe/index.ts';
import type { Logger } from '../../src/observe/index.ts';
import { AgentLab } from './agent-lab.ts';
import { bestOf, hasProgram, isInside, run, startStopwatch } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  let lab: AgentLab;
  const syncs: SyncResult[] = [];
  const onSync = (_family: string, result: SyncResult): void => {
    syncs.push(result);
  };
  const skip = hasProgram('nft') ? {} : { skip: 'nft is not installed' };
  const settle = () => new Promise((resolve) => setTimeout(resolve, 2));
  const table = tableOf('IPv4');
  const nftables = (): Nftables => {
    const handle = lab.nftables.get('n1');
    assert.ok(handle !== undefined);
    return handle;
  };

  before(async () => {
    lab = await AgentLab.start({ onSync });
    await lab.serve(
      'web-1',
      {
        type: 'NodePort',
        ports: [
          { name: 'tcp', port: 80, nodePort: 30_001 },
          { name: 'udp', port: 80, protocol: 'UDP', nodePort: 30_001 },
        ],
      },
      ['a1', 'b1'],
    );
    await lab.serve('web-2', { sessionAffinity: 'ClientIP' }, ['a1', 'a2', 'b1']);
  });
  after(() => lab.stop());

  /** A new agent on n1 in place of the old one; answers what its first syncs did. */
  async function restart(): Promise<SyncResult[]> {
    await lab.agents.get('n1')?.stop();
    syncs.length = 0;
    await lab.startAgent('n1', { onSync });
    return [...syncs];
  }

  function assertSound(): void {
    for (const family of ['IPv4', 'IPv6'] as const) {
      const structure = dumpStructure(nftables(), family);
      assert.ok(structure !== undefined);
      assert.deepEqual(findFaults(structure, family, { masqueradeAll: false, detectsPods: true, dropsInvalid: true }), {
        mustRebuild: [],
        badChains: new Set(),
        missingCounters: [],
        strangeChains: [],
        strangeSets: [],
      });
      const want = new Map<string, Map<string, string>>();
      const state = lab.agents.get('n1')?.tableState(family);
      assert.ok(state !== undefined);
      const constant = constantChains(family, { masqueradeAll: false, detectsPods: true, dropsInvalid: true });
      const wantedChains = [...constant.map(({ name }) => name), ...state.chainsOnDemand()];
      assert.deepEqual([...structure.chains.keys()].sort(), wantedChains.sort());
      const rows = dumpRows(nftables(), family);
      for (const name of rows.keys()) want.set(name, new Map());
      for (const row of state.allRows()) want.get(row.set)?.set(row.key, row.data ?? '');
      assert.deepEqual(rows, want);
    }
  }

  function commit(write: (batch: NftBatch) => void): void {
    const batch = new NftBatch();
    write(batch);
    nftables().commit(batch);
  }

  describe('a table that is there already', () => {
    test('is adopted without a change, and pins live on', async () => {
      const [pinned] = (await lab.tcp('a3', '10.96.0.2', 80)).split(' ');
      assert.deepEqual(
        (await restart()).map(({ kind, changes, transactions }) => [kind, changes, transactions]),
        [
          ['adopted', 0, 0],
          ['adopted', 0, 0],
        ],
      );
      for (let index = 0; index < 6; index++) assert.equal((await lab.tcp('a3', '10.96.0.2', 80)).split(' ')[0], pinned);
    });

    test('is brought up to date when endpoints changed meanwhile', async () => {
      await lab.agents.get('n1')?.stop();
      lab.setEndpoints('web-1', ['a2', 'b1']);
      await lab.startAgent('n1', { onSync });
      assertSound();
      const who = new Set<string>();
      for (let index = 0; index < 20; index++) who.add((await lab.tcp('a3', '10.96.0.1', 80)).split(' ')[0] ?? '');
      assert.deepEqual([...who].sort(), ['a2', 'b1']);
    });

    for (const [name, damage] of [
      ['a chain emptied', (batch: NftBatch) => batch.flushChain(table, 'services')],
      ['a pick chain emptied', (batch: NftBatch) => batch.flushChain(table, 'pick-2')],
      ['a step of affinity emptied', (batch: NftBatch) => batch.flushChain(table, 'renew-10800')],
      [
        'a step of affinity gone',
        (batch: NftBatch) => {
          for (const chain of ['sticky-3-10800', 'pin-10800']) batch.flushChain(table, chain);
          batch.deleteChain(table, 'pin-10800');
        },
      ],
      ['a chain with one rule more', (batch: NftBatch) => batch.addRule(table, 'firewall', [nft.verdict({ kind: 'drop' })])],
      [
        'rules in another order, as a version before might have had them',
        (batch: NftBatch) => {
          const chain = constantChains('IPv4', { masqueradeAll: false, detectsPods: true, dropsInvalid: true }).find(
            ({ name }) => name === 'postrouting',
          );
          batch.flushChain(table, 'postrouting');
          for (const rule of chain?.rules.toReversed() ?? []) batch.addRule(table, 'postrouting', rule);
        },
      ],
      [
        'a chain on another hook',
        (batch: NftBatch) => {
          batch.flushChain(table, 'forward');
          batch.deleteChain(table, 'forward');
          batch.addChain(table, { name: 'forward', base: { type: 'filter', hook: 'input', priority: 0 } });
        },
      ],
      ['rows gone', (batch: NftBatch) => batch.flushSet(table, 'endpoints')],
      ['frontends gone', (batch: NftBatch) => batch.flushSet(table, 'services')],
      ['verdicts gone', (batch: NftBatch) => batch.flushSet(table, 'verdicts')],
      [
        'numbers that lead elsewhere and nowhere',
        (batch: NftBatch) => {
          batch.flushSet(table, 'verdicts');
          batch.addElements(table, 'verdicts', [
            { key: Uint8Array.of(1, 0, 0, 0), verdict: { kind: 'goto', chain: 'drop-no-local-endpoint' } },
            { key: Uint8Array.of(9, 0, 0, 0), verdict: { kind: 'goto', chain: 'pick-2' } },
            { key: Uint8Array.of(8, 0, 0, 0), verdict: { kind: 'goto', chain: 'pick-2' } },
          ]);
          batch.flushSet(table, 'nodeports');
          batch.addElements(table, 'nodeports', [
            { key: Uint8Array.of(6, 0, 0, 0, 0x75, 0x31, 0, 0), data: Uint8Array.of(77, 0, 0, 0) },
          ]);
        },
      ],
      [
        'a stranger that our rows lead to',
        (batch: NftBatch) => {
          batch.addChain(table, { name: 'stranger' });
          batch.flushSet(table, 'nodeports');
          batch.addElements(table, 'verdicts', [
            { key: Uint8Array.of(99, 0, 0, 0), verdict: { kind: 'goto', chain: 'stranger' } },
          ]);
          batch.addElements(table, 'nodeports', [
            { key: Uint8Array.of(6, 0, 0, 0, 0x75, 0x31, 0, 0), data: Uint8Array.of(99, 0, 0, 0) },
          ]);
        },
      ],
      [
        "a stranger's map that leads to a stranger's chain",
        (batch: NftBatch) => {
          batch.addChain(table, { name: 'stranger' });
          batch.addSet(table, { name: 'strangers', key: ['ipv4_addr'], data: 'verdict' });
          batch.addElements(table, 'strangers', [
            { key: Uint8Array.of(10, 9, 9, 9), verdict: { kind: 'goto', chain: 'stranger' } },
          ]);
        },
      ],
      [
        "a stranger's map that leads to a chain that nobody needs",
        (batch: NftBatch) => {
          batch.addChain(table, { name: 'pick-7' });
          batch.addSet(table, { name: 'strangers', key: ['ipv4_addr'], data: 'verdict' });
          batch.addElements(table, 'strangers', [
            { key: Uint8Array.of(10, 9, 9, 9), verdict: { kind: 'goto', chain: 'pick-7' } },
          ]);
        },
      ],
      ['a set of another kind', (batch: NftBatch) => batch.addSet(table, { name: 'stranger', key: ['ipv4_addr'] })],
      ['the table gone', (batch: NftBatch) => batch.deleteTable(table)],
      [
        'a table of the same name by someone else',
        (batch: NftBatch) => {
          batch.deleteTable(table);
          batch.addTable(table);
          batch.addChain(table, { name: 'services' });
          batch.addSet(table, { name: 'pods', key: ['inet_service'] });
        },
      ],
    ] as const) {
      test(`${name}: mended by a restart and by a repair`, async () => {
        commit(damage);
        await restart();
        assertSound();
        commit(damage);
        lab.agents.get('n1')?.repair();
        await lab.settled();
        assertSound();
        assert.match(await lab.tcp('a3', '10.96.0.1', 80), /^(a2|b1) /);
        assert.match(await lab.tcp('outside', '10.0.1.1', 30_001), /^(a2|b1) /);
        assert.match(await lab.tcp('a3', '10.96.0.2', 80), /^(a1|a2|b1) /);
      });
    }

    test('tables of others are left alone', async () => {
      const other = { family: 'ip', name: 'other' } as const;
      commit((batch) => {
        batch.addTable(other);
        batch.addChain(other, { name: 'mine' });
        batch.deleteTable(table);
      });
      await restart();
      assertSound();
      assert.deepEqual(
        nftables()
          .dumpChains(other)
          .map(({ name }) => name),
        ['mine'],
      );
    });

    describe('somebody else at work', () => {
      const nft = (...words: readonly string[]): void => {
        run('nsenter', `--net=${lab.place('n1').namespace.path}`, 'nft', ...words);
      };
      const warnings: string[] = [];
      const logger: Logger = {
        ...silentLogger,
        warn: (facts, message) => warnings.push(`${message} ${JSON.stringify(facts)}`),
        child: () => logger,
      };
      before(async () => {
        await lab.agents.get('n1')?.stop();
        await lab.startAgent('n1', { onSync }, logger);
      });

      /** How long the agent takes to see and mend what `act` did, in milliseconds of processor and kernel. */
      async function mendedAfter(act: () => void): Promise<number> {
        const agent = lab.agents.get('n1') ?? assert.fail();
        const known = agent.repairs;
        act();
        const stopwatch = startStopwatch();
        const startMs = performance.now();
        while (agent.repairs === known && performance.now() - startMs < 5000) await settle();
        await lab.settled();
        const tookMs = stopwatch();
        assertSound();
        assert.equal(agent.repairs, known + 1, 'counted once');
        return tookMs;
      }

      for (const [name, words] of [
        ['a flush of everything', ['flush', 'ruleset']],
        ['a table that is deleted', ['delete', 'table', 'ip', 'fairlead']],
        ['a chain that is emptied', ['flush', 'chain', 'ip', 'fairlead', 'services']],
        ['a set that is emptied', ['flush', 'set', 'ip', 'fairlead', 'cluster-ips']],
        ['an element that is deleted', ['delete', 'element', 'ip6', 'fairlead', 'cluster-ips', '{ fd00:10:96::1 }']],
        ['an element that is added', ['add', 'element', 'ip', 'fairlead', 'nodeport-ips', '{ 10.0.1.99 }']],
      ] as const) {
        test(`${name}: seen and mended within 100 ms, counted and logged`, skip, async () => {
          warnings.length = 0;
          const tookMs = await bestOf(5, 100, () => mendedAfter(() => nft(...words)));
          assert.ok(tookMs < 100, `${tookMs} ms`);
          assert.match(warnings.join('\n'), /someone else changed our tables, reading them back .*"who":"nft"/);
        });
      }

      for (const [name, words] of [
        ['an element that stands for all others', ['add', 'element', 'ip', 'fairlead', 'nodeport-ips', '{ * }']],
        ['a chain with a hook of its own', ['add', 'chain', 'ip', 'fairlead', 'spy', '{ type filter hook input priority 5; }']],
        [
          'a rule with a list of its own in a chain of ours',
          ['add', 'rule', 'ip', 'fairlead', 'services', 'ip daddr { 10.9.9.1, 10.9.9.2 } counter'],
        ],
        ['an object of a kind that we never make', ['add', 'quota', 'ip', 'fairlead', 'spy', '{ 1 mbytes; }']],
      ] as const) {
        test(`${name}: the table is ours again`, skip, async () => {
          await mendedAfter(() => nft(...words));
          assert.match(await lab.tcp('a3', '10.96.0.1', 80), /^(a2|b1) /);
          assert.equal(lab.agents.get('n1')?.isHealthy, true);
        });
      }

      test('our own work is not taken for foreign', async () => {
        const agent = lab.agents.get('n1') ?? assert.fail();
        const { repairs } = agent;
        for (const pods of [['a1', 'b1'], ['a2'], [], ['a2', 'b1']]) {
          lab.setEndpoints('web-1', pods);
          await lab.settled();
          await settle();
        }
        assert.equal(agent.repairs, repairs);
      });
    });

    test('an established connection outlives restarts, replacement of the table and the loss of its rows', async () => {
      const socket = await lab.thread
        .connectTcp(lab.place('a3').namespace, { address: '10.96.0.9', port: 7 }, { timeoutMs: 300 })
        .catch(() => undefined);
      assert.equal(socket, undefined);
      const connection = await openEcho(lab);
      assert.equal(await echo(connection, 'one'), 'one');
      await restart();
      assert.equal(await echo(connection, 'two'), 'two');
      commit((batch) => batch.deleteTable(table));
      lab.agents.get('n1')?.repair();
      await lab.settled();
      assert.equal(await echo(connection, 'three'), 'three');
      await lab.remove('web-30');
      assert.equal(await echo(connection, 'four'), 'four');
      connection.destroy();
    });
  });

  describe('a UDP client that keeps its socket', () => {
    const ports = [{ name: 'udp', port: 80, protocol: 'UDP', nodePort: 30_050 }];
    for (const [name, from, address, port] of [
      ['a pod to the cluster IP', 'a3', '10.96.0.50', 80],
      ['the outside to the node port', 'outside', '10.0.1.1', 30_050],
      ['a pod to the cluster IP over IPv6', 'a3', 'fd00:10:96::50', 80],
    ] as const) {
      test(`${name}: follows the endpoint, survives none at all and the Service made anew`, async () => {
        await lab.serve('web-50', { type: 'NodePort', ports }, ['a1']);
        const client = await lab.openUdpClient(from, address, port);
        assert.match(await client.ask(), /^a1 /);
        lab.setEndpoints('web-50', ['a2'], ports);
        await lab.settled();
        assert.match(await client.ask(), /^a2 /);
        lab.setEndpoints('web-50', ['a1', 'a2'], ports);
        await lab.settled();
        for (let index = 0; index < 5; index++) assert.match(await client.ask(), /^a2 /, 'a healthy flow was touched');
        lab.setEndpoints('web-50', [], ports);
        await lab.settled();
        assert.match(await client.ask(), /^(refused|timeout)$/);
        lab.setEndpoints('web-50', ['b1'], ports);
        await lab.settled();
        assert.match(await client.ask(), /^b1 /);
        await lab.remove('web-50');
        assert.match(await client.ask(), /^(refused|timeout)$/);
        client.close();
      });
    }
  });

  test('a transaction that would be too large is cut, and the rows are the same', async () => {
    const pods = ['a1', 'a2', 'b1'];
    for (let number = 100; number < 160; number++) await lab.serve(`web-${number}`, { sessionAffinity: 'ClientIP' }, pods);
    await lab.agents.get('n1')?.stop();
    commit((batch) => batch.deleteTable(table));
    syncs.length = 0;
    const small = new SmallNftables(await lab.thread.openNetlink(lab.place('n1').namespace, 'netfilter'));
    await lab.startAgent('n1', { onSync, nftables: small });
    assertSound();
    assert.ok(
      syncs.some(({ kind, transactions }) => kind === 'built' && transactions > 1),
      JSON.stringify(syncs),
    );
  });
}

/** A socket that takes less than most. */
class SmallNftables extends Nftables {
  override get maxBatchBytes(): number {
    return 60_000;
  }
}

/** A connection from a3 through a Service of its own to an echo server on a1, which both stay open. */
async function openEcho(lab: AgentLab): Promise<Socket> {
  await lab.echo('a1', 9000);
  await lab.serve('web-30', { ports: [{ name: 'echo', port: 7 }] }, ['a1']);
  const slice = lab.slices.get('ns/web-30-IPv4');
  assert.ok(slice !== undefined);
  lab.slices.set({ ...slice, ports: [{ name: 'echo', protocol: 'TCP', port: 9000 }] });
  await lab.settled();
  return lab.thread.connectTcp(lab.place('a3').namespace, { address: '10.96.0.30', port: 7 }, { timeoutMs: 1000 });
}

function echo(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    socket.once('error', reject);
    socket.write(text);
  });
}
