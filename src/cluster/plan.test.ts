import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../api/index.ts';
import { byAge } from './plan.ts';

function node(name: string, creationTimestamp: string, isReady = false): Node {
  const conditions = isReady ? [{ type: 'Ready', status: 'True' }] : [];
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, creationTimestamp }, status: { conditions } };
}

test('older nodes come first; of one second, the one that was ready; else as they were', () => {
  const nodes = [
    node('a', '2026-01-01T00:00:02Z'),
    node('b', '2026-01-01T00:00:01Z'),
    node('c', '2026-01-01T00:00:02Z', true),
    node('d', '2025-12-31T23:59:59Z'),
    node('e', '2026-01-01T00:00:01Z'),
  ];
  assert.deepEqual(
    byAge(nodes).map(({ metadata }) => metadata?.name),
    ['d', 'b', 'e', 'c', 'a'],
  );
});
