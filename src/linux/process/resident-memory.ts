/** Memory that a process no longer needs, back to the kernel. */
import { readFileSync } from 'node:fs';
import { libc } from '../libc.ts';

/**
 * Frees what malloc keeps for later, and lets go of the pages of the program file that have been read so far: starting reads
 * most of them once, running a tenth. They come back from the page cache one by one as they are used. Returns how many bytes of
 * the file were let go. Throws `LinuxError`; a plain `Error` where this is not Linux.
 */
export function giveBackMemory(): number {
  libc().trimHeap();
  let bytes = 0;
  for (const { start, length, resident } of untouchedMappings(readFileSync('/proc/self/smaps', 'utf8'), process.execPath)) {
    libc().dropPages(start, length);
    bytes += resident;
  }
  return bytes;
}

/** A part of a file in memory, addresses and lengths in bytes. */
export interface FileMapping {
  readonly start: number;
  readonly length: number;
  readonly resident: number;
}

/**
 * The mappings of a file in the text of /proc/PID/smaps that are as the file is, and can be read from it again: not writable, and no
 * page of them was ever written (the loader writes into read-only data where it relocates: those pages are nowhere else).
 */
export function untouchedMappings(smaps: string, path: string): FileMapping[] {
  const found: FileMapping[] = [];
  for (const block of smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const [, from = '', to = '', file] = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p \S+ \S+ \S+ +(.*)$/m.exec(block) ?? [];
    const kilobytes = (field: string): number =>
      Number(new RegExp(`^${field}: +([0-9]+) kB$`, 'm').exec(block)?.[1] ?? Number.NaN);
    if (file !== path || kilobytes('Anonymous') !== 0 || kilobytes('Private_Dirty') !== 0) continue;
    const start = Number.parseInt(from, 16);
    found.push({ start, length: Number.parseInt(to, 16) - start, resident: kilobytes('Rss') * 1024 });
  }
  return found;
}
