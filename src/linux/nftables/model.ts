/**
 * The nouns of nftables as plain data: what the batch writes and what the dumps give back. Source: linux/netfilter/nf_tables.h.
 * Keys and data are raw bytes: every field of a concatenation padded to 4 bytes, addresses and ports in network order, marks and
 * indexes in host order (little-endian; see `concatenate`).
 */

export type NftFamily = 'ip' | 'ip6' | 'inet';

/** A table: everything else is named inside one. */
export interface NftTable {
  readonly family: NftFamily;
  readonly name: string;
}

export type NftHook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';

/** What makes a chain a base chain: the kernel calls it for every packet (type nat: every first packet) at this hook. */
export interface NftBase {
  readonly type: 'nat' | 'filter' | 'route';
  readonly hook: NftHook;
  /** Lower runs first; dstnat is -100, filter 0, srcnat 100. */
  readonly priority: number;
  /** What happens to packets that fall out of the chain. Default accept. */
  readonly policy?: 'accept' | 'drop';
}

export interface NftChain {
  readonly name: string;
  readonly base?: NftBase;
}

export interface DumpedChain extends NftChain {
  readonly table: NftTable;
  readonly handle: bigint;
  /** How many jumps, gotos and rules refer to it. */
  readonly uses: number;
}

/** One expression of a rule: its kernel name and the encoded attributes of NFTA_EXPR_DATA. Made by the functions in expressions.ts. */
export interface NftExpression {
  readonly name: string;
  readonly data: Uint8Array;
}

export interface DumpedRule {
  readonly table: NftTable;
  readonly chain: string;
  readonly handle: bigint;
  readonly expressions: readonly NftExpression[];
  readonly userdata?: Uint8Array;
}

/** Where a packet goes next. `return` leaves the chain; `continue` goes on with the next rule. */
export type NftVerdict =
  | { readonly kind: 'accept' | 'drop' | 'return' | 'continue' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string };

/** The field types that keys and data are made of; `verdict` for data only. Widths in `nftTypes`. */
export type NftFieldType = 'ipv4_addr' | 'ipv6_addr' | 'inet_proto' | 'inet_service' | 'mark' | 'classid' | 'ifname';

/** A set, or a map when `data` is given. */
export interface NftSet {
  readonly name: string;
  /** Field types of the key, concatenated in this order. */
  readonly key: readonly NftFieldType[];
  /** Field types of the data, or 'verdict'. Absent: a plain set. */
  readonly data?: readonly NftFieldType[] | 'verdict';
  /** Ranges: rbtree for one field, pipapo for a concatenation. */
  readonly interval?: boolean;
  /** Elements may have timeouts. */
  readonly timeout?: boolean;
  /** Rules may write to it (dynset). */
  readonly dynamic?: boolean;
  /** Every element gets its own packet and byte counter. */
  readonly counter?: boolean;
  /** Upper bound of elements; without timeout or dynamic it also makes the kernel choose the fixed hash. ENFILE beyond. */
  readonly size?: number;
  /** Timeout of elements that do not bring their own, in milliseconds. */
  readonly defaultTimeoutMs?: number;
  /** NFTA_SET_USERDATA, only of interest to nft's printing (see `hostOrderUserdata`). */
  readonly userdata?: Uint8Array;
}

/** The set as the kernel reports it; type numbers raw because other programs' sets may have types we have no name for. */
export interface DumpedSet {
  readonly table: NftTable;
  readonly name: string;
  readonly handle: bigint;
  /** NFT_SET_* bits. */
  readonly flags: number;
  readonly keyType: number;
  readonly keyLength: number;
  readonly dataType?: number;
  readonly dataLength?: number;
  readonly size?: number;
  /** Elements that it has; absent before Linux 6.17. */
  readonly elementCount?: number;
  readonly defaultTimeoutMs?: number;
  readonly fieldLengths: readonly number[];
  readonly hasCounter: boolean;
  readonly userdata?: Uint8Array;
}

export interface NftCounter {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** An element of a set or map, to be written or as dumped. */
export interface NftElement {
  readonly key: Uint8Array;
  /** Inclusive end of the range: pipapo sets (interval and concatenated) only. */
  readonly keyEnd?: Uint8Array;
  /** Data of a map element, unpadded as the kernel has it. */
  readonly data?: Uint8Array;
  /** Data of a verdict map's element. */
  readonly verdict?: NftVerdict;
  /** The exclusive end mark of a range in an rbtree set (single field, interval). */
  readonly isIntervalEnd?: boolean;
  readonly timeoutMs?: number;
  /** Time left; on dump always when the element has a timeout, on add to restore an entry. */
  readonly expirationMs?: number;
  /** On dump: the element's counter. On add: the value to start from (else zero). */
  readonly counter?: NftCounter;
}

/** A named counter object. */
export interface DumpedCounter extends NftCounter {
  readonly table: NftTable;
  readonly name: string;
  readonly handle: bigint;
}

/**
 * The number of a ruleset and who made it. Every commit of anybody in the network namespace makes a new one. The process id is
 * the kernel's own, outside of pid namespaces: compare it with `Nftables.ownProcessId`, not with `process.pid`.
 */
export interface NftGeneration {
  readonly id: number;
  readonly processId?: number;
  readonly processName?: string;
}

/** One notification of netlink group 7. A commit gives any number of changes, then one `generation`. */
export type NftEvent =
  | {
      readonly kind: 'change';
      readonly action: 'new' | 'delete';
      readonly object: 'table' | 'chain' | 'rule' | 'set' | 'elements' | 'object' | 'other';
      readonly table: NftTable;
      /** Name of the chain (also for a rule), set or object; the table's own for a table. */
      readonly name: string;
    }
  | { readonly kind: 'generation'; readonly generation: NftGeneration }
  /** The receive buffer overran: events are lost, compare everything. */
  | { readonly kind: 'overrun' };
