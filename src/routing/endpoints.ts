/** Slices -> the endpoints of one Service port, each once, with those that cannot count told apart. Source: k8s pkg/proxy/endpointslicecache.go v1.36. */
import type { EndpointSlice } from '../api/index.ts';
import type { IpFamily, Protocol } from '../net/index.ts';
import { formatHostPort } from '../net/index.ts';
import type { EndpointLine } from './decision.ts';
import type { EndpointReason } from './reasons.ts';
import { canonicalIp } from './addresses.ts';

export const headlessLabel = 'service.kubernetes.io/headless';
export const serviceNameLabel = 'kubernetes.io/service-name';

type Facts = Omit<EndpointLine, 'used' | 'cluster' | 'local'>;

/** An endpoint before any policy. `unfit` says why it cannot be an endpoint of this port at all. */
export interface Candidate {
  readonly facts: Facts;
  readonly hints: { readonly nodes: readonly string[]; readonly zones: readonly string[] };
  readonly unfit?: EndpointReason;
}

/** What to collect for. */
export interface CollectInput {
  readonly portName: string;
  readonly protocol: Protocol;
  readonly family: IpFamily;
  readonly nodeName: string;
}

/**
 * Every endpoint of the slices as seen from one Service port, sorted by address and port text, a fit one before its
 * duplicates. Of the same address and port in several slices the copy that is not terminating counts, then the ready one.
 * A nil `ready` or `serving` means true, a nil `terminating` false; a port joins by name and protocol.
 */
export function collectEndpoints(slices: readonly EndpointSlice[], input: CollectInput): Candidate[] {
  const best = new Map<string, Candidate>();
  const unfit: Candidate[] = [];
  for (const slice of slices) {
    const port = portOf(slice, input);
    const fault = sliceFault(slice, input, port);
    for (const endpoint of slice.endpoints ?? []) {
      const text = endpoint.addresses[0] ?? '';
      const address = canonicalIp(text, input.family);
      const candidate: Candidate = {
        facts: {
          address: address ?? text,
          ...(port === undefined ? {} : { port }),
          slice: slice.metadata?.name ?? '',
          ...definedOnly({ nodeName: endpoint.nodeName, zone: endpoint.zone, hostname: endpoint.hostname }),
          ...(endpoint.targetRef === undefined
            ? {}
            : {
                targetRef: {
                  kind: endpoint.targetRef.kind ?? '',
                  namespace: endpoint.targetRef.namespace ?? '',
                  name: endpoint.targetRef.name ?? '',
                },
              }),
          isLocal: endpoint.nodeName === input.nodeName,
          conditions: {
            ready: endpoint.conditions?.ready ?? true,
            serving: endpoint.conditions?.serving ?? true,
            terminating: endpoint.conditions?.terminating ?? false,
          },
        },
        hints: {
          nodes: endpoint.hints?.forNodes?.map((hint) => hint.name) ?? [],
          zones: endpoint.hints?.forZones?.map((hint) => hint.name) ?? [],
        },
        ...(fault === undefined && address !== undefined ? {} : { unfit: fault ?? { used: false, code: 'bad-address' } }),
      };
      if (candidate.unfit !== undefined) {
        unfit.push(candidate);
        continue;
      }
      const key = formatHostPort(candidate.facts.address, port ?? 0);
      const other = best.get(key);
      if (other === undefined) {
        best.set(key, candidate);
        continue;
      }
      const [winner, loser] = rank(candidate) > rank(other) ? [candidate, other] : [other, candidate];
      best.set(key, winner);
      unfit.push({ ...loser, unfit: { used: false, code: 'duplicate', slice: winner.facts.slice } });
    }
  }
  const fit = [...best].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, candidate]) => candidate);
  return unfit.length === 0 ? fit : [...fit, ...unfit.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))];
}

function portOf(slice: EndpointSlice, { portName, protocol }: CollectInput): number | undefined {
  const port = slice.ports?.find((entry) => (entry.name ?? '') === portName && (entry.protocol ?? 'TCP') === protocol)?.port;
  return port === 0 ? undefined : port;
}

function sliceFault(
  slice: EndpointSlice,
  { family, portName, protocol }: CollectInput,
  port: number | undefined,
): EndpointReason | undefined {
  if (slice.metadata?.labels?.[headlessLabel] !== undefined) return { used: false, code: 'headless-slice' };
  if (slice.addressType !== family) return { used: false, code: 'wrong-family', addressType: slice.addressType };
  if (port === undefined)
    return { used: false, code: 'no-such-port', port: portName === '' ? protocol : `${portName}/${protocol}` };
  return undefined;
}

function rank(candidate: Candidate): number {
  const { ready, serving, terminating } = candidate.facts.conditions;
  return (terminating ? 0 : 4) + (ready ? 2 : 0) + (serving ? 1 : 0);
}

function sortKey(candidate: Candidate): string {
  return `${formatHostPort(candidate.facts.address, candidate.facts.port ?? 0)} ${candidate.facts.slice}`;
}

function definedOnly(values: { nodeName: string | undefined; zone: string | undefined; hostname: string | undefined }): {
  nodeName?: string;
  zone?: string;
  hostname?: string;
} {
  return {
    ...(values.nodeName === undefined ? {} : { nodeName: values.nodeName }),
    ...(values.zone === undefined ? {} : { zone: values.zone }),
    ...(values.hostname === undefined ? {} : { hostname: values.hostname }),
  };
}
