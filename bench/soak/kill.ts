/**
 * Kills a lab's processes at random moments, and sees each time that nothing is left and that it starts again.
 *
 *     npm run soak kill                     two hundred kills
 *     npm run soak kill -- --count 1000 --seed 7
 */
import { parseArgs } from 'node:util';
import { killAgainAndAgain } from '../../test/wire/kill-loop.ts';
import { Desk } from '../../test/wire/up-harness.ts';

/** Prints a line per kill; throws at the first that leaves something. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { count: { type: 'string', default: '200' }, seed: { type: 'string', default: String(Date.now() % 1_000_000) } },
  });
  const desk = new Desk();
  try {
    await killAgainAndAgain(desk, {
      count: Number(values.count),
      seed: Number(values.seed),
      maxDelayMs: 1500,
      report: (line) => console.log(line),
    });
  } finally {
    desk.close();
  }
}
