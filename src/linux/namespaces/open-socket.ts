/** Makes a TCP or UDP socket in the calling thread's network namespace, ready to be used from any other thread. */
import {
  AF_INET,
  AF_INET6,
  IPV6_FREEBIND,
  IPV6_TRANSPARENT,
  IPV6_V6ONLY,
  IP_FREEBIND,
  IP_TRANSPARENT,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_IP,
  SOL_IPV6,
  SOL_SOCKET,
  SO_BINDTODEVICE,
  SO_MARK,
  SO_RCVBUF,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDBUF,
  intOption,
} from '../constants.ts';
import { LinuxError } from '../errors.ts';
import { libc } from '../libc.ts';
import { encodeSocketAddress } from '../socket-address.ts';
import type { SocketOptions } from './model.ts';

/**
 * The descriptor: non-blocking, close-on-exec, bound, listening or connecting as asked. Throws `LinuxError` (EADDRINUSE,
 * EADDRNOTAVAIL, …), its message naming the address; nothing stays open then.
 */
export function openSocket(options: SocketOptions): number {
  const calls = libc();
  const family = socketFamily(options);
  const type = options.type === 'tcp' ? SOCK_STREAM : SOCK_DGRAM;
  const fd = calls.socket(family === 4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  try {
    applyOptions(fd, options, family);
    if (options.bind !== undefined) {
      const { address, port } = options.bind;
      naming('bind', `${address} port ${port}`, () => calls.bind(fd, encodeSocketAddress(address, port)));
    }
    if (options.listen !== undefined) calls.listen(fd, options.listen);
    if (options.connect !== undefined) {
      const { address, port } = options.connect;
      naming('connect', `${address} port ${port}`, () => calls.connect(fd, encodeSocketAddress(address, port)));
    }
  } catch (error) {
    calls.close(fd);
    throw error;
  }
  return fd;
}

/** 6 when an address of the options is IPv6. */
export function socketFamily(options: Pick<SocketOptions, 'family' | 'bind' | 'connect'>): 4 | 6 {
  const address = options.bind?.address ?? options.connect?.address;
  return options.family ?? (address?.includes(':') === true ? 6 : 4);
}

function applyOptions(fd: number, options: SocketOptions, family: 4 | 6): void {
  const set = (level: number, option: number, value: number): void => libc().setsockopt(fd, level, option, intOption(value));
  const isV6 = family === 6;
  if (options.reuseAddress ?? options.listen !== undefined) set(SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reusePort === true) set(SOL_SOCKET, SO_REUSEPORT, 1);
  if (isV6 && options.ipv6Only !== undefined) set(SOL_IPV6, IPV6_V6ONLY, options.ipv6Only ? 1 : 0);
  if (options.freebind === true) set(isV6 ? SOL_IPV6 : SOL_IP, isV6 ? IPV6_FREEBIND : IP_FREEBIND, 1);
  if (options.transparent === true) set(isV6 ? SOL_IPV6 : SOL_IP, isV6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, 1);
  if (options.device !== undefined)
    libc().setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, new TextEncoder().encode(`${options.device}\0`));
  if (options.mark !== undefined) set(SOL_SOCKET, SO_MARK, options.mark);
  if (options.receiveBufferBytes !== undefined) set(SOL_SOCKET, SO_RCVBUF, options.receiveBufferBytes);
  if (options.sendBufferBytes !== undefined) set(SOL_SOCKET, SO_SNDBUF, options.sendBufferBytes);
}

function naming(call: string, what: string, action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    throw new LinuxError(`${call} ${what}: ${error.facts.code}`, error.facts, { cause: error });
  }
}
