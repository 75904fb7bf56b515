/** Requests to one API server: verbs in, typed objects or errors out. */
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { StatusError, apiVersionOf, isJsonObject } from '../api/index.ts';
import type { Resource, Status } from '../api/index.ts';
import type { Logger } from '../observe/index.ts';
import { ConnectionError } from './errors.ts';
import type { ClientConfig } from './kubeconfig.ts';
import { resourcePath, withQuery } from './resource-path.ts';
import type { Query } from './resource-path.ts';
import { Transport } from './transport.ts';
import type { TransportResponse } from './transport.ts';
import type {
  KubeClient,
  KubeObject,
  ListOptions,
  ListTransform,
  ObjectList,
  PatchType,
  WarningHandler,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './types.ts';
import { splitLines } from './watch-lines.ts';

export interface ClientOptions {
  readonly logger: Logger;
  /** Called with the text of each `Warning` header; by default they are logged. */
  readonly onWarning?: WarningHandler;
  /** Sent as User-Agent and, when a write names none, as its field manager. */
  readonly name?: string;
  /** Longest silence of a request, milliseconds. */
  readonly requestTimeoutMs?: number;
  /** Told of every answer to a request but watches, each attempt by itself: for metrics. */
  readonly onResponse?: (seen: SeenResponse) => void;
}

/** An answer of the API server. */
export interface SeenResponse {
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
}

/** A client that can be closed: `close` hangs up on every connection, watches included. */
export interface ClosableKubeClient extends KubeClient {
  close(): void;
}

const patchContentTypes: Readonly<Record<PatchType, string>> = {
  strategic: 'application/strategic-merge-patch+json',
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** A request is repeated only when the server asked for it (429 or 5xx with Retry-After), as client-go does. */
const maxRetries = 10;
const maxRetryAfterSeconds = 30;
const defaultPageSize = 500;

/** A client of the API server in `config`. */
export function createClient(config: ClientConfig, options: ClientOptions): ClosableKubeClient {
  const { logger } = options;
  const name = options.name ?? 'fairlead';
  const timeoutMs = options.requestTimeoutMs ?? 60_000;
  const onWarning = options.onWarning ?? ((text) => logger.warn({ warning: text }, 'warning from the API server'));
  const transport = new Transport(config, { userAgent: name });

  const send = async (
    method: string,
    path: string,
    request: {
      readonly body?: unknown;
      readonly contentType?: string;
      readonly accept?: string;
      readonly signal?: AbortSignal | undefined;
      readonly onWarning?: WarningHandler | undefined;
    } = {},
  ): Promise<TransportResponse> => {
    const headers: Record<string, string> = { accept: request.accept ?? 'application/json' };
    if (request.body !== undefined) headers['content-type'] = request.contentType ?? 'application/json';
    for (let attempt = 0; ; attempt++) {
      const startedMs = performance.now();
      const response = await transport.fetch({
        method,
        path,
        headers,
        body: encodeBody(request.body),
        signal: request.signal,
        timeoutMs,
      });
      options.onResponse?.({ method, status: response.status, seconds: (performance.now() - startedMs) / 1000 });
      for (const warning of warningsOf(response.headers)) (request.onWarning ?? onWarning)(warning);
      if (response.status < 400) return response;
      const delayMs = retryDelayMs(response);
      if (delayMs === undefined || attempt >= maxRetries)
        throw statusErrorOf(response.status, response.body.toString('utf8'), path);
      await sleep(delayMs, undefined, { ...(request.signal !== undefined && { signal: request.signal }) }).catch(
        (error: unknown) => {
          throw transport.wrapError(error, request.signal);
        },
      );
    }
  };

  const sendForObject = async <T>(method: string, path: string, request: Parameters<typeof send>[2] = {}): Promise<T> =>
    parseBody(config.server, (await send(method, path, request)).body) as T;

  const writeQuery = (write: WriteOptions, extra: Query = {}): Query => ({
    fieldManager: write.fieldManager ?? name,
    dryRun: write.dryRun === true ? 'All' : undefined,
    fieldValidation: write.fieldValidation,
    ...extra,
  });

  const listPage = (resource: Resource, path: string, list: ListOptions, page: Query): Promise<ListBody> =>
    sendForObject<unknown>('GET', withQuery(path, { ...selectors(list), ...page }), { signal: list.signal }).then((body) => {
      // An answer that is JSON but no list (from a proxy, say) must not empty anybody's store.
      if (!isJsonObject(body) || !isList(body)) throw unreadable(config.server, JSON.stringify(body));
      return body;
    });

  return {
    server: config.server,

    get: (resource, objectName, scope = {}) =>
      sendForObject('GET', resourcePath(resource, { ...scope, name: objectName }), { signal: scope.signal }),

    list: async <T>(resource: Resource<T>, list: ListOptions & ListTransform<T> = {}): Promise<ObjectList<T>> => {
      const path = resourcePath(resource, list);
      const limit = list.limit ?? defaultPageSize;
      const { transform } = list;
      // Items of a list need not say what they are (surface section 1.5); objects of ours always do.
      const whole = { apiVersion: apiVersionOf(resource), kind: resource.kind };
      const finished = (item: unknown): T => {
        const object = Object.assign(item as object, whole) as T;
        return transform === undefined ? object : transform(object);
      };
      const items: T[] = [];
      let body = await listPage(resource, path, list, { limit, resourceVersion: list.resourceVersion });
      for (;;) {
        for (const item of body.items ?? []) items.push(finished(item));
        const next = body.metadata?.continue;
        if (next === undefined || next === '') break;
        try {
          body = await listPage(resource, path, list, { limit, continue: next });
        } catch (error) {
          if (!(error instanceof StatusError) || error.httpStatus !== 410) throw error;
          // The pages' snapshot has expired: one list without pages is consistent again.
          items.length = 0;
          body = await listPage(resource, path, list, { resourceVersion: list.resourceVersion });
        }
      }
      return { items, resourceVersion: body.metadata?.resourceVersion ?? '' };
    },

    create: (resource, object, write = {}) =>
      sendForObject(
        'POST',
        withQuery(
          resourcePath(resource, {
            namespace: write.namespace ?? metadataOf(object).namespace,
            subresource: write.subresource,
            // POST to a subresource goes to an object (pods/x/binding), POST of an object to the collection.
            name: write.subresource === undefined ? undefined : metadataOf(object).name,
          }),
          writeQuery(write),
        ),
        { body: object, signal: write.signal, onWarning: write.onWarning },
      ),

    update: (resource, object, write = {}) =>
      sendForObject(
        'PUT',
        withQuery(
          resourcePath(resource, {
            namespace: write.namespace ?? metadataOf(object).namespace,
            name: metadataOf(object).name ?? '',
            subresource: write.subresource,
          }),
          writeQuery(write),
        ),
        { body: object, signal: write.signal, onWarning: write.onWarning },
      ),

    patch: (resource, objectName, type, patch, write = {}) =>
      sendForObject(
        'PATCH',
        withQuery(
          resourcePath(resource, { namespace: write.namespace, name: objectName, subresource: write.subresource }),
          writeQuery(write),
        ),
        { body: patch, contentType: patchContentTypes[type], signal: write.signal, onWarning: write.onWarning },
      ),

    delete: async (resource, objectName, scope = {}) => {
      const path = resourcePath(resource, { namespace: scope.namespace, name: objectName });
      const body = scope.body === undefined ? undefined : { apiVersion: 'v1', kind: 'DeleteOptions', ...scope.body };
      await send('DELETE', path, { body, signal: scope.signal });
    },

    watch: <T>(resource: Resource<T>, watch: WatchOptions = {}) => {
      const query = {
        ...selectors(watch),
        watch: 'true',
        resourceVersion: watch.resourceVersion,
        allowWatchBookmarks: watch.allowWatchBookmarks,
        sendInitialEvents: watch.sendInitialEvents,
        // Required with sendInitialEvents, forbidden without (surface section 1.7).
        resourceVersionMatch: watch.sendInitialEvents === true ? 'NotOlderThan' : undefined,
        timeoutSeconds: watch.timeoutSeconds,
      };
      return watchEvents<T>(transport, withQuery(resourcePath(resource, watch), query), {
        server: config.server,
        signal: watch.signal,
        timeoutMs,
        onWarning,
      });
    },

    request: async (method, path, request = {}) => {
      const response = await send(method, path, request);
      const text = response.body.toString('utf8');
      return /\bjson\b/.test(response.headers['content-type'] ?? '') && text !== ''
        ? parseBody(config.server, response.body)
        : text;
    },

    close: () => transport.close(),
  };
}

interface ListBody {
  readonly kind?: string;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly unknown[] | null;
}

/** Without `items` it is empty, as Go's clients write an empty one. */
function isList(body: ListBody): boolean {
  return Array.isArray(body.items) || ((body.items ?? undefined) === undefined && body.kind?.endsWith('List') === true);
}

async function* watchEvents<T>(
  transport: Transport,
  path: string,
  options: {
    readonly server: string;
    readonly signal: AbortSignal | undefined;
    readonly timeoutMs: number;
    readonly onWarning: WarningHandler;
  },
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const { server, signal, timeoutMs } = options;
  let body: IncomingMessage | undefined;
  try {
    const response = await transport.stream({ method: 'GET', path, headers: { accept: 'application/json' }, signal, timeoutMs });
    body = response.body;
    for (const warning of warningsOf(response.headers)) options.onWarning(warning);
    if (response.status >= 400) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of body) chunks.push(chunk as Uint8Array);
      throw statusErrorOf(response.status, Buffer.concat(chunks).toString('utf8'), path);
    }
    for await (const line of splitLines(body)) {
      const event = parseEvent<T>(server, line);
      if (event !== undefined) yield event;
    }
  } catch (error) {
    // An ended signal is how a watch is meant to be stopped; the caller sees the stream end.
    if (signal?.aborted === true) return;
    throw error instanceof StatusError ? error : transport.wrapError(error, signal);
  } finally {
    body?.destroy();
  }
}

/** Undefined for an event type from the future, which is skipped. */
function parseEvent<T>(server: string, line: string): WatchEvent<T> | undefined {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (error) {
    throw unreadable(server, line, error);
  }
  if (typeof event !== 'object' || event === null || !('type' in event) || !('object' in event)) throw unreadable(server, line);
  const { type, object } = event;
  if (typeof object !== 'object' || object === null) throw unreadable(server, line);
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
    case 'BOOKMARK':
      return { type, object: object as T };
    case 'ERROR':
      throw new StatusError(object);
    default:
      return undefined;
  }
}

function parseBody(server: string, body: Buffer): unknown {
  const text = body.toString('utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unreadable(server, text, error);
  }
}

function unreadable(server: string, text: string, cause?: unknown): ConnectionError {
  const start = text.slice(0, 200);
  return new ConnectionError(
    `${server}: the answer is not what the API promises: ${JSON.stringify(start)}`,
    { code: 'unreadable', server, text: start },
    { cause },
  );
}

/** The Status in an error's body; a Status made from the HTTP code when something else (a proxy, say) answered. */
function statusErrorOf(httpStatus: number, text: string, path: string): StatusError {
  try {
    const body = JSON.parse(text) as Partial<Status> | null;
    if (body?.kind === 'Status') return new StatusError({ code: httpStatus, ...body });
  } catch {
    // Not JSON: described below from its HTTP code and its first words.
  }
  return new StatusError({
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message: `the server answered ${httpStatus} to ${path.split('?')[0]}: ${text.trim().slice(0, 200)}`,
    reason: reasonsByCode[httpStatus] ?? '',
    code: httpStatus,
  });
}

const reasonsByCode: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Expired',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function retryDelayMs(response: TransportResponse): number | undefined {
  const seconds = Number(response.headers['retry-after'] ?? Number.NaN);
  if (response.status !== 429 && response.status < 500) return undefined;
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, maxRetryAfterSeconds) * 1000 : undefined;
}

/** The texts of `Warning: 299 - "text"` headers (RFC 7234 section 5.5); Node joins several with a comma. */
export function warningsOf(headers: Readonly<Record<string, string | string[] | undefined>>): string[] {
  const value = headers['warning'];
  if (value === undefined) return [];
  const joined = Array.isArray(value) ? value.join(', ') : value;
  return Array.from(joined.matchAll(/\b\d{3}\s+\S+\s+"((?:[^"\\]|\\.)*)"/g), (match) =>
    (match[1] ?? '').replaceAll(/\\(.)/g, '$1'),
  );
}

function encodeBody(body: unknown): string | Uint8Array | undefined {
  if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) return body;
  return JSON.stringify(body);
}

function selectors(list: ListOptions): Query {
  return { labelSelector: list.labelSelector, fieldSelector: list.fieldSelector };
}

function metadataOf(object: unknown): NonNullable<KubeObject['metadata']> {
  return (object as KubeObject).metadata ?? {};
}
