/** Keeps true what the API server itself puts into the store: brings back what users delete, forgets old events, repairs allocations. */
import type { Event } from '../../api/index.ts';
import { events, namespaces, parseTime } from '../../api/index.ts';
import { messageOf } from '../../observe/index.ts';
import { servedOf } from '../registry/catalog.ts';
import type { RegistryContext } from '../registry/context.ts';
import { removeObject } from '../registry/remove.ts';
import type { StoreEvent } from '../store/index.ts';
import { storeKey, storePrefix } from '../store/index.ts';
import { fillNamespace } from './namespace-behaviour.ts';

export interface KeeperOptions {
  readonly caPem: string;
  /** Puts the Service `default/kubernetes` and its endpoints back. */
  readonly seedKubernetesService: () => void;
  /** Makes allocators and Services agree. */
  readonly repairServices: () => void;
}

/** As long as upstream keeps events (--event-ttl). */
const eventLifeMs = 60 * 60_000;
const expiryIntervalMs = 60_000;
/** As often as upstream repairs. */
const repairIntervalMs = 3 * 60_000;

/** Runs from `start` to `stop`. */
export class Keeper {
  readonly #context: RegistryContext;
  readonly #options: KeeperOptions;
  readonly #stops: (() => void)[] = [];

  constructor(context: RegistryContext, options: KeeperOptions) {
    this.#context = context;
    this.#options = options;
  }

  start(): void {
    const { caPem, seedKubernetesService, repairServices } = this.#options;
    const fill = ({ key }: StoreEvent): void => this.#fill(key.split('/')[2] ?? '', caPem);
    this.#bringBack('/serviceaccounts/', (key) => key.endsWith('/default'), fill);
    this.#bringBack('/configmaps/', (key) => key.endsWith('/kube-root-ca.crt'), fill);
    for (const prefix of ['/services/default/', '/endpoints/default/', 'discovery.k8s.io/endpointslices/default/']) {
      this.#bringBack(prefix, (key) => key === `${prefix}kubernetes`, seedKubernetesService);
    }
    this.#every(expiryIntervalMs, () => expireEvents(this.#context));
    this.#every(repairIntervalMs, repairServices);
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** Once the deletion that is under way has been answered. */
  #bringBack(prefix: string, isKept: (key: string) => boolean, restore: (event: StoreEvent) => void): void {
    const { store } = this.#context;
    const stop = store.watch(prefix, store.revision, (event) => {
      if (event.type === 'DELETED' && isKept(event.key)) setImmediate(() => this.#try(() => restore(event)));
    });
    this.#stops.push(stop);
  }

  #every(intervalMs: number, work: () => void): void {
    const timer = setInterval(() => this.#try(work), intervalMs);
    timer.unref();
    this.#stops.push(() => clearInterval(timer));
  }

  #fill(namespace: string, caPem: string): void {
    const stored = this.#context.store.get(storeKey(namespaces.group, namespaces.plural, '', namespace));
    if (stored !== undefined && stored.object.metadata?.deletionTimestamp === undefined)
      fillNamespace(this.#context, namespace, caPem);
  }

  #try(work: () => void): void {
    if (this.#stops.length === 0) return;
    try {
      work();
    } catch (error) {
      this.#context.logger.warn({ error: messageOf(error) }, 'could not keep an object of the server true');
    }
  }
}

/** Removes events that nothing was added to for an hour. */
export function expireEvents(context: RegistryContext): void {
  const served = servedOf(events);
  const oldest = context.now().getTime() - eventLifeMs;
  for (const stored of context.store.list(storePrefix(events.group, events.plural)).items) {
    const { metadata, lastTimestamp, series, eventTime } = stored.object as unknown as Event;
    const last = [metadata.creationTimestamp, lastTimestamp, series?.lastObservedTime, eventTime].map(
      (text) => parseTime(text ?? '') ?? 0,
    );
    if (Math.max(...last) < oldest) removeObject(context, served, stored);
  }
}
