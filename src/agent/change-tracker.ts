/** Informers -> which Services must be decided anew. Nothing depends on seeing each event: a key is dirty or it is not. */
import type { EndpointSlice, Node, Service, ServiceCIDR } from '../api/index.ts';
import type { Informer, KubeObject } from '../client/index.ts';
import { serviceNameLabel, topologyKeysOf } from '../routing/index.ts';

/** The informers that an agent follows; several agents may share them. Somebody else starts them. */
export interface AgentInformers {
  readonly services: Informer<Service>;
  readonly endpointSlices: Informer<EndpointSlice>;
  readonly nodes: Informer<Node>;
  /** Absent: the service ranges come from the options alone. */
  readonly serviceCidrs?: Informer<ServiceCIDR>;
}

/** What has changed since the last `take`. */
export interface Dirty {
  /** Keys (`namespace/name`) to decide anew. */
  readonly services: ReadonlySet<string>;
  /** Everything is to be decided anew, and the node's own rows with it. */
  readonly isAll: boolean;
  /** The service ranges changed. */
  readonly hasNewCidrs: boolean;
  /** Events seen. */
  readonly serviceChanges: number;
  readonly sliceChanges: number;
  /** When the changes came about that slices tell of (their trigger time), in milliseconds since 1970. */
  readonly triggerTimesMs: readonly number[];
}

/** Written by the EndpointSlice controller: when the pod or Service changed that the slice follows. */
export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

export class ChangeTracker {
  readonly #informers: AgentInformers;
  readonly #nodeName: string;
  readonly #onChange: () => void;
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  /** Services whose topologyKeys make them depend on the labels of all nodes. */
  readonly #keyed = new Set<string>();
  #dirty = new Set<string>();
  #isAll = true;
  #hasNewCidrs = true;
  #serviceChanges = 0;
  #sliceChanges = 0;
  #triggerTimesMs: number[] = [];
  #unsubscribe: (() => void)[] = [];

  /** `onChange` is called at every event that makes something dirty; it must be cheap. */
  constructor(options: { readonly informers: AgentInformers; readonly nodeName: string; readonly onChange: () => void }) {
    this.#informers = options.informers;
    this.#nodeName = options.nodeName;
    this.#onChange = options.onChange;
  }

  start(): void {
    const { services, endpointSlices, nodes, serviceCidrs } = this.#informers;
    this.#unsubscribe = [
      follow(services, (before, after) => this.#changeService(before, after)),
      follow(endpointSlices, (before, after) => this.#changeSlice(before, after)),
      follow(nodes, (before, after) => this.#changeNode(before, after)),
    ];
    if (serviceCidrs !== undefined) this.#unsubscribe.push(follow(serviceCidrs, () => this.#changeCidrs()));
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#unsubscribe = [];
  }

  get isDirty(): boolean {
    return this.#isAll || this.#hasNewCidrs || this.#dirty.size > 0;
  }

  /** Everything is to be decided anew. Does not call `onChange`. */
  markAll(): void {
    this.#isAll = true;
  }

  /** Changes that `take` has not handed over yet. */
  get pending(): { readonly services: number; readonly slices: number } {
    return { services: this.#serviceChanges, slices: this.#sliceChanges };
  }

  take(): Dirty {
    const dirty = {
      services: this.#dirty,
      isAll: this.#isAll,
      hasNewCidrs: this.#hasNewCidrs,
      serviceChanges: this.#serviceChanges,
      sliceChanges: this.#sliceChanges,
      triggerTimesMs: this.#triggerTimesMs,
    };
    this.#dirty = new Set();
    this.#serviceChanges = 0;
    this.#sliceChanges = 0;
    if (this.#triggerTimesMs.length > 0) this.#triggerTimesMs = [];
    this.#isAll = false;
    this.#hasNewCidrs = false;
    return dirty;
  }

  /** Slices of one Service. */
  slicesOf(key: string): readonly EndpointSlice[] {
    const slices = this.#slices.get(key);
    return slices === undefined ? [] : [...slices.values()];
  }

  #changeService(before: Service | undefined, after: Service | undefined): void {
    const object = after ?? before;
    if (object === undefined) return;
    this.#serviceChanges++;
    const key = keyOf(object);
    if (after !== undefined && topologyKeysOf(after).length > 0) this.#keyed.add(key);
    else this.#keyed.delete(key);
    this.#mark(key);
  }

  #changeSlice(before: EndpointSlice | undefined, after: EndpointSlice | undefined): void {
    this.#sliceChanges++;
    const trigger = after?.metadata?.annotations?.[triggerTimeAnnotation];
    if (trigger !== undefined && trigger !== before?.metadata?.annotations?.[triggerTimeAnnotation])
      this.#triggerTimesMs.push(Date.parse(trigger));
    const oldKey = before === undefined ? undefined : serviceKeyOf(before);
    const newKey = after === undefined ? undefined : serviceKeyOf(after);
    if (before !== undefined && oldKey !== undefined && oldKey !== newKey) this.#removeSlice(oldKey, keyOf(before));
    if (after !== undefined && newKey !== undefined) {
      const slices = this.#slices.get(newKey);
      if (slices === undefined) this.#slices.set(newKey, new Map([[keyOf(after), after]]));
      else slices.set(keyOf(after), after);
      this.#mark(newKey);
    }
  }

  #removeSlice(serviceKey: string, sliceKey: string): void {
    const slices = this.#slices.get(serviceKey);
    slices?.delete(sliceKey);
    if (slices?.size === 0) this.#slices.delete(serviceKey);
    this.#mark(serviceKey);
  }

  /** A node's status changes with every heartbeat: only what decisions read counts. */
  #changeNode(before: Node | undefined, after: Node | undefined): void {
    const name = (after ?? before)?.metadata?.name;
    if (name === this.#nodeName) {
      if (factsOf(before) === factsOf(after)) return;
      this.#isAll = true;
      this.#onChange();
    } else if (JSON.stringify(before?.metadata?.labels) !== JSON.stringify(after?.metadata?.labels)) {
      for (const key of this.#keyed) this.#mark(key);
    }
  }

  #changeCidrs(): void {
    this.#hasNewCidrs = true;
    this.#onChange();
  }

  #mark(key: string): void {
    this.#dirty.add(key);
    this.#onChange();
  }
}

function follow<T extends KubeObject>(
  informer: Informer<T>,
  change: (before: T | undefined, after: T | undefined) => void,
): () => void {
  return informer.subscribe({
    added: (object) => change(undefined, object),
    updated: change,
    deleted: (object) => change(object, undefined),
  });
}

function keyOf(object: KubeObject): string {
  return `${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`;
}

function serviceKeyOf(slice: EndpointSlice): string | undefined {
  const name = slice.metadata?.labels?.[serviceNameLabel];
  return name === undefined ? undefined : `${slice.metadata?.namespace ?? ''}/${name}`;
}

function factsOf(node: Node | undefined): string {
  return JSON.stringify([node?.metadata?.labels, node?.status?.addresses, node?.spec?.podCIDR, node?.spec?.podCIDRs]);
}
