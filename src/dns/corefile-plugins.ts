/** The plugins of a Corefile that have options of their own. Pure. */
import { parseIp, parseCidr } from '../net/index.ts';
import type { BlockConfig, CacheConfig, ForwardConfig, KubernetesConfig } from './corefile-config.ts';
import type { Directive, Word } from './corefile-syntax.ts';
import type { Complaints, Mutable } from './corefile-values.ts';
import { isReverse, readDuration, readNumber, readRcode, readUpstream, readZone } from './corefile-values.ts';
import { parseHostsText } from './hosts.ts';
import type { HostsEntry } from './hosts.ts';
import type { UpstreamAddress } from './upstream-line.ts';

export function readKubernetes(directive: Directive, blockZones: readonly string[], complain: Complaints): KubernetesConfig {
  const [name, ...args] = directive.words;
  const zones = args.length === 0 ? blockZones : args.map((word) => readZone(word, complain));
  const clusterDomain = zones.find((zone) => !isReverse(zone) && zone !== '.');
  if (clusterDomain === undefined) complain.at(name, 'kubernetes needs a zone that is no reverse zone, such as cluster.local');
  const second = zones.findIndex((zone) => !isReverse(zone) && zone !== clusterDomain);
  if (second >= 0) complain.at(args[second] ?? name, 'one cluster domain is supported, not several');
  const config: Mutable<KubernetesConfig> = {
    clusterDomain,
    reverseZones: zones.filter(isReverse),
    podMode: 'disabled',
    ttlSeconds: 5,
    endpointPodNames: false,
    ignoreEmptyServices: false,
    zonalNames: false,
    fallthrough: [],
    startupTimeoutMs: 5_000,
  };
  for (const { words } of directive.block ?? []) {
    const [option, ...values] = words;
    const [value] = values;
    switch (option.text) {
      case 'pods':
        if (value?.text !== 'disabled' && value?.text !== 'insecure' && value?.text !== 'verified') {
          complain.at(value ?? option, 'pods takes disabled, insecure or verified');
        }
        config.podMode = value.text;
        break;
      case 'ttl':
        config.ttlSeconds = readNumber(value ?? option, 0, 3600, complain);
        break;
      case 'endpoint_pod_names':
        config.endpointPodNames = true;
        break;
      case 'zonal':
        config.zonalNames = true;
        break;
      case 'ignore':
        if (value?.text !== 'empty_service') complain.at(value ?? option, 'ignore takes empty_service');
        config.ignoreEmptyServices = true;
        break;
      case 'namespaces':
        if (value === undefined) complain.at(option, 'namespaces needs at least one namespace');
        config.namespaces = values.map(({ text }) => text);
        break;
      case 'labels':
        if (value === undefined) complain.at(option, 'labels needs a selector');
        config.labelSelector = values.map(({ text }) => text).join(' ');
        break;
      case 'kubeconfig':
        if (value === undefined) complain.at(option, 'kubeconfig needs a file');
        config.kubeconfig = { path: value?.text ?? '', ...(values[1] === undefined ? {} : { context: values[1].text }) };
        break;
      case 'fallthrough':
        config.fallthrough = value === undefined ? zones : values.map((word) => readZone(word, complain));
        break;
      case 'startup_timeout':
        config.startupTimeoutMs = readDuration(value ?? option, complain);
        break;
      default:
        complain.at(option, `option ${option.text} of kubernetes is not supported`);
    }
  }
  return config;
}

export function readForward(directive: Directive, complain: Complaints): ForwardConfig {
  const [name, from, ...targets] = directive.words;
  if (from === undefined || targets.length === 0)
    complain.at(from ?? name, 'forward needs a zone and at least one server, as in: forward . 192.0.2.53');
  const upstreams: UpstreamAddress[] = [];
  const resolvConf: string[] = [];
  for (const word of targets) {
    if (word.text.startsWith('/')) resolvConf.push(word.text);
    else upstreams.push(readUpstream(word, complain));
  }
  if (targets.length > 15) complain.at(targets[15] as Word, 'forward takes at most 15 servers');
  const config: Mutable<ForwardConfig> = {
    zone: readZone(from, complain),
    upstreams,
    resolvConf,
    policy: 'random',
    except: [],
    maxFails: 2,
    probeEveryMs: 500,
    forceTcp: false,
    preferUdp: false,
  };
  for (const { words } of directive.block ?? []) {
    const [option, ...values] = words;
    const value = values[0] ?? option;
    switch (option.text) {
      case 'policy':
        if (value.text !== 'random' && value.text !== 'round_robin' && value.text !== 'sequential') {
          complain.at(value, 'policy takes random, round_robin or sequential');
        }
        config.policy = value.text;
        break;
      case 'except':
        config.except = values.map((word) => readZone(word, complain));
        break;
      case 'max_fails':
        config.maxFails = readNumber(value, 0, 1000, complain);
        break;
      case 'health_check':
        config.probeEveryMs = readDuration(value, complain);
        break;
      case 'max_concurrent':
        config.maxConcurrent = readNumber(value, 0, 1_000_000, complain);
        break;
      case 'force_tcp':
        config.forceTcp = true;
        break;
      case 'prefer_udp':
        config.preferUdp = true;
        break;
      case 'expire':
        readDuration(value, complain); // lines live 10 s, which is its default
        break;
      case 'failover':
        config.failover = values.map((word) => readRcode(word, complain));
        break;
      default:
        complain.at(option, `option ${option.text} of forward is not supported`);
    }
  }
  return config;
}

export function readCache(directive: Directive, complain: Complaints): CacheConfig {
  const [, ttl, zone] = directive.words;
  if (zone !== undefined) complain.at(zone, 'zones of cache are not supported: it keeps every forwarded answer');
  const limit = ttl === undefined ? undefined : readNumber(ttl, 0, 86_400, complain);
  const config: Mutable<CacheConfig> = {
    capacity: 9_984,
    maxPositiveSeconds: limit ?? 3_600,
    maxNegativeSeconds: limit ?? 1_800,
    minSeconds: 5,
    staleSeconds: 0,
    staleAtOnce: false,
  };
  for (const { words } of directive.block ?? []) {
    const [option, ...values] = words;
    const [capacity, seconds, least] = values;
    switch (option.text) {
      case 'success':
      case 'denial': {
        config.capacity = readNumber(capacity ?? option, 1, 100_000_000, complain);
        const key = option.text === 'success' ? 'maxPositiveSeconds' : 'maxNegativeSeconds';
        if (seconds !== undefined) config[key] = readNumber(seconds, 0, 86_400, complain);
        if (least !== undefined) config.minSeconds = readNumber(least, 0, 86_400, complain);
        break;
      }
      case 'serve_stale':
        config.staleSeconds = capacity === undefined ? 3_600 : readDuration(capacity, complain) / 1000;
        if (seconds !== undefined && seconds.text !== 'verify' && seconds.text !== 'immediate')
          complain.at(seconds, 'serve_stale takes immediate or verify');
        config.staleAtOnce = seconds?.text !== 'verify';
        break;
      case 'prefetch': {
        const share = /^([0-9]+)%$/.exec(least?.text ?? '10%')?.[1];
        if (share === undefined || Number(share) < 10 || Number(share) > 90)
          complain.at(least ?? option, 'the last value of prefetch is a percentage from 10% to 90%');
        config.prefetch = {
          leastHits: readNumber(capacity ?? option, 1, 1_000_000, complain),
          withinMs: seconds === undefined ? 60_000 : readDuration(seconds, complain),
          shareLeft: Number(share) / 100,
        };
        break;
      }
      default:
        complain.at(option, `option ${option.text} of cache is not supported`);
    }
  }
  return config;
}

export function readHosts(directive: Directive, complain: Complaints): NonNullable<BlockConfig['hosts']> {
  const [, file, zone] = directive.words;
  if (zone !== undefined) complain.at(zone, 'zones of hosts are not supported');
  const entries: HostsEntry[] = [];
  let ttlSeconds = 3_600;
  for (const { words } of directive.block ?? []) {
    const [option, value] = words;
    if (option.text === 'ttl') ttlSeconds = readNumber(value ?? option, 1, 65_535, complain);
    else if (parseIp(option.text) !== undefined) entries.push(...parseHostsText(words.map(({ text }) => text).join(' ')));
    else if (option.text !== 'fallthrough') complain.at(option, `option ${option.text} of hosts is not supported`);
  }
  return { entries, ttlSeconds, ...(file === undefined ? {} : { path: file.text }) };
}

export function readTransfer(directive: Directive, complain: Complaints): readonly string[] {
  const targets: string[] = [];
  for (const { words } of directive.block ?? []) {
    const [option, ...values] = words;
    if (option.text !== 'to') complain.at(option, `option ${option.text} of transfer is not supported`);
    for (const word of values) {
      if (word.text !== '*' && parseIp(word.text) === undefined && parseCidr(word.text) === undefined) {
        complain.at(word, 'transfer goes to addresses, prefixes or *');
      }
      targets.push(word.text);
    }
  }
  if (targets.length === 0) complain.at(directive.words[0], 'transfer needs an option: to ADDRESS…');
  return targets;
}
