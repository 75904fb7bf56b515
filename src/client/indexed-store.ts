/** Objects by key, and by whatever else somebody wants to find them by. No input or output. */

/** What to find an object under; an object may have several values, or none. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** A map of objects with secondary indexes that follow every change. Finding by index costs what it finds. */
export class IndexedStore<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexers: readonly (readonly [name: string, index: IndexFunction<T>])[];
  readonly #indexes = new Map<string, Map<string, Map<string, T>>>();

  constructor(indexers: Readonly<Record<string, IndexFunction<T>>> = {}) {
    this.#indexers = Object.entries(indexers);
    for (const [name] of this.#indexers) this.#indexes.set(name, new Map());
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  /** Throws `RangeError` when there is no such index: a mistake of the caller, not of the data. */
  byIndex(index: string, value: string): readonly T[] {
    const values = this.#indexes.get(index);
    if (values === undefined) throw new RangeError(`no index ${JSON.stringify(index)}`);
    return [...(values.get(value)?.values() ?? [])];
  }

  /** Puts an object in and returns the one it replaces. */
  set(key: string, object: T): T | undefined {
    const before = this.#objects.get(key);
    if (before !== undefined) this.#unindex(key, before);
    this.#objects.set(key, object);
    for (const [name, index] of this.#indexers) {
      const values = this.#indexes.get(name);
      for (const value of index(object)) {
        const found = values?.get(value);
        if (found === undefined) values?.set(value, new Map([[key, object]]));
        else found.set(key, object);
      }
    }
    return before;
  }

  /** Takes an object out and returns it. */
  delete(key: string): T | undefined {
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    this.#unindex(key, before);
    this.#objects.delete(key);
    return before;
  }

  #unindex(key: string, object: T): void {
    for (const [name, index] of this.#indexers) {
      const values = this.#indexes.get(name);
      for (const value of index(object)) {
        const found = values?.get(value);
        found?.delete(key);
        if (found?.size === 0) values?.delete(value);
      }
    }
  }
}
