/** Commands inside containers: for exec probes, hooks, `kubectl exec`. */
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { Container } from '../api/index.ts';
import { exitResult, sendSignal } from './command-process.ts';
import type { ContainerProcess } from './container-process.ts';
import type { PodSetup } from './container-start.ts';
import { prepareSandbox, withTerminal } from './container-start.ts';
import { joinCommand } from './sandbox.ts';
import type { Terminal } from './terminal-size.ts';
import { followSizes } from './terminal-size.ts';

export interface ExecStreams {
  readonly stdin: AsyncIterable<Uint8Array> | undefined;
  writeStdout(chunk: Uint8Array): Promise<void>;
  writeStderr(chunk: Uint8Array): Promise<void>;
  readonly signal: AbortSignal;
  /** Present when the caller has a terminal. */
  readonly terminal?: Terminal | undefined;
}

/** Says of a program that is not there what container runtimes say; the tools in front of it would speak of themselves. */
const findThenRun =
  'case "$1" in */*) [ -x "$1" ] ;; *) command -v -- "$1" >/dev/null ;; esac || { echo "exec: \\"$1\\": executable file not found in \\$PATH" >&2; exit 127; }; exec "$@"';

/**
 * Runs a command where the container runs: beside its process, or, for a container that is none (echo), in the sandbox that all
 * commands sent into it share. Resolves to the exit code when all output is written; 127 when there is no such command.
 */
export async function execInContainer(
  setup: PodSetup,
  container: Container,
  process: ContainerProcess | undefined,
  command: readonly string[],
  streams: ExecStreams,
): Promise<number> {
  if (process === undefined) throw new Error('the container is not running');
  const prepared = await prepareSandbox(setup, container);
  const named = ['/bin/sh', '-c', findThenRun, 'fairlead-exec', ...command];
  const words = streams.terminal === undefined ? named : withTerminal(named, streams.terminal);
  const argv = joinCommand(await process.enter(), prepared.spec, words);
  const environment = new Map(prepared.environment);
  // `kubectl cp` unpacks as root, and tar as root gives each file to whoever packed it: here there is no such user (chown: EINVAL)
  if (command[0] === 'tar' && !prepared.hasManyUsers && !environment.has('TAR_OPTIONS'))
    environment.set('TAR_OPTIONS', '--no-same-owner');
  if (streams.terminal !== undefined && !environment.has('TERM')) environment.set('TERM', 'xterm');
  const [file = '', ...args] = argv;
  const child = spawn(file, args, {
    env: Object.fromEntries(environment),
    stdio: [streams.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    detached: true,
    cwd: '/',
  });
  const kill = (): void => {
    if (child.pid !== undefined && child.exitCode === null) sendSignal(-child.pid, 'SIGKILL');
  };
  streams.signal.addEventListener('abort', kill, { once: true });
  try {
    const ended = new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(exitResult(code, signal).exitCode));
    });
    child.stdin?.on('error', () => undefined); // a command need not read what it is sent
    if (streams.stdin !== undefined) void feed(streams.stdin, child.stdin);
    if (streams.terminal !== undefined && child.pid !== undefined)
      void followSizes(child.pid, streams.terminal.later, setup.context);
    // all at once: of several that fail together each is somebody's to hear of
    const [code] = await Promise.all([
      ended,
      pump(child.stdout, streams.writeStdout.bind(streams)),
      pump(child.stderr, streams.writeStderr.bind(streams)),
    ]);
    return code;
  } finally {
    streams.signal.removeEventListener('abort', kill);
  }
}

/** Runs a command and keeps the first 10 KiB of its output. Throws when it takes longer than `timeoutMs` (it is killed then). */
export async function execCaptured(
  setup: PodSetup,
  container: Container,
  process: ContainerProcess | undefined,
  command: readonly string[],
  timeoutMs: number,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  let output = '';
  const keep = async (chunk: Uint8Array): Promise<void> => {
    output = (output + new TextDecoder().decode(chunk)).slice(0, 10_240);
  };
  const signal = AbortSignal.timeout(timeoutMs);
  const exitCode = await execInContainer(setup, container, process, command, {
    stdin: undefined,
    writeStdout: keep,
    writeStderr: keep,
    signal,
  });
  if (signal.aborted)
    throw new Error(`command timed out: ${JSON.stringify(command.join(' '))} timed out after ${timeoutMs / 1000}s`);
  return { exitCode, output };
}

async function pump(stream: AsyncIterable<Uint8Array> | null, write: (chunk: Uint8Array) => Promise<void>): Promise<void> {
  if (stream === null) return;
  for await (const chunk of stream) await write(chunk);
}

/**
 * The caller's input to the process, whose end is the input's. Never rejects: a caller whose connection breaks has ended its input,
 * and for what else that means there is a signal.
 */
export async function feed(input: AsyncIterable<Uint8Array>, stdin: Writable | null): Promise<void> {
  if (stdin === null) return;
  try {
    for await (const chunk of input) {
      if (!stdin.writable) return;
      if (!stdin.write(chunk)) await untilDrained(stdin);
    }
  } catch {
    // the caller is gone, as said above
  }
  stdin.end();
}

async function untilDrained(stream: Writable): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done);
      resolve();
    };
    stream.on('drain', done).on('close', done);
  });
}
