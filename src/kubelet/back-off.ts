/** How long a container waits before it is started again. Pure. Source: k8s pkg/kubelet (MaxContainerBackOff, backOffPeriod). */

/** What is remembered between restarts. */
export interface RestartBackOff {
  /** Delay before the latest restart, in ms; 0 when it was started at once. */
  readonly delayMs: number;
}

export const initialBackOff: RestartBackOff = { delayMs: 0 };

const firstDelayMs = 10_000;
const maxDelayMs = 300_000;

/**
 * The delay before the next start. The first restart comes at once, then 10 s, 20 s, 40 s … up to 5 min; a container that
 * ran for longer than 10 min starts again from nothing.
 */
export function nextBackOff(current: RestartBackOff & { readonly restarts: number }, ranForMs: number): RestartBackOff {
  if (current.restarts === 0 || ranForMs > 2 * maxDelayMs) return initialBackOff;
  return { delayMs: Math.min(maxDelayMs, current.delayMs === 0 ? firstDelayMs : current.delayMs * 2) };
}

/** `10s`, `1m20s`, `5m0s`: a delay as upstream prints it. */
export function formatDelay(delayMs: number): string {
  const seconds = Math.round(delayMs / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
