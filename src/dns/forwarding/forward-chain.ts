/** The way of names that are not ours, as one server block of a Corefile says it: hosts -> cache -> forward. */
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { formatIp, isLoopback, isUnspecified, parseIp } from '../../net/index.ts';
import type { Logger } from '../../observe/index.ts';
import type { DnsListen } from '../sockets/bind-sockets.ts';
import type { CachingForwarder } from './cache.ts';
import type { AnswerMemory } from '../answers/answer-memory.ts';
import { createCachingForwarder } from './cache.ts';
import type { BlockConfig, ForwardConfig, HostsConfig } from '../corefile/corefile-config.ts';
import type { ServerForwarder } from './forward.ts';
import { createForwarder, createZoneForwarder, emptyAnswer } from './forward.ts';
import { createHostsForwarder } from './hosts.ts';
import { openHostsFile } from './hosts-file.ts';
import { rcodes } from '../wire/protocol.ts';
import type { Forwarder } from '../query-handler.ts';
import type { UpstreamAddress } from './upstream-line.ts';

/** What a block does with names of elsewhere. */
export interface ForwardChain {
  /** The zones whose names come here; none when the block forwards nothing. */
  readonly zones: readonly string[];
  /** Its `close` also ends the following of files. */
  readonly forwarder: Forwarder;
  readonly servers: readonly ServerForwarder[];
  readonly cache?: CachingForwarder;
}

/** Reads the files that the block names. Rejects with the system's error when one cannot be read. */
export async function createForwardChain(
  block: BlockConfig,
  listen: DnsListen,
  { logger, sharedAnswers }: { readonly logger: Logger; readonly sharedAnswers?: AnswerMemory | undefined },
): Promise<ForwardChain> {
  const servers = await Promise.all(block.forwards.map((forward) => serversOf(forward, listen, logger)));
  const byZone = new Map<string, Forwarder>(block.forwards.map(({ zone }, at) => [zone, servers[at] ?? refusing]));
  const [only] = servers;
  let forwarder: Forwarder | undefined;
  if (only !== undefined) forwarder = servers.length === 1 && byZone.has('.') ? only : createZoneForwarder(byZone);
  const cache =
    forwarder === undefined || block.cache === undefined
      ? undefined
      : createCachingForwarder(forwarder, { ...block.cache, nowMs: () => performance.now(), shared: sharedAnswers });
  forwarder = cache ?? forwarder;
  if (block.hosts !== undefined) forwarder = hostsBefore(block.hosts, forwarder ?? refusing, sharedAnswers, logger);
  if (forwarder === undefined) return { zones: [], forwarder: refusing, servers };
  return {
    zones: block.kubernetes === undefined ? block.zones : ['.'],
    forwarder,
    servers,
    ...(cache === undefined ? {} : { cache }),
  };
}

function hostsBefore(hosts: HostsConfig, next: Forwarder, sharedAnswers: AnswerMemory | undefined, logger: Logger): Forwarder {
  const file = hosts.path === undefined ? undefined : openHostsFile(hosts.path, { logger });
  const own = (file?.entries ?? [])
    .flatMap(({ names }) => names)
    .filter((name) => `.${name}`.endsWith(`.${hosts.clusterDomain ?? ''}`));
  if (hosts.clusterDomain !== undefined && own.length > 0)
    logger.warn(
      { file: hosts.path, names: own },
      'names of the cluster domain come from the cluster: those of the file are not used',
    );
  const forwarder = createHostsForwarder([...hosts.entries, ...(file?.entries ?? [])], next, hosts);
  const stop = file?.follow(hosts.reloadMs, (entries) => {
    forwarder.replace([...hosts.entries, ...entries]);
    // threads may remember other answers to the same names
    sharedAnswers?.clear();
  });
  return {
    ...forwarder,
    async close() {
      stop?.();
      await forwarder.close();
    },
  };
}

async function serversOf(forward: ForwardConfig, listen: DnsListen, logger: Logger): Promise<ServerForwarder> {
  const files = await Promise.all(forward.resolvConf.map((path) => readFile(path, 'utf8')));
  const upstreams = [...forward.upstreams, ...files.flatMap((text) => parseResolvConf(text).servers)];
  if (upstreams.length === 0)
    logger.warn({ zone: forward.zone, files: forward.resolvConf }, 'no upstream server: forwarded names will fail');
  return createForwarder({ ...forward, upstreams, isOwn: (to) => isServedAt(listen, to) }, { logger });
}

/**
 * Whether a server that listens there is itself what it would ask. At every address that also means all of loopback, where the
 * resolv.conf of many a machine points to a resolver of its own that no pod can reach.
 */
export function isServedAt(listen: DnsListen, to: UpstreamAddress): boolean {
  const ip = parseIp(to.address);
  if (!('address' in listen) || listen.port !== to.port || ip === undefined) return false;
  const isOneOfOurs =
    isLoopback(ip) || Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === formatIp(ip)));
  return [listen.address].flat().some((address) => {
    const own = parseIp(address);
    if (own === undefined || own.family !== ip.family) return false;
    return isUnspecified(own) ? isOneOfOurs : formatIp(own) === formatIp(ip);
  });
}

/** What a resolv.conf says: at most three servers, as libc reads it, and the last search path. */
export function parseResolvConf(text: string): {
  readonly servers: readonly UpstreamAddress[];
  readonly search: readonly string[];
} {
  const servers: UpstreamAddress[] = [];
  let search: readonly string[] = [];
  for (const line of text.split('\n')) {
    const address = /^\s*nameserver\s+([^\s#;%]+)/.exec(line)?.[1];
    if (address !== undefined && parseIp(address) !== undefined) servers.push({ address, port: 53 });
    const suffixes = /^\s*(?:search|domain)\s+([^#;]*)/.exec(line)?.[1];
    if (suffixes !== undefined)
      search = suffixes
        .trim()
        .split(/\s+/)
        .filter((suffix) => suffix !== '' && suffix !== '.');
  }
  return { servers: servers.slice(0, 3), search };
}

const refusing: Forwarder = {
  forward: async (query) => emptyAnswer(query, rcodes.REFUSED),
  close: async () => undefined,
};
