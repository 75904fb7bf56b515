import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { ProbeKind, ProbeThresholds } from './probe-state.ts';
import { initialProbeState, nextProbeState } from './probe-state.ts';

const cases: readonly { name: string; kind: ProbeKind; thresholds: ProbeThresholds; results: string; want: string }[] = [
  { name: 'ready at the first success', kind: 'readiness', thresholds: {}, results: 'fs', want: 'fs' },
  {
    name: 'not ready after three failures in a row',
    kind: 'readiness',
    thresholds: {},
    results: 'sffsfff',
    want: 'sssssss'.slice(0, 6) + 'f',
  },
  {
    name: 'two successes when two are asked',
    kind: 'readiness',
    thresholds: { successThreshold: 2 },
    results: 'sfss',
    want: 'fffs',
  },
  { name: 'alive until the threshold', kind: 'liveness', thresholds: { failureThreshold: 2 }, results: 'ff', want: 'sf' },
  { name: 'not started before a success', kind: 'startup', thresholds: { failureThreshold: 3 }, results: 'ffs', want: 'uus' },
];
for (const { name, kind, thresholds, results, want } of cases) {
  test(`${kind}: ${name}`, () => {
    let state = initialProbeState(kind);
    let got = '';
    for (const result of results) {
      state = nextProbeState(state, result === 's' ? 'success' : 'failure', thresholds);
      got += state.verdict[0];
    }
    assert.equal(got, want);
  });
}
