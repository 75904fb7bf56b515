/** What a Corefile asks for, as types. */
import type { PodMode } from '../names/index.ts';
import type { PrefetchOptions } from './cache.ts';
import type { HostsEntry } from './hosts.ts';
import type { UpstreamAddress } from './upstream-line.ts';

export interface KubernetesConfig {
  /** The cluster domain: the first zone that is no reverse zone. */
  readonly clusterDomain: string;
  readonly reverseZones: readonly string[];
  readonly podMode: PodMode;
  readonly ttlSeconds: number;
  readonly endpointPodNames: boolean;
  readonly ignoreEmptyServices: boolean;
  readonly zonalNames: boolean;
  readonly namespaces?: readonly string[];
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
  readonly maxConcurrent?: number;
  readonly forceTcp: boolean;
  readonly preferUdp: boolean;
  readonly failover?: readonly number[];
}

export interface CacheConfig {
  readonly capacity: number;
  readonly maxPositiveSeconds: number;
  readonly maxNegativeSeconds: number;
  readonly minSeconds: number;
  readonly staleSeconds: number;
  readonly staleAtOnce: boolean;
  readonly prefetch?: PrefetchOptions;
}

/** One server block. Plugins that are absent are off. */
export interface BlockConfig {
  readonly zones: readonly string[];
  readonly port: number;
  readonly kubernetes?: KubernetesConfig;
  readonly forward?: ForwardConfig;
  readonly cache?: CacheConfig;
  readonly hosts?: { readonly entries: readonly HostsEntry[]; readonly path?: string; readonly ttlSeconds: number };
  readonly transferTo?: readonly string[];
  readonly maxUdpBytes?: number;
  readonly logsQueries: boolean;
  readonly health?: { readonly address: string; readonly port: number; readonly lameDuckMs: number };
  readonly ready?: { readonly address: string; readonly port: number };
  readonly prometheus?: { readonly address: string; readonly port: number };
  readonly reloadEveryMs?: number;
}
