/** The kernel: netlink, nftables, routes and links, conntrack, namespaces, sockets. The only FFI, loaded on first use. */
import type { ChildProcess, StdioOptions } from 'node:child_process';
import type { NetlinkSocket } from './netlink/netlink-socket.ts';
import type { Logger } from '../observe/index.ts';
import type { Flow, FlowFilter, FlowTuple } from './conntrack/model.ts';
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
export { connectFd, listenOnFd, udpSocketFromFd, type ConnectOptions } from './namespaces/fd-sockets.ts';
export { MountThread } from './namespaces/mount-thread.ts';
export { NamespaceThread } from './namespaces/namespace-thread.ts';
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
