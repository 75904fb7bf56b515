/**
 * The system calls that Node does not offer, through koffi to the libc that this process already runs with. Loaded on first
 * use, so that importing works on any system. The one place where foreign code is called.
 *
 * Calls are synchronous and run on the calling thread: that is what makes `setns` in a Worker move that Worker alone.
 * (koffi's `.async` runs on libuv's pool, whose threads belong to whichever namespace started them: never used.)
 */
import { createRequire } from 'node:module';
import { endianness } from 'node:os';
import { O_CLOEXEC } from './constants.ts';
import { LinuxError, errnoName } from './errors.ts';

/** The calls, failures thrown as `LinuxError`. Those that may say "not now" return -1 for EAGAIN instead. */
export interface Libc {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array): void;
  /** False when the connection is in progress (EINPROGRESS). */
  connect(fd: number, address: Uint8Array): boolean;
  listen(fd: number, backlog: number): void;
  getsockname(fd: number): Uint8Array;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array): void;
  getsockopt(fd: number, level: number, option: number, lengthBytes: number): Uint8Array;
  /** Number of bytes sent, or -1 for EAGAIN. */
  send(fd: number, data: Uint8Array, flags: number): number;
  /** Number of bytes received, or -1 for EAGAIN. With MSG_TRUNC the real length, which may exceed the buffer's. */
  recv(fd: number, buffer: Uint8Array, flags: number): number;
  /** `messages` is an array of `struct mmsghdr` (see udp-batch.ts). Number of messages, or -1 for EAGAIN. */
  recvmmsg(fd: number, messages: Uint8Array, count: number, flags: number): number;
  sendmmsg(fd: number, messages: Uint8Array, count: number, flags: number): number;
  /** Number of ready descriptors; `fds` is an array of `struct pollfd`. 0 on timeout and on a signal. */
  poll(fds: Uint8Array, count: number, timeoutMs: number): number;
  setns(fd: number, kind: number): void;
  unshare(flags: number): void;
  mount(source: string | null, target: string, type: string | null, flags: number, data: string | null): void;
  umount2(target: string, flags: number): void;
  /** mount_setattr(2), Linux 5.12: attributes to set and to clear on a path. */
  mountSetAttributes(path: string, flags: number, set: number, clear: number): void;
  open(path: string, flags: number): number;
  close(fd: number): void;
  /** Makes `to` another number for the description of `from`, close-on-exec. */
  dup3(from: number, to: number): void;
  fcntl(fd: number, command: number, argument: number): number;
  /** Two connected AF_UNIX sockets. */
  socketpair(domain: number, type: number): readonly [number, number];
  /** Gives free memory of malloc back to the kernel, where libc can (glibc). */
  trimHeap(): void;
  /** madvise(2) with MADV_DONTNEED: the pages are read from their file when they are used again. For mappings of files that were never written to. */
  dropPages(start: number, length: number): void;
  /** The address of a buffer's first byte, for structures that hold pointers. The buffer must outlive the structure. */
  addressOf(buffer: Uint8Array): bigint;
}

let loaded: Libc | undefined;

/** The system calls of this process. Throws a plain `Error` that says so where this is not Linux. */
export function libc(): Libc {
  loaded ??= load();
  return loaded;
}

/** Closes a descriptor that no stream has taken over, such as one of `NamespaceThread.openSocket`. */
export function closeDescriptor(fd: number): void {
  libc().close(fd);
}

/** A call of libc as koffi gives it. */
type Call = (...values: readonly unknown[]) => number;

const EAGAIN = 11;
const EINTR = 4;
const EINPROGRESS = 115;
/** Same number on every architecture, as all system calls since 5.1. */
const SYS_MOUNT_SETATTR = 442;
const AT_FDCWD = -100;
const MADV_DONTNEED = 4;

function load(): Libc {
  if (process.platform !== 'linux') {
    throw new Error(`this needs Linux: network namespaces and nftables do not exist on ${process.platform}`);
  }
  if (endianness() !== 'LE') throw new Error('this needs a little-endian machine');
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  // The process's own symbols: whatever libc Node itself runs with, glibc or musl.
  const library = koffi.load(null);
  const bind = (signature: string): Call => library.func(signature) as Call;

  const calls = {
    socket: bind('int socket(int domain, int type, int protocol)'),
    bind: bind('int bind(int fd, const void *address, uint32_t length)'),
    connect: bind('int connect(int fd, const void *address, uint32_t length)'),
    listen: bind('int listen(int fd, int backlog)'),
    getsockname: bind('int getsockname(int fd, void *address, void *length)'),
    setsockopt: bind('int setsockopt(int fd, int level, int option, const void *value, uint32_t length)'),
    getsockopt: bind('int getsockopt(int fd, int level, int option, void *value, void *length)'),
    send: bind('int64_t send(int fd, const void *data, size_t length, int flags)'),
    recv: bind('int64_t recv(int fd, void *data, size_t length, int flags)'),
    recvmmsg: bind('int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)'),
    sendmmsg: bind('int sendmmsg(int fd, void *messages, uint32_t count, int flags)'),
    poll: bind('int poll(void *fds, unsigned long count, int timeout)'),
    setns: bind('int setns(int fd, int kind)'),
    unshare: bind('int unshare(int flags)'),
    mount: bind('int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)'),
    umount2: bind('int umount2(const char *target, int flags)'),
    mountSetattr: bind(
      'long syscall(long number, int fd, const char *path, uint32_t flags, const void *attributes, size_t size)',
    ),
    open: bind('int open(const char *path, int flags, int mode)'),
    close: bind('int close(int fd)'),
    dup3: bind('int dup3(int from, int to, int flags)'),
    fcntl: bind('int fcntl(int fd, int command, long argument)'),
    madvise: bind('int madvise(uintptr_t start, size_t length, int advice)'),
    socketpair: bind('int socketpair(int domain, int type, int protocol, void *pair)'),
  };

  const fail = (call: string, detail = ''): never => {
    const errno = koffi.errno();
    const code = errnoName(errno);
    throw new LinuxError(`${call}${detail === '' ? '' : ` ${detail}`}: ${code}`, { code, errno, call });
  };
  /** Throws for -1. */
  const must = (call: string, result: number, detail?: string): number => (result === -1 ? fail(call, detail) : result);
  /** Repeats after a signal; -1 for EAGAIN. */
  const transfer = (call: string, attempt: () => number): number => {
    for (;;) {
      const result = attempt();
      if (result !== -1) return result;
      const errno = koffi.errno();
      if (errno === EAGAIN) return -1;
      if (errno !== EINTR) fail(call);
    }
  };

  return {
    socket: (domain, type, protocol) => must('socket', calls.socket(domain, type, protocol)),
    bind: (fd, address) => void must('bind', calls.bind(fd, address, address.length)),
    connect: (fd, address) => {
      if (calls.connect(fd, address, address.length) !== -1) return true;
      return koffi.errno() === EINPROGRESS ? false : fail('connect');
    },
    listen: (fd, backlog) => void must('listen', calls.listen(fd, backlog)),
    getsockname: (fd) => {
      const address = new Uint8Array(128);
      const length = new Uint32Array([address.length]);
      must('getsockname', calls.getsockname(fd, address, length));
      return address.subarray(0, length[0]);
    },
    setsockopt: (fd, level, option, value) => {
      must('setsockopt', calls.setsockopt(fd, level, option, value, value.length), `${level}/${option}`);
    },
    getsockopt: (fd, level, option, lengthBytes) => {
      const value = new Uint8Array(lengthBytes);
      const length = new Uint32Array([lengthBytes]);
      must('getsockopt', calls.getsockopt(fd, level, option, value, length), `${level}/${option}`);
      return value.subarray(0, length[0]);
    },
    send: (fd, data, flags) => transfer('send', () => calls.send(fd, data, data.length, flags)),
    recv: (fd, buffer, flags) => transfer('recv', () => calls.recv(fd, buffer, buffer.length, flags)),
    recvmmsg: (fd, messages, count, flags) => transfer('recvmmsg', () => calls.recvmmsg(fd, messages, count, flags, null)),
    sendmmsg: (fd, messages, count, flags) => transfer('sendmmsg', () => calls.sendmmsg(fd, messages, count, flags)),
    poll: (fds, count, timeoutMs) => {
      const ready = calls.poll(fds, count, timeoutMs);
      return ready === -1 ? (koffi.errno() === EINTR ? 0 : fail('poll')) : ready;
    },
    setns: (fd, kind) => void must('setns', calls.setns(fd, kind)),
    unshare: (flags) => void must('unshare', calls.unshare(flags)),
    mount: (source, target, type, flags, data) => void must('mount', calls.mount(source, target, type, flags, data), target),
    umount2: (target, flags) => void must('umount2', calls.umount2(target, flags), target),
    mountSetAttributes: (path, flags, set, clear) => {
      // struct mount_attr: attr_set, attr_clr, propagation, userns_fd, all 64 bits.
      const attributes = new BigUint64Array([BigInt(set), BigInt(clear), 0n, 0n]);
      const result = calls.mountSetattr(SYS_MOUNT_SETATTR, AT_FDCWD, path, flags, attributes, attributes.byteLength);
      must('mount_setattr', result, path);
    },
    open: (path, flags) => must('open', calls.open(path, flags, 0o600), path),
    close: (fd) => void must('close', calls.close(fd), String(fd)),
    dup3: (from, to) => void must('dup3', calls.dup3(from, to, O_CLOEXEC)),
    fcntl: (fd, command, argument) => must('fcntl', calls.fcntl(fd, command, argument)),
    socketpair: (domain, type) => {
      const pair = new Int32Array(2);
      must('socketpair', calls.socketpair(domain, type, 0, pair));
      return [pair[0] ?? -1, pair[1] ?? -1];
    },
    trimHeap: () => {
      try {
        library.func('int malloc_trim(size_t pad)')(0);
      } catch {
        // musl has no such call and keeps little: there is nothing to give back
      }
    },
    dropPages: (start, length) => void must('madvise', calls.madvise(start, length, MADV_DONTNEED)),
    addressOf: (buffer) => koffi.address(buffer),
  };
}
