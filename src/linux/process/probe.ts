/**
 * Run by `preflight` in a network namespace of its own: makes one of everything that a lab needs of the kernel and prints, as
 * one JSON line, what went wrong, by feature.
 */
import { messageOf } from '../../observe/index.ts';
import { Conntrack } from '../conntrack/conntrack.ts';
import { openNetlink } from '../netlink/netlink-socket.ts';
import { NftBatch } from '../nftables/batch.ts';
import { nft } from '../nftables/expressions.ts';
import { hostU32Bytes } from '../nftables/field-types.ts';
import type { NftExpression, NftTable } from '../nftables/model.ts';
import { Nftables } from '../nftables/nftables.ts';
import { RouteSocket } from '../route/route-socket.ts';

const route = new RouteSocket(openNetlink('route'));
const nftables = new Nftables(openNetlink('netfilter'));
const failures: Record<string, string> = {};

attempt('veth', () => route.addVeth({ name: 'probe-a', peer: 'probe-b' }));
attempt('bridge', () => route.addBridge('probe-bridge'));
for (const family of ['ip', 'ip6'] as const) {
  const table: NftTable = { family, name: 'fairlead-probe' };
  attempt('nf_tables', () =>
    commit((batch) => {
      batch.addTable(table);
      batch.addSet(table, { name: 'map', key: ['mark'], data: 'verdict', counter: true });
    }),
  );
  attempt('nft_chain_nat', () =>
    commit((batch) => {
      batch.addChain(table, { name: 'output', base: { type: 'nat', hook: 'output', priority: -100 } });
      batch.addChain(table, { name: 'postrouting', base: { type: 'nat', hook: 'postrouting', priority: 100 } });
    }),
  );
  const load = nft.immediate(8, new Uint8Array(family === 'ip' ? 4 : 16));
  rule('nft_nat', table, 'output', [load, nft.dnat(family, 8)]);
  rule('nft_masq', table, 'postrouting', [nft.masquerade({ fullyRandom: true })]);
  rule('nft_reject', table, 'output', [nft.rejectPortUnreachable(family)]);
  rule('nft_ct', table, 'output', [nft.ct('status', 8), nft.cmp('==', 8, hostU32Bytes(0))]);
  rule('nft_numgen', table, 'output', [nft.numgen('random', 2, 8), nft.cmp('==', 8, hostU32Bytes(0))]);
  rule('nft_fib', table, 'postrouting', [nft.fibAddressType('saddr', 8), nft.cmp('==', 8, hostU32Bytes(2))]);
}
attempt('nf_conntrack_netlink', () => new Conntrack(openNetlink('netfilter')).count());
console.log(JSON.stringify(failures));

function rule(feature: string, table: NftTable, chain: string, expressions: readonly NftExpression[]): void {
  attempt(feature, () => commit((batch) => batch.addRule(table, chain, expressions)));
}

function commit(fill: (batch: NftBatch) => void): void {
  const batch = new NftBatch();
  fill(batch);
  nftables.commit(batch);
}

function attempt(feature: string, action: () => unknown): void {
  try {
    action();
  } catch (error) {
    failures[feature] ??= messageOf(error);
  }
}
