/** The zones that a server answers for, found from the end of a question's name. */
import { labelsOf, lowerCaseWire, mustEncodeName } from '../../names/index.ts';
import type { Query } from '../wire/query.ts';

/** A zone of ours. */
export interface Zone {
  readonly wire: string;
  readonly labels: number;
  readonly isReverse: boolean;
  /** Whether what we do not know is left to an upstream. */
  readonly fallsThrough: boolean;
}

/** The forward zone and the reverse ones, the deepest first. `open`: those that fall through. Throws `TypeError` for a reverse zone that is none. */
export function zonesOf(forward: string, reverseZones: readonly string[], open: readonly string[]): Zone[] {
  const wires = new Set(open.map((name) => lowerCaseWire(mustEncodeName(name))));
  const zoneOf = (name: string, isReverse: boolean): Zone => {
    const wire = lowerCaseWire(mustEncodeName(name));
    return { wire, labels: labelsOf(wire).length, isReverse, fallsThrough: wires.has(wire) };
  };
  const reverse = reverseZones.map((name) => zoneOf(name, true));
  if (reverse.some((zone) => !zone.wire.endsWith('\x04arpa'))) throw new TypeError('a reverse zone must lie below arpa');
  return [zoneOf(forward, false), ...reverse].sort((a, b) => b.labels - a.labels);
}

/** The deepest zone that the question's name is in. */
export function findZone(zones: readonly Zone[], packet: Uint8Array, query: Query): Zone | undefined {
  for (const zone of zones) {
    if (query.labelCount < zone.labels) continue;
    const at = query.labelAt[query.labelCount - zone.labels] ?? query.qnameEnd;
    if (isSuffix(packet, at, query.qnameEnd, zone.wire)) return zone;
  }
  return undefined;
}

/** Whether `bytes[start, end)` is the lower-case name `wire`, in any case. */
export function isSuffix(bytes: Uint8Array, start: number, end: number, wire: string): boolean {
  if (end - start !== wire.length) return false;
  for (let index = 0; index < wire.length; index++) {
    let byte = bytes[start + index] as number;
    if (byte >= 65 && byte <= 90) byte += 32;
    if (byte !== wire.charCodeAt(index)) return false;
  }
  return true;
}
