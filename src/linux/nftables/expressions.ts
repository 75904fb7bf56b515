/**
 * The expressions that rules are made of, each encoded as the kernel's attributes. Pure. Source: linux/netfilter/nf_tables.h.
 *
 * Registers are numbered 8 to 23, the 32-bit ones (NFT_REG32_00 onward); a value of n bytes takes ceil(n / 4) of them. They do
 * not survive from one rule to the next, and the kernel answers ENODATA to a load of one that was not written.
 */
import { MessageWriter } from '../netlink/message-writer.ts';
import { NFTA_DATA, NFTA_EXPR, NFTA_LIST_ELEM } from './messages.ts';
import type { NftExpression, NftVerdict } from './model.ts';
import { writeVerdict } from './verdict.ts';

/** The verdict register, for `immediate` and look-ups in verdict maps. */
const VERDICT_REGISTER = 0;

const metaKeys = { protocol: 1, priority: 2, mark: 3, iif: 4, oif: 5, iifname: 6, oifname: 7, nfproto: 15, l4proto: 16 } as const;
const ctKeys = {
  state: 0,
  direction: 1,
  status: 2,
  mark: 3,
  protocol: 10,
  protoSrc: 11,
  protoDst: 12,
  srcIp: 19,
  dstIp: 20,
  srcIp6: 21,
  dstIp6: 22,
} as const;
const comparisons = { '==': 0, '!=': 1, '<': 2, '<=': 3, '>': 4, '>=': 5 } as const;
const dynsetOperations = { add: 0, update: 1, delete: 2 } as const;

const NFT_CT_DIRECTION_ORIGINAL = 0;
const NFT_CT_DIRECTION_REPLY = 1;
const NFT_LOOKUP_F_INV = 1;
const NF_NAT_RANGE_PROTO_RANDOM_FULLY = 16;
const NFT_REJECT_ICMP_UNREACH = 0;
const NFT_REJECT_TCP_RST = 1;
const ICMP_PORT_UNREACHABLE = 3;
const ICMPV6_PORT_UNREACHABLE = 4;
const NFT_FIB_RESULT_ADDRTYPE = 3;
const NFTA_FIB_F_SADDR = 1;
const NFTA_FIB_F_DADDR = 2;
const NFT_OBJECT_COUNTER = 1;

export type MetaKey = keyof typeof metaKeys;
export type CtKey = keyof typeof ctKeys;
export type Comparison = keyof typeof comparisons;

/** Makers of expressions. Attribute order is the kernel's own in dumps. */
export const nft = {
  /** Loads bytes of a header. */
  payload(base: 'network' | 'transport', offset: number, length: number, register: number): NftExpression {
    return expression('payload', (w) => {
      w.attributeBe32(1, register)
        .attributeBe32(2, base === 'network' ? 1 : 2)
        .attributeBe32(3, offset)
        .attributeBe32(4, length);
    });
  },

  /** Loads a property of the packet: `l4proto` and `nfproto` one byte, names 16, the rest 4 in host order. */
  meta(key: MetaKey, register: number): NftExpression {
    return expression('meta', (w) => w.attributeBe32(2, metaKeys[key]).attributeBe32(1, register));
  },

  /** Writes a property of the packet. */
  setMeta(key: 'priority' | 'mark', register: number): NftExpression {
    return expression('meta', (w) => w.attributeBe32(2, metaKeys[key]).attributeBe32(3, register));
  },

  /** Loads a property of the connection; tuple keys need a direction. */
  ct(key: CtKey, register: number, direction?: 'original' | 'reply'): NftExpression {
    return expression('ct', (w) => {
      w.attributeBe32(1, register).attributeBe32(2, ctKeys[key]);
      if (direction === undefined) return;
      w.attributeU8(3, direction === 'original' ? NFT_CT_DIRECTION_ORIGINAL : NFT_CT_DIRECTION_REPLY);
    });
  },

  /** Goes on with the rule if the register compares so (bytewise, as one big-endian number). */
  cmp(operator: Comparison, register: number, value: Uint8Array): NftExpression {
    return expression('cmp', (w) => {
      w.attributeBe32(1, register).attributeBe32(2, comparisons[operator]);
      writeData(w, 3, value);
    });
  },

  /** Goes on if the register is within (or outside of) the range, both ends inclusive. */
  range(operator: '==' | '!=', register: number, from: Uint8Array, to: Uint8Array): NftExpression {
    return expression('range', (w) => {
      w.attributeBe32(1, register).attributeBe32(2, operator === '==' ? 0 : 1);
      writeData(w, 3, from);
      writeData(w, 4, to);
    });
  },

  /** `to = (from & mask) ^ xor`; xor is zero by default. */
  bitwise(from: number, to: number, mask: Uint8Array, xor: Uint8Array = new Uint8Array(mask.length)): NftExpression {
    return expression('bitwise', (w) => {
      w.attributeBe32(1, from).attributeBe32(2, to).attributeBe32(3, mask.length).attributeBe32(6, 0);
      writeData(w, 4, mask);
      writeData(w, 5, xor);
    });
  },

  /** Puts a constant into a register. */
  immediate(register: number, value: Uint8Array): NftExpression {
    return expression('immediate', (w) => {
      w.attributeBe32(1, register);
      writeData(w, 2, value);
    });
  },

  /** Ends the rule with a verdict. */
  verdict(verdict: NftVerdict): NftExpression {
    return expression('immediate', (w) => {
      w.attributeBe32(1, VERDICT_REGISTER);
      const data = w.beginNest(2);
      writeVerdict(w, verdict);
      w.endNest(data);
    });
  },

  /**
   * Goes on if the set holds the key at `register` (or does not: `isInverted`). With `to`, also loads the map's data
   * there: that may feed only `dnat`, `setMeta` or a verdict, or nft aborts when it lists the rule (ruleset.md section 1).
   */
  lookup(set: string, register: number, options: { readonly to?: number; readonly isInverted?: boolean } = {}): NftExpression {
    return expression('lookup', (w) => {
      w.attributeString(1, set).attributeBe32(2, register);
      if (options.to !== undefined) w.attributeBe32(3, options.to);
      w.attributeBe32(5, options.isInverted === true ? NFT_LOOKUP_F_INV : 0);
    });
  },

  /** Goes where the verdict map says for the key at `register`; on with the next rule if it has no such key. */
  vmap(map: string, register: number): NftExpression {
    return nft.lookup(map, register, { to: VERDICT_REGISTER });
  },

  /** A number from `offset` to `offset + modulus - 1`, in host order. */
  numgen(type: 'random' | 'incremental', modulus: number, register: number, offset = 0): NftExpression {
    return expression('numgen', (w) => {
      w.attributeBe32(1, register)
        .attributeBe32(2, modulus)
        .attributeBe32(3, type === 'random' ? 1 : 0)
        .attributeBe32(4, offset);
    });
  },

  /** Translates the destination to the address (and port, network order) in registers. */
  dnat(family: 'ip' | 'ip6', addressRegister: number, portRegister?: number): NftExpression {
    return nat(1, family, addressRegister, portRegister);
  },

  /** Translates the source. */
  snat(family: 'ip' | 'ip6', addressRegister: number, portRegister?: number): NftExpression {
    return nat(0, family, addressRegister, portRegister);
  },

  /** Translates the source to the outgoing interface's address. */
  masquerade(options: { readonly fullyRandom?: boolean } = {}): NftExpression {
    return expression('masq', (w) => {
      if (options.fullyRandom === true) w.attributeBe32(1, NF_NAT_RANGE_PROTO_RANDOM_FULLY);
    });
  },

  /** Drops and answers with a TCP reset; the rule must match TCP. */
  rejectTcpReset(): NftExpression {
    return expression('reject', (w) => w.attributeBe32(1, NFT_REJECT_TCP_RST));
  },

  /** Drops and answers with ICMP(v6) port unreachable. */
  rejectPortUnreachable(family: 'ip' | 'ip6'): NftExpression {
    return expression('reject', (w) => {
      w.attributeBe32(1, NFT_REJECT_ICMP_UNREACH);
      w.attributeU8(2, family === 'ip' ? ICMP_PORT_UNREACHABLE : ICMPV6_PORT_UNREACHABLE);
    });
  },

  /**
   * Writes to a set or map. `update` of an existing key renews its timer and does not replace its data. A map needs
   * `dataRegister` even for `delete`.
   */
  dynset(
    operation: keyof typeof dynsetOperations,
    set: string,
    keyRegister: number,
    options: { readonly dataRegister?: number; readonly timeoutMs?: number } = {},
  ): NftExpression {
    return expression('dynset', (w) => {
      w.attributeBe32(4, keyRegister);
      if (options.dataRegister !== undefined) w.attributeBe32(5, options.dataRegister);
      w.attributeBe32(3, dynsetOperations[operation]).attributeString(1, set);
      if (options.timeoutMs !== undefined) w.attributeBe64(6, BigInt(options.timeoutMs));
    });
  },

  /** Counts packets and bytes in place. */
  counter(): NftExpression {
    return expression('counter', (w) => w.attributeBe64(1, 0n).attributeBe64(2, 0n));
  },

  /** Counts in a named counter. */
  countIn(name: string): NftExpression {
    return expression('objref', (w) => w.attributeBe32(1, NFT_OBJECT_COUNTER).attributeString(2, name));
  },

  /** Loads the type of an address (RTN_*, host order): 2 = an address of this machine. */
  fibAddressType(of: 'saddr' | 'daddr', register: number): NftExpression {
    return expression('fib', (w) => {
      w.attributeBe32(1, register)
        .attributeBe32(2, NFT_FIB_RESULT_ADDRTYPE)
        .attributeBe32(3, of === 'saddr' ? NFTA_FIB_F_SADDR : NFTA_FIB_F_DADDR);
    });
  },
} as const;

/** Writes a list of expressions into the current attribute level: NFTA_RULE_EXPRESSIONS or NFTA_SET_EXPRESSIONS. */
export function writeExpressions(writer: MessageWriter, type: number, expressions: readonly NftExpression[]): void {
  const list = writer.beginNest(type);
  for (const item of expressions) writeExpression(writer, NFTA_LIST_ELEM, item);
  writer.endNest(list);
}

/** Writes one expression as an attribute of this type. */
export function writeExpression(writer: MessageWriter, type: number, item: NftExpression): void {
  const nest = writer.beginNest(type);
  writer.attributeString(NFTA_EXPR.NAME, item.name);
  const data = writer.beginNest(NFTA_EXPR.DATA);
  writer.raw(item.data);
  writer.endNest(data);
  writer.endNest(nest);
}

function nat(type: 0 | 1, family: 'ip' | 'ip6', addressRegister: number, portRegister: number | undefined): NftExpression {
  return expression('nat', (w) => {
    w.attributeBe32(1, type)
      .attributeBe32(2, family === 'ip' ? 2 : 10)
      .attributeBe32(3, addressRegister);
    if (portRegister !== undefined) w.attributeBe32(5, portRegister);
  });
}

function writeData(writer: MessageWriter, type: number, value: Uint8Array): void {
  const nest = writer.beginNest(type);
  writer.attribute(NFTA_DATA.VALUE, value);
  writer.endNest(nest);
}

function expression(name: string, write: (writer: MessageWriter) => unknown): NftExpression {
  const writer = new MessageWriter(128);
  write(writer);
  return { name, data: writer.bytes.slice() };
}
