/**
 * From process start to the first HTTP answer through a cluster IP, by phase, and the memory that the lab then takes.
 *
 *     npm run bench up                      five runs with compiled code kept from the start before, two without
 *     npm run bench up -- --runs 20 --cold 5 --nodes 3
 *
 * The program is the user's: ./fairlead up -f FILE -p PORT:default/web:80. The clock starts before the process does, and stops when
 * the host has the answer of a pod in hand; the port leads to the first node, and from there through the Service's cluster IP.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { percentile, printJson, printTable, round } from './shapes/figures.ts';

const root = join(import.meta.dirname, '..');

const manifest = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: echo, ports: [{containerPort: 8080}]}]}
`;

/** Milliseconds from the start of the process; each phase ends where the next begins. */
interface Run {
  /** The lab's process runs, the API answers. */
  readonly api: number;
  /** Nodes, name server and proxies are there. */
  readonly nodes: number;
  /** The objects are in the API. */
  readonly applied: number;
  /** The first answer. */
  readonly answer: number;
  /** From SIGTERM to the end of the process. */
  readonly stop: number;
  readonly supervisorMb: number;
  readonly labMb: number;
}

/** The benchmark. */
export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '5' },
      cold: { type: 'string', default: '2' },
      nodes: { type: 'string', default: '3' },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-'));
  try {
    writeFileSync(join(folder, 'web.yaml'), manifest);
    const cold = await repeat(Number(values.cold), (index) => once(folder, join(folder, `cache-${index}`), values.nodes));
    const warmCache = join(folder, 'cache-warm');
    if (Number(values.runs) > 0) await once(folder, warmCache, values.nodes);
    const warm = await repeat(Number(values.runs), () => once(folder, warmCache, values.nodes));
    for (const [name, runs] of [
      ['compiled code kept from an earlier start', warm],
      ['first start ever', cold],
    ] as const)
      if (runs.length > 0) report(name, runs);
    printJson({ bench: 'up', nodes: Number(values.nodes), warm: summary(warm), cold: summary(cold) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function repeat<T>(count: number, action: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let index = 0; index < count; index++) results.push(await action(index));
  return results;
}

async function once(folder: string, cache: string, nodes: string): Promise<Run> {
  const port = await freePort();
  const startMs = performance.now();
  const since = (): number => performance.now() - startMs;
  const lab = spawn(
    join(root, 'fairlead'),
    ['up', '--name', 'bench', '--nodes', nodes, '-f', join(folder, 'web.yaml'), '-p', `${port}:default/web:80`],
    {
      env: { ...process.env, XDG_RUNTIME_DIR: folder, NODE_COMPILE_CACHE: cache },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const ended = new Promise<number | null>((resolve) => lab.once('exit', resolve));
  const seen: number[] = [];
  let said = '';
  lab.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    while (seen.length < said.split('\n').length - 1) seen.push(since());
  });
  const answer = await firstAnswer(
    port,
    since,
    ended.then(() => said),
  );
  const state = JSON.parse(await readSoon(join(folder, 'fairlead', 'bench', 'state.json'))) as {
    readonly ready: { readonly innerPid: number };
  };
  const supervisorMb = residentMb(lab.pid ?? 0);
  const labMb = residentMb(state.ready.innerPid);
  const stopMs = performance.now();
  lab.kill('SIGTERM');
  const status = await ended;
  if (status !== 0) throw new Error(`fairlead up ended with status ${status}: ${said}`);
  const [api = 0, ready = 0, applied = 0] = seen;
  return { api, nodes: ready, applied, answer, stop: performance.now() - stopMs, supervisorMb, labMb };
}

/** Asks every few milliseconds until a pod answers; throws with what the program said when it ends before. */
async function firstAnswer(port: number, since: () => number, failed: Promise<string>): Promise<number> {
  const said = failed.then((text) => ({ complaint: text }));
  for (;;) {
    if ((await ask(port)).startsWith('pod web-')) return since();
    const ended = await Promise.race([said, new Promise<undefined>((resolve) => setTimeout(resolve, 3, undefined))]);
    if (ended !== undefined) throw new Error(`fairlead up ended: ${ended.complaint}`);
  }
}

/** The body of the answer; empty when there is none. */
function ask(port: number): Promise<string> {
  return new Promise((resolve) => {
    const asked = request({ port, host: '127.0.0.1', headers: { connection: 'close' } }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve(body));
      response.on('error', () => resolve(''));
    });
    asked.on('error', () => resolve(''));
    asked.end();
  });
}

/** The state is complete when the lab says that it is ready, a moment after the first answer. */
async function readSoon(path: string): Promise<string> {
  for (;;) {
    const text = readFileSync(path, 'utf8');
    if (text.includes('"innerPid"')) return text;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function residentMb(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) / 1024;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const columns: Readonly<Record<string, (run: Run) => number>> = {
  'to the API, ms': ({ api }) => api,
  'nodes, ms': ({ api, nodes }) => nodes - api,
  'objects, ms': ({ nodes, applied }) => applied - nodes,
  'pods and answer, ms': ({ applied, answer }) => answer - applied,
  'in all, ms': ({ answer }) => answer,
  'stop, ms': ({ stop }) => stop,
  'lab, MB': ({ labMb }) => labMb,
  'supervisor, MB': ({ supervisorMb }) => supervisorMb,
};

function report(name: string, runs: readonly Run[]): void {
  const rows = Object.entries(columns).map(([phase, read]) => {
    const values = runs.map(read);
    return { phase, min: Math.min(...values), median: percentile(values, 0.5), max: Math.max(...values) };
  });
  printTable(`${name}, ${runs.length} runs`, rows);
}

function summary(runs: readonly Run[]): object {
  const median = (read: (run: Run) => number): number => round(percentile(runs.map(read), 0.5));
  return {
    runs: runs.length,
    answerMs: median(({ answer }) => answer),
    stopMs: median(({ stop }) => stop),
    labMb: median(({ labMb }) => labMb),
  };
}
