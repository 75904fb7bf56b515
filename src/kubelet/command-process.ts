/** Starts and ends commands in their sandboxes. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { CodedError, hasCode } from '../observe/index.ts';
import type { ContainerProcess, ExitResult } from './container-process.ts';
import { exitReason } from './container-process.ts';
import { containerCommand } from './sandbox.ts';

/** A container could not be made: `facts.code` is the waiting reason that its status shows. */
export class ContainerStartError extends CodedError<{ readonly code: ContainerStartReason }> {
  constructor(reason: ContainerStartReason, message: string, options?: { readonly cause?: unknown }) {
    super(message, { code: reason }, options);
  }
}

/** Upstream's words where they exist. */
export type ContainerStartReason = 'CreateContainerConfigError' | 'CreateContainerError' | 'RunContainerError' | 'StartError';

export interface CommandOptions {
  readonly id: string;
  readonly networkPath: string;
  readonly script: string;
  readonly command: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  readonly hasStdin: boolean;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;
}

export interface CommandProcess extends ContainerProcess {
  readonly stdin: Writable | undefined;
}

/**
 * Starts a container; resolves when its command is about to be executed. Throws `ContainerStartError` when the sandbox could
 * not be built (`CreateContainerError`) or there is no such command (`StartError`), with what the tools said.
 */
export async function startCommand(options: CommandOptions): Promise<CommandProcess> {
  const [file = '', ...args] = containerCommand(options.networkPath, options.script, options.command);
  const child = spawn(file, args, {
    env: Object.fromEntries(options.environment),
    stdio: [options.hasStdin ? 'pipe' : 'ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
    cwd: '/',
  });
  let stderrTail = '';
  let isReady = false;
  const onStream = (name: 'stdout' | 'stderr') => (chunk: Buffer) => {
    if (!isReady && name === 'stderr') stderrTail = (stderrTail + chunk.toString()).slice(-2000);
    options.onOutput(name, chunk);
  };
  child.stdin?.on('error', () => undefined); // a command need not read what it is sent
  child.stdout?.on('data', onStream('stdout'));
  child.stderr?.on('data', onStream('stderr'));
  const exited = new Promise<ExitResult>((resolve) => {
    child.once('error', (error) => resolve({ exitCode: 128, reason: 'StartError', message: error.message }));
    // `close` comes after the output has been read to its end
    child.once('close', (code, signal) => resolve(exitResult(code, signal)));
  });
  const sign = await Promise.race([readSign(child.stdio[3] as Readable), exited.then(() => '')]);
  if (sign !== 'ready') {
    child.kill('SIGKILL');
    const result = await exited;
    const text = stderrTail.trim() === '' ? (result.message ?? `exit status ${result.exitCode}`) : stderrTail.trim();
    throw new ContainerStartError(sign === 'missing' ? 'StartError' : 'CreateContainerError', text);
  }
  isReady = true;
  const pid = firstChildOf(child.pid);
  const signalInit = (signal: NodeJS.Signals | number): void => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    sendSignal(pid ?? child.pid, signal);
  };
  return {
    id: options.id,
    pid,
    enter: async () => {
      if (pid === undefined) throw new Error('the container has ended');
      return pid;
    },
    exited,
    stdin: child.stdin ?? undefined,
    terminate: (_graceMs, signal = 'SIGTERM') => signalInit(signalNumber(signal) ?? 'SIGTERM'),
    kill: () => signalInit('SIGKILL'),
  };
}

/** Sends a signal; a process that is gone already is no error. */
export function sendSignal(pid: number | undefined, signal: NodeJS.Signals | number): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error;
  }
}

/** The number of a signal as the API names them: `SIGUSR1`, and the real-time ones as `SIGRTMIN+3`. Undefined for any other text. */
export function signalNumber(name: string): number | undefined {
  if (Object.hasOwn(constants.signals, name)) return constants.signals[name as NodeJS.Signals];
  const [, end = '', offsetText = ''] = /^SIGRT(MIN|MAX)(?:[+-](\d{1,2}))?$/.exec(name) ?? [];
  const offset = Number(offsetText);
  const number = end === 'MIN' ? firstRealTimeSignal + offset : lastRealTimeSignal - offset;
  return end === '' || number < firstRealTimeSignal || number > lastRealTimeSignal ? undefined : number;
}

/** Of programs: libc keeps the ones before for itself (signal(7)). */
const firstRealTimeSignal = 34;
const lastRealTimeSignal = 64;

/** The exit status as a shell would see it. */
export function exitResult(code: number | null, signal: NodeJS.Signals | null): ExitResult {
  if (signal !== null) {
    const number = constants.signals[signal];
    return { exitCode: 128 + number, signal: number, reason: 'Error' };
  }
  const exitCode = code ?? 0;
  return { exitCode, reason: exitReason(exitCode) };
}

/** `unshare --fork` waits for one child, the container's pid 1. */
function firstChildOf(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ');
    return first === undefined || first === '' ? undefined : Number(first);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
}

async function readSign(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of stream) {
      chunks.push(chunk as Buffer);
      if (chunk.includes('\n')) break;
    }
  } catch (error) {
    if (!hasCode(error, 'ECONNRESET')) throw error;
  }
  return Buffer.concat(chunks).toString().trim();
}
