import { test } from 'node:test';
import assert from 'node:assert/strict';
import { formatDelay, initialBackOff, nextBackOff } from './back-off.ts';

test('delays double from 10 s to 5 min', () => {
  const delays: number[] = [];
  let state = initialBackOff;
  for (let restarts = 0; restarts < 8; restarts++) {
    state = nextBackOff({ ...state, restarts }, 100);
    delays.push(state.delayMs / 1000);
  }
  assert.deepEqual(delays, [0, 10, 20, 40, 80, 160, 300, 300]);
});

test('a long run forgives', () => {
  assert.equal(nextBackOff({ delayMs: 300_000, restarts: 9 }, 601_000).delayMs, 0);
});

test('delays read as upstream prints them', () => {
  assert.deepEqual([10_000, 80_000, 300_000].map(formatDelay), ['10s', '1m20s', '5m0s']);
});
