/** What every controller is given, and what it gives back. */
import type { Clock, KubeClient, SharedInformers } from '../client/index.ts';
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
