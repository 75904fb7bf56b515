/** What a client must hear from a frontend, by what `routing` says on the nodes that its packet passes. */
import type { CounterName } from '../../../src/agent/index.ts';
import { cidrContains, mustParseCidr, mustParseIp } from '../../../src/net/index.ts';
import type { IpFamily, Protocol } from '../../../src/net/index.ts';
import { frontendKey } from '../../../src/routing/index.ts';
import type { NodeRoutes, Routed } from './decisions.ts';
import { backendAddress, secondAddress } from './random-cluster.ts';

/** Who asks for what. */
export interface Question {
  readonly from: string;
  /** Address that the client has. */
  readonly client: string;
  readonly family: IpFamily;
  readonly protocol: Protocol;
  readonly address: string;
  readonly port: number;
}

export type Expectation =
  | {
      readonly kind: 'served';
      /** Where the packet is translated. */
      readonly node: string;
      readonly routed: Routed;
      /** `address port` of each endpoint. */
      readonly endpoints: readonly string[];
      readonly scope: 'pod' | 'node' | 'outside';
    }
  /** Refused or dropped by a node's table, which counts it. */
  | { readonly kind: 'refused' | 'dropped'; readonly node: string; readonly counter: CounterName }
  /** No Service's: whatever is heard, it is no endpoint. */
  | { readonly kind: 'elsewhere' };

/** Follows the packet through the nodes. `routes`: of the question's family, by node. */
export function expectedAnswer(question: Question, routes: ReadonlyMap<string, NodeRoutes>): Expectation {
  let node = nodeOfClient(question.from, question.address);
  for (;;) {
    const own = routes.get(node);
    if (own === undefined) throw new Error(`no routes of ${node}`);
    const found = answerOn(own, question);
    if (found !== undefined) return found;
    // what one node does not take reaches the node that bears the address
    const owner = ownerOf(question.address);
    if (owner === undefined || owner === node) return { kind: 'elsewhere' };
    node = owner;
  }
}

/** Where a client stands in the eyes of a node. */
export function scopeOn({ nodeName, node }: NodeRoutes, from: string, client: string): 'pod' | 'node' | 'outside' {
  if (from === nodeName) return 'node';
  const ip = mustParseIp(client);
  const isPod = (node?.spec?.podCIDRs ?? []).some((cidr) => cidrContains(mustParseCidr(cidr), ip));
  return isPod ? 'pod' : 'outside';
}

/** The source that an endpoint must have seen. */
export function expectedSource(
  { scope, routed, node }: Extract<Expectation, { kind: 'served' }>,
  question: Question,
  endpoint: string,
): string {
  const own = backendAddress(node, question.family);
  // what a process of the node takes never passes the hook that masquerades
  if (endpoint.startsWith(`${own} `)) return question.client;
  const isHairpin = endpoint.startsWith(`${question.client} `);
  return isHairpin || routed.frontend.source[scope] === 'masqueraded' ? own : question.client;
}

/** The frontend of a node's table that the packet meets; undefined where the node's table lets it pass. */
export function frontendOn(routes: NodeRoutes, { address, port, protocol }: Question): Routed | undefined {
  const exact = routes.frontends.get(frontendKey({ address, port, protocol }));
  if (exact !== undefined) return exact;
  const isOurs = nodePortAddress(routes) === address;
  return isOurs ? routes.frontends.get(frontendKey({ port, protocol })) : undefined;
}

/** The address on which a node answers node ports. */
export function nodePortAddress({ node, family }: NodeRoutes): string | undefined {
  const addresses = (node?.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP');
  return addresses.find(({ address }) => mustParseIp(address).family === family)?.address;
}

function answerOn(routes: NodeRoutes, question: Question): Expectation | undefined {
  const node = routes.nodeName;
  const routed = frontendOn(routes, question);
  if (routed === undefined) {
    if (
      [...routes.frontends.values()].some(
        ({ frontend }) => frontend.kind === 'clusterIP' && frontend.address === question.address,
      )
    )
      return { kind: 'refused', node, counter: 'rejected-no-such-port' };
    const isOfServices = question.address.startsWith('10.96.') || question.address.startsWith('fd00:10:96:');
    return isOfServices ? { kind: 'dropped', node, counter: 'dropped-unallocated' } : undefined;
  }
  const scope = scopeOn(routes, question.from, question.client);
  const { sourceRanges } = routed.frontend;
  const ip = mustParseIp(question.client);
  if (sourceRanges !== undefined && !sourceRanges.some((range) => cidrContains(mustParseCidr(range), ip)))
    return { kind: 'dropped', node, counter: 'dropped-source-range' };
  const target = scope === 'outside' ? routed.frontend.outside : routed.frontend.inside;
  switch (target.kind) {
    case 'reject':
      return { kind: 'refused', node, counter: 'rejected-no-endpoint' };
    case 'drop':
      return { kind: 'dropped', node, counter: 'dropped-no-local-endpoint' };
    case 'endpoints':
      return {
        kind: 'served',
        node,
        routed,
        scope,
        endpoints: target.endpoints.map(({ address, port }) => `${address} ${port}`),
      };
  }
}

/** The node whose table the packet meets first: the outside reaches Services through n1. */
function nodeOfClient(from: string, address: string): string {
  if (from === 'outside') return ownerOf(address) ?? 'n1';
  return from.startsWith('n') ? from : from.startsWith('a') ? 'n1' : 'n2';
}

function ownerOf(address: string): string | undefined {
  return ['n1', 'n2'].find((node) =>
    [backendAddress(node, 'IPv4'), backendAddress(node, 'IPv6'), secondAddress(node)].includes(address),
  );
}
