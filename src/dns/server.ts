/** The cluster's name server: index, responder and sockets put together. */
import { randomInt } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { endpointSlices, namespaces, pods, services } from '../api/index.ts';
import type { KubeClient } from '../client/index.ts';
import { createInformer } from '../client/index.ts';
import type { PodMode } from '../names/index.ts';
import { NameIndex } from '../names/index.ts';
import { isLoopback, isUnspecified, parseIp } from '../net/index.ts';
import type { Logger } from '../observe/index.ts';
import type { AnswerMemory } from './answers/answer-memory.ts';
import type { LogConfig } from './corefile/corefile-config.ts';
import type { NameInformers } from './objects/feed.ts';
import type { AutopathOptions } from './forwarding/autopath.ts';
import { bindSockets } from './sockets/bind-sockets.ts';
import type { DnsListen } from './sockets/bind-sockets.ts';
import { followInformers } from './objects/feed.ts';
import { applyEvent } from './objects/index-events.ts';
import type { Forwarder, QueryObserver, ZoneTransfer } from './query-handler.ts';
import { createQueryHandler } from './query-handler.ts';
import { withQueryLog } from './query-log.ts';
import { Responder } from './answers/responder.ts';
import { createShuffle } from './answers/shuffle.ts';
import { createSlimmer } from './objects/slim-objects.ts';
import type { TcpTimeouts } from './sockets/tcp-service.ts';
import type { UpstreamAddress } from './forwarding/upstream-line.ts';
import { startZoneNotifier } from './transfer/zone-notifier.ts';
import { UdpWorkerService } from './sockets/udp-worker-service.ts';

export interface DnsServerOptions {
  /** Default `cluster.local`. */
  readonly clusterDomain?: string;
  /** Where objects come from: informers that someone else starts and stops, or a client to make our own with. */
  readonly source: { readonly informers: NameInformers } | { readonly client: KubeClient };
  readonly listen: DnsListen;
  readonly podMode?: PodMode;
  readonly ttlSeconds?: number;
  readonly reverseZones?: readonly string[];
  /** Addresses that lead to this server besides the bound ones; they make the apex NS records. */
  readonly ownAddresses?: readonly string[];
  readonly endpointPodNames?: boolean;
  readonly ignoreEmptyServices?: boolean;
  readonly zonalNames?: boolean;
  /** Addresses have names by hostname only (`NameIndexOptions`). */
  readonly prefersHostnamePointers?: boolean;
  readonly namespaces?: readonly string[];
  /** Only namespaces that this selector matches exist. With a client only. */
  readonly namespaceSelector?: string;
  readonly maxUdpBytes?: number;
  readonly tcpTimeouts?: TcpTimeouts;
  /** Only Services, slices and pods that this selector matches. With a client only. */
  readonly labelSelector?: string;
  /** Zones of ours whose unknown names go to the forwarder. Default: the reverse zones. */
  readonly fallthrough?: readonly string[];
  /**
   * Answers UDP in threads of its own with batched system calls: so many for each address, or one for each socket handed in.
   * Linux only. Default 0: on the main thread, over dgram.
   */
  readonly udpWorkers?: number;
  /** A line for each of these queries. All are answered on the main thread then: it costs more than the answer. */
  readonly queryLog?: LogConfig & { readonly logger: Logger };
  /** Walks the search paths of pods that ask (`autopath.ts`). Needs pod mode `verified`. */
  readonly autopath?: AutopathOptions;
  /** Answers names that are not ours. Without one they are REFUSED. */
  readonly forwarder?: Forwarder;
  /** Where the forwarder's cache puts what it remembers: threads answer from it. */
  readonly sharedAnswers?: AnswerMemory;
  /** Given the index, says who may have the zone. Without one transfers are REFUSED. */
  readonly transfer?: (index: NameIndex) => ZoneTransfer;
  /** Secondary servers that are told of changes of the zone. */
  readonly notify?: readonly UpstreamAddress[];
  readonly observer?: QueryObserver;
  /** For the order of answers. Default `Math.random`. */
  readonly random?: () => number;
}

/** What decides which objects are read, and what is kept of them. */
export type InformerChoice = Pick<
  DnsServerOptions,
  'observer' | 'labelSelector' | 'namespaceSelector' | 'endpointPodNames' | 'zonalNames' | 'podMode'
>;

/** A running name server. */
export interface DnsServer {
  /** What is bound, `address` and `port` of each UDP and TCP socket. */
  readonly addresses: readonly { readonly protocol: 'UDP' | 'TCP'; readonly address: string; readonly port: number }[];
  /** Every name, for explanations and tests. */
  readonly index: NameIndex;
  /** Resolves when all objects were read once, so that a missing name is NXDOMAIN, and every thread answers. Rejects when closed before. */
  readonly ready: Promise<void>;
  /** Whether `ready` has resolved. Stays true when the API is lost: what is known is answered. */
  readonly isReady: boolean;
  /** How often a UDP thread died and was replaced. */
  readonly threadRestarts: number;
  /** Ends the UDP threads as a crash would: for tests. */
  crashThreads(): Promise<void>;
  /** Stops answering and closes every socket, also those handed in. */
  close(): Promise<void>;
}

/**
 * Starts answering at once, before the objects are read: what is not yet known is SERVFAIL until then. Rejects, with nothing
 * left open, when a socket cannot be bound.
 */
export async function startDnsServer(options: DnsServerOptions, { logger }: { readonly logger: Logger }): Promise<DnsServer> {
  const zone = options.clusterDomain ?? 'cluster.local';
  const podMode = options.podMode ?? 'disabled';
  const zonalNames = options.zonalNames ?? false;
  let givenSerial = 0;
  const index = new NameIndex({
    zone,
    podMode,
    ttlSeconds: options.ttlSeconds ?? 30,
    endpointPodNames: options.endpointPodNames ?? false,
    ignoreEmptyServices: options.ignoreEmptyServices ?? false,
    zonalNames,
    prefersHostnamePointers: options.prefersHostnamePointers ?? false,
    nowSeconds: () => Math.max(unixSeconds(), givenSerial + 1),
    ...(options.namespaces === undefined ? {} : { namespaces: options.namespaces }),
  });
  let isReady = false;
  let areNamesKnown = false;
  const giveZone = options.transfer?.(index);
  // Two changes in one second have one serial: whoever took the zone between them must learn of the second.
  const transfer: ZoneTransfer = (query, client) => {
    const messages = giveZone?.(query, client);
    if (messages !== undefined) givenSerial = index.serial;
    return messages;
  };
  const random = options.random ?? Math.random;
  const responderOptions = {
    hasUpstream: options.forwarder !== undefined,
    completesSearch: options.autopath !== undefined,
    ...(options.reverseZones === undefined ? {} : { reverseZones: options.reverseZones }),
    ...(options.fallthrough === undefined ? {} : { fallthrough: options.fallthrough }),
    ...(options.maxUdpBytes === undefined ? {} : { maxUdpBytes: options.maxUdpBytes }),
  };
  const permutation = createShuffle(random);
  const responder = new Responder({ ...responderOptions, index, isSynced: () => areNamesKnown, permutation });
  const answer = createQueryHandler(
    {
      responder,
      forwarder: options.forwarder,
      transfer,
      observer: options.observer,
      autopath: options.autopath,
      zoneWire: index.zoneWire,
      maxUdpBytes: options.maxUdpBytes,
      permutation,
    },
    { logger },
  );
  const { queryLog } = options;
  const handle = queryLog === undefined ? answer : withQueryLog(answer, queryLog, queryLog.logger);
  const udpWorkers = queryLog === undefined ? (options.udpWorkers ?? 0) : 0;

  const informers =
    'informers' in options.source ? options.source.informers : ownInformers(options.source.client, options, logger);
  const makeWorker = (fd: number, at: { readonly address: string; readonly port: number }): UdpWorkerService => {
    const counters = options.observer?.shareCounters?.();
    const isUnspecifiedAddress = at.address === '0.0.0.0' || at.address === '::';
    const start = {
      fd,
      family: at.address.includes(':') ? (6 as const) : (4 as const),
      replyFromArrival: isUnspecifiedAddress,
      names: { memory: index.sharedMemory, zone, podMode, hasZonalNames: zonalNames },
      responder: responderOptions,
      seed: random(),
      ...(options.sharedAnswers === undefined ? {} : { answers: options.sharedAnswers.buffer }),
      ...(counters === undefined ? {} : { counters }),
    };
    return new UdpWorkerService({ start, ...at, handle }, { logger });
  };
  const { udp, tcp } = await bindSockets(
    { listen: options.listen, handle, makeWorker, udpWorkers, tcpTimeouts: options.tcpTimeouts },
    { logger },
  );
  const workers = udp.filter((service) => service instanceof UdpWorkerService);
  const addresses = [
    ...udp.map((service) => ({ protocol: 'UDP' as const, ...service.address })),
    ...tcp.map((service) => ({ protocol: 'TCP' as const, ...service.address })),
  ];
  index.setOwnAddresses([
    ...new Set([...(options.ownAddresses ?? []), ...addresses.flatMap(({ address }) => reachable(address))]),
  ]);

  const { notify = [] } = options;
  const stopNotifying =
    notify.length === 0
      ? undefined
      : startZoneNotifier(
          { targets: notify, index, isReady: () => areNamesKnown, randomId: () => randomInt(0x1_0000) },
          { logger },
        );
  const stopping = new AbortController();
  const feed = followInformers(informers, (event) => applyEvent(index, event));
  if ('client' in options.source) for (const informer of listOf(informers)) informer.start(stopping.signal);
  const known = Promise.all([...listOf(informers).map((informer) => informer.synced()), feed.told]).then(() => {
    index.complete();
    areNamesKnown = true;
    logger.info({ names: index.forward.size, serial: index.serial }, 'names are known');
  });
  const ready = Promise.race([
    Promise.all([known, ...workers.map((worker) => worker.serving)]),
    rejectWhenAborted(stopping.signal),
  ]).then(() => {
    isReady = true;
  });
  // Whoever waits for `ready` hears of a close; no one need wait.
  ready.catch((error: unknown) => logger.debug({ err: error }, 'closed before the names were known'));

  return {
    addresses,
    index,
    ready,
    get isReady() {
      return isReady;
    },
    get threadRestarts() {
      return workers.reduce((sum, worker) => sum + worker.restarts, 0);
    },
    async crashThreads() {
      await Promise.all(workers.map((worker) => worker.killThread()));
    },
    async close() {
      stopping.abort(new Error('the name server was closed'));
      feed.stop();
      stopNotifying?.();
      await Promise.all([...udp, ...tcp].map((service) => service.close()));
      await options.forwarder?.close();
    },
  };
}

/** Informers of what names are made of, slimmed, not started. */
export function ownInformers(client: KubeClient, options: InformerChoice, logger: Logger): NameInformers {
  const { labelSelector, endpointPodNames = false, zonalNames = false } = options;
  const sliceSeen = options.observer?.sliceSeen?.bind(options.observer);
  const slim = createSlimmer({ endpointPodNames, zonalNames, ...(sliceSeen === undefined ? {} : { sliceSeen }) });
  const three = {
    services: createInformer(client, services, { labelSelector, transform: slim.service }, { logger }),
    endpointSlices: createInformer(client, endpointSlices, { labelSelector, transform: slim.slice }, { logger }),
    namespaces: createInformer(
      client,
      namespaces,
      { labelSelector: options.namespaceSelector, transform: slim.namespace },
      { logger },
    ),
  };
  if (options.podMode !== 'verified') return three;
  const fieldSelector = 'status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown';
  return { ...three, pods: createInformer(client, pods, { labelSelector, fieldSelector, transform: slim.pod }, { logger }) };
}

/** All of them. */
export function listOf(informers: NameInformers) {
  const { services, endpointSlices, namespaces, pods } = informers;
  return pods === undefined ? [services, endpointSlices, namespaces] : [services, endpointSlices, namespaces, pods];
}

/** Addresses at which others reach a socket that is bound to `address`. */
function reachable(address: string): string[] {
  const ip = parseIp(address);
  if (ip === undefined || isLoopback(ip)) return [];
  if (!isUnspecified(ip)) return [address];
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((entry) => !entry.internal && entry.family === ip.family && !entry.address.startsWith('fe80:'))
    .map((entry) => entry.address);
}

async function rejectWhenAborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted')), {
    once: true,
  });
  return promise;
}

function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
