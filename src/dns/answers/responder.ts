/**
 * The name server's decision: one query in, its answer out, in the same packet. Synchronous, no input or output, and no
 * garbage in the steady state. What it cannot answer from the index alone (a name outside the zones, a chain that leads
 * there, a zone transfer) it leaves untouched and says so.
 *
 * Order of decisions: reference of the Kubernetes DNS specification 1.1.0, and of CoreDNS where that is silent. Whether a
 * *name exists* and which *records match the type* are separate questions throughout.
 */
import type { NameReader, ServedNames } from '../../names/index.ts';
import { labelsOf, parseDashedLabel, roots, rrsetForms, rrTypes } from '../../names/index.ts';
import type { ChainTail, Permutation } from './answer-writer.ts';
import { AnswerWriter } from './answer-writer.ts';
import { KeptQuery } from '../wire/kept-query.ts';
import { classIn, headerBytes, maxMessageBytes, opcodes, queryTypes, rcodes } from '../wire/protocol.ts';
import type { Query } from '../wire/query.ts';
import { createQuery, decodeQuery, queryVerdicts } from '../wire/query.ts';
import { SeenNodes } from './seen-nodes.ts';
import { findZone, isSuffix, zonesOf } from './zones.ts';
import type { Zone } from './zones.ts';

/** What `respond` returns instead of a length. */
export const outcomes = {
  /** Not a query: send nothing. */
  drop: 0,
  /** Not our name: ask an upstream. The packet is untouched. */
  forward: -1,
  /** A chain leads out of our zone, to `chaseTarget`: ask an upstream for that, then `respondWithTail`. The packet is untouched. */
  chase: -2,
  /** AXFR or IXFR over TCP of a zone of ours. The packet is untouched. */
  transfer: -3,
  /** A missing name below the first suffix of a search path: the walk may go on here (`autopath.ts`). The packet is untouched. */
  search: -4,
} as const;

export interface ResponderOptions {
  /** Kept by this thread or by another. */
  readonly index: ServedNames;
  /** Reverse zones that we answer for, names below arpa. Default: `in-addr.arpa` and `ip6.arpa`. */
  readonly reverseZones?: readonly string[];
  /** Whether names that are not ours go elsewhere. Default false. */
  readonly hasUpstream?: boolean;
  /** Zones of ours whose unknown names go elsewhere too, where there is an upstream. Default: the reverse zones. */
  readonly fallthrough?: readonly string[];
  /** Missing names of a search path's first suffix are left to whoever walks the rest of it (outcome `search`). Default false. */
  readonly completesSearch?: boolean;
  /** False until the objects are all here: until then a missing name is SERVFAIL, not NXDOMAIN, which clients would remember. */
  readonly isSynced: () => boolean;
  /** Largest UDP answer, whatever the client claims to take. Default 1232: what passes unfragmented everywhere (DNS flag day 2020). */
  readonly maxUdpBytes?: number;
  readonly permutation: Permutation;
}

/** See the head of the file. Not reentrant; one for each thread. */
export class Responder {
  /** The query answered last. */
  readonly query: Query = createQuery();
  /** The code answered last. */
  rcode = 0;
  /** With outcome `chase`: the absolute name, in wire form, that the chain leads to. */
  chaseTarget = '';

  readonly #index: ServedNames;
  readonly #reader: NameReader;
  readonly #zones: readonly Zone[];
  readonly #clusterLabels: number;
  readonly #hasUpstream: boolean;
  readonly #completesSearch: boolean;
  #isPlain = false;
  readonly #isSynced: () => boolean;
  readonly #maxUdpBytes: number;
  readonly #writer: AnswerWriter;
  readonly #chain = new Int32Array(maxChain);
  readonly #seen = new SeenNodes();
  readonly #kept = new KeptQuery();
  readonly #targetAt = new Uint16Array(4096);
  readonly #address = new Uint8Array(16);
  readonly #podKey = new Uint8Array(128);
  readonly #text = new Uint8Array(256);

  constructor(options: ResponderOptions) {
    this.#index = options.index;
    this.#hasUpstream = options.hasUpstream ?? false;
    this.#completesSearch = options.completesSearch ?? false;
    this.#isSynced = options.isSynced;
    this.#maxUdpBytes = options.maxUdpBytes ?? 1232;
    this.#reader = options.index.reader;
    this.#writer = new AnswerWriter(options.index, options.permutation);
    const reverseZones = options.reverseZones ?? ['in-addr.arpa', 'ip6.arpa'];
    const open = this.#hasUpstream ? (options.fallthrough ?? reverseZones) : [];
    this.#clusterLabels = labelsOf(options.index.zoneWire).length;
    this.#zones = zonesOf(options.index.zone, reverseZones, open);
  }

  /** Answers `packet[0, length)` in place. The packet's capacity bounds the answer too. Returns its length, or an outcome. */
  respond(packet: Uint8Array, length: number, isTcp: boolean): number {
    return this.#respond(packet, length, isTcp, undefined);
  }

  /** The same, but never with outcome `search`. */
  respondPlainly(packet: Uint8Array, length: number, isTcp: boolean): number {
    this.#isPlain = true;
    try {
      return this.#respond(packet, length, isTcp, undefined);
    } finally {
      this.#isPlain = false;
    }
  }

  /**
   * After outcome `search`: whether a live pod of the namespace that the search path is of has this address (`bytes[start, start + length)`,
   * 4 or 16 bytes), so that its owner is known to have that search path. With pod mode `verified` only.
   */
  isFromPod(packet: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
    const { query } = this;
    const podAt = query.labelAt[query.labelCount - this.#clusterLabels - 1] as number;
    const namespaceAt = query.labelAt[query.labelCount - this.#clusterLabels - 2] as number;
    for (let index = 0; index < length; index++) this.#address[index] = bytes[start + index] as number;
    for (;;) {
      const version = this.#reader.enter();
      const hasPod = this.#hasPod(length, packet, namespaceAt, podAt);
      if (this.#reader.isCurrent(version)) return hasPod;
    }
  }

  /** Answers a query that ended in `chase`, with what the upstream said about `chaseTarget`. */
  respondWithTail(packet: Uint8Array, length: number, isTcp: boolean, tail: ChainTail): number {
    return this.#respond(packet, length, isTcp, tail);
  }

  /** An answer without records. For failures that only the caller knows of: no upstream answers, too many queries. */
  respondWithError(packet: Uint8Array, length: number, isTcp: boolean, rcode: number): number {
    const { query } = this;
    if (decodeQuery(packet, length, query) === queryVerdicts.drop) return outcomes.drop;
    return this.#fail(packet, isTcp, rcode);
  }

  #respond(packet: Uint8Array, length: number, isTcp: boolean, tail: ChainTail | undefined): number {
    const { query } = this;
    const verdict = decodeQuery(packet, length, query);
    if (verdict === queryVerdicts.drop) return outcomes.drop;
    if (query.opcode !== opcodes.QUERY) {
      query.hasOpt &&= verdict === queryVerdicts.ok;
      // NOTIFY is for secondaries, which we are not.
      return this.#fail(packet, isTcp, query.opcode === opcodes.NOTIFY ? rcodes.REFUSED : rcodes.NOTIMP);
    }
    if (verdict === queryVerdicts.malformed) {
      query.hasOpt = false;
      return this.#fail(packet, isTcp, rcodes.FORMERR);
    }
    if (query.ednsVersion !== 0) return this.#fail(packet, isTcp, rcodes.BADVERS);
    if (query.qclass !== classIn) return this.#fail(packet, isTcp, rcodes.REFUSED);
    const zone = findZone(this.#zones, packet, query);
    const isTransfer = query.qtype === queryTypes.AXFR || query.qtype === queryTypes.IXFR;
    if (isTransfer) return isTcp && zone !== undefined ? outcomes.transfer : this.#fail(packet, isTcp, rcodes.REFUSED);
    if (zone === undefined) return this.#hasUpstream ? outcomes.forward : this.#fail(packet, isTcp, rcodes.REFUSED);
    return this.#decide(packet, length, isTcp, zone, tail);
  }

  /** The answer from one state of the names: begun again when they changed meanwhile. */
  #decide(packet: Uint8Array, length: number, isTcp: boolean, zone: Zone, tail: ChainTail | undefined): number {
    const { query } = this;
    this.#kept.keep(packet, query.questionEnd, length);
    for (;;) {
      const version = this.#reader.enter();
      let outcome: number;
      try {
        outcome = zone.isReverse ? this.#reverse(packet, isTcp, zone) : this.#forward(packet, isTcp, zone, tail);
      } catch (error) {
        // nonsense read across a change may lead anywhere
        if (this.#reader.isCurrent(version)) throw error;
        outcome = outcomes.drop;
      }
      if (this.#reader.isCurrent(version)) return outcome;
      this.#kept.restore(packet, query.questionEnd, length);
    }
  }

  #forward(packet: Uint8Array, isTcp: boolean, zone: Zone, tail: ChainTail | undefined): number {
    const { query } = this;
    const zoneAt = query.labelAt[query.labelCount - zone.labels] as number;
    if (zoneAt === headerBytes) return this.#apex(packet, isTcp, zoneAt, zoneAt);
    const reader = this.#reader;
    let node = reader.find(roots.forward, packet, headerBytes, zoneAt);
    if (node === 0 && this.#index.hasZonalNames) node = reader.findPreferred(packet, headerBytes, zoneAt);
    const alias = node === 0 ? 0 : reader.rrsetOf(node, rrTypes.CNAME);
    if (alias !== 0) return this.#alias(packet, isTcp, node, alias, zoneAt, tail);
    const addressBytes = node === 0 ? this.#podAddress(packet, headerBytes, zoneAt) : 0;
    if (node === 0 && addressBytes === 0) {
      if (this.#completesSearch && this.#isFirstOfSearch(packet, zoneAt) && this.#isSynced()) return outcomes.search;
      if (zone.fallsThrough) return outcomes.forward;
    }
    this.#begin(packet, isTcp, zoneAt);
    return this.#terminal(isTcp, node, addressBytes, headerBytes, zoneAt);
  }

  /** Whether the name is `<anything>.<namespace>.svc` of the zone, asked for an address. */
  #isFirstOfSearch(packet: Uint8Array, zoneAt: number): boolean {
    const { query } = this;
    if (this.#isPlain || (query.qtype !== rrTypes.A && query.qtype !== rrTypes.AAAA)) return false;
    const own = query.labelCount - this.#clusterLabels;
    return own >= 3 && isSuffix(packet, query.labelAt[own - 1] as number, zoneAt, '\x03svc');
  }

  #reverse(packet: Uint8Array, isTcp: boolean, zone: Zone): number {
    const { query } = this;
    const zoneAt = query.labelAt[query.labelCount - zone.labels] as number;
    if (zoneAt === headerBytes) return this.#apex(packet, isTcp, zoneAt, 0);
    const arpaAt = query.labelAt[query.labelCount - 1] as number;
    const node = this.#reader.find(roots.reverse, packet, headerBytes, arpaAt);
    // Addresses that are not the cluster's belong to someone else, and so do the names above them.
    if (zone.fallsThrough && (node === 0 || !this.#reader.hasRecords(node))) return outcomes.forward;
    this.#begin(packet, isTcp, 0);
    return this.#terminal(isTcp, node, 0, headerBytes, zoneAt);
  }

  /** The zone's own name: SOA, NS, and no data of any other type. */
  #apex(packet: Uint8Array, isTcp: boolean, ownerAt: number, zoneAt: number): number {
    const { query } = this;
    const reader = this.#reader;
    this.#begin(packet, isTcp, zoneAt);
    if (query.qtype === rrTypes.SOA) this.#writer.addSoa(ownerAt, reader.serial, reader.ttlSeconds, false);
    else if (query.qtype === rrTypes.NS) this.#addWithGlue(reader.nameServers, ownerAt);
    else return this.#negative(isTcp, rcodes.NOERROR, ownerAt);
    return this.#finish(isTcp, rcodes.NOERROR);
  }

  /** ExternalName: the alias, and then what it leads to, as far as we or an upstream know it. */
  #alias(
    packet: Uint8Array,
    isTcp: boolean,
    first: number,
    firstAlias: number,
    zoneAt: number,
    tail: ChainTail | undefined,
  ): number {
    const { query } = this;
    const isFollowed = query.qtype !== rrTypes.CNAME && query.qtype !== queryTypes.ANY;
    const reader = this.#reader;
    // First walk, then write: until the end of the chain is known the packet must stay as it is.
    this.#seen.clear();
    this.#seen.add(first);
    this.#chain[0] = firstAlias;
    let links = 1;
    let last = firstAlias;
    /** Where the last link leads to: a name of ours, perhaps one that does not exist. */
    let target = 0;
    let isLoop = false;
    while (reader.formOf(last) === rrsetForms.names) {
      if (!isFollowed) break;
      target = reader.targetOf(last, 0);
      const alias = reader.exists(target) ? reader.rrsetOf(target, rrTypes.CNAME) : 0;
      if (alias === 0) break;
      if (links === maxChain || !this.#seen.add(target)) {
        isLoop = true;
        break;
      }
      this.#chain[links++] = alias;
      last = alias;
    }
    const leadsOut = isFollowed && reader.formOf(last) === rrsetForms.raw;
    if (leadsOut && this.#hasUpstream && tail === undefined) {
      this.chaseTarget = this.#rawText(last);
      return outcomes.chase;
    }
    const writer = this.#begin(packet, isTcp, zoneAt);
    let ownerAt = headerBytes;
    for (let link = 0; link < links; link++) {
      if (!writer.addAnswer(this.#chain[link] as number, 0, ownerAt)) return this.#finish(isTcp, rcodes.NOERROR);
      ownerAt = writer.lastNameAt;
    }
    if (leadsOut && tail !== undefined && tail.target === this.#rawText(last)) return this.#appendTail(isTcp, tail);
    if (!isFollowed || leadsOut || isLoop) return this.#finish(isTcp, rcodes.NOERROR);
    if (target === roots.forward) return this.#negative(isTcp, rcodes.NOERROR, zoneAt);
    if (reader.exists(target)) return this.#terminal(isTcp, target, 0, ownerAt, zoneAt);
    const length = reader.copyName(target, this.#text, 0);
    return this.#terminal(isTcp, 0, this.#podAddress(this.#text, 0, length), ownerAt, zoneAt);
  }

  /** The one record of a set whose data is complete. */
  #rawText(rrset: number): string {
    const reader = this.#reader;
    const at = reader.rawOf(rrset, 0);
    return String.fromCharCode(...reader.bytes.subarray(at, at + reader.rawLength(at)));
  }

  /** The records of the asked type at a name, or the proof that there are none. The writer has begun. */
  #terminal(isTcp: boolean, node: number, addressBytes: number, ownerAt: number, zoneAt: number): number {
    const { query } = this;
    if (addressBytes > 0) {
      if (query.qtype !== (addressBytes === 4 ? rrTypes.A : rrTypes.AAAA)) return this.#negative(isTcp, rcodes.NOERROR, zoneAt);
      this.#writer.addAddress(this.#address, addressBytes, this.#reader.ttlSeconds, ownerAt);
      return this.#finish(isTcp, rcodes.NOERROR);
    }
    // NXDOMAIN would be remembered by clients; before the objects are all here we only do not know.
    if (node === 0) return this.#negative(isTcp, this.#isSynced() ? rcodes.NXDOMAIN : rcodes.SERVFAIL, zoneAt);
    const rrset = this.#reader.rrsetOf(node, query.qtype);
    if (rrset === 0) return this.#negative(isTcp, rcodes.NOERROR, zoneAt);
    if (query.qtype === rrTypes.SRV) this.#addWithGlue(rrset, ownerAt);
    else this.#writer.addAnswers(rrset, ownerAt);
    return this.#finish(isTcp, rcodes.NOERROR);
  }

  /** Records that name hosts of our zone, and the addresses of each host once. */
  #addWithGlue(rrset: number, ownerAt: number): void {
    const writer = this.#writer;
    const reader = this.#reader;
    const count = reader.countOf(rrset);
    let written = 0;
    while (written < count && writer.addAnswer(rrset, written, ownerAt)) this.#targetAt[written++] = writer.lastNameAt;
    if (writer.isTruncated) return;
    this.#seen.clear();
    for (let index = 0; index < written; index++) {
      const node = reader.targetOf(rrset, index);
      if (!reader.exists(node) || !this.#seen.add(node)) continue;
      let glue = reader.firstRRset(node);
      for (let left = reader.rrsetCount(node); left > 0; left--) {
        const isAddress = reader.formOf(glue) === rrsetForms.addresses;
        if (isAddress && !writer.addGlue(glue, this.#targetAt[index] as number)) return;
        glue = reader.nextRRset(glue);
      }
    }
  }

  /**
   * The address that `<label>.<namespace>.pod` stands for, in `#address`; its length, or 0 when the name does not exist.
   * `bytes[start, end)` is a name relative to the zone.
   */
  #podAddress(bytes: Uint8Array, start: number, end: number): number {
    if (this.#index.podMode === 'disabled') return 0;
    const namespaceAt = start + 1 + (bytes[start] as number);
    if (namespaceAt >= end) return 0;
    const podAt = namespaceAt + 1 + (bytes[namespaceAt] as number);
    if (podAt + 4 !== end || !isSuffix(bytes, podAt, end, '\x03pod')) return 0;
    if (this.#reader.find(roots.forward, bytes, namespaceAt, end) === 0) return 0;
    const length = parseDashedLabel(bytes, start + 1, namespaceAt, this.#address);
    if (length === 0 || this.#index.podMode === 'insecure') return length;
    return this.#hasPod(length, bytes, namespaceAt, podAt) ? length : 0;
  }

  /** Whether a live pod has the address in `#address`, in the namespace whose label is `bytes[start, end)`. */
  #hasPod(length: number, bytes: Uint8Array, start: number, end: number): boolean {
    const key = this.#podKey;
    key[0] = length * 2;
    let at = 1;
    for (let index = 0; index < length; index++) {
      const byte = this.#address[index] as number;
      key[at++] = hexDigits[byte >> 4] as number;
      key[at++] = hexDigits[byte & 15] as number;
    }
    for (let index = start; index < end; index++) key[at++] = bytes[index] as number;
    return this.#reader.find(roots.pods, key, 0, at) !== 0;
  }

  /** NODATA or NXDOMAIN: the SOA record in the authority section. `zoneAt`: where the zone's name stands in the question. */
  #negative(isTcp: boolean, rcode: number, zoneAt: number): number {
    this.#writer.addSoa(zoneAt, this.#reader.serial, this.#reader.ttlSeconds, true);
    return this.#finish(isTcp, rcode);
  }

  #appendTail(isTcp: boolean, tail: ChainTail): number {
    const writer = this.#writer;
    for (const record of tail.answers) if (!writer.addRaw(record, false)) return this.#finish(isTcp, rcodes.NOERROR);
    for (const record of tail.authorities) if (!writer.addRaw(record, true)) break;
    if (tail.isTruncated) writer.isTruncated = true;
    return this.#finish(isTcp, tail.rcode);
  }

  #begin(packet: Uint8Array, isTcp: boolean, zoneAt: number): AnswerWriter {
    const { query } = this;
    this.#writer.begin(packet, query, zoneAt, isTcp ? maxMessageBytes : Math.min(query.udpBytes, this.#maxUdpBytes));
    return this.#writer;
  }

  #finish(isTcp: boolean, rcode: number): number {
    return this.#close(isTcp, rcode, true);
  }

  #fail(packet: Uint8Array, isTcp: boolean, rcode: number): number {
    this.#begin(packet, isTcp, 0);
    return this.#close(isTcp, rcode, false);
  }

  #close(isTcp: boolean, rcode: number, isAuthoritative: boolean): number {
    const { query } = this;
    this.rcode = rcode;
    const udpBytes = isTcp ? query.udpBytes : Math.min(query.udpBytes, this.#maxUdpBytes);
    return this.#writer.finish(query, rcode, isAuthoritative, udpBytes);
  }
}

/** Links that a chain may have before we stop following it. */
const maxChain = 10;
const hexDigits = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
