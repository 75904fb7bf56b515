/**
 * UDP flows that would go on to where their endpoint no longer is: conntrack translates every later packet of a flow as its first
 * one, and a client that keeps its port never makes a new flow. Pure. Source: k8s pkg/proxy/conntrack/cleanup.go v1.36, and what that
 * misses: Services that go, scale to zero, or come to be while a client is already sending.
 */
import type { Flow, FlowFilter } from '../../linux/index.ts';
import { protocolNumbers } from '../../net/index.ts';
import type { IpFamily } from '../../net/index.ts';
import type { FrontendState } from '../rows/frontend-rows.ts';
import type { Bytes } from '../rows/row-bytes.ts';
import { addressLength, packIpBytes, packPortKey, portAt, unpackIp } from '../rows/row-bytes.ts';

/** The endpoints that still serve a frontend (a key as in the state); none when it is gone. Flows to any other are stale. */
export type ServingOf = (frontend: Bytes) => ReadonlySet<Bytes>;

/** The UDP frontends among those touched by a sync whose flows may be stale. */
export function suspectsOf(
  touched: readonly { readonly before: FrontendState | undefined; readonly after: FrontendState | undefined }[],
): Bytes[] {
  const suspects: Bytes[] = [];
  for (const { before, after } of touched) {
    const wanted = (after ?? before)?.wanted;
    if (wanted?.protocol !== 'UDP') continue;
    const old = before?.wanted.serving ?? noEndpoints;
    const serving = after?.wanted.serving ?? noEndpoints;
    const isNew = before === undefined || old.size === 0;
    if (!isNew && after !== undefined && [...old].every((endpoint) => serving.has(endpoint))) continue;
    suspects.push(wanted.key);
  }
  return suspects;
}

/** Every UDP frontend: after a table was read back, nobody knows which flows are stale. */
export function udpFrontends(frontends: Iterable<FrontendState>): Bytes[] {
  const keys: Bytes[] = [];
  for (const { wanted } of frontends) if (wanted.protocol === 'UDP') keys.push(wanted.key);
  return keys;
}

/**
 * The UDP node ports, when the node comes to answer them on another address: whoever was already sending there has a flow that nobody
 * translates. None where no address is new.
 */
export function suspectsOfNewAddresses(
  before: readonly Bytes[],
  after: readonly Bytes[],
  frontends: Iterable<FrontendState>,
): Bytes[] {
  if (after.every((address) => before.includes(address))) return [];
  const keys: Bytes[] = [];
  for (const { wanted } of frontends) if (wanted.kind === 'nodePort' && wanted.protocol === 'UDP') keys.push(wanted.key);
  return keys;
}

/** Whether a frontend's key says UDP. */
export function isUdpFrontend(key: Bytes): boolean {
  return key.charCodeAt(key.length - 8) === protocolNumbers.UDP;
}

/** Tells flows of suspect frontends to none of their serving endpoints. */
export class StaleFlowJudge {
  readonly #family: IpFamily;
  readonly #servingOf: ServingOf;
  /** What packets bear -> the frontend's key, which is the same but for node ports. */
  readonly #frontends = new Map<Bytes, Bytes>();
  readonly #ports = new Set<number>();

  constructor(family: IpFamily, suspects: Iterable<Bytes>, nodePortIps: readonly Bytes[], servingOf: ServingOf) {
    this.#family = family;
    this.#servingOf = servingOf;
    const length = addressLength(family);
    const nodePortAddress = '\0'.repeat(length);
    for (const key of suspects) {
      const address = key.slice(0, length);
      const portKey = key.slice(length);
      for (const own of address === nodePortAddress ? nodePortIps : [address]) this.#frontends.set(own + portKey, key);
      this.#ports.add(portAt(key, length + 4));
    }
  }

  /**
   * The dumps by which all suspect flows are found. The kernel walks its whole table in each, handing over only what the filter
   * asks for: one frontend is asked for alone, frontends of few ports port by port, and more in one dump of all UDP flows.
   */
  get filters(): FlowFilter[] {
    const family = this.#family;
    const protocol = protocolNumbers.UDP;
    const [only] = this.#frontends.keys();
    if (only === undefined) return [];
    if (this.#ports.size > maxFilteredDumps) return [{ family, protocol }];
    const filters = [...this.#ports].map((originalDestinationPort) => ({ family, protocol, originalDestinationPort }));
    const originalDestination = unpackIp(only.slice(0, addressLength(family)));
    return this.#frontends.size === 1 ? filters.map((filter) => ({ ...filter, originalDestination })) : filters;
  }

  isStale({ original, reply }: Flow): boolean {
    if (!this.#ports.has(original.destinationPort)) return false;
    const frontend = this.#frontends.get(packIpBytes(original.destination) + packPortKey('UDP', original.destinationPort));
    if (frontend === undefined) return false;
    const endpoint = packIpBytes(reply.source) + String.fromCharCode(reply.sourcePort >> 8, reply.sourcePort & 0xff, 0, 0);
    return !this.#servingOf(frontend).has(endpoint);
  }
}

/** Beyond this, one dump of all UDP flows costs less than one for each port. */
const maxFilteredDumps = 2;

export const noEndpoints: ReadonlySet<Bytes> = new Set();
