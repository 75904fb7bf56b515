/** The lab's own process as its supervisor sees it: started in its namespaces, listened to, told to leave, and killed if it does not. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import module from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findInnerProcessId, preflight, spawnInNamespaces } from '../linux/index.ts';
import { CodedError } from '../observe/index.ts';
import type { FromInner, InnerOptions, ToInner } from './messages.ts';
import { endProcess, identify } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';

/** A lab that could not start, in one sentence with the fix. */
export class StartError extends CodedError<{ readonly code: 'not-linux' | 'cannot-start' | 'preflight' | 'stopped' }> {}

/** How long the lab may take to leave after it was told to, in milliseconds. */
const stopGraceMs = 15_000;

type Message<Kind extends FromInner['kind']> = Extract<FromInner, { readonly kind: Kind }>;

/** What is done with what the lab says. */
export interface LabListener {
  readonly progress: (text: string) => void;
  readonly warning: (text: string) => void;
  readonly waiting: (missing: readonly string[]) => void;
  readonly print: (text: string) => void;
}

/** Lives from its making until `gone`; everything in the lab ends with it. */
export class LabProcess {
  /** Resolves when the process has ended; never rejects. */
  readonly gone: Promise<void>;
  /** The process that was started: the parent of the lab's own. */
  readonly launcher: ProcessIdentity;
  readonly #child: ChildProcess;
  readonly #ready: Promise<Message<'ready'>>;
  readonly #finished: Promise<boolean>;
  #isAskedToStop = false;

  constructor(options: InnerOptions, listener: LabListener) {
    const child = spawnInNamespaces({
      nodePath: process.execPath,
      script: fileURLToPath(new URL('../../bin/fairlead.js', import.meta.url)),
      args: ['inner', JSON.stringify(options)],
      nodeArgs: ['--max-semi-space-size=16'],
      stdio: [options.manifests.includes('-') ? 'inherit' : 'ignore', 'inherit', 'inherit', 'ipc'],
      env: labEnvironment(),
      // Ctrl-C is this process's business: the lab hears of it from us
      detached: true,
    });
    this.#child = child;
    this.launcher = identify(child.pid ?? 0);
    const ready = Promise.withResolvers<Message<'ready'>>();
    const finished = Promise.withResolvers<boolean>();
    const gone = Promise.withResolvers<void>();
    this.#ready = ready.promise;
    this.#finished = finished.promise;
    this.gone = gone.promise;
    // whoever does not ask for it has no use for its failure
    ready.promise.catch(() => undefined);
    child.on('message', (message) => {
      const said = message as FromInner;
      if (said.kind === 'progress') listener.progress(said.text);
      else if (said.kind === 'warning') listener.warning(said.text);
      else if (said.kind === 'waiting') listener.waiting(said.missing);
      else if (said.kind === 'print') listener.print(said.text);
      else if (said.kind === 'ready') ready.resolve(said);
      else if (said.kind === 'finished') finished.resolve(said.passed);
      else {
        const error = new StartError(said.message, { code: 'cannot-start' });
        ready.reject(error);
        // an extension that failed after the start
        void ready.promise.then(
          () => listener.print(said.message),
          () => undefined,
        );
        finished.resolve(false);
      }
    });
    const end = (explain: () => Promise<Error>): void => {
      finished.resolve(false);
      void explain().then((error) => ready.reject(error));
      gone.resolve();
    };
    child.once('error', (error) => end(() => this.#explainEnd(error.message)));
    child.once('exit', (status, signal) => end(() => this.#explainEnd(signal ?? `status ${status ?? '?'}`)));
  }

  /** Resolves when everything runs. Rejects with `StartError` when it does not come to that. */
  ready(): Promise<Message<'ready'>> {
    return this.#ready;
  }

  /** The extension's verdict; false when the lab ends before it gave one. */
  finished(): Promise<boolean> {
    return this.#finished;
  }

  /** The lab's own process as the host numbers it; undefined when it is not there. */
  get innerPid(): number | undefined {
    return findInnerProcessId(this.launcher.pid);
  }

  /** How it ended: 0 for in order, else the signal or status; undefined while it runs. */
  get ending(): 0 | string | undefined {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === 0) return 0;
    if (exitCode !== null) return `status ${exitCode}`;
    return signalCode ?? undefined;
  }

  /** Asks the lab to leave, kills it when it does not, and resolves when it has gone. May be called again. */
  async stop(): Promise<void> {
    if (!this.#isAskedToStop && this.ending === undefined) {
      this.#isAskedToStop = true;
      const message: ToInner = { kind: 'stop' };
      // the channel may close while this is on its way: then it is leaving already
      if (this.#child.connected) this.#child.send(message, () => undefined);
      setTimeout(() => void this.kill(), stopGraceMs).unref();
    }
    await this.gone;
  }

  /** Ends it at once, and everything in it. Resolves when nothing is left. */
  async kill(): Promise<void> {
    this.#isAskedToStop = true;
    const inner = this.innerPid;
    const identity = inner === undefined ? undefined : identify(inner);
    await endProcess(this.launcher);
    if (identity !== undefined) await endProcess(identity);
  }

  /** The process ended before it was ready: if the machine lacks something, that is why. */
  async #explainEnd(how: string): Promise<Error> {
    if (this.#isAskedToStop) return new StartError('stopped before it was ready', { code: 'stopped' });
    const missing = (await preflight()).filter((check) => !check.ok && !check.isOptional);
    if (missing.length > 0) {
      const lines = missing.map((check) => `${check.check}: ${check.problem ?? 'missing'} ${check.fix ?? ''}`.trim());
      return new StartError(`this machine cannot run the lab\n  ${lines.join('\n  ')}`, { code: 'preflight' });
    }
    return new StartError(`the lab ended before it was ready (${how})${hintOf(how)}`, { code: 'cannot-start' });
  }
}

/** Ours, and where compiled code is kept: threads of the lab know it by the environment alone, and compile for half a second without. */
function labEnvironment(): NodeJS.ProcessEnv {
  const folder = module.getCompileCacheDir();
  return folder === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(folder) };
}

/** A SIGKILL that nobody here sent is most often the kernel's, for want of memory. */
function hintOf(how: string): string {
  if (how !== 'SIGKILL') return '';
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  return available === undefined ? '' : `; ${Math.round(Number(available) / 1024)} MiB of memory are free`;
}
