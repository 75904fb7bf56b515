/**
 * Changes names 200 times a second for a minute while the server is asked as much as it can take.
 *
 *     npm run soak dns [-- SECONDS SEED]
 *
 * Prints a JSON line; status 1 when a query was lost or an answer was mixed.
 */
import { soakDns } from '../dns-soak.ts';

/** Words: seconds, seed. */
export async function run(args: readonly string[]): Promise<void> {
  const [seconds = 60, seed = 1] = args.map(Number);
  const result = await soakDns({ seconds, updatesPerSecond: 200, services: 500, udpWorkers: 1, random: seeded(seed) });
  console.log(JSON.stringify({ soak: 'dns', seconds, seed, ...result }));
  if (result.lost + result.mixed + result.wentBack > 0) process.exitCode = 1;
}

/** Mulberry32. */
function seeded(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
