import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../observe/index.ts';
import { waitUntil } from './wait-until.ts';
import { WorkQueue } from './work-queue.ts';

function gate(): { readonly open: () => void; readonly passed: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: resolve, passed: promise };
}

test('a key that waits is worked on once, and one added meanwhile once more', async () => {
  const runs: string[] = [];
  const doors = [gate(), gate()];
  const queue = new WorkQueue(
    {
      name: 'test',
      process: async (key) => {
        runs.push(key);
        await doors[runs.length - 1]?.passed;
      },
    },
    { logger: silentLogger },
  );
  queue.add('a');
  queue.add('a');
  await waitUntil(() => runs.length === 1, 'the first run');
  queue.add('a');
  queue.add('a');
  doors[0]?.open();
  await waitUntil(() => runs.length === 2, 'the second run');
  doors[1]?.open();
  await queue.idle();
  assert.deepEqual(runs, ['a', 'a']);
  assert.equal(queue.size, 0);
});

test('no more than `concurrency` keys run at once, and never one twice at once', async () => {
  const running = new Set<string>();
  let most = 0;
  const queue = new WorkQueue(
    {
      name: 'test',
      concurrency: 3,
      process: async (key) => {
        assert.equal(running.has(key), false);
        running.add(key);
        most = Math.max(most, running.size);
        await new Promise((resolve) => setImmediate(resolve));
        running.delete(key);
      },
    },
    { logger: silentLogger },
  );
  for (let index = 0; index < 50; index++) queue.add(`k${index % 10}`);
  await queue.idle();
  assert.equal(most, 3);
});

test('a key that fails is tried again, later and later, until it succeeds', async () => {
  const at: number[] = [];
  const queue = new WorkQueue(
    {
      name: 'test',
      minBackoffMs: 10,
      maxBackoffMs: 40,
      process: async () => {
        at.push(performance.now());
        if (at.length < 5) throw new Error('not yet');
      },
    },
    { logger: silentLogger },
  );
  queue.add('a');
  await waitUntil(() => at.length === 5, 'five runs');
  const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
  for (const [index, least] of [9, 19, 39, 39].entries()) assert.ok((gaps[index] ?? 0) >= least, `gap ${index}: ${gaps[index]}`);
  await queue.stop();
});

test('of several delays of one key the soonest counts, and a stopped queue does nothing more', async () => {
  const runs: string[] = [];
  const queue = new WorkQueue({ name: 'test', process: async (key) => void runs.push(key) }, { logger: silentLogger });
  queue.addAfter('a', 60_000);
  queue.addAfter('a', 5);
  queue.addAfter('a', 60_000);
  await waitUntil(() => runs.length === 1, 'the key ran');
  queue.addAfter('b', 5);
  queue.add('c');
  await queue.stop();
  queue.add('d');
  await queue.idle();
  assert.equal(runs.includes('b') || runs.includes('d'), false);
});

test('a key that is to wait longer than a timer can waits', async () => {
  const runs: string[] = [];
  const queue = new WorkQueue({ name: 'test', process: async (key) => void runs.push(key) }, { logger: silentLogger });
  // thirty days, as a deadline may be; a timer that overflows goes off after a millisecond
  queue.addAfter('late', 30 * 24 * 3600 * 1000);
  queue.addAfter('soon', 20);
  await waitUntil(() => runs.length > 0, 'the first run');
  assert.deepEqual(runs, ['soon']);
  await queue.stop();
});
