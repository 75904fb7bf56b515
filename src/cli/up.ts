/**
 * `fairlead up`, the supervisor: starts the lab's own process in its namespaces, shows its progress, runs the user's command
 * outside of them, and takes everything down. The lab dies with its process, which is the first of its pid namespace, and
 * stops by itself when this one is gone.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { preflight, spawnInNamespaces } from '../linux/index.ts';
import { readManifests } from '../manifest/index.ts';
import { CodedError } from '../observe/index.ts';
import type { FromInner, InnerOptions, ToInner } from './messages.ts';
import type { UpFlags } from './main.ts';
import { claimLab, processStartTime, releaseLab, writeState } from './state-directory.ts';
import { version } from './version.ts';

/** A lab that could not start, in one sentence with the fix. */
export class StartError extends CodedError<{ readonly code: 'not-linux' | 'cannot-start' | 'preflight' }> {}

/** How long the lab may take to leave after it was told to, in milliseconds. */
const stopGraceMs = 15_000;

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
  // a mistake in a file is told before anything starts
  readManifests(flags.filename.filter((path) => path !== '-'));
  const directory = claimLab(flags.name);
  const isTerminal = process.stderr.isTTY;
  try {
    const inner = startInner(flags, directory);
    const stop = stopper(inner);
    const untie = onSignals(stop);
    try {
      const ready = await untilReady(inner, (text) => {
        if (isTerminal || flags.command.length === 0) console.error(`  ${text}`);
      });
      writeState(directory, {
        name: flags.name,
        pid: process.pid,
        startTime: processStartTime(process.pid) ?? '',
        innerPid: innerPidOf(inner),
        kubeconfig: ready.kubeconfig,
        controlSocket: ready.controlSocket,
        version,
      });
      if (flags.command.length > 0) {
        process.exitCode = await runCommand(flags.command, ready.kubeconfig, flags.name);
      } else {
        console.log(ready.summary);
        const passed = flags.extension === undefined ? true : await untilFinished(inner);
        process.exitCode = flags.extension?.leaves === true ? Number(!passed) : await untilGone(inner, stop);
      }
    } finally {
      untie();
      await stop();
    }
  } finally {
    releaseLab(directory);
  }
}

function startInner(flags: UpFlags & UpExtras, directory: string): ChildProcess {
  const options: InnerOptions = {
    name: flags.name,
    nodes: flags.nodes,
    ipFamily: flags.ipFamily,
    apiPort: flags.port,
    ...(flags.data === undefined ? {} : { dataDirectory: resolve(flags.data) }),
    stateDirectory: directory,
    manifests: flags.filename,
    publish: flags.publish,
    logLevel: flags.logLevel,
    program: programName(),
    ...(flags.extension === undefined ? {} : { extension: flags.extension.path }),
  };
  return spawnInNamespaces({
    nodePath: process.execPath,
    script: fileURLToPath(new URL('../../bin/fairlead.js', import.meta.url)),
    args: ['inner', JSON.stringify(options)],
    nodeArgs: ['--max-semi-space-size=16'],
    stdio: [flags.filename.includes('-') ? 'inherit' : 'ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** `./fairlead` in a clone when started so, else `fairlead`. */
function programName(): string {
  return process.env['FAIRLEAD_PROGRAM'] ?? 'fairlead';
}

type Ready = Extract<FromInner, { readonly kind: 'ready' }>;

async function untilReady(inner: ChildProcess, progress: (text: string) => void): Promise<Ready> {
  const { promise, resolve: succeed, reject } = Promise.withResolvers<Ready>();
  inner.on('message', (message) => {
    const said = message as FromInner;
    if (said.kind === 'progress') progress(said.text);
    else if (said.kind === 'print') console.log(said.text);
    else if (said.kind === 'ready') succeed(said);
    else if (said.kind === 'failed') reject(new StartError(said.message, { code: 'cannot-start' }));
  });
  inner.once('error', (error) => reject(error));
  inner.once('exit', (status, signal) => {
    void explainExit(status, signal).then(reject);
  });
  return promise;
}

/** The extension's verdict; false when the lab ends before it gave one. */
async function untilFinished(inner: ChildProcess): Promise<boolean> {
  return new Promise((done) => {
    inner.on('message', (message) => {
      const said = message as FromInner;
      if (said.kind === 'finished') done(said.passed);
      if (said.kind === 'failed') {
        console.error(said.message);
        done(false);
      }
    });
    inner.once('exit', () => done(false));
  });
}

/** The process ended before it was ready: if the machine lacks something, that is why. */
async function explainExit(status: number | null, signal: NodeJS.Signals | null): Promise<Error> {
  if (signal === 'SIGTERM' || signal === 'SIGINT') return new StartError('stopped before it was ready', { code: 'cannot-start' });
  const missing = (await preflight()).filter((check) => !check.ok && !check.isOptional);
  if (missing.length > 0) {
    const lines = missing.map((check) => `${check.check}: ${check.problem ?? 'missing'}. ${check.fix ?? ''}`.trim());
    return new StartError(`this machine cannot run the lab\n  ${lines.join('\n  ')}`, { code: 'preflight' });
  }
  return new StartError(`the lab ended before it was ready (${signal ?? `status ${status ?? '?'}`})`, { code: 'cannot-start' });
}

/** Asks the lab to leave; kills it when it does not. Calling it again waits for the same end. */
function stopper(inner: ChildProcess): () => Promise<void> {
  const gone = new Promise<void>((done) => {
    if (inner.exitCode !== null || inner.signalCode !== null) done();
    else inner.once('exit', () => done());
  });
  let isAsked = false;
  return async () => {
    if (!isAsked && inner.exitCode === null && inner.signalCode === null) {
      isAsked = true;
      const message: ToInner = { kind: 'stop' };
      if (inner.connected) inner.send(message);
      setTimeout(() => inner.kill('SIGKILL'), stopGraceMs).unref();
    }
    await gone;
  };
}

/** The first signal stops in order, the second at once. */
function onSignals(stop: () => Promise<void>): () => void {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const handle = (signal: NodeJS.Signals): void => {
    process.exitCode = 128 + constants.signals[signal];
    void stop();
  };
  for (const name of names) process.on(name, handle);
  return () => {
    for (const name of names) process.off(name, handle);
  };
}

/** Resolves when the lab has gone: 0 when it was asked to, 1 when it died. */
async function untilGone(inner: ChildProcess, stop: () => Promise<void>): Promise<number> {
  if (inner.exitCode === null && inner.signalCode === null) await new Promise((done) => inner.once('exit', done));
  await stop();
  if (inner.exitCode === 0) return 0;
  console.error(
    `fairlead: the lab ended by itself (${inner.signalCode ?? `status ${inner.exitCode ?? '?'}`}); everything in it is gone`,
  );
  return 1;
}

/** The user's own program, outside all namespaces, as the user. */
async function runCommand(command: readonly string[], kubeconfig: string, name: string): Promise<number> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, KUBECONFIG: kubeconfig, FAIRLEAD_LAB: name } });
  return new Promise<number>((done, fail) => {
    child.once('error', (error) => fail(new StartError(`cannot run ${program}: ${error.message}`, { code: 'cannot-start' })));
    child.once('exit', (status, signal) => done(status ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

/** The lab's process as the host numbers it: the one child of `unshare`. */
function innerPidOf(inner: ChildProcess): number {
  const pid = inner.pid ?? 0;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return Number(children[0] ?? pid) || pid;
}
