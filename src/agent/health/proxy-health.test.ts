import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Node } from '../../api/index.ts';
import { isNodeEligible, ProxyHealth } from './proxy-health.ts';

describe('D32: a proxy that is behind', () => {
  test('is healthy until a change has waited for a minute, and again after a sync', () => {
    let nowMs = 1_000_000;
    const health = new ProxyHealth(['IPv4', 'IPv6'], () => nowMs);
    assert.equal(health.isHealthy, true);
    nowMs += 3_600_000;
    assert.equal(health.isHealthy, true, 'nothing was queued');
    assert.equal(health.report().lastUpdatedMs, nowMs, 'while healthy the last update is now');
    health.noteQueued();
    nowMs += 30_000;
    health.noteQueued();
    nowMs += 29_999;
    assert.equal(health.isHealthy, true);
    nowMs += 1;
    assert.equal(health.isHealthy, false, 'the older of two changes counts');
    health.noteUpdated('IPv4');
    const report = health.report();
    assert.deepEqual(
      [...report.families],
      [
        ['IPv4', { isHealthy: true, lastUpdatedMs: nowMs }],
        ['IPv6', { isHealthy: false, lastUpdatedMs: 1_000_000 }],
      ],
    );
    assert.deepEqual([report.isHealthy, report.lastUpdatedMs], [false, 1_000_000]);
    health.noteUpdated('IPv6');
    assert.equal(health.isHealthy, true);
  });
});

describe('a node', () => {
  const taint = { key: 'ToBeDeletedByClusterAutoscaler', effect: 'NoSchedule', value: '1' } as const;
  const cases: readonly (readonly [name: string, node: Node | undefined, want: boolean])[] = [
    ['that is there is eligible', { metadata: { name: 'n' } }, true],
    ['with another taint is eligible', { spec: { taints: [{ key: 'x', effect: 'NoExecute' }] } }, true],
    ['without an object is not', undefined, false],
    ['being deleted is not', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }, false],
    ['about to be deleted by the autoscaler is not', { spec: { taints: [taint] } }, false],
  ];
  for (const [name, node, want] of cases) test(name, () => assert.equal(isNodeEligible(node), want));
});
