/** Runs an unmodified kubectl, with a home of its own: it keeps discovery and schemas there. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a program printed and how it ended. */
export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  /** Written to its standard input. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A kubectl that still runs, such as a watch. */
export interface Running {
  /** Resolves once standard output matches; rejects after ten seconds with what was printed. */
  readonly printed: (pattern: RegExp) => Promise<string>;
  readonly stop: () => Promise<void>;
}

export interface Kubectl {
  /** Its home and working directory. */
  readonly scratch: string;
  /** Runs kubectl; a single text is split at blanks. */
  readonly kubectl: (args: string | readonly string[], options?: RunOptions) => Promise<Ran>;
  /** Runs kubectl and fails the test unless it ends with 0; gives standard output. */
  readonly ok: (args: string | readonly string[], options?: RunOptions) => Promise<string>;
  /** Runs kubectl and fails the test if it ends with 0; gives standard error. */
  readonly fails: (args: string | readonly string[], options?: RunOptions) => Promise<string>;
  readonly start: (args: string) => Running;
  /** Writes a file into the scratch folder and gives its path. */
  readonly file: (name: string, text: string) => string;
  /** Ends what `start` started. */
  readonly stopAll: () => void;
}

/** `kubeconfig` is a file; kubectl may change it (`config set-context`). `more` is added to kubectl's environment. */
export function createKubectl(
  program: string,
  kubeconfig: string,
  scratch: string,
  more: Readonly<Record<string, string>> = {},
): Kubectl {
  const env = { ...more, PATH: process.env['PATH'] ?? '', HOME: scratch, KUBECONFIG: kubeconfig, TZ: 'UTC', LC_ALL: 'C' };
  const running = new Set<ChildProcess>();
  const run = async (args: string | readonly string[], options: RunOptions = {}): Promise<Ran> => {
    const child = spawn(program, split(args), { cwd: scratch, env: { ...env, ...options.env }, timeout: 60_000 });
    const [out, err] = [collect(child.stdout), collect(child.stderr)];
    child.stdin.on('error', () => undefined); // it may end without reading
    child.stdin.end(options.input ?? '');
    const status = await new Promise<number>((done, fail) => {
      child.once('error', fail);
      child.once('close', (code) => done(code ?? 128));
    });
    return { status, out: out(), err: err() };
  };
  return {
    scratch,
    kubectl: run,
    ok: async (args, options) => {
      const { status, out, err } = await run(args, options);
      if (status !== 0) throw new Error(`kubectl ${split(args).join(' ')} ended with ${status}:\n${out}${err}`);
      return out;
    },
    fails: async (args, options) => {
      const { status, out, err } = await run(args, options);
      if (status === 0) throw new Error(`kubectl ${split(args).join(' ')} should have failed:\n${out}${err}`);
      return err;
    },
    start: (args) => {
      const child = spawn(program, split(args), { cwd: scratch, env, stdio: ['ignore', 'pipe', 'pipe'] });
      running.add(child);
      return watchOutput(child);
    },
    file: (name, text) => {
      const path = join(scratch, name);
      writeFileSync(path, text);
      return path;
    },
    stopAll: () => {
      for (const child of running) child.kill();
    },
  };
}

function split(args: string | readonly string[]): readonly string[] {
  return typeof args === 'string' ? args.trim().split(/\s+/) : args;
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

function watchOutput(child: ChildProcess): Running {
  let printed = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<void>((done) => {
    child.once('close', () => done());
  });
  return {
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const finish = (): void => {
          clearTimeout(timer);
          listeners.delete(look);
        };
        const look = (): void => {
          if (!pattern.test(printed)) return;
          finish();
          resolve(printed);
        };
        const timer = setTimeout(() => {
          finish();
          reject(new Error(`kubectl did not print ${String(pattern)} within ten seconds, but:\n${printed}`));
        }, 10_000);
        listeners.add(look);
        look();
      }),
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}
