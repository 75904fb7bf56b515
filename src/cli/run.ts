/** `fairlead run`: a program, or a shell, at a place of the running lab, as the user and on the user's own files. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { CodedError } from '../observe/index.ts';
import { askLab, untilLabEnds } from './control.ts';
import type { PlaceEntry } from './control.ts';
import type { RunFlags } from './main.ts';
import { findLab } from './state-directory.ts';
import type { RunningLab } from './state-directory.ts';

/** What keeps `run` from starting anything. */
export class RunError extends CodedError<{ readonly code: 'no-nsenter' }> {}

/** How long a program may take to leave when the lab has ended under it, in milliseconds. */
const hangUpGraceMs = 2000;

/** Sets the exit status to the program's. */
export async function run(flags: RunFlags & { readonly command: readonly string[] }): Promise<void> {
  const lab = findLab(flags.name);
  const { controlSocket } = lab.ready;
  const entry = await askLab(controlSocket, { op: 'place', place: flags.from, namespace: flags.namespace });
  const scratch = mkdtempSync(join(dirname(controlSocket), 'run-'));
  try {
    const command = flags.command.length > 0 ? flags.command : [process.env['SHELL'] ?? '/bin/sh'];
    process.exitCode = await spawnAt(lab, entry, { scratch, command });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/**
 * The files of /etc that the place has of its own are bound over in a mount namespace of this one program. A program that is not
 * there is said here, as `up` says it: the shell would speak of itself.
 */
const script =
  'mount --bind "$1" /etc/resolv.conf 2>/dev/null; mount --bind "$2" /etc/hosts 2>/dev/null; hostname "$3" 2>/dev/null; shift 3; ' +
  'case "$1" in */*) [ -e "$1" ] ;; *) command -v -- "$1" >/dev/null ;; esac || { echo "fairlead: cannot run $1: there is no such program" >&2; exit 127; }; ' +
  'exec "$@"';

async function spawnAt(
  { ready }: RunningLab,
  entry: PlaceEntry,
  { scratch, command }: { readonly scratch: string; readonly command: readonly string[] },
): Promise<number> {
  const resolvConf = join(scratch, 'resolv.conf');
  const hosts = join(scratch, 'hosts');
  writeFileSync(resolvConf, entry.resolvConf);
  writeFileSync(hosts, entry.hosts);
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? [] : ['--user', '--preserve-credentials', `--target=${ready.innerPid}`];
  const enter = [...user, `--net=/proc/${ready.innerPid}/fd/${entry.namespaceFd}`];
  const own = ['unshare', '--mount', '--uts', '--propagation=private'];
  // each program execs the next, so that signals reach the user's own
  const args = [...enter, ...own, 'sh', '-c', script, 'sh', resolvConf, hosts, entry.hostname, ...command];
  const child = spawn('nsenter', args, {
    stdio: 'inherit',
    env: { ...process.env, KUBECONFIG: ready.kubeconfig, FAIRLEAD_PLACE: entry.place },
  });
  const passSignals = (name: NodeJS.Signals): void => {
    // a terminal sends its interrupts to the program itself
    if (name !== 'SIGINT' || !process.stdin.isTTY) child.kill(name);
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.on(name, passSignals);
  const status = new Promise<number>((done, fail) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      fail(
        cause.code === 'ENOENT'
          ? new RunError('the program nsenter is missing. sudo apt install util-linux', { code: 'no-nsenter' }, { cause })
          : cause,
      );
    });
    child.once('exit', (code, signal) => done(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
  const lab = untilLabEnds(ready.controlSocket);
  const first = await Promise.race([status, lab.ended]).finally(() => lab.forget());
  if (first !== undefined) return first;
  console.error('fairlead: the lab has ended');
  child.kill('SIGHUP');
  setTimeout(() => child.kill('SIGKILL'), hangUpGraceMs).unref();
  return status;
}
