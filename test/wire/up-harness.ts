/** Drives the real program from the host's side, as its user would: child processes with a runtime directory and a home of their own. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, loadKubeconfig } from '../../src/client/index.ts';
import type { KubeClient } from '../../src/client/index.ts';
import { processStartTime } from '../../src/cli/process-identity.ts';
import { preflight } from '../../src/linux/index.ts';
import { silentLogger } from '../../src/observe/index.ts';

const root = join(import.meta.dirname, '..', '..');
export const program = join(root, 'fairlead');

const missing = (await preflight()).find((check) => !check.ok && !check.isOptional);
/** For `test`: skips with the reason where no lab can run. */
export const needsLab: { readonly skip?: string } =
  missing === undefined ? {} : { skip: `${missing.check}: ${missing.problem ?? ''} ${missing.fix ?? ''}` };

/** How a program ended. */
export interface Ending {
  /** Null when a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
  /** What it has printed so far, both streams. */
  output(): string;
  /** Resolves when it has printed something that matches. Rejects when it ends before, or in 30 s. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
}

/** A user's machine for one test file: nothing of another lab is in it. `close` removes its files. */
export class Desk {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'fairlead-up-'));
  readonly home: string = join(this.folder, 'home');
  readonly runtime: string = join(this.folder, 'run');
  readonly env: NodeJS.ProcessEnv;

  constructor() {
    for (const folder of [this.home, this.runtime]) mkdirSync(folder, { mode: 0o700 });
    this.env = {
      ...process.env,
      HOME: this.home,
      // a folder of somebody else's would turn "not found" into "permission denied"
      PATH: (process.env['PATH'] ?? '').split(':').filter(isOpen).join(':'),
      XDG_RUNTIME_DIR: this.runtime,
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(root, 'node_modules', '.cache', 'node'),
    };
    // what the test runner says to its own children
    delete this.env['NODE_TEST_CONTEXT'];
    delete this.env['FAIRLEAD_PROGRAM'];
  }

  /** Starts `fairlead ARGS`. */
  start(args: readonly string[], options: { readonly input?: string; readonly cwd?: string } = {}): Running {
    return startProgram(program, args, { env: this.env, cwd: this.folder, ...options });
  }

  /** Runs `fairlead ARGS` to its end. */
  run(args: readonly string[], options: { readonly input?: string; readonly cwd?: string } = {}): Promise<Ending> {
    return this.start(args, options).ended;
  }

  /** What is left of labs in the runtime directory. */
  leftovers(): string[] {
    try {
      return readdirSync(join(this.runtime, 'fairlead'));
    } catch {
      return [];
    }
  }

  /** A client of a running lab's API. */
  client(name: string): KubeClient {
    const path = join(this.runtime, 'fairlead', name, 'kubeconfig');
    return createClient(loadKubeconfig(path), { logger: silentLogger });
  }

  /** Numbers of the processes that were started from this desk, and of those whose command line holds `word`. */
  processes(word?: string): number[] {
    const marks = [this.folder, ...(word === undefined ? [] : [word])];
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
      .filter((pid) => [`/proc/${pid}/environ`, `/proc/${pid}/cmdline`].some((file) => marks.some((mark) => holds(file, mark))))
      .map(Number);
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function isOpen(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts a program and keeps what it prints. */
export function startProgram(
  path: string,
  args: readonly string[],
  { env, cwd, input }: { readonly env: NodeJS.ProcessEnv; readonly cwd: string; readonly input?: string },
): Running {
  const child = spawn(path, args, { env, cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  const printed = { stdout: '', stderr: '' };
  const listeners = new Set<() => void>();
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      printed[stream] += text;
      for (const listener of listeners) listener();
    });
  }
  child.stdin.on('error', () => undefined);
  child.stdin.end(input ?? '');
  const ended = new Promise<Ending>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve({ status, signal, ...printed }));
  });
  const output = (): string => printed.stdout + printed.stderr;
  return {
    child,
    ended,
    output,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(output());
          if (match === null) return;
          settle();
          resolve(match);
        };
        const fail = (): void => {
          settle();
          reject(new Error(`it did not print ${String(pattern)}:\n${output()}`));
        };
        const timer = setTimeout(fail, 30_000);
        const settle = (): void => {
          clearTimeout(timer);
          listeners.delete(look);
        };
        listeners.add(look);
        void ended.then(fail, fail);
        look();
      }),
  };
}

/** Namespaces that a lab's process has besides the machine's. */
export function labNamespaces(innerPid: number): Set<string> {
  const own = namespacesOf(process.pid);
  return new Set([...namespacesOf(innerPid)].filter((namespace) => !own.has(namespace)));
}

/** Namespaces of the process's own and those that it holds open, as `net:[4026532281]`. */
function namespacesOf(pid: number): Set<string> {
  const own = ['net', 'mnt', 'pid', 'user', 'uts'].map((kind) => linkOf(`/proc/${pid}/ns/${kind}`));
  const held = readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  return new Set([...own, ...held].filter((text) => /^\w+:\[\d+\]$/.test(text)));
}

/** A moment as /proc counts it: clock ticks since boot, of which Linux has 100 in a second for programs. */
export function nowTicks(): number {
  return Math.floor(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 100);
}

/** A lab's namespaces, and when it lived. The kernel gives their numbers anew: only a process that began within can hold them. */
export interface LabTraces {
  readonly namespaces: ReadonlySet<string>;
  readonly fromTicks: number;
  readonly toTicks: number;
}

/** Which of the lab's namespaces a process of its time is in, or holds open. */
export function namespacesInUse({ namespaces, fromTicks, toTicks }: LabTraces): string[] {
  const found = new Set<string>();
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    // a process that outlived its lab has lost its parent to the first process: whoever else started meanwhile has older ancestors
    const startTicks = Number(processStartTime(firstAncestor(Number(pid))) ?? 0);
    if (startTicks < fromTicks || startTicks > toTicks) continue;
    try {
      for (const namespace of namespacesOf(Number(pid)))
        if (namespaces.has(namespace)) found.add(`${namespace} by process ${pid}`);
    } catch {
      // it has ended meanwhile, or is somebody else's
      continue;
    }
  }
  return [...found];
}

/** The process, or its ancestor right below the first process. */
function firstAncestor(pid: number): number {
  for (let at = pid; ;) {
    const parent = parentOf(at);
    if (parent <= 1) return at;
    at = parent;
  }
}

function parentOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    // it has ended
    return 0;
  }
}

/** A line per mount that this process sees. */
export function mounts(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n');
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // ended, or not ours to look at
    return '';
  }
}

function holds(path: string, word: string): boolean {
  try {
    return readFileSync(path, 'latin1').includes(word);
  } catch {
    // ended, or not ours to look at
    return false;
  }
}

/** An echo Deployment and its Service, as YAML. */
export function webService(name: string, spec = 'type: ClusterIP', replicas = 2): string {
  return `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec:
  ${spec}
  selector: {app: ${name}}
  ports: [{port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: c, image: echo, ports: [{containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {nodeName: node-1, containers: [{name: c, image: echo, ports: [{containerPort: 8080}]}]}
`;
}

/** A command that prints what a URL answers, or says why not; needs nothing but this Node. */
export function getText(url: string): string[] {
  const script =
    'fetch(process.argv[1], { signal: AbortSignal.timeout(5000) }).then((answer) => answer.text()).then((text) => process.stdout.write(text), (error) => { console.error(String(error.cause ?? error)); process.exitCode = 1; })';
  return [process.execPath, '-e', script, url];
}

/** Waits until `condition` holds. Throws with `what` after `timeoutMs`. */
export async function until(what: () => string, condition: () => Promise<boolean> | boolean, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
