/** What the rest of the program asks of a Kubernetes API server, whichever it is. */
import type { DeleteOptions, ObjectMeta, Resource } from '../api/index.ts';

/** Any stored object. Objects read from a server always have metadata with name, uid and resourceVersion. */
export interface KubeObject {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata?: ObjectMeta | undefined;
}

/** Where a request goes. Namespaced resources need a namespace for everything but lists and watches. */
export interface Scope {
  readonly namespace?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteOptions extends Scope {
  /** Query parameter fieldManager; the client's own name when absent. */
  readonly fieldManager?: string | undefined;
  readonly dryRun?: boolean | undefined;
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore' | undefined;
  readonly subresource?: string | undefined;
  /** Told of what the server remarks on this write, instead of the client's own handler. */
  readonly onWarning?: WarningHandler | undefined;
}

export interface ListOptions extends Scope {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly resourceVersion?: string | undefined;
  /** Page size; the client follows `continue` by itself. */
  readonly limit?: number | undefined;
}

/** What a list may do with each object as its page comes: the page's own objects need not stay. */
export interface ListTransform<T> {
  readonly transform?: ((object: T) => T) | undefined;
}

export interface WatchOptions extends ListOptions {
  readonly allowWatchBookmarks?: boolean | undefined;
  readonly sendInitialEvents?: boolean | undefined;
  readonly timeoutSeconds?: number | undefined;
}

export interface ObjectList<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

/** One line of a watch stream. ERROR events are thrown as StatusError, not yielded. */
export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

export type PatchType = 'strategic' | 'merge' | 'json' | 'apply';

/** What a server said besides its answer. */
export type WarningHandler = (text: string) => void;

/**
 * Requests to one API server. Every method throws `StatusError` (api/) when the server answers with an error and
 * `ConnectionError` when it cannot be reached or the stream breaks.
 */
export interface KubeClient {
  /** Base URL, e.g. https://127.0.0.1:6443. */
  readonly server: string;
  get<T>(resource: Resource<T>, name: string, options?: Scope & { readonly subresource?: string }): Promise<T>;
  list<T>(resource: Resource<T>, options?: ListOptions & ListTransform<T>): Promise<ObjectList<T>>;
  create<T>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  /** PUT. With metadata.resourceVersion set the write is conditional: 409 Conflict when someone else wrote meanwhile. */
  update<T>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T>(resource: Resource<T>, name: string, type: PatchType, patch: unknown, options?: WriteOptions): Promise<T>;
  delete<T>(resource: Resource<T>, name: string, options?: Scope & { readonly body?: DeleteOptions }): Promise<void>;
  /** One watch stream: ends when the server ends it or the signal aborts. Reconnecting is the informer's work. */
  watch<T>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Any other request; resolves to the parsed JSON body, or the text where the answer is not JSON. */
  request(
    method: string,
    path: string,
    options?: { readonly body?: unknown; readonly contentType?: string; readonly accept?: string; readonly signal?: AbortSignal },
  ): Promise<unknown>;
}

/** What an informer tells its listeners. Called in order, once the object is in the store. */
export interface InformerHandler<T> {
  added?(object: T, isInitial: boolean): void;
  updated?(before: T, after: T): void;
  deleted?(object: T): void;
}

/** A read-only, always current copy of a collection. Keys are `namespace/name`, or `name` for cluster-scoped kinds. */
export interface Lister<T> {
  get(key: string): T | undefined;
  list(): readonly T[];
  /** Objects whose index function (given at construction) returned this value. */
  byIndex(index: string, value: string): readonly T[];
  readonly hasSynced: boolean;
  readonly size: number;
}

/** Keeps a local copy of a collection true: list, watch, reconnect with back-off, relist on 410. Survives everything but `stop`. */
export interface Informer<T> extends Lister<T> {
  readonly resource: Resource<T>;
  /** Adds a listener; objects already in the store are announced to it at once. Returns a function that removes it. */
  subscribe(handler: InformerHandler<T>): () => void;
  start(signal: AbortSignal): void;
  /** Resolves when the first list is in the store; rejects only when aborted. */
  synced(): Promise<void>;
}
