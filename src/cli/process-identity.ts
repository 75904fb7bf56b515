/** Processes told apart from later ones with the same number. */
import { hasCode } from '../observe/index.ts';
import { readFileSync } from 'node:fs';

/** A process: its number, and when it started (clock ticks since boot, /proc/PID/stat field 22). */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string;
}

const endTimeoutMs = 5000;

/** The identity of a process that runs now; with start time '' when it has ended. */
export function identify(pid: number): ProcessIdentity {
  return { pid, startTime: processStartTime(pid) ?? '' };
}

/** When the process started; undefined when it does not exist, or has ended and only waits to be collected. */
export function processStartTime(pid: number): string | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
  // the second field is the program's name in parentheses and may hold spaces
  const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? undefined : fields[18];
}

/** Kills the process if it still runs, and resolves when it has ended: false when it was not there. */
export async function endProcess({ pid, startTime }: ProcessIdentity): Promise<boolean> {
  if (processStartTime(pid) !== startTime) return false;
  signalIfThere(pid);
  await untilEnded({ pid, startTime });
  return true;
}

/** Resolves when the process has ended, or after `timeoutMs`. */
export async function untilEnded({ pid, startTime }: ProcessIdentity, timeoutMs = endTimeoutMs): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (processStartTime(pid) === startTime && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 5));
}

function signalIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}
