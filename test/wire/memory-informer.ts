/** An informer without an API server behind it. */
import type { Resource } from '../../src/api/index.ts';
import type { Informer, InformerHandler, KubeObject } from '../../src/client/index.ts';

/** An informer that tests fill by hand. */
export class MemoryInformer<T extends KubeObject> implements Informer<T> {
  readonly resource: Resource<T>;
  readonly #objects = new Map<string, T>();
  readonly #handlers = new Set<InformerHandler<T>>();
  readonly hasSynced = true;

  constructor(resource: Resource<T>) {
    this.resource = resource;
  }

  set(object: T): void {
    const key = this.#keyOf(object);
    const before = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const handler of this.#handlers) {
      if (before === undefined) handler.added?.(object, false);
      else handler.updated?.(before, object);
    }
  }

  delete(key: string): void {
    const before = this.#objects.get(key);
    if (before === undefined) throw new Error(`no ${this.resource.kind} ${key}`);
    this.#objects.delete(key);
    for (const handler of this.#handlers) handler.deleted?.(before);
  }

  subscribe(handler: InformerHandler<T>): () => void {
    this.#handlers.add(handler);
    for (const object of this.#objects.values()) handler.added?.(object, true);
    return () => this.#handlers.delete(handler);
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  byIndex(): readonly T[] {
    return [];
  }

  get size(): number {
    return this.#objects.size;
  }

  start(): void {
    // Filled by hand.
  }

  async synced(): Promise<void> {
    // Always.
  }

  #keyOf({ metadata }: KubeObject): string {
    return metadata?.namespace === undefined ? (metadata?.name ?? '') : `${metadata.namespace}/${metadata.name ?? ''}`;
  }
}
