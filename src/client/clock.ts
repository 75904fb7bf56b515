/** The time, as something that can be handed in. */

/** Milliseconds since the epoch. */
export interface Clock {
  now(): number;
}

/** The longest delay of a timer, 24.8 days: one that is longer goes off at once. */
export const maxTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = { now: () => Date.now() };
