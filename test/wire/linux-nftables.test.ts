/** Every form that the node's ruleset is made of: taken by the kernel, printed by nft, and read back as it was written. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  NftBatch,
  Nftables,
  be16Bytes,
  concatenate,
  describeExpression,
  expressionsEqual,
  hostOrderUserdata,
  hostU32Bytes,
  nft,
  openNetlink,
  setNumbers,
} from '../../src/linux/index.ts';
import type { NftChain, NftElement, NftExpression, NftFieldType, NftSet, NftTable } from '../../src/linux/index.ts';
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
