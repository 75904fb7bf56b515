/** The real agent over the real informers in this process's network namespace, fed from memory, with the kernel's share measured. */
import { Agent, boundYoungGeneration, createSlimmer, releaseGarbage } from '../../src/agent/index.ts';
import type { AgentOptions } from '../../src/agent/index.ts';
import { endpointSlices, nodes, services } from '../../src/api/index.ts';
import { createInformer } from '../../src/client/index.ts';
import { Conntrack, Nftables, openNetlink } from '../../src/linux/index.ts';
import type { NetlinkSocket, NftBatch } from '../../src/linux/index.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { MemoryClient } from './memory-client.ts';
import type { ClusterShape } from './objects.ts';
import { makeNode, makeService, makeSlice, nodeCountOf, nodeName, serviceCidr } from './objects.ts';

/** nftables that adds up the time that it spends. */
export class MeasuredNftables extends Nftables {
  /** In commits: what the kernel takes, and the copy into the socket's frame. */
  commitMs = 0;
  /** Bytes of all batches. */
  batchBytes = 0;
  commits = 0;
  /** In dumps of elements. */
  dumpMs = 0;

  override commit(batch: NftBatch, options: { readonly split?: boolean; readonly generation?: number } = {}): number {
    const start = performance.now();
    const count = super.commit(batch, options);
    this.commitMs += performance.now() - start;
    this.batchBytes += batch.byteLength;
    this.commits += count;
    return count;
  }

  override visitElementTexts(...args: Parameters<Nftables['visitElementTexts']>): void {
    this.#measureDump(() => super.visitElementTexts(...args));
  }

  override visitNumberedElements(...args: Parameters<Nftables['visitNumberedElements']>): void {
    this.#measureDump(() => super.visitNumberedElements(...args));
  }

  override visitNumberedElementsAt(...args: Parameters<Nftables['visitNumberedElementsAt']>): void {
    this.#measureDump(() => super.visitNumberedElementsAt(...args));
  }

  #measureDump(dump: () => void): void {
    const start = performance.now();
    dump();
    this.dumpMs += performance.now() - start;
  }
}

/** An agent and what feeds it. */
export interface MeasuredAgent {
  readonly agent: Agent;
  readonly client: MemoryClient;
  readonly nftables: MeasuredNftables;
  /** From the first list's last object to the last transaction of the first sync. */
  readonly startMs: number;
  /** Processor time of all threads meanwhile. */
  readonly cpuMs: number;
  readonly stop: () => Promise<void>;
}

/** Starts the informers, waits for their lists, then starts the agent and waits until the kernel has everything. */
export async function startMeasuredAgent(
  shape: ClusterShape,
  options: Partial<AgentOptions> & {
    readonly openNetfilter?: () => Promise<NetlinkSocket>;
    readonly podCidrs?: readonly string[];
  } = {},
): Promise<MeasuredAgent> {
  const { openNetfilter = async () => openNetlink('netfilter'), podCidrs, ...agentOptions } = options;
  const client = new MemoryClient();
  client.provide(services, () => generate(shape.serviceCount, (index) => makeService(shape, index)));
  client.provide(endpointSlices, () => generate(shape.serviceCount, (index) => makeSlice(shape, index)));
  client.provide(nodes, () => generate(nodeCountOf(shape), (index) => makeNode(index, podCidrs)));
  const stop = new AbortController();
  const slim = createSlimmer();
  boundYoungGeneration();
  const context = { logger: silentLogger };
  const informers = {
    services: createInformer(client, services, { transform: slim.service }, context),
    endpointSlices: createInformer(client, endpointSlices, { transform: slim.slice }, context),
    nodes: createInformer(client, nodes, { transform: slim.node }, context),
  };
  for (const informer of Object.values(informers)) informer.start(stop.signal);
  await Promise.all(Object.values(informers).map((informer) => informer.synced()));
  const nftables = new MeasuredNftables(await openNetfilter());
  const agent = new Agent(
    {
      nodeName,
      families: ['IPv4'],
      informers,
      nftables,
      conntrack: new Conntrack(await openNetfilter()),
      monitorSocket: await openNetfilter(),
      listen: () => Promise.reject(new Error('no health-check ports here')),
      serviceCidrs: [serviceCidr],
      ...agentOptions,
    },
    context,
  );
  const usage = process.cpuUsage();
  const start = performance.now();
  await agent.start();
  const startMs = performance.now() - start;
  const { user, system } = process.cpuUsage(usage);
  // As the command does.
  releaseGarbage();
  return {
    agent,
    client,
    nftables,
    startMs,
    cpuMs: (user + system) / 1000,
    stop: async () => {
      stop.abort();
      await agent.stop();
    },
  };
}

function* generate<T>(count: number, make: (index: number) => T): Generator<T> {
  for (let index = 0; index < count; index++) yield make(index);
}
