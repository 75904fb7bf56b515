/** Watch events as bytes: one JSON document per line. An event is written once per presentation, not once per watcher. */
import { apiVersionOf } from '../../api/index.ts';
import type { Presentation } from '../http/presentation.ts';
import type { Served } from '../registry/catalog.ts';
import type { Selection } from '../registry/read.ts';
import { isSelected } from '../registry/read.ts';
import type { ApiObject, StoreEvent } from '../store/index.ts';

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** Marks the bookmark that ends the initial state of a watch-list (KEP-3157). */
export const initialEventsEnd = 'k8s.io/initial-events-end';

/** One line of the stream. */
export function frame(type: WatchEventType, objectJson: string): Buffer {
  return Buffer.from(`{"type":"${type}","object":${objectJson}}\n`);
}

/**
 * What a store event is to a watcher with this selection: an object that enters the selection is added, one that leaves it
 * is deleted. Undefined when it never was in it.
 */
export function frameFor(
  event: StoreEvent,
  selection: Selection,
  presentation: Presentation,
  isFirst: boolean,
): Buffer | undefined {
  const isIn = event.type !== 'DELETED' && isSelected(selection, event.current.object);
  const wasIn = event.previous !== undefined && isSelected(selection, event.previous.object);
  if (!isIn && !wasIn) return undefined;
  const type = isIn ? (wasIn ? 'MODIFIED' : 'ADDED') : 'DELETED';
  // The first frame of a Table watch carries the columns; it is that watcher's own.
  if (isFirst) return frame(type, presentation.object(objectOf(event, type), true));
  if (latest.event !== event) latest = { event, frames: new Map() };
  const key = `${type} ${presentation.key}`;
  let bytes = latest.frames.get(key);
  if (bytes === undefined) {
    bytes = frame(type, presentation.object(objectOf(event, type), false));
    latest.frames.set(key, bytes);
  }
  return bytes;
}

/** A bookmark: an object of the kind with nothing but a resourceVersion. */
export function bookmark(
  { resource }: Served,
  presentation: Presentation,
  revision: number,
  isInitialEventsEnd: boolean,
): Buffer {
  const isMetadataOnly = presentation.key.includes('/PartialObjectMetadata/');
  return frame(
    'BOOKMARK',
    JSON.stringify({
      kind: isMetadataOnly ? 'PartialObjectMetadata' : resource.kind,
      apiVersion: isMetadataOnly ? 'meta.k8s.io/v1' : apiVersionOf(resource),
      metadata: {
        resourceVersion: String(revision),
        ...(isInitialEventsEnd ? { annotations: { [initialEventsEnd]: 'true' } } : {}),
      },
    }),
  );
}

/** Frames of the event that is being told: a store tells one to all watchers before the next. Older ones would fill the memory. */
let latest: { readonly event: StoreEvent | undefined; readonly frames: Map<string, Buffer> } = {
  event: undefined,
  frames: new Map(),
};

/** The object that the frame shows: for one that left, its last state in the selection under the revision of the change. */
function objectOf(event: StoreEvent, type: WatchEventType): ApiObject {
  if (type !== 'DELETED' || event.type === 'DELETED' || event.previous === undefined) return event.current.object;
  const { object } = event.previous;
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(event.revision) } };
}
