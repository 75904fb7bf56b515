/** Rows that follow from the node and the cluster, not from a Service. Pure. */
import { textsIn } from '../../api/index.ts';
import type { Node } from '../../api/index.ts';
import type { Cidr, IpFamily } from '../../net/index.ts';
import { cidrContains, cidrRange } from '../../net/index.ts';
import { parseStoredCidr, parseStoredIp, withoutNested } from '../../routing/index.ts';
import type { Bytes } from './row-bytes.ts';
import { packIpBytes } from './row-bytes.ts';
import type { NodeRows } from './table-state.ts';

/** What tells a pod of this node from any other client. */
export type PodDetector =
  /** Sources in spec.podCIDRs of the Node. */
  { readonly kind: 'node-pod-cidrs' } | { readonly kind: 'cidrs'; readonly cidrs: readonly string[] } | { readonly kind: 'none' };

export interface NodeFacts {
  readonly node: Node | undefined;
  readonly detector: PodDetector;
  /** Ranges of cluster IPs: an address in them that belongs to no Service is dropped. */
  readonly serviceCidrs: readonly string[];
  /** Addresses of the node. The first of a family is the primary one. */
  readonly nodeAddresses: readonly string[];
  /** Addresses that the node's links bear: `nodePortAddresses` chooses among them. Absent: `nodeAddresses`. */
  readonly linkAddresses?: readonly string[];
  /** Prefixes of the addresses that answer on node ports; absent: the primary address of each family only. */
  readonly nodePortAddresses?: readonly string[];
}

/** The node's rows of one family. What cannot be parsed is left out. */
export function nodeRowsOf(facts: NodeFacts, family: IpFamily): NodeRows {
  const { node, detector } = facts;
  const podCidrs = detector.kind === 'cidrs' ? detector.cidrs : detector.kind === 'none' ? [] : podCidrsOf(node);
  return {
    'nodeport-ips': nodePortIps(facts, family),
    'service-cidrs': ranges(facts.serviceCidrs, family),
    pods: ranges(podCidrs, family),
  };
}

function nodePortIps(facts: NodeFacts, family: IpFamily): Bytes[] {
  const known = facts.nodePortAddresses === undefined ? undefined : facts.linkAddresses;
  const own = (known ?? facts.nodeAddresses).map(parseStoredIp).filter((ip) => ip?.family === family && !isLoopback(ip.bytes));
  const cidrs = facts.nodePortAddresses?.map(parseStoredCidr).filter((cidr): cidr is Cidr => cidr?.address.family === family);
  const chosen =
    facts.nodePortAddresses === undefined ? own.slice(0, 1) : own.filter((ip) => ip !== undefined && matches(cidrs ?? [], ip));
  return chosen.flatMap((ip) => (ip === undefined ? [] : [packIpBytes(ip)]));
}

/** A family without a prefix of its own in the list accepts all addresses, as kube-proxy does. */
function matches(cidrs: readonly Cidr[], ip: NonNullable<ReturnType<typeof parseStoredIp>>): boolean {
  return cidrs.length === 0 || cidrs.some((cidr) => cidrContains(cidr, ip));
}

/** 127.0.0.0/8 and ::1 never answer on node ports: the kernel routes neither to another host. */
function isLoopback(bytes: Uint8Array): boolean {
  return bytes.length === 4 ? bytes[0] === 127 : bytes.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

function podCidrsOf(node: Node | undefined): readonly string[] {
  const list = textsIn(node?.spec?.podCIDRs);
  return list.length > 0 ? list : textsIn([node?.spec?.podCIDR ?? '']);
}

function ranges(texts: readonly string[], family: IpFamily): Bytes[] {
  const cidrs = texts.map(parseStoredCidr).filter((cidr): cidr is Cidr => cidr?.address.family === family);
  return withoutNested(cidrs).map((cidr) => {
    const { first, last } = cidrRange(cidr);
    return packIpBytes(first) + packIpBytes(last);
  });
}
