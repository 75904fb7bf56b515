/** What this process keeps of memory that it does not need. For a program that is the agent and nothing else. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Keeps V8 from giving new objects more room than they have now: on a machine with much memory it goes up to 134 MB during one full sync,
 * which are not given back, and a full sync takes as long without them. To be called when the program's modules are loaded, which leaves
 * some 8 MB; it holds for the whole process.
 */
export function boundYoungGeneration(): void {
  // The factor by which it grows each time.
  setFlagsFromString('--semi-space-growth-factor=1');
}

/**
 * Gives back what a large piece of work has left behind: with 10,000 Services some 40 MB, which V8 would keep for the next such piece.
 * Takes as long as a full collection: some 50 ms then.
 */
export function releaseGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { readonly type: 'major'; readonly flavor: 'last-resort' }) => void;
  collect({ type: 'major', flavor: 'last-resort' });
}
