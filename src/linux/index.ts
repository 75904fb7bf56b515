/** The kernel: netlink, nftables, routes and links, conntrack, namespaces, sockets. The only FFI, loaded on first use. */
import type { ChildProcess, StdioOptions } from 'node:child_process';

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
export { Conntrack } from './conntrack/conntrack.ts';
export { NftMonitor } from './nftables/monitor.ts';
export type * from './conntrack/model.ts';
export type * from './namespaces/model.ts';
export type * from './nftables/model.ts';
export type * from './route/model.ts';

// The signatures below are declared ahead of their files, which replace them one by one under the same names.

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
