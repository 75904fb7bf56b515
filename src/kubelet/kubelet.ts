/** One node's kubelet: runs the pods bound to it and keeps their status, and the Node's, true. */
import type { ConfigMap, Node, Pod, Secret, Service } from '../api/index.ts';
import { EventRecorder } from '../client/index.ts';
import type { Informer, KubeClient } from '../client/index.ts';
import { parseCidr } from '../net/index.ts';
import type { Logger } from '../observe/index.ts';
import { messageOf } from '../observe/index.ts';
import type { HostFacts } from './host-facts.ts';
import { prepareHost } from './host-facts.ts';
import { createIpPool } from './ip-pool.ts';
import { NodeStatusWriter } from './node-status.ts';
import type { PodContext } from './pod-context.ts';
import { PodWorker } from './pod-worker.ts';
import type { ClusterDns } from './resolv-conf.ts';
import type { PodRuntime } from './runtime.ts';

/** Tokens live ten minutes at least and are renewed when a fifth of that is left. */
const tokenCheckMs = 60_000;

export interface KubeletOptions {
  readonly nodeName: string;
  /** One per family, the primary first: addresses of pods come from here. */
  readonly podCidrs: readonly string[];
  readonly runtime: PodRuntime;
  readonly client: KubeClient;
  /** Shared by all kubelets of the process; started by whoever made them. Pods of other nodes are ignored. */
  readonly informers: {
    readonly pods: Informer<Pod>;
    readonly nodes: Informer<Node>;
    readonly services: Informer<Service>;
    readonly configMaps: Informer<ConfigMap>;
    readonly secrets: Informer<Secret>;
  };
  readonly dns: ClusterDns;
  /** Shared by all kubelets of the process: the place where containers are made. */
  readonly sandbox: SandboxHost;
}

/**
 * The kubelet's own tmpfs, mounted on first use over an existing directory (default `/dev/shm`). Only for processes that have a
 * mount namespace of their own: the mount would else be everybody's.
 */
export class SandboxHost {
  readonly #directory: string;
  #facts: Promise<HostFacts> | undefined;

  constructor(options: { readonly directory?: string } = {}) {
    this.#directory = options.directory ?? '/dev/shm';
  }

  get isPrepared(): boolean {
    return this.#facts !== undefined;
  }

  /** Rejects with `ContainerStartError` when the machine does not allow it. */
  prepare(): Promise<HostFacts> {
    this.#facts ??= prepareHost(this.#directory);
    return this.#facts;
  }
}

/** Runs from `start` until `stop`, which ends all its pods at once. */
export class Kubelet {
  readonly #options: KubeletOptions;
  readonly #context: PodContext;
  readonly #logger: Logger;
  readonly #workers = new Map<string, PodWorker>();
  readonly #ending = new Set<Promise<void>>();
  readonly #status: NodeStatusWriter;
  #unsubscribes: (() => void)[] = [];
  #renewal: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: KubeletOptions, { logger }: { readonly logger: Logger }) {
    this.#options = options;
    this.#logger = logger.child({ node: options.nodeName });
    const { nodeName, client, runtime, informers, sandbox } = options;
    this.#context = {
      nodeName,
      client,
      runtime,
      pool: createIpPool(options.podCidrs.flatMap((text) => parseCidr(text) ?? [])),
      events: new EventRecorder(client, 'kubelet', { logger: this.#logger }),
      configMaps: informers.configMaps,
      secrets: informers.secrets,
      services: informers.services,
      nodes: informers.nodes,
      dns: options.dns,
      prepareSandbox: () => sandbox.prepare(),
      isSandboxPrepared: () => sandbox.isPrepared,
      limitStarts: limiter(4),
      logger: this.#logger,
    };
    this.#status = new NodeStatusWriter(
      { nodeName, client, nodes: informers.nodes, addresses: runtime.nodeAddresses },
      { logger: this.#logger },
    );
  }

  get nodeName(): string {
    return this.#options.nodeName;
  }

  /** Begins to follow the informers. Service variables want the Services known: start it when they have synced. */
  start(): void {
    const { informers, nodeName } = this.#options;
    const isOurs = (pod: Pod): boolean => pod.spec?.nodeName === nodeName;
    this.#unsubscribes = [
      informers.pods.subscribe({
        added: (pod) => {
          if (isOurs(pod)) this.#add(pod);
        },
        updated: (before, pod) => {
          if (before.metadata?.uid !== pod.metadata?.uid) this.#remove(before);
          if (isOurs(pod)) this.#update(pod);
        },
        deleted: (pod) => this.#remove(pod),
      }),
      informers.configMaps.subscribe(this.#referenceHandler()),
      informers.secrets.subscribe(this.#referenceHandler()),
    ];
    this.#status.start();
    this.#renewal = setInterval(() => this.#renewTokens(), tokenCheckMs);
    this.#renewal.unref();
  }

  /** Ends every pod without grace and forgets them; nothing is written to the API. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#renewal);
    for (const unsubscribe of this.#unsubscribes.splice(0)) unsubscribe();
    await this.#status.stop();
    for (const worker of this.#workers.values()) this.#track(worker.remove());
    this.#workers.clear();
    await Promise.all(this.#ending);
  }

  /** The pod's worker, for logs, exec and dialling. */
  findPod(uid: string): PodWorker | undefined {
    return this.#workers.get(uid);
  }

  #add(pod: Pod): void {
    const uid = pod.metadata?.uid ?? '';
    if (this.#workers.has(uid)) {
      this.#update(pod);
      return;
    }
    const worker = new PodWorker(pod, this.#context);
    this.#workers.set(uid, worker);
    worker.start();
  }

  #update(pod: Pod): void {
    const worker = this.#workers.get(pod.metadata?.uid ?? '');
    if (worker === undefined) this.#add(pod);
    else worker.update(pod);
  }

  #remove(pod: Pod): void {
    const uid = pod.metadata?.uid ?? '';
    const worker = this.#workers.get(uid);
    if (worker === undefined) return;
    this.#workers.delete(uid);
    this.#track(worker.remove());
  }

  #track(ending: Promise<void>): void {
    const tracked = ending
      .catch((error: unknown) => this.#logger.error({ error: messageOf(error) }, 'pod not taken down cleanly'))
      .finally(() => this.#ending.delete(tracked));
    this.#ending.add(tracked);
  }

  #renewTokens(): void {
    for (const worker of this.#workers.values())
      worker.renewTokens().catch((error: unknown) => this.#logger.warn({ error: messageOf(error) }, 'tokens not renewed'));
  }

  #referenceHandler(): {
    added(object: ConfigMap, isInitial: boolean): void;
    updated(before: ConfigMap, after: ConfigMap): void;
  } {
    const changed = (object: ConfigMap): void => {
      if (this.#isStopped) return;
      for (const worker of this.#workers.values()) {
        if (worker.pod.metadata?.namespace !== object.metadata?.namespace) continue;
        worker
          .referencesChanged()
          .catch((error: unknown) => this.#logger.warn({ error: messageOf(error) }, 'volumes not refreshed'));
      }
    };
    return {
      added: (object, isInitial) => {
        if (!isInitial) changed(object);
      },
      updated: (_before, after) => changed(after),
    };
  }
}

/** Lets at most `count` of what it is given run at a time, in order. */
function limiter(count: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const queue: (() => void)[] = [];
  return async (work) => {
    if (running < count) running++;
    else
      await new Promise<void>((resolve) => {
        queue.push(resolve);
      });
    try {
      return await work();
    } finally {
      // The place is handed on, not given up: somebody who comes before the next one has woken would have it as well.
      const next = queue.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
