/** Keeps a pod's status in the API: writes it when it has changed, one write at a time, until it is written or the pod is gone. */
import type { Pod, PodStatus } from '../api/index.ts';
import { isConflict, isEqualJson, isNotFound, pods } from '../api/index.ts';
import type { KubeClient } from '../client/index.ts';
import { messageOf } from '../observe/index.ts';
import type { Logger } from '../observe/index.ts';

const retryMs = 200;

export interface PodStatusWriterOptions {
  readonly client: KubeClient;
  /** The API's copy, as it is now. */
  readonly pod: () => Pod;
  /** The status as it should be, given the one before it. */
  readonly compute: (previous: PodStatus | undefined) => PodStatus;
  /** Ends all writing. */
  readonly signal: AbortSignal;
  /** Resolves after that long, or when the signal comes. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** `touch` it whenever something may have changed. */
export class PodStatusWriter {
  readonly #options: PodStatusWriterOptions;
  readonly #logger: Logger;
  #last: PodStatus | undefined;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #isDirty = false;

  constructor(options: PodStatusWriterOptions, { logger }: { readonly logger: Logger }) {
    this.#options = options;
    this.#logger = logger;
    this.#last = options.pod().status;
  }

  /** The status may have changed. */
  touch(): void {
    this.#isDirty = true;
    // a few milliseconds let the steps of one start arrive as one write
    if (this.#flushing === undefined) this.#timer ??= setTimeout(() => void this.flush(), 3);
  }

  /** Resolves when what was touched is written, or cannot be. */
  async flush(): Promise<void> {
    this.stop();
    while (this.#flushing !== undefined) await this.#flushing;
    this.#flushing = this.#write();
    await this.#flushing;
    this.#flushing = undefined;
  }

  /** Forgets what was touched but is not being written yet. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #write(): Promise<void> {
    const { signal, sleep } = this.#options;
    while (this.#isDirty && !signal.aborted) {
      this.#isDirty = false;
      const status = this.#options.compute(this.#previous());
      if (isEqualJson(status, this.#last)) continue;
      try {
        await this.#patch(status);
        this.#last = status;
      } catch (error) {
        if (isNotFound(error) || isConflict(error)) return; // another pod, or none: the informer will say so
        if (signal.aborted) return;
        this.#logger.warn({ error: messageOf(error) }, 'pod status not written yet');
        this.#isDirty = true;
        await sleep(retryMs);
      }
    }
  }

  async #patch(status: PodStatus): Promise<void> {
    const { client, pod, signal } = this.#options;
    const { namespace, name = '', uid } = pod().metadata ?? {};
    const cleared = Object.fromEntries(
      Object.keys(this.#last ?? {})
        .filter((key) => !(key in status))
        .map((key) => [key, null]),
    );
    await client.patch(
      pods,
      name,
      'merge',
      { metadata: { uid }, status: { ...cleared, ...status } },
      { namespace, subresource: 'status', signal },
    );
  }

  #previous(): PodStatus | undefined {
    return this.#last === undefined ? this.#options.pod().status : { ...this.#last, conditions: this.#mergedConditions() };
  }

  /** Our own conditions as last written, others' as the API has them now. */
  #mergedConditions(): NonNullable<PodStatus['conditions']> {
    const ours = this.#last?.conditions ?? [];
    const theirs = this.#options.pod().status?.conditions ?? [];
    const known = new Set(['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled']);
    return [...ours.filter(({ type }) => known.has(type)), ...theirs.filter(({ type }) => !known.has(type))];
  }
}
