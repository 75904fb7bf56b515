/** What every controller is given, and what it gives back. */
import { isNotFound } from '../api/index.ts';
import type { Clock, KubeClient, SharedInformers, WorkQueue } from '../client/index.ts';
import type { Logger } from '../observe/index.ts';

/** The world of a controller: it reads through informers, writes through the client, and tells the time by the clock. */
export interface ControllerContext {
  readonly client: KubeClient;
  readonly informers: SharedInformers;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A running controller. `stop` waits for the keys in hand. */
export interface Controller {
  stop(): Promise<void>;
}

/** A controller that works off this queue, which these subscriptions fill. */
export function createController(queue: WorkQueue, subscriptions: readonly (() => void)[]): Controller {
  return {
    stop: async () => {
      for (const unsubscribe of subscriptions) unsubscribe();
      await queue.stop();
    },
  };
}

/** Waits for a change of an object, for which there is nothing to do when it is gone already. */
export async function unlessGone(change: Promise<unknown>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
