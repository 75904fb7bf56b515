/** The plugins of a Corefile that speak with other servers: `forward` and `transfer`. Pure. */
import { isPort, parseCidr, parseIp } from '../../net/index.ts';
import type { ForwardConfig, TransferTarget } from './corefile-config.ts';
import type { Word } from './corefile-lines.ts';
import type { Directive } from './corefile-syntax.ts';
import type { Mutable } from './corefile-values.ts';
import {
  complain,
  readChoice,
  readDuration,
  readNumber,
  readRcode,
  readUpstream,
  readZone,
  refuseExtra,
} from './corefile-values.ts';
import type { UpstreamAddress } from '../forwarding/upstream-line.ts';

/** `forward ZONE SERVER...`: a server is an address, with or without a port, or the path of a resolv.conf. */
export function readForward(directive: Directive): ForwardConfig {
  const [name, from, ...targets] = directive.words;
  if (from === undefined || targets.length === 0)
    complain(from ?? name, 'forward needs a zone and at least one server, as in: forward . 192.0.2.53');
  const upstreams: UpstreamAddress[] = [];
  const resolvConf: string[] = [];
  for (const word of targets) {
    if (word.text.startsWith('/')) resolvConf.push(word.text);
    else upstreams.push(readUpstream(word));
  }
  if (targets.length > 15) complain(targets[15] as Word, 'forward takes at most 15 servers');
  const config: Mutable<ForwardConfig> = {
    zone: readZone(from),
    upstreams,
    resolvConf,
    policy: 'random',
    except: [],
    maxFails: 2,
    probeEveryMs: 500,
    lineAgeMs: 10_000,
    failsFast: false,
    forceTcp: false,
    preferUdp: false,
  };
  for (const { words, block } of directive.block ?? []) {
    const [option, ...values] = words;
    const value = values[0] ?? option;
    if (block !== undefined) complain(option, `option ${option.text} of forward takes no block`);
    const most = mostValues.get(option.text);
    if (most === undefined) complain(option, `option ${option.text} of forward is not supported`);
    refuseExtra(words, most);
    switch (option.text) {
      case 'policy':
        config.policy = readChoice(value, ['random', 'round_robin', 'sequential'], 'policy');
        break;
      case 'except':
        if (values.length === 0) complain(option, 'except needs at least one zone');
        config.except = values.map(readZone);
        break;
      case 'max_fails':
        config.maxFails = readNumber(value, 0, 1000);
        break;
      case 'health_check':
        config.probeEveryMs = readDuration(value);
        break;
      case 'max_concurrent':
        config.maxConcurrent = readNumber(value, 0, 1_000_000);
        break;
      case 'force_tcp':
        config.forceTcp = true;
        break;
      case 'prefer_udp':
        config.preferUdp = true;
        break;
      case 'expire':
        config.lineAgeMs = readDuration(value);
        break;
      case 'failfast_all_unhealthy_upstreams':
        config.failsFast = true;
        break;
      case 'failover':
        if (values.length === 0) complain(option, 'failover needs at least one code such as SERVFAIL');
        config.failover = values.map(readRcode);
        break;
    }
  }
  return config;
}

const mostValues: ReadonlyMap<string, number> = new Map(
  Object.entries({
    policy: 1,
    except: Infinity,
    max_fails: 1,
    health_check: 1,
    max_concurrent: 1,
    force_tcp: 0,
    prefer_udp: 0,
    expire: 1,
    failfast_all_unhealthy_upstreams: 0,
    failover: Infinity,
  }),
);

/** Its zones are checked with the rest of the block, where the cluster domain is known. */
export function readTransfer(directive: Directive): readonly TransferTarget[] {
  const [name] = directive.words;
  const targets: TransferTarget[] = [];
  for (const { words } of directive.block ?? []) {
    const [option, ...values] = words;
    if (option.text !== 'to') complain(option, `option ${option.text} of transfer is not supported`);
    if (values.length === 0) complain(option, 'to needs an address, a prefix or *');
    targets.push(...values.map(readTarget));
  }
  if (targets.length === 0) complain(name, 'transfer needs an option: to ADDRESS…');
  return targets;
}

function readTarget(word: Word): TransferTarget {
  const { text } = word;
  if (text === '*' || parseIp(text) !== undefined || parseCidr(text) !== undefined) return { to: text, port: 53 };
  const [, address = '', port] = /^\[?([^\]]*)\]?:([0-9]+)$/.exec(text) ?? [];
  if (parseIp(address) === undefined || !isPort(Number(port)))
    complain(word, 'transfer goes to addresses (ADDRESS or ADDRESS:PORT), prefixes or *');
  return { to: address, port: Number(port) };
}
