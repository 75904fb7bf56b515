/** A file of fixed names that is read again when it changes. */
import { readFileSync, statSync } from 'node:fs';
import type { Logger } from '../../observe/index.ts';
import { messageOf } from '../../observe/index.ts';
import type { HostsEntry } from './hosts.ts';
import { parseHostsText } from './hosts.ts';

export interface HostsFile {
  /** What it holds now. */
  readonly entries: readonly HostsEntry[];
  /** Looks at it every so often from now on, and tells what it holds when that may have changed. Returns a function that stops it. 0: does nothing. */
  follow(everyMs: number, tell: (entries: readonly HostsEntry[]) => void): () => void;
}

/** Reads it. A file that is not there holds nothing until it is; other errors of the system are thrown. */
export function openHostsFile(path: string, { logger }: { readonly logger: Logger }): HostsFile {
  // change of time or size, as CoreDNS tells it
  const stampOf = (): string => {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat === undefined ? '' : `${stat.mtimeMs} ${stat.size}`;
  };
  const read = (): readonly HostsEntry[] => (stamp === '' ? [] : parseHostsText(readFileSync(path, 'utf8')));
  let stamp = stampOf();
  if (stamp === '') logger.warn({ file: path }, 'file of hosts is not there');
  return {
    entries: read(),
    follow(everyMs, tell) {
      if (everyMs === 0) return () => undefined;
      const timer = setInterval(() => {
        try {
          const now = stampOf();
          if (now === stamp) return;
          stamp = now;
          tell(read());
        } catch (error) {
          logger.warn({ file: path, problem: messageOf(error) }, 'file of hosts cannot be read: the names before stay');
        }
      }, everyMs);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}
