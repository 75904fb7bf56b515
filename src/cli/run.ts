/** `fairlead run`: a program, or a shell, at a place of the running lab, as the user and on the user's own files. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { askLab } from '../cluster/index.ts';
import type { PlaceEntry } from '../cluster/index.ts';
import { formatPlace, parsePlace } from '../explain/index.ts';
import type { RunFlags } from './main.ts';
import { findLab } from './state-directory.ts';

/** Sets the exit status to the program's. */
export async function run(flags: RunFlags & { readonly command: readonly string[] }): Promise<void> {
  const place = parsePlace(flags.from);
  const lab = findLab(flags.name);
  const full = formatPlace(place.kind === 'pod' ? { ...place, namespace: place.namespace ?? flags.namespace } : place);
  const entry = (await askLab(lab.controlSocket, { op: 'place', place: full })) as PlaceEntry;
  const scratch = mkdtempSync(join(dirname(lab.controlSocket), 'run-'));
  try {
    const resolvConf = join(scratch, 'resolv.conf');
    const hosts = join(scratch, 'hosts');
    writeFileSync(resolvConf, entry.resolvConf);
    writeFileSync(hosts, entry.hosts);
    const command = flags.command.length > 0 ? flags.command : [process.env['SHELL'] ?? '/bin/sh'];
    process.exitCode = await spawnAt(lab.innerPid, entry, resolvConf, hosts, command, lab.kubeconfig, full);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The files of /etc that the place has of its own are bound over in a mount namespace of this one program. */
const script =
  'mount --bind "$1" /etc/resolv.conf 2>/dev/null; mount --bind "$2" /etc/hosts 2>/dev/null; hostname "$3" 2>/dev/null; shift 3; exec "$@"';

async function spawnAt(
  pid: number,
  entry: PlaceEntry,
  resolvConf: string,
  hosts: string,
  command: readonly string[],
  kubeconfig: string,
  place: string,
): Promise<number> {
  const isRoot = process.getuid?.() === 0;
  const enter = [
    ...(isRoot ? [] : ['--user', '--preserve-credentials', `--target=${pid}`]),
    `--net=/proc/${pid}/fd/${entry.namespaceFd}`,
  ];
  const args = [
    ...enter,
    'unshare',
    '--mount',
    '--uts',
    '--propagation=private',
    'sh',
    '-c',
    script,
    'sh',
    resolvConf,
    hosts,
    entry.hostname,
    ...command,
  ];
  const child = spawn('nsenter', args, {
    stdio: 'inherit',
    env: { ...process.env, KUBECONFIG: kubeconfig, FAIRLEAD_PLACE: place },
  });
  const forward = (signal: NodeJS.Signals): boolean => child.kill(signal);
  process.on('SIGTERM', forward);
  // a terminal sends its interrupts to the program itself
  process.on('SIGINT', () => undefined);
  return new Promise<number>((done, fail) => {
    child.once('error', fail);
    child.once('exit', (status, signal) => done(status ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}
