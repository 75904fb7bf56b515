/**
 * A sync that is cut into many transactions: after each of them packets meet what is there so far. Connections must be served by
 * endpoints of before or after, or refused where before or after refuses; never silence, never anybody else.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { SeededRandom } from '../../bench/shapes/seeded-random.ts';
import { dumpRows, tableOf } from '../../src/agent/index.ts';
import { NftBatch, Nftables } from '../../src/linux/index.ts';
import { AgentLab } from './agent-lab.ts';
import { ConnectPrograms } from './connect-programs.ts';
import { isInside } from './linux-harness.ts';

/** Cuts at every piece, and on demand keeps the transactions back, to be released one by one. */
class HeldNftables extends Nftables {
  readonly held: Uint8Array[] = [];
  isHolding = false;

  override get maxBatchBytes(): number {
    return this.isHolding ? 1 : super.maxBatchBytes;
  }

  override commit(batch: Parameters<Nftables['commit']>[0], options?: Parameters<Nftables['commit']>[1]): number {
    if (!this.isHolding) return super.commit(batch, options);
    this.held.push(batch.bytes.slice());
    return 1;
  }

  /** Commits the oldest transaction that was kept back; false when there is none. */
  release(): boolean {
    const bytes = this.held.shift();
    if (bytes === undefined) return false;
    super.commit(new RecordedBatch(bytes));
    return true;
  }
}

/** Cuts at every piece and commits each at once. */
class PiecemealNftables extends Nftables {
  transactions = 0;

  override get maxBatchBytes(): number {
    return 1;
  }

  override commit(...args: Parameters<Nftables['commit']>): number {
    this.transactions++;
    return super.commit(...args);
  }
}

class RecordedBatch extends NftBatch {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    super(16);
    this.#bytes = bytes;
  }

  override get bytes(): Uint8Array {
    return this.#bytes;
  }
}

if (isInside(import.meta.url)) {
  interface State {
    readonly spec: Readonly<Record<string, unknown>>;
    readonly pods: readonly string[];
  }
  const ports = [
    { name: 'tcp', port: 80, nodePort: 30_001 },
    { name: 'udp', port: 80, protocol: 'UDP', nodePort: 30_001 },
  ];
  const lb = { type: 'LoadBalancer', ports };
  const local = { ...lb, externalTrafficPolicy: 'Local' };
  const sticky = { ...lb, sessionAffinity: 'ClientIP' };
  const ranges = (...loadBalancerSourceRanges: string[]): State['spec'] => ({ ...lb, loadBalancerSourceRanges });
  const all = ['a1', 'a2', 'b1'];
  const transitions: readonly (readonly [name: string, before: State | undefined, after: State | undefined])[] = [
    ['one endpoint less', { spec: lb, pods: all }, { spec: lb, pods: ['a2', 'b1'] }],
    ['two endpoints less', { spec: lb, pods: all }, { spec: lb, pods: ['b1'] }],
    ['two endpoints more', { spec: lb, pods: ['b1'] }, { spec: lb, pods: all }],
    ['all replaced', { spec: lb, pods: ['a1'] }, { spec: lb, pods: ['a2', 'b1'] }],
    ['the last one gone', { spec: lb, pods: ['a1'] }, { spec: lb, pods: [] }],
    ['the first ones', { spec: lb, pods: [] }, { spec: lb, pods: all }],
    ['affinity on', { spec: lb, pods: all }, { spec: sticky, pods: all }],
    ['affinity off', { spec: sticky, pods: all }, { spec: lb, pods: all }],
    ['affinity, endpoints replaced', { spec: sticky, pods: ['a1', 'a2'] }, { spec: sticky, pods: ['a2', 'b1'] }],
    [
      'another timeout',
      { spec: sticky, pods: all },
      { spec: { ...sticky, sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } }, pods: all },
    ],
    ['Cluster to Local', { spec: lb, pods: all }, { spec: local, pods: all }],
    ['Local to Cluster', { spec: local, pods: all }, { spec: lb, pods: all }],
    ['Local, one endpoint less', { spec: local, pods: all }, { spec: local, pods: ['a1', 'b1'] }],
    [
      'ranges that admit everybody here',
      { spec: lb, pods: all },
      { spec: ranges('10.0.9.0/24', '10.0.0.0/16', '10.244.0.0/16'), pods: all },
    ],
    ['other ranges', { spec: ranges('10.0.0.0/8'), pods: all }, { spec: ranges('10.0.0.0/9', '10.128.0.0/9'), pods: all }],
    ['no ranges', { spec: ranges('10.0.0.0/8'), pods: all }, { spec: lb, pods: all }],
    ['the Service gone', { spec: lb, pods: all }, undefined],
    ['the Service come', undefined, { spec: lb, pods: all }],
  ];

  describe('every prefix of a sync that is cut into pieces', () => {
    let lab: AgentLab;
    let held: HeldNftables;
    before(async () => {
      lab = await AgentLab.start();
      await lab.agents.get('n1')?.stop();
      held = new HeldNftables(await lab.thread.openNetlink(lab.place('n1').namespace, 'netfilter'));
      await lab.startAgent('n1', { nftables: held });
      lab.nftables.set('n1', held);
    });
    after(() => lab.stop());

    async function set(state: State | undefined): Promise<void> {
      if (state !== undefined) await lab.serve('web-1', state.spec, state.pods, ['10.0.8.1']);
      else if (lab.services.size > 0) await lab.remove('web-1');
    }

    /** What may be heard when this is in force; `silence` where packets go nowhere by right. */
    function outcomes(state: State | undefined, from: string): string[] {
      if (state === undefined) return ['refused', 'timeout'];
      const isLocalOnly = from === 'outside' && state.spec['externalTrafficPolicy'] === 'Local';
      const pods = isLocalOnly ? state.pods.filter((pod) => pod.startsWith('a')) : state.pods;
      return pods.length === 0 ? ['refused'] : [...pods];
    }

    for (const [name, before, after] of transitions) {
      test(name, async (context) => {
        context.after(() => {
          while (held.release());
        });
        await set(before);
        held.isHolding = true;
        await set(after);
        held.isHolding = false;
        const count = held.held.length;
        assert.ok(count > 0);
        for (let step = 0; step <= count; step++) {
          for (const [from, address, port] of [
            ['a3', '10.96.0.1', 80],
            ['outside', '10.0.8.1', 80],
            ['outside', '10.0.1.1', 30_001],
            ['n1', '10.0.8.1', 80],
          ] as const) {
            const legal = new Set([...outcomes(before, from), ...outcomes(after, from)]);
            // a refused datagram: the kernel bounds how many it answers, and a sender on the node itself is told at once
            const silent = legal.has('refused') ? ['timeout', 'EPERM'] : [];
            for (let index = legal.has('timeout') ? 2 : 0; index < 4; index++) {
              const protocol = index === 3 ? 'udp' : 'tcp';
              const isSilent = legal.has('timeout') || (protocol === 'udp' && silent.length > 0);
              const timeoutMs = isSilent ? 100 : 700;
              const answer = (await lab[protocol](from, address, port, { timeoutMs })).split(' ')[0] ?? '';
              assert.ok(
                legal.has(answer) || (protocol === 'udp' && silent.includes(answer)),
                `after ${step} of ${count}: ${from} to ${address}:${port}/${protocol}: ${answer}`,
              );
            }
          }
          if (step < count) assert.ok(held.release());
        }
        const state = lab.agents.get('n1')?.tableState('IPv4');
        const rows = dumpRows(held, 'IPv4');
        for (const row of state?.allRows() ?? []) {
          assert.equal(rows.get(row.set)?.get(row.key), row.data ?? '', `a row of ${row.set}`);
        }
      });
    }
  });

  describe('syncs that are cut into pieces, while connections are opened without pause', () => {
    let lab: AgentLab;
    let programs: ConnectPrograms;
    let piecemeal: PiecemealNftables;
    before(async () => {
      lab = await AgentLab.start();
      programs = new ConnectPrograms(lab);
      await lab.agents.get('n1')?.stop();
      piecemeal = new PiecemealNftables(await lab.thread.openNetlink(lab.place('n1').namespace, 'netfilter'));
      await lab.startAgent('n1', { nftables: piecemeal });
      lab.nftables.set('n1', piecemeal);
    });
    after(async () => {
      programs.stop();
      await lab.stop();
    });

    test('no connection is lost or refused, whatever state follows on whatever other', async (context) => {
      const targetPort = 9100;
      const port = { name: 'tcp', port: 80, nodePort: 30_001, targetPort };
      for (const pod of all) await programs.accept(pod, targetPort);
      // every state in which all three clients must be served
      const states = transitions
        .flatMap(([, before, after]) => [before, after])
        .filter((state) => state?.pods.some((pod) => pod.startsWith('a')))
        .map((state) => ({ ...state, spec: { ...state?.spec, ports: [port] }, pods: state?.pods ?? [] }));
      const random = new SeededRandom(1);
      const next = async (): Promise<void> => {
        const { spec, pods } = random.pick(states);
        await lab.serve('web-1', spec, pods, ['10.0.8.1']);
      };
      await next();
      const finished = new AbortController();
      const reports = await programs.dial(
        [
          ['a3', '10.96.0.1', 80],
          ['outside', '10.0.8.1', 80],
          ['outside', '10.0.1.1', 30_001],
        ],
        { forMs: 6000, rate: 1000 },
      );
      const dialling = Promise.all(reports).finally(() => {
        finished.abort();
      });
      const before = piecemeal.transactions;
      let syncs = 0;
      for (; !finished.signal.aborted; syncs++) await next();
      for (const { connections, failures } of await dialling) {
        assert.equal(failures, 0, `of ${connections} connections`);
        assert.ok(connections > 100, `only ${connections} connections`);
      }
      const transactions = piecemeal.transactions - before;
      assert.ok(transactions > 2 * syncs && syncs > 20, `${syncs} syncs in ${transactions} transactions`);
      const missed = piecemeal.dumpCounters(tableOf('IPv4')).find(({ name }) => name === 'missed-endpoint')?.packets;
      assert.equal(missed, 0n);
      context.diagnostic(
        `${syncs} syncs in ${transactions} transactions under ${(await dialling).map((report) => report.connections).join(' + ')} connections`,
      );
    });
  });
}
