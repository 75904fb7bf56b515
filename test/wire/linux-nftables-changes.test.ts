/** Changes of tables, sets, chains and rules: whole or not at all, with errors that name the element, and in pieces when large. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  NetlinkError,
  NftBatch,
  Nftables,
  be16Bytes,
  concatenate,
  describeExpression,
  hostU32Bytes,
  isNoSuchThing,
  isTooLarge,
  nft,
  openNetlink,
} from '../../src/linux/index.ts';
import type { NftElement, NftSet, NftTable } from '../../src/linux/index.ts';
import { mustParseIp } from '../../src/net/index.ts';
import { isInside } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  const nftables = new Nftables(openNetlink('netfilter'));

  describe('changes', () => {
    const table: NftTable = { family: 'ip', name: 'changes' };
    const endpoints: NftSet = { name: 'endpoints', key: ['mark'], data: ['ipv4_addr', 'inet_service'] };
    const commit = (fill: (batch: NftBatch) => void): void => {
      const batch = new NftBatch();
      fill(batch);
      nftables.commit(batch);
    };
    const row = (index: number, address: string): NftElement => ({
      key: hostU32Bytes(index),
      data: concatenate(mustParseIp(address).bytes, be16Bytes(80)),
    });

    test('an element is replaced by delete and add in one batch, and refused over other data', () => {
      commit((batch) => {
        batch.addTable(table);
        batch.addSet(table, endpoints);
        batch.addElements(table, 'endpoints', [row(0, '10.0.0.1')]);
      });
      assert.throws(
        () => commit((batch) => batch.addElements(table, 'endpoints', [row(0, '10.0.0.2')])),
        (error) => error instanceof NetlinkError && error.facts.code === 'EEXIST',
      );
      commit((batch) => {
        batch.deleteElements(table, 'endpoints', [row(0, '10.0.0.1')]);
        batch.addElements(table, 'endpoints', [row(0, '10.0.0.2')]);
      });
      assert.deepEqual(nftables.dumpElements(table, 'endpoints'), [row(0, '10.0.0.2')]);
    });

    test('a refused batch changes nothing and names the message, the set and the element', () => {
      const before = nftables.getGeneration().id;
      assert.throws(
        () =>
          commit((batch) => {
            batch.addElements(table, 'endpoints', [row(1, '10.0.0.3')]);
            batch.deleteElements(table, 'endpoints', [row(0, '10.0.0.2'), row(7, '10.0.0.7')]);
          }),
        (error) => {
          assert.ok(error instanceof NetlinkError);
          assert.equal(error.facts.code, 'ENOENT');
          assert.equal(error.facts.operation, 'NFT_MSG_DELSETELEM');
          assert.equal(error.facts.subject, 'changes endpoints');
          assert.equal(error.facts.attribute, 'elements[1]');
          return true;
        },
      );
      assert.equal(nftables.dumpElements(table, 'endpoints').length, 1);
      assert.equal(nftables.getGeneration().id, before);
    });

    test('a batch for an older generation is refused', () => {
      const batch = new NftBatch();
      batch.addElements(table, 'endpoints', [row(2, '10.0.0.4')]);
      const { id } = nftables.getGeneration();
      assert.throws(() => nftables.commit(batch, { generation: id - 1 }), /ERESTART/);
      nftables.commit(batch, { generation: id });
      assert.equal(nftables.getGeneration().id, id + 1);
    });

    test('a chain can be made, used, left, flushed and deleted in one batch', () => {
      const verdicts: NftSet = { name: 'verdicts', key: ['mark'], data: 'verdict', counter: true };
      const key = hostU32Bytes(1);
      commit((batch) => {
        batch.addSet(table, verdicts);
        batch.addChain(table, { name: 'pick-1' });
        batch.addRule(table, 'pick-1', [nft.counter(), nft.verdict({ kind: 'drop' })]);
        batch.addElements(table, 'verdicts', [{ key, verdict: { kind: 'goto', chain: 'pick-1' } }]);
      });
      assert.throws(
        () => commit((batch) => batch.deleteChain(table, 'pick-1')),
        (error) => error instanceof NetlinkError && error.facts.code === 'EBUSY' && error.facts.subject === 'changes pick-1',
      );
      commit((batch) => {
        batch.addChain(table, { name: 'pick-2' });
        batch.addRule(table, 'pick-2', [nft.verdict({ kind: 'drop' })]);
        batch.deleteElements(table, 'verdicts', [{ key }]);
        batch.addElements(table, 'verdicts', [
          { key, verdict: { kind: 'goto', chain: 'pick-2' }, counter: { packets: 5n, bytes: 300n } },
        ]);
        batch.flushChain(table, 'pick-1');
        batch.deleteChain(table, 'pick-1');
      });
      assert.deepEqual(
        nftables.dumpChains(table).map((chain) => chain.name),
        ['pick-2'],
      );
      const [element] = nftables.dumpElements(table, 'verdicts');
      assert.deepEqual(element?.verdict, { kind: 'goto', chain: 'pick-2' });
      assert.deepEqual(element?.counter, { packets: 5n, bytes: 300n }, 'a counter carried over');
    });

    test('rules are inserted, replaced and deleted by handle', () => {
      const drop = [nft.verdict({ kind: 'drop' })];
      const accept = [nft.verdict({ kind: 'accept' })];
      const counted = [nft.counter(), nft.verdict({ kind: 'return' })];
      const texts = (): string[] =>
        nftables.dumpRules(table, 'ordered').map((rule) => rule.expressions.map(describeExpression).join());
      commit((batch) => {
        batch.addChain(table, { name: 'ordered' });
        batch.addRule(table, 'ordered', drop);
      });
      const [only] = nftables.dumpRules(table, 'ordered');
      assert.ok(only !== undefined);
      commit((batch) => batch.addRule(table, 'ordered', accept, { before: only.handle, userdata: Uint8Array.of(0, 2, 104, 0) }));
      assert.deepEqual(texts(), ['immediate to=0 value=accept', 'immediate to=0 value=drop']);
      assert.deepEqual(nftables.dumpRules(table, 'ordered')[0]?.userdata, Uint8Array.of(0, 2, 104, 0));
      commit((batch) => batch.replaceRule(table, 'ordered', only.handle, counted));
      assert.deepEqual(texts(), ['immediate to=0 value=accept', 'counter,immediate to=0 value=return']);
      const first = nftables.dumpRules(table, 'ordered')[0];
      commit((batch) => batch.deleteRule(table, 'ordered', first?.handle ?? 0n));
      assert.deepEqual(texts(), ['counter,immediate to=0 value=return']);
    });

    test('hundreds of numbered elements are read by key as a dump gives them, whichever of the keys are missing', () => {
      commit((batch) => {
        batch.addSet(table, { ...endpoints, name: 'many' });
        const numbers = Array.from({ length: 1000 }, (_, index) => index).filter((index) => index % 100 > 2 && index !== 999);
        batch.addElements(
          table,
          'many',
          numbers.map((index) => row(index, `10.1.${index >> 8}.${index & 255}`)),
        );
      });
      const keys = concatenate(...Array.from({ length: 1000 }, (_, index) => hostU32Bytes(index)));
      const dumped: [number, string][] = [];
      const asked: [number, string][] = [];
      nftables.visitNumberedElements(table, 'many', (_prefix, number, data) => dumped.push([number, data]));
      nftables.visitNumberedElementsAt(table, 'many', keys, 4, (_prefix, number, data) => asked.push([number, data]));
      assert.equal(asked.length, 969);
      assert.deepEqual(
        dumped.sort(([a], [b]) => a - b),
        asked,
      );
      assert.equal(asked[0]?.[1], '\n\x01\0\x03\0P\0\0');
      const { elementCount } = nftables.dumpSets(table).find(({ name }) => name === 'many') ?? {};
      // Linux 6.17 and later say it.
      if (elementCount !== undefined) assert.equal(elementCount, 969);
      commit((batch) => batch.deleteSet(table, 'many'));
    });

    test('elements are found by key; flushing empties; counters come and go', () => {
      const found = nftables.getElements(table, 'endpoints', [hostU32Bytes(2), hostU32Bytes(99)]);
      assert.deepEqual(found, [row(2, '10.0.0.4')]);
      commit((batch) => {
        batch.flushSet(table, 'endpoints');
        batch.addCounter(table, 'seen');
      });
      assert.deepEqual(nftables.dumpElements(table, 'endpoints'), []);
      assert.equal(nftables.dumpCounters(table)[0]?.packets, 0n);
      commit((batch) => {
        batch.deleteCounter(table, 'seen');
        batch.deleteSet(table, 'endpoints');
      });
      assert.deepEqual(nftables.dumpCounters(table), []);
      assert.throws(() => nftables.dumpElements(table, 'endpoints'), isNoSuchThing);
    });

    test('beyond its size a set refuses, and adding it again larger lets more in', () => {
      const sized: NftSet = { name: 'sized', key: ['mark'], size: 3 };
      const four = [1, 2, 3, 4].map((index) => ({ key: hostU32Bytes(index) }));
      commit((batch) => {
        batch.addSet(table, sized);
        batch.addElements(table, 'sized', four.slice(0, 3));
      });
      assert.throws(
        () => commit((batch) => batch.addElements(table, 'sized', four.slice(3))),
        (error) => error instanceof NetlinkError && error.facts.code === 'ENFILE',
      );
      commit((batch) => batch.addSet(table, { ...sized, size: 30 }));
      commit((batch) => batch.addElements(table, 'sized', four.slice(3)));
      assert.equal(nftables.dumpElements(table, 'sized').length, 4);
    });

    test('a table deleted and made again in one batch', () => {
      commit((batch) => {
        batch.deleteTable(table);
        batch.addTable(table);
      });
      assert.deepEqual(nftables.dumpChains(table), []);
      commit((batch) => batch.deleteTable(table));
      assert.ok(!nftables.dumpTables().some((other) => other.name === 'changes'));
    });
  });

  describe('large batches', () => {
    const table: NftTable = { family: 'ip', name: 'large' };
    const count = 100_000;

    test('more than the send buffer takes is EMSGSIZE, and goes in several transactions when allowed', () => {
      const batch = new NftBatch();
      batch.addTable(table);
      batch.addSet(table, { name: 'rows', key: ['mark'], data: ['ipv4_addr', 'inet_service'] });
      batch.addElements(table, 'rows', manyRows(count));
      if (batch.byteLength > nftables.maxBatchBytes) {
        assert.throws(() => nftables.commit(batch), isTooLarge);
        assert.ok(!nftables.dumpTables().some((other) => other.name === 'large'));
      }
      const transactions = nftables.commit(batch, { split: true });
      assert.equal(transactions > 1, batch.byteLength > nftables.maxBatchBytes);
      let seen = 0;
      nftables.visitElements(table, 'rows', (element) => {
        const index = new DataView(element.key.buffer, element.key.byteOffset).getUint32(0, true);
        assert.equal(element.data?.[3], index & 0xff);
        seen++;
      });
      assert.equal(seen, count);
      const undo = new NftBatch();
      undo.deleteTable(table);
      nftables.commit(undo);
    });
  });

  function* manyRows(count: number): Generator<NftElement> {
    for (let index = 0; index < count; index++) {
      yield { key: hostU32Bytes(index), data: Uint8Array.of(10, index >> 16, index >> 8, index, 0, 80, 0, 0) };
    }
  }
}
