/** The kernel: netlink, nftables, routes and links, conntrack, namespaces, sockets. The only FFI, loaded on first use. */

export * from './errors.ts';
export { openNetlink, NetlinkSocket, type NetlinkProtocol } from './netlink/netlink-socket.ts';
export { NftBatch } from './nftables/batch.ts';
export { describeExpression, expressionsEqual } from './nftables/canonical.ts';
export { nft } from './nftables/expressions.ts';
export {
  be16Bytes,
  concatenate,
  hostOrderKeyUserdata,
  hostOrderUserdata,
  hostU32Bytes,
  nftTypeOf,
  setNumbers,
} from './nftables/field-types.ts';
export { NFT_SET_FLAG } from './nftables/messages.ts';
export { Nftables } from './nftables/nftables.ts';
export { verdictsEqual } from './nftables/verdict.ts';
export { AddressMonitor } from './route/address-monitor.ts';
export { RouteSocket, type VethOptions } from './route/route-socket.ts';
export { connectFd, listenOnFd, udpSocketFromFd, type ConnectOptions } from './namespaces/fd-sockets.ts';
export { MountThread } from './namespaces/mount-thread.ts';
export { NamespaceThread } from './namespaces/namespace-thread.ts';
export { Conntrack, type ConntrackSocket } from './conntrack/conntrack.ts';
export { NftMonitor } from './nftables/monitor.ts';
export { giveBackMemory } from './process/resident-memory.ts';
export { preflight, thisMachine, type Machine, type PreflightCheck, type ProbeResult } from './process/preflight.ts';
export {
  buildUnshareCommand,
  exitWithParent,
  findInnerProcessId,
  keepInheritedDescriptors,
  spawnInNamespaces,
  type SpawnOptions,
} from './process/unshare.ts';
export { openSocket } from './namespaces/open-socket.ts';
export { originBytes, senderOf, UdpBatch, type UdpBatchOptions } from './udp/udp-batch.ts';
export { connectUdp, type ConnectedUdp, type ConnectedUdpHandlers } from './udp/connected-udp.ts';
export { createWakePair, wake, wakerOf, type Waker } from './udp/waker.ts';
export { closeDescriptor } from './libc.ts';
export { decodeSocketAddress } from './socket-address.ts';
export type * from './conntrack/model.ts';
export type * from './namespaces/model.ts';
export type * from './nftables/model.ts';
export type * from './route/model.ts';
