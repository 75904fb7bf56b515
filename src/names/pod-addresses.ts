/** Which pods have which addresses, by namespace: what pod names stand for in mode `verified`. Pure. */
import { objectsIn, textsIn } from '../api/index.ts';
import type { Pod } from '../api/index.ts';
import { parseIp } from '../net/index.ts';
import type { NameTable } from './name-table.ts';
import { isLabel } from './service-records.ts';
import { addressToWire, encodeLabel } from './wire-name.ts';

/** Addresses of live pods. */
export class PodAddresses {
  /** Exists where a live pod has the address: `podAddressKey`. */
  readonly table: NameTable;
  readonly #keysOfPod = new Map<string, readonly string[]>();
  readonly #counts = new Map<string, number>();

  constructor(table: NameTable) {
    this.table = table;
  }

  /** A pod counts while it has an address, is neither terminal nor terminating. Returns whether a client can see the change. */
  apply(pod: Pod): boolean {
    const { namespace = '', deletionTimestamp } = pod.metadata ?? {};
    const phase = pod.status?.phase;
    const isLive =
      isLabel(namespace) &&
      (deletionTimestamp ?? '') === '' &&
      phase !== 'Succeeded' &&
      phase !== 'Failed' &&
      phase !== 'Unknown';
    const texts = isLive ? [pod.status?.podIP ?? '', ...objectsIn(pod.status?.podIPs).map(({ ip }) => ip ?? '')] : [];
    const keys = textsIn(texts).flatMap((text) => {
      const ip = parseIp(text);
      return ip === undefined ? [] : [podAddressKey(addressToWire(ip), namespace)];
    });
    return this.#replace(pod, [...new Set(keys)]);
  }

  remove(pod: Pod): boolean {
    return this.#replace(pod, []);
  }

  /** The pods of a namespace that have this address, as `namespace/name`. Walks all pods: for explanations. */
  at(namespace: string, addressWire: string): string[] {
    const key = podAddressKey(addressWire, namespace);
    return [...this.#keysOfPod].filter(([, keys]) => keys.includes(key)).map(([name]) => name);
  }

  #replace(pod: Pod, keys: readonly string[]): boolean {
    const name = `${pod.metadata?.namespace ?? ''}/${pod.metadata?.name ?? ''}`;
    const before = this.#keysOfPod.get(name) ?? [];
    if (keys.length === 0) this.#keysOfPod.delete(name);
    else this.#keysOfPod.set(name, keys);
    let hasChanged = false;
    for (const key of keys) if (!before.includes(key)) hasChanged = this.#count(key, 1) || hasChanged;
    for (const key of before) if (!keys.includes(key)) hasChanged = this.#count(key, -1) || hasChanged;
    return hasChanged;
  }

  /** Pods may share an address (host network); the first brings it, the last takes it. */
  #count(key: string, change: 1 | -1): boolean {
    const before = this.#counts.get(key) ?? 0;
    const now = before + change;
    if (now > 0) this.#counts.set(key, now);
    else this.#counts.delete(key);
    if (before === 0) this.table.put(key, []);
    if (now === 0) this.table.remove(key);
    return before === 0 || now === 0;
  }
}

/** The key of an address (`addressToWire` form) in a namespace: its bytes in hexadecimal as one label, the namespace as the next. Compared by value, not by text. */
export function podAddressKey(addressWire: string, namespace: string): string {
  let hex = '';
  for (let at = 0; at < addressWire.length; at++) hex += addressWire.charCodeAt(at).toString(16).padStart(2, '0');
  return encodeLabel(hex) + encodeLabel(namespace);
}
