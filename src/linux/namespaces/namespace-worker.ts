/**
 * The body of the namespace thread. It leaves the host's network for good into a namespace of its own, its home, and makes
 * every other hop from there and back within one synchronous step: so a namespace ends as soon as its handles are closed, and
 * nothing of Node's that happens a turn later can happen in the wrong place.
 */
import { fstatSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { CLONE_NEWNET, O_CLOEXEC, O_RDONLY } from '../constants.ts';
import { libc } from '../libc.ts';
import { openNetlink, openNetlinkFd, type NetlinkProtocol } from '../netlink/netlink-socket.ts';
import { RouteSocket } from '../route/route-socket.ts';
import type { SocketOptions } from './model.ts';
import { openSocket } from './open-socket.ts';
import { serveSteps } from './worker-client.ts';

let homeFd = -1;

/** The steps, as the thread's class asks for them. */
const steps = {
  start(): void {
    libc().unshare(CLONE_NEWNET);
    homeFd = openOwnNamespace();
  },

  /** A new namespace with `lo` up. */
  create(): { fd: number; inode: number } {
    try {
      libc().unshare(CLONE_NEWNET);
      const route = new RouteSocket(openNetlink('route'));
      try {
        route.setUp('lo');
      } finally {
        route.close();
      }
      const fd = openOwnNamespace();
      return { fd, inode: fstatSync(fd).ino };
    } finally {
      goHome();
    }
  },

  open(path: string): { fd: number; inode: number } {
    const fd = libc().open(path, O_RDONLY | O_CLOEXEC);
    try {
      const target = readlinkSync(`/proc/thread-self/fd/${fd}`);
      if (!target.startsWith('net:[')) throw new Error(`${path} is no network namespace but ${target}`);
      return { fd, inode: fstatSync(fd).ino };
    } catch (error) {
      libc().close(fd);
      throw error;
    }
  },

  openNetlink(argument: { readonly namespaceFd: number; readonly protocol: NetlinkProtocol }): number {
    return within(argument.namespaceFd, () => openNetlinkFd(argument.protocol));
  },

  openSocket(argument: { readonly namespaceFd: number; readonly options: SocketOptions }): number {
    return within(argument.namespaceFd, () => openSocket(argument.options));
  },

  readSysctl(argument: { readonly namespaceFd: number; readonly name: string }): string {
    return within(argument.namespaceFd, () => readFileSync(sysctlPath(argument.name), 'utf8').trimEnd());
  },

  writeSysctl(argument: { readonly namespaceFd: number; readonly name: string; readonly value: string }): void {
    within(argument.namespaceFd, () => writeFileSync(sysctlPath(argument.name), argument.value));
  },

  stop(): void {
    libc().close(homeFd);
  },
};

/** The table's type, for the requests' side. */
export type NamespaceSteps = typeof steps;

serveSteps(steps);

function within<T>(namespaceFd: number, action: () => T): T {
  libc().setns(namespaceFd, CLONE_NEWNET);
  try {
    return action();
  } finally {
    goHome();
  }
}

function goHome(): void {
  libc().setns(homeFd, CLONE_NEWNET);
}

/** /proc/sys/net shows the namespace of the thread that opens a file, not of the process. */
function openOwnNamespace(): number {
  return libc().open('/proc/thread-self/ns/net', O_RDONLY | O_CLOEXEC);
}

/** `net.ipv4.ip_forward`, or with slashes where a link's name has a dot: `net/ipv4/conf/eth0.1/forwarding`. */
function sysctlPath(name: string): string {
  const path = name.includes('/') ? name : name.replaceAll('.', '/');
  if (!path.startsWith('net/') || path.split('/').includes('..')) throw new Error(`not a network setting: ${name}`);
  return `/proc/sys/${path}`;
}
