/**
 * The name server under dnsperf, beside itself over dgram and beside unbound, knot and nsd with the same records.
 *
 *     npm run bench dns                               three minutes
 *     npm run bench dns -- --seconds 2 --rounds 3 --services 10000 --memory 1 --ready 100
 *
 * Every server stands on core 0, dnsperf on core 1. Runs alternate between the servers, so that what else the machine does hits
 * all alike; a figure is the best of its rounds, and what matters are the ratios.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { NameIndex } from '../src/names/index.ts';
import { dnsPrograms, measureMemory } from './dns-memory.ts';
import type { DnsMemory } from './dns-memory.ts';
import { peerNames, peerProblem, startPeer, zoneLines } from './dns-peers.ts';
import type { RunningServer } from './dns-peers.ts';
import { measureReadyTime } from './dns-ready-time.ts';
import { bigService, sampleName, sampleService, sampleSlices } from './dns-sample.ts';
import type { ServerFacts } from './dns-server.ts';
import { percentile, printJson, printTable, round } from './shapes/figures.ts';
import { readFlags } from './shapes/stage.ts';

interface Scenario {
  readonly name: string;
  readonly queries: readonly string[];
  readonly flags?: readonly string[];
  /** Needs the servers that forward. */
  readonly isForwarded?: boolean;
}

interface Figures {
  readonly queriesPerSecond: number;
  /** Processor time of the server for each query, kernel included, in the round where it was least: what others do on the machine hardly changes it. */
  readonly cpuUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** At 80 % of the most, in percent. */
  readonly lostAt80: number;
}

const execute = promisify(execFile);
const onServerCore = ['taskset', '-c', '0'] as const;
const onClientCore = ['taskset', '-c', '1'] as const;

/** `--name value` flags, see the head of the file. */
export async function run(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, {
    seconds: '2',
    rounds: '3',
    services: '10000',
    memory: '1',
    ready: '100',
    scenarios: '',
  });
  const problem = spawnSync('dnsperf', ['-h']).error;
  if (problem !== undefined) {
    console.log('dnsperf is not installed; Debian: apt-get install dnsperf');
    process.exitCode = 1;
    return;
  }
  const services = Number(flags.services);
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-dns-'));
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const { servers, forwarders } = await startAll(services, folder, stops);
    const wanted = flags.scenarios.split(',').filter((name) => name !== '');
    const results: Record<string, Record<string, Figures>> = {};
    for (const scenario of scenariosOf(services)) {
      if (wanted.length > 0 && !wanted.some((word) => scenario.name.includes(word))) continue;
      const file = join(folder, 'queries');
      writeFileSync(file, `${scenario.queries.join('\n')}\n`);
      const figures = await measureScenario(scenario, file, scenario.isForwarded === true ? forwarders(scenario.name) : servers, {
        seconds: Number(flags.seconds),
        rounds: Number(flags.rounds),
      });
      results[scenario.name] = figures;
      const ours = figures['threads']?.queriesPerSecond ?? Number.NaN;
      printTable(
        scenario.name,
        Object.entries(figures).map(([server, row]) => ({
          server,
          'queries/s': row.queriesPerSecond,
          'threads : it': round(ours / row.queriesPerSecond),
          'µs of core each': row.cpuUs,
          'p50 µs': row.p50Us,
          'p99 µs': row.p99Us,
          '% lost at 80 %': row.lostAt80,
        })),
      );
    }
    await Promise.all(stops.splice(0).map((stop) => stop()));
    const memory: DnsMemory[] = [];
    for (const [count, each, workers] of flags.memory === '0' ? [] : memorySizes)
      for (const program of dnsPrograms()) memory.push(await measureMemory(count, each, workers, program));
    if (memory.length > 0)
      printTable(
        'memory',
        memory.map((row) => ({ ...row })),
      );
    const ready = flags.ready === '0' ? undefined : measureReadyTime(Number(flags.ready));
    if (ready !== undefined) printTable('from ready to resolved', [{ ...ready }]);
    printJson({ bench: 'dns', services, results, memory, ready });
  } finally {
    await Promise.all(stops.map((stop) => stop()));
    rmSync(folder, { recursive: true });
  }
}

/** Services, endpoints of each, UDP threads. */
const memorySizes = [
  [0, 0, 1],
  [10_000, 1, 1],
  [10_000, 1, 2],
  [5_000, 8, 1],
  [15_000, 8, 1],
  [15_000, 8, 2],
] as const;

/** Everything that is asked, running: servers of our own records, and by scenario those that ask elsewhere. */
async function startAll(
  services: number,
  folder: string,
  stops: (() => Promise<unknown>)[],
): Promise<{ readonly servers: readonly RunningServer[]; readonly forwarders: (scenario: string) => readonly RunningServer[] }> {
  // The servers elsewhere: quick enough that no forwarder waits for them, and on dnsperf's core, so that they take nothing of ours.
  const elsewhere = await startOurs('elsewhere', { ...elsewhereFacts, udpWorkers: 1 }, onClientCore);
  stops.push(() => elsewhere.stop());
  const upstreamPort = elsewhere.port;
  const ours = async (name: string, facts: ServerFacts): Promise<RunningServer> => {
    const server = await startOurs(name, facts);
    stops.push(() => server.stop());
    return server;
  };
  const servers = [await ours('threads', { services, udpWorkers: 1 }), await ours('dgram', { services, udpWorkers: 0 })];
  const cached = [await ours('threads', { services: 10, udpWorkers: 1, upstreamPort, caches: true })];
  const direct = [await ours('threads', { services: 10, udpWorkers: 1, upstreamPort })];
  cached.push(await ours('dgram', { services: 10, udpWorkers: 0, upstreamPort, caches: true }));
  direct.push(await ours('dgram', { services: 10, udpWorkers: 0, upstreamPort }));
  const lines = zoneLines(sampleIndexOf(services));
  for (const name of peerNames) {
    const reason = peerProblem(name);
    if (reason !== undefined) {
      console.log(`without ${name}: ${reason}`);
      continue;
    }
    const peer = await startPeer(name, { lines, folder, prefix: onServerCore, upstreamPort });
    stops.push(() => peer.stop());
    servers.push(peer);
    if (name === 'unbound') cached.push(peer);
  }
  return { servers, forwarders: (scenario) => (scenario.includes('cached') ? cached : direct) };
}

/** Ours, in a process of its own, on the servers' core unless said. */
async function startOurs(
  name: string,
  facts: ServerFacts,
  prefix: typeof onServerCore | typeof onClientCore = onServerCore,
): Promise<RunningServer> {
  const [program, ...words] = [...prefix, process.execPath, join(import.meta.dirname, 'dns-server.ts'), JSON.stringify(facts)];
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { port } = JSON.parse(line) as { readonly port: number };
  return {
    name,
    port,
    pid: child.pid ?? 0,
    async stop() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

async function measureScenario(
  scenario: Scenario,
  file: string,
  servers: readonly RunningServer[],
  { seconds, rounds }: { readonly seconds: number; readonly rounds: number },
): Promise<Record<string, Figures>> {
  const most = new Map<string, number>();
  const least = new Map<string, number>();
  for (let round = 0; round < rounds; round++) {
    for (const server of servers) {
      const beforeMs = processorMs(server.pid);
      const { perSecond, answered } = await dnsperf(server, file, seconds, scenario.flags ?? []);
      most.set(server.name, Math.max(most.get(server.name) ?? 0, perSecond));
      const cpuUs = ((processorMs(server.pid) - beforeMs) * 1_000) / answered;
      least.set(server.name, Math.min(least.get(server.name) ?? Infinity, cpuUs));
    }
  }
  const figures: Record<string, Figures> = {};
  for (const server of servers) {
    const queriesPerSecond = most.get(server.name) ?? 0;
    const at80 = await dnsperf(server, file, seconds, [
      ...(scenario.flags ?? []),
      '-Q',
      String(Math.floor(queriesPerSecond * 0.8)),
    ]);
    // a tenth of the most: the latency of the server, not of its queue; dnsperf prints each
    const calm = Math.min(5_000, Math.floor(queriesPerSecond / 10));
    const { latencies } = await dnsperf(server, file, seconds, [...(scenario.flags ?? []), '-v', '-Q', String(calm)]);
    figures[server.name] = {
      queriesPerSecond: Math.round(queriesPerSecond),
      cpuUs: round(least.get(server.name) ?? Number.NaN),
      p50Us: round(percentile(latencies, 0.5) * 1e6),
      p99Us: round(percentile(latencies, 0.99) * 1e6),
      lostAt80: at80.lostPercent,
    };
  }
  return figures;
}

async function dnsperf(
  server: RunningServer,
  file: string,
  seconds: number,
  flags: readonly string[],
): Promise<{
  readonly perSecond: number;
  readonly answered: number;
  readonly lostPercent: number;
  readonly latencies: readonly number[];
}> {
  const words = ['-c', '1', 'dnsperf', '-s', '127.0.0.1', '-p', String(server.port), '-d', file, '-l', String(seconds)];
  const load = flags.includes('tcp') ? ['-c', '4', '-q', '40'] : ['-c', '8', '-q', '200'];
  const { stdout } = await execute('taskset', [...words, '-e', '-b', '4096', ...load, ...flags], { maxBuffer: 2 ** 28 });
  const perSecond = Number(/Queries per second: +([0-9.]+)/.exec(stdout)?.[1] ?? Number.NaN);
  const lostPercent = Number(/Queries lost: +[0-9]+ \(([0-9.]+)%\)/.exec(stdout)?.[1] ?? Number.NaN);
  const latencies = [...stdout.matchAll(/^> [A-Z]+ \S+ \S+ ([0-9.]+)$/gm)].map(([, text]) => Number(text));
  const answered = Number(/Queries completed: +([0-9]+)/.exec(stdout)?.[1] ?? Number.NaN);
  return { perSecond, answered, lostPercent, latencies };
}

/** Processor time so far of a process and its children (nsd answers in one), all threads, in steps of 10 ms (proc(5): utime and stime of /proc/PID/stat). */
function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  const below = children.reduce((sum, child) => (child === '' ? sum : sum + processorMs(Number(child))), 0);
  return (Number(fields[11]) + Number(fields[12])) * 10 + below;
}

/** 1,000 names that are not ours. */
const elsewhereFacts = { services: 1_000, zone: 'outside.example', ttlSeconds: 3_600 } as const;

function scenariosOf(services: number): Scenario[] {
  const owners = Array.from({ length: services }, (_, at) => {
    const { namespace, name } = sampleName(at);
    return { at, owner: `${name}.${namespace}.svc.cluster.local`, namespace };
  });
  const mixed = owners.map(({ at, owner, namespace }) => {
    const kind = at % 20;
    if (kind < 14) return `${owner} A`;
    if (kind < 17) return `${owner} AAAA`;
    return kind < 19 ? `www.example.com.${namespace}.svc.cluster.local A` : `_http._tcp.${owner} SRV`;
  });
  const outside = Array.from({ length: elsewhereFacts.services }, (_, at) => {
    const { namespace, name } = sampleName(at);
    return `${name}.${namespace}.svc.${elsewhereFacts.zone} A`;
  });
  return [
    { name: 'plain A', queries: owners.map(({ owner }) => `${owner} A`) },
    { name: 'ndots mix: 70 % A, 15 % AAAA, 10 % NXDOMAIN, 5 % SRV', queries: mixed },
    { name: 'headless, 1,000 endpoints, UDP (cut)', queries: [`${bigService.name} A`] },
    { name: 'headless, 1,000 endpoints, TCP', queries: [`${bigService.name} A`], flags: ['-m', 'tcp'] },
    { name: 'plain A, TCP', queries: owners.map(({ owner }) => `${owner} A`), flags: ['-m', 'tcp'] },
    { name: 'cached', queries: outside, isForwarded: true },
    { name: 'forwarded', queries: outside, isForwarded: true },
  ];
}

function sampleIndexOf(services: number): NameIndex {
  const index = new NameIndex({ zone: 'cluster.local', nowSeconds: () => 1 });
  for (let at = 0; at < 100; at++) index.applyNamespace({ metadata: { name: `ns-${at}` } });
  for (let at = 0; at < services; at++) {
    index.applyService(sampleService(at));
    for (const slice of sampleSlices(at, 1)) index.applyEndpointSlice(slice);
  }
  index.applyService(bigService.service);
  for (const slice of bigService.slices) index.applyEndpointSlice(slice);
  return index;
}
