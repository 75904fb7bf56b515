/** Links, addresses, routes, rules and neighbours as plain data. Source: linux/rtnetlink.h. */
import type { Cidr, IpAddress, IpFamily } from '../../net/index.ts';

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mac?: string;
  readonly mtu: number;
  readonly isUp: boolean;
  readonly isRunning: boolean;
  /** `veth`, `bridge`, `dummy`, … ; absent for lo and hardware. */
  readonly kind?: string;
  /** Index of the bridge it is a port of. */
  readonly master?: number;
}

export interface LinkAddress {
  readonly linkIndex: number;
  readonly address: Cidr;
  readonly scope: number;
  readonly isTentative: boolean;
}

/** One way of a multipath route. At least one of the two. */
export interface NextHop {
  readonly via?: IpAddress;
  /** Link name or index. */
  readonly dev?: string | number;
  /** 1 to 256; default 1. */
  readonly weight?: number;
}

export type RouteType = 'unicast' | 'local' | 'blackhole' | 'unreachable' | 'prohibit' | 'throw';

/** A route to be added. Absent `dst` = the default route; then `family` (or via/multipath) says of which family. */
export interface Route {
  readonly dst?: Cidr;
  readonly family?: IpFamily;
  readonly via?: IpAddress;
  readonly dev?: string | number;
  /** Preferred source address. */
  readonly src?: IpAddress;
  readonly multipath?: readonly NextHop[];
  /** Default 254 (main). */
  readonly table?: number;
  readonly metric?: number;
  readonly type?: RouteType;
  /** Trust that `via` is reachable on `dev` without a covering prefix. */
  readonly onlink?: boolean;
}

export interface DumpedRoute {
  readonly family: IpFamily;
  /** Undefined for the default route. */
  readonly dst: Cidr | undefined;
  readonly type: RouteType | 'other';
  readonly table: number;
  readonly protocol: number;
  readonly scope: number;
  readonly metric?: number;
  readonly via?: IpAddress;
  readonly linkIndex?: number;
  readonly src?: IpAddress;
  readonly multipath?: readonly { readonly via?: IpAddress; readonly linkIndex: number; readonly weight: number }[];
}

export interface RouteRule {
  readonly family: IpFamily;
  readonly priority?: number;
  readonly src?: Cidr;
  readonly dst?: Cidr;
  readonly inputInterface?: string;
  readonly mark?: number;
  readonly table: number;
}

export interface Neighbour {
  readonly linkIndex: number;
  readonly address: IpAddress;
  readonly mac?: string;
  /** NUD_* bits: 0x80 permanent, 2 reachable, 4 stale, 0x20 failed. */
  readonly state: number;
}
