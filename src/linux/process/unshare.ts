/**
 * Starts a process of ours in user (unless root), mount and pid namespaces of its own, through util-linux's `unshare`: a
 * process with threads, as Node's is, cannot enter a user namespace by itself (EINVAL). The network stays the host's.
 */
import { hasCode } from '../../observe/index.ts';
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { F_SETFD, FD_CLOEXEC } from '../constants.ts';
import { libc } from '../libc.ts';

export interface SpawnOptions {
  /** The Node to run; default this one. */
  readonly nodePath?: string;
  /** Options for Node itself, before the script. */
  readonly nodeArgs?: readonly string[];
  readonly script: string;
  readonly args?: readonly string[];
  /** Default `inherit`, and a channel for `send` as the fourth: its end tells the inner process that ours is gone. */
  readonly stdio?: StdioOptions;
  readonly env?: NodeJS.ProcessEnv;
  /** In a session of its own, where a terminal's signals do not reach it. */
  readonly detached?: boolean;
  /** Default: whether we are root. */
  readonly asRoot?: boolean;
}

/**
 * The command line before the program. The program becomes pid 1 of its pid namespace, so everything that it starts dies with
 * it; it dies with `unshare`; and in the user namespace it is root, mapped to the calling user.
 */
export function buildUnshareCommand(options: { readonly asRoot: boolean }): string[] {
  const user = options.asRoot ? [] : ['--user', '--map-root-user'];
  return ['unshare', ...user, '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
}

/**
 * Starts the script inside. A script that must not outlive us calls `exitWithParent`: nothing else ends it when we are
 * killed, because the kernel forgets a process's parent-death signal when it enters a user namespace.
 */
export function spawnInNamespaces(options: SpawnOptions): ChildProcess {
  const asRoot = options.asRoot ?? process.getuid?.() === 0;
  const [program = 'unshare', ...parameters] = buildUnshareCommand({ asRoot });
  const { nodePath = process.execPath, nodeArgs = [], script, args = [] } = options;
  return spawn(program, [...parameters, nodePath, ...nodeArgs, script, ...args], {
    stdio: options.stdio ?? ['inherit', 'inherit', 'inherit', 'ipc'],
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.detached === undefined ? {} : { detached: options.detached }),
  });
}

/** Inside: ends this process when the channel to the one that started it closes, which it does however that one ends. */
export function exitWithParent(): void {
  process.on('disconnect', () => process.exit(1));
  if (process.channel !== undefined && !process.connected) process.exit(1);
}

/**
 * Inside: programs that this process starts get none of the descriptors that it was started with, standard ones excepted. Node
 * sees to that for low numbers alone, and a shell's own (`<(...)`, `exec {lock}>...`) are high.
 */
export function keepInheritedDescriptors(): void {
  for (const entry of readdirSync('/proc/self/fd')) {
    const fd = Number(entry);
    if (fd > 2 && isOpen(fd)) libc().fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

/**
 * The inner process as seen from outside, for `nsenter -t`: the one child of the `unshare` that `spawnInNamespaces` started.
 * Undefined when it is not there (yet, or any more).
 */
export function findInnerProcessId(unshareProcessId: number): number | undefined {
  const [first = ''] = readIfThere(`/proc/${unshareProcessId}/task/${unshareProcessId}/children`).split(' ');
  return first === '' ? undefined : Number(first);
}

/** The descriptor that the directory was read by is in the list, and closed since. */
function isOpen(fd: number): boolean {
  try {
    readlinkSync(`/proc/self/fd/${fd}`);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return '';
    throw error;
  }
}
