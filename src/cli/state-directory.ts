/** Where a running lab says that it runs: one directory per name, mode 0700, gone when the lab is. */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '../observe/index.ts';

/** What another command needs to find and enter a running lab. */
export interface LabState {
  readonly name: string;
  /** The supervisor, outside all namespaces, and when it started (clock ticks since boot, /proc/PID/stat field 22). */
  readonly pid: number;
  readonly startTime: string;
  /** The process that holds the lab's namespaces, as the host numbers it. */
  readonly innerPid: number;
  readonly kubeconfig: string;
  readonly controlSocket: string;
  readonly version: string;
}

export type LabStateErrorCode = 'already-running' | 'no-lab' | 'unsafe-directory';

/** No lab of that name, or one too many. */
export class LabStateError extends CodedError<{ readonly code: LabStateErrorCode; readonly name: string }> {}

/** The directory of all labs of this user: $XDG_RUNTIME_DIR/fairlead, else one under the system's temporary directory. */
export function labsDirectory(env: NodeJS.ProcessEnv = process.env, uid: number = process.getuid?.() ?? 0): string {
  const runtime = env['XDG_RUNTIME_DIR'];
  if (runtime !== undefined && runtime !== '' && existsSync(runtime)) return join(runtime, 'fairlead');
  return join(tmpdir(), `fairlead-${uid}`);
}

/**
 * Claims the name for a lab that is about to start, and cleans up after one that died. Throws `LabStateError` when a lab of
 * the name runs, or when somebody else owns the directory.
 */
export function claimLab(name: string): string {
  const parent = labsDirectory();
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  assertOurs(parent, name);
  const directory = join(parent, name);
  const running = readState(directory);
  if (running !== undefined && isAlive(running)) {
    const text = `a lab called ${name} is already running (process ${running.pid}): stop it, or start a second one with --name`;
    throw new LabStateError(text, { code: 'already-running', name });
  }
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { mode: 0o700 });
  return directory;
}

/** Writes the state in one step, so that nobody reads half of it. */
export function writeState(directory: string, state: LabState): void {
  const path = join(directory, 'state.json');
  writeFileSync(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** Removes a lab's directory. */
export function releaseLab(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}

/** The running lab of that name. Throws `LabStateError` with what to do when there is none. */
export function findLab(name: string): LabState {
  const state = readState(join(labsDirectory(), name));
  if (state === undefined || !isAlive(state)) {
    const others = runningLabs();
    const hint = others.length === 0 ? 'start one with: fairlead up' : `running: ${others.join(', ')}; choose one with --name`;
    throw new LabStateError(`no lab called ${name} is running (${hint})`, { code: 'no-lab', name });
  }
  return state;
}

/** Names of the labs of this user that run now. */
export function runningLabs(): string[] {
  const parent = labsDirectory();
  if (!existsSync(parent)) return [];
  return readdirSync(parent).filter((name) => {
    const state = readState(join(parent, name));
    return state !== undefined && isAlive(state);
  });
}

/** When the process started, in clock ticks since boot; undefined when it does not exist. Tells a process from a later one with its number. */
export function processStartTime(pid: number): string | undefined {
  try {
    // the second field is the program's name in parentheses and may hold spaces
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function isAlive(state: LabState): boolean {
  return processStartTime(state.pid) === state.startTime;
}

function readState(directory: string): LabState | undefined {
  const path = join(directory, 'state.json');
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as LabState;
  } catch {
    // a half-written file is what a crash leaves: nobody runs there
    return undefined;
  }
}

/** A directory in /tmp that another user made could hand us their kubeconfig. */
function assertOurs(path: string, name: string): void {
  const { uid } = lstatSync(path);
  if (!lstatSync(path).isDirectory() || uid !== (process.getuid?.() ?? 0)) {
    throw new LabStateError(`${path} belongs to somebody else (uid ${uid}); set XDG_RUNTIME_DIR to a directory of your own`, {
      code: 'unsafe-directory',
      name,
    });
  }
  chmodSync(path, 0o700);
}
