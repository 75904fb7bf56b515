/** Connection tracking entries as plain data. Source: linux/netfilter/nfnetlink_conntrack.h. */
import type { IpAddress, IpFamily } from '../../net/index.ts';

/** One direction of a connection, as the packet has it. Ports are 0 for protocols without. */
export interface FlowTuple {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** IANA number: 6 TCP, 17 UDP. */
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export interface Flow {
  /** The first packet, before translation. */
  readonly original: FlowTuple;
  /** What answers look like on arrival: its source is the endpoint after DNAT. */
  readonly reply: FlowTuple;
  /** IPS_* bits: 0x20 destination was translated, 0x10 source was, 2 assured. */
  readonly status: number;
  readonly timeoutSeconds: number;
  readonly id: number;
}

/** What a dump is limited to; the kernel (5.8 and later) filters, and what it cannot filter is filtered after. */
export interface FlowFilter {
  readonly family: IpFamily;
  readonly protocol?: number;
  /** Destination of the original direction: the frontend. */
  readonly originalDestination?: IpAddress;
  readonly originalDestinationPort?: number;
  readonly originalSource?: IpAddress;
  /** Source of the reply direction: the endpoint. */
  readonly replySource?: IpAddress;
  readonly replySourcePort?: number;
  /** Bits that must be set in status. */
  readonly status?: number;
}
