/**
 * Unix sockets of the host that a container would reach by their path: a read-only mount does not keep a program from connecting
 * (the kernel asks for write permission on the socket alone, not on the mount), and behind a socket a daemon may do anything.
 */
import { readFileSync } from 'node:fs';

/** Directories of a container that have nothing of the host in them. */
const ownDirectories = ['/tmp', '/run', '/dev', '/proc'];

/** Paths of the sockets that are bound now, without those below `privateDirectories` and what every container has of its own. */
export function listHostSockets(privateDirectories: readonly string[]): string[] {
  return visibleSockets(readFileSync('/proc/net/unix', 'utf8'), privateDirectories);
}

/** The paths in the text of /proc/net/unix (proc(5)) that a container would see. Abstract names belong to a network namespace. */
export function visibleSockets(text: string, privateDirectories: readonly string[]): string[] {
  const hidden = [...ownDirectories, ...privateDirectories];
  const paths = text.split('\n').flatMap((line) => /^\S+: (?:\S+ ){5} *\d+ (\/.*)$/.exec(line)?.[1] ?? []);
  return [...new Set(paths)].filter((path) => !hidden.some((directory) => path.startsWith(`${directory}/`)));
}
