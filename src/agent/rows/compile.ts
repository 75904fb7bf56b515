/** Decisions -> what each frontend wants of the kernel, before endpoints get their indexes. Pure. */
import type { Protocol } from '../../net/index.ts';
import { parseStoredCidr } from '../../routing/index.ts';
import type { Frontend, FrontendKind, HealthCheckDecision, PortDecision, RoutingDecision, Target } from '../../routing/index.ts';
import { cidrRange } from '../../net/index.ts';
import type { Bytes } from './row-bytes.ts';
import { packEndpoint, packFrontend, packIp, packIpBytes } from './row-bytes.ts';
import type { SourceChain } from './chain-names.ts';
import { dropNoLocalEndpoint, rejectNoEndpoint } from './chain-names.ts';
import { maxEndpoints } from './layout.ts';

/** What one scope of a frontend wants: endpoints in no particular order, or a constant chain. */
export type WantedTarget = readonly Bytes[] | typeof rejectNoEndpoint | typeof dropNoLocalEndpoint;

/** One frontend as its Service wants it. */
export interface WantedFrontend {
  /** `namespace/name`. */
  readonly service: string;
  readonly createdAt: string;
  readonly portName: string;
  readonly kind: FrontendKind;
  readonly protocol: Protocol;
  /** Frontend bytes; a node port has the all-zero address. */
  readonly key: Bytes;
  readonly inside: WantedTarget;
  /** Only where outside clients are treated differently: externalTrafficPolicy Local. */
  readonly outside?: WantedTarget;
  /** Chain that treats the source after translation; absent for cluster IPs, whose chain is found by address. */
  readonly sources?: SourceChain;
  readonly timeoutSeconds?: number;
  /** First and last client address (bytes, joined) of each admitted range; absent: everybody. */
  readonly ranges?: readonly Bytes[];
  /** UDP only: every endpoint that still serves, whatever the policies; flows to any other are stale. */
  readonly serving?: ReadonlySet<Bytes>;
}

/** One Service in one family. */
export interface WantedService {
  readonly frontends: readonly WantedFrontend[];
  /** Addresses of its endpoints on this node: they may reach themselves. */
  readonly hairpins: readonly Bytes[];
  readonly healthCheck?: HealthCheckDecision;
}

/** Compiles one decision. Lists that frontends share are shared in the result. Cost grows with endpoints × ports. */
export function compileDecision(decision: RoutingDecision): WantedService {
  const frontends: WantedFrontend[] = [];
  const hairpins = new Set<Bytes>();
  const targets = new Map<Target, WantedTarget>();
  for (const port of decision.ports) {
    const serving = port.protocol === 'UDP' ? servingEndpoints(port) : undefined;
    for (const frontend of port.frontends) frontends.push(compileFrontend(decision, port, frontend, targets, serving));
    for (const line of port.endpoints) {
      // an endpoint written by hand may not say where it is; the row matches on its own node only, so it harms nowhere
      if (line.used && (line.isLocal || line.nodeName === undefined)) hairpins.add(packIp(line.address));
    }
  }
  return {
    frontends,
    hairpins: [...hairpins],
    ...(decision.healthCheck === undefined ? {} : { healthCheck: decision.healthCheck }),
  };
}

function compileFrontend(
  decision: RoutingDecision,
  port: PortDecision,
  frontend: Frontend,
  targets: Map<Target, WantedTarget>,
  serving: ReadonlySet<Bytes> | undefined,
): WantedFrontend {
  const isInternal = frontend.kind === 'clusterIP';
  const outside = !isInternal && frontend.policy === 'Local' ? compileTarget(frontend.outside, targets) : undefined;
  return {
    service: `${decision.namespace}/${decision.name}`,
    createdAt: decision.createdAt,
    portName: port.name,
    kind: frontend.kind,
    protocol: frontend.protocol,
    key: packFrontend(decision.family, frontend.address, frontend.protocol, frontend.port),
    inside: compileTarget(frontend.inside, targets),
    // Where nothing is usable anywhere, the row for everybody refuses outside clients as well.
    ...(outside === undefined || outside === rejectNoEndpoint ? {} : { outside }),
    ...(isInternal ? {} : { sources: frontend.policy === 'Local' ? ('source-local' as const) : ('source-cluster' as const) }),
    ...(frontend.affinity === undefined ? {} : { timeoutSeconds: frontend.affinity.timeoutSeconds }),
    ...(frontend.sourceRanges === undefined ? {} : { ranges: frontend.sourceRanges.flatMap(packRange) }),
    ...(serving === undefined ? {} : { serving }),
  };
}

function compileTarget(target: Target, known: Map<Target, WantedTarget>): WantedTarget {
  if (target.kind === 'reject') return rejectNoEndpoint;
  if (target.kind === 'drop') return dropNoLocalEndpoint;
  const before = known.get(target);
  if (before !== undefined) return before;
  const list = target.endpoints.slice(0, maxEndpoints).map(({ address, port }) => packEndpoint(address, port));
  known.set(target, list);
  return list;
}

function servingEndpoints(port: PortDecision): ReadonlySet<Bytes> {
  const serving = new Set<Bytes>();
  for (const { address, port: number, conditions, cluster } of port.endpoints) {
    const isEndpoint =
      cluster.used || !['bad-address', 'wrong-family', 'no-such-port', 'headless-slice', 'duplicate'].includes(cluster.code);
    if (isEndpoint && number !== undefined && (conditions.ready || conditions.serving))
      serving.add(packEndpoint(address, number));
  }
  return serving;
}

function packRange(text: string): Bytes[] {
  const cidr = parseStoredCidr(text);
  if (cidr === undefined) return [];
  const { first, last } = cidrRange(cidr);
  return [packIpBytes(first) + packIpBytes(last)];
}
