/** Waiting for one's own writes to come back through an informer. */
import type { Informer, KubeObject } from '../client/index.ts';
import { keyOf } from '../client/index.ts';

/**
 * Resolves when `condition` holds, looked at on every change of the informer, or after `timeoutMs`. A controller that syncs again
 * from a copy older than its own writes would do everything twice; this is what upstream's expectations are for.
 */
export async function untilHolds<T>(informer: Informer<T>, condition: () => boolean, timeoutMs = 2000): Promise<void> {
  if (condition()) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = (): void => {
    if (condition()) resolve();
  };
  const timer = setTimeout(resolve, timeoutMs);
  const unsubscribe = informer.subscribe({ added: look, updated: look, deleted: look });
  await promise;
  clearTimeout(timer);
  unsubscribe();
}

/** A condition for `untilHolds`: everything created is in the copy, and everything deleted is gone from it or marked to go. */
export function hasSeen<T extends KubeObject>(
  informer: Informer<T>,
  created: readonly KubeObject[],
  deleted: readonly KubeObject[],
): () => boolean {
  return () =>
    created.every((object) => informer.get(keyOf(object)) !== undefined) &&
    deleted.every((object) => {
      const seen = informer.get(keyOf(object));
      return seen === undefined || seen.metadata?.uid !== object.metadata?.uid || seen.metadata?.deletionTimestamp !== undefined;
    });
}

/** A condition for `untilHolds`: the copy is not the one from before the write any more, unless the write changed nothing. */
export function hasSeenWrite<T extends KubeObject>(informer: Informer<T>, before: T, stored: T): () => boolean {
  return () => {
    const seen = informer.get(keyOf(before))?.metadata?.resourceVersion;
    return seen === undefined || seen !== before.metadata?.resourceVersion || seen === stored.metadata?.resourceVersion;
  };
}
