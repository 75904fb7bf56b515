/** Zone transfer (AXFR, RFC 5936) for listed clients: the enumeration that wildcards once were. IXFR is answered as far as RFC 1995 §4 obliges: one SOA when nothing changed, the whole zone otherwise. */
import type { NameIndex, RRset } from '../../names/index.ts';
import { rrTypes } from '../../names/index.ts';
import { cidrContains, parseCidr, parseIp } from '../../net/index.ts';
import type { Cidr } from '../../net/index.ts';
import type { Message, ResourceRecord } from '../wire/message.ts';
import { bytesOf, encodeMessage } from '../wire/message.ts';
import { classIn, headerFlags, queryTypes, rcodes } from '../wire/protocol.ts';
import type { ZoneTransfer } from '../query-handler.ts';

/**
 * Gives the cluster domain to clients in `to`: addresses, prefixes, or `*` for anyone. Included: everything below `svc` but
 * endpoint names of cluster IP Services, as CoreDNS; not pods, reverse names and dns-version. Throws `TypeError` for an entry that is neither.
 */
export function createZoneTransfer(to: readonly string[], index: NameIndex): ZoneTransfer {
  const prefixes = to.filter((entry) => entry !== '*').map(parsePrefix);
  const isAny = to.includes('*');
  return (query, client) => {
    const ip = parseIp(client.address.replace(/^::ffff:(?=[0-9.]+$)/, ''));
    if (!isAny && (ip === undefined || !prefixes.some((prefix) => cidrContains(prefix, ip)))) return undefined;
    const [question] = query.questions;
    if (question === undefined || question.name.toLowerCase() !== `${index.zoneWire}\0`) return undefined;
    const soa = soaRecord(index);
    const known = query.authorities.find((record) => record.type === rrTypes.SOA);
    if (question.type === queryTypes.IXFR && known !== undefined && serialOf(known) === index.serial) {
      return [encodeMessage({ ...headOf(query), answers: [soa] })];
    }
    return pack(query, [soa, ...zoneRecords(index), soa]);
  };
}

function* zoneRecords(index: NameIndex): Generator<ResourceRecord> {
  yield* recordsOf(index, '', index.nameServers);
  const services = [...index.services()].sort((a, b) => compare(a.name, b.name) || compare(a.namespace, b.namespace));
  for (const known of services) for (const [owner, rrset] of index.recordsOf(known)) yield* recordsOf(index, owner, rrset);
  for (const rrset of index.forward.findText('\x02ns\x03dns')?.rrsets ?? []) yield* recordsOf(index, '\x02ns\x03dns', rrset);
}

function recordsOf(index: NameIndex, owner: string, rrset: RRset): ResourceRecord[] {
  const { type, ttlSeconds } = rrset;
  const zone = `${index.zoneWire}\0`;
  const datas =
    rrset.itemBytes > 0
      ? Array.from({ length: rrset.count }, (_, at) => rrset.data.slice(at * rrset.itemBytes, (at + 1) * rrset.itemBytes))
      : rrset.items.map((item) => (rrset.nameAt < 0 ? item : item + zone));
  return datas.map((data) => ({ name: owner + zone, type, class: classIn, ttlSeconds, data: bytesOf(data) }));
}

/** The SOA record of the cluster domain. */
export function soaRecord(index: Pick<NameIndex, 'serial' | 'ttlSeconds' | 'zoneWire'>): ResourceRecord {
  const zone = `${index.zoneWire}\0`;
  const names = `\x02ns\x03dns${zone}\x0ahostmaster${zone}`;
  const data = new Uint8Array(names.length + 20);
  data.set(bytesOf(names));
  const view = new DataView(data.buffer, names.length);
  for (const [at, value] of [index.serial, 7200, 1800, 86_400, index.ttlSeconds].entries()) view.setUint32(at * 4, value);
  return { name: zone, type: rrTypes.SOA, class: classIn, ttlSeconds: Math.min(300, index.ttlSeconds), data };
}

function serialOf(soa: ResourceRecord): number {
  const { data } = soa;
  return data.length < 20 ? -1 : new DataView(data.buffer, data.byteOffset, data.length).getUint32(data.length - 20);
}

function headOf(query: Message): Message {
  const { id, questions } = query;
  const flags = headerFlags.QR | headerFlags.AA | (query.flags & headerFlags.RD);
  return { id, flags, rcode: rcodes.NOERROR, questions, answers: [], authorities: [], additionals: [] };
}

/** Messages of bounded size; the question stands in the first alone (RFC 5936 §2.2). Sizes are counted uncompressed, so each message fits. */
function pack(query: Message, records: readonly ResourceRecord[]): Uint8Array[] {
  const head = headOf(query);
  const groups: ResourceRecord[][] = [[]];
  let bytes = 300;
  for (const record of records) {
    const size = record.name.length + 10 + record.data.length;
    if (bytes + size > maxTransferBytes) {
      groups.push([]);
      bytes = 300;
    }
    groups.at(-1)?.push(record);
    bytes += size;
  }
  return groups.map((answers, at) => encodeMessage({ ...head, questions: at === 0 ? head.questions : [], answers }));
}

const maxTransferBytes = 60_000;

function parsePrefix(text: string): Cidr {
  const ip = parseIp(text);
  const cidr = ip === undefined ? parseCidr(text) : { address: ip, prefixLength: ip.bytes.length * 8 };
  if (cidr === undefined) throw new TypeError(`not an address, a prefix or *: ${JSON.stringify(text)}`);
  return cidr;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
