/** One informer per resource, shared by everybody in the program that needs it. */
import type { Resource } from '../api/index.ts';
import type { Logger } from '../observe/index.ts';
import { IndexedStore } from './indexed-store.ts';
import type { IndexFunction } from './indexed-store.ts';
import { createInformer } from './informer.ts';
import type { InformerTimings } from './informer.ts';
import { keyOf } from './object-key.ts';
import type { Informer, KubeClient, KubeObject } from './types.ts';

/** Finds objects of an informer by a value computed from them. */
export interface Index<T> {
  get(value: string): readonly T[];
}

/** Informers over all namespaces, each started at its first use after `start`. */
export class SharedInformers {
  readonly #client: KubeClient;
  readonly #logger: Logger;
  readonly #timings: Partial<InformerTimings> | undefined;
  readonly #informers = new Map<string, Informer<KubeObject>>();
  #signal: AbortSignal | undefined;

  constructor(
    client: KubeClient,
    { logger, timings }: { readonly logger: Logger; readonly timings?: Partial<InformerTimings> | undefined },
  ) {
    this.#client = client;
    this.#logger = logger;
    this.#timings = timings;
  }

  /** The informer of a resource; always the same one. */
  of<T extends KubeObject>(resource: Resource<T>): Informer<T> {
    const id = `${resource.group}/${resource.version}/${resource.plural}`;
    let informer = this.#informers.get(id) as Informer<T> | undefined;
    if (informer === undefined) {
      informer = createInformer(this.#client, resource, { timings: this.#timings }, { logger: this.#logger });
      // The map forgets T; the id holds it.
      this.#informers.set(id, informer);
      if (this.#signal !== undefined) informer.start(this.#signal);
    }
    return informer;
  }

  /** Starts every informer asked for so far and later, and resolves when those so far have their first list. */
  async start(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    const informers = [...this.#informers.values()];
    for (const informer of informers) informer.start(signal);
    await Promise.all(informers.map((informer) => informer.synced()));
  }
}

/** An index that follows an informer from outside, for whoever shares one. Subscribe to the informer after making it. */
export function createIndex<T extends KubeObject>(informer: Informer<T>, index: IndexFunction<T>): Index<T> {
  const store = new IndexedStore<T>({ it: index });
  informer.subscribe({
    added: (object) => void store.set(keyOf(object), object),
    updated: (_before, after) => void store.set(keyOf(after), after),
    deleted: (object) => void store.delete(keyOf(object)),
  });
  return { get: (value) => store.byIndex('it', value) };
}
