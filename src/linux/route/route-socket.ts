/** Links, addresses, routes, rules and neighbours of one network namespace, over an rtnetlink socket. Synchronous. */
import { formatCidr, formatIp, type Cidr, type IpAddress, type IpFamily } from '../../net/index.ts';
import { NetlinkError, isNoSuchThing } from '../errors.ts';
import type { Message } from '../netlink/message-reader.ts';
import { MessageWriter, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE } from '../netlink/message-writer.ts';
import type { NetlinkSocket } from '../netlink/netlink-socket.ts';
import {
  FRA,
  FR_ACT_TO_TBL,
  IFA,
  IFA_F_NODAD,
  IFA_F_NOPREFIXROUTE,
  IFF_UP,
  IFLA,
  IFLA_INFO,
  NDA,
  NUD_PERMANENT,
  RTA,
  RTM,
  RTNH_F_ONLINK,
  RTPROT_STATIC,
  RT_SCOPE,
  RT_TABLE_MAIN,
  VETH_INFO_PEER,
  decodeAddress,
  decodeLink,
  decodeNeighbour,
  decodeRoute,
  decodeRule,
  familyNumber,
  isDefault,
  parseMac,
  routeShapeOf,
  routeTypes,
  writeAddressHeader,
  writeLinkHeader,
  writeNeighbourHeader,
  writeRouteHeader,
  writeRuleHeader,
} from './messages.ts';
import type { DumpedRoute, Link, LinkAddress, Neighbour, NextHop, Route, RouteRule } from './model.ts';

/** A pair of connected links. */
export interface VethOptions {
  readonly name: string;
  readonly peer: string;
  /** Where the peer is made; default: the same namespace. */
  readonly peerNamespaceFd?: number;
  readonly mtu?: number;
  readonly mac?: string;
  readonly peerMac?: string;
}

/** All methods throw `NetlinkError` when the kernel refuses; ENODEV for a link that is not there. */
export class RouteSocket {
  readonly #socket: NetlinkSocket;
  readonly #writer = new MessageWriter();

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  listLinks(): Link[] {
    return this.#dump(RTM.GETLINK, (w) => writeLinkHeader(w, 0)).map(decodeLink);
  }

  /** Undefined when there is no such link. */
  getLink(name: string): Link | undefined {
    try {
      const [reply] = this.#request(RTM.GETLINK, 0, (w) => writeLinkHeader(w, 0).attributeString(IFLA.IFNAME, name));
      return reply === undefined ? undefined : decodeLink(reply);
    } catch (error) {
      if (isNoSuchThing(error)) return undefined;
      throw error;
    }
  }

  addVeth(options: VethOptions): void {
    this.#addLink('veth', options, (w) => {
      const peer = w.beginNest(VETH_INFO_PEER);
      writeLinkHeader(w, 0).attributeString(IFLA.IFNAME, options.peer);
      if (options.mtu !== undefined) w.attributeU32(IFLA.MTU, options.mtu);
      if (options.peerMac !== undefined) w.attribute(IFLA.ADDRESS, parseMac(options.peerMac));
      if (options.peerNamespaceFd !== undefined) w.attributeU32(IFLA.NET_NS_FD, options.peerNamespaceFd);
      w.endNest(peer);
    });
  }

  addBridge(name: string): void {
    this.#addLink('bridge', { name });
  }

  addDummy(name: string): void {
    this.#addLink('dummy', { name });
  }

  /** A veth takes its peer with it. */
  deleteLink(name: string): void {
    this.#request(RTM.DELLINK, 0, (w) => writeLinkHeader(w, 0).attributeString(IFLA.IFNAME, name));
  }

  /** Moves a link to another namespace, under a new name if given. It arrives down and without addresses. */
  moveLink(name: string, namespaceFd: number, newName?: string): void {
    this.#changeLink(name, (w) => {
      w.attributeU32(IFLA.NET_NS_FD, namespaceFd);
      if (newName !== undefined) w.attributeString(IFLA.IFNAME, newName);
    });
  }

  /** The link must be down. */
  renameLink(name: string, newName: string): void {
    this.#changeLink(name, (w) => w.attributeString(IFLA.IFNAME, newName));
  }

  /** `undefined`: out of its bridge. */
  setMaster(name: string, bridge: string | undefined): void {
    const master = bridge === undefined ? 0 : this.#indexOf(bridge);
    this.#changeLink(name, (w) => w.attributeU32(IFLA.MASTER, master));
  }

  setUp(name: string): void {
    this.#changeLink(name, () => undefined, IFF_UP);
  }

  setDown(name: string): void {
    this.#changeLink(name, () => undefined, 0);
  }

  setMtu(name: string, mtu: number): void {
    this.#changeLink(name, (w) => w.attributeU32(IFLA.MTU, mtu));
  }

  setMac(name: string, mac: string): void {
    this.#changeLink(name, (w) => w.attribute(IFLA.ADDRESS, parseMac(mac)));
  }

  listAddresses(family?: IpFamily): LinkAddress[] {
    const messages = this.#dump(RTM.GETADDR, (w) => writeAddressHeader(w, familyNumber(family), 0, 0));
    return messages.map(decodeAddress).filter(isDefined);
  }

  /** IPv6 addresses skip duplicate address detection and are usable at once. EEXIST when it is there. */
  addAddress(link: string, address: Cidr, options: { readonly noPrefixRoute?: boolean } = {}): void {
    const isV6 = address.address.family === 'IPv6';
    const flags = (isV6 ? IFA_F_NODAD : 0) | (options.noPrefixRoute === true ? IFA_F_NOPREFIXROUTE : 0);
    this.#changeAddress(RTM.NEWADDR, NLM_F_CREATE | NLM_F_EXCL, link, address, flags);
  }

  /** EADDRNOTAVAIL when it is not there. */
  deleteAddress(link: string, address: Cidr): void {
    this.#changeAddress(RTM.DELADDR, 0, link, address, 0);
  }

  /** All tables, the kernel's local one included. */
  listRoutes(family?: IpFamily): DumpedRoute[] {
    const messages = this.#dump(RTM.GETROUTE, (w) =>
      writeRouteHeader(w, { family: familyNumber(family), prefixLength: 0, table: 0, protocol: 0, scope: 0, type: 0, flags: 0 }),
    );
    return messages.map(decodeRoute).filter(isDefined);
  }

  /** EEXIST when there is a route with the same destination, table and metric. */
  addRoute(route: Route): void {
    this.#changeRoute(RTM.NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route);
  }

  /** Adds, or takes the place of the route with the same destination, table and metric, in one step. */
  replaceRoute(route: Route): void {
    this.#changeRoute(RTM.NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
  }

  /** Only what is given must match; of a multipath route all ways go. ESRCH when there is none. */
  deleteRoute(route: Route): void {
    this.#changeRoute(RTM.DELROUTE, 0, route);
  }

  listRules(family?: IpFamily): RouteRule[] {
    return this.#dump(RTM.GETRULE, (w) => writeRuleHeader(w, familyNumber(family)))
      .map(decodeRule)
      .filter(isDefined);
  }

  addRule(rule: RouteRule): void {
    this.#changeRule(RTM.NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
  }

  deleteRule(rule: RouteRule): void {
    this.#changeRule(RTM.DELRULE, 0, rule);
  }

  listNeighbours(family?: IpFamily): Neighbour[] {
    return this.#dump(RTM.GETNEIGH, (w) => writeNeighbourHeader(w, familyNumber(family)))
      .map(decodeNeighbour)
      .filter(isDefined);
  }

  /** A permanent entry. */
  addNeighbour(link: string, address: IpAddress, mac: string): void {
    const index = this.#indexOf(link);
    this.#request(RTM.NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, (w) => {
      writeNeighbourHeader(w, familyNumber(address.family), index, NUD_PERMANENT);
      w.attribute(NDA.DST, address.bytes).attribute(NDA.LLADDR, parseMac(mac));
    });
  }

  /** Closes the socket. */
  close(): void {
    this.#socket.close();
  }

  #addLink(
    kind: string,
    options: { readonly name: string; readonly mtu?: number; readonly mac?: string },
    writeData?: (writer: MessageWriter) => void,
  ): void {
    this.#request(RTM.NEWLINK, NLM_F_CREATE | NLM_F_EXCL, (w) => {
      writeLinkHeader(w, 0).attributeString(IFLA.IFNAME, options.name);
      if (options.mtu !== undefined) w.attributeU32(IFLA.MTU, options.mtu);
      if (options.mac !== undefined) w.attribute(IFLA.ADDRESS, parseMac(options.mac));
      const info = w.beginNest(IFLA.LINKINFO);
      w.attributeString(IFLA_INFO.KIND, kind);
      if (writeData !== undefined) {
        const data = w.beginNest(IFLA_INFO.DATA);
        writeData(w);
        w.endNest(data);
      }
      w.endNest(info);
    });
  }

  #changeLink(name: string, write: (writer: MessageWriter) => unknown, flags?: number): void {
    const index = this.#indexOf(name);
    this.#request(RTM.NEWLINK, 0, (w) => {
      writeLinkHeader(w, index, flags ?? 0, flags === undefined ? 0 : IFF_UP);
      write(w);
    });
  }

  #changeAddress(type: number, messageFlags: number, link: string, address: Cidr, flags: number): void {
    const index = this.#indexOf(link);
    const family = familyNumber(address.address.family);
    try {
      this.#request(type, messageFlags, (w) => {
        writeAddressHeader(w, family, address.prefixLength, index);
        w.attribute(IFA.LOCAL, address.address.bytes).attribute(IFA.ADDRESS, address.address.bytes);
        if (flags !== 0) w.attributeU32(IFA.FLAGS, flags);
      });
    } catch (error) {
      throw withSubject(error, `${formatCidr(address)} dev ${link}`);
    }
  }

  #changeRoute(type: number, flags: number, route: Route): void {
    const family = route.dst?.address.family ?? route.via?.family ?? route.family ?? route.multipath?.[0]?.via?.family ?? 'IPv4';
    const device = route.dev === undefined ? undefined : this.#indexOf(route.dev);
    const hops = route.multipath?.map((hop) => ({ hop, index: hop.dev === undefined ? 0 : this.#indexOf(hop.dev) }));
    const isDelete = type === RTM.DELROUTE;
    const table = route.table ?? RT_TABLE_MAIN;
    const isVia = route.via !== undefined || route.multipath?.some((hop) => hop.via !== undefined) === true;
    const routeType = route.type ?? (isDelete ? undefined : 'unicast');
    const scope =
      isDelete || family === 'IPv6' || isVia || device === undefined
        ? RT_SCOPE.UNIVERSE
        : routeType === 'local'
          ? RT_SCOPE.HOST
          : RT_SCOPE.LINK;
    try {
      this.#request(type, flags, (w) => {
        writeRouteHeader(w, {
          family: familyNumber(family),
          prefixLength: route.dst?.prefixLength ?? 0,
          table,
          protocol: isDelete ? 0 : RTPROT_STATIC,
          // In a deletion the widest scope stands for any.
          scope: isDelete ? 255 : scope,
          type: routeType === undefined ? 0 : routeTypes[routeType],
          flags: route.onlink === true ? RTNH_F_ONLINK : 0,
        });
        if (!isDefault(route.dst)) w.attribute(RTA.DST, route.dst?.address.bytes ?? new Uint8Array(0));
        w.attributeU32(RTA.TABLE, table);
        if (route.metric !== undefined) w.attributeU32(RTA.PRIORITY, route.metric);
        if (route.via !== undefined) writeGateway(w, family, route.via);
        if (device !== undefined) w.attributeU32(RTA.OIF, device);
        if (route.src !== undefined) w.attribute(RTA.PREFSRC, route.src.bytes);
        if (hops !== undefined) writeNextHops(w, family, hops);
      });
    } catch (error) {
      throw withSubject(error, describeRoute(route));
    }
  }

  #changeRule(type: number, flags: number, rule: RouteRule): void {
    this.#request(type, flags, (w) => {
      writeRuleHeader(
        w,
        familyNumber(rule.family),
        rule.dst?.prefixLength ?? 0,
        rule.src?.prefixLength ?? 0,
        rule.table,
        FR_ACT_TO_TBL,
      );
      w.attributeU32(FRA.TABLE, rule.table);
      if (rule.priority !== undefined) w.attributeU32(FRA.PRIORITY, rule.priority);
      if (rule.dst !== undefined) w.attribute(FRA.DST, rule.dst.address.bytes);
      if (rule.src !== undefined) w.attribute(FRA.SRC, rule.src.address.bytes);
      if (rule.inputInterface !== undefined) w.attributeString(FRA.IIFNAME, rule.inputInterface);
      if (rule.mark !== undefined) w.attributeU32(FRA.FWMARK, rule.mark);
    });
  }

  #indexOf(link: string | number): number {
    if (typeof link === 'number') return link;
    const found = this.getLink(link);
    if (found !== undefined) return found.index;
    throw new NetlinkError(`RTM_GETLINK ${link}: ENODEV`, { code: 'ENODEV', errno: 19, operation: 'RTM_GETLINK', subject: link });
  }

  #request(type: number, flags: number, write: (writer: MessageWriter) => unknown): Message[] {
    const writer = this.#writer;
    writer.clear();
    writer.begin(type, flags | NLM_F_ACK);
    write(writer);
    writer.end();
    return this.#socket.request(writer, routeShapeOf);
  }

  #dump(type: number, write: (writer: MessageWriter) => unknown): Message[] {
    const writer = this.#writer;
    writer.clear();
    writer.begin(type, NLM_F_DUMP);
    write(writer);
    writer.end();
    return this.#socket.dump(writer, routeShapeOf);
  }
}

/** RTA_GATEWAY, or RTA_VIA for an IPv4 route by way of an IPv6 neighbour. */
function writeGateway(writer: MessageWriter, family: IpFamily, via: IpAddress): void {
  if (via.family === family) {
    writer.attribute(RTA.GATEWAY, via.bytes);
    return;
  }
  const value = new Uint8Array(2 + via.bytes.length);
  value[0] = familyNumber(via.family);
  value.set(via.bytes, 2);
  writer.attribute(RTA.VIA, value);
}

/** struct rtnexthop, repeated: length, flags, hops (weight - 1), index, then its own attributes. */
function writeNextHops(writer: MessageWriter, family: IpFamily, hops: readonly { hop: NextHop; index: number }[]): void {
  const multipath = writer.beginNest(RTA.MULTIPATH);
  for (const { hop, index } of hops) {
    const entry = new MessageWriter(64);
    if (hop.via !== undefined) writeGateway(entry, family, hop.via);
    writer
      .u16(8 + entry.length)
      .u8(0)
      .u8((hop.weight ?? 1) - 1)
      .u32(index)
      .raw(entry.bytes);
  }
  writer.endNest(multipath);
}

function describeRoute(route: Route): string {
  const dst = route.dst === undefined ? 'default' : formatCidr(route.dst);
  return `${dst}${route.via === undefined ? '' : ` via ${formatIp(route.via)}`}${route.dev === undefined ? '' : ` dev ${route.dev}`}`;
}

/** The same error with what it was about: addresses stand as bytes in the message and would not be readable. */
function withSubject(error: unknown, subject: string): unknown {
  if (!(error instanceof NetlinkError) || error.facts.subject !== undefined) return error;
  const text = error.message.replace(error.facts.operation, `${error.facts.operation} ${subject}`);
  return new NetlinkError(text, { ...error.facts, subject }, { cause: error });
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined;
}
