/** The plugins of a Corefile that answer or watch on their own: `cache`, `hosts`, `log`, `errors`, `health`, `autopath`. Pure. */
import { parseIp } from '../../net/index.ts';
import type { CacheConfig, HostsConfig, LogConfig, QueryClass } from './corefile-config.ts';
import type { Directive } from './corefile-syntax.ts';
import type { Mutable } from './corefile-values.ts';
import { complain, readChoice, readDuration, readListen, readNumber, readZones, refuseExtra } from './corefile-values.ts';
import { parseHostsText } from '../forwarding/hosts.ts';
import type { HostsEntry } from '../forwarding/hosts.ts';

/** `cache [TTL]`: with what CoreDNS takes when nothing is said. */
export function readCache(directive: Directive): CacheConfig {
  const [, ttl, zone] = directive.words;
  if (zone !== undefined) complain(zone, 'zones of cache are not supported: it keeps every forwarded answer');
  const limit = ttl === undefined ? undefined : readNumber(ttl, 0, 86_400);
  const config: Mutable<CacheConfig> = {
    capacity: { success: 9_984, denial: 9_984 },
    maxPositiveSeconds: limit ?? 3_600,
    maxNegativeSeconds: limit ?? 1_800,
    minPositiveSeconds: 5,
    minNegativeSeconds: 5,
    failureSeconds: 5,
    staleSeconds: 0,
    staleAtOnce: false,
    keepsTtl: false,
    disabled: { success: [], denial: [] },
  };
  for (const { words, block } of directive.block ?? []) {
    const [option, first, second, third] = words;
    if (block !== undefined) complain(option, `option ${option.text} of cache takes no block`);
    switch (option.text) {
      case 'success':
      case 'denial': {
        refuseExtra(words, 3);
        config.capacity = { ...config.capacity, [option.text]: readNumber(first ?? option, 1, 100_000_000) };
        const kind = option.text === 'success' ? 'Positive' : 'Negative';
        if (second !== undefined) config[`max${kind}Seconds`] = readNumber(second, 0, 86_400);
        if (third !== undefined) config[`min${kind}Seconds`] = readNumber(third, 0, 86_400);
        break;
      }
      case 'servfail':
        refuseExtra(words, 1);
        config.failureSeconds = readDuration(first ?? option) / 1000;
        if (config.failureSeconds > 300) complain(first ?? option, 'a failure is kept for 5 minutes at most (RFC 2308 §7)');
        break;
      case 'disable': {
        const kind = readChoice(first ?? option, ['success', 'denial'], 'disable');
        config.disabled = { ...config.disabled, [kind]: readZones(words.slice(2), ['.']) };
        break;
      }
      case 'keepttl':
        refuseExtra(words, 0);
        config.keepsTtl = true;
        break;
      case 'serve_stale':
        refuseExtra(words, 2);
        config.staleSeconds = first === undefined ? 3_600 : readDuration(first) / 1000;
        config.staleAtOnce = second === undefined || readChoice(second, ['immediate', 'verify'], 'serve_stale') === 'immediate';
        break;
      case 'prefetch': {
        refuseExtra(words, 3);
        const share = Number(/^([0-9]+)%$/.exec(third?.text ?? '10%')?.[1]);
        if (!(share >= 10 && share <= 90))
          complain(third ?? option, 'the last value of prefetch is a percentage from 10% to 90%');
        config.prefetch = {
          leastHits: readNumber(first ?? option, 1, 1_000_000),
          withinMs: second === undefined ? 60_000 : readDuration(second),
          shareLeft: share / 100,
        };
        break;
      }
      default:
        complain(option, `option ${option.text} of cache is not supported`);
    }
  }
  return config;
}

/** `hosts [FILE]`: names from a file, from lines of the block, or both. */
export function readHosts(directive: Directive, blockZones: readonly string[]): HostsConfig {
  const [, file, zone] = directive.words;
  if (zone !== undefined) complain(zone, 'zones of hosts are not supported');
  const entries: HostsEntry[] = [];
  const config: Mutable<HostsConfig> = {
    entries,
    ...(file === undefined ? {} : { path: file.text }),
    ttlSeconds: 3_600,
    reloadMs: 5_000,
    hasReverse: true,
    fallthrough: [],
  };
  for (const { words } of directive.block ?? []) {
    const [option, ...values] = words;
    const [value] = values;
    if (parseIp(option.text) !== undefined) {
      if (value === undefined) complain(option, `${option.text} has no name: write ADDRESS NAME…`);
      entries.push(...parseHostsText(words.map(({ text }) => text).join(' ')));
      continue;
    }
    switch (option.text) {
      case 'ttl':
        refuseExtra(words, 1);
        config.ttlSeconds = readNumber(value ?? option, 1, 65_535);
        break;
      case 'reload':
        refuseExtra(words, 1);
        config.reloadMs = value?.text === '0' ? 0 : readDuration(value ?? option);
        break;
      case 'no_reverse':
        refuseExtra(words, 0);
        config.hasReverse = false;
        break;
      case 'fallthrough':
        config.fallthrough = readZones(values, blockZones);
        break;
      default:
        complain(option, `option ${option.text} of hosts is not supported`);
    }
  }
  return config;
}

/** `log [ZONE…] { class … }`. */
export function readLog(directive: Directive, blockZones: readonly string[]): LogConfig {
  const [, ...args] = directive.words;
  const format = args.find(({ text }) => text.includes('{'));
  if (format !== undefined) complain(format, 'formats of log are not supported: each query is a line of JSON');
  const classes = new Set<QueryClass>();
  for (const { words } of directive.block ?? []) {
    const [option, ...values] = words;
    if (option.text !== 'class') complain(option, `option ${option.text} of log is not supported`);
    if (values.length === 0) complain(option, 'class takes all, success, denial or error');
    for (const value of values) {
      const choice = readChoice(value, ['all', 'success', 'denial', 'error'], 'class');
      for (const one of choice === 'all' ? everyClass : [choice]) classes.add(one);
    }
  }
  return { zones: readZones(args, blockZones), classes: classes.size === 0 ? everyClass : [...classes] };
}

const everyClass: readonly QueryClass[] = ['success', 'denial', 'error'];

/** `health [ADDRESS]`: where it is asked, and for how long it answers on while the server ends. */
export function readHealth(directive: Directive): {
  readonly address: string;
  readonly port: number;
  readonly lameDuckMs: number;
} {
  refuseExtra(directive.words, 1);
  let lameDuckMs = 0;
  for (const { words } of directive.block ?? []) {
    const [option, value] = words;
    if (option.text !== 'lameduck') complain(option, `option ${option.text} of health is not supported`);
    refuseExtra(words, 1);
    lameDuckMs = readDuration(value ?? option);
  }
  return { ...readListen(directive.words[1], 8080), lameDuckMs };
}

/** `autopath [ZONE…] @kubernetes`. Its zones are checked with the rest of the block, where the cluster domain is known. */
export function readAutopath(directive: Directive): void {
  const [name, ...args] = directive.words;
  const source = args.at(-1);
  if (source?.text !== '@kubernetes')
    complain(source ?? name, 'autopath takes @kubernetes: search paths from a file are not supported');
}
