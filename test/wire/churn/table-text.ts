/**
 * The kernel's rows as sentences, and the sentences that decisions ask for. Both are made independently of how the agent compiles and
 * compares rows; what the history of a table may decide freely, the order of endpoints and the numbers of pins, is left out.
 */
import assert from 'node:assert/strict';
import { endpointText, frontendText, parsePickChain } from '../../../src/agent/index.ts';
import type { Bytes, RowSet } from '../../../src/agent/index.ts';
import type { Frontend, Target } from '../../../src/routing/index.ts';
import { cidrRange, formatIp, mustParseCidr, mustParseIp } from '../../../src/net/index.ts';
import type { IpFamily } from '../../../src/net/index.ts';
import type { NodeRoutes } from './decisions.ts';

type Rows = ReadonlyMap<RowSet, ReadonlyMap<Bytes, Bytes>>;

/** Ranges of cluster IPs of the tests' agents. */
const serviceCidrs = { IPv4: '10.96.0.0/16', IPv6: 'fd00:10:96::/112' } as const;

/** What `sources` may hold. */
const sourceChains = new Map([
  ['\u0001\0\0\0', 'source-cluster'],
  ['\u0002\0\0\0', 'source-local'],
]);

/** One sentence for each fact that the rows state, sorted. Throws `AssertionError` for rows that nothing leads to, or that are missing. */
export function textOfRows(rows: Rows, family: IpFamily): string[] {
  const left = new Map([...rows].map(([set, elements]) => [set, new Map(elements)]));
  const take = (set: RowSet, key: Bytes, why: string): Bytes => {
    const data = left.get(set)?.get(key);
    assert.ok(data !== undefined, `${set} has no row for ${why}`);
    left.get(set)?.delete(key);
    return data;
  };
  const length = family === 'IPv4' ? 4 : 16;
  const zero = '\0'.repeat(length);
  const lines: string[] = [];
  const led = new Set<Bytes>();

  for (const set of ['services', 'services-outside', 'nodeports', 'nodeports-outside'] as const) {
    const isNodePort = set.startsWith('nodeports');
    const isOutside = set.endsWith('outside');
    for (const [key, number] of rows.get(set) ?? []) {
      take(set, key, 'itself');
      const frontend = isNodePort ? zero + key : key;
      const name = frontendText(frontend, family);
      const chain = rows.get('verdicts')?.get(number);
      assert.ok(chain !== undefined, `verdicts has no row for the number of ${name}`);
      led.add(number);
      lines.push(`${name} ${isOutside ? 'outside' : 'inside'}: ${leadsTo(name, frontend, chain, { isNodePort, isOutside })}`);
    }
  }
  for (const number of led) take('verdicts', number, 'itself');
  for (const set of ['sources', 'sources-nodeports'] as const) {
    for (const [key, number] of rows.get(set) ?? []) {
      take(set, key, 'itself');
      lines.push(`${frontendText(set === 'sources' ? key : zero + key, family)} ${sourceChains.get(number) ?? 'unknown'}`);
    }
  }
  for (const key of rows.get('firewalled')?.keys() ?? []) {
    take('firewalled', key, 'itself');
    lines.push(`${frontendText(key, family)} firewalled`);
  }
  for (const key of rows.get('source-ranges')?.keys() ?? []) {
    take('source-ranges', key, 'itself');
    const half = key.length / 2;
    assert.equal(key.slice(length, half), key.slice(half + length), 'a source range over several frontends');
    const range = `${ipOf(key.slice(0, length))}-${ipOf(key.slice(half, half + length))}`;
    lines.push(`${frontendText(key.slice(length, half), family)} admits ${range}`);
  }
  for (const key of rows.get('hairpin')?.keys() ?? []) {
    take('hairpin', key, 'itself');
    assert.equal(key.slice(0, length), key.slice(length), 'a hairpin between two addresses');
    lines.push(`hairpin ${ipOf(key.slice(0, length))}`);
  }
  for (const set of ['cluster-ips', 'nodeport-ips'] as const) {
    for (const key of rows.get(set)?.keys() ?? []) {
      take(set, key, 'itself');
      lines.push(`${set} ${ipOf(key)}`);
    }
  }
  for (const set of ['service-cidrs', 'pods'] as const) {
    for (const key of rows.get(set)?.keys() ?? []) {
      take(set, key, 'itself');
      lines.push(`${set} ${ipOf(key.slice(0, length))}-${ipOf(key.slice(length))}`);
    }
  }
  for (const [set, rest] of left) assert.equal(rest.size, 0, `${rest.size} rows of ${set} that nothing leads to`);
  return lines.sort();

  function leadsTo(
    name: string,
    frontend: Bytes,
    chain: string,
    scope: { readonly isNodePort: boolean; readonly isOutside: boolean },
  ): string {
    const pick = parsePickChain(chain);
    if (pick === undefined) return chain;
    const { count, timeoutSeconds, isNodePort, isOutside } = pick;
    assert.deepEqual({ isNodePort, isOutside }, scope, `${name} leads to ${chain}`);
    const endpoints: string[] = [];
    for (let index = 0; index < count; index++) {
      const slot = frontend + numberBytes(index + (isOutside ? 65_536 : 0));
      const what = `index ${index} of ${name} (${chain})`;
      if (timeoutSeconds === undefined) endpoints.push(endpointText(take('endpoints', slot, what)));
      else {
        const id = take('slots', slot, what);
        assert.notEqual(id, '\0\0\0\0', `id of ${what}`);
        endpoints.push(endpointText(take('pinned', frontend + id, what)));
      }
    }
    return `${timeoutSeconds === undefined ? 'any' : `sticky ${timeoutSeconds} s`} of ${endpoints.sort().join(' ')}`;
  }
}

/** The sentences that the decisions ask for, sorted. */
export function textOfRoutes(routes: NodeRoutes): string[] {
  const { family, frontends, node, decisions } = routes;
  const lines = new Set<string>();
  for (const { frontend } of frontends.values()) {
    const name = `${hostOf(frontend)}:${frontend.port}/${frontend.protocol}`;
    lines.add(`${name} inside: ${targetText(frontend, frontend.inside)}`);
    if (frontend.kind === 'clusterIP') lines.add(`cluster-ips ${frontend.address}`);
    else {
      lines.add(`${name} ${frontend.policy === 'Local' ? 'source-local' : 'source-cluster'}`);
      if (frontend.policy === 'Local' && frontend.outside.kind !== 'reject')
        lines.add(`${name} outside: ${targetText(frontend, frontend.outside)}`);
    }
    if (frontend.sourceRanges !== undefined) lines.add(`${name} firewalled`);
    for (const range of frontend.sourceRanges ?? []) lines.add(`${name} admits ${rangeText(range)}`);
  }
  // of every port of a Service that has frontends here, contested ones or not
  for (const { ports } of decisions) {
    for (const { address, used, isLocal, nodeName } of ports.flatMap(({ endpoints }) => endpoints))
      if (used && (isLocal || nodeName === undefined)) lines.add(`hairpin ${address}`);
  }
  const primary = (node?.status?.addresses ?? []).find(
    ({ type, address }) => type === 'InternalIP' && mustParseIp(address).family === family,
  );
  if (primary !== undefined) lines.add(`nodeport-ips ${primary.address}`);
  lines.add(`service-cidrs ${rangeText(serviceCidrs[family])}`);
  for (const cidr of node?.spec?.podCIDRs ?? [])
    if (mustParseCidr(cidr).address.family === family) lines.add(`pods ${rangeText(cidr)}`);
  return [...lines].sort();
}

function targetText({ affinity }: Frontend, target: Target): string {
  if (target.kind === 'reject') return 'reject-no-endpoint';
  if (target.kind === 'drop') return 'drop-no-local-endpoint';
  const endpoints = target.endpoints.map(({ address, port }) => `${address.includes(':') ? `[${address}]` : address}:${port}`);
  return `${affinity === undefined ? 'any' : `sticky ${affinity.timeoutSeconds} s`} of ${endpoints.sort().join(' ')}`;
}

function hostOf({ address }: Frontend): string {
  if (address === undefined) return 'node';
  return address.includes(':') ? `[${address}]` : address;
}

function rangeText(cidr: string): string {
  const { first, last } = cidrRange(mustParseCidr(cidr));
  return `${formatIp(first)}-${formatIp(last)}`;
}

function ipOf(bytes: Bytes): string {
  return formatIp({ family: bytes.length === 4 ? 'IPv4' : 'IPv6', bytes: Buffer.from(bytes, 'latin1') });
}

/** 32 bits in the order of the machines that are supported. */
function numberBytes(value: number): Bytes {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.toString('latin1');
}
