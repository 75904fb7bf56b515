/** The sockets of a name server: UDP and TCP, made here or handed in, UDP on the main thread or in threads of its own. */
import { openSocket } from '../../linux/index.ts';
import type { Logger } from '../../observe/index.ts';
import type { QueryHandler } from '../query-handler.ts';
import type { TcpEndpoint, TcpTimeouts } from './tcp-service.ts';
import { TcpService } from './tcp-service.ts';
import type { UdpEndpoint } from './udp-service.ts';
import { UdpService } from './udp-service.ts';
import type { UdpWorkerService } from './udp-worker-service.ts';

/**
 * Sockets made elsewhere (perhaps in another network namespace), or addresses to bind here. Sockets come in pairs: the UDP
 * and the TCP one at the same place of the lists are of one address family (Node can tell the family of the TCP one only),
 * and with UDP threads of one port.
 */
export type DnsListen =
  | { readonly udpFds: readonly number[]; readonly tcpFds: readonly number[] }
  | {
      readonly address: string | readonly string[];
      readonly port: number;
      /** Others may bind the same places: who replaces us does so before we close. */
      readonly isShared?: boolean;
    };

interface Place {
  readonly address: string;
  readonly port: number;
}

export interface BindOptions {
  readonly listen: DnsListen;
  readonly handle: QueryHandler;
  readonly makeWorker: (fd: number, at: Place) => UdpWorkerService;
  /** Threads for each address; 0: none, dgram. */
  readonly udpWorkers: number;
  readonly tcpTimeouts: TcpTimeouts | undefined;
}

export interface BoundSockets {
  readonly udp: readonly (UdpService | UdpWorkerService)[];
  readonly tcp: readonly TcpService[];
}

/** Binds everything and answers from then on. Rejects, with nothing left open, when something cannot be bound. */
export async function bindSockets(options: BindOptions, { logger }: { readonly logger: Logger }): Promise<BoundSockets> {
  const { listen, handle, makeWorker, udpWorkers, tcpTimeouts } = options;
  const isShared = 'isShared' in listen && listen.isShared === true;
  const udp: (UdpService | UdpWorkerService)[] = [];
  const tcp: TcpService[] = [];

  const startUdp = async (endpoint: UdpEndpoint): Promise<void> => {
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
  };

  const startTcp = async (endpoint: TcpEndpoint): Promise<TcpService> => {
    const service = new TcpService(
      {
        endpoint,
        handler: (packet, length, client) => handle(packet, length, { address: client.address, isTcp: true }),
        ...(tcpTimeouts === undefined ? {} : { timeouts: tcpTimeouts }),
      },
      { logger },
    );
    await service.start();
    tcp.push(service);
    return service;
  };

  const startUdpAt = async (place: Place): Promise<void> => {
    if (udpWorkers === 0) return startUdp({ ...place, isShared });
    // With SO_REUSEPORT the kernel spreads clients over the threads' sockets.
    for (let count = 0; count < udpWorkers; count++) {
      udp.push(makeWorker(openSocket({ type: 'udp', bind: place, reusePort: true, ipv6Only: true }), place));
    }
  };

  /** Both on one port number. With port 0 the kernel chooses for TCP and may have given the same number away for UDP. */
  const bindPair = async (address: string, port: number): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      const service = await startTcp({ address, port, isShared });
      try {
        await startUdpAt({ address, port: service.address.port });
        return;
      } catch (error) {
        if (port !== 0 || attempt === 10) throw error;
        tcp.pop();
        await service.close();
      }
    }
  };

  try {
    if ('udpFds' in listen) {
      for (const fd of listen.tcpFds) await startTcp({ fd });
      for (const [at, fd] of listen.udpFds.entries()) {
        const place = tcp[at]?.address ?? { address: '0.0.0.0', port: 0 };
        if (udpWorkers > 0) udp.push(makeWorker(fd, place));
        else await startUdp({ fd, family: place.address.includes(':') ? 'IPv6' : 'IPv4' });
      }
    } else {
      for (const address of [listen.address].flat()) await bindPair(address, listen.port);
    }
    return { udp, tcp };
  } catch (error) {
    await Promise.all([...udp, ...tcp].map((service) => service.close()));
    throw error;
  }
}
