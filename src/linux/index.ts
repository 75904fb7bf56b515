/** The kernel: netlink, nftables, routes and links, conntrack, namespaces, sockets. The only FFI, loaded on first use. */
import type { Server, Socket } from 'node:net';
import type { Socket as UdpSocket } from 'node:dgram';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import type { NetlinkProtocol, NetlinkSocket } from './netlink/netlink-socket.ts';
import type { Logger } from '../observe/index.ts';
import type { Flow, FlowFilter, FlowTuple } from './conntrack/model.ts';
import type { MountNamespaceHandle, MountStep, NamespaceHandle, SocketAddress, SocketOptions } from './namespaces/model.ts';
import type { NftEvent } from './nftables/model.ts';

export * from './errors.ts';
export { openNetlink, NetlinkSocket, type NetlinkProtocol } from './netlink/netlink-socket.ts';
export { NftBatch } from './nftables/batch.ts';
export { describeExpression, expressionsEqual } from './nftables/canonical.ts';
export { nft } from './nftables/expressions.ts';
export { be16Bytes, concatenate, hostOrderUserdata, hostU32Bytes, nftTypeOf, setNumbers } from './nftables/field-types.ts';
export { NFT_SET_FLAG } from './nftables/messages.ts';
export { Nftables } from './nftables/nftables.ts';
export { verdictsEqual } from './nftables/verdict.ts';
export { RouteSocket, type VethOptions } from './route/route-socket.ts';
export type * from './conntrack/model.ts';
export type * from './namespaces/model.ts';
export type * from './nftables/model.ts';
export type * from './route/model.ts';

// The signatures below are declared ahead of their files, which replace them one by one under the same names.

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
