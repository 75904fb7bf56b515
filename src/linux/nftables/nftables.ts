/** nftables of one network namespace: commits and dumps over a netfilter netlink socket. Synchronous. */
import { readU32, type Message } from '../netlink/message-reader.ts';
import { MESSAGE_HEADER_BYTES, MessageWriter, NLM_F_ACK, NLM_F_DUMP } from '../netlink/message-writer.ts';
import type { NetlinkSocket } from '../netlink/netlink-socket.ts';
import { isNoSuchThing } from '../errors.ts';
import { writeElement, writeFamily, type NftBatch } from './batch.ts';
import {
  decodeChain,
  decodeCounter,
  decodeElements,
  decodeElementTexts,
  decodeGeneration,
  decodeNumberedElements,
  decodeRule,
  decodeSet,
  decodeTable,
  type ElementText,
  type VisitNumbered,
} from './decode.ts';
import {
  NFNL_BATCH_GENID,
  NFNL_MSG_BATCH_BEGIN,
  NFNL_MSG_BATCH_END,
  NFTA_CHAIN,
  NFTA_OBJ,
  NFTA_RULE,
  NFTA_SET,
  NFTA_SET_ELEM_LIST,
  NFT_MSG,
  NFT_OBJECT_COUNTER,
  familyNumbers,
  nftShapeOf,
} from './messages.ts';
import type { DumpedChain, DumpedCounter, DumpedRule, DumpedSet, NftElement, NftGeneration, NftTable } from './model.ts';

const NFNL_SUBSYS_NFTABLES = 10;
/** Elements asked for at once: their answers fit the smallest receive buffer that a kernel gives (208 KiB, twice what is asked for). */
const keysPerRequest = 128;
/** BATCH_BEGIN with a generation (28) and BATCH_END (20). */
const FRAME_BYTES = 64;

/** Commits batches and dumps tables. All methods throw `NetlinkError` when the kernel refuses. */
export class Nftables {
  readonly #socket: NetlinkSocket;
  readonly #writer = new MessageWriter();
  /** Reused from commit to commit, so that large batches are copied into memory that is there. */
  readonly #frame = new MessageWriter();

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** Largest `NftBatch.byteLength` that one commit can carry here. */
  get maxBatchBytes(): number {
    return this.#socket.maxSendBytes - FRAME_BYTES;
  }

  /**
   * Sends the batch as one transaction: all or nothing. One that is too large throws EMSGSIZE (`isTooLarge`), unless `split`:
   * then it is cut between messages, in order, into as many transactions as needed; who allows that must have ordered the
   * operations to be safe at every prefix. With `generation` the kernel refuses (ERESTART) when the ruleset is no longer that
   * one. Answers how many transactions it took; an error in a later one leaves the earlier ones in force. Empty: nothing.
   */
  commit(batch: NftBatch, options: { readonly split?: boolean; readonly generation?: number } = {}): number {
    const bytes = batch.bytes;
    let count = 0;
    for (let start = 0; start < bytes.length; count++) {
      const end = options.split === true ? cut(bytes, start, this.maxBatchBytes) : bytes.length;
      this.#send(bytes.subarray(start, end), count === 0 ? options.generation : undefined);
      start = end;
    }
    return count;
  }

  /** The current ruleset's number; the process in it is the asking one. */
  getGeneration(): NftGeneration {
    const [reply] = this.#request(NFT_MSG.GETGEN, 0, 0);
    return reply === undefined ? { id: 0 } : decodeGeneration(reply);
  }

  /** Our thread's id as the kernel counts it (outside of pid namespaces): what `processId` of our own commits says. */
  ownProcessId(): number {
    return this.getGeneration().processId ?? 0;
  }

  /** Tables of the families we know, everybody's. */
  dumpTables(): NftTable[] {
    return this.#dump(NFT_MSG.GETTABLE, 0).map(decodeTable).filter(isDefined);
  }

  dumpChains(table: NftTable): DumpedChain[] {
    // The kernel takes no table for this dump.
    const chains = this.#dump(NFT_MSG.GETCHAIN, familyNumbers[table.family], (w) =>
      w.attributeString(NFTA_CHAIN.TABLE, table.name),
    );
    return chains.map(decodeChain).filter((chain): chain is DumpedChain => chain?.table.name === table.name);
  }

  /** In order, chain by chain. */
  dumpRules(table: NftTable, chain?: string): DumpedRule[] {
    const rules = this.#dump(NFT_MSG.GETRULE, familyNumbers[table.family], (w) => {
      w.attributeString(NFTA_RULE.TABLE, table.name);
      if (chain !== undefined) w.attributeString(NFTA_RULE.CHAIN, chain);
    });
    return rules.map(decodeRule).filter(isDefined);
  }

  dumpSets(table: NftTable): DumpedSet[] {
    const sets = this.#dump(NFT_MSG.GETSET, familyNumbers[table.family], (w) => w.attributeString(NFTA_SET.TABLE, table.name));
    return sets.map(decodeSet).filter(isDefined);
  }

  /** Visits each element of a set; the byte arrays may be kept. ENOENT when there is no such set. */
  visitElements(table: NftTable, set: string, visit: (element: NftElement) => void): void {
    for (const message of this.#dumpElements(table, set)) decodeElements(message, visit);
  }

  /** As `visitElements`, in binary strings; the element is valid during the call. For an interval end or a counter ask `visitElements`. */
  visitElementTexts(table: NftTable, set: string, visit: (element: Readonly<ElementText>) => void): void {
    for (const message of this.#dumpElements(table, set)) decodeElementTexts(message, visit);
  }

  dumpElements(table: NftTable, set: string): NftElement[] {
    const elements: NftElement[] = [];
    this.visitElements(table, set, (element) => elements.push(element));
    return elements;
  }

  /** Visits each element of a map whose keys end in a number. */
  visitNumberedElements(table: NftTable, set: string, visit: VisitNumbered): void {
    for (const message of this.#dumpElements(table, set)) decodeNumberedElements(message, visit);
  }

  /**
   * The same, of those that have one of these keys: 2 µs for each, where a dump takes the square of their number (in each of its pieces of
   * 32 KiB the kernel walks on from the set's start). `keys`: one after the other.
   */
  visitNumberedElementsAt(table: NftTable, set: string, keys: Uint8Array, keyBytes: number, visit: VisitNumbered): void {
    this.#visitAt(table, set, keys, keyBytes, (message) => decodeNumberedElements(message, visit));
  }

  /** The elements with these keys; those that are not there are left out. */
  getElements(table: NftTable, set: string, keys: readonly Uint8Array[]): NftElement[] {
    const elements: NftElement[] = [];
    this.#visitAt(table, set, Buffer.concat(keys), keys[0]?.length ?? 0, (message) =>
      decodeElements({ ...message, bytes: Uint8Array.from(message.bytes) }, (element) => elements.push(element)),
    );
    return elements;
  }

  dumpCounters(table: NftTable): DumpedCounter[] {
    const counters = this.#dump(NFT_MSG.GETOBJ, familyNumbers[table.family], (w) => {
      w.attributeString(NFTA_OBJ.TABLE, table.name).attributeBe32(NFTA_OBJ.TYPE, NFT_OBJECT_COUNTER);
    });
    return counters.map(decodeCounter).filter(isDefined);
  }

  /** Closes the socket. */
  close(): void {
    this.#socket.close();
  }

  #send(messages: Uint8Array, generation: number | undefined): void {
    const writer = this.#frame;
    writer.clear();
    writeFamily(writer.begin(NFNL_MSG_BATCH_BEGIN, 0), 0, NFNL_SUBSYS_NFTABLES);
    if (generation !== undefined) writer.attributeBe32(NFNL_BATCH_GENID, generation);
    writer.end();
    writer.append(messages);
    writeFamily(writer.begin(NFNL_MSG_BATCH_END, 0), 0, NFNL_SUBSYS_NFTABLES);
    writer.end();
    // No acknowledgements: the kernel is done when send returns, and has then queued every error there is.
    this.#socket.request(writer, nftShapeOf, 0);
  }

  #request(type: number, family: number, flags: number, write?: (writer: MessageWriter) => void): Message[] {
    const writer = this.#writer;
    writer.clear();
    writeFamily(writer.begin(type, flags | NLM_F_ACK), family);
    write?.(writer);
    writer.end();
    return this.#socket.request(writer, nftShapeOf);
  }

  #dumpElements(table: NftTable, set: string): Message[] {
    return this.#dump(NFT_MSG.GETSETELEM, familyNumbers[table.family], (w) => {
      w.attributeString(NFTA_SET_ELEM_LIST.TABLE, table.name).attributeString(NFTA_SET_ELEM_LIST.SET, set);
    });
  }

  /** Visits the answers for these keys, each a message with one element. */
  #visitAt(table: NftTable, set: string, keys: Uint8Array, keyBytes: number, visit: (message: Message) => void): void {
    const writer = this.#writer;
    for (let from = 0; from < keys.length;) {
      const to = Math.min(keys.length, from + keysPerRequest * keyBytes);
      writer.clear();
      writeFamily(writer.begin(NFT_MSG.GETSETELEM, NLM_F_ACK), familyNumbers[table.family]);
      writer.attributeString(NFTA_SET_ELEM_LIST.TABLE, table.name).attributeString(NFTA_SET_ELEM_LIST.SET, set);
      const list = writer.beginNest(NFTA_SET_ELEM_LIST.ELEMENTS);
      for (let at = from; at < to; at += keyBytes) writeElement(writer, { key: keys.subarray(at, at + keyBytes) }, true);
      writer.endNest(list);
      writer.end();
      let found = 0;
      try {
        this.#socket.requestMany(writer, nftShapeOf, (message) => {
          found++;
          visit(message);
        });
        from = to;
      } catch (error) {
        // The kernel answers in order and stops at the first that is not there.
        if (!isNoSuchThing(error)) throw error;
        from += (found + 1) * keyBytes;
      }
    }
  }

  #dump(type: number, family: number, write?: (writer: MessageWriter) => unknown): Message[] {
    const writer = this.#writer;
    writer.clear();
    writeFamily(writer.begin(type, NLM_F_DUMP), family);
    write?.(writer);
    writer.end();
    return this.#socket.dump(writer, nftShapeOf);
  }
}

/** End of the longest run of whole messages from `start` within `limit` bytes; at least one message. */
function cut(bytes: Uint8Array, start: number, limit: number): number {
  let end = start;
  while (end + MESSAGE_HEADER_BYTES <= bytes.length) {
    const next = end + ((readU32(bytes, end) + 3) & ~3);
    if (next - start > limit && end > start) break;
    end = next;
  }
  return end;
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined;
}
