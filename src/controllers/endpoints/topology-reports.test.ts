import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TopologyOutcome } from '../../slices/index.ts';
import { TopologyReports } from './topology-reports.ts';

test('an outcome is told once, a change again, and the end of what was on', () => {
  const told: string[] = [];
  const reports = new TopologyReports({
    event: (_object, type, reason, message) => void told.push(`${type} ${reason}: ${message}`),
  });
  const service = { metadata: { namespace: 'ns', name: 'web' } };
  const on: TopologyOutcome = { family: 'IPv4', isEnabled: true, message: 'enabled, addressType: IPv4' };
  const off: TopologyOutcome = { family: 'IPv4', isEnabled: false, message: 'too few, addressType: IPv4' };
  reports.report(service, []);
  reports.report(service, [off]);
  reports.report(service, [off]);
  reports.report(service, [on]);
  reports.report(service, [on]);
  reports.report(service, []);
  reports.report(service, []);
  reports.report(service, [off]);
  reports.report(service, []);
  assert.deepEqual(told, [
    'Warning TopologyAwareHintsDisabled: too few, addressType: IPv4',
    'Normal TopologyAwareHintsEnabled: enabled, addressType: IPv4',
    'Warning TopologyAwareHintsDisabled: Topology Aware Hints has been disabled',
    'Warning TopologyAwareHintsDisabled: too few, addressType: IPv4',
  ]);
});
