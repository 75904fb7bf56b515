/** Damage that somebody else might do: elements that go, with all pins that stand on them. */
import type { SeededRandom } from '../../../bench/shapes/seeded-random.ts';
import { dumpRows, tableOf } from '../../../src/agent/index.ts';
import type { RowSet } from '../../../src/agent/index.ts';
import { NftBatch } from '../../../src/linux/index.ts';
import type { Nftables } from '../../../src/linux/index.ts';

const fragile = [
  'verdicts',
  'services',
  'nodeports',
  'endpoints',
  'slots',
  'sources',
  'cluster-ips',
  'hairpin',
  'firewalled',
] as const;

/** Deletes a few elements of a node's tables; a sentence for each. Throws `NetlinkError`. */
export function damageRows(nftables: Nftables, random: SeededRandom): string[] {
  const batch = new NftBatch();
  const done: string[] = [];
  for (const family of ['IPv4', 'IPv6'] as const) {
    const rows = dumpRows(nftables, family);
    for (const set of random.some<RowSet>(fragile, 40)) {
      const keys = random.some([...(rows.get(set)?.keys() ?? [])].sort(), 30);
      if (keys.length === 0) continue;
      batch.deleteElements(
        tableOf(family),
        set,
        keys.map((key) => ({ key: Buffer.from(key, 'latin1') })),
      );
      done.push(`${keys.length} rows of ${set} (${family}) torn out`);
    }
  }
  if (done.length > 0) nftables.commit(batch);
  return done;
}
