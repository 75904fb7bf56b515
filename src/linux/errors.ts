/** Errors of system calls and of netlink requests. */
import { constants } from 'node:os';
import { CodedError, hasCode } from '../observe/index.ts';

/** A failed system call. `code` is the errno's name (`EPERM`). */
export interface LinuxFacts {
  readonly code: string;
  readonly errno: number;
  readonly call: string;
}

/** A system call that failed. */
export class LinuxError extends CodedError<LinuxFacts> {}

/** A request that the kernel refused, as its extended acknowledgement tells it. */
export interface NetlinkFacts {
  /** The errno's name: `ENOENT`, `EEXIST`, `EBUSY`, `EMSGSIZE` (split the batch), … */
  readonly code: string;
  readonly errno: number;
  /** The message that failed: `NFT_MSG_NEWRULE`, `RTM_NEWROUTE`, … */
  readonly operation: string;
  /** The kernel's own words, if it had any. */
  readonly reason?: string;
  /** Path of the attribute that the kernel points at: `elements[3].key`. Names where known, numbers elsewhere. */
  readonly attribute?: string;
  /** What the message was about: table, chain, set, link, … */
  readonly subject?: string;
  /** Which message of a batch failed, from 0. */
  readonly index?: number;
}

/** A netlink request that the kernel refused. */
export class NetlinkError extends CodedError<NetlinkFacts> {}

/** Whether the thing asked for does not exist (ENOENT, ENODEV, ESRCH). */
export function isNoSuchThing(error: unknown): boolean {
  return hasCode(error, 'ENOENT', 'ENODEV', 'ESRCH', 'ENXIO');
}

/** Whether the thing to be made exists already. */
export function isAlreadyThere(error: unknown): boolean {
  return hasCode(error, 'EEXIST');
}

/** Whether the message is larger than the socket's send buffer allows: split it. */
export function isTooLarge(error: unknown): boolean {
  return hasCode(error, 'EMSGSIZE');
}

/** Whether a dump or a monitor lost messages (receive buffer overrun): start over. */
export function isOverrun(error: unknown): boolean {
  return hasCode(error, 'ENOBUFS');
}

/** The name of an errno: 2 -> `ENOENT`; `E524` for those without one in Node's table. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `E${errno}`;
}

/** EWOULDBLOCK and EOPNOTSUPP share their numbers with better known names, which are set last. */
const names = new Map<number, string>(Object.entries(constants.errno).map(([name, value]) => [value, name]));
names.set(11, 'EAGAIN');
names.set(95, 'EOPNOTSUPP');
names.set(85, 'ERESTART');
names.set(524, 'ENOTSUPP');
