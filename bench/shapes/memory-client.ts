/** A Kubernetes API server in memory, for informers: lists what it was given and streams what comes after. */
import type { Resource } from '../../src/api/index.ts';
import type { KubeClient, KubeObject, ListTransform, ObjectList, WatchEvent, WatchOptions } from '../../src/client/index.ts';

type Event = WatchEvent<KubeObject>;

/** Events of one watch, waiting to be read. */
interface Stream {
  readonly events: Event[];
  wake: () => void;
}

interface Collection {
  /** Objects by key, or where they come from: then each list makes them anew and keeps none. */
  readonly source: () => Iterable<KubeObject>;
  readonly streams: Set<Stream>;
}

export class MemoryClient implements KubeClient {
  readonly server = 'memory';
  readonly #collections = new Map<string, Collection>();

  /** What a list of this resource answers: asked anew each time, so that the server's copies weigh nothing here. */
  provide<T extends KubeObject>(resource: Resource<T>, source: () => Iterable<T>): void {
    this.#collections.set(resource.plural, { source, streams: new Set() });
  }

  /** Sends an event to every watch of the resource. Informers see it a few promise turns later, as they would from a socket. */
  send<T extends KubeObject>(resource: Resource<T>, type: Event['type'], object: T): void {
    for (const stream of this.#of(resource).streams) {
      stream.events.push({ type, object });
      stream.wake();
    }
  }

  async list<T>(resource: Resource<T>, { transform }: ListTransform<T> = {}): Promise<ObjectList<T>> {
    const items = [...this.#of(resource).source()] as T[];
    return { items: transform === undefined ? items : items.map(transform), resourceVersion: '1' };
  }

  async *watch<T>(resource: Resource<T>, options: WatchOptions = {}): AsyncGenerator<WatchEvent<T>> {
    const { signal } = options;
    const collection = this.#of(resource);
    const stream: Stream = { events: [], wake: () => undefined };
    collection.streams.add(stream);
    const stop = (): void => stream.wake();
    signal?.addEventListener('abort', stop);
    try {
      if (options.sendInitialEvents === true) {
        for (const object of collection.source()) yield { type: 'ADDED', object: object as T };
        const annotations = { 'k8s.io/initial-events-end': 'true' };
        yield { type: 'BOOKMARK', object: { metadata: { resourceVersion: '1', annotations } } as T };
      }
      for (;;) {
        if (signal?.aborted === true) return;
        const event = stream.events.shift();
        if (event !== undefined) {
          yield event as WatchEvent<T>;
          continue;
        }
        await new Promise<void>((resolve) => {
          stream.wake = resolve;
        });
      }
    } finally {
      collection.streams.delete(stream);
      signal?.removeEventListener('abort', stop);
    }
  }

  get(): Promise<never> {
    return refuse();
  }

  create(): Promise<never> {
    return refuse();
  }

  update(): Promise<never> {
    return refuse();
  }

  patch(): Promise<never> {
    return refuse();
  }

  delete(): Promise<never> {
    return refuse();
  }

  request(): Promise<never> {
    return refuse();
  }

  #of(resource: { readonly plural: string }): Collection {
    const collection = this.#collections.get(resource.plural);
    if (collection === undefined) throw new Error(`nothing provides ${resource.plural}`);
    return collection;
  }
}

function refuse(): Promise<never> {
  return Promise.reject(new Error('only lists and watches'));
}
