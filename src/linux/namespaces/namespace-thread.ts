/** The thread that hops between network namespaces, as its users see it. */
import type { Socket as UdpSocket } from 'node:dgram';
import type { Server, Socket } from 'node:net';
import type { Logger } from '../../observe/index.ts';
import { libc } from '../libc.ts';
import { NetlinkSocket, type NetlinkProtocol } from '../netlink/netlink-socket.ts';
import { connectFd, listenOnFd, udpSocketFromFd, type ConnectOptions } from './fd-sockets.ts';
import type { NamespaceHandle, SocketAddress, SocketOptions } from './model.ts';
import type { NamespaceSteps } from './namespace-worker.ts';
import { socketFamily } from './open-socket.ts';
import { WorkerClient } from './worker-client.ts';

const LISTEN_BACKLOG = 511;

/**
 * One worker thread that leaves the host's network for good and hops between the network namespaces that it makes. Each
 * method is one round trip to it (about 0.1 ms), in the order of the calls. Failed system calls reject with `LinuxError`.
 */
export class NamespaceThread {
  readonly #worker: WorkerClient<NamespaceSteps>;

  constructor(_options: object, context: { readonly logger: Logger }) {
    this.#worker = new WorkerClient('./namespace-worker', context.logger);
  }

  /** Rejects with EPERM where network namespaces are not allowed. */
  async start(): Promise<void> {
    await this.#worker.start();
  }

  /** Stops the thread. Namespaces whose handles were not closed live on. */
  async stop(): Promise<void> {
    await this.#worker.stop();
  }

  /** A new network namespace with `lo` up. The name is for messages only. */
  async create(name: string): Promise<NamespaceHandle> {
    return toHandle(name, await this.#worker.request('create', undefined));
  }

  /** Someone else's namespace, by path (`/proc/PID/ns/net`). Never the host's, from where there is no way back. */
  async open(name: string, path: string): Promise<NamespaceHandle> {
    return toHandle(name, await this.#worker.request('open', path));
  }

  /** Closes our handle; the namespace ends with its last user (processes, sockets). */
  close(namespace: NamespaceHandle): void {
    libc().close(namespace.fd);
  }

  async openNetlink(namespace: NamespaceHandle, protocol: NetlinkProtocol): Promise<NetlinkSocket> {
    return new NetlinkSocket(await this.#worker.request('openNetlink', { namespaceFd: namespace.fd, protocol }));
  }

  /** The bare descriptor, the caller's to close. */
  openSocket(namespace: NamespaceHandle, options: SocketOptions): Promise<number> {
    return this.#worker.request('openSocket', { namespaceFd: namespace.fd, options });
  }

  /** `name` with dots, or slashes where a link's name has a dot; only below `net`. */
  async writeSysctl(namespace: NamespaceHandle, name: string, value: string | number): Promise<void> {
    await this.#worker.request('writeSysctl', { namespaceFd: namespace.fd, name, value: String(value) });
  }

  readSysctl(namespace: NamespaceHandle, name: string): Promise<string> {
    return this.#worker.request('readSysctl', { namespaceFd: namespace.fd, name });
  }

  /** A TCP connection from inside the namespace; resolves when established, rejects with Node's usual errors. */
  async connectTcp(
    namespace: NamespaceHandle,
    target: SocketAddress,
    options: ConnectOptions & { readonly bind?: SocketAddress; readonly socket?: Partial<SocketOptions> } = {},
  ): Promise<Socket> {
    const { bind, socket, ...connectOptions } = options;
    const fd = await this.openSocket(namespace, {
      ...socket,
      type: 'tcp',
      family: target.address.includes(':') ? 6 : 4,
      ...(bind === undefined ? {} : { bind }),
    });
    return connectFd(fd, target, connectOptions);
  }

  /** Listens inside the namespace with a server of the caller's making. Port 0 lets the kernel choose. */
  async listenTcp(
    namespace: NamespaceHandle,
    server: Server,
    bind: SocketAddress,
    options: Omit<SocketOptions, 'type' | 'bind'> = {},
  ): Promise<void> {
    await listenOnFd(server, await this.openSocket(namespace, { listen: LISTEN_BACKLOG, ...options, type: 'tcp', bind }));
  }

  /** A UDP socket of the namespace as a dgram socket. Without `bind`: any address, a port of the kernel's choice. */
  async openUdp(namespace: NamespaceHandle, options: Omit<SocketOptions, 'type' | 'listen'> = {}): Promise<UdpSocket> {
    const family = socketFamily(options);
    const bind = options.bind ?? { address: family === 4 ? '0.0.0.0' : '::', port: 0 };
    return udpSocketFromFd(await this.openSocket(namespace, { ...options, type: 'udp', family, bind }), family);
  }
}

function toHandle(name: string, opened: { readonly fd: number; readonly inode: number }): NamespaceHandle {
  return { name, ...opened, path: `/proc/${process.pid}/fd/${opened.fd}` };
}
