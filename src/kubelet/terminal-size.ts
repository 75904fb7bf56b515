/** Pseudo terminals of commands follow the window of whoever sits before them. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { messageOf } from '../observe/index.ts';
import type { Logger } from '../observe/index.ts';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A size to begin with, and those that come later. */
export interface Terminal extends TerminalSize {
  readonly later: AsyncIterable<TerminalSize>;
}

/** How long a caller may take to say how large its window is. */
const firstSizeMs = 100;

/** The terminal of a caller that sends sizes: 80 by 24 until it says otherwise. */
export async function terminalOf(sizes: AsyncIterable<TerminalSize>): Promise<Terminal> {
  const iterator = sizes[Symbol.asyncIterator]();
  const asked = iterator.next();
  const first = await Promise.race([
    asked,
    new Promise<undefined>((resolve) => {
      setTimeout(() => resolve(undefined), firstSizeMs).unref();
    }),
  ]);
  const usual = { columns: 80, rows: 24 };
  if (first === undefined) return { ...usual, later: continued(asked, iterator) };
  return first.done === true
    ? { ...usual, later: continued(asked, iterator) }
    : { ...first.value, later: continued(iterator.next(), iterator) };
}

/** Gives the terminal of a process, or of one below it, each size that comes; ends with the sizes. Never rejects. */
export async function followSizes(
  pid: number,
  sizes: AsyncIterable<TerminalSize>,
  { logger }: { readonly logger: Logger },
): Promise<void> {
  try {
    for await (const size of sizes) {
      const holder = findTerminalHolder(pid);
      if (holder !== undefined) await setSize(holder, size);
    }
  } catch (error) {
    logger.debug({ pid, error: messageOf(error) }, 'terminal keeps its size');
  }
}

/** A terminal that has just gone has no size to be set, and that is no error. */
function setSize(holder: number, { columns, rows }: TerminalSize): Promise<void> {
  const stty = spawn('stty', ['-F', `/proc/${holder}/fd/0`, 'cols', String(columns), 'rows', String(rows)], { stdio: 'ignore' });
  return new Promise((resolve, reject) => {
    stty.once('error', reject);
    stty.once('close', () => resolve());
  });
}

async function* continued(
  pending: Promise<IteratorResult<TerminalSize, unknown>>,
  iterator: AsyncIterator<TerminalSize>,
): AsyncGenerator<TerminalSize> {
  for (let step = await pending; step.done !== true; step = await iterator.next()) yield step.value;
}

/** The first process from `pid` downwards that has a terminal. */
function findTerminalHolder(pid: number): number | undefined {
  const waiting = [pid];
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const stat = readProc(`${next}/stat`);
    // behind the name, which may hold anything: state, parent, group, session, terminal (proc(5))
    const terminal = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4] ?? '0';
    if (terminal !== '' && terminal !== '0') return next;
    for (const child of readProc(`${next}/task/${next}/children`).split(' '))
      if (child.trim() !== '') waiting.push(Number(child));
  }
  return undefined;
}

/** Empty for a process that has gone. */
function readProc(path: string): string {
  try {
    return readFileSync(`/proc/${path}`, 'latin1');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}
