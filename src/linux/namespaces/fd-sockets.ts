/**
 * Node's own sockets over descriptors that were made in another network namespace. A socket belongs to the namespace that it
 * was made in, whichever thread uses it: so only the making needs the namespace thread.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { Socket, type Server } from 'node:net';
import { libc } from '../libc.ts';
import type { SocketAddress } from './model.ts';

export interface ConnectOptions {
  readonly signal?: AbortSignal;
  /** Gives up with an error of code ETIMEDOUT. Default: the kernel's own limit, about two minutes. */
  readonly timeoutMs?: number;
  /** As in `net.Socket`. */
  readonly allowHalfOpen?: boolean;
}

/**
 * Connects a TCP descriptor that is not connected yet. Rejects with Node's usual errors (ECONNREFUSED, …); the descriptor
 * belongs to the socket from the start.
 */
export function connectFd(fd: number, target: SocketAddress, options: ConnectOptions = {}): Promise<Socket> {
  const { signal, timeoutMs, allowHalfOpen = false } = options;
  // Connecting must be asked for in the same turn: libuv would take an idle TCP descriptor for one that was hung up.
  const socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen });
  socket.connect({ host: target.address, port: target.port });
  return new Promise((resolve, reject) => {
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            const error = new Error(`connect ${target.address}:${target.port}: no answer within ${timeoutMs} ms`);
            socket.destroy(Object.assign(error, { code: 'ETIMEDOUT' }));
          }, timeoutMs);
    const abort = (): void => {
      const reason: unknown = signal?.reason;
      socket.destroy(reason instanceof Error ? reason : new Error('connect was cancelled'));
    };
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      socket.off('connect', onConnect);
      socket.off('error', onError);
    };
    const onConnect = (): void => {
      settle();
      resolve(socket);
    };
    const onError = (error: Error): void => {
      settle();
      reject(error);
    };
    socket.once('connect', onConnect);
    socket.once('error', onError);
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Makes a server take connections from a descriptor that listens already. The descriptor is the server's from then on. */
export function listenOnFd(server: Server, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      server.off('listening', onListening);
      libc().close(fd);
      reject(error);
    };
    const onListening = (): void => {
      server.off('error', onError);
      resolve();
    };
    server.once('error', onError);
    server.once('listening', onListening);
    server.listen({ fd });
  });
}

/** A dgram socket over a bound UDP descriptor; event-driven, in the calling thread. It closes the descriptor. */
export function udpSocketFromFd(fd: number, family: 4 | 6): Promise<UdpSocket> {
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6');
  return new Promise((resolve, reject) => {
    const onError = (error: Error): void => {
      socket.close();
      libc().close(fd);
      reject(error);
    };
    socket.once('error', onError);
    socket.bind({ fd }, () => {
      socket.off('error', onError);
      resolve(socket);
    });
  });
}
