/** What a series of probe results means. Pure. Source: k8s pkg/kubelet/prober/worker.go. */

export type ProbeKind = 'startup' | 'readiness' | 'liveness';

/** The count of equal results in a row, and the verdict that holds. */
export interface ProbeState {
  readonly verdict: 'unknown' | 'success' | 'failure';
  readonly last: 'success' | 'failure' | undefined;
  readonly run: number;
}

export interface ProbeThresholds {
  readonly successThreshold?: number | undefined;
  readonly failureThreshold?: number | undefined;
}

/** Before the first result: not ready, alive, not known to have started. */
export function initialProbeState(kind: ProbeKind): ProbeState {
  return { verdict: kind === 'readiness' ? 'failure' : kind === 'liveness' ? 'success' : 'unknown', last: undefined, run: 0 };
}

/** The state after one more result: the verdict turns once a threshold of equal results in a row is reached (defaults 1 and 3). */
export function nextProbeState(state: ProbeState, result: 'success' | 'failure', thresholds: ProbeThresholds): ProbeState {
  const run = state.last === result ? state.run + 1 : 1;
  const threshold = result === 'success' ? (thresholds.successThreshold ?? 1) : (thresholds.failureThreshold ?? 3);
  return { verdict: run >= threshold ? result : state.verdict, last: result, run };
}
