/** Record sets as values -> their cells in the shared memory, and back. The layout stands at the head of `name-reader.ts`. */
import { firstBlock, headerWords } from './name-memory.ts';
import type { NameMemory } from './name-memory.ts';
import { addressBytes, nodeWords, ownTtl, roots, rrsetForms } from './name-reader.ts';
import type { NameReader } from './name-reader.ts';
import type { RRset } from './rrset.ts';
import { addressRRset, nameRRset, rawRRset, rrTypes, srvItem, srvNameAt } from './rrset.ts';

/** A pointer of an address, with a number below 8 that its writer knows the meaning of. */
export interface PointerCell {
  /** Relative wire name, below `forward`. */
  readonly target: string;
  readonly rank: number;
}

/** Where cells are, and who keeps the names that they point to. */
export interface CellOwner {
  readonly memory: NameMemory;
  readonly reader: NameReader;
  ensure(root: number, key: string): number;
  hold(node: number): void;
}

/** Writes a block with these sets and holds the names in them. Returns where it is; 0 for none. Within a change only. */
export function writeRRsets(owner: CellOwner, rrsets: readonly RRset[]): number {
  if (rrsets.length === 0) return 0;
  const ttlSeconds = owner.memory.words[headerWords.ttlSeconds] as number;
  const bytes = rrsets.reduce((sum, rrset) => sum + cellBytes(rrset, ttlSeconds), 4);
  const targets = rrsets.map((rrset) => (rrset.nameAt < 0 ? [] : holdAll(owner, rrset.items, rrset.nameAt)));
  const block = owner.memory.allocate(bytes);
  const { words } = owner.memory;
  words[block >> 2] = (bytes << 8) | rrsets.length;
  let at = block + 4;
  for (const [index, rrset] of rrsets.entries()) {
    const hasTtl = rrset.ttlSeconds !== ttlSeconds;
    words[at >> 2] = rrset.type | ((formOf(rrset) | (hasTtl ? ownTtl : 0)) << 16);
    words[(at >> 2) + 1] = rrset.count;
    if (hasTtl) words[(at >> 2) + 2] = rrset.ttlSeconds;
    writeData(owner.memory, at + (hasTtl ? 12 : 8), rrset, targets[index] ?? []);
    at += cellBytes(rrset, ttlSeconds);
  }
  return block;
}

/** Writes a block with one PTR set of all these pointers, the first `visible` of which are its records. */
export function writePointers(owner: CellOwner, pointers: readonly PointerCell[], visible: number): number {
  const targets = holdAll(
    owner,
    pointers.map(({ target }) => target),
    0,
  );
  const bytes = 12 + 4 * pointers.length;
  const block = owner.memory.allocate(bytes);
  const { words } = owner.memory;
  words[block >> 2] = (bytes << 8) | 1;
  words[(block >> 2) + 1] = rrTypes.PTR | (rrsetForms.names << 16);
  words[(block >> 2) + 2] = visible;
  for (const [index, target] of targets.entries()) words[(block >> 2) + 3 + index] = target | (pointers[index]?.rank ?? 0);
  return block;
}

/** All pointers of a name, those that are no records too. */
export function readPointers({ memory, reader }: CellOwner, node: number): PointerCell[] {
  const block = memory.words[(node >> 2) + nodeWords.rrsets] as number;
  if (block === 0) return [];
  return cellsOf(memory, block).map((cell) => ({ target: reader.nameOf(cell & ~7), rank: cell & 7 }));
}

/** The record sets of a name. */
export function readRRsets({ memory, reader }: CellOwner, node: number): RRset[] {
  const rrsets: RRset[] = [];
  let rrset = reader.firstRRset(node);
  for (let left = reader.rrsetCount(node); left > 0; left--) {
    const read = readRRset(memory, reader, rrset);
    if (read !== undefined) rrsets.push(read);
    rrset = reader.nextRRset(rrset);
  }
  return rrsets;
}

/** The nodes that a block's records point to, each as often as it does. */
export function targetsIn(memory: NameMemory, block: number): number[] {
  const { words } = memory;
  const targets: number[] = [];
  const count = (words[block >> 2] as number) & 0xff;
  if (count === 1 && formAt(memory, block + 4) === rrsetForms.names) {
    return cellsOf(memory, block)
      .map((cell) => cell & ~7)
      .filter((node) => node >= firstBlock);
  }
  let at = block + 4;
  for (let left = count; left > 0; left--) {
    const form = formAt(memory, at);
    const hasTtl = ((words[at >> 2] as number) & (ownTtl << 16)) !== 0;
    const records = words[(at >> 2) + 1] as number;
    let data = at + (hasTtl ? 12 : 8);
    if (form === rrsetForms.addresses) data += records * addressBytes((words[at >> 2] as number) & 0xffff);
    else if (form === rrsetForms.raw) {
      for (let record = 0; record < records; record++)
        data += 2 + ((memory.bytes[data] as number) | ((memory.bytes[data + 1] as number) << 8));
      data = (data + 3) & ~3;
    } else {
      const step = form === rrsetForms.services ? 8 : 4;
      for (let record = 0; record < records; record++, data += step) targets.push((words[(data + step - 4) >> 2] as number) & ~7);
    }
    at = data;
  }
  return targets.filter((node) => node >= firstBlock);
}

function formAt(memory: NameMemory, rrset: number): number {
  return ((memory.words[rrset >> 2] as number) >>> 16) & 0x7f;
}

/** The words of a block that holds one set of names. */
function cellsOf({ words }: NameMemory, block: number): number[] {
  const hasTtl = ((words[(block >> 2) + 1] as number) & (ownTtl << 16)) !== 0;
  const end = (block + ((words[block >> 2] as number) >>> 8)) >> 2;
  return [...words.subarray((block >> 2) + (hasTtl ? 4 : 3), end)];
}

function holdAll(owner: CellOwner, items: readonly string[], nameAt: number): number[] {
  return items.map((item) => {
    const node = owner.ensure(roots.forward, item.slice(nameAt));
    owner.hold(node);
    return node;
  });
}

function formOf(rrset: RRset): number {
  if (rrset.itemBytes > 0) return rrsetForms.addresses;
  if (rrset.nameAt < 0) return rrsetForms.raw;
  return rrset.type === rrTypes.SRV ? rrsetForms.services : rrsetForms.names;
}

function cellBytes(rrset: RRset, ttlSeconds: number): number {
  const head = rrset.ttlSeconds === ttlSeconds ? 8 : 12;
  switch (formOf(rrset)) {
    case rrsetForms.addresses:
      return head + rrset.data.length;
    case rrsetForms.services:
      return head + 8 * rrset.count;
    case rrsetForms.names:
      return head + 4 * rrset.count;
    default:
      return head + ((rrset.items.reduce((sum, item) => sum + 2 + item.length, 0) + 3) & ~3);
  }
}

function writeData({ words, bytes }: NameMemory, start: number, rrset: RRset, targets: readonly number[]): void {
  let at = start;
  const form = formOf(rrset);
  if (form === rrsetForms.addresses) {
    for (let index = 0; index < rrset.data.length; index++) bytes[at++] = rrset.data.charCodeAt(index);
    return;
  }
  for (const [index, item] of rrset.items.entries()) {
    if (form === rrsetForms.raw) {
      bytes[at++] = item.length & 0xff;
      bytes[at++] = item.length >> 8;
      for (let from = 0; from < item.length; from++) bytes[at++] = item.charCodeAt(from);
      continue;
    }
    // weight and port as they stand on the wire: the priority before them is always 0
    if (form === rrsetForms.services) for (let from = 2; from < srvNameAt; from++) bytes[at++] = item.charCodeAt(from);
    words[at >> 2] = targets[index] as number;
    at += 4;
  }
}

function readRRset(memory: NameMemory, reader: NameReader, rrset: number): RRset | undefined {
  const type = reader.typeOf(rrset);
  const count = reader.countOf(rrset);
  const ttlSeconds = reader.ttlOf(rrset);
  const data = reader.dataOf(rrset);
  const text = (at: number, length: number): string => String.fromCharCode(...memory.bytes.subarray(at, at + length));
  const each = <T>(read: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => read(index));
  switch (reader.formOf(rrset)) {
    case rrsetForms.addresses: {
      const size = addressBytes(type);
      return addressRRset(
        each((index) => text(data + index * size, size)),
        ttlSeconds,
      );
    }
    case rrsetForms.services: {
      const item = (index: number): string => {
        const at = data + 8 * index;
        const uint16 = (from: number): number => ((memory.bytes[from] as number) << 8) | (memory.bytes[from + 1] as number);
        return srvItem(uint16(at), uint16(at + 2), reader.nameOf(reader.targetOf(rrset, index)));
      };
      return nameRRset(type, each(item), srvNameAt, ttlSeconds);
    }
    case rrsetForms.names:
      return nameRRset(
        type,
        each((index) => reader.nameOf(reader.targetOf(rrset, index))),
        0,
        ttlSeconds,
      );
    default:
      return rawRRset(
        type,
        each((index) => text(reader.rawOf(rrset, index), reader.rawLength(reader.rawOf(rrset, index)))),
        ttlSeconds,
      );
  }
}
