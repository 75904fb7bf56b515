/** What a Corefile asks for, as types. */
import type { PodMode } from '../../names/index.ts';
import type { PrefetchOptions } from '../forwarding/cache.ts';
import type { HostsEntry } from '../forwarding/hosts.ts';
import type { UpstreamAddress } from '../forwarding/upstream-line.ts';

export interface KubernetesConfig {
  /** The cluster domain: the first zone that is no reverse zone. */
  readonly clusterDomain: string;
  readonly reverseZones: readonly string[];
  readonly podMode: PodMode;
  readonly ttlSeconds: number;
  readonly endpointPodNames: boolean;
  readonly ignoreEmptyServices: boolean;
  readonly zonalNames: boolean;
  readonly prefersHostnamePointers: boolean;
  readonly namespaces?: readonly string[];
  /** Only namespaces that this selector matches exist. */
  readonly namespaceSelector?: string;
  readonly labelSelector?: string;
  readonly kubeconfig?: { readonly path: string; readonly context?: string };
  /** Zones whose unknown names go on to `forward`. */
  readonly fallthrough: readonly string[];
  readonly startupTimeoutMs: number;
}

export interface ForwardConfig {
  readonly zone: string;
  /** Servers by address. */
  readonly upstreams: readonly UpstreamAddress[];
  /** Files in the form of resolv.conf whose servers are added. */
  readonly resolvConf: readonly string[];
  readonly policy: 'random' | 'round_robin' | 'sequential';
  readonly except: readonly string[];
  readonly maxFails: number;
  readonly probeEveryMs: number;
  readonly lineAgeMs: number;
  readonly failsFast: boolean;
  readonly maxConcurrent?: number;
  readonly forceTcp: boolean;
  readonly preferUdp: boolean;
  readonly failover?: readonly number[];
}

export interface CacheConfig {
  readonly capacity: { readonly success: number; readonly denial: number };
  readonly maxPositiveSeconds: number;
  readonly maxNegativeSeconds: number;
  readonly minPositiveSeconds: number;
  readonly minNegativeSeconds: number;
  readonly failureSeconds: number;
  readonly staleSeconds: number;
  readonly staleAtOnce: boolean;
  readonly keepsTtl: boolean;
  /** Zones whose answers of a kind are not kept. */
  readonly disabled: { readonly success: readonly string[]; readonly denial: readonly string[] };
  readonly prefetch?: PrefetchOptions;
}

export interface HostsConfig {
  readonly entries: readonly HostsEntry[];
  readonly path?: string;
  readonly ttlSeconds: number;
  /** How often the file is looked at; 0: never again. */
  readonly reloadMs: number;
  readonly hasReverse: boolean;
  /** Whose names come from the cluster and not from here; absent in a server block without `kubernetes`. */
  readonly clusterDomain?: string;
  /** Zones whose names go on to `forward` when there is no entry. */
  readonly fallthrough: readonly string[];
}

export interface LogConfig {
  /** Only queries for names in these zones. */
  readonly zones: readonly string[];
  readonly classes: readonly QueryClass[];
}

/** What came of a query: an answer, the word that there is none, or something else. */
export type QueryClass = 'success' | 'denial' | 'error';

/** A secondary server or a client that may have the zone: `*`, an address or a prefix. */
export interface TransferTarget {
  readonly to: string;
  /** Where an address is told of changes. */
  readonly port: number;
}

/** One server block. Plugins that are absent are off. */
export interface BlockConfig {
  readonly zones: readonly string[];
  readonly port: number;
  /** The names of all plugins that stand in it. */
  readonly plugins: readonly string[];
  readonly kubernetes?: KubernetesConfig;
  readonly forwards: readonly ForwardConfig[];
  readonly cache?: CacheConfig;
  readonly hosts?: HostsConfig;
  readonly transferTo?: readonly TransferTarget[];
  readonly hasAutopath: boolean;
  readonly maxUdpBytes?: number;
  readonly log?: LogConfig;
  readonly health?: { readonly address: string; readonly port: number; readonly lameDuckMs: number };
  readonly ready?: { readonly address: string; readonly port: number };
  readonly prometheus?: { readonly address: string; readonly port: number };
  readonly reload?: { readonly everyMs: number; readonly jitterMs: number };
}
