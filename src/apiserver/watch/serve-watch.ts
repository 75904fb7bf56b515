/** Watch streams: history, initial state, bookmarks, and an end in time (API concepts "Efficient detection of changes", KEP-3157). */
import { forbiddenField, invalid, tooLargeResourceVersion, tooOldResourceVersion } from '../../api/index.ts';
import type { Exchange } from '../http/exchange.ts';
import { warningHeader } from '../http/exchange.ts';
import type { Presentation } from '../http/presentation.ts';
import type { Served } from '../registry/catalog.ts';
import type { RegistryContext } from '../registry/context.ts';
import type { Selection } from '../registry/read.ts';
import { isSelected, parseRevision } from '../registry/read.ts';
import { CompactedError, storePrefix } from '../store/index.ts';
import { bookmark, frame, frameFor } from './frames.ts';

export interface WatchRequest extends Selection {
  readonly namespace: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  /** Undefined: the client did not say. */
  readonly sendInitialEvents: boolean | undefined;
  readonly allowWatchBookmarks: boolean;
  /** 0: the server chooses. */
  readonly timeoutSeconds: number;
}

const bookmarkIntervalMs = 60_000;
/** A client that leaves this much unread is cut off; it will list again. */
const maxUnreadBytes = 64 * 1024 * 1024;
const minTimeoutSeconds = 30 * 60;

/** Answers with a stream until the client leaves, the time is over or the server closes. Throws 422 and 504 before it starts. */
export function serveWatch(
  context: RegistryContext,
  served: Served,
  presentation: Presentation,
  request: WatchRequest,
  exchange: Exchange,
): void {
  const { store } = context;
  const start = startOf(context, served, request);
  const prefix = storePrefix(served.storage.group, served.storage.plural, request.namespace);
  const { response } = exchange;
  response.writeHead(200, {
    'content-type': 'application/json',
    'cache-control': 'no-cache, private',
    ...warningHeader(exchange.warnings),
  });
  response.flushHeaders();

  let pending: Buffer[] = [];
  const flush = (): void => {
    const bytes = pending.length === 1 ? pending[0] : Buffer.concat(pending);
    pending = [];
    if (bytes === undefined || response.destroyed || response.writableEnded) return;
    response.write(bytes);
    if (response.writableLength > maxUnreadBytes) response.destroy();
  };
  const send = (bytes: Buffer): void => {
    if (pending.length === 0) queueMicrotask(flush);
    pending.push(bytes);
  };

  let isFirst = true;
  if (start.hasInitialState) {
    for (const { object } of store.list(prefix).items) {
      if (!isSelected(request, object)) continue;
      send(frame('ADDED', presentation.object(object, isFirst)));
      isFirst = false;
    }
    if (request.sendInitialEvents === true && request.allowWatchBookmarks) {
      send(bookmark(served, presentation, store.revision, true));
    }
  }
  let stop: () => void;
  try {
    stop = store.watch(prefix, start.revision, (event) => {
      const bytes = frameFor(event, request, presentation, isFirst);
      if (bytes === undefined) return;
      isFirst = false;
      send(bytes);
    });
  } catch (error) {
    if (!(error instanceof CompactedError)) throw error;
    send(frame('ERROR', JSON.stringify(tooOldResourceVersion(request.resourceVersion, String(error.oldestRevision)).status)));
    queueMicrotask(() => response.end());
    return;
  }

  const sendBookmark = (): void => {
    // Nothing of this resource is pending, so the whole store's revision is as true as the last event's.
    send(bookmark(served, presentation, store.revision, false));
  };
  const bookmarks = request.allowWatchBookmarks ? setInterval(sendBookmark, bookmarkIntervalMs) : undefined;
  const timer = setTimeout(() => {
    if (request.allowWatchBookmarks) sendBookmark();
    end();
  }, timeoutMs(request));
  const end = (): void => {
    stop();
    clearInterval(bookmarks);
    clearTimeout(timer);
    exchange.signal.removeEventListener('abort', end);
    queueMicrotask(() => response.end());
  };
  exchange.signal.addEventListener('abort', end);
  if (exchange.signal.aborted) end();
}

/** From which revision on events are wanted, and whether the present state comes first. */
function startOf(
  context: RegistryContext,
  served: Served,
  request: WatchRequest,
): { readonly revision: number; readonly hasInitialState: boolean } {
  const { resourceVersion, resourceVersionMatch, sendInitialEvents } = request;
  const fault = (field: string, text: string) => invalid('ListOptions', 'meta.k8s.io', '', [forbiddenField(field, text)]);
  if (sendInitialEvents === undefined && resourceVersionMatch !== '') {
    throw fault('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
  }
  if (sendInitialEvents !== undefined && resourceVersionMatch !== 'NotOlderThan') {
    throw fault('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  }
  const current = context.store.revision;
  if (resourceVersion === '' || resourceVersion === '0')
    return { revision: current, hasInitialState: sendInitialEvents !== false };
  const asked = parseRevision(served, resourceVersion);
  if (sendInitialEvents === true) {
    if (asked > current) throw tooLargeResourceVersion(resourceVersion, String(current));
    return { revision: current, hasInitialState: true };
  }
  // A version from the future was given out by another life of this server: its history is not ours, the client must list.
  return { revision: asked > current ? -1 : asked, hasInitialState: false };
}

function timeoutMs({ timeoutSeconds }: WatchRequest): number {
  // Spread, so that the clients of a busy server do not all come back at once.
  const seconds = timeoutSeconds > 0 ? timeoutSeconds : minTimeoutSeconds * (1 + Math.random());
  return Math.min(seconds * 1000, 2 ** 31 - 1);
}
