/** Types of keys and data: their kernel-opaque numbers (nft's own numbering, so that it prints them) and widths. Pure. */
import type { NftFieldType, NftSet } from './model.ts';
import { NFT_DATA_VERDICT, NFT_SET_FLAG } from './messages.ts';

/** Number (nft's `enum datatypes`) and width in bytes of each field type. */
export const nftTypes: Readonly<Record<NftFieldType, { readonly number: number; readonly length: number }>> = {
  ipv4_addr: { number: 7, length: 4 },
  ipv6_addr: { number: 8, length: 16 },
  inet_proto: { number: 12, length: 1 },
  inet_service: { number: 13, length: 2 },
  mark: { number: 19, length: 4 },
  classid: { number: 23, length: 4 },
  ifname: { number: 41, length: 16 },
};

/** Type number and width of a concatenation: 6 bits a field, each field padded to 4 bytes. A single field is not padded. */
export function nftTypeOf(fields: readonly NftFieldType[]): {
  readonly type: number;
  readonly length: number;
  readonly fieldLengths: readonly number[];
} {
  const [only] = fields;
  if (fields.length === 1 && only !== undefined) {
    return { type: nftTypes[only].number, length: nftTypes[only].length, fieldLengths: [nftTypes[only].length] };
  }
  let type = 0;
  const fieldLengths = fields.map((field) => {
    type = ((type << 6) | nftTypes[field].number) >>> 0;
    return (nftTypes[field].length + 3) & ~3;
  });
  return { type, length: fieldLengths.reduce((sum, length) => sum + length, 0), fieldLengths };
}

/** Bytes of a concatenation: each field padded with zeros to 4 bytes. */
export function concatenate(...fields: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const field of fields) length += (field.length + 3) & ~3;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const field of fields) {
    bytes.set(field, at);
    at += (field.length + 3) & ~3;
  }
  return bytes;
}

/** 16 bits in network order: a port. */
export function be16Bytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

/** 32 bits in host order: a mark, an index, a classid. */
export function hostU32Bytes(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}

/**
 * Set userdata that says: key and data in host byte order. Without it nft prints the classid data of a map swapped
 * (`200:0` for 2). TLVs: key byte order (type 0) = 1, data byte order (type 1) = 1, each 4 bytes in host order.
 */
export const hostOrderUserdata: Uint8Array = Uint8Array.of(0, 4, 1, 0, 0, 0, 1, 4, 1, 0, 0, 0);

/** The same of the key alone: nft 1.0.6 aborts on verdicts that are said to have a byte order. */
export const hostOrderKeyUserdata: Uint8Array = hostOrderUserdata.slice(0, 6);

/** What the kernel stores of a set definition; the same numbers come back in a dump. */
export interface SetNumbers {
  readonly flags: number;
  readonly keyType: number;
  readonly keyLength: number;
  readonly dataType: number | undefined;
  readonly dataLength: number | undefined;
  /** Only told to the kernel for interval sets of several fields. */
  readonly fieldLengths: readonly number[];
}

/** The numbers for a definition. */
export function setNumbers(set: NftSet): SetNumbers {
  const key = nftTypeOf(set.key);
  const isPipapo = set.interval === true && set.key.length > 1;
  const flags =
    (set.interval === true ? NFT_SET_FLAG.INTERVAL : 0) |
    (set.data === undefined ? 0 : NFT_SET_FLAG.MAP) |
    (set.timeout === true ? NFT_SET_FLAG.TIMEOUT : 0) |
    (set.dynamic === true ? NFT_SET_FLAG.EVAL : 0) |
    (isPipapo ? NFT_SET_FLAG.CONCAT : 0);
  const data = set.data === undefined || set.data === 'verdict' ? undefined : nftTypeOf(set.data);
  return {
    flags,
    keyType: key.type,
    keyLength: key.length,
    dataType: set.data === 'verdict' ? NFT_DATA_VERDICT : data?.type,
    dataLength: data?.length,
    fieldLengths: isPipapo ? key.fieldLengths : [],
  };
}
