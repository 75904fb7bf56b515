import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signalNumber } from './command-process.ts';

test('signals are known by the names of the API, the real-time ones among them', () => {
  const table: readonly [name: string, want: number | undefined][] = [
    ['SIGTERM', 15],
    ['SIGUSR1', 10],
    ['SIGRTMIN', 34],
    ['SIGRTMIN+1', 35],
    ['SIGRTMIN+30', 64],
    ['SIGRTMIN+31', undefined],
    ['SIGRTMAX', 64],
    ['SIGRTMAX-2', 62],
    ['SIGRTMAX-31', undefined],
    ['SIGNONSENSE', undefined],
    ['constructor', undefined],
    ['TERM', undefined],
    ['', undefined],
  ];
  for (const [name, want] of table) assert.equal(signalNumber(name), want, name);
});
