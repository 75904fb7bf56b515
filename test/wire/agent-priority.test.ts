/**
 * The agent's chains pass numbers on in a packet's priority. What leaves the node must have none of them, or a queueing discipline would take
 * them for classes: a table of somebody else, behind ours, counts what does.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { NftBatch, nft } from '../../src/linux/index.ts';
import type { Nftables, NftTable } from '../../src/linux/index.ts';
import { AgentLab } from './agent-lab.ts';
import { isInside } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  describe('the priority of packets that leave', () => {
    const observer: NftTable = { family: 'ip', name: 'observer' };
    let lab: AgentLab;
    before(async () => {
      lab = await AgentLab.start();
      const batch = new NftBatch();
      batch.addTable(observer);
      for (const counter of ['seen', 'with-priority']) batch.addCounter(observer, counter);
      batch.addChain(observer, { name: 'behind', base: { type: 'filter', hook: 'postrouting', priority: 300 } });
      batch.addRule(observer, 'behind', [nft.countIn('seen')]);
      const hasPriority = [nft.meta('priority', 8), nft.cmp('!=', 8, new Uint8Array(4))];
      batch.addRule(observer, 'behind', [...hasPriority, nft.countIn('with-priority')]);
      nftables().commit(batch);
    });
    after(() => lab.stop());

    const nftables = (): Nftables => lab.nftables.get('n1') ?? assert.fail();
    const counters = (): Map<string, bigint> =>
      new Map(
        nftables()
          .dumpCounters(observer)
          .map(({ name, packets }) => [name, packets]),
      );

    for (const affinity of [{}, { sessionAffinity: 'ClientIP' }]) {
      for (const externalTrafficPolicy of ['Cluster', 'Local']) {
        test(`is none: ${externalTrafficPolicy}, ${'sessionAffinity' in affinity ? 'with' : 'without'} affinity`, async () => {
          const ports = [{ name: 'tcp', port: 80, nodePort: 30_001 }];
          await lab.serve(
            'web-1',
            { type: 'LoadBalancer', ports, externalTrafficPolicy, ...affinity },
            ['a1', 'b1'],
            ['10.0.8.1'],
          );
          const before = counters().get('seen') ?? 0n;
          for (const [from, address, port] of [
            ['a3', '10.96.0.1', 80],
            ['a1', '10.96.0.1', 80],
            ['n1', '10.96.0.1', 80],
            ['outside', '10.96.0.1', 80],
            ['a3', '10.0.8.1', 80],
            ['n1', '10.0.8.1', 80],
            ['outside', '10.0.8.1', 80],
            ['outside', '10.0.1.1', 30_001],
          ] as const) {
            for (let count = 0; count < 4; count++) assert.match(await lab.tcp(from, address, port), /^(a1|b1) /);
            assert.equal(counters().get('with-priority'), 0n, `${from} to ${address}:${port}`);
          }
          assert.ok((counters().get('seen') ?? 0n) - before > 100n, 'packets were looked at');
        });
      }
    }
  });
}
