/**
 * Endpoints that change without end while clients connect: failed connections, processor time, and how far behind the kernel is.
 *
 *     npm run bench churn                                        three quarters of a minute
 *     npm run bench churn -- --services 10k --changes 1000 --seconds 30 --rate 2000
 *
 * Each change moves one of the ten endpoints of a random Service to another pod's address and back the next time. All pods answer all
 * the time, as those that leave in an orderly way do, so a connection that fails is the proxy's fault.
 */
import { endpointSlices } from '../src/api/index.ts';
import { percentile, printJson, printTable } from './shapes/figures.ts';
import { startMeasuredAgent } from './shapes/measured-agent.ts';
import { makeSlice } from './shapes/objects.ts';
import type { DialReport } from './shapes/connect-program.ts';
import { pairPodCidr, PodPair, serverAddresses } from './shapes/pod-pair.ts';
import { isRoot, readFlags, readSizes, runStage, serveStages } from './shapes/stage.ts';

interface ChurnFacts {
  readonly serviceCount: number;
  readonly changesPerSecond: number;
  readonly seconds: number;
  /** Connections a second. */
  readonly rate: number;
}

interface Figures {
  readonly load: DialReport;
  /** The same load without any change. */
  readonly calm: DialReport;
  readonly changes: number;
  readonly syncs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly lastMs: number;
  /** Of one core, the agent with its informers. */
  readonly cpuPercent: number;
  /** Of that, making the events, which the API server would do. */
  readonly makingPercent: number;
  /** Rows that the kernel holds other than they should be, at the end; must be 0. */
  readonly wrongRows: number;
}

const endpointCount = 10;
const stages = { churn };

/** The benchmark. */
export async function run(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, { services: '10k', changes: '1000', seconds: '30', rate: '2000', as: 'self' });
  const options = { asUser: flags.as === 'user' };
  const results: (ChurnFacts & Figures)[] = [];
  for (const serviceCount of readSizes(flags.services)) {
    const facts: ChurnFacts = {
      serviceCount,
      changesPerSecond: Number(flags.changes),
      seconds: Number(flags.seconds),
      rate: Number(flags.rate),
    };
    results.push({ ...facts, ...(await runStage<Figures>(import.meta.url, 'churn', facts, options)) });
  }
  printTable(
    `${flags.changes} endpoint changes a second for ${flags.seconds} s under load (${isRoot && !options.asUser ? 'root' : 'rootless'})`,
    results.map((result) => ({
      services: result.serviceCount,
      changes: result.changes,
      syncs: result.syncs,
      connections: result.load.connections,
      failed: result.load.failures,
      'p50 µs': result.load.p50Us,
      'calm p50 µs': result.calm.p50Us,
      'core %': result.cpuPercent,
      'to kernel p50 ms': result.p50Ms,
      'p99 ms': result.p99Ms,
      'last ms': result.lastMs,
      'wrong rows': result.wrongRows,
    })),
  );
  printJson({
    bench: 'churn',
    isRootless: !isRoot || options.asUser,
    results: results.map((result) => ({ ...result, p50OverCalm: result.load.p50Us / result.calm.p50Us })),
  });
}

async function churn({ serviceCount, changesPerSecond, seconds, rate }: ChurnFacts): Promise<Figures> {
  const podAddresses = serverAddresses(2 * endpointCount);
  const pair = new PodPair();
  await pair.start(podAddresses.length);
  const shape = { serviceCount, endpointsPerService: endpointCount, podAddresses };
  const waiting: number[] = [];
  const times: number[] = [];
  let syncs = 0;
  let wrongRows = 0;
  const { agent, client, stop } = await startMeasuredAgent(shape, {
    openNetfilter: () => pair.openNetfilter(),
    podCidrs: [pairPodCidr],
    onSync: (_family, result) => {
      syncs++;
      if (result.kind !== 'updated') wrongRows = result.changes;
      const now = performance.now();
      for (const sentAt of waiting.splice(0)) times.push(now - sentAt);
    },
  });
  await pair.dial({ serviceCount, connections: 2000, rate });
  const calm = await pair.dial({ serviceCount, forMs: 3000, rate });
  syncs = 0;
  times.length = 0;
  const versions = Array.from({ length: serviceCount }, () => new Uint8Array(endpointCount));
  const loading = pair.dial({ serviceCount, forMs: seconds * 1000, rate });
  const usage = process.cpuUsage();
  const start = performance.now();
  let changes = 0;
  let makingMs = 0;
  for (let elapsedMs = 0; elapsedMs < seconds * 1000; elapsedMs = performance.now() - start) {
    const due = Math.floor((elapsedMs * changesPerSecond) / 1000);
    const makeStart = performance.now();
    for (; changes < due; changes++) {
      const service = Math.floor(Math.random() * serviceCount);
      const own = versions[service] ?? new Uint8Array(endpointCount);
      const endpoint = Math.floor(Math.random() * endpointCount);
      own[endpoint] = 1 - (own[endpoint] ?? 0);
      const slice = makeSlice(shape, service, [...own], 10_000_000 + changes);
      waiting.push(performance.now());
      client.send(endpointSlices, 'MODIFIED', slice);
    }
    makingMs += performance.now() - makeStart;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const lastSent = waiting.at(-1);
  await agent.idle();
  const { user, system } = process.cpuUsage(usage);
  const elapsedMs = performance.now() - start;
  const lastMs = lastSent === undefined ? (times.at(-1) ?? 0) : performance.now() - lastSent;
  const load = await loading;
  // Read back and compared with what should be there.
  agent.repair();
  await agent.idle();
  await stop();
  await pair.stop();
  return {
    load,
    calm,
    changes,
    syncs,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    lastMs,
    cpuPercent: (user + system) / 10 / elapsedMs,
    makingPercent: (100 * makingMs) / elapsedMs,
    wrongRows,
  };
}

if (import.meta.main) await serveStages(stages, run);
