/**
 * A full sync: cold, and after a restart with the rules there, by number of Services; beside kube-proxy's shape loaded by nft.
 *
 *     npm run bench sync                                          a minute and a half
 *     npm run bench sync -- --sizes 1k,10k --endpoints 10 --wide 5000x50 --peer 1k,10k --chunks 500,2000
 *
 * Every sync is in a process of its own, so compilation by the JavaScript engine is in it, as in life. As root the peer runs too.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { printJson, printTable, round } from './shapes/figures.ts';
import { loadKubeProxyRules, nftVersion } from './shapes/kube-proxy-rules.ts';
import { startMeasuredAgent } from './shapes/measured-agent.ts';
import type { ClusterShape } from './shapes/objects.ts';
import { isRoot, readFlags, readSizes, runStage, serveStages } from './shapes/stage.ts';

interface SyncFigures {
  readonly totalMs: number;
  /** Of the processor, all threads: what the wall clock would show on an idle machine, or less. */
  readonly cpuMs: number;
  /** Decisions, rows, difference: everything that is not encoding or the kernel. */
  readonly computeMs: number;
  readonly encodeMs: number;
  /** Commits, and for a restart the dumps of what is there. */
  readonly kernelMs: number;
  readonly transactions: number;
  readonly batchMb: number;
  readonly rssMb: number;
  readonly peakMb: number;
}

interface Figures {
  readonly cold: SyncFigures;
  readonly restart: SyncFigures;
  /** `nft list ruleset`; undefined where there is no nft. */
  readonly listSeconds?: number;
}

const stages = {
  /** In namespaces of its own: two agents one after the other, each in its own process. */
  both: async (shape: ClusterShape): Promise<Figures> => {
    const cold = await runStage<SyncFigures>(import.meta.url, 'one', shape, { isInside: true });
    const restart = await runStage<SyncFigures>(import.meta.url, 'one', shape, { isInside: true });
    if (nftVersion() === undefined) return { cold, restart };
    const start = performance.now();
    const { status, stderr } = spawnSync('nft', ['list', 'ruleset'], { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
    if (status !== 0) throw new Error(`nft list ruleset: ${status} ${stderr}`);
    return { cold, restart, listSeconds: (performance.now() - start) / 1000 };
  },
  one: syncOnce,
  peer: async (facts: ClusterShape & { readonly chunk: number }): Promise<number> => loadKubeProxyRules(facts, facts.chunk),
};

/** The benchmark. */
export async function run(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, {
    sizes: '1k,10k,45k',
    endpoints: '10',
    wide: '5000x50',
    peer: '1k,10k',
    chunks: '500,2000',
    as: 'self',
  });
  const options = { asUser: flags.as === 'user' };
  const shapes: ClusterShape[] = readSizes(flags.sizes).map((serviceCount) => ({
    serviceCount,
    endpointsPerService: Number(flags.endpoints),
  }));
  const [wideCount, wideEndpoints] = flags.wide.split('x').map(Number);
  if (wideCount && wideEndpoints) shapes.push({ serviceCount: wideCount, endpointsPerService: wideEndpoints });
  // Compiled code goes into the cache once, whatever is measured first.
  await runStage(import.meta.url, 'both', { serviceCount: 1, endpointsPerService: 1 }, options);
  const results: (ClusterShape & Figures & { readonly peers: Readonly<Record<string, number>> })[] = [];
  for (const shape of shapes) {
    const figures = await runStage<Figures>(import.meta.url, 'both', shape, options);
    const peers: Record<string, number> = {};
    const hasPeer = shape.endpointsPerService === Number(flags.endpoints) && readSizes(flags.peer).includes(shape.serviceCount);
    if (hasPeer && isRoot && !options.asUser && nftVersion() !== undefined) {
      for (const chunk of readSizes(flags.chunks)) {
        peers[chunk] = await runStage<number>(import.meta.url, 'peer', { ...shape, chunk });
      }
    }
    results.push({ ...shape, ...figures, peers });
  }
  printTable(
    `full sync (${isRoot && !options.asUser ? 'root' : 'rootless'}), milliseconds`,
    results.flatMap(({ serviceCount, endpointsPerService, cold, restart, listSeconds, peers }) => {
      const best = bestOf(peers);
      const row = (what: string, figures: SyncFigures) => ({
        services: `${serviceCount} x ${endpointsPerService}`,
        what,
        total: figures.totalMs,
        cpu: figures.cpuMs,
        compute: figures.computeMs,
        encode: figures.encodeMs,
        kernel: figures.kernelMs,
        transactions: figures.transactions,
        'batch MB': figures.batchMb,
        'resident MB': figures.rssMb,
        'peak MB': figures.peakMb,
      });
      return [
        { ...row('cold', cold), 'nft list s': listSeconds },
        row('restart', restart),
        ...(best === undefined
          ? []
          : [
              {
                services: `${serviceCount} x ${endpointsPerService}`,
                what: `nft -f, ${best.chunk} a transaction`,
                total: best.ms,
              },
            ]),
      ];
    }),
  );
  printJson({
    bench: 'sync',
    isRootless: !isRoot || options.asUser,
    results: results.map((result) => {
      const best = bestOf(result.peers);
      return { ...result, ...(best === undefined ? {} : { peerMs: best.ms, timesFaster: round(best.ms / result.cold.totalMs) }) };
    }),
  });
}

function bestOf(peers: Readonly<Record<string, number>>): { readonly chunk: string; readonly ms: number } | undefined {
  const [best] = Object.entries(peers).sort(([, a], [, b]) => a - b);
  return best === undefined ? undefined : { chunk: best[0], ms: best[1] };
}

async function syncOnce(shape: ClusterShape): Promise<SyncFigures> {
  let encodeMs = 0;
  const { startMs, cpuMs, nftables } = await startMeasuredAgent(shape, {
    onSync: (_family, result) => {
      encodeMs += (result as { encodeMs?: number }).encodeMs ?? 0;
    },
  });
  const kernelMs = nftables.commitMs + nftables.dumpMs;
  // What a full sync leaves behind is given back while the agent idles.
  await new Promise((resolve) => setTimeout(resolve, 2000));
  return {
    totalMs: startMs,
    cpuMs,
    computeMs: startMs - kernelMs - encodeMs,
    encodeMs,
    kernelMs,
    transactions: nftables.commits,
    batchMb: nftables.batchBytes / 1e6,
    rssMb: statusMb('VmRSS'),
    peakMb: statusMb('VmHWM'),
  };
}

function statusMb(field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'));
  return (Number(match?.[1]) * 1024) / 1e6;
}

if (import.meta.main) await serveStages(stages, run);
