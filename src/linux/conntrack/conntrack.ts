/** Connection tracking of one network namespace over a netfilter netlink socket. Synchronous. */
import { hasCode } from '../../observe/index.ts';
import { isNoSuchThing } from '../errors.ts';
import { AttributeTable, type Message } from '../netlink/message-reader.ts';
import { MessageWriter, NLM_F_ACK, NLM_F_DUMP } from '../netlink/message-writer.ts';
import type { NetlinkSocket } from '../netlink/netlink-socket.ts';
import {
  CTA_STATS_GLOBAL_ENTRIES,
  CT_MSG,
  conntrackShapeOf,
  decodeFlow,
  matchesFilter,
  writeFilter,
  writeOriginalTuple,
} from './messages.ts';
import type { Flow, FlowFilter, FlowTuple } from './model.ts';

/** What is needed of a netfilter socket. */
export type ConntrackSocket = Pick<NetlinkSocket, 'request' | 'dump' | 'dumpPieces' | 'close'>;

/** Flows between two pauses of a walk: some 5 ms. */
const flowsPerStretch = 2048;

/** Methods throw `NetlinkError` when the kernel refuses. */
export class Conntrack {
  readonly #socket: ConntrackSocket;
  readonly #writer = new MessageWriter();

  constructor(socket: ConntrackSocket) {
    this.#socket = socket;
  }

  /**
   * Visits the entries that the filter asks for. The kernel walks its whole table (Linux 5.8 and later hand over only what
   * matches), so ask once for many, not once for each.
   */
  visitFlows(filter: FlowFilter, visit: (flow: Flow) => void): void {
    for (const message of this.#dumpFiltered(filter)) {
      const flow = decodeFlow(message);
      if (flow !== undefined && matchesFilter(flow, filter)) visit(flow);
    }
  }

  /**
   * As `visitFlows`, for tables of any size: holds no more than a piece of the answer, and lets others run between stretches.
   * Nothing else may use this object until it is done. Entries that come or go meanwhile may be missed.
   */
  async walkFlows(filter: FlowFilter, visit: (flow: Flow) => void): Promise<void> {
    try {
      await this.#walk(filter, visit, true);
    } catch (error) {
      if (!hasCode(error, 'EOPNOTSUPP', 'EINVAL')) throw error;
      await this.#walk(filter, visit, false);
    }
  }

  listFlows(filter: FlowFilter): Flow[] {
    const flows: Flow[] = [];
    this.visitFlows(filter, (flow) => flows.push(flow));
    return flows;
  }

  /** Deletes by the original tuple: one hash look-up. False when it is gone already. */
  deleteFlow(original: FlowTuple): boolean {
    try {
      this.#request(CT_MSG.DELETE, familyOf(original.source.family), (w) => writeOriginalTuple(w, original));
      return true;
    } catch (error) {
      if (isNoSuchThing(error)) return false;
      throw error;
    }
  }

  /** One filtered dump and a deletion for each entry found; answers how many went. */
  deleteFlows(filter: FlowFilter): number {
    let count = 0;
    for (const flow of this.listFlows(filter)) if (this.deleteFlow(flow.original)) count++;
    return count;
  }

  /** Number of entries in the namespace. */
  count(): number {
    const [reply] = this.#request(CT_MSG.GET_STATS, 0, () => undefined);
    if (reply === undefined) return 0;
    return new AttributeTable(2).parse(reply.bytes, reply.start + 4, reply.end).be32(CTA_STATS_GLOBAL_ENTRIES) ?? 0;
  }

  /** Closes the socket. */
  close(): void {
    this.#socket.close();
  }

  async #walk(filter: FlowFilter, visit: (flow: Flow) => void, isFiltered: boolean): Promise<void> {
    let stretch = 0;
    for (const messages of this.#socket.dumpPieces(this.#dumpRequest(filter, isFiltered), conntrackShapeOf)) {
      for (const message of messages) {
        const flow = decodeFlow(message);
        if (flow !== undefined && matchesFilter(flow, filter)) visit(flow);
      }
      stretch += messages.length;
      if (stretch < flowsPerStretch) continue;
      stretch = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #dumpFiltered(filter: FlowFilter): Message[] {
    try {
      return this.#dump(filter, true);
    } catch (error) {
      // Kernels before 5.8, and filters of theirs that later ones refuse: all entries, filtered here.
      if (!hasCode(error, 'EOPNOTSUPP', 'EINVAL')) throw error;
      return this.#dump(filter, false);
    }
  }

  #dump(filter: FlowFilter, isFiltered: boolean): Message[] {
    return this.#socket.dump(this.#dumpRequest(filter, isFiltered), conntrackShapeOf);
  }

  #dumpRequest(filter: FlowFilter, isFiltered: boolean): MessageWriter {
    const writer = this.#begin(CT_MSG.GET, NLM_F_DUMP, familyOf(filter.family));
    if (isFiltered) writeFilter(writer, filter);
    writer.end();
    return writer;
  }

  #request(type: number, family: number, write: (writer: MessageWriter) => void): Message[] {
    const writer = this.#begin(type, NLM_F_ACK, family);
    write(writer);
    writer.end();
    return this.#socket.request(writer, conntrackShapeOf);
  }

  /** struct nfgenmsg: family, version 0, resource id 0. */
  #begin(type: number, flags: number, family: number): MessageWriter {
    this.#writer.clear();
    return this.#writer.begin(type, flags).u8(family).u8(0).be16(0);
  }
}

function familyOf(family: FlowFilter['family']): number {
  return family === 'IPv4' ? 2 : 10;
}
