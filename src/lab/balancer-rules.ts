/**
 * The rules of `outside`: which node a connection to a load-balancer address goes through. Pure.
 *
 *   chain out (route, output)
 *     ct status seen-reply, ct mark != 0      meta mark = ct mark, accept      an answered connection keeps its node
 *     ip daddr @balancers                     jump lb-N
 *     ct state new, ip daddr pods             reject                           outside knows no way to pods, only answers them
 *   chain lb-N                                one of its nodes at random: mark, ct mark = mark;  no node: drop (a client tries again)
 *
 * The mark chooses a routing table with one default route, via that node. So a node that leaves the rotation keeps the
 * connections it has: what an ECMP route, which hashes anew whenever its next hops change, would not give.
 */
import type { IpAddress, IpFamily } from '../net/index.ts';
import { cidrRange } from '../net/index.ts';
import type { NftElement, NftExpression, NftTable } from '../linux/index.ts';
import { nft } from '../linux/index.ts';
import { addressPlan } from './address-plan.ts';

export const outsideTable: NftTable = { family: 'inet', name: 'fairlead-outside' };
export const outputChain = 'out';

/** Register for values (NFT_REG32_00); 0 is the verdict register. */
const register = 8;
/** IPS_SEEN_REPLY, linux/netfilter/nf_conntrack_common.h. */
const seenReply = 2;
/** NF_CT_STATE_BIT(IP_CT_NEW). */
const stateNew = 8;
const nfProtocols: Readonly<Record<IpFamily, number>> = { IPv4: 2, IPv6: 10 };
const destinationOffset: Readonly<Record<IpFamily, readonly [offset: number, length: number]>> = {
  IPv4: [16, 4],
  IPv6: [24, 16],
};

/** Name of the map from address to chain. */
export function balancerMap(family: IpFamily): string {
  return family === 'IPv4' ? 'balancers4' : 'balancers6';
}

/** Rules of the output chain, in order. */
export function outputRules(families: readonly IpFamily[]): NftExpression[][] {
  const rules = [
    [
      nft.ct('status', register),
      nft.bitwise(register, register, u32(seenReply)),
      nft.cmp('!=', register, u32(0)),
      nft.ct('mark', register),
      nft.cmp('!=', register, u32(0)),
      nft.setMeta('mark', register),
      nft.verdict({ kind: 'accept' }),
    ],
  ];
  for (const family of families) {
    const [offset, length] = destinationOffset[family];
    const isFamily = [nft.meta('nfproto', register), nft.cmp('==', register, Uint8Array.of(nfProtocols[family]))];
    const pods = cidrRange(addressPlan[family].allPods);
    rules.push(
      [...isFamily, nft.payload('network', offset, length, register), nft.vmap(balancerMap(family), register)],
      [
        ...isFamily,
        nft.ct('state', register),
        nft.bitwise(register, register, u32(stateNew)),
        nft.cmp('!=', register, u32(0)),
        nft.payload('network', offset, length, register),
        nft.range('==', register, pods.first.bytes, pods.last.bytes),
        rejectNoRoute,
      ],
    );
  }
  return rules;
}

/** Rules of one balancer's chain: each node gets an equal share of new connections. */
export function shareRules(nodeMarks: readonly number[]): NftExpression[][] {
  const rules = nodeMarks.map((mark, index) => {
    const left = nodeMarks.length - index;
    const isChosen = left === 1 ? [] : [nft.numgen('random', left, register), nft.cmp('==', register, u32(0))];
    return [
      ...isChosen,
      nft.immediate(register, u32(mark)),
      nft.setMeta('mark', register),
      setCtMark,
      nft.verdict({ kind: 'accept' }),
    ];
  });
  return rules.length === 0 ? [[nft.verdict({ kind: 'drop' })]] : rules;
}

/** The map element that sends an address to its chain. */
export function balancerElement(address: IpAddress, chain: string): NftElement {
  return { key: address.bytes, verdict: { kind: 'jump', chain } };
}

/** `ct mark set` from the register: NFTA_CT_KEY = NFT_CT_MARK (3), NFTA_CT_SREG. Numbers of attributes are big-endian. */
const setCtMark: NftExpression = { name: 'ct', data: attributes([2, bigEndian(3)], [4, bigEndian(register)]) };

/** `reject with icmpx no-route`: NFTA_REJECT_TYPE = NFT_REJECT_ICMPX_UNREACH (2), NFTA_REJECT_ICMP_CODE = 0. */
const rejectNoRoute: NftExpression = { name: 'reject', data: attributes([1, bigEndian(2)], [2, Uint8Array.of(0)]) };

/** A number as the kernel has marks and states: in host order, little-endian on all that Node runs on. */
function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, false);
  return bytes;
}

/** Netlink attributes: u16 length, u16 type, payload padded to 4. */
function attributes(...list: readonly (readonly [type: number, payload: Uint8Array])[]): Uint8Array {
  const parts: number[] = [];
  for (const [type, payload] of list) {
    parts.push((payload.length + 4) & 0xff, (payload.length + 4) >> 8, type & 0xff, type >> 8, ...payload);
    while (parts.length % 4 !== 0) parts.push(0);
  }
  return Uint8Array.from(parts);
}
