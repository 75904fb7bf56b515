/**
 * A transaction under construction: nouns and verbs to netlink messages, in the order of the calls. Pure; nothing happens
 * before `Nftables.commit`. The frame (NFNL_MSG_BATCH_BEGIN, …_END) is put around it there, because a batch that is too large
 * for one send becomes several.
 */
import {
  MAX_ATTRIBUTE_BYTES,
  MessageWriter,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
} from '../netlink/message-writer.ts';
import { nft, writeExpression, writeExpressions } from './expressions.ts';
import { setNumbers } from './field-types.ts';
import {
  NFTA_CHAIN,
  NFTA_COUNTER,
  NFTA_DATA,
  NFTA_HOOK,
  NFTA_OBJ,
  NFTA_RULE,
  NFTA_SET,
  NFTA_SET_DESC,
  NFTA_SET_ELEM,
  NFTA_SET_ELEM_LIST,
  NFTA_SET_FIELD_LEN,
  NFTA_LIST_ELEM,
  NFTA_TABLE,
  NFT_MSG,
  NFT_OBJECT_COUNTER,
  NFT_SET_ELEM_INTERVAL_END,
  familyNumbers,
} from './messages.ts';
import type { NftBase, NftChain, NftElement, NftExpression, NftHook, NftSet, NftTable } from './model.ts';
import { writeVerdict } from './verdict.ts';

const hookNumbers: Readonly<Record<NftHook, number>> = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 };
const NF_DROP = 0;
const NF_ACCEPT = 1;
/**
 * Where a list of elements is cut: below the 64 KiB of an attribute with room for one more element of the largest kind
 * (two keys and data of 64 bytes, a verdict with a chain name of 255, a counter).
 */
const LIST_BYTES = MAX_ATTRIBUTE_BYTES - 1024;

/** Appends operations; reusable after `clear()`, with its buffer. */
export class NftBatch {
  readonly #writer: MessageWriter;
  #setId = 0;

  /** `initialBytes`: room to begin with, for batches known to be large. */
  constructor(initialBytes = 16 * 1024) {
    this.#writer = new MessageWriter(initialBytes);
  }

  /** Bytes so far. Compare with `Nftables.maxBatchBytes`. */
  get byteLength(): number {
    return this.#writer.length;
  }

  /** Number of messages so far. */
  get length(): number {
    return this.#writer.count;
  }

  /** The messages, one after the other, as a view that the next call may outdate. */
  get bytes(): Uint8Array {
    return this.#writer.bytes;
  }

  clear(): void {
    this.#writer.clear();
  }

  /** No error when it exists. */
  addTable(table: NftTable): void {
    this.#begin(NFT_MSG.NEWTABLE, NLM_F_CREATE, table)
      .attributeString(NFTA_TABLE.NAME, table.name)
      .attributeBe32(NFTA_TABLE.FLAGS, 0);
    this.#writer.end();
  }

  /** With all that is in it. */
  deleteTable(table: NftTable): void {
    this.#begin(NFT_MSG.DELTABLE, 0, table).attributeString(NFTA_TABLE.NAME, table.name);
    this.#writer.end();
  }

  /** No error when it exists. */
  addChain(table: NftTable, chain: NftChain): void {
    const writer = this.#begin(NFT_MSG.NEWCHAIN, NLM_F_CREATE, table);
    writer.attributeString(NFTA_CHAIN.TABLE, table.name).attributeString(NFTA_CHAIN.NAME, chain.name);
    if (chain.base !== undefined) writeBase(writer, chain.base);
    writer.end();
  }

  /** Removes all its rules. */
  flushChain(table: NftTable, chain: string): void {
    const writer = this.#begin(NFT_MSG.DELRULE, 0, table);
    writer.attributeString(NFTA_RULE.TABLE, table.name).attributeString(NFTA_RULE.CHAIN, chain);
    writer.end();
  }

  /** It must be empty and nothing may refer to it: EBUSY. */
  deleteChain(table: NftTable, chain: string): void {
    const writer = this.#begin(NFT_MSG.DELCHAIN, 0, table);
    writer.attributeString(NFTA_CHAIN.TABLE, table.name).attributeString(NFTA_CHAIN.NAME, chain);
    writer.end();
  }

  /** Appends a rule; with `before`, inserts it ahead of the rule with that handle. */
  addRule(
    table: NftTable,
    chain: string,
    expressions: readonly NftExpression[],
    options: { readonly userdata?: Uint8Array; readonly before?: bigint } = {},
  ): void {
    // Without APPEND a position means "before".
    const writer = this.#begin(NFT_MSG.NEWRULE, NLM_F_CREATE | (options.before === undefined ? NLM_F_APPEND : 0), table);
    writer.attributeString(NFTA_RULE.TABLE, table.name).attributeString(NFTA_RULE.CHAIN, chain);
    if (options.before !== undefined) writer.attributeBe64(NFTA_RULE.POSITION, options.before);
    writeExpressions(writer, NFTA_RULE.EXPRESSIONS, expressions);
    if (options.userdata !== undefined) writer.attribute(NFTA_RULE.USERDATA, options.userdata);
    writer.end();
  }

  /** Puts other expressions into the place of the rule with this handle. */
  replaceRule(table: NftTable, chain: string, handle: bigint, expressions: readonly NftExpression[]): void {
    const writer = this.#begin(NFT_MSG.NEWRULE, NLM_F_REPLACE, table);
    writer
      .attributeString(NFTA_RULE.TABLE, table.name)
      .attributeString(NFTA_RULE.CHAIN, chain)
      .attributeBe64(NFTA_RULE.HANDLE, handle);
    writeExpressions(writer, NFTA_RULE.EXPRESSIONS, expressions);
    writer.end();
  }

  deleteRule(table: NftTable, chain: string, handle: bigint): void {
    const writer = this.#begin(NFT_MSG.DELRULE, 0, table);
    writer
      .attributeString(NFTA_RULE.TABLE, table.name)
      .attributeString(NFTA_RULE.CHAIN, chain)
      .attributeBe64(NFTA_RULE.HANDLE, handle);
    writer.end();
  }

  /** No error when it exists with the same definition; a larger size raises its limit, for the batches after this one. */
  addSet(table: NftTable, set: NftSet): void {
    const numbers = setNumbers(set);
    const writer = this.#begin(NFT_MSG.NEWSET, NLM_F_CREATE, table);
    writer.attributeString(NFTA_SET.TABLE, table.name).attributeString(NFTA_SET.NAME, set.name);
    writer.attributeBe32(NFTA_SET.FLAGS, numbers.flags);
    writer.attributeBe32(NFTA_SET.KEY_TYPE, numbers.keyType).attributeBe32(NFTA_SET.KEY_LEN, numbers.keyLength);
    if (numbers.dataType !== undefined) {
      writer.attributeBe32(NFTA_SET.DATA_TYPE, numbers.dataType).attributeBe32(NFTA_SET.DATA_LEN, numbers.dataLength ?? 0);
    }
    // The kernel insists on an id, which is for references within the batch; ours go by name.
    writer.attributeBe32(NFTA_SET.ID, ++this.#setId);
    if (set.size !== undefined || numbers.fieldLengths.length > 0) writeDescription(writer, set.size, numbers.fieldLengths);
    if (set.defaultTimeoutMs !== undefined) writer.attributeBe64(NFTA_SET.TIMEOUT, BigInt(set.defaultTimeoutMs));
    if (set.userdata !== undefined) writer.attribute(NFTA_SET.USERDATA, set.userdata);
    if (set.counter === true) writeExpression(writer, NFTA_SET.EXPR, nft.counter());
    writer.end();
  }

  /** No rule may refer to it: EBUSY. */
  deleteSet(table: NftTable, set: string): void {
    const writer = this.#begin(NFT_MSG.DELSET, 0, table);
    writer.attributeString(NFTA_SET.TABLE, table.name).attributeString(NFTA_SET.NAME, set);
    writer.end();
  }

  /** Removes all its elements. */
  flushSet(table: NftTable, set: string): void {
    const writer = this.#begin(NFT_MSG.DELSETELEM, 0, table);
    writer.attributeString(NFTA_SET_ELEM_LIST.TABLE, table.name).attributeString(NFTA_SET_ELEM_LIST.SET, set);
    writer.end();
  }

  /**
   * Adds elements, in as many messages as the 64 KiB limit of an attribute asks for. An existing key with the same data is
   * no error unless `isExclusive`; with other data it is always EEXIST (delete it first, in the same batch).
   */
  addElements(
    table: NftTable,
    set: string,
    elements: Iterable<NftElement>,
    options: { readonly isExclusive?: boolean } = {},
  ): void {
    this.#writeElements(NFT_MSG.NEWSETELEM, NLM_F_CREATE | (options.isExclusive === true ? NLM_F_EXCL : 0), table, set, elements);
  }

  /** Deletes by key (and `keyEnd`, `isIntervalEnd` for ranges); one that is not there is ENOENT for the whole batch. */
  deleteElements(table: NftTable, set: string, elements: Iterable<NftElement>): void {
    this.#writeElements(NFT_MSG.DELSETELEM, 0, table, set, elements);
  }

  /** A named counter; no error when it exists. */
  addCounter(table: NftTable, name: string): void {
    const writer = this.#begin(NFT_MSG.NEWOBJ, NLM_F_CREATE, table);
    writer
      .attributeString(NFTA_OBJ.TABLE, table.name)
      .attributeString(NFTA_OBJ.NAME, name)
      .attributeBe32(NFTA_OBJ.TYPE, NFT_OBJECT_COUNTER);
    const data = writer.beginNest(NFTA_OBJ.DATA);
    writer.attributeBe64(NFTA_COUNTER.BYTES, 0n).attributeBe64(NFTA_COUNTER.PACKETS, 0n);
    writer.endNest(data);
    writer.end();
  }

  deleteCounter(table: NftTable, name: string): void {
    const writer = this.#begin(NFT_MSG.DELOBJ, 0, table);
    writer
      .attributeString(NFTA_OBJ.TABLE, table.name)
      .attributeString(NFTA_OBJ.NAME, name)
      .attributeBe32(NFTA_OBJ.TYPE, NFT_OBJECT_COUNTER);
    writer.end();
  }

  #begin(type: number, flags: number, table: NftTable): MessageWriter {
    return writeFamily(this.#writer.begin(type, flags), familyNumbers[table.family]);
  }

  #writeElements(type: number, flags: number, table: NftTable, set: string, elements: Iterable<NftElement>): void {
    const writer = this.#writer;
    let list = -1;
    for (const element of elements) {
      if (list >= 0 && writer.length - list > LIST_BYTES) {
        writer.endNest(list);
        writer.end();
        list = -1;
      }
      if (list < 0) {
        this.#begin(type, flags, table).attributeString(NFTA_SET_ELEM_LIST.TABLE, table.name);
        writer.attributeString(NFTA_SET_ELEM_LIST.SET, set);
        list = writer.beginNest(NFTA_SET_ELEM_LIST.ELEMENTS);
      }
      writeElement(writer, element, type === NFT_MSG.DELSETELEM);
    }
    if (list < 0) return;
    writer.endNest(list);
    writer.end();
  }
}

/** struct nfgenmsg: family, version 0, resource id 0 (big-endian; the subsystem in batch frames). */
export function writeFamily(writer: MessageWriter, family: number, resource = 0): MessageWriter {
  return writer.u8(family).u8(0).be16(resource);
}

/** One NFTA_LIST_ELEM with an element. For a deletion, data, timeouts and counters are left out. */
export function writeElement(writer: MessageWriter, element: NftElement, isKeyOnly: boolean): void {
  const nest = writer.beginNest(NFTA_LIST_ELEM);
  writer.attributeWithin(NFTA_SET_ELEM.KEY, NFTA_DATA.VALUE, element.key);
  if (element.keyEnd !== undefined) writer.attributeWithin(NFTA_SET_ELEM.KEY_END, NFTA_DATA.VALUE, element.keyEnd);
  if (element.isIntervalEnd === true) writer.attributeBe32(NFTA_SET_ELEM.FLAGS, NFT_SET_ELEM_INTERVAL_END);
  if (!isKeyOnly) {
    if (element.verdict !== undefined) {
      const data = writer.beginNest(NFTA_SET_ELEM.DATA);
      writeVerdict(writer, element.verdict);
      writer.endNest(data);
    } else if (element.data !== undefined) {
      writer.attributeWithin(NFTA_SET_ELEM.DATA, NFTA_DATA.VALUE, element.data);
    }
    if (element.timeoutMs !== undefined) writer.attributeBe64(NFTA_SET_ELEM.TIMEOUT, BigInt(element.timeoutMs));
    if (element.expirationMs !== undefined) writer.attributeBe64(NFTA_SET_ELEM.EXPIRATION, BigInt(element.expirationMs));
    if (element.counter !== undefined) {
      const expression = writer.beginNest(NFTA_SET_ELEM.EXPR);
      writer.attributeString(1, 'counter');
      const data = writer.beginNest(2);
      writer
        .attributeBe64(NFTA_COUNTER.BYTES, element.counter.bytes)
        .attributeBe64(NFTA_COUNTER.PACKETS, element.counter.packets);
      writer.endNest(data);
      writer.endNest(expression);
    }
  }
  writer.endNest(nest);
}

function writeBase(writer: MessageWriter, base: NftBase): void {
  const hook = writer.beginNest(NFTA_CHAIN.HOOK);
  writer.attributeBe32(NFTA_HOOK.HOOKNUM, hookNumbers[base.hook]).attributeBe32(NFTA_HOOK.PRIORITY, base.priority);
  writer.endNest(hook);
  writer.attributeBe32(NFTA_CHAIN.POLICY, base.policy === 'drop' ? NF_DROP : NF_ACCEPT);
  writer.attributeString(NFTA_CHAIN.TYPE, base.type);
}

function writeDescription(writer: MessageWriter, size: number | undefined, fieldLengths: readonly number[]): void {
  const description = writer.beginNest(NFTA_SET.DESC);
  if (size !== undefined) writer.attributeBe32(NFTA_SET_DESC.SIZE, size);
  if (fieldLengths.length > 0) {
    const concat = writer.beginNest(NFTA_SET_DESC.CONCAT);
    for (const length of fieldLengths) {
      const field = writer.beginNest(NFTA_LIST_ELEM);
      writer.attributeBe32(NFTA_SET_FIELD_LEN, length);
      writer.endNest(field);
    }
    writer.endNest(concat);
  }
  writer.endNest(description);
}
