/** One machine of the lab: a namespace with an address on the underlay, and the ways in and out of it. */
import type { Server, Socket } from 'node:net';
import type { Socket as UdpSocket } from 'node:dgram';
import type { Cidr, IpAddress, IpFamily } from '../net/index.ts';
import { formatIp } from '../net/index.ts';
import type {
  NamespaceHandle,
  NamespaceThread,
  NetlinkProtocol,
  NetlinkSocket,
  RouteSocket,
  SocketAddress,
} from '../linux/index.ts';

/** Somewhere to dial from, listen at, or run a program. */
export interface Place {
  /** `outside`, `node/NAME`, `pod/NAMESPACE/NAME` or `control-plane`. */
  readonly name: string;
  readonly addresses: readonly string[];
  readonly namespace: NamespaceHandle;
  /** For `nsenter --net=`, from processes in the lab's pid namespace. */
  readonly namespacePath: string;
  /** A TCP connection from here; `bind` chooses the source address. */
  dial(target: SocketAddress, options?: DialOptions): Promise<Socket>;
  listenTcp(server: Server, bind: SocketAddress): Promise<void>;
  openUdp(bind: SocketAddress): Promise<UdpSocket>;
  openNetlink(protocol: NetlinkProtocol): Promise<NetlinkSocket>;
  /** The descriptor of a socket that listens here, for a server that takes descriptors. `::` means IPv6 alone, so that `0.0.0.0` can have the port as well. */
  openListener(bind: SocketAddress): Promise<number>;
  /** The descriptor of a bound UDP socket. */
  openDatagrams(bind: SocketAddress): Promise<number>;
}

export interface DialOptions {
  readonly bind?: SocketAddress | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** A place in a namespace of the lab. */
export function createPlace(
  thread: NamespaceThread,
  name: string,
  namespace: NamespaceHandle,
  addresses: readonly string[],
): Place {
  return {
    name,
    addresses,
    namespace,
    namespacePath: namespace.path,
    dial: (target, options = {}) => thread.connectTcp(namespace, target, definedOnly(options)),
    listenTcp: (server, bind) => thread.listenTcp(namespace, server, bind, bind.address === '::' ? { ipv6Only: false } : {}),
    openUdp: (bind) =>
      thread.openUdp(namespace, {
        bind,
        family: bind.address.includes(':') ? 6 : 4,
        ...(bind.address === '::' ? { ipv6Only: false } : {}),
      }),
    openNetlink: (protocol) => thread.openNetlink(namespace, protocol),
    openListener: (bind) =>
      thread.openSocket(namespace, { type: 'tcp', bind, listen: 511, ...(bind.address === '::' ? { ipv6Only: true } : {}) }),
    openDatagrams: (bind) => thread.openSocket(namespace, { type: 'udp', bind }),
  };
}

/** A machine on the underlay: fabric, outside or a node. */
export interface Site {
  /** How links name it: `outside` or the node's name. */
  readonly name: string;
  readonly place: Place;
  readonly routes: RouteSocket;
  readonly mac: string;
  readonly underlay: readonly IpAddress[];
}

/** The address with the prefix length of one host. */
export function hostCidr(address: IpAddress): Cidr {
  return { address, prefixLength: address.bytes.length * 8 };
}

/** The addresses of one family. */
export function ofFamily(addresses: readonly IpAddress[], family: IpFamily): IpAddress | undefined {
  return addresses.find((address) => address.family === family);
}

/** As texts. */
export function formatAll(addresses: readonly IpAddress[]): string[] {
  return addresses.map(formatIp);
}

function definedOnly(options: DialOptions): { bind?: SocketAddress; signal?: AbortSignal; timeoutMs?: number } {
  return {
    ...(options.bind === undefined ? {} : { bind: options.bind }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  };
}
