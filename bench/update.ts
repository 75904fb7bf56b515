/**
 * One change: from the watch event's arrival to the kernel's commit, by number of Services that are there.
 *
 *     npm run bench update                                       half a minute
 *     npm run bench update -- --sizes 1,1k,10k,45k --endpoints 10 --samples 300 --peer 1k,10k
 *
 * Beside it, as root: the same change in kube-proxy's shape by `nft -f`, a flush of the Service's chain and its rules anew.
 */
import { services as serviceResource, endpointSlices } from '../src/api/index.ts';
import { percentile, printJson, printTable, round } from './shapes/figures.ts';
import { changeKubeProxyService, loadKubeProxyRules, nftVersion } from './shapes/kube-proxy-rules.ts';
import { startMeasuredAgent } from './shapes/measured-agent.ts';
import type { ClusterShape } from './shapes/objects.ts';
import { makeService, makeSlice } from './shapes/objects.ts';
import { isRoot, readFlags, readSizes, runStage, serveStages } from './shapes/stage.ts';

/** `endpoint less or more`: the list changes its length, and so the frontend leads to another chain, which is new or goes. */
const kinds = ['endpoint changed', 'endpoint less or more', 'Service added', 'Service removed'] as const;

interface ChangeFigures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Median of the commit alone. */
  readonly kernelP50Ms: number;
  /** Processor time per change, making the event and all else included. */
  readonly cpuMs: number;
}

type Figures = Readonly<Record<(typeof kinds)[number], ChangeFigures>> & {
  /** The same wait with nothing to do: what the machine's other work adds to a 99th percentile. */
  readonly noise: ChangeFigures;
};

interface ChangeFacts extends ClusterShape {
  readonly samples: number;
}

const stages = {
  changes: measureChanges,
  peer: async (shape: ClusterShape): Promise<number> => {
    loadKubeProxyRules(shape, 2000);
    return percentile(
      Array.from({ length: 5 }, (_, index) => changeKubeProxyService(shape, index)),
      0.5,
    );
  },
};

/** The benchmark. */
export async function run(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, { sizes: '1,1k,10k,45k', endpoints: '10', samples: '300', peer: '1k,10k', as: 'self' });
  const options = { asUser: flags.as === 'user' };
  const hasPeer = isRoot && !options.asUser && nftVersion() !== undefined;
  const results: (ClusterShape & { readonly figures: Figures; readonly peerMs?: number })[] = [];
  for (const serviceCount of readSizes(flags.sizes)) {
    const shape: ClusterShape = { serviceCount, endpointsPerService: Number(flags.endpoints) };
    const figures = await runStage<Figures>(import.meta.url, 'changes', { ...shape, samples: Number(flags.samples) }, options);
    const isCompared = hasPeer && readSizes(flags.peer).includes(serviceCount);
    const peerMs = isCompared ? await runStage<number>(import.meta.url, 'peer', shape) : undefined;
    results.push({ ...shape, figures, ...(peerMs === undefined ? {} : { peerMs }) });
  }
  printTable(
    `one change, event to kernel (${hasPeer || isRoot ? 'root' : 'rootless'}), milliseconds`,
    results.flatMap(({ serviceCount, figures, peerMs }) =>
      [...kinds, 'noise' as const].map((kind) => ({
        services: serviceCount,
        change: kind === 'noise' ? '(an event loop turn)' : kind,
        p50: figures[kind].p50Ms,
        p99: figures[kind].p99Ms,
        'cpu per change': figures[kind].cpuMs,
        'kernel p50': figures[kind].kernelP50Ms,
        'nft -f p50': kind === 'endpoint changed' ? peerMs : undefined,
      })),
    ),
  );
  printJson({
    bench: 'update',
    isRootless: !isRoot || options.asUser,
    results: results.map((result) => {
      const { peerMs, figures } = result;
      return { ...result, ...(peerMs === undefined ? {} : { timesFaster: round(peerMs / figures['endpoint changed'].p50Ms) }) };
    }),
  });
}

async function measureChanges({ samples, ...shape }: ChangeFacts): Promise<Figures> {
  let committed: (atMs: number) => void = () => undefined;
  const { client, nftables, stop } = await startMeasuredAgent(shape, { onSync: () => committed(performance.now()) });
  let resourceVersion = 10_000_000;
  const measure = async (prepare: (sample: number) => () => void): Promise<ChangeFigures> => {
    const times: number[] = [];
    const kernelTimes: number[] = [];
    let usage = process.cpuUsage();
    // The first ones are for the compiler.
    for (let sample = 0; sample < samples + warmUps; sample++) {
      if (sample === warmUps) usage = process.cpuUsage();
      const done = new Promise<number>((resolve) => {
        committed = resolve;
      });
      // What the API server would do is not measured.
      const send = prepare(sample);
      const commitMs = nftables.commitMs;
      const start = performance.now();
      send();
      const end = await done;
      if (sample >= warmUps) {
        times.push(end - start);
        kernelTimes.push(nftables.commitMs - commitMs);
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    const { user, system } = process.cpuUsage(usage);
    return {
      p50Ms: percentile(times, 0.5),
      p99Ms: percentile(times, 0.99),
      kernelP50Ms: percentile(kernelTimes, 0.5),
      cpuMs: (user + system) / 1000 / samples,
    };
  };
  const noise = await measure(() => () => void setImmediate(() => committed(performance.now())));
  const changed = await measure((sample) => {
    const index = (sample * 7919) % shape.serviceCount;
    const slice = makeSlice(shape, index, [Math.floor(sample / shape.serviceCount) + 1], ++resourceVersion);
    return () => client.send(endpointSlices, 'MODIFIED', slice);
  });
  const scaled = await measure((sample) => {
    const slice = makeSlice(shape, ((sample >> 1) * 7919) % shape.serviceCount, [], ++resourceVersion);
    const endpoints = sample % 2 === 0 ? slice.endpoints?.slice(1) : slice.endpoints;
    return () => client.send(endpointSlices, 'MODIFIED', { ...slice, ...(endpoints === undefined ? {} : { endpoints }) });
  });
  const eventsOf = (type: 'ADDED' | 'DELETED') => (sample: number) => {
    const service = makeService(shape, shape.serviceCount + sample);
    const slice = makeSlice(shape, shape.serviceCount + sample);
    return () => {
      client.send(serviceResource, type, service);
      client.send(endpointSlices, type, slice);
    };
  };
  const added = await measure(eventsOf('ADDED'));
  const removed = await measure(eventsOf('DELETED'));
  await stop();
  return {
    'endpoint changed': changed,
    'endpoint less or more': scaled,
    'Service added': added,
    'Service removed': removed,
    noise,
  };
}

const warmUps = 200;
/** Longer than the agent gathers changes after a sync, so that each is alone. */
const pauseMs = 5;

if (import.meta.main) await serveStages(stages, run);
