/**
 * A local copy of a collection that stays true: list (or watch-list), watch, reconnect, relist.
 *
 *     relist -> store -> watch from resourceVersion -+- stream ends, breaks or falls silent -> back-off -> watch again
 *        ^                                           +- 410, an unreadable line, any other refusal -> back-off --+
 *        +-------------------------------------------------------------------------------------------------------+
 *
 * The only way out is the signal. Handlers see the difference between what the store held and what it holds now, so a relist
 * is a series of ordinary added, updated and deleted calls, and nothing that happened while the stream was away is missed
 * but intermediate states. Semantics: Kubernetes API concepts, "Efficient detection of changes"; KEP-3157 (watch-list).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { StatusError } from '../api/index.ts';
import type { Resource } from '../api/index.ts';
import { messageOf } from '../observe/index.ts';
import type { Logger } from '../observe/index.ts';
import { BackOff } from './back-off.ts';
import { ConnectionError } from './errors.ts';
import { IndexedStore } from './indexed-store.ts';
import type { IndexFunction } from './indexed-store.ts';
import { keyOf } from './object-key.ts';
import type { Informer, InformerHandler, KubeClient, KubeObject, WatchEvent } from './types.ts';

export interface InformerOptions<T> {
  /** Only this namespace; all of them when absent. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Applied to every object before it is stored, e.g. to drop what nobody reads. Must keep name, namespace and resourceVersion. */
  readonly transform?: ((object: T) => T) | undefined;
  readonly indexers?: Readonly<Record<string, IndexFunction<T>>> | undefined;
  readonly timings?: Partial<InformerTimings> | undefined;
}

/** All milliseconds. The defaults suit real servers; tests shorten them. */
export interface InformerTimings {
  readonly minBackOffMs: number;
  readonly maxBackOffMs: number;
  /** Asked of the server as `timeoutSeconds`: shortest life of a watch; each lives up to twice as long, at random. */
  readonly watchMs: number;
  /** From a server that sends bookmarks (about once a minute), a stream that brings nothing for this long is dead. */
  readonly silenceMs: number;
  /** How much longer than its own timeout a watch may live before it counts as half-open. */
  readonly overdueMs: number;
  /** A watch-list that neither brings an object nor ends for this long is not supported: list instead. */
  readonly watchListSilenceMs: number;
}

const defaultTimings: InformerTimings = {
  minBackOffMs: 250,
  maxBackOffMs: 30_000,
  watchMs: 5 * 60_000,
  silenceMs: 3 * 60_000,
  overdueMs: 30_000,
  watchListSilenceMs: 10_000,
};

/** A watch shorter than this that brought nothing counts as a failure, so that a server that hangs up at once is not hammered. */
const shortestGoodWatchMs = 1000;
const initialEventsEnd = 'k8s.io/initial-events-end';

/** An informer over one resource. Nothing happens before `start`. */
export function createInformer<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  options: InformerOptions<T>,
  { logger }: { readonly logger: Logger },
): Informer<T> {
  return new Reflector(client, resource, options, logger);
}

class Reflector<T extends KubeObject> implements Informer<T> {
  readonly resource: Resource<T>;
  readonly #client: KubeClient;
  readonly #options: InformerOptions<T>;
  readonly #timings: InformerTimings;
  readonly #logger: Logger;
  readonly #store: IndexedStore<T>;
  readonly #handlers = new Set<InformerHandler<T>>();
  readonly #backOff: BackOff;
  readonly #synced = Promise.withResolvers<void>();
  #hasSynced = false;
  #isStarted = false;
  /** resourceVersion that the store is at; undefined when only a new list can tell. */
  #position: string | undefined;
  /** False once the server has shown that it does not do watch-list. */
  #canWatchList = true;
  #sendsBookmarks = false;

  constructor(client: KubeClient, resource: Resource<T>, options: InformerOptions<T>, logger: Logger) {
    this.resource = resource;
    this.#client = client;
    this.#options = options;
    this.#timings = { ...defaultTimings, ...options.timings };
    this.#logger = logger.child({ resource: resource.plural });
    this.#store = new IndexedStore(options.indexers);
    this.#backOff = new BackOff({ minMs: this.#timings.minBackOffMs, maxMs: this.#timings.maxBackOffMs });
    // Whoever does not wait for it must not die of its rejection.
    this.#synced.promise.catch(() => undefined);
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get size(): number {
    return this.#store.size;
  }

  get(key: string): T | undefined {
    return this.#store.get(key);
  }

  list(): readonly T[] {
    return this.#store.list();
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.#store.byIndex(index, value);
  }

  subscribe(handler: InformerHandler<T>): () => void {
    for (const object of this.#store.list()) this.#tell(() => handler.added?.(object, true));
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  start(signal: AbortSignal): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    void this.#run(signal);
  }

  synced(): Promise<void> {
    return this.#synced.promise;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startedAt = performance.now();
      let delayMs = 0;
      try {
        const eventCount = await this.#readOnce(signal);
        if (eventCount > 0 || performance.now() - startedAt >= shortestGoodWatchMs) this.#backOff.reset();
        else delayMs = this.#backOff.next();
      } catch (error) {
        if (signal.aborted) break;
        if (!canResumeAfter(error)) this.#position = undefined;
        if (performance.now() - startedAt >= this.#timings.maxBackOffMs) this.#backOff.reset();
        delayMs = this.#backOff.next();
        this.#report(error, delayMs);
      }
      if (delayMs > 0) await sleep(delayMs, undefined, { signal }).catch(() => undefined);
    }
    this.#synced.reject(
      new ConnectionError(`stopped before the first list of ${this.resource.plural}`, {
        code: 'aborted',
        server: this.#client.server,
      }),
    );
  }

  /** One list and one watch, or one watch alone when the store's position is known. Returns how much the server had to say. */
  async #readOnce(signal: AbortSignal): Promise<number> {
    if (this.#position !== undefined) return await this.#watch(signal, undefined);
    if (this.#canWatchList) {
      try {
        return await this.#watch(signal, new Map());
      } catch (error) {
        if (!(error instanceof WatchListUnsupported)) throw error;
        this.#canWatchList = false;
        this.#logger.debug({ cause: messageOf(error.cause) }, 'server does not stream lists, listing instead');
      }
    }
    const { namespace, labelSelector, fieldSelector, transform } = this.#options;
    const list = await this.#client.list(this.resource, { namespace, labelSelector, fieldSelector, transform, signal });
    const wanted = new Map<string, T>();
    for (const object of list.items) wanted.set(keyOf(object), object);
    this.#replace(wanted, list.resourceVersion);
    return await this.#watch(signal, undefined).then((count) => count + 1);
  }

  /** Reads one watch stream to its end. With `initial`, it is a watch-list: objects gather there until the server says they are all. */
  async #watch(signal: AbortSignal, initial: Map<string, T> | undefined): Promise<number> {
    const timings = this.#timings;
    const { namespace, labelSelector, fieldSelector } = this.#options;
    const lifeMs = timings.watchMs * (1 + Math.random());
    const deadline = performance.now() + lifeMs + timings.overdueMs;
    const hangUp = new AbortController();
    // The reason why we hung up ourselves; a stream that merely ends has none.
    let death: Error | undefined;
    const silence = new SilenceTimer((limitMs) => {
      death = new ConnectionError(`${this.#client.server}: the watch of ${this.resource.plural} fell silent`, {
        code: 'timeout',
        server: this.#client.server,
        timeoutMs: limitMs,
      });
      hangUp.abort();
    });
    let pending = initial;
    let count = 0;
    silence.arm(pending === undefined ? this.#longestSilence(deadline) : timings.watchListSilenceMs);
    try {
      const events = this.#client.watch(this.resource, {
        namespace,
        labelSelector,
        fieldSelector,
        resourceVersion: this.#position,
        allowWatchBookmarks: true,
        sendInitialEvents: pending !== undefined,
        timeoutSeconds: Math.max(1, Math.round(lifeMs / 1000)),
        signal: AbortSignal.any([signal, hangUp.signal]),
      });
      for await (const event of events) {
        count++;
        if (event.type === 'BOOKMARK') this.#sendsBookmarks = true;
        if (pending === undefined) this.#apply(event);
        else if (this.#gather(pending, event)) pending = undefined;
        silence.arm(pending === undefined ? this.#longestSilence(deadline) : timings.watchListSilenceMs);
      }
    } catch (error) {
      if (pending !== undefined && count === 0 && isRefusal(error)) throw new WatchListUnsupported(error);
      throw error;
    } finally {
      silence.disarm();
    }
    if (signal.aborted) return count;
    if (pending !== undefined)
      throw new WatchListUnsupported(death ?? new Error('the stream ended before the initial events did'));
    if (death !== undefined) throw death;
    return count;
  }

  /** Takes one event of a watch-list's first part. True when it was the last, and the store has been replaced. */
  #gather(pending: Map<string, T>, event: WatchEvent<T>): boolean {
    const { metadata } = event.object;
    if (event.type === 'BOOKMARK') {
      if (metadata?.annotations?.[initialEventsEnd] !== 'true') return false;
      this.#replace(pending, metadata.resourceVersion ?? '');
      return true;
    }
    if (event.type === 'DELETED') pending.delete(keyOf(event.object));
    else pending.set(keyOf(event.object), this.#transformed(event.object));
    return false;
  }

  #apply(event: WatchEvent<T>): void {
    const resourceVersion = event.object.metadata?.resourceVersion;
    if (event.type === 'DELETED') this.#remove(keyOf(event.object), this.#transformed(event.object));
    else if (event.type !== 'BOOKMARK') this.#put(keyOf(event.object), this.#transformed(event.object), false);
    if (resourceVersion !== undefined && resourceVersion !== '') this.#position = resourceVersion;
  }

  #replace(wanted: ReadonlyMap<string, T>, resourceVersion: string): void {
    const gone = [...this.#store.keys()].filter((key) => !wanted.has(key));
    for (const key of gone) this.#remove(key, undefined);
    for (const [key, object] of wanted) this.#put(key, object, !this.#hasSynced);
    this.#position = resourceVersion === '' ? undefined : resourceVersion;
    if (this.#hasSynced) this.#logger.debug({ count: wanted.size }, 'relisted');
    this.#hasSynced = true;
    this.#synced.resolve();
  }

  #put(key: string, object: T, isInitial: boolean): void {
    const known = this.#store.get(key);
    const isSame =
      known !== undefined &&
      known.metadata?.resourceVersion === object.metadata?.resourceVersion &&
      known.metadata?.uid === object.metadata?.uid;
    if (isSame && object.metadata?.resourceVersion !== undefined) return;
    // A new object under an old name, its deletion missed: two events, as they happened.
    if (known !== undefined && known.metadata?.uid !== object.metadata?.uid) this.#remove(key, undefined);
    const before = this.#store.set(key, object);
    for (const handler of this.#handlers)
      this.#tell(() => (before === undefined ? handler.added?.(object, isInitial) : handler.updated?.(before, object)));
  }

  #remove(key: string, last: T | undefined): void {
    const before = this.#store.delete(key);
    if (before === undefined) return;
    for (const handler of this.#handlers) this.#tell(() => handler.deleted?.(last ?? before));
  }

  #longestSilence(deadline: number): number {
    return Math.min(this.#sendsBookmarks ? this.#timings.silenceMs : Infinity, deadline - performance.now());
  }

  #transformed(object: T): T {
    return this.#options.transform?.(object) ?? object;
  }

  /** A listener's mistake must not cost the others their events. */
  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#logger.error({ err: error }, 'informer handler threw');
    }
  }

  #report(error: unknown, delayMs: number): void {
    const facts = { cause: messageOf(error), retryMs: Math.round(delayMs), failures: this.#backOff.failures };
    // An expired position is the ordinary end of a long break; only what goes on and on is worth a warning.
    if (this.#backOff.failures >= 3) this.#logger.warn(facts, 'watch keeps failing');
    else this.#logger.debug(facts, 'watch failed');
  }
}

/** Thrown within this file when a watch-list gets nowhere and an ordinary list should be tried. */
class WatchListUnsupported extends Error {
  constructor(cause: unknown) {
    super('watch-list is not supported', { cause });
  }
}

/** The server understood us and said no to this request: 400, 405, 422; not that it is busy, or that we are nobody. */
function isRefusal(error: unknown): boolean {
  return error instanceof StatusError && [400, 404, 405, 406, 422].includes(error.httpStatus);
}

/** Whether the stream may go on from where it broke. After 410, nonsense on the wire, or any refusal, only a list is safe. */
function canResumeAfter(error: unknown): boolean {
  if (error instanceof StatusError) return [401, 403, 429, 500, 502, 503].includes(error.httpStatus);
  return !(error instanceof ConnectionError && error.facts.code === 'unreadable');
}

/** Calls back when it was not armed again in time. */
class SilenceTimer {
  readonly #onSilence: (limitMs: number) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(onSilence: (limitMs: number) => void) {
    this.#onSilence = onSilence;
  }

  arm(limitMs: number): void {
    this.disarm();
    this.#timer = setTimeout(() => this.#onSilence(limitMs), Math.max(0, limitMs));
  }

  disarm(): void {
    clearTimeout(this.#timer);
  }
}
