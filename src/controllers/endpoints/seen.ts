/** Waiting for one's own writes to come back: a controller that syncs from a stale copy would create everything twice. */
import type { Informer, KubeObject } from '../../client/index.ts';
import { keyOf } from '../../client/index.ts';

/** What a sync wrote: objects as the server returned them, and objects it removed. */
export interface Written<T> {
  readonly stored: readonly T[];
  readonly removed: readonly T[];
}

/**
 * Resolves when the informer's copy is at least as new as everything written, or after `timeoutMs`; then the next sync may see
 * old data, and the one that the late event causes puts it right. Source: upstream's endpointslice tracker has the same aim.
 */
export async function untilSeen<T extends KubeObject>(
  informer: Informer<T>,
  written: Written<T>,
  timeoutMs = 2000,
): Promise<void> {
  const isSeen = (): boolean =>
    written.stored.every((object) => isAtLeast(informer, object)) && written.removed.every((object) => isGone(informer, object));
  if (isSeen()) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      unsubscribe();
      resolve();
    };
    const timer = setTimeout(done, timeoutMs);
    const look = (): void => {
      if (isSeen()) done();
    };
    // the subscription announces what is there already, synchronously, before `unsubscribe` exists: look afterwards as well
    let isReady = false;
    const lookWhenReady = (): void => {
      if (isReady) look();
    };
    const unsubscribe = informer.subscribe({ added: lookWhenReady, updated: lookWhenReady, deleted: lookWhenReady });
    isReady = true;
    look();
  });
}

function isAtLeast<T extends KubeObject>(informer: Informer<T>, object: T): boolean {
  const seen = informer.get(keyOf(object))?.metadata?.resourceVersion;
  const wanted = object.metadata?.resourceVersion;
  if (seen === undefined || wanted === undefined) return false;
  return seen === wanted || BigInt(seen) >= BigInt(wanted);
}

function isGone<T extends KubeObject>(informer: Informer<T>, object: T): boolean {
  const seen = informer.get(keyOf(object));
  return seen === undefined || seen.metadata?.uid !== object.metadata?.uid;
}
