/**
 * Where a lab says that it runs: one directory per name, mode 0700, gone when the lab is. A directory appears whole, with its
 * owner's number in it, so that two that start at once cannot both have a name, and what a crash left can be told and removed.
 */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CodedError, messageOf, hasCode } from '../observe/index.ts';
import { findDirectoryUser } from './directory-user.ts';
import { endProcess, processStartTime } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { programName } from './program-name.ts';

/** What another command needs to find and enter a running lab. */
export interface LabState {
  readonly name: string;
  /** The supervisor, outside all namespaces. */
  readonly supervisor: ProcessIdentity;
  /** The `unshare` whose only child holds the lab's namespaces; absent until it was started. */
  readonly launcher?: ProcessIdentity;
  /** Absent until the lab can be used. */
  readonly ready?: {
    /** The process that holds the lab's namespaces, as the host numbers it. */
    readonly innerPid: number;
    readonly kubeconfig: string;
    readonly controlSocket: string;
  };
  readonly version: string;
}

/** A lab that can be used. */
export type RunningLab = LabState & { readonly ready: NonNullable<LabState['ready']> };

export type LabStateErrorCode = 'already-running' | 'no-lab' | 'not-ready' | 'unsafe-directory' | 'long-path' | 'unreadable';

/** No lab of that name, or one too many. */
export class LabStateError extends CodedError<{ readonly code: LabStateErrorCode; readonly name: string }> {}

/** Bytes of a Unix socket's path, the terminating zero included (unix(7)). */
const socketPathBytes = 108;

/** The directory of all labs of this user: $XDG_RUNTIME_DIR/fairlead, else one under the system's temporary directory. */
export function labsDirectory(env: NodeJS.ProcessEnv = process.env, uid: number = process.getuid?.() ?? 0): string {
  const runtime = env['XDG_RUNTIME_DIR'];
  if (runtime !== undefined && runtime !== '' && existsSync(runtime)) return join(runtime, 'fairlead');
  return join(tmpdir(), `fairlead-${uid}`);
}

/** Where the lab in this directory takes requests. */
export function controlSocketIn(directory: string): string {
  return join(directory, 'control.sock');
}

/**
 * Takes the name for a lab that is about to start and answers its directory. First removes what labs that died left: their
 * directories, and a process of theirs that has not ended yet; what may be in use stays. Throws `LabStateError` when a lab of the
 * name runs or starts, or when somebody else owns the directory.
 */
export async function claimLab(state: LabState): Promise<string> {
  for (;;) {
    try {
      return await tryToClaim(state);
    } catch (error) {
      // another lab's end took the directory of all labs along, just now
      if (!hasCode(error, 'ENOENT') || existsSync(labsDirectory())) throw error;
    }
  }
}

async function tryToClaim(state: LabState): Promise<string> {
  const { name } = state;
  const parent = labsDirectory();
  makeFolder(parent, name);
  assertOurs(parent, name);
  const directory = join(parent, name);
  if (Buffer.byteLength(controlSocketIn(directory)) >= socketPathBytes) {
    const text = `${directory} is too long for a socket in it; choose a shorter --name or XDG_RUNTIME_DIR`;
    throw new LabStateError(text, { code: 'long-path', name });
  }
  await removeDeadLabs(parent);
  const prepared = join(parent, `.${name}.${process.pid}`);
  remove(prepared);
  makePrivate(prepared);
  try {
    writeState(prepared, state);
    renameSync(prepared, directory);
  } catch (error) {
    releaseLab(prepared);
    if (!existsSync(directory)) throw error;
    const found = readState(directory);
    if (found.state === undefined) throw await unreadable(name, directory, found, error);
    const text = `a lab called ${name} is already running (process ${found.state.supervisor.pid}): stop it, or start a second one with --name`;
    throw new LabStateError(text, { code: 'already-running', name }, { cause: error });
  }
  return directory;
}

/** Writes the state in one step, so that nobody reads half of it. */
export function writeState(directory: string, state: LabState): void {
  const path = stateFile(directory);
  writeFileSync(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
  // whatever the user's umask takes away
  chmodSync(`${path}.new`, 0o600);
  renameSync(`${path}.new`, path);
}

/** Removes a lab's directory, and that of all labs with the last of them. */
export function releaseLab(directory: string): void {
  remove(directory);
  try {
    rmdirSync(dirname(directory));
  } catch (error) {
    // others live there, or have just done the same
    if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'ENOENT')) throw error;
  }
}

/** The running lab of that name. Throws `LabStateError` with what to do when there is none, or when somebody else says that there is. */
export function findLab(name: string): RunningLab {
  const parent = labsDirectory();
  const directory = join(parent, name);
  const { state, problem } = readState(directory);
  // after reading: nobody can make a directory ours that was not when we read
  if (state !== undefined || problem !== undefined) assertOurs(parent, name);
  if (state === undefined && problem !== undefined)
    throw new LabStateError(`${stateFile(directory)} cannot be read (${problem}), and so no lab called ${name} can be reached`, {
      code: 'unreadable',
      name,
    });
  if (state === undefined || !isAlive(state)) {
    const others = runningLabs();
    const hint =
      others.length === 0 ? `start one with: ${programName()} up` : `running: ${others.join(', ')}; choose one with --name`;
    throw new LabStateError(`no lab called ${name} is running (${hint})`, { code: 'no-lab', name });
  }
  const { ready } = state;
  if (ready === undefined)
    throw new LabStateError(`the lab called ${name} is still starting; try again`, { code: 'not-ready', name });
  return { ...state, ready };
}

/** Names of the labs of this user that run now. */
export function runningLabs(): string[] {
  const parent = labsDirectory();
  if (!existsSync(parent)) return [];
  return readdirSync(parent).filter((name) => {
    const { state } = readState(join(parent, name));
    return state?.ready !== undefined && isAlive(state);
  });
}

async function removeDeadLabs(parent: string): Promise<void> {
  for (const entry of readdirSync(parent)) {
    const directory = join(parent, entry);
    const { state } = readState(directory);
    if (state === undefined) {
      // one that was being prepared has its maker's number in its name; anything else without a state is a crash's, if nobody uses it
      const maker = /^\..*\.(\d+)$/.exec(entry)?.[1];
      if (maker !== undefined && processStartTime(Number(maker)) !== undefined) continue;
      if ((await findDirectoryUser(directory, controlSocketIn(directory))) !== undefined) continue;
    } else {
      if (isAlive(state)) continue;
      await endLauncher(state.launcher);
    }
    // under another name first: whoever starts at the same time must not find half of it
    const doomed = entry.startsWith('.') ? directory : join(parent, `.${entry}.${process.pid}`);
    if (doomed !== directory && !moveIfThere(directory, doomed)) continue;
    const { state: moved } = readState(doomed);
    // somebody else was faster, and this is their new lab
    if (moved !== undefined && isAlive(moved)) renameSync(doomed, directory);
    else removeIfAllowed(doomed);
  }
}

/** What a dead lab left is in nobody's way under its other name: where it cannot be removed, it stays, and the start goes on. */
function removeIfAllowed(directory: string): void {
  try {
    remove(directory);
  } catch (error) {
    if (!hasCode(error, 'EACCES') && !hasCode(error, 'EPERM')) throw error;
  }
}

function remove(directory: string): void {
  try {
    rmSync(directory, { recursive: true, force: true });
  } catch (error) {
    if (!hasCode(error, 'EACCES')) throw error;
    // ours, but closed to ourselves
    chmodSync(directory, 0o700);
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Mode 0700, whatever the user's umask takes away. */
function makePrivate(directory: string): void {
  mkdirSync(directory, { mode: 0o700 });
  chmodSync(directory, 0o700);
}

/** The lab's process leaves by itself when its supervisor is gone; this is for one that hangs, and waits for the end of both. */
async function endLauncher(launcher: ProcessIdentity | undefined): Promise<void> {
  if (launcher === undefined) return;
  // only who cleans up needs the kernel's room
  const { findInnerProcessId } = await import('../linux/index.ts');
  const inner = findInnerProcessId(launcher.pid);
  const innerStart = inner === undefined ? undefined : processStartTime(inner);
  if (!(await endProcess(launcher))) return;
  if (inner !== undefined && innerStart !== undefined) await endProcess({ pid: inner, startTime: innerStart });
}

function moveIfThere(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

function isAlive(state: LabState): boolean {
  return processStartTime(state.supervisor.pid) === state.supervisor.startTime;
}

/** What a directory says of its lab; `problem` when it has a state that cannot be understood. */
type StateFound = { readonly state: LabState; readonly problem?: never } | { readonly state?: never; readonly problem?: string };

function readState(directory: string): StateFound {
  try {
    const state = JSON.parse(readFileSync(stateFile(directory), 'utf8')) as Partial<LabState> | null;
    return typeof state?.supervisor?.pid === 'number' ? { state: state as LabState } : { problem: 'it names no process' };
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return {};
    return { problem: messageOf(error) };
  }
}

function stateFile(directory: string): string {
  return join(directory, 'state.json');
}

/** The name cannot be had, and what its directory says does not tell why. */
async function unreadable(name: string, directory: string, { problem }: StateFound, cause: unknown): Promise<LabStateError> {
  const pid = await findDirectoryUser(directory, controlSocketIn(directory));
  const who = pid === undefined || pid === 0 ? 'a process' : `process ${pid}`;
  const text = `a lab called ${name} may be running (${who} uses ${directory}, whose state.json ${problem === undefined ? 'is gone' : `cannot be read: ${problem}`}): end it, or start a second one with --name`;
  return new LabStateError(text, { code: 'unreadable', name }, { cause });
}

/** The folder that it stands in is there, or is somebody else's to make. */
function makeFolder(path: string, name: string): void {
  try {
    makePrivate(path);
  } catch (error) {
    if (existsSync(path)) return;
    const text = `cannot make ${path} (${messageOf(error)}); set XDG_RUNTIME_DIR to a directory that can be written`;
    throw new LabStateError(text, { code: 'unsafe-directory', name }, { cause: error });
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
