/** The store: objects in memory, changes in a bounded history, and optionally a journal that outlives the process. */
import type { ApiObject, Snapshot, Store, StoredObject, StoreEvent } from './store.ts';
import { CompactedError, WriteConflictError } from './store.ts';

/** Where writes are kept beyond the process. Called within the write, before anybody sees it. */
export interface Journal {
  /** Everything kept, and the highest revision ever written. */
  load(): { readonly revision: number; readonly objects: readonly StoredObject[] };
  /** Keeps one write; `object` is undefined for a removal. */
  write(key: string, revision: number, object: ApiObject | undefined): void;
  close(): void;
}

export interface MemoryStoreOptions {
  /** Events kept for watches and lists at older revisions, at most; about a minute of the heaviest churn. */
  readonly historyLimit?: number;
  /** How long events are kept, in milliseconds; the last few hundred are kept in any case. Default ten minutes (etcd: five). */
  readonly historyMs?: number;
  /** Milliseconds of any steady clock. */
  readonly clock?: () => number;
  readonly journal?: Journal;
}

interface Watcher {
  readonly prefix: string;
  readonly listener: (event: StoreEvent) => void;
}

/** All objects of one resource. */
interface Bucket {
  readonly objects: Map<string, StoredObject>;
  readonly watchers: Set<Watcher>;
  /** Keys in order; undefined after a key came or went. */
  sortedKeys: readonly string[] | undefined;
}

const DEFAULT_HISTORY_LIMIT = 100_000;
const DEFAULT_HISTORY_MS = 10 * 60_000;
/** So many events are kept however old they are, and their age is looked at once in so many writes. */
const AGE_CHECK_INTERVAL = 256;

/** Lists cost O(objects of the resource), a write O(watchers of the resource), everything else O(1). */
export class MemoryStore implements Store {
  readonly #buckets = new Map<string, Bucket>();
  readonly #historyLimit: number;
  readonly #historyMs: number;
  readonly #clock: () => number;
  readonly #journal: Journal | undefined;
  /** Oldest first; may briefly hold more than the limit, so that trimming is amortised. */
  #history: StoreEvent[] = [];
  /** When the last event of each hundred or so was written. */
  #marks: { readonly revision: number; readonly atMs: number }[] = [];
  #revision: number;
  #oldestRevision: number;
  #size = 0;
  #queue: StoreEvent[] = [];
  #isDispatching = false;

  constructor(options: MemoryStoreOptions = {}) {
    this.#historyLimit = options.historyLimit ?? DEFAULT_HISTORY_LIMIT;
    this.#historyMs = options.historyMs ?? DEFAULT_HISTORY_MS;
    this.#clock = options.clock ?? (() => performance.now());
    this.#journal = options.journal;
    const kept = this.#journal?.load();
    for (const stored of kept?.objects ?? []) {
      this.#bucketOf(stored.key).objects.set(stored.key, stored);
      this.#size += 1;
    }
    // One above what was written: a watch from before a restart must be told that its history is gone.
    this.#revision = (kept?.revision ?? 0) + 1;
    this.#oldestRevision = this.#revision;
  }

  get revision(): number {
    return this.#revision;
  }

  get oldestRevision(): number {
    return this.#oldestRevision;
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): StoredObject | undefined {
    return this.#bucketOf(key).objects.get(key);
  }

  list(prefix: string, revision: number = this.#revision): Snapshot {
    if (revision < this.#oldestRevision) throw new CompactedError(this.#oldestRevision);
    const bucket = this.#bucketOf(prefix);
    const at = Math.min(revision, this.#revision);
    if (at === this.#revision) return { revision: at, items: currentItems(bucket, prefix) };
    return { revision: at, items: this.#itemsAt(bucket, prefix, at) };
  }

  create(key: string, object: ApiObject): StoredObject {
    const bucket = this.#bucketOf(key);
    if (bucket.objects.has(key)) throw new WriteConflictError(key, 'already exists');
    const current = this.#write(key, object);
    bucket.objects.set(key, current);
    bucket.sortedKeys = undefined;
    this.#size += 1;
    this.#publish({ type: 'ADDED', key, revision: current.revision, current, previous: undefined });
    return current;
  }

  update(key: string, object: ApiObject, expectedRevision: number): StoredObject {
    const bucket = this.#bucketOf(key);
    const previous = expect(bucket, key, expectedRevision);
    const current = this.#write(key, object);
    bucket.objects.set(key, current);
    this.#publish({ type: 'MODIFIED', key, revision: current.revision, current, previous });
    return current;
  }

  delete(key: string, expectedRevision: number): StoredObject {
    const bucket = this.#bucketOf(key);
    const previous = expect(bucket, key, expectedRevision);
    const revision = this.#revision + 1;
    this.#journal?.write(key, revision, undefined);
    this.#revision = revision;
    bucket.objects.delete(key);
    bucket.sortedKeys = undefined;
    this.#size -= 1;
    const current = { key, revision, object: withRevision(previous.object, revision) };
    this.#publish({ type: 'DELETED', key, revision, current, previous });
    return current;
  }

  watch(prefix: string, afterRevision: number, listener: (event: StoreEvent) => void): () => void {
    if (afterRevision < this.#oldestRevision) throw new CompactedError(this.#oldestRevision);
    const bucket = this.#bucketOf(prefix);
    // Events still queued (a write made by a listener) are in the history already: replay stops where live begins.
    const replayed = this.#history.slice(this.#indexAfter(afterRevision));
    const lastReplayed = this.#revision;
    for (const event of replayed) if (event.key.startsWith(prefix)) listener(event);
    const watcher: Watcher = {
      prefix,
      listener: (event) => {
        if (event.revision > lastReplayed) listener(event);
      },
    };
    bucket.watchers.add(watcher);
    return () => {
      bucket.watchers.delete(watcher);
    };
  }

  close(): void {
    for (const bucket of this.#buckets.values()) bucket.watchers.clear();
    this.#journal?.close();
  }

  #write(key: string, object: ApiObject): StoredObject {
    const revision = this.#revision + 1;
    const stored = { key, revision, object: withRevision(object, revision) };
    this.#journal?.write(key, revision, stored.object);
    this.#revision = revision;
    return stored;
  }

  #publish(event: StoreEvent): void {
    this.#history.push(event);
    if (this.#history.length > this.#historyLimit * 1.25) this.#dropHistory(this.#history.length - this.#historyLimit);
    if (event.revision % AGE_CHECK_INTERVAL === 0) this.#dropOld(event.revision);
    this.#queue.push(event);
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        for (const watcher of this.#bucketOf(next.key).watchers) if (next.key.startsWith(watcher.prefix)) watcher.listener(next);
      }
    } finally {
      this.#isDispatching = false;
    }
  }

  /** Without this, a quiet cluster would hold on to what objects were days ago. */
  #dropOld(revision: number): void {
    const now = this.#clock();
    this.#marks.push({ revision, atMs: now });
    let old: number | undefined;
    while (this.#marks[0] !== undefined && this.#marks[0].atMs < now - this.#historyMs) old = this.#marks.shift()?.revision;
    if (old !== undefined) this.#dropHistory(this.#indexAfter(old));
  }

  #dropHistory(count: number): void {
    const dropped = this.#history.splice(0, count);
    this.#oldestRevision = dropped.at(-1)?.revision ?? this.#oldestRevision;
  }

  /** Index of the first event after `revision`. */
  #indexAfter(revision: number): number {
    let low = 0;
    let high = this.#history.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#history[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Undoes the newer events on a copy of the present. */
  #itemsAt(bucket: Bucket, prefix: string, revision: number): readonly StoredObject[] {
    const items = new Map<string, StoredObject>();
    for (const stored of currentItems(bucket, prefix)) items.set(stored.key, stored);
    for (let index = this.#history.length - 1; index >= 0; index -= 1) {
      const event = this.#history[index];
      if (event === undefined || event.revision <= revision) break;
      if (!event.key.startsWith(prefix)) continue;
      if (event.previous === undefined) items.delete(event.key);
      else items.set(event.key, event.previous);
    }
    return [...items.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  #bucketOf(key: string): Bucket {
    const name = key.slice(0, key.indexOf('/', key.indexOf('/') + 1) + 1);
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      bucket = { objects: new Map(), watchers: new Set(), sortedKeys: undefined };
      this.#buckets.set(name, bucket);
    }
    return bucket;
  }
}

function currentItems(bucket: Bucket, prefix: string): readonly StoredObject[] {
  bucket.sortedKeys ??= [...bucket.objects.keys()].sort();
  const items: StoredObject[] = [];
  for (const key of bucket.sortedKeys) {
    const stored = key.startsWith(prefix) ? bucket.objects.get(key) : undefined;
    if (stored !== undefined) items.push(stored);
  }
  return items;
}

function expect(bucket: Bucket, key: string, expectedRevision: number): StoredObject {
  const stored = bucket.objects.get(key);
  if (stored === undefined) throw new WriteConflictError(key, 'does not exist');
  if (stored.revision !== expectedRevision) {
    throw new WriteConflictError(key, `is at revision ${stored.revision}, not ${expectedRevision}`);
  }
  return stored;
}

function withRevision(object: ApiObject, revision: number): ApiObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}
