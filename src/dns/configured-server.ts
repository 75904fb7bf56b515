/** A name server as a Corefile describes it: server blocks -> forwarders, caches, fixed names, HTTP endpoints, one server. */
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type { ClosableKubeClient, KubeClient, SeenResponse } from '../client/index.ts';
import { parseIp } from '../net/index.ts';
import type { Logger } from '../observe/index.ts';
import { CodedError } from '../observe/index.ts';
import type { DnsListen } from './sockets/bind-sockets.ts';
import { AnswerMemory } from './answers/answer-memory.ts';
import type { BlockConfig, LogConfig } from './corefile/corefile-config.ts';
import { healthAnswer, metricsAnswer, readyAnswer, startEndpoints, watchOwnHealth } from './endpoints.ts';
import type { EndpointAnswer, Endpoints } from './endpoints.ts';
import type { NameInformers } from './objects/feed.ts';
import { createForwardChain, parseResolvConf } from './forwarding/forward-chain.ts';
import { createZoneForwarder } from './forwarding/forward.ts';
import type { DnsMetrics } from './metrics/metrics.ts';
import { createDnsMetrics } from './metrics/metrics.ts';
import type { Forwarder } from './query-handler.ts';
import type { DnsServer, InformerChoice } from './server.ts';
import { listOf, ownInformers, startDnsServer } from './server.ts';
import { createZoneTransfer } from './transfer/transfer.ts';

export interface ConfiguredDnsOptions {
  /** From `parseCorefile`. */
  readonly blocks: readonly BlockConfig[];
  readonly source: { readonly informers: NameInformers } | ApiSource;
  /** Instead of every address and the port of the blocks. */
  readonly listen?: DnsListen;
  readonly ownAddresses?: readonly string[];
  /** Reads all names before it answers anything, and fails when that takes longer than this. With an API only. */
  readonly learnMs?: number;
  /** Others may bind the same places (`DnsListen`); with `listen` that says it. */
  readonly isShared?: boolean;
  /** Threads that answer UDP, for each address (`DnsServerOptions`). Default 0. */
  readonly udpWorkers?: number;
  /** The server that this one takes over from: its counters go on. */
  readonly before?: Pick<ConfiguredDns, 'metrics'>;
  /** Where suffixes of the node are read for autopath. Default `/etc/resolv.conf`. */
  readonly resolvConfPath?: string;
}

/** An API server to read from, with a client that this server closes when it ends. */
export interface ApiSource {
  /** Makes the client; `onResponse` wants to hear of its answers. */
  readonly connect: (onResponse: (seen: SeenResponse) => void) => ClosableKubeClient;
}

/** A running server with its endpoints. */
export interface ConfiguredDns {
  readonly server: DnsServer;
  readonly metrics: DnsMetrics;
  /** What is bound for HTTP, by path. */
  readonly endpoints: readonly { readonly path: string; readonly address: string; readonly port: number }[];
  /** Unready at once, still answering for the lame-duck time, then closed. Hurried, it ends the lame-duck time. May be called again. */
  close(how?: { readonly isHurried: boolean }): Promise<void>;
}

/** Thrown when the blocks, each right in itself, ask for what one server cannot be. */
export class DnsConfigError extends CodedError<{
  readonly code: 'no-kubernetes' | 'not-learnt';
}> {}

/** Starts it. Rejects with `DnsConfigError`, or the system's error when something cannot be bound or read; nothing stays open then. */
export async function startConfiguredDns(
  options: ConfiguredDnsOptions,
  {
    logger,
    queryLogger,
  }: { readonly logger: Logger; /** Where `log` writes; default: `logger`. */ readonly queryLogger?: Logger },
): Promise<ConfiguredDns> {
  const main = mainBlock(options.blocks);
  const { kubernetes, transferTo = [] } = main;
  if (kubernetes === undefined) throw new DnsConfigError('no server block has the plugin kubernetes', { code: 'no-kubernetes' });
  const listen = options.listen ?? { address: everyAddress(), port: main.port, isShared: options.isShared ?? false };
  const hasCache = (options.udpWorkers ?? 0) > 0 && options.blocks.some(({ cache }) => cache !== undefined);
  const sharedAnswers = hasCache ? new AnswerMemory() : undefined;
  const chains = await Promise.all(options.blocks.map((block) => createForwardChain(block, listen, { logger, sharedAnswers })));
  const zones = new Map<string, Forwarder>();
  for (const chain of chains) for (const zone of chain.zones) zones.set(zone, chain.forwarder);
  const forwarder = zones.size === 0 ? undefined : createZoneForwarder(zones);
  const metrics = metricsFor(options, main.port, kubernetes.clusterDomain);
  const { source, client } = openSource(options.source, metrics);
  const queryLog = joinLogs(options.blocks);
  let learnt: Awaited<ReturnType<typeof learn>> | undefined;
  const abandon = async (error: unknown): Promise<never> => {
    learnt?.stop();
    client?.close();
    await Promise.all(chains.map((chain) => chain.forwarder.close()));
    throw error;
  };
  if (options.learnMs !== undefined && client !== undefined)
    learnt = await learn(client, { ...kubernetes, observer: metrics }, options.learnMs, logger).catch(abandon);
  const server = await startDnsServer(
    {
      ...kubernetes,
      source: learnt ?? source,
      listen,
      observer: metrics,
      ...(queryLog === undefined ? {} : { queryLog: { ...queryLog, logger: queryLogger ?? logger } }),
      ...(options.udpWorkers === undefined ? {} : { udpWorkers: options.udpWorkers }),
      ...(main.maxUdpBytes === undefined ? {} : { maxUdpBytes: main.maxUdpBytes }),
      ...(options.ownAddresses === undefined ? {} : { ownAddresses: options.ownAddresses }),
      ...(forwarder === undefined ? {} : { forwarder }),
      ...(sharedAnswers === undefined ? {} : { sharedAnswers }),
      ...(main.hasAutopath ? { autopath: { search: await nodeSearch(options.resolvConfPath) } } : {}),
      ...(transferTo.length === 0
        ? {}
        : {
            transfer: (index) =>
              createZoneTransfer(
                transferTo.map(({ to }) => to),
                index,
              ),
            notify: transferTo.flatMap(({ to, port }) => (parseIp(to) === undefined ? [] : [{ address: to, port }])),
          }),
    },
    { logger },
  ).catch(abandon);
  metrics.follow({
    caches: chains.flatMap(({ cache }) => (cache === undefined ? [] : [cache])),
    forwarders: chains.flatMap(({ servers }) => servers),
    plugins: options.blocks.flatMap((block) => block.zones.map((zone) => ({ zone, names: block.plugins }))),
  });

  const state = { isStopping: false };
  const pages: [string, { readonly address: string; readonly port: number } | undefined, () => EndpointAnswer][] = [
    ['/health', firstOf(options.blocks, 'health'), healthAnswer],
    ['/ready', firstOf(options.blocks, 'ready'), () => readyAnswer({ isReady: server.isReady, isStopping: state.isStopping })],
    ['/metrics', firstOf(options.blocks, 'prometheus'), () => metricsAnswer(metrics.render())],
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
    await Promise.all([server.close(), ...running.map(({ endpoints }) => endpoints.close())]);
    return abandon(error);
  }
  const healthAt = running.find(({ path }) => path === '/health')?.endpoints.address;
  const stopLooking = healthAt === undefined ? undefined : watchOwnHealth(healthAt, (seconds) => metrics.healthSeen(seconds));
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
    const lameDuck = setTimeout(hurry.resolve, firstOf(options.blocks, 'health')?.lameDuckMs ?? 0);
    await hurry.promise;
    clearTimeout(lameDuck);
    clearTimeout(startup);
    stopLooking?.();
    await server.close();
    learnt?.stop();
    client?.close();
    await Promise.all(running.map(({ endpoints }) => endpoints.close()));
  };
  return {
    server,
    metrics,
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

/** IPv6 may be switched off in the kernel; binding to it then fails. */
function everyAddress(): string[] {
  const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ family }) => family === 'IPv6') === true);
  return hasIpv6 ? ['0.0.0.0', '::'] : ['0.0.0.0'];
}

/** The source as the server wants it, and the client to close afterwards, if there is one. */
function openSource(
  source: ConfiguredDnsOptions['source'],
  metrics: DnsMetrics,
): {
  readonly source: { readonly informers: NameInformers } | { readonly client: KubeClient };
  readonly client?: ClosableKubeClient;
} {
  if ('informers' in source) return { source };
  let host = '';
  const client = source.connect((seen) => metrics.apiAnswered(host, seen));
  host = new URL(client.server).host;
  return { source: { client }, client };
}

/** The same when a server takes over that means the same with them. */
function metricsFor(options: ConfiguredDnsOptions, port: number, zone: string): DnsMetrics {
  const server = `dns://:${port}`;
  const known = options.before?.metrics;
  if (known !== undefined && known.server === server && known.zone === zone) return known;
  return createDnsMetrics({ server, zone, nowSeconds: () => performance.now() / 1000 });
}

/** These stand for the whole process, whichever block they stand in (`parseCorefile` refuses two that differ). */
function firstOf<K extends 'health' | 'ready' | 'prometheus'>(
  blocks: readonly BlockConfig[],
  plugin: K,
): BlockConfig[K] | undefined {
  return blocks.find((block) => block[plugin] !== undefined)?.[plugin];
}

/** A block's `log` is for the names of the block. */
function joinLogs(blocks: readonly BlockConfig[]): LogConfig | undefined {
  const logs = blocks.flatMap(({ log }) => (log === undefined ? [] : [log]));
  const [first] = logs;
  if (first === undefined) return undefined;
  return { zones: logs.flatMap(({ zones }) => zones), classes: [...new Set(logs.flatMap(({ classes }) => classes))] };
}

/** The suffixes that pods get from their node, as far as this machine's are the same. */
async function nodeSearch(path = '/etc/resolv.conf'): Promise<readonly string[]> {
  return parseResolvConf(await readFile(path, 'utf8')).search;
}

function mainBlock(blocks: readonly BlockConfig[]): BlockConfig {
  const main = blocks.find((block) => block.kubernetes !== undefined);
  if (main === undefined) throw new DnsConfigError('no server block has the plugin kubernetes', { code: 'no-kubernetes' });
  return main;
}
