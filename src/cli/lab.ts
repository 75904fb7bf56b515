/** `fairlead lab`: pulls plugs and cuts links of a running lab, and mends them. */
import { CodedError } from '../observe/index.ts';
import { askLab } from './control.ts';
import type { ControlRequest } from './control.ts';
import { findLab } from './state-directory.ts';

/** A change that cannot be understood; the message says what to write. */
export class LabCommandError extends CodedError<{ readonly code: 'usage' }> {}

type Change = ControlRequest<'node' | 'link'>;

/** Makes the change and says what is so now. */
export async function labCommand(words: readonly string[], flags: { readonly name: string }): Promise<void> {
  const { change, said } = parseChange(words);
  await askLab(findLab(flags.name).ready.controlSocket, change);
  console.log(said);
}

/** Reads `node stop node-2`, `link cut node-1 outside`. Throws `LabCommandError`. */
export function parseChange(words: readonly string[]): { readonly change: Change; readonly said: string } {
  const [what, action, ...rest] = words;
  // as other commands name places
  const [a, b] = rest.map((name) => name.replace(/^node\//, ''));
  if (what === 'node' && (action === 'stop' || action === 'start') && a !== undefined && rest.length === 1) {
    const isUp = action === 'start';
    return { change: { op: 'node', node: a, isUp }, said: isUp ? `${a} is plugged in` : `${a} is cut off from everybody` };
  }
  if (what === 'link' && (action === 'cut' || action === 'heal') && a !== undefined && b !== undefined && rest.length === 2) {
    const isWhole = action === 'heal';
    const state = isWhole ? 'the link is whole' : 'packets are lost in both directions';
    return { change: { op: 'link', a, b, isWhole }, said: `${a} and ${b}: ${state}` };
  }
  throw new LabCommandError(
    `lab ${words.join(' ')}: write lab node stop NODE, lab node start NODE, lab link cut A B or lab link heal A B`,
    { code: 'usage' },
  );
}
