/** A name server as a Corefile describes it: server blocks -> forwarders, caches, fixed names, HTTP endpoints, one server. */
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type { KubeClient } from '../client/index.ts';
import { parseIp } from '../net/index.ts';
import type { Logger } from '../observe/index.ts';
import { CodedError } from '../observe/index.ts';
import type { DnsListen } from './bind-sockets.ts';
import { createCachingForwarder } from './cache.ts';
import type { CachingForwarder } from './cache.ts';
import type { BlockConfig, ForwardConfig } from './corefile-config.ts';
import { healthAnswer, metricsAnswer, readyAnswer, startEndpoints } from './endpoints.ts';
import type { EndpointAnswer, Endpoints } from './endpoints.ts';
import type { NameInformers } from './feed.ts';
import { createForwarder, createZoneForwarder, emptyAnswer } from './forward.ts';
import type { ServerForwarder } from './forward.ts';
import { createHostsForwarder, parseHostsText } from './hosts.ts';
import { createDnsMetrics } from './metrics.ts';
import { rcodes } from './protocol.ts';
import type { Forwarder } from './query-handler.ts';
import type { DnsServer, InformerChoice } from './server.ts';
import { listOf, ownInformers, startDnsServer } from './server.ts';
import { createZoneTransfer } from './transfer.ts';
import type { UpstreamAddress } from './upstream-line.ts';

export interface ConfiguredDnsOptions {
  /** From `parseCorefile`. */
  readonly blocks: readonly BlockConfig[];
  readonly source: { readonly informers: NameInformers } | { readonly client: KubeClient };
  /** Instead of every address and the port of the blocks. */
  readonly listen?: DnsListen;
  readonly ownAddresses?: readonly string[];
  /** Reads all names before it answers anything, and fails when that takes longer than this. With a client only. */
  readonly learnMs?: number;
  /** Others may bind the same places (`DnsListen`); with `listen` that says it. */
  readonly isShared?: boolean;
  /** Threads that answer UDP, for each address (`DnsServerOptions`). Default 0. */
  readonly udpWorkers?: number;
}

/** A running server with its endpoints. */
export interface ConfiguredDns {
  readonly server: DnsServer;
  /** What is bound for HTTP, by path. */
  readonly endpoints: readonly { readonly path: string; readonly address: string; readonly port: number }[];
  /** Unready at once, still answering for the lame-duck time, then closed. Hurried, it ends the lame-duck time. May be called again. */
  close(how?: { readonly isHurried: boolean }): Promise<void>;
}

/** Thrown when the blocks, each right in itself, ask for what one server cannot be. */
export class DnsConfigError extends CodedError<{
  readonly code: 'no-kubernetes' | 'several-kubernetes' | 'several-ports' | 'not-learnt';
}> {}

/** Starts it. Rejects with `DnsConfigError`, or the system's error when something cannot be bound or read; nothing stays open then. */
export async function startConfiguredDns(
  options: ConfiguredDnsOptions,
  { logger }: { readonly logger: Logger },
): Promise<ConfiguredDns> {
  const main = mainBlock(options.blocks);
  const { kubernetes } = main;
  if (kubernetes === undefined) throw new DnsConfigError('no server block has the plugin kubernetes', { code: 'no-kubernetes' });
  const listen = options.listen ?? { address: everyAddress(), port: main.port, isShared: options.isShared ?? false };
  const chains = await Promise.all(options.blocks.map((block) => forwardChain(block, listen, logger)));
  const zones = new Map<string, Forwarder>();
  for (const chain of chains) for (const zone of chain.zones) zones.set(zone, chain.forwarder);
  const forwarder = zones.size === 0 ? undefined : createZoneForwarder(zones);
  const mainChain = chains[options.blocks.indexOf(main)];
  const metrics = createDnsMetrics({
    server: `dns://:${main.port}`,
    zone: kubernetes.clusterDomain,
    forwarder: mainChain?.servers,
    cache: mainChain?.cache,
    nowSeconds: () => performance.now() / 1000,
  });
  const { transferTo } = main;
  const learnt =
    options.learnMs === undefined || !('client' in options.source)
      ? undefined
      : await learn(options.source.client, { ...kubernetes, observer: metrics }, options.learnMs, logger);
  const server = await startDnsServer(
    {
      ...kubernetes,
      source: learnt ?? options.source,
      listen,
      logsQueries: main.logsQueries,
      observer: metrics,
      ...(options.udpWorkers === undefined ? {} : { udpWorkers: options.udpWorkers }),
      ...(main.maxUdpBytes === undefined ? {} : { maxUdpBytes: main.maxUdpBytes }),
      ...(options.ownAddresses === undefined ? {} : { ownAddresses: options.ownAddresses }),
      ...(forwarder === undefined ? {} : { forwarder }),
      ...(transferTo === undefined ? {} : { transfer: (index) => createZoneTransfer(transferTo, index) }),
    },
    { logger },
  ).catch((error: unknown) => {
    learnt?.stop();
    throw error;
  });

  const state = { isStopping: false };
  const pages: [string, { readonly address: string; readonly port: number } | undefined, () => EndpointAnswer][] = [
    ['/health', main.health, healthAnswer],
    ['/ready', main.ready, () => readyAnswer({ isReady: server.isReady, isStopping: state.isStopping })],
    ['/metrics', main.prometheus, () => metricsAnswer(metrics.render())],
  ];
  const running: { readonly path: string; readonly endpoints: Endpoints }[] = [];
  try {
    for (const [path, at, answer] of pages) {
      if (at !== undefined)
        running.push({
          path,
          endpoints: await startEndpoints(
            { listen: { ...at, isShared: 'isShared' in listen && listen.isShared === true }, paths: { [path]: answer } },
            { logger },
          ),
        });
    }
  } catch (error) {
    learnt?.stop();
    await Promise.all([server.close(), ...running.map(({ endpoints }) => endpoints.close())]);
    throw error;
  }
  const startup = setTimeout(() => {
    if (!server.isReady)
      logger.warn({ afterMs: kubernetes.startupTimeoutMs }, 'the API has not answered yet: what is not known is SERVFAIL');
  }, kubernetes.startupTimeoutMs);
  startup.unref();
  const hurry = Promise.withResolvers<void>();
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    // Ready goes first: who routes to us must learn it while we still answer.
    state.isStopping = true;
    const lameDuck = setTimeout(hurry.resolve, main.health?.lameDuckMs ?? 0);
    await hurry.promise;
    clearTimeout(lameDuck);
    clearTimeout(startup);
    await server.close();
    learnt?.stop();
    await Promise.all(running.map(({ endpoints }) => endpoints.close()));
  };
  return {
    server,
    endpoints: running.map(({ path, endpoints }) => ({ path, ...endpoints.address })),
    async close(how) {
      if (how?.isHurried === true) hurry.resolve();
      await (closed ??= close());
    },
  };
}

/** Informers that have read everything. Rejects, with nothing left running, when that takes too long. */
async function learn(
  client: KubeClient,
  choice: InformerChoice,
  limitMs: number,
  logger: Logger,
): Promise<{ readonly informers: NameInformers; stop(): void }> {
  const stopping = new AbortController();
  const informers = ownInformers(client, choice, logger);
  for (const informer of listOf(informers)) informer.start(stopping.signal);
  const { promise: tooLong, reject } = Promise.withResolvers<never>();
  const problem = new DnsConfigError(`the API did not tell all names within ${limitMs} ms`, { code: 'not-learnt' });
  const timer = setTimeout(() => reject(problem), limitMs);
  try {
    await Promise.race([Promise.all(listOf(informers).map((informer) => informer.synced())), tooLong]);
  } catch (error) {
    stopping.abort();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  return { informers, stop: () => stopping.abort() };
}

/** The servers of a resolv.conf text; at most three, as libc reads it. */
export function parseResolvConf(text: string): UpstreamAddress[] {
  const found: UpstreamAddress[] = [];
  for (const line of text.split('\n')) {
    const address = /^\s*nameserver\s+([^\s#;%]+)/.exec(line)?.[1];
    if (address !== undefined && parseIp(address) !== undefined) found.push({ address, port: 53 });
  }
  return found.slice(0, 3);
}

/** IPv6 may be switched off in the kernel; binding to it then fails. */
function everyAddress(): string[] {
  const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ family }) => family === 'IPv6') === true);
  return hasIpv6 ? ['0.0.0.0', '::'] : ['0.0.0.0'];
}

interface ForwardChain {
  readonly zones: readonly string[];
  readonly forwarder: Forwarder;
  readonly servers?: ServerForwarder;
  readonly cache?: CachingForwarder;
}

/** hosts -> cache -> forward, as far as the block has them. */
async function forwardChain(block: BlockConfig, listen: DnsListen, logger: Logger): Promise<ForwardChain> {
  const { forward, hosts } = block;
  const servers = forward === undefined ? undefined : await serversOf(forward, listen, logger);
  let forwarder: Forwarder | undefined = servers;
  let cache: CachingForwarder | undefined;
  if (servers !== undefined && block.cache !== undefined) {
    cache = createCachingForwarder(servers, { ...block.cache, nowMs: () => performance.now() });
    forwarder = cache;
  }
  if (hosts !== undefined) {
    const fromFile = hosts.path === undefined ? [] : parseHostsText(await readFile(hosts.path, 'utf8'));
    const { ttlSeconds } = hosts;
    forwarder = createHostsForwarder([...hosts.entries, ...fromFile], forwarder ?? refusing, { ttlSeconds });
  }
  if (forwarder === undefined) return { zones: [], forwarder: refusing };
  const isMain = block.kubernetes !== undefined;
  const zones = isMain ? [hosts === undefined ? (forward?.zone ?? '.') : '.'] : block.zones;
  return { zones, forwarder, ...(servers === undefined ? {} : { servers }), ...(cache === undefined ? {} : { cache }) };
}

async function serversOf(forward: ForwardConfig, listen: DnsListen, logger: Logger): Promise<ServerForwarder> {
  const files = await Promise.all(forward.resolvConf.map((path) => readFile(path, 'utf8')));
  const upstreams = [...forward.upstreams, ...files.flatMap(parseResolvConf)];
  if (upstreams.length === 0)
    logger.warn({ zone: forward.zone, files: forward.resolvConf }, 'no upstream server: forwarded names will fail');
  const own = 'address' in listen ? [listen.address].flat().map((address) => ({ address, port: listen.port })) : [];
  return createForwarder({ ...forward, upstreams, own }, { logger });
}

function mainBlock(blocks: readonly BlockConfig[]): BlockConfig {
  const [main, second] = blocks.filter((block) => block.kubernetes !== undefined);
  if (main === undefined) throw new DnsConfigError('no server block has the plugin kubernetes', { code: 'no-kubernetes' });
  if (second !== undefined)
    throw new DnsConfigError('one server block may have the plugin kubernetes', { code: 'several-kubernetes' });
  const other = blocks.find(({ port }) => port !== main.port);
  if (other !== undefined) {
    throw new DnsConfigError(`all server blocks must have one port, not ${main.port} and ${other.port}`, {
      code: 'several-ports',
    });
  }
  return main;
}

const refusing: Forwarder = {
  forward: async (query) => emptyAnswer(query, rcodes.REFUSED),
  close: async () => undefined,
};
