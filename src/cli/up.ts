/**
 * `fairlead up`, the supervisor: starts the lab's own process in its namespaces, shows its progress, runs the user's command
 * outside of them, and takes everything down. The lab dies with its process, which is the first of its pid namespace, and
 * stops by itself when this one is gone.
 */
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { LabProcess, StartError } from './lab-process.ts';
import type { UpFlags } from './main.ts';
import type { InnerOptions } from './messages.ts';
import { identify } from './process-identity.ts';
import { programName } from './program-name.ts';
import { Progress } from './progress.ts';
import { claimLab, releaseLab, writeState } from './state-directory.ts';
import type { LabState } from './state-directory.ts';
import { startCommand } from './user-command.ts';
import { version } from './version.ts';

/** What `up` takes besides its flags. */
export interface UpExtras {
  readonly command: readonly string[];
  /** A module that the lab runs once everything is ready (messages.ts). With `leaves` set, `up` then ends with its verdict. */
  readonly extension?: { readonly path: string; readonly leaves: boolean };
}

/** Runs until the user's command ends, a signal comes, or the lab dies. Sets the exit status. */
export async function up(flags: UpFlags & UpExtras): Promise<void> {
  if (process.platform !== 'linux')
    throw new StartError('fairlead up makes network namespaces and so needs Linux; explain -f works here', { code: 'not-linux' });
  const [program = ''] = flags.command;
  if (/\.(ya?ml|json)$/.test(program))
    throw new StartError(`${program} is no program to run; to apply it, write: -f ${program}`, { code: 'cannot-start' });
  // here it says so in a sentence; deep in the lab it would be a crash
  process.cwd();
  const signals = new Signals();
  const starting: LabState = { name: flags.name, supervisor: identify(process.pid), version };
  const directory = await claimLab(starting);
  try {
    process.exitCode = await superviseLab(flags, directory, starting, signals);
  } finally {
    releaseLab(directory);
    signals.close();
  }
}

async function superviseLab(flags: UpFlags & UpExtras, directory: string, starting: LabState, signals: Signals): Promise<number> {
  const progress = new Progress({ isQuiet: flags.command.length > 0 });
  const summarized = Promise.withResolvers<void>();
  const lab = new LabProcess(innerOptions(flags, directory), {
    progress: (text) => progress.step(text),
    warning: (text) => progress.warning(text),
    waiting: (missing) => progress.waiting(missing),
    // messages come in bundles: what follows the summary is not to overtake it
    print: (text) => void summarized.promise.then(() => console.log(text)),
  });
  const state: LabState = { ...starting, launcher: lab.launcher };
  writeState(directory, state);
  signals.stopOrKill(lab);
  try {
    const ready = await lab.ready();
    progress.clear();
    const { kubeconfig, controlSocket } = ready;
    writeState(directory, { ...state, ready: { innerPid: lab.innerPid ?? 0, kubeconfig, controlSocket } });
    // without a program the summary says it
    if (flags.command.length > 0 && ready.missing.length > 0) console.error(`fairlead: not ready: ${ready.missing.join(', ')}`);
    if (flags.command.length > 0) return await besideLab(lab, flags, kubeconfig, signals);
    console.log(ready.summary);
    summarized.resolve();
    const passed = flags.extension === undefined ? true : await lab.finished();
    if (flags.extension?.leaves === true) return Number(!passed);
    await lab.gone;
    return endedByItself(lab, signals) ? 1 : 0;
  } catch (error) {
    progress.clear();
    // as a shell says it: 128 and the signal's number
    if (error instanceof StartError && error.code === 'stopped' && signals.last !== undefined) {
      console.error(`fairlead: ${error.message}`);
      return 128 + constants.signals[signals.last];
    }
    throw error;
  } finally {
    signals.stopOrKill(lab);
    await lab.stop();
  }
}

/** Runs the user's program; ends it when the lab dies under it. */
async function besideLab(lab: LabProcess, flags: UpFlags & UpExtras, kubeconfig: string, signals: Signals): Promise<number> {
  const command = startCommand(flags.command, { ...process.env, KUBECONFIG: kubeconfig, FAIRLEAD_LAB: flags.name });
  signals.passTo((name) => command.signal(name));
  const first = await Promise.race([command.status, lab.gone]);
  if (first !== undefined) return first;
  endedByItself(lab, signals);
  command.signal('SIGTERM');
  await command.status;
  return 1;
}

/** Says so if it did. */
function endedByItself(lab: LabProcess, signals: Signals): boolean {
  if (signals.last !== undefined || lab.ending === 0) return false;
  console.error(`fairlead: the lab ended by itself (${lab.ending ?? 'no status'}); everything in it is gone`);
  return true;
}

/** What the process is told from outside, and whom that concerns. */
class Signals {
  #last: NodeJS.Signals | undefined;
  #handle: (name: NodeJS.Signals) => void = () => undefined;
  readonly #names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  readonly #listener = (name: NodeJS.Signals): void => {
    this.#handle(name);
    this.#last = name;
  };

  constructor() {
    for (const name of this.#names) process.on(name, this.#listener);
  }

  /** The latest that came. */
  get last(): NodeJS.Signals | undefined {
    return this.#last;
  }

  /** The first stops in order, the second at once. */
  stopOrKill(lab: LabProcess): void {
    this.#handle = () => void (this.#last === undefined ? lab.stop() : lab.kill());
    if (this.#last !== undefined) void lab.stop();
  }

  /** The program decides what to do with them. A terminal sends its interrupts to the program itself. */
  passTo(signal: (name: NodeJS.Signals) => void): void {
    this.#handle = (name) => {
      if (name !== 'SIGINT' || !process.stdin.isTTY) signal(name);
    };
  }

  close(): void {
    for (const name of this.#names) process.off(name, this.#listener);
  }
}

function innerOptions(flags: UpFlags & UpExtras, directory: string): InnerOptions {
  return {
    name: flags.name,
    nodes: flags.nodes,
    ipFamily: flags.ipFamily,
    apiPort: flags.port,
    ...(flags.data === undefined ? {} : { dataDirectory: resolve(flags.data) }),
    stateDirectory: directory,
    manifests: flags.filename,
    publish: flags.publish,
    forward: flags.forward ?? [],
    logLevel: flags.logLevel,
    program: programName(),
    ...(flags.extension === undefined ? {} : { extension: flags.extension.path }),
  };
}
