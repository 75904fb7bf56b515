/** What answers are made of: the names of a cluster in shared memory, and what must be known beside it. */
import type { PodMode } from './name-index.ts';
import { NameReader } from './name-reader.ts';
import { lowerCaseWire, mustEncodeName } from './wire-name.ts';

/** The names that a server answers with. `NameIndex` is one, in the thread that keeps it. */
export interface ServedNames {
  readonly reader: NameReader;
  /** The cluster domain, dotted and in wire form, lower case. */
  readonly zone: string;
  readonly zoneWire: string;
  readonly podMode: PodMode;
  readonly hasZonalNames: boolean;
}

/** What a thread is given to read names of another one. */
export interface SharedNames {
  readonly memory: SharedArrayBuffer;
  readonly zone: string;
  readonly podMode: PodMode;
  readonly hasZonalNames: boolean;
}

/** The names that are kept in another thread. */
export function openNames({ memory, zone, podMode, hasZonalNames }: SharedNames): ServedNames {
  return { reader: new NameReader(memory), zone, zoneWire: lowerCaseWire(mustEncodeName(zone)), podMode, hasZonalNames };
}
