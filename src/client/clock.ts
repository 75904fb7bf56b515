/** The time, as something that can be handed in. */

/** Milliseconds since the epoch. */
export interface Clock {
  now(): number;
}

/** The longest delay of a timer, 24.8 days: one that is longer goes off at once. */
export const maxTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = { now: () => Date.now() };

/** A moment as metav1.Time prints it: UTC, whole seconds. */
export function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** A moment as metav1.MicroTime prints it: UTC, six decimals. */
export function formatMicroTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`;
}
