/** A queue of keys to bring in order: each key waits at most once and is worked on by one worker at a time. */
import { StatusError } from '../api/index.ts';
import { messageOf } from '../observe/index.ts';
import type { Logger } from '../observe/index.ts';
import { maxTimerMs } from './clock.ts';

export interface WorkQueueOptions {
  /** Brings one key in order. A throw puts the key back, after a delay that doubles with every failure in a row. */
  readonly process: (key: string) => Promise<void>;
  /** For the log. */
  readonly name: string;
  readonly concurrency?: number;
  readonly minBackoffMs?: number;
  readonly maxBackoffMs?: number;
}

/**
 * Level-triggered work: `add` says that something about a key may have changed. Adding a key that waits does nothing; adding one
 * that is being worked on makes it run once more afterwards.
 */
export class WorkQueue {
  readonly #options: Required<WorkQueueOptions>;
  readonly #logger: Logger;
  readonly #waiting = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  /** Keys added while they were being worked on. */
  readonly #again = new Set<string>();
  readonly #timers = new Map<string, { readonly timer: NodeJS.Timeout; readonly at: number }>();
  readonly #failures = new Map<string, number>();
  #idleWaiters: (() => void)[] = [];
  #isStopped = false;

  constructor(options: WorkQueueOptions, { logger }: { readonly logger: Logger }) {
    this.#options = { concurrency: 1, minBackoffMs: 10, maxBackoffMs: 60_000, ...options };
    this.#logger = logger.child({ queue: options.name });
  }

  /** Keys that wait, run or will be tried again. */
  get size(): number {
    return new Set([...this.#waiting, ...this.#running.keys(), ...this.#timers.keys()]).size;
  }

  add(key: string): void {
    if (this.#isStopped) return;
    if (this.#running.has(key)) this.#again.add(key);
    else this.#waiting.add(key);
    this.#pump();
  }

  /** Adds the key in `ms` milliseconds, or when an earlier `addAfter` of the same key said, if that is sooner. */
  addAfter(key: string, ms: number): void {
    if (this.#isStopped) return;
    // A key that is to wait longer than a timer can is looked at before, and put off again.
    const delayMs = Math.min(ms, maxTimerMs);
    const at = performance.now() + delayMs;
    const planned = this.#timers.get(key);
    if (planned !== undefined && planned.at <= at) return;
    clearTimeout(planned?.timer);
    const timer = setTimeout(() => {
      this.#timers.delete(key);
      this.add(key);
    }, delayMs);
    this.#timers.set(key, { timer, at });
  }

  /** Resolves when nothing waits or runs. Delayed keys are not waited for. */
  async idle(): Promise<void> {
    if (this.#waiting.size + this.#running.size === 0) return;
    await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Takes no more keys, forgets those that wait, and resolves when the running ones are done. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#waiting.clear();
    this.#again.clear();
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    await Promise.all(this.#running.values());
  }

  #pump(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= this.#options.concurrency) return;
      this.#waiting.delete(key);
      this.#running.set(key, this.#run(key));
    }
  }

  async #run(key: string): Promise<void> {
    // Starts in a turn of its own, so that `add` never runs the work of its caller's caller.
    await Promise.resolve();
    try {
      await this.#options.process(key);
      this.#failures.delete(key);
    } catch (error) {
      this.#retry(key, error);
    }
    this.#running.delete(key);
    if (this.#again.delete(key) && !this.#isStopped) this.#waiting.add(key);
    this.#pump();
    if (this.#waiting.size + this.#running.size === 0) {
      for (const resolve of this.#idleWaiters) resolve();
      this.#idleWaiters = [];
    }
  }

  #retry(key: string, error: unknown): void {
    if (this.#isStopped) return;
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const { minBackoffMs, maxBackoffMs } = this.#options;
    const delayMs = Math.min(maxBackoffMs, minBackoffMs * 2 ** Math.min(failures - 1, 30));
    const facts = { key, failures, retryMs: delayMs, cause: messageOf(error) };
    // Somebody else wrote first: the ordinary fate of an optimistic write.
    if (failures < 5 || (error instanceof StatusError && error.httpStatus === 409)) this.#logger.debug(facts, 'will try again');
    else this.#logger.warn(facts, 'keeps failing');
    this.addAfter(key, delayMs);
  }
}
