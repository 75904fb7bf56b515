/** The sets and maps of the agent's table. One table `fairlead` per family; its layout is constant, Services and endpoints are elements. */
import type { NftFieldType, NftSet, NftTable } from '../../linux/index.ts';
import { hostOrderKeyUserdata, hostOrderUserdata } from '../../linux/index.ts';
import type { IpFamily } from '../../net/index.ts';

/** Name of the agent's table in the families ip and ip6; no other table is read or written. */
export const tableName = 'fairlead';

export function tableOf(family: IpFamily): NftTable {
  return { family: family === 'IPv4' ? 'ip' : 'ip6', name: tableName };
}

/** Sets and maps whose rows the agent keeps. */
export const rowSets = [
  'verdicts',
  'services',
  'services-outside',
  'nodeports',
  'nodeports-outside',
  'endpoints',
  'slots',
  'pinned',
  'hairpin',
  'sources',
  'sources-nodeports',
  'cluster-ips',
  'nodeport-ips',
  'service-cidrs',
  'pods',
  'firewalled',
  'source-ranges',
] as const;
export type RowSet = (typeof rowSets)[number];

/** The map that the kernel itself writes: client and frontend -> id. */
export const affinityMap = 'affinity';

/** Named counters: packets dropped or refused by reason, and what the machinery itself met with. */
export const counters = [
  'dropped-no-local-endpoint',
  'dropped-source-range',
  'dropped-unallocated',
  'dropped-invalid',
  'rejected-no-endpoint',
  'rejected-no-such-port',
  'fallback-endpoint',
  'missed-endpoint',
  'unpinned-affinity-full',
] as const;
export type CounterName = (typeof counters)[number];

/** Sets of ranges: a row's key is the first key followed by the last one, both inclusive. */
export const intervalSets: ReadonlySet<RowSet> = new Set(['service-cidrs', 'pods', 'source-ranges']);

/**
 * The map whose data is a chain to go to; a row's data is then the chain's name. All others that lead somewhere hold its numbers: whenever
 * an element with a chain is added the kernel walks all such elements from every hook, and so there must be few.
 */
export const verdictMap = 'verdicts';

/** Maps of verdict numbers; their elements count the connections that they lead on. */
export const countedMaps: ReadonlySet<RowSet> = new Set(['services', 'services-outside', 'nodeports', 'nodeports-outside']);

/** Sets that grow with Services and endpoints and so get a size: then the kernel takes its fixed hash, which loads twice as fast. */
export const sizedSets: ReadonlySet<RowSet> = new Set(['services', 'endpoints', 'slots', 'pinned', 'sources', 'cluster-ips']);

/** Smallest size of a sized set, in elements. */
export const minSetSize = 16_384;

/** Size of a set for so many rows: twice as many, so that growth rarely has to raise it. */
export function sizeFor(rows: number): number {
  return Math.max(minSetSize, 2 ** Math.ceil(Math.log2(2 * Math.max(rows, 1))));
}

/** Declarations of all sets. `sizes`: of the sized ones, in elements; `affinitySize`: most client entries that are kept. */
export function declareSets(family: IpFamily, sizes: ReadonlyMap<RowSet, number>, affinitySize: number): NftSet[] {
  const address: NftFieldType = family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr';
  const frontend: readonly NftFieldType[] = [address, 'inet_proto', 'inet_service'];
  const portKey: readonly NftFieldType[] = ['inet_proto', 'inet_service'];
  const declare = (name: RowSet, set: Omit<NftSet, 'name'>): NftSet => ({
    name,
    ...set,
    ...(sizedSets.has(name) ? { size: sizes.get(name) ?? minSetSize } : {}),
  });
  const numbered = { data: ['classid'], userdata: hostOrderUserdata } as const;
  return [
    declare('verdicts', { key: ['classid'], data: 'verdict', userdata: hostOrderKeyUserdata }),
    declare('services', { key: frontend, ...numbered, counter: true }),
    declare('services-outside', { key: frontend, ...numbered, counter: true }),
    declare('nodeports', { key: portKey, ...numbered, counter: true }),
    declare('nodeports-outside', { key: portKey, ...numbered, counter: true }),
    declare('endpoints', { key: [...frontend, 'mark'], data: [address, 'inet_service'] }),
    declare('slots', { key: [...frontend, 'mark'], ...numbered }),
    declare('pinned', { key: [...frontend, 'classid'], data: [address, 'inet_service'] }),
    {
      name: affinityMap,
      key: [address, ...frontend],
      ...numbered,
      timeout: true,
      dynamic: true,
      size: affinitySize,
    },
    declare('hairpin', { key: [address, address] }),
    declare('sources', { key: frontend, ...numbered }),
    declare('sources-nodeports', { key: portKey, ...numbered }),
    declare('cluster-ips', { key: [address] }),
    declare('nodeport-ips', { key: [address] }),
    declare('service-cidrs', { key: [address], interval: true }),
    declare('pods', { key: [address], interval: true }),
    declare('firewalled', { key: frontend }),
    declare('source-ranges', { key: [address, ...frontend], interval: true }),
  ];
}

/** Where the outside lists of a frontend start, so that both scopes share one map. */
export const outsideOffset = 65_536;

/** Most endpoints in one list: the inside indexes end where the outside ones begin. */
export const maxEndpoints = outsideOffset;

/** The first id of affinity: no index of a list is ever one. */
export const firstId = 2 * outsideOffset;
