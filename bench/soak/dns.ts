/**
 * Changes names 200 times a second for a minute while the server is asked as much as it can take.
 *
 *     npm run soak dns [-- SECONDS SEED]
 *
 * Prints a JSON line; status 1 when a query was lost or an answer was mixed.
 */
import { soakDns } from '../dns-soak.ts';
import { mulberry32 } from '../shapes/seeded-random.ts';

/** Words: seconds, seed. */
export async function run(args: readonly string[]): Promise<void> {
  const [seconds = 60, seed = 1] = args.map(Number);
  const result = await soakDns({ seconds, updatesPerSecond: 200, services: 500, udpWorkers: 1, random: mulberry32(seed) });
  console.log(JSON.stringify({ soak: 'dns', seconds, seed, ...result }));
  if (result.lost + result.mixed + result.wentBack > 0) process.exitCode = 1;
}
