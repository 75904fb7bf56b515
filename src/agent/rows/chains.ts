/**
 * The constant chains as expressions.
 *
 * What a rule may look like is bounded by `nft list ruleset`, which must always print it (1.0.6 and later): the result of a map
 * look-up may feed only dnat, `meta set` or a verdict. So verdict numbers, and the ids of affinity, pass from look-up to look-up in skb
 * priority, which is seen on a flow's first packet only, and `postrouting` clears it. That is no packet mark: nobody filters or routes by it.
 */
import type { NftBase, NftExpression } from '../../linux/index.ts';
import { nft } from '../../linux/index.ts';
import type { IpFamily } from '../../net/index.ts';
import type { CounterName, RowSet } from './layout.ts';
import { dropNoLocalEndpoint, endpointChainName, listKinds, rejectNoEndpoint, sourceNumbers } from './chain-names.ts';
import { verdictMap } from './layout.ts';
import { endpointRules } from './pick-chains.ts';
import type { FamilyExpressions, Rule } from './rule-parts.ts';
import { clearPriority, expressionsOf, first, number } from './rule-parts.ts';

/** A chain with its rules. */
export interface ChainText {
  readonly name: string;
  readonly base?: NftBase;
  readonly rules: readonly Rule[];
}

/** What in the constant chains depends on the agent's configuration. */
export interface ChainOptions {
  readonly masqueradeAll: boolean;
  /** False: sources of connections to cluster IPs are always kept, since pods cannot be told from others. */
  readonly detectsPods: boolean;
  /** Forwarded packets of pods and to Services that conntrack calls invalid are dropped: they would pass untranslated. */
  readonly dropsInvalid: boolean;
}

const tcp = 6;
/** NF_CT_STATE_INVALID_BIT of linux/netfilter/nf_conntrack_common.h. */
const stateInvalid = 1;
/** IPS_DST_NAT of linux/netfilter/nf_conntrack_common.h. */
const statusDnat = 0x20;
/** RTN_LOCAL of linux/rtnetlink.h. */
const addressTypeLocal = 2;

/** The constant chains of a family, those that others jump to first. */
export function constantChains(family: IpFamily, options: ChainOptions): ChainText[] {
  const e = expressionsOf(family);
  const reject = (name: string, counter: CounterName): ChainText => ({
    name,
    rules: [
      [nft.countIn(counter)],
      [nft.meta('l4proto', first), nft.cmp('==', first, Uint8Array.of(tcp)), nft.rejectTcpReset()],
      [nft.rejectPortUnreachable(e.nftFamily)],
    ],
  });
  const masquerade = nft.masquerade({ fullyRandom: true });
  return [
    reject(rejectNoEndpoint, 'rejected-no-endpoint'),
    reject('reject-no-such-port', 'rejected-no-such-port'),
    { name: dropNoLocalEndpoint, rules: [[nft.countIn('dropped-no-local-endpoint'), nft.verdict({ kind: 'drop' })]] },
    ...listKinds.map((kind) => ({ name: endpointChainName(kind), rules: endpointRules(family, kind) })),
    { name: 'source-cluster', rules: [clearPriority(), [masquerade]] },
    {
      name: 'source-local',
      rules: [clearPriority(), [nft.fibAddressType('saddr', first), nft.cmp('==', first, number(addressTypeLocal)), masquerade]],
    },
    { name: 'source-cluster-ip', rules: sourceClusterIpRules(e, options, masquerade) },
    {
      name: 'firewall',
      rules: [
        [
          ...e.frontend(first),
          nft.lookup('firewalled', first),
          ...e.clientAndFrontend(first),
          nft.lookup('source-ranges', first, { isInverted: true }),
          nft.countIn('dropped-source-range'),
          nft.verdict({ kind: 'drop' }),
        ],
      ],
    },
    {
      name: 'outside',
      rules: twice([
        [...e.frontend(first), ...follow('services-outside')],
        [...e.destination(first), nft.lookup('nodeport-ips', first), ...e.portKey(first), ...follow('nodeports-outside')],
      ]),
    },
    {
      name: 'services',
      rules: [
        ...twice([
          [...e.frontend(first), ...follow('services')],
          [...e.destination(first), nft.lookup('nodeport-ips', first), ...e.portKey(first), ...follow('nodeports')],
        ]),
        [...e.destination(first), nft.lookup('cluster-ips', first), nft.verdict({ kind: 'goto', chain: 'reject-no-such-port' })],
        [
          ...e.destination(first),
          nft.lookup('service-cidrs', first),
          nft.countIn('dropped-unallocated'),
          nft.verdict({ kind: 'drop' }),
        ],
      ],
    },
    {
      name: 'prerouting',
      base: { type: 'nat', hook: 'prerouting', priority: -100 },
      rules: [
        [nft.verdict({ kind: 'jump', chain: 'firewall' })],
        [...e.source(first), nft.lookup('pods', first, { isInverted: true }), nft.verdict({ kind: 'jump', chain: 'outside' })],
        [nft.verdict({ kind: 'goto', chain: 'services' })],
      ],
    },
    {
      name: 'output',
      base: { type: 'nat', hook: 'output', priority: -100 },
      rules: [[nft.verdict({ kind: 'jump', chain: 'firewall' })], [nft.verdict({ kind: 'goto', chain: 'services' })]],
    },
    {
      name: 'postrouting',
      base: { type: 'nat', hook: 'postrouting', priority: 100 },
      rules: [
        [
          nft.ct('status', first),
          nft.bitwise(first, first, number(statusDnat)),
          nft.cmp('==', first, number(0)),
          nft.verdict({ kind: 'return' }),
        ],
        clearPriority(),
        [...e.source(first), ...e.destination(first + e.width), nft.lookup('hairpin', first), masquerade],
        // Before the cluster IPs: one port of such an address may be an external frontend of another Service.
        [
          e.originalDestination(first),
          nft.meta('l4proto', first + e.width),
          nft.ct('protoDst', first + e.width + 1, 'original'),
          ...setPriorityFrom('sources'),
        ],
        [
          e.originalDestination(first),
          nft.lookup('nodeport-ips', first),
          nft.meta('l4proto', first),
          nft.ct('protoDst', first + 1, 'original'),
          ...setPriorityFrom('sources-nodeports'),
        ],
        ...Object.entries(sourceNumbers).map(([chain, value]): Rule => [
          nft.meta('priority', first),
          nft.cmp('==', first, number(value)),
          nft.verdict({ kind: 'goto', chain }),
        ]),
        [
          e.originalDestination(first),
          nft.lookup('cluster-ips', first),
          nft.verdict({ kind: 'goto', chain: 'source-cluster-ip' }),
        ],
      ],
    },
    ...(options.dropsInvalid ? [forwardChain(e)] : []),
  ];
}

/**
 * A late packet that conntrack calls invalid (out of the window, mostly) enters no nat chain: from an endpoint it would reach the
 * client with the pod's own address, and the client would reset the connection. Dropped, it is sent again.
 */
function forwardChain(e: FamilyExpressions): ChainText {
  const dropInvalid = (address: Rule, set: 'pods' | 'service-cidrs'): Rule => [
    nft.ct('state', first),
    nft.bitwise(first, first, number(stateInvalid)),
    nft.cmp('!=', first, number(0)),
    ...address,
    nft.lookup(set, first),
    nft.countIn('dropped-invalid'),
    nft.verdict({ kind: 'drop' }),
  ];
  return {
    name: 'forward',
    base: { type: 'filter', hook: 'forward', priority: 0 },
    rules: [dropInvalid(e.source(first), 'pods'), dropInvalid(e.destination(first), 'service-cidrs')],
  };
}

function sourceClusterIpRules(e: FamilyExpressions, options: ChainOptions, masquerade: NftExpression): Rule[] {
  if (options.masqueradeAll) return [[masquerade]];
  return options.detectsPods ? [[...e.source(first), nft.lookup('pods', first, { isInverted: true }), masquerade]] : [];
}

/** By the key in the first registers: to where the row's number leads. Without a row the rule does not match. */
function follow(map: RowSet): Rule {
  return [...setPriorityFrom(map), nft.meta('priority', first), nft.vmap(verdictMap, first)];
}

function setPriorityFrom(map: RowSet): Rule {
  return [nft.lookup(map, first, { to: first }), nft.setMeta('priority', first)];
}

/**
 * Once more for a packet whose number went between its two look-ups, with the last frontend that held it: by now its own row holds another.
 * Else it would pass, or be refused, as if there were no row.
 */
function twice(rules: readonly Rule[]): Rule[] {
  return [...rules, ...rules];
}
