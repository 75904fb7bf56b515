/** Every form that the node's ruleset is made of: taken by the kernel, printed by nft, and read back as it was written. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  NetlinkError,
  NftBatch,
  Nftables,
  be16Bytes,
  concatenate,
  describeExpression,
  expressionsEqual,
  hostOrderUserdata,
  hostU32Bytes,
  isNoSuchThing,
  isTooLarge,
  nft,
  openNetlink,
  setNumbers,
  type NftChain,
  type NftElement,
  type NftExpression,
  type NftFieldType,
  type NftSet,
  type NftTable,
} from '../../src/linux/index.ts';
import { mustParseIp } from '../../src/net/index.ts';
import { hasProgram, isInside, run } from './linux-harness.ts';

if (isInside(import.meta.url)) {
  const nftables = new Nftables(openNetlink('netfilter'));
  const skip = hasProgram('nft') ? {} : { skip: 'nft is not installed' };

  describe('the node ruleset', () => {
    for (const family of ['ip', 'ip6'] as const) {
      test(`${family}: the kernel takes every form and gives it back as written`, () => {
        const ruleset = nodeRuleset(family);
        const batch = new NftBatch();
        load(batch, ruleset);
        assert.equal(nftables.commit(batch), 1);
        const { table } = ruleset;
        const chains = new Map(nftables.dumpChains(table).map((chain) => [chain.name, chain]));
        for (const chain of ruleset.chains) {
          const want = chain.base === undefined ? undefined : { policy: 'accept', ...chain.base };
          assert.deepEqual(chains.get(chain.name)?.base, want, chain.name);
        }
        for (const [chain, rules] of ruleset.rules) {
          const dumped = nftables.dumpRules(table, chain);
          assert.equal(dumped.length, rules.length, chain);
          for (const [index, rule] of rules.entries()) {
            const got = dumped[index]?.expressions ?? [];
            assert.deepEqual(got.map(describeExpression), rule.map(describeExpression), `${chain} rule ${index}`);
            assert.ok(expressionsEqual(rule, got));
          }
        }
        const sets = new Map(nftables.dumpSets(table).map((set) => [set.name, set]));
        for (const set of ruleset.sets) {
          const numbers = setNumbers(set);
          const got = sets.get(set.name);
          assert.ok(got !== undefined, set.name);
          assert.equal(got.flags, numbers.flags, set.name);
          assert.equal(got.keyType, numbers.keyType, set.name);
          assert.equal(got.keyLength, numbers.keyLength, set.name);
          assert.equal(got.dataType, numbers.dataType, set.name);
          assert.equal(got.size, set.size, set.name);
          assert.equal(got.hasCounter, set.counter === true, set.name);
          assert.deepEqual(got.fieldLengths, numbers.fieldLengths, set.name);
          assert.deepEqual(got.userdata, set.userdata, set.name);
        }
        for (const [set, elements] of ruleset.elements) {
          assert.deepEqual(inOrder(nftables.dumpElements(table, set)), inOrder(elements), set);
        }
        assert.deepEqual(
          nftables.dumpCounters(table).map((counter) => counter.name),
          ['fallback-endpoint', 'missed-endpoint'],
        );
      });

      test(`${family}: nft prints it`, skip, () => {
        const text = run('nft', 'list', 'table', family, 'fairlead');
        for (const line of printedLines(family)) assert.ok(text.includes(line), `${line}\n\nnot in\n\n${text}`);
      });
    }
  });

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

interface Ruleset {
  readonly table: NftTable;
  readonly chains: readonly NftChain[];
  readonly rules: ReadonlyMap<string, readonly (readonly NftExpression[])[]>;
  readonly sets: readonly NftSet[];
  readonly elements: ReadonlyMap<string, readonly NftElement[]>;
}

function load(batch: NftBatch, ruleset: Ruleset): void {
  const { table } = ruleset;
  batch.addTable(table);
  batch.addCounter(table, 'fallback-endpoint');
  batch.addCounter(table, 'missed-endpoint');
  for (const set of ruleset.sets) batch.addSet(table, set);
  for (const chain of ruleset.chains) batch.addChain(table, chain);
  for (const [chain, rules] of ruleset.rules) for (const rule of rules) batch.addRule(table, chain, rule);
  for (const [set, elements] of ruleset.elements) batch.addElements(table, set, elements);
}

/** One of each form in the node's ruleset. */
function nodeRuleset(family: 'ip' | 'ip6'): Ruleset {
  const isV4 = family === 'ip';
  const address: NftFieldType = isV4 ? 'ipv4_addr' : 'ipv6_addr';
  const width = isV4 ? 4 : 16;
  const words = width / 4;
  const frontend: readonly NftFieldType[] = [address, 'inet_proto', 'inet_service'];
  const source = (to: number): NftExpression => nft.payload('network', isV4 ? 12 : 8, width, to);
  const destination = (to: number): NftExpression => nft.payload('network', isV4 ? 16 : 24, width, to);
  const frontendFrom = (to: number, isNode = false): NftExpression[] => [
    destination(to),
    ...(isNode ? [nft.bitwise(to, to, new Uint8Array(width))] : []),
    nft.meta('l4proto', to + words),
    nft.payload('transport', 2, 2, to + words + 1),
  ];
  const F = frontendFrom(8);
  const C = [source(8), ...frontendFrom(8 + words)];
  const afterF = 8 + words + 2;
  const afterC = 8 + 2 * words + 2;
  const port = 8 + words;
  const pick = (modulus: number, offset: number, isNode: boolean): NftExpression[] => [
    ...frontendFrom(8, isNode),
    nft.numgen('random', modulus, afterF, offset),
    nft.lookup('endpoints', 8, { to: 8 }),
    nft.dnat(family, 8, port),
  ];
  const usePin = [...F, nft.meta('priority', afterF), nft.lookup('pinned', 8, { to: 8 }), nft.dnat(family, 8, port)];
  const a = mustParseIp(isV4 ? '10.96.0.1' : 'fd00::1').bytes;
  const b = mustParseIp(isV4 ? '10.96.0.9' : 'fd00::9').bytes;
  const zero = new Uint8Array(width);
  const key = (ip: Uint8Array): Uint8Array => concatenate(ip, Uint8Array.of(6), be16Bytes(80));
  const counter = { packets: 0n, bytes: 0n };
  return {
    table: { family, name: 'fairlead' },
    sets: [
      { name: 'services', key: frontend, data: 'verdict', counter: true },
      { name: 'sources', key: frontend, data: 'verdict' },
      { name: 'nodeports', key: ['inet_proto', 'inet_service'], data: 'verdict', counter: true, size: 16_384 },
      { name: 'endpoints', key: [...frontend, 'mark'], data: [address, 'inet_service'] },
      { name: 'slots', key: [...frontend, 'mark'], data: ['classid'], userdata: hostOrderUserdata },
      { name: 'pinned', key: [...frontend, 'classid'], data: [address, 'inet_service'] },
      { name: 'affinity', key: [address, ...frontend], data: ['classid'], timeout: true, dynamic: true, size: 100_000 },
      { name: 'hairpin', key: [address, address] },
      { name: 'cluster-ips', key: [address] },
      { name: 'pods', key: [address], interval: true },
      { name: 'source-ranges', key: [address, ...frontend], interval: true },
    ],
    chains: [
      { name: 'prerouting', base: { type: 'nat', hook: 'prerouting', priority: -100 } },
      { name: 'output', base: { type: 'nat', hook: 'output', priority: -100 } },
      { name: 'postrouting', base: { type: 'nat', hook: 'postrouting', priority: 100, policy: 'accept' } },
      { name: 'forward', base: { type: 'filter', hook: 'forward', priority: 0, policy: 'drop' } },
      { name: 'services-chain' },
      { name: 'reject-no-endpoint' },
      { name: 'pick-3' },
      { name: 'node-pick-outside-2' },
      { name: 'sticky-3-10' },
    ],
    rules: new Map<string, NftExpression[][]>([
      [
        'prerouting',
        [
          [source(8), nft.lookup('pods', 8, { isInverted: true }), nft.verdict({ kind: 'jump', chain: 'services-chain' })],
          [
            ...C,
            nft.lookup('source-ranges', 8, { isInverted: true }),
            nft.countIn('missed-endpoint'),
            nft.verdict({ kind: 'drop' }),
          ],
        ],
      ],
      ['services-chain', [[...F, nft.vmap('services', 8)], [nft.verdict({ kind: 'return' })]]],
      [
        'reject-no-endpoint',
        [
          [nft.counter()],
          [nft.meta('l4proto', 8), nft.cmp('==', 8, Uint8Array.of(6)), nft.rejectTcpReset()],
          [nft.rejectPortUnreachable(family)],
        ],
      ],
      ['pick-3', [pick(3, 0, false), [nft.countIn('missed-endpoint'), nft.verdict({ kind: 'drop' })]]],
      ['node-pick-outside-2', [pick(2, 65_536, true)]],
      [
        'sticky-3-10',
        [
          [nft.immediate(8, hostU32Bytes(0)), nft.setMeta('priority', 8)],
          [...C, nft.lookup('affinity', 8, { to: 8 }), nft.setMeta('priority', 8)],
          [
            ...F,
            nft.meta('priority', afterF),
            nft.lookup('pinned', 8),
            ...C,
            nft.meta('priority', afterC),
            nft.dynset('update', 'affinity', 8, { dataRegister: afterC, timeoutMs: 10_000 }),
            ...usePin,
          ],
          [...C, nft.meta('priority', afterC), nft.dynset('delete', 'affinity', 8, { dataRegister: afterC })],
          [...F, nft.numgen('random', 3, afterF), nft.lookup('slots', 8, { to: 8 }), nft.setMeta('priority', 8)],
          usePin,
        ],
      ],
      [
        'postrouting',
        [
          [
            nft.ct('status', 8),
            nft.bitwise(8, 8, hostU32Bytes(0x20)),
            nft.cmp('==', 8, hostU32Bytes(0)),
            nft.verdict({ kind: 'return' }),
          ],
          [source(8), destination(8 + words), nft.lookup('hairpin', 8), nft.masquerade({ fullyRandom: true })],
          [
            nft.ct(isV4 ? 'dstIp' : 'dstIp6', 8, 'original'),
            nft.meta('l4proto', 8 + words),
            nft.ct('protoDst', 9 + words, 'original'),
            nft.vmap('sources', 8),
          ],
          [nft.fibAddressType('saddr', 8), nft.cmp('==', 8, hostU32Bytes(2)), nft.masquerade()],
        ],
      ],
    ]),
    elements: new Map<string, NftElement[]>([
      [
        'services',
        [
          { key: key(a), verdict: { kind: 'goto', chain: 'pick-3' }, counter },
          { key: key(b), verdict: { kind: 'drop' }, counter },
        ],
      ],
      [
        'nodeports',
        [{ key: concatenate(Uint8Array.of(17), be16Bytes(30_080)), verdict: { kind: 'goto', chain: 'sticky-3-10' }, counter }],
      ],
      [
        'endpoints',
        [
          { key: concatenate(key(a), hostU32Bytes(0)), data: concatenate(b, be16Bytes(8080)) },
          { key: concatenate(key(zero), hostU32Bytes(65_536)), data: concatenate(b, be16Bytes(8080)) },
        ],
      ],
      ['sources', [{ key: key(a), verdict: { kind: 'return' } }]],
      ['slots', [{ key: concatenate(key(a), hostU32Bytes(0)), data: hostU32Bytes(2) }]],
      ['pinned', [{ key: concatenate(key(a), hostU32Bytes(2)), data: concatenate(b, be16Bytes(8080)) }]],
      ['hairpin', [{ key: concatenate(a, a) }]],
      ['cluster-ips', [{ key: a }, { key: b }]],
      ['pods', [{ key: a }, { key: b, isIntervalEnd: true }]],
      ['source-ranges', [{ key: concatenate(a, key(a)), keyEnd: concatenate(b, key(a)) }]],
    ]),
  };
}

function printedLines(family: 'ip' | 'ip6'): string[] {
  const a = family === 'ip' ? '10.96.0.1' : 'fd00::1';
  const b = family === 'ip' ? '10.96.0.9' : 'fd00::9';
  const F = `${family} daddr . meta l4proto . th dport`;
  return [
    'type nat hook prerouting priority dstnat; policy accept;',
    'type filter hook forward priority filter; policy drop;',
    `${family} saddr != @pods jump services-chain`,
    `${F} vmap @services`,
    `dnat ${family} to ${F} . numgen random mod 3 map @endpoints`,
    `dnat ${family} to ${family} daddr & ${family === 'ip' ? '0.0.0.0' : '::'} . meta l4proto . th dport . numgen random mod 2 offset 65536 map @endpoints`,
    'reject with tcp reset',
    `meta priority set ${family} saddr . ${F} map @affinity`,
    `update @affinity { ${family} saddr . ${F} timeout 10s : meta priority }`,
    `delete @affinity { ${family} saddr . ${F} : meta priority }`,
    `@hairpin masquerade fully-random`,
    'fib saddr type local masquerade',
    `${a} . tcp . 80 counter packets 0 bytes 0 : goto pick-3`,
    `${a} . tcp . 80 . 0x00000000 : ${b} . 8080`,
    'counter fallback-endpoint',
  ];
}

function inOrder(elements: readonly NftElement[]): NftElement[] {
  return [...elements].sort((a, b) => Buffer.compare(a.key, b.key));
}
