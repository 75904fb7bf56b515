/**
 * What rules of the agent's chains are made of: loads of the header fields that keys consist of, and the scratch register. Registers are
 * 32 bits wide and numbered from 8; they do not survive from one rule to the next.
 */
import type { NftExpression } from '../../linux/index.ts';
import { nft } from '../../linux/index.ts';
import type { IpFamily } from '../../net/index.ts';

/** Expressions, evaluated in order until one does not match. */
export type Rule = readonly NftExpression[];

/** The first register: every key begins there. */
export const first = 8;

/** Empties the scratch register, skb priority. */
export function clearPriority(): Rule {
  return [nft.immediate(first, number(0)), nft.setMeta('priority', first)];
}

/** The loads of one family. */
export type FamilyExpressions = ReturnType<typeof expressionsOf>;

/** Loads of the header fields that keys are made of. `width`: registers that an address takes. */
export function expressionsOf(family: IpFamily) {
  const isV4 = family === 'IPv4';
  const length = isV4 ? 4 : 16;
  const width = length / 4;
  const source = (register: number): Rule => [nft.payload('network', isV4 ? 12 : 8, length, register)];
  const destination = (register: number): Rule => [nft.payload('network', isV4 ? 16 : 24, length, register)];
  const portKey = (register: number): Rule => [nft.meta('l4proto', register), nft.payload('transport', 2, 2, register + 1)];
  /** Address, protocol and port that the client asked for; with `anyAddress` the address is masked to zero. */
  const frontend = (register: number, anyAddress = false): Rule => [
    ...destination(register),
    ...(anyAddress ? [nft.bitwise(register, register, new Uint8Array(length))] : []),
    ...portKey(register + width),
  ];
  return {
    nftFamily: isV4 ? ('ip' as const) : ('ip6' as const),
    width,
    source,
    destination,
    portKey,
    frontend,
    clientAndFrontend: (register: number, anyAddress = false): Rule => [
      ...source(register),
      ...frontend(register + width, anyAddress),
    ],
    originalDestination: (register: number): NftExpression => nft.ct(isV4 ? 'dstIp' : 'dstIp6', register, 'original'),
  };
}

/** 32 bits in host order. */
export function number(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
