/** The cluster's name server: index, responder and sockets put together. */
import { networkInterfaces } from 'node:os';
import { endpointSlices, namespaces, pods, services } from '../api/index.ts';
import type { KubeClient } from '../client/index.ts';
import { createInformer } from '../client/index.ts';
import type { PodMode } from '../names/index.ts';
import { NameIndex } from '../names/index.ts';
import { isLoopback, isUnspecified, parseIp } from '../net/index.ts';
import type { Logger } from '../observe/index.ts';
import type { NameInformers } from './feed.ts';
import { feedIndex } from './feed.ts';
import type { Forwarder, QueryObserver, ZoneTransfer } from './query-handler.ts';
import { createQueryHandler } from './query-handler.ts';
import { withQueryLog } from './query-log.ts';
import { Responder } from './responder.ts';
import { createShuffle } from './shuffle.ts';
import { slimNamespace, slimPod, slimService, slimSlice } from './slim-objects.ts';
import type { TcpEndpoint, TcpTimeouts } from './tcp-service.ts';
import { TcpService } from './tcp-service.ts';
import type { UdpEndpoint } from './udp-service.ts';
import { UdpService } from './udp-service.ts';

/**
 * Sockets made elsewhere (perhaps in another network namespace), or addresses to bind here. Sockets come in pairs: the UDP
 * and the TCP one at the same place of the lists are of one address family (Node can tell the family of the TCP one only).
 */
export type DnsListen =
  | { readonly udpFds: readonly number[]; readonly tcpFds: readonly number[] }
  | { readonly address: string | readonly string[]; readonly port: number };

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
  readonly namespaces?: readonly string[];
  readonly maxUdpBytes?: number;
  readonly tcpTimeouts?: TcpTimeouts;
  /** Only Services, slices and pods that this selector matches. With a client only. */
  readonly labelSelector?: string;
  /** Zones of ours whose unknown names go to the forwarder. Default: the reverse zones. */
  readonly fallthrough?: readonly string[];
  /** One line for every query at level info. For looking into trouble: it costs more than the answer. */
  readonly logsQueries?: boolean;
  /** Answers names that are not ours. Without one they are REFUSED. */
  readonly forwarder?: Forwarder;
  /** Given the index, says who may have the zone. Without one transfers are REFUSED. */
  readonly transfer?: (index: NameIndex) => ZoneTransfer;
  readonly observer?: QueryObserver;
  /** For the order of answers. Default `Math.random`. */
  readonly random?: () => number;
}

/** A running name server. */
export interface DnsServer {
  /** What is bound, `address` and `port` of each UDP and TCP socket. */
  readonly addresses: readonly { readonly protocol: 'UDP' | 'TCP'; readonly address: string; readonly port: number }[];
  /** Every name, for explanations and tests. */
  readonly index: NameIndex;
  /** Resolves when all objects were read once: from then on a missing name is NXDOMAIN. Rejects when closed before. */
  readonly ready: Promise<void>;
  /** Whether `ready` has resolved. Stays true when the API is lost: what is known is answered. */
  readonly isReady: boolean;
  /** Stops answering and closes every socket, also those handed in. */
  close(): Promise<void>;
}

/**
 * Starts answering at once, before the objects are read: what is not yet known is SERVFAIL until then. Rejects, with nothing
 * left open, when a socket cannot be bound.
 */
export async function startDnsServer(options: DnsServerOptions, { logger }: { readonly logger: Logger }): Promise<DnsServer> {
  const index = new NameIndex({
    zone: options.clusterDomain ?? 'cluster.local',
    podMode: options.podMode ?? 'disabled',
    ttlSeconds: options.ttlSeconds ?? 30,
    nowSeconds: () => Math.floor(Date.now() / 1000),
    endpointPodNames: options.endpointPodNames ?? false,
    ignoreEmptyServices: options.ignoreEmptyServices ?? false,
    zonalNames: options.zonalNames ?? false,
    ...(options.namespaces === undefined ? {} : { namespaces: options.namespaces }),
  });
  let isReady = false;
  const responder = new Responder({
    index,
    isSynced: () => isReady,
    hasUpstream: options.forwarder !== undefined,
    permutation: createShuffle(options.random ?? Math.random),
    ...(options.reverseZones === undefined ? {} : { reverseZones: options.reverseZones }),
    ...(options.fallthrough === undefined ? {} : { fallthrough: options.fallthrough }),
    ...(options.maxUdpBytes === undefined ? {} : { maxUdpBytes: options.maxUdpBytes }),
  });
  const answer = createQueryHandler(
    { responder, forwarder: options.forwarder, transfer: options.transfer?.(index), observer: options.observer },
    { logger },
  );
  const handle = options.logsQueries === true ? withQueryLog(answer, logger) : answer;

  const { udp, tcp } = await bindAll(options, handle, logger);
  const addresses = [
    ...udp.map((service) => ({ protocol: 'UDP' as const, ...service.address })),
    ...tcp.map((service) => ({ protocol: 'TCP' as const, ...service.address })),
  ];
  index.setOwnAddresses([
    ...new Set([...(options.ownAddresses ?? []), ...addresses.flatMap(({ address }) => reachable(address))]),
  ]);

  const stopping = new AbortController();
  const informers =
    'informers' in options.source ? options.source.informers : ownInformers(options.source.client, options, logger);
  const stopFeeding = feedIndex(index, informers);
  if ('client' in options.source) for (const informer of listOf(informers)) informer.start(stopping.signal);
  const ready = Promise.race([
    Promise.all(listOf(informers).map((informer) => informer.synced())).then(() => undefined),
    rejectWhenAborted(stopping.signal),
  ]).then(() => {
    isReady = true;
    logger.info({ names: index.forward.size, serial: index.serial }, 'names are known');
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
    async close() {
      stopping.abort(new Error('the name server was closed'));
      stopFeeding();
      await Promise.all([...udp, ...tcp].map((service) => service.close()));
      await options.forwarder?.close();
    },
  };
}

type Handle = ReturnType<typeof createQueryHandler>;

async function bindAll(
  options: DnsServerOptions,
  handle: Handle,
  logger: Logger,
): Promise<{ udp: UdpService[]; tcp: TcpService[] }> {
  const udp: UdpService[] = [];
  const tcp: TcpService[] = [];
  const startUdp = async (endpoint: UdpEndpoint): Promise<UdpService> => {
    const service = new UdpService(
      {
        endpoint,
        handler: (packet, length, client) => {
          const answer = handle(packet, length, { address: client.address, isTcp: false });
          return typeof answer === 'number' ? answer : answer.then(([message]) => message);
        },
      },
      { logger },
    );
    await service.start();
    udp.push(service);
    return service;
  };
  const startTcp = async (endpoint: TcpEndpoint): Promise<void> => {
    const handler = (packet: Uint8Array, length: number, client: { readonly address: string }) =>
      handle(packet, length, { address: client.address, isTcp: true });
    const service = new TcpService(
      { endpoint, handler, ...(options.tcpTimeouts === undefined ? {} : { timeouts: options.tcpTimeouts }) },
      { logger },
    );
    await service.start();
    tcp.push(service);
  };
  try {
    const { listen } = options;
    if ('udpFds' in listen) {
      for (const fd of listen.tcpFds) await startTcp({ fd });
      for (const [at, fd] of listen.udpFds.entries()) {
        await startUdp({ fd, family: tcp[at]?.address.address.includes(':') === true ? 'IPv6' : 'IPv4' });
      }
    } else {
      for (const address of typeof listen.address === 'string' ? [listen.address] : listen.address)
        await bindPair(address, listen.port);
    }
    return { udp, tcp };
  } catch (error) {
    await Promise.all([...udp, ...tcp].map((service) => service.close()));
    throw error;
  }

  /** UDP and TCP on one port number. With port 0 the kernel chooses for UDP and may have given the same number away for TCP. */
  async function bindPair(address: string, port: number): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const service = await startUdp({ address, port });
      try {
        await startTcp({ address, port: service.address.port });
        return;
      } catch (error) {
        if (port !== 0 || attempt === 10) throw error;
        udp.pop();
        await service.close();
      }
    }
  }
}

function ownInformers(client: KubeClient, options: DnsServerOptions, logger: Logger): NameInformers {
  const labelSelector = options.labelSelector;
  const three = {
    services: createInformer(client, services, { labelSelector, transform: slimService }, { logger }),
    endpointSlices: createInformer(client, endpointSlices, { labelSelector, transform: slimSlice }, { logger }),
    namespaces: createInformer(client, namespaces, { transform: slimNamespace }, { logger }),
  };
  if (options.podMode !== 'verified') return three;
  const fieldSelector = 'status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown';
  return { ...three, pods: createInformer(client, pods, { labelSelector, fieldSelector, transform: slimPod }, { logger }) };
}

function listOf(informers: NameInformers) {
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
