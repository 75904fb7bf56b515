/** What this process keeps of memory that it does not need. For a program that is the agent and nothing else. */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Gives V8 16 MB for new objects, and no more: what a full sync makes is garbage by nine tenths, and with the 4 MB that V8 has once the
 * modules are loaded, collecting it takes some 80 ms longer with 10,000 Services. On a machine with much memory V8 would go up to 134 MB on
 * its own and keep them. To be called once the program's modules are loaded; it holds for the whole process.
 */
export function boundYoungGeneration(): void {
  // V8 makes the room larger when as much has outlived a collection as it holds; it cannot be told to.
  const survivors: number[][] = [];
  while (youngBytes() < maxYoungBytes && survivors.length < maxSurvivors) survivors.push(new Array<number>(2000).fill(0));
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

const maxYoungBytes = 16 * 1024 * 1024;
/** Of 16 KB each: twice what it takes. */
const maxSurvivors = 1000;

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? maxYoungBytes;
}
