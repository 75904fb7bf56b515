/**
 * Blocking TCP calls, straight to libc: a connect that takes 20 µs cannot be timed through an event loop. Only for programs of
 * benchmarks, which have a process of their own in the namespace where they are to be.
 */
import koffi from 'koffi';

const library = koffi.load(null);
const calls = {
  socket: library.func('int socket(int domain, int type, int protocol)'),
  setsockopt: library.func('int setsockopt(int fd, int level, int option, const void *value, uint32_t length)'),
  bind: library.func('int bind(int fd, const void *address, uint32_t length)'),
  listen: library.func('int listen(int fd, int backlog)'),
  connect: library.func('int connect(int fd, const void *address, uint32_t length)'),
  accept: library.func('int accept(int fd, void *address, void *length)'),
  close: library.func('int close(int fd)'),
};

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_LINGER = 13;
const SO_SNDTIMEO = 21;
const one = Uint8Array.of(1, 0, 0, 0);
/** struct linger: on, 0 seconds. `close` then sends a reset: neither side keeps the connection, however many there are. */
const abort = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
/** struct timeval: how long a connect may take. One SYN lost costs a second, so beyond that it has failed. */
const patience = new Uint8Array(new BigInt64Array([0n, 900_000n]).buffer);

/** struct sockaddr_in. */
export function socketAddress(address: string, port: number): Uint8Array {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint16(0, AF_INET, true);
  new DataView(bytes.buffer).setUint16(2, port);
  bytes.set(address.split('.').map(Number), 4);
  return bytes;
}

/** Accepts and closes connections on all addresses for ever; calls back once it listens. */
export function acceptForever(port: number, onListening: () => void): never {
  const fd = call('socket', calls.socket(AF_INET, SOCK_STREAM, 0));
  call('setsockopt', calls.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, one, one.length));
  const address = socketAddress('0.0.0.0', port);
  call('bind', calls.bind(fd, address, address.length));
  call('listen', calls.listen(fd, 4096));
  onListening();
  for (;;) {
    const connection = calls.accept(fd, null, null) as number;
    if (connection >= 0) calls.close(connection);
  }
}

/** Milliseconds from SYN to SYN-ACK, with the system call; -1 for a connection that was refused or not answered in 0.9 s. */
export function timeConnect(address: Uint8Array): number {
  const fd = call('socket', calls.socket(AF_INET, SOCK_STREAM, 0));
  calls.setsockopt(fd, SOL_SOCKET, SO_LINGER, abort, abort.length);
  calls.setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, patience, patience.length);
  const start = performance.now();
  const result = calls.connect(fd, address, address.length) as number;
  const elapsedMs = performance.now() - start;
  calls.close(fd);
  return result === 0 ? elapsedMs : -1;
}

function call(name: string, result: unknown): number {
  if (typeof result !== 'number' || result < 0) throw new Error(`${name}: errno ${koffi.errno()}`);
  return result;
}
