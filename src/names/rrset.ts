/** Resource record sets with their data already in wire form, ready to be copied into a packet. */
import { formatIp } from '../net/index.ts';
import { formatName } from './wire-name.ts';

/** Record types that the index gives, with their numbers (IANA DNS parameters). */
export const rrTypes = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33 } as const;

/**
 * All records of one type at one owner. Immutable once made.
 *
 * `A` and `AAAA` have records of one size: they stand in `data` one after the other and `items` is empty. All others have one
 * string per record in `items`. A record may hold a name of our own zone: it then ends in a *relative* name that starts at
 * byte `nameAt`, and whoever writes it appends the zone (as a compression pointer into the question where the type allows
 * it, which also gives the zone the letter case of the query).
 */
export interface RRset {
  readonly type: number;
  readonly ttlSeconds: number;
  readonly count: number;
  /** 4 or 16 for address records; 0 where records differ in size. */
  readonly itemBytes: number;
  readonly data: string;
  readonly items: readonly string[];
  /** Where in each item the in-zone relative name starts; -1 when the item is complete as it is. */
  readonly nameAt: number;
}

/** An A or AAAA RRset of distinct addresses (`addressToWire` form, all of one family). Undefined when there are none. */
export function addressRRset(addresses: readonly string[], ttlSeconds: number): RRset | undefined {
  const itemBytes = addresses[0]?.length ?? 0;
  if (itemBytes === 0) return undefined;
  const type = itemBytes === 4 ? rrTypes.A : rrTypes.AAAA;
  return { type, ttlSeconds, count: addresses.length, itemBytes, data: addresses.join(''), items: noItems, nameAt: -1 };
}

/** An RRset whose records end in a name of our zone, relative to it: PTR, NS, SRV, in-zone CNAME. */
export function nameRRset(type: number, items: readonly string[], nameAt: number, ttlSeconds: number): RRset | undefined {
  return items.length === 0 ? undefined : { type, ttlSeconds, count: items.length, itemBytes: 0, data: '', items, nameAt };
}

/** An RRset whose records are complete: TXT, CNAME to a name outside. */
export function rawRRset(type: number, items: readonly string[], ttlSeconds: number): RRset {
  return { type, ttlSeconds, count: items.length, itemBytes: 0, data: '', items, nameAt: -1 };
}

/** The rdata of one SRV record but for the zone at its end: priority 0, weight, port, relative target (RFC 2782). */
export function srvItem(weight: number, port: number, target: string): string {
  return ['\x00\x00', uint16(weight), uint16(port), target].join('');
}

/** Bytes before the target of an SRV record: priority, weight, port. */
export const srvNameAt = 6;

/** Whether two lists of RRsets are the same for a client. */
export function sameRRsets(a: readonly RRset[], b: readonly RRset[]): boolean {
  return a.length === b.length && a.every((rrset, index) => sameRRset(rrset, b[index]));
}

/** The data of every record as text, as dig prints it; names get `zone` (dotted, no final dot) and a final dot. */
export function recordTexts(rrset: RRset, zone: string): string[] {
  if (rrset.itemBytes > 0) {
    return Array.from({ length: rrset.count }, (_, index) =>
      formatAddress(rrset.data.slice(index * rrset.itemBytes, (index + 1) * rrset.itemBytes)),
    );
  }
  return rrset.items.map((item) => {
    if (rrset.type === rrTypes.TXT) return `"${item.slice(1)}"`;
    if (rrset.nameAt < 0) return `${formatName(item)}.`;
    const name = `${formatName(item.slice(rrset.nameAt))}.${zone}.`;
    if (rrset.type !== rrTypes.SRV) return name;
    return `${readUint16(item, 0)} ${readUint16(item, 2)} ${readUint16(item, 4)} ${name}`;
  });
}

/** The text of an address in wire form. */
export function formatAddress(wire: string): string {
  const bytes = Uint8Array.from(wire, (character) => character.charCodeAt(0));
  return formatIp({ family: bytes.length === 4 ? 'IPv4' : 'IPv6', bytes });
}

const noItems: readonly string[] = [];

function sameRRset(a: RRset, b: RRset | undefined): boolean {
  return (
    b !== undefined &&
    a.type === b.type &&
    a.ttlSeconds === b.ttlSeconds &&
    a.count === b.count &&
    a.nameAt === b.nameAt &&
    a.data === b.data &&
    a.items.every((item, index) => item === b.items[index])
  );
}

function uint16(value: number): string {
  return String.fromCharCode((value >> 8) & 0xff, value & 0xff);
}

function readUint16(text: string, at: number): number {
  return (text.charCodeAt(at) << 8) | text.charCodeAt(at + 1);
}
