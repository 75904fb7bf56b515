/**
 * kube-proxy's configuration file (KubeProxyConfiguration, kubeproxy.config.k8s.io/v1alpha1) as far as it has a meaning here. Pure.
 * A field that asks for what the agent cannot do is an error that names it; nothing is passed over in silence.
 */
import type { Cidr } from '../net/index.ts';
import { formatCidr, isPort, parseCidr, parseIp } from '../net/index.ts';
import type { Bind } from './agent-servers.ts';
import type { PodDetector } from './rows/node-rows.ts';

export const proxyConfigKind = { apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration' } as const;

/** What of connection tracking is to be set in the node's namespace; absent fields stay as they are. */
export interface ConntrackSettings {
  /** Entries for each CPU; 0: nf_conntrack_max stays as it is. Default 32,768. */
  readonly maxPerCore?: number;
  /** At least so many entries whatever the CPUs. Default 131,072. */
  readonly min?: number;
  readonly tcpEstablishedTimeoutSeconds?: number;
  readonly tcpCloseWaitTimeoutSeconds?: number;
  readonly udpTimeoutSeconds?: number;
  readonly udpStreamTimeoutSeconds?: number;
  readonly tcpBeLiberal?: boolean;
}

/** What a file asks for. Absent fields: the agent's defaults. */
export interface ProxyConfig {
  readonly kubeconfig?: string;
  readonly nodeName?: string;
  /** The node's primary address, where bindAddress names one. */
  readonly nodeAddress?: string;
  readonly nodePortAddresses?: readonly string[];
  readonly detector?: PodDetector;
  readonly masqueradeAll?: boolean;
  readonly healthz?: Bind;
  readonly metrics?: Bind;
  readonly conntrack: ConntrackSettings;
}

/** A field that cannot be done, by its path in the file. */
export interface ConfigProblem {
  readonly path: string;
  readonly message: string;
}

export interface ProxyConfigResult {
  readonly config: ProxyConfig;
  readonly problems: readonly ConfigProblem[];
  /** Fields that are legal and have no effect here, each a sentence. */
  readonly notes: readonly ConfigProblem[];
}

/** Reads the file's object. With any problem `config` is of no use. */
export function readProxyConfig(value: Readonly<Record<string, unknown>>): ProxyConfigResult {
  const reader = new FieldReader(value);
  const { apiVersion, kind } = proxyConfigKind;
  if (value['apiVersion'] !== apiVersion || value['kind'] !== kind)
    reader.problem('', `it is a ${String(value['kind'])} of ${String(value['apiVersion'])}; wanted ${kind} of ${apiVersion}`);
  const mode = reader.text('mode');
  if (mode !== undefined && mode !== 'nftables')
    reader.problem('mode', `the agent works as mode nftables does; ${JSON.stringify(mode)} is not available`);
  const bindAddress = reader.text('bindAddress');
  if (bindAddress !== undefined && parseIp(bindAddress) === undefined)
    reader.problem('bindAddress', `not an address: ${bindAddress}`);
  const config: ProxyConfig = {
    ...defined('kubeconfig', reader.text('clientConnection.kubeconfig')),
    ...defined('nodeName', reader.text('hostnameOverride')),
    ...defined('nodeAddress', bindAddress === '0.0.0.0' || bindAddress === '::' ? undefined : bindAddress),
    ...defined('nodePortAddresses', readNodePortAddresses(reader)),
    ...defined('detector', readDetector(reader)),
    ...defined('masqueradeAll', reader.flag('nftables.masqueradeAll')),
    ...defined('healthz', reader.bind('healthzBindAddress', 10_256)),
    ...defined('metrics', reader.bind('metricsBindAddress', 10_249)),
    conntrack: {
      ...defined('maxPerCore', reader.count('conntrack.maxPerCore')),
      ...defined('min', reader.count('conntrack.min')),
      ...defined('tcpEstablishedTimeoutSeconds', reader.duration('conntrack.tcpEstablishedTimeout')),
      ...defined('tcpCloseWaitTimeoutSeconds', reader.duration('conntrack.tcpCloseWaitTimeout')),
      ...defined('udpTimeoutSeconds', reader.duration('conntrack.udpTimeout')),
      ...defined('udpStreamTimeoutSeconds', reader.duration('conntrack.udpStreamTimeout')),
      ...defined('tcpBeLiberal', reader.flag('conntrack.tcpBeLiberal')),
    },
  };
  for (const [path, why] of Object.entries(withoutEffect)) reader.note(path, why);
  reader.reportRest();
  return { config, problems: reader.problems, notes: reader.notes };
}

/** Legal fields that change nothing here, and why. A path that ends in `.` stands for all below it. */
const withoutEffect: Readonly<Record<string, string>> = {
  'iptables.': 'it is for another mode',
  'ipvs.': 'it is for another mode',
  'winkernel.': 'it is for another mode',
  'nftables.masqueradeBit': 'the agent uses no packet mark',
  'nftables.syncPeriod': 'changes are watched for, not looked for',
  'nftables.minSyncPeriod': 'changes are programmed at once',
  configSyncPeriod: 'the API server is watched, not asked again',
  'clientConnection.qps': 'the agent only watches',
  'clientConnection.burst': 'the agent only watches',
  'clientConnection.acceptContentTypes': 'the agent speaks JSON',
  'clientConnection.contentType': 'the agent speaks JSON',
  bindAddressHardFail: 'a port that cannot be had is an error here',
  showHiddenMetricsForVersion: 'there are no hidden metrics',
  portRange: 'nothing is proxied in user space',
  'logging.': 'logs are set by --log-level',
};

/** Fields that exist and that the agent cannot do. */
const unsupported: Readonly<Record<string, string>> = {
  enableProfiling: 'there is no profiling endpoint',
  oomScoreAdj: "set it where the agent is started (systemd's OOMScoreAdjust)",
  featureGates: 'there are no feature gates',
  'detectLocal.bridgeInterface': 'pods are told by their addresses; use detectLocalMode NodeCIDR or ClusterCIDR',
  'detectLocal.interfaceNamePrefix': 'pods are told by their addresses; use detectLocalMode NodeCIDR or ClusterCIDR',
};

function readNodePortAddresses(reader: FieldReader): readonly string[] | undefined {
  const list = reader.list('nodePortAddresses');
  if (list === undefined || list.length === 0 || (list.length === 1 && list[0] === 'primary')) return undefined;
  for (const [index, text] of list.entries())
    if (parseCidr(text) === undefined) reader.problem(`nodePortAddresses[${index}]`, `not a prefix: ${text}`);
  return list;
}

function readDetector(reader: FieldReader): PodDetector | undefined {
  const mode = reader.text('detectLocalMode');
  const text = reader.text('clusterCIDR');
  const cidrs: Cidr[] = [];
  for (const part of (text ?? '').split(',').filter((entry) => entry.trim() !== '')) {
    const cidr = parseCidr(part.trim());
    if (cidr === undefined) reader.problem('clusterCIDR', `not a prefix: ${part.trim()}`);
    else cidrs.push(cidr);
  }
  switch (mode) {
    case 'NodeCIDR':
      return { kind: 'node-pod-cidrs' };
    case undefined:
      return cidrs.length === 0 ? undefined : { kind: 'cidrs', cidrs: cidrs.map(formatCidr) };
    case 'ClusterCIDR':
      if (cidrs.length === 0 && text === undefined) reader.problem('detectLocalMode', 'ClusterCIDR needs clusterCIDR');
      return { kind: 'cidrs', cidrs: cidrs.map(formatCidr) };
    default:
      reader.problem('detectLocalMode', `${mode} is not supported; pods are told by their addresses: NodeCIDR or ClusterCIDR`);
      return undefined;
  }
}

function defined<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });
}

/** Reads fields by path, remembers which were read, and what is wrong with them. */
class FieldReader {
  readonly problems: ConfigProblem[] = [];
  readonly notes: ConfigProblem[] = [];
  /** Leaves of the file that say something: paths that nobody has read yet. */
  readonly #left = new Map<string, unknown>();

  constructor(value: Readonly<Record<string, unknown>>) {
    for (const [name, child] of Object.entries(value)) {
      if (name !== 'apiVersion' && name !== 'kind' && name !== 'metadata') this.#addLeaves(name, child);
    }
  }

  problem(path: string, message: string): void {
    this.problems.push({ path, message: path === '' ? message : `${path}: ${message}` });
  }

  note(path: string, why: string): void {
    for (const leaf of this.#left.keys()) {
      if (leaf !== path && !(path.endsWith('.') && leaf.startsWith(path))) continue;
      this.#left.delete(leaf);
      this.notes.push({ path: leaf, message: `${leaf} has no effect: ${why}` });
    }
  }

  reportRest(): void {
    for (const path of this.#left.keys()) {
      const why = Object.entries(unsupported).find(([name]) => path === name || path.startsWith(`${name}.`))?.[1];
      this.problem(path, why === undefined ? 'unknown field' : `not supported: ${why}`);
    }
  }

  text(path: string): string | undefined {
    return this.#take(path, 'a text', (value) => (typeof value === 'string' ? value : undefined));
  }

  flag(path: string): boolean | undefined {
    return this.#take(path, 'true or false', (value) => (typeof value === 'boolean' ? value : undefined));
  }

  count(path: string): number | undefined {
    return this.#take(path, 'a whole number from 0', (value) =>
      typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined,
    );
  }

  list(path: string): readonly string[] | undefined {
    return this.#take(path, 'a list of texts', (value) =>
      Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined,
    );
  }

  /** Go's spelling (`1h30m`, `0s`), in whole seconds. */
  duration(path: string): number | undefined {
    return this.#take(path, 'a duration such as 1h30m', (value) => {
      const units: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 };
      if (typeof value !== 'string' || !/^(\d+[hms])+$/.test(value)) return undefined;
      let seconds = 0;
      for (const [, number, unit = 's'] of value.matchAll(/(\d+)([hms])/g)) seconds += Number(number) * (units[unit] ?? 1);
      return seconds;
    });
  }

  /** `address:port`, or an address alone. */
  bind(path: string, defaultPort: number): Bind | undefined {
    return this.#take(path, 'address:port', (value) => (typeof value === 'string' ? parseBind(value, defaultPort) : undefined));
  }

  #take<T>(path: string, what: string, read: (value: unknown) => T | undefined): T | undefined {
    if (!this.#left.has(path)) return undefined;
    const value = this.#left.get(path);
    this.#left.delete(path);
    const result = read(value);
    if (result === undefined) this.problem(path, `it must be ${what}, not ${JSON.stringify(value)}`);
    return result;
  }

  /** kubeadm writes every field, most of them empty: null, "", 0, 0s, false and empty lists say nothing, but for `maxPerCore: 0`. */
  #addLeaves(path: string, value: unknown): void {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, child] of Object.entries(value)) this.#addLeaves(`${path}.${name}`, child);
    } else if (!isEmpty(value) || (path.startsWith('conntrack.') && value === 0)) this.#left.set(path, value);
  }
}

function isEmpty(value: unknown): boolean {
  return (
    value === null ||
    value === '' ||
    value === 0 ||
    value === '0s' ||
    value === false ||
    (Array.isArray(value) && value.length === 0)
  );
}

/** `0.0.0.0:10256`, `[::]:10256`, or an address alone. Undefined when it is neither. */
export function parseBind(text: string, defaultPort: number): Bind | undefined {
  if (parseIp(text) !== undefined) return { address: text, port: defaultPort };
  const [, address = '', portText = ''] = /^\[?([^\]]*)\]?:(\d+)$/.exec(text) ?? [];
  const port = Number(portText);
  return parseIp(address) === undefined || !isPort(port) ? undefined : { address, port };
}
