/** The kernel: netlink, nftables, routes and links, conntrack, namespaces, sockets. The only FFI, loaded on first use. */
import type { Server, Socket } from 'node:net';
import type { Socket as UdpSocket } from 'node:dgram';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import type { Cidr, IpFamily } from '../net/index.ts';
import type { Logger } from '../observe/index.ts';
import type { Flow, FlowFilter, FlowTuple } from './conntrack/model.ts';
import type { MountNamespaceHandle, MountStep, NamespaceHandle, SocketAddress, SocketOptions } from './namespaces/model.ts';
import type {
  DumpedChain,
  DumpedCounter,
  DumpedRule,
  DumpedSet,
  NftChain,
  NftElement,
  NftEvent,
  NftExpression,
  NftFieldType,
  NftGeneration,
  NftSet,
  NftTable,
  NftVerdict,
} from './nftables/model.ts';
import type { DumpedRoute, Link, LinkAddress, Neighbour, Route, RouteRule } from './route/model.ts';

export * from './errors.ts';
export type * from './conntrack/model.ts';
export type * from './namespaces/model.ts';
export type * from './nftables/model.ts';
export type * from './route/model.ts';

// The signatures below are declared ahead of their files, which replace them one by one under the same names.

/** Netlink protocols. */
export type NetlinkProtocol = 'route' | 'netfilter';

/** Opens a netlink socket in the calling thread's network namespace, or wraps a descriptor made elsewhere (see `NamespaceThread.openNetlink`). */
export declare function openNetlink(protocol: NetlinkProtocol, options?: { readonly fd?: number }): NetlinkSocket;

/** One netlink socket: synchronous requests. Not for sharing between threads. */
export declare class NetlinkSocket {
  readonly fd: number;
  /** Largest message (batch) that the send buffer takes, in bytes. */
  readonly maxSendBytes: number;
  close(): void;
}

/** Links, addresses, routes, rules, neighbours of one namespace. All calls are synchronous and throw `NetlinkError`. */
export declare class RouteSocket {
  constructor(socket: NetlinkSocket);
  listLinks(): Link[];
  getLink(name: string): Link | undefined;
  addVeth(options: {
    readonly name: string;
    readonly peer: string;
    readonly peerNamespaceFd?: number;
    readonly mtu?: number;
    readonly mac?: string;
    readonly peerMac?: string;
  }): void;
  addBridge(name: string): void;
  addDummy(name: string): void;
  deleteLink(name: string): void;
  /** Moves a link to another namespace, with a new name if given. It arrives down and without addresses. */
  moveLink(name: string, namespaceFd: number, newName?: string): void;
  /** `undefined`: out of its bridge. */
  setMaster(name: string, bridge: string | undefined): void;
  setUp(name: string): void;
  setDown(name: string): void;
  setMtu(name: string, mtu: number): void;
  setMac(name: string, mac: string): void;
  listAddresses(family?: IpFamily): LinkAddress[];
  /** IPv6 addresses skip duplicate detection (nodad) and are usable at once. */
  addAddress(link: string, address: Cidr, options?: { readonly noPrefixRoute?: boolean }): void;
  deleteAddress(link: string, address: Cidr): void;
  listRoutes(family?: IpFamily): DumpedRoute[];
  addRoute(route: Route): void;
  /** Add, or replace the route with the same destination, table and metric. */
  replaceRoute(route: Route): void;
  deleteRoute(route: Route): void;
  listRules(family?: IpFamily): RouteRule[];
  addRule(rule: RouteRule): void;
  deleteRule(rule: RouteRule): void;
  listNeighbours(): Neighbour[];
  addNeighbour(link: string, address: Neighbour['address'], mac: string): void;
  close(): void;
}

/**
 * A transaction under construction. Calls append encoded messages in the order made; nothing happens before `Nftables.commit`.
 * Reusable after `clear()`, with the buffer kept.
 */
export declare class NftBatch {
  /** Bytes so far, with the frame. Compare with `Nftables.maxBatchBytes`. */
  readonly byteLength: number;
  /** Number of messages so far. */
  readonly length: number;
  clear(): void;
  /** No error when it exists. */
  addTable(table: NftTable): void;
  deleteTable(table: NftTable): void;
  addChain(table: NftTable, chain: NftChain): void;
  /** Removes all its rules. */
  flushChain(table: NftTable, chain: string): void;
  deleteChain(table: NftTable, chain: string): void;
  /** Appends a rule; with `before` inserts ahead of the rule with that handle. */
  addRule(
    table: NftTable,
    chain: string,
    expressions: readonly NftExpression[],
    options?: { readonly userdata?: Uint8Array; readonly before?: bigint },
  ): void;
  replaceRule(table: NftTable, chain: string, handle: bigint, expressions: readonly NftExpression[]): void;
  deleteRule(table: NftTable, chain: string, handle: bigint): void;
  /** No error when it exists with the same definition; a larger size raises the limit. */
  addSet(table: NftTable, set: NftSet): void;
  deleteSet(table: NftTable, set: string): void;
  /** Removes all its elements. */
  flushSet(table: NftTable, set: string): void;
  /** Adds elements, in as many messages as the 64 KiB attribute limit asks for. `isExclusive`: an existing key is an error. */
  addElements(table: NftTable, set: string, elements: Iterable<NftElement>, options?: { readonly isExclusive?: boolean }): void;
  deleteElements(table: NftTable, set: string, elements: Iterable<NftElement>): void;
  addCounter(table: NftTable, name: string): void;
  deleteCounter(table: NftTable, name: string): void;
}

/** nftables of one namespace. Calls are synchronous and throw `NetlinkError`. */
export declare class Nftables {
  constructor(socket: NetlinkSocket);
  /** Largest batch that one commit can carry here; beyond it `commit` throws EMSGSIZE (`isTooLarge`). */
  readonly maxBatchBytes: number;
  /**
   * Sends the batch as one transaction: all or nothing. `split: true` allows several when it is too large for one: cut
   * between messages, in order, so whoever allows it must have ordered them to be safe at every prefix. Answers how many
   * transactions it took. `generation`: refuse (ERESTART) if the ruleset is no longer this one.
   */
  commit(batch: NftBatch, options?: { readonly split?: boolean; readonly generation?: number }): number;
  getGeneration(): NftGeneration;
  dumpTables(): NftTable[];
  dumpChains(table: NftTable): DumpedChain[];
  dumpRules(table: NftTable, chain?: string): DumpedRule[];
  dumpSets(table: NftTable): DumpedSet[];
  /** Visits each element; the byte arrays may be kept. ENOENT when there is no such set. */
  visitElements(table: NftTable, set: string, visit: (element: NftElement) => void): void;
  dumpElements(table: NftTable, set: string): NftElement[];
  /** The elements with these keys; a missing key is left out. */
  getElements(table: NftTable, set: string, keys: readonly Uint8Array[]): NftElement[];
  dumpCounters(table: NftTable): DumpedCounter[];
  close(): void;
}

/** Follows group 7 on a netfilter netlink fd of its own, event-driven in the calling thread. Ends with `close()`. */
export declare class NftMonitor {
  constructor(
    options: { readonly socket: NetlinkSocket; readonly onEvent: (event: NftEvent) => void },
    context: { readonly logger: Logger },
  );
  close(): Promise<void>;
}

/** Connection tracking of one namespace. */
export declare class Conntrack {
  constructor(socket: NetlinkSocket);
  visitFlows(filter: FlowFilter, visit: (flow: Flow) => void): void;
  listFlows(filter: FlowFilter): Flow[];
  /** Deletes by the original tuple; false when it is gone already. */
  deleteFlow(original: FlowTuple): boolean;
  /** Dumps with the filter and deletes what it finds; answers how many. */
  deleteFlows(filter: FlowFilter): number;
  /** Number of entries in the namespace. */
  count(): number;
  close(): void;
}

/** Bytes of a concatenation: each field padded to 4 bytes. */
export declare function concatenate(...fields: readonly Uint8Array[]): Uint8Array;
/** Kernel type number and width of a concatenation of these types (6 bits a field). */
export declare function nftTypeOf(fields: readonly NftFieldType[]): {
  readonly type: number;
  readonly length: number;
  readonly fieldLengths: readonly number[];
};
/** Set userdata that says key and data are in host byte order, so that nft prints them the right way round. */
export declare const hostOrderUserdata: Uint8Array;
/** Whether a dumped rule's expressions are the ones we wrote: registers compared by meaning, counter values ignored, absent = default. */
export declare function expressionsEqual(ours: readonly NftExpression[], dumped: readonly NftExpression[]): boolean;

/** Registers are numbered 8..23: 32-bit NFT_REG32_00 onward; a value of n bytes takes ceil(n/4) of them. */
export declare const nft: {
  payload(base: 'network' | 'transport', offset: number, length: number, register: number): NftExpression;
  /** Loads a packet property. */
  meta(
    key: 'l4proto' | 'nfproto' | 'priority' | 'mark' | 'iifname' | 'oifname' | 'iif' | 'oif' | 'protocol',
    register: number,
  ): NftExpression;
  setMeta(key: 'priority' | 'mark', register: number): NftExpression;
  ct(
    key: 'state' | 'status' | 'mark' | 'srcIp' | 'dstIp' | 'srcIp6' | 'dstIp6' | 'protoSrc' | 'protoDst',
    register: number,
    direction?: 'original' | 'reply',
  ): NftExpression;
  cmp(operator: '==' | '!=' | '<' | '<=' | '>' | '>=', register: number, value: Uint8Array): NftExpression;
  range(operator: '==' | '!=', register: number, from: Uint8Array, to: Uint8Array): NftExpression;
  bitwise(from: number, to: number, mask: Uint8Array, xor?: Uint8Array): NftExpression;
  immediate(register: number, value: Uint8Array): NftExpression;
  verdict(verdict: NftVerdict): NftExpression;
  /** Set membership, or map look-up when `to` is given (0 = the verdict register). */
  lookup(set: string, register: number, options?: { readonly to?: number; readonly isInverted?: boolean }): NftExpression;
  /** Verdict map look-up. */
  vmap(map: string, register: number): NftExpression;
  numgen(type: 'random' | 'incremental', modulus: number, register: number, offset?: number): NftExpression;
  dnat(family: 'ip' | 'ip6', addressRegister: number, portRegister?: number): NftExpression;
  snat(family: 'ip' | 'ip6', addressRegister: number, portRegister?: number): NftExpression;
  masquerade(options?: { readonly fullyRandom?: boolean }): NftExpression;
  rejectTcpReset(): NftExpression;
  /** ICMP(v6) port unreachable. */
  rejectPortUnreachable(family: 'ip' | 'ip6'): NftExpression;
  dynset(
    operation: 'add' | 'update' | 'delete',
    set: string,
    keyRegister: number,
    options?: { readonly dataRegister?: number; readonly timeoutMs?: number },
  ): NftExpression;
  counter(): NftExpression;
  /** Adds to a named counter. */
  countIn(name: string): NftExpression;
  /** `fib saddr type` into a register (host-order number; 2 = local). */
  fibAddressType(of: 'saddr' | 'daddr', register: number): NftExpression;
};

/**
 * One worker thread that leaves the host's network for good and hops between the network namespaces that it makes. Every
 * method is one round trip to the thread; inside it each is one synchronous step. Failed system calls reject with `LinuxError`.
 */
export declare class NamespaceThread {
  constructor(options: object, context: { readonly logger: Logger });
  start(): Promise<void>;
  /** Stops the thread. Handles not closed stay open. */
  stop(): Promise<void>;
  /** A new network namespace with `lo` up. */
  create(name: string): Promise<NamespaceHandle>;
  /** Opens a namespace of someone else by path. */
  open(name: string, path: string): Promise<NamespaceHandle>;
  /** Closes our handle; the namespace ends with its last user. */
  close(namespace: NamespaceHandle): Promise<void>;
  openNetlink(namespace: NamespaceHandle, protocol: NetlinkProtocol): Promise<NetlinkSocket>;
  openSocket(namespace: NamespaceHandle, options: SocketOptions): Promise<number>;
  /** `name` with dots or slashes: `net.ipv4.ip_forward` or `net/ipv4/conf/eth0.1/forwarding`. */
  writeSysctl(namespace: NamespaceHandle, name: string, value: string | number): Promise<void>;
  readSysctl(namespace: NamespaceHandle, name: string): Promise<string>;
  /** A TCP connection from inside the namespace; resolves when established. */
  connectTcp(
    namespace: NamespaceHandle,
    target: SocketAddress,
    options?: { readonly bind?: SocketAddress; readonly signal?: AbortSignal; readonly timeoutMs?: number },
  ): Promise<Socket>;
  /** A UDP socket of the namespace as a dgram socket, bound. */
  openUdp(namespace: NamespaceHandle, options?: Omit<SocketOptions, 'type' | 'listen'>): Promise<UdpSocket>;
  /** Listens inside the namespace with a server of the caller's making. */
  listenTcp(
    namespace: NamespaceHandle,
    server: Server,
    bind: SocketAddress,
    options?: Omit<SocketOptions, 'type' | 'bind' | 'listen'>,
  ): Promise<void>;
}

/** A thread of its own (its file-system context is unshared) that builds mount namespaces. */
export declare class MountThread {
  constructor(options: object, context: { readonly logger: Logger });
  start(): Promise<void>;
  stop(): Promise<void>;
  /** A copy of this process's mount namespace, private, with the steps applied. A failed step leaves nothing behind. */
  create(steps: readonly MountStep[]): Promise<MountNamespaceHandle>;
  close(namespace: MountNamespaceHandle): void;
}

/** A dgram socket over a bound UDP descriptor, from whatever namespace. */
export declare function udpSocketFromFd(fd: number, family: 4 | 6): Promise<UdpSocket>;
/** Makes a server listen on a descriptor that listens already. */
export declare function listenOnFd(server: Server, fd: number): Promise<void>;
/** Connects an unconnected TCP descriptor. */
export declare function connectFd(
  fd: number,
  target: SocketAddress,
  options?: { readonly signal?: AbortSignal; readonly timeoutMs?: number },
): Promise<Socket>;

/** The command line of `unshare` that starts a process of ours in its own user (unless root), mount and pid namespaces. */
export declare function buildUnshareCommand(options: { readonly asRoot: boolean }): string[];
/** Starts `script` with `nodePath` inside those namespaces. */
export declare function spawnInNamespaces(options: {
  readonly nodePath: string;
  readonly script: string;
  readonly args?: readonly string[];
  readonly nodeArgs?: readonly string[];
  readonly stdio?: StdioOptions;
  readonly env?: NodeJS.ProcessEnv;
  readonly asRoot?: boolean;
}): ChildProcess;

export interface PreflightCheck {
  readonly check: string;
  readonly ok: boolean;
  /** Whether the lab can do without. */
  readonly isOptional: boolean;
  readonly problem?: string;
  readonly fix?: string;
}
/** What this machine lacks for the lab. Starts probe processes; changes nothing. */
export declare function preflight(): Promise<PreflightCheck[]>;
