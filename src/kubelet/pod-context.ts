/** What every pod of a node shares: the node, the API, and the tools that make containers. */
import type { ConfigMap, Node, Pod, Secret, Service } from '../api/index.ts';
import type { EventSink, KubeClient, Lister } from '../client/index.ts';
import type { Logger } from '../observe/index.ts';
import type { IpPool } from './ip-pool.ts';
import type { ClusterDns } from './resolv-conf.ts';
import type { PodRuntime } from './runtime.ts';
import type { HostFacts } from './host-facts.ts';

export interface PodContext {
  readonly nodeName: string;
  readonly client: KubeClient;
  readonly runtime: PodRuntime;
  readonly pool: IpPool;
  readonly events: EventSink;
  readonly configMaps: Lister<ConfigMap>;
  readonly secrets: Lister<Secret>;
  readonly services: Lister<Service>;
  readonly nodes: Lister<Node>;
  readonly dns: ClusterDns;
  /** Resolves when command containers can be made; rejects with the reason why not. */
  readonly prepareSandbox: () => Promise<HostFacts>;
  readonly isSandboxPrepared: () => boolean;
  /** Runs at most a few starts at a time. */
  readonly limitStarts: <T>(start: () => Promise<T>) => Promise<T>;
  readonly logger: Logger;
}

/** `name_namespace(uid)`. */
export function podLabel(pod: Pod): string {
  const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
  return `${name}_${namespace}(${uid})`;
}
