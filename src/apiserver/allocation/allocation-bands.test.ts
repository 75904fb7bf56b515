import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIp } from '../../net/index.ts';
import { staticPortBand, walkFromRandom } from './allocation-bands.ts';
import { seeded } from './service-harness.ts';
import type { ServiceRange } from './service-ranges.ts';
import {
  firstServiceAddress,
  hasUsableAddress,
  parseServiceRange,
  staticBandOf,
  usableRanges,
  walkAddresses,
} from './service-ranges.ts';

function rangeOf(text: string): ServiceRange {
  const range = parseServiceRange(text);
  if (range === undefined) throw new Error(`${text} is no range`);
  return range;
}

test('A33: the static band at the bottom of a range', () => {
  const table: readonly (readonly [string, bigint])[] = [
    ['192.168.24.0/30', 0n],
    ['192.168.24.0/28', 0n],
    ['192.168.24.0/27', 16n],
    ['192.168.24.0/24', 16n],
    ['192.168.24.0/22', 64n],
    ['192.168.0.0/16', 256n],
    ['10.0.0.0/8', 256n],
    ['fd00::/124', 0n],
    ['fd00::/122', 16n],
    ['fd00::/112', 256n],
    ['fd00::/64', 256n],
  ];
  for (const [text, want] of table) assert.equal(staticBandOf(rangeOf(text)), want, text);
  const ports: readonly (readonly [number, number])[] = [
    [16, 0],
    [17, 16],
    [512, 16],
    [2768, 86],
    [16_384, 128],
  ];
  for (const [size, want] of ports) assert.equal(staticPortBand(size), want, `${size} ports`);
});

test('a walk gives every number once, from anywhere', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 40n }), fc.bigInt({ min: 0n, max: 40n }), fc.integer(), (first, size, seed) => {
      const walked = [...walkFromRandom(first, first + size - 1n, seeded(seed))];
      assert.equal(walked.length, Number(size));
      assert.deepEqual(new Set(walked), new Set(Array.from({ length: Number(size) }, (_, index) => first + BigInt(index))));
    }),
  );
});

test('addresses come from the upper band first, without network and broadcast address', () => {
  for (const seed of [1, 2, 3]) {
    const walked = [...walkAddresses(rangeOf('10.0.0.0/27'), seeded(seed))].map(formatIp);
    const host = (index: number): string => `10.0.0.${index}`;
    assert.deepEqual(new Set(walked.slice(0, 14)), new Set(Array.from({ length: 14 }, (_, index) => host(17 + index))));
    assert.deepEqual(new Set(walked.slice(14)), new Set(Array.from({ length: 16 }, (_, index) => host(1 + index))));
  }
  const v6 = [...walkAddresses(rangeOf('fd00::/126'), seeded(1))].map(formatIp);
  assert.deepEqual(new Set(v6), new Set(['fd00::1', 'fd00::2', 'fd00::3']), 'IPv6 has no broadcast address');
});

test('a /64 is walked from a random place at once', () => {
  const range = rangeOf('fd00::/64');
  const { value } = walkAddresses(range, () => 0.5).next();
  assert.ok(value !== undefined && hasUsableAddress(range, value));
  assert.equal(formatIp(value), 'fd00::8000:0:0:80');
});

test('what is no range of Services: host bits are cleared, IPv6 shorter than /64 and nonsense are left out', () => {
  assert.equal(parseServiceRange('10.96.5.7/16')?.text, '10.96.0.0/16');
  assert.equal(parseServiceRange('fd00::/63'), undefined);
  assert.equal(parseServiceRange('10.96.0.0'), undefined);
  assert.equal(formatIp(firstServiceAddress(rangeOf('10.96.0.0/16'))), '10.96.0.1');
});

test('ranges are tried in the order of the start, then of age', () => {
  const metadata = (name: string, creationTimestamp: string): object => ({ name, creationTimestamp });
  const texts = usableRanges([
    { metadata: metadata('a', '2026-01-03T00:00:00Z'), spec: { cidrs: ['10.3.0.0/24'] } },
    { metadata: metadata('kubernetes', '2026-01-02T00:00:00Z'), spec: { cidrs: ['10.1.0.0/24', 'fd00::/112'] } },
    { metadata: metadata('b', '2026-01-01T00:00:00Z'), spec: { cidrs: ['10.2.0.0/24'] } },
  ]).map(({ text }) => text);
  assert.deepEqual(texts, ['10.1.0.0/24', 'fd00::/112', '10.2.0.0/24', '10.3.0.0/24']);
});
