/** Two Services, one frontend: who gets it. */
import type { Frontend, LeftOutFrontend, PortDecision, RoutingDecision } from './decision.ts';

/** What decides between two claims on the same address, port and protocol. */
export interface Claim {
  readonly kind: Frontend['kind'];
  readonly createdAt: string;
  /** `namespace/name` of the Service. */
  readonly service: string;
}

/**
 * Negative when `a` comes first. A cluster IP beats anything else, since its allocation is exclusive and an external IP is
 * whatever its author wrote; then the oldest Service; then by name, so that all nodes agree.
 */
export function compareClaims(a: Claim, b: Claim): number {
  const rank = Number(a.kind !== 'clusterIP') - Number(b.kind !== 'clusterIP');
  if (rank !== 0) return rank;
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  return a.service < b.service ? -1 : Number(a.service > b.service);
}

/** What makes two frontends of one family the same to a packet: address, protocol and port, or protocol and node port. */
export function frontendKey(frontend: Pick<Frontend, 'address' | 'port' | 'protocol'>): string {
  return `${frontend.address ?? 'node'} ${frontend.protocol} ${frontend.port}`;
}

/** The same decisions (all of one node and family) with each frontend that a better claim takes moved to `leftOut`. */
export function settleClaims(decisions: readonly RoutingDecision[]): RoutingDecision[] {
  const winners = new Map<string, Claim>();
  for (const decision of decisions) {
    for (const frontend of decision.ports.flatMap((port) => port.frontends)) {
      const key = frontendKey(frontend);
      const claim = claimOf(decision, frontend);
      const known = winners.get(key);
      if (known === undefined || compareClaims(claim, known) < 0) winners.set(key, claim);
    }
  }
  return decisions.map((decision) => ({
    ...decision,
    ports: decision.ports.map((port) => withoutLost(decision, port, winners)),
  }));
}

function withoutLost(decision: RoutingDecision, port: PortDecision, winners: ReadonlyMap<string, Claim>): PortDecision {
  const frontends: Frontend[] = [];
  const lost: LeftOutFrontend[] = [];
  const self = `${decision.namespace}/${decision.name}`;
  for (const frontend of port.frontends) {
    const by = winners.get(frontendKey(frontend))?.service ?? self;
    if (by === self) frontends.push(frontend);
    else {
      const { kind, address = '', protocol } = frontend;
      lost.push({ kind, address, port: frontend.port, protocol, reason: { code: 'claimed', by } });
    }
  }
  return lost.length === 0 ? port : { ...port, frontends, leftOut: [...port.leftOut, ...lost] };
}

function claimOf(decision: RoutingDecision, frontend: Frontend): Claim {
  return { kind: frontend.kind, createdAt: decision.createdAt, service: `${decision.namespace}/${decision.name}` };
}
