/**
 * UDP flows that would go on to where their endpoint no longer is: conntrack translates every later packet of a flow as its first
 * one, and a client that keeps its port never makes a new flow. Source: k8s pkg/proxy/conntrack/cleanup.go v1.36, and what that misses:
 * Services that go, scale to zero, or come to be while a client is already sending.
 */
import type { Conntrack, Flow } from '../linux/index.ts';
import { formatIp, protocolNumbers } from '../net/index.ts';
import type { IpFamily } from '../net/index.ts';
import type { FrontendState } from './frontend-rows.ts';
import type { Bytes } from './row-bytes.ts';
import { addressLength, packEndpoint, packFrontend, portAt, unpackIp } from './row-bytes.ts';

/** A UDP frontend whose flows are to be looked at: those that lead to none of `serving` are stale. */
export interface SuspectFrontend {
  readonly key: Bytes;
  readonly isNodePort: boolean;
  readonly serving: ReadonlySet<Bytes>;
}

/** The frontends among those touched by a sync whose flows may be stale. */
export function suspectsOf(
  touched: readonly { readonly before: FrontendState | undefined; readonly after: FrontendState | undefined }[],
): SuspectFrontend[] {
  const suspects: SuspectFrontend[] = [];
  for (const { before, after } of touched) {
    const wanted = (after ?? before)?.wanted;
    if (wanted?.protocol !== 'UDP') continue;
    const old = before?.wanted.serving ?? noEndpoints;
    const serving = after?.wanted.serving ?? noEndpoints;
    const isNew = before === undefined || old.size === 0;
    if (!isNew && after !== undefined && [...old].every((endpoint) => serving.has(endpoint))) continue;
    suspects.push({ key: wanted.key, isNodePort: wanted.kind === 'nodePort', serving });
  }
  return suspects;
}

/**
 * Deletes the stale flows of these frontends and answers how many there were. Few frontends are asked for one by one, with the kernel
 * filtering; many in one dump of all UDP flows.
 */
export function deleteStaleFlows(
  conntrack: Pick<Conntrack, 'visitFlows' | 'deleteFlow'>,
  family: IpFamily,
  suspects: readonly SuspectFrontend[],
  nodePortIps: readonly Bytes[],
): number {
  if (suspects.length === 0) return 0;
  const protocol = protocolNumbers.UDP;
  const length = addressLength(family);
  const byKey = new Map<Bytes, SuspectFrontend>();
  for (const suspect of suspects) {
    const addresses = suspect.isNodePort ? nodePortIps : [suspect.key.slice(0, length)];
    for (const address of addresses) byKey.set(address + suspect.key.slice(length), suspect);
  }
  const stale: Flow[] = [];
  const judge = (flow: Flow): void => {
    const { destination, destinationPort } = flow.original;
    const suspect = byKey.get(packFrontend(family, formatIp(destination), 'UDP', destinationPort));
    if (suspect !== undefined && !suspect.serving.has(packEndpoint(formatIp(flow.reply.source), flow.reply.sourcePort)))
      stale.push(flow);
  };
  if (byKey.size > maxFilteredDumps) conntrack.visitFlows({ family, protocol }, judge);
  else {
    for (const key of byKey.keys()) {
      const originalDestination = unpackIp(key.slice(0, length));
      const filter = { family, protocol, originalDestination, originalDestinationPort: portAt(key, length + 4) };
      conntrack.visitFlows(filter, judge);
    }
  }
  let deleted = 0;
  for (const { original } of stale) if (conntrack.deleteFlow(original)) deleted++;
  return deleted;
}

/** Beyond this, one dump of all UDP flows costs less than one filtered dump per frontend: the kernel walks the whole table in each. */
const maxFilteredDumps = 2;

const noEndpoints: ReadonlySet<Bytes> = new Set();
