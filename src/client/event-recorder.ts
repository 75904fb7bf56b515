/** Kubernetes Events: what a controller tells people about an object. Repeats are counted, floods are thinned (as client-go's correlator does). */
import { StatusError, events, formatTime } from '../api/index.ts';
import type { Event, ObjectReference } from '../api/index.ts';
import { messageOf } from '../observe/index.ts';
import type { Logger } from '../observe/index.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { KubeClient, KubeObject } from './types.ts';

export interface EventSink {
  /** Says something about an object. Never throws and never waits: events are a courtesy. */
  event(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
}

interface Recorded {
  readonly name: string;
  readonly namespace: string;
  readonly firstTimestamp: string;
  count: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** How many different events are remembered for counting. */
const memory = 4096;
/** More than this many different texts for one reason of one object within `similarWindowMs` are told as one. */
const similarLimit = 10;
const similarWindowMs = 10 * 60_000;
/** Each object may have this many events at once, and one more every `refillMs`. */
const burst = 25;
const refillMs = 5 * 60_000;
const attempts = 4;

/** Writes events through a client, in order, in the background. */
export class EventRecorder implements EventSink {
  readonly #client: KubeClient;
  readonly #component: string;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #recorded = new Map<string, Recorded>();
  readonly #similar = new Map<string, { readonly since: number; readonly texts: Set<string> }>();
  readonly #buckets = new Map<string, Bucket>();
  #serial = 0;
  #pending: Promise<void> = Promise.resolve();

  constructor(
    client: KubeClient,
    component: string,
    { logger, clock = systemClock }: { readonly logger: Logger; readonly clock?: Clock },
  ) {
    this.#client = client;
    this.#component = component;
    this.#logger = logger;
    this.#clock = clock;
  }

  event(object: KubeObject, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const now = this.#clock.now();
    const involvedObject = referenceTo(object);
    const who = `${involvedObject.kind}/${involvedObject.namespace ?? ''}/${involvedObject.name ?? ''}/${involvedObject.uid ?? ''}`;
    if (!this.#takeToken(who, now)) return;
    const text = this.#combined(`${who}/${type}/${reason}`, message, now);
    const key = `${who}/${type}/${reason}/${text}`;
    this.#pending = this.#pending.then(() => this.#write(key, involvedObject, { type, reason, message: text }, now));
  }

  /** Resolves when everything said so far is written or given up. */
  flush(): Promise<void> {
    return this.#pending;
  }

  async #write(
    key: string,
    involvedObject: ObjectReference,
    said: Pick<Event, 'type' | 'reason' | 'message'>,
    now: number,
  ): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#writeOnce(key, involvedObject, said, now);
        return;
      } catch (error) {
        // A refusal (the namespace is going away, say) is final; a server that is away may come back.
        if (error instanceof StatusError || attempt >= attempts) {
          this.#logger.debug({ reason: said.reason, cause: messageOf(error) }, 'event not recorded');
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** attempt).unref());
      }
    }
  }

  async #writeOnce(
    key: string,
    involvedObject: ObjectReference,
    said: Pick<Event, 'type' | 'reason' | 'message'>,
    now: number,
  ): Promise<void> {
    const known = this.#recorded.get(key);
    if (known !== undefined) {
      const patch = { count: known.count + 1, lastTimestamp: formatTime(new Date(now)) };
      try {
        await this.#client.patch(events, known.name, 'merge', patch, { namespace: known.namespace });
        known.count++;
        return;
      } catch (error) {
        if (!(error instanceof StatusError) || error.httpStatus !== 404) throw error;
        this.#recorded.delete(key);
      }
    }
    const namespace = involvedObject.namespace ?? 'default';
    const timestamp = formatTime(new Date(now));
    const name = `${involvedObject.name ?? ''}.${(BigInt(now) * 1_000_000n + BigInt(this.#serial++ % 1_000_000)).toString(16)}`;
    await this.#client.create(events, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name, namespace },
      involvedObject,
      ...said,
      source: { component: this.#component },
      reportingComponent: this.#component,
      reportingInstance: '',
      firstTimestamp: timestamp,
      lastTimestamp: timestamp,
      count: 1,
    });
    this.#recorded.set(key, { name, namespace, firstTimestamp: timestamp, count: 1 });
    forgetOldest(this.#recorded);
  }

  #takeToken(who: string, now: number): boolean {
    const bucket = this.#buckets.get(who) ?? { tokens: burst, at: now };
    const refilled = Math.floor((now - bucket.at) / refillMs);
    if (refilled > 0) {
      bucket.tokens = Math.min(burst, bucket.tokens + refilled);
      bucket.at += refilled * refillMs;
    }
    this.#buckets.set(who, bucket);
    forgetOldest(this.#buckets);
    if (bucket.tokens === 0) return false;
    bucket.tokens--;
    return true;
  }

  #combined(key: string, message: string, now: number): string {
    let similar = this.#similar.get(key);
    if (similar === undefined || now - similar.since > similarWindowMs) {
      similar = { since: now, texts: new Set() };
      this.#similar.set(key, similar);
      forgetOldest(this.#similar);
    }
    if (similar.texts.has(message)) return message;
    if (similar.texts.size >= similarLimit) return `(combined from similar events): ${[...similar.texts][0] ?? ''}`;
    similar.texts.add(message);
    return message;
  }
}

/** A reference to an object as events carry it. */
export function referenceTo(object: KubeObject): ObjectReference {
  const { name, namespace, uid, resourceVersion } = object.metadata ?? {};
  return { kind: object.kind, apiVersion: object.apiVersion, name, namespace, uid, resourceVersion };
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= memory) return;
    map.delete(key);
  }
}
