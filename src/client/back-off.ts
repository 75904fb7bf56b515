/** How long to wait before trying again. Pure but for its count. */

export interface BackOffOptions {
  readonly minMs: number;
  readonly maxMs: number;
  /** Uniform in [0, 1); spreads clients that failed at the same moment. `Math.random` when absent. */
  readonly random?: () => number;
}

/** Exponential back-off with jitter: each delay is twice the last, up to `maxMs`, times a factor in [0.5, 1). */
export class BackOff {
  readonly #options: BackOffOptions;
  #failures = 0;

  constructor(options: BackOffOptions) {
    this.#options = options;
  }

  get failures(): number {
    return this.#failures;
  }

  /** The next delay, milliseconds. */
  next(): number {
    const { minMs, maxMs, random = Math.random } = this.#options;
    const delay = Math.min(maxMs, minMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    return delay * (0.5 + random() / 2);
  }

  /** Things work again: the next delay is the shortest. */
  reset(): void {
    this.#failures = 0;
  }
}
