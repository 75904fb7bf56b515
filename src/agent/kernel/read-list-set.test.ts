/** Which way a map of endpoints is read. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FoundRowsReader } from '../rows/found-rows.ts';
import type { ListSet } from '../rows/found-rows.ts';
import { readListSet } from './read-list-set.ts';
import { packEndpoint, packFrontend, packNumber } from '../rows/row-bytes.ts';

const perFrontend = 1000;
const frontends = Array.from({ length: 101 }, (_, index) => packFrontend('IPv4', `10.96.0.${index}`, 'TCP', 80));
const rowCount = frontends.length * perFrontend;
const endpoint = (number: number): string => packEndpoint(`10.128.${number >> 8}.${number & 255}`, 8080);

/** A kernel with every promised row of a set but those left out, and one that nobody promised if asked for. */
function kernelWith(dataOf: (number: number) => string, without: ReadonlySet<string>, stray: boolean) {
  const calls: string[] = [];
  const rows = new Map<string, string>();
  for (const frontend of frontends) {
    for (let number = 0; number < perFrontend; number++) rows.set(frontend + packNumber(number), dataOf(number));
  }
  for (const key of without) rows.delete(key);
  if (stray) rows.set((frontends[0] ?? '') + packNumber(50_000), endpoint(1));
  const answer = (key: string, visit: (prefix: string, number: number, data: string) => void): void => {
    const data = rows.get(key);
    if (data !== undefined) visit(key.slice(0, -4), Buffer.from(key.slice(-4), 'latin1').readUInt32LE(), data);
  };
  return {
    calls,
    rows,
    visitNumberedElements: (_table: unknown, _set: string, visit: (prefix: string, number: number, data: string) => void) => {
      calls.push('dump');
      for (const key of rows.keys()) answer(key, visit);
    },
    visitNumberedElementsAt: (
      _table: unknown,
      _set: string,
      keys: Uint8Array,
      keyBytes: number,
      visit: (prefix: string, number: number, data: string) => void,
    ) => {
      calls.push('keys');
      for (let at = 0; at < keys.length; at += keyBytes)
        answer(Buffer.from(keys.subarray(at, at + keyBytes)).toString('latin1'), visit);
    },
  };
}

function read(set: ListSet, verdict: string, kernel: ReturnType<typeof kernelWith>, count: number | undefined) {
  const reader = new FoundRowsReader('IPv4');
  reader.addRow('verdicts', packNumber(7), verdict);
  for (const frontend of frontends) reader.addRow('services', frontend, packNumber(7));
  readListSet(kernel, 'IPv4', set, reader, count);
  return reader.finish();
}

const first = (frontends[0] ?? '') + packNumber(0);

describe('a large map of endpoints', () => {
  for (const [name, without, stray, count, calls] of [
    ['is asked for the promised keys when it has as many rows', [], false, rowCount, ['keys']],
    ['is dumped when the kernel does not say how many rows it has', [], false, undefined, ['dump']],
    ['is dumped when it has more rows than are promised', [], true, rowCount + 1, ['dump']],
    ['is dumped when it has fewer', [first], false, rowCount - 1, ['dump']],
    ['is dumped when one is missing and another is too many', [first], true, rowCount, ['keys', 'dump']],
  ] as const) {
    it(name, () => {
      const kernel = kernelWith(endpoint, new Set<string>(without), stray);
      const { lists, rows } = read('endpoints', `pick-${perFrontend}`, kernel, count);
      assert.deepEqual(kernel.calls, calls);
      const whole = [...lists.values()].filter(({ isWhole }) => isWhole).length;
      assert.equal(whole, frontends.length - (stray || without.length > 0 ? 1 : 0));
      assert.equal(whole * perFrontend + (rows.get('endpoints')?.size ?? 0), kernel.rows.size);
    });
  }

  it('with affinity is asked for slots by verdict and for pins by slot', () => {
    const reader = new FoundRowsReader('IPv4');
    reader.addRow('verdicts', packNumber(7), `sticky-${perFrontend}-10800`);
    for (const frontend of frontends) reader.addRow('services', frontend, packNumber(7));
    const slots = kernelWith((number) => packNumber(number), new Set(), false);
    const pins = kernelWith(endpoint, new Set(), false);
    readListSet(slots, 'IPv4', 'slots', reader, rowCount);
    readListSet(pins, 'IPv4', 'pinned', reader, rowCount);
    assert.deepEqual([slots.calls, pins.calls], [['keys'], ['keys']]);
    assert.ok([...reader.finish().lists.values()].every(({ isWhole, inside }) => isWhole && inside?.ids?.length === perFrontend));
  });

  it('that is not large is dumped', () => {
    const kernel = kernelWith(endpoint, new Set(), false);
    read('endpoints', `pick-${perFrontend}`, kernel, 100_000);
    assert.deepEqual(kernel.calls, ['dump']);
  });
});
