/** A seeded slice of `npm run soak churn`, and proof that its checks see what is wrong. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { dumpRows, tableOf } from '../../src/agent/index.ts';
import { NftBatch } from '../../src/linux/index.ts';
import { AgentLab } from './agent-lab.ts';
import { assertRows, churn } from './churn/churn-loop.ts';
import { routesOf } from './churn/decisions.ts';
import { isInside } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  let lab: AgentLab;
  before(async () => {
    lab = await AgentLab.start();
  });
  after(() => lab.stop());

  test('20 s of random changes: after every sync the rows are those of a fresh computation, and packets land where routing says', async (context) => {
    const counts = await churn(lab, { seed: 1, seconds: 20, minRounds: 100 });
    context.diagnostic(JSON.stringify(counts));
    // that it all happened
    for (const [name, count] of Object.entries(counts)) assert.ok(count > 0, `no ${name}`);
  });

  describe('the checks see', () => {
    const table = tableOf('IPv4');
    const commit = (write: (batch: NftBatch) => void): void => {
      const batch = new NftBatch();
      write(batch);
      lab.nftables.get('n1')?.commit(batch);
    };
    const firstRow = (set: 'endpoints' | 'services' | 'hairpin' | 'verdicts'): { key: Uint8Array; data: Uint8Array } => {
      const [[key, data] = assert.fail(`no rows of ${set}`)] =
        dumpRows(lab.nftables.get('n1') ?? assert.fail(), 'IPv4').get(set) ?? [];
      return { key: Buffer.from(key, 'latin1'), data: Buffer.from(data, 'latin1') };
    };
    afterEach(async () => {
      lab.agents.get('n1')?.repair();
      await lab.settled();
      assertRows(lab, routesOf(lab, 'n1', 'IPv4'));
    });

    for (const [name, damage, complaint] of [
      [
        'a row that is missing',
        () => {
          const { key } = firstRow('endpoints');
          commit((batch) => batch.deleteElements(table, 'endpoints', [{ key }]));
        },
        /endpoints has no row for index/,
      ],
      [
        'a row that nothing leads to',
        () => {
          const { key, data } = firstRow('endpoints');
          // an index that no chain draws
          key[key.length - 1] = 1;
          commit((batch) => batch.addElements(table, 'endpoints', [{ key, data }]));
        },
        /1 rows of endpoints that nothing leads to/,
      ],
      [
        'an endpoint that is another one',
        () => {
          const { key, data } = firstRow('endpoints');
          const other = Uint8Array.from(data);
          other[3] = (other[3] ?? 0) ^ 64;
          commit((batch) => {
            batch.deleteElements(table, 'endpoints', [{ key }]);
            batch.addElements(table, 'endpoints', [{ key, data: other }]);
          });
        },
        /IPv4 rows of n1/,
      ],
      [
        'a verdict that is another one',
        () => {
          const { key } = firstRow('verdicts');
          commit((batch) => {
            batch.deleteElements(table, 'verdicts', [{ key }]);
            batch.addElements(table, 'verdicts', [{ key, verdict: { kind: 'goto', chain: 'drop-no-local-endpoint' } }]);
          });
        },
        /rows of|nothing leads to/,
      ],
      [
        'a number that leads nowhere',
        () => {
          const { key } = firstRow('services');
          commit((batch) => {
            batch.deleteElements(table, 'services', [{ key }]);
            batch.addElements(table, 'services', [{ key, data: Uint8Array.of(0, 0, 0, 77) }]);
          });
        },
        /verdicts has no row for/,
      ],
      [
        'an address that may not reach itself any more',
        () => {
          const { key } = firstRow('hairpin');
          commit((batch) => batch.deleteElements(table, 'hairpin', [{ key }]));
        },
        /IPv4 rows of n1/,
      ],
    ] as const) {
      test(name, () => {
        damage();
        assert.throws(() => assertRows(lab, routesOf(lab, 'n1', 'IPv4')), complaint);
      });
    }
  });
}
