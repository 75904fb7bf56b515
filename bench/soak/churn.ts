/**
 * Changes everything about a cluster at random for ten minutes; after every sync the kernel's rows and where packets land are checked.
 *
 *     npm run soak churn                                   ten minutes, a new seed
 *     npm run soak churn -- --seed 7 --rounds 1200         the same changes and questions again, up to a round
 *
 * Prints its seed, a line every ten seconds and a JSON line; status 1, with the round and its changes, when something was not as
 * `routing` says.
 */
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/observe/index.ts';
import { AgentLab } from '../../test/wire/agent-lab.ts';
import { churn } from '../../test/wire/churn/churn-loop.ts';
import { runStage, serveStages } from '../shapes/stage.ts';

interface Facts {
  readonly seconds: number;
  readonly seed: number;
  readonly rounds?: number;
}

const stages = {
  /** In namespaces of its own. Answers what went wrong, if anything did. */
  churn: async ({ seconds, seed, rounds }: Facts): Promise<string | null> => {
    const lab = await AgentLab.start();
    try {
      const report = (counts: object): void => console.log(Object.entries(counts).flat().join(' '));
      const counts = await churn(lab, { seconds, seed, ...(rounds === undefined ? {} : { rounds }), report });
      console.log(JSON.stringify({ soak: 'churn', seconds, ...counts }));
      return null;
    } catch (error) {
      return messageOf(error);
    } finally {
      await lab.stop();
    }
  },
};

/** Flags: `--seconds`, `--seed`, `--rounds`. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { seconds: { type: 'string', default: '600' }, seed: { type: 'string' }, rounds: { type: 'string' } },
  });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const facts: Facts = {
    seconds: Number(values.seconds),
    seed,
    ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }),
  };
  console.log(`seed ${seed}`);
  const fault = await runStage<string | null>(import.meta.url, 'churn', facts);
  if (fault === null) return;
  console.error(fault);
  process.exitCode = 1;
}

if (import.meta.main) await serveStages(stages, run);
