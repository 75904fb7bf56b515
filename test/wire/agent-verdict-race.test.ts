/**
 * A packet looks its frontend up, then what the number there leads to, and each look-up sees the kernel's rows as they are at that
 * moment. Here the number of every frontend is replaced, and the old one taken away, in one transaction after the other without pause,
 * while connections are opened without pause: whoever read the old number must still be served, and by the right list.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { dumpRows, tableOf } from '../../src/agent/index.ts';
import type { Bytes, RowSet } from '../../src/agent/index.ts';
import { NftBatch } from '../../src/linux/index.ts';
import type { Nftables } from '../../src/linux/index.ts';
import { AgentLab } from './agent-lab.ts';
import { ConnectPrograms } from './connect-programs.ts';
import { isInside } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  describe('the numbers of frontends replaced without pause', () => {
    let lab: AgentLab;
    let programs: ConnectPrograms;
    before(async () => {
      lab = await AgentLab.start();
      programs = new ConnectPrograms(lab);
    });
    after(async () => {
      programs.stop();
      await lab.stop();
    });

    test('no connection is refused, lost, or led past the endpoints of its own node', async (context) => {
      const targetPort = 9100;
      const ports = [{ name: 'tcp', port: 80, nodePort: 30_001, targetPort }];
      // nobody listens at b1: an outside client that is led there by the list for inside clients is refused
      for (const pod of ['a1', 'a2']) await programs.accept(pod, targetPort);
      const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports };
      await lab.serve('web-1', spec, ['a1', 'a2', 'b1'], ['10.0.8.1']);
      await lab.serve('web-2', { ports: [{ name: 'tcp', port: 80, targetPort }] }, ['a1', 'a2']);
      const nftables = lab.nftables.get('n1') ?? assert.fail();
      // the table stays as it is
      await lab.agents.get('n1')?.stop();
      const clients = [
        ['a3', '10.96.0.2', 80],
        ['outside', '10.0.8.1', 80],
        ['outside', '10.0.1.1', 30_001],
      ] as const;
      const reports = Promise.all(await programs.dial(clients, { forMs: 4000 }));
      const finished = new AbortController();
      const dialling = reports.finally(() => {
        finished.abort();
      });
      const storm = new NumberStorm(nftables);
      while (!finished.signal.aborted) {
        for (let index = 0; index < 200; index++) storm.renumber();
        await setImmediate();
      }
      for (const { connections, failures } of await dialling) {
        assert.equal(failures, 0, `of ${connections} connections`);
        assert.ok(connections > 500, `only ${connections} connections`);
      }
      const counters = new Map(nftables.dumpCounters(tableOf('IPv4')).map(({ name, packets }) => [name, packets]));
      for (const name of ['rejected-no-such-port', 'rejected-no-endpoint', 'missed-endpoint'])
        assert.equal(counters.get(name), 0n, name);
      context.diagnostic(
        `${storm.transactions} transactions under ${(await dialling).map((report) => report.connections).join(' + ')} connections`,
      );
    });
  });
}

/** Gives every verdict another number in one transaction, again and again between two sets of numbers. */
class NumberStorm {
  transactions = 0;
  readonly #nftables: Nftables;
  readonly #batches: readonly NftBatch[];

  constructor(nftables: Nftables) {
    this.#nftables = nftables;
    const rows = dumpRows(nftables, 'IPv4');
    this.#batches = [renumbering(rows, 0, 1), renumbering(rows, 1, 0)];
  }

  renumber(): void {
    const batch = this.#batches[this.transactions++ % 2];
    if (batch !== undefined) this.#nftables.commit(batch);
  }
}

/** Rows and numbers as they are for 0; for 1 every number has its highest bit set. */
function renumbering(rows: ReadonlyMap<RowSet, ReadonlyMap<Bytes, Bytes>>, from: 0 | 1, to: 0 | 1): NftBatch {
  const batch = new NftBatch();
  const table = tableOf('IPv4');
  const numberOf = (number: Bytes, mark: 0 | 1): Uint8Array => {
    const bytes = Buffer.from(number, 'latin1');
    bytes[3] = mark * 128;
    return bytes;
  };
  const verdicts = [...(rows.get('verdicts') ?? [])];
  const verdictOf = (chain: string) => ({ kind: 'goto', chain }) as const;
  batch.addElements(
    table,
    'verdicts',
    verdicts.map(([number, chain]) => ({ key: numberOf(number, to), verdict: verdictOf(chain) })),
  );
  for (const set of ['services', 'services-outside', 'nodeports', 'nodeports-outside'] as const) {
    const elements = [...(rows.get(set) ?? [])].map(([key, number]) => ({ key: Buffer.from(key, 'latin1'), number }));
    batch.deleteElements(
      table,
      set,
      elements.map(({ key }) => ({ key })),
    );
    batch.addElements(
      table,
      set,
      elements.map(({ key, number }) => ({ key, data: numberOf(number, to) })),
    );
  }
  batch.deleteElements(
    table,
    'verdicts',
    verdicts.map(([number]) => ({ key: numberOf(number, from) })),
  );
  return batch;
}
