/**
 * The store's interface: every object of the cluster under one increasing counter of revisions (etcd's model, which
 * resourceVersion, watch and 410 are made of).
 *
 * Keys are `<group>/<plural>/<namespace>/<name>` for namespaced objects and `<group>/<plural>//<name>` for the others, so a
 * prefix names a resource or a resource in one namespace. All methods are synchronous: a handler that reads, computes and
 * writes without awaiting in between cannot be overtaken.
 */
import type { ObjectMeta } from '../../api/index.ts';

/** A stored object: any kind, as JSON. Never modified once stored; writers store a new value. */
export interface ApiObject {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata?: ObjectMeta | undefined;
  readonly spec?: unknown;
  readonly status?: unknown;
  readonly [field: string]: unknown;
}

/** One version of one object. */
export interface StoredObject {
  readonly key: string;
  /** The revision that wrote this version; `object.metadata.resourceVersion` is its decimal text. */
  readonly revision: number;
  readonly object: ApiObject;
}

/** One change. `previous` is absent when the object is new; for DELETED, `current` is the last state with the deletion's revision. */
export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly key: string;
  readonly revision: number;
  readonly current: StoredObject;
  readonly previous: StoredObject | undefined;
}

/** What a `list` saw. */
export interface Snapshot {
  readonly revision: number;
  /** Sorted by key. */
  readonly items: readonly StoredObject[];
}

/** Thrown for a revision whose history is gone: HTTP 410. */
export class CompactedError extends Error {
  /** The oldest revision that can still be asked for. */
  readonly oldestRevision: number;

  constructor(oldestRevision: number) {
    super(`history before revision ${oldestRevision} is no longer kept`);
    this.name = 'CompactedError';
    this.oldestRevision = oldestRevision;
  }
}

/** Thrown by a conditional write that lost: the object is missing, already there or of another revision. */
export class WriteConflictError extends Error {
  constructor(key: string, text: string) {
    super(`${key}: ${text}`);
    this.name = 'WriteConflictError';
  }
}

export interface Store {
  /** The revision of the newest write. */
  readonly revision: number;
  /** Watches from here on, and lists at here or later, can be served. */
  readonly oldestRevision: number;
  readonly size: number;
  get(key: string): StoredObject | undefined;
  /** Objects whose key starts with `prefix` (a whole number of segments, ending in `/`), now or at an older revision. Throws CompactedError. */
  list(prefix: string, revision?: number): Snapshot;
  /** Stores a new object with `metadata.resourceVersion` set. Throws WriteConflictError when the key is taken. */
  create(key: string, object: ApiObject): StoredObject;
  /** Replaces the version `expectedRevision`. Throws WriteConflictError. */
  update(key: string, object: ApiObject, expectedRevision: number): StoredObject;
  /** Removes the version `expectedRevision`; answers the last state. Throws WriteConflictError. */
  delete(key: string, expectedRevision: number): StoredObject;
  /**
   * Calls `listener` for every event under `prefix` after `afterRevision`: at once for those in the history, then as they
   * happen, in order. Returns the function that ends it. Throws CompactedError.
   */
  watch(prefix: string, afterRevision: number, listener: (event: StoreEvent) => void): () => void;
  close(): void;
}

/** The key of an object. `namespace` is empty for cluster-scoped kinds. */
export function storeKey(group: string, plural: string, namespace: string, name: string): string {
  return `${group}/${plural}/${namespace}/${name}`;
}

/** The prefix of a resource's keys, in all namespaces or in one. */
export function storePrefix(group: string, plural: string, namespace?: string): string {
  return namespace === undefined || namespace === '' ? `${group}/${plural}/` : `${group}/${plural}/${namespace}/`;
}
