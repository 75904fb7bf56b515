/** The objects of the tests' API server: collections in memory, versions, and a history that watches are served from. */
import { randomUUID } from 'node:crypto';
import { formatTime } from '../api/index.ts';

/** An object as it is stored. */
export type Json = Record<string, unknown> & { metadata: Record<string, unknown> };

/** What happened to one object. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly object: Json;
  readonly version: number;
}

/** Collections are named as in URLs, keys are `NAMESPACE/NAME` or `/NAME`. */
export class FakeObjects {
  readonly #collections = new Map<string, Map<string, Json>>();
  readonly #announce: (change: Change) => void;
  #history: Change[] = [];
  #version = 100;

  constructor(announce: (change: Change) => void) {
    this.#announce = announce;
  }

  /** Of the latest change. */
  get version(): number {
    return this.#version;
  }

  /** Changes that are not forgotten, the oldest first. */
  get history(): readonly Change[] {
    return this.#history;
  }

  /** Forgets the history. */
  compact(): void {
    this.#history = [];
  }

  collection(name: string): Map<string, Json> {
    let all = this.#collections.get(name);
    if (all === undefined) this.#collections.set(name, (all = new Map()));
    return all;
  }

  store(type: 'ADDED' | 'MODIFIED', collection: string, key: string, object: Json, before: Json | undefined): Json {
    const isSpecChanged = before === undefined || JSON.stringify(before['spec']) !== JSON.stringify(object['spec']);
    const stored: Json = {
      ...object,
      metadata: {
        ...object.metadata,
        uid: before?.metadata['uid'] ?? object.metadata['uid'] ?? randomUUID(),
        creationTimestamp: before?.metadata['creationTimestamp'] ?? object.metadata['creationTimestamp'] ?? timestamp(),
        generation: Number(before?.metadata['generation'] ?? 0) + (isSpecChanged ? 1 : 0),
        resourceVersion: String(++this.#version),
      },
    };
    const finalizers = stored.metadata['finalizers'];
    if (
      stored.metadata['deletionTimestamp'] !== undefined &&
      before !== undefined &&
      (!Array.isArray(finalizers) || finalizers.length === 0) &&
      collection !== 'pods'
    ) {
      this.collection(collection).set(key, stored);
      this.remove(collection, key);
      return stored;
    }
    this.collection(collection).set(key, stored);
    this.#record({
      type,
      collection,
      namespace: stored.metadata['namespace'] as string | undefined,
      object: stored,
      version: this.#version,
    });
    return stored;
  }

  remove(collection: string, key: string): void {
    const all = this.collection(collection);
    const full = key.includes('/') ? key : `/${key}`;
    const before = all.get(full);
    if (before === undefined) return;
    all.delete(full);
    const metadata = { ...before.metadata, resourceVersion: String(++this.#version) };
    this.#record({
      type: 'DELETED',
      collection,
      namespace: before.metadata['namespace'] as string | undefined,
      object: { ...before, metadata },
      version: this.#version,
    });
  }

  #record(change: Change): void {
    this.#history.push(change);
    this.#announce(change);
  }
}

/** Now, as the API writes times. */
export function timestamp(): string {
  return formatTime(new Date());
}
