/**
 * What a Corefile asks for, as a value. The subset that a cluster's name server needs; everything else is an error that says
 * so, never passed over in silence. Pure.
 */
import type { BlockConfig } from './corefile-config.ts';
import { readForward, readTransfer } from './corefile-forward.ts';
import { readKubernetes } from './corefile-kubernetes.ts';
import type { CorefileSource, Word } from './corefile-lines.ts';
import { readAutopath, readCache, readHealth, readHosts, readLog } from './corefile-plugins.ts';
import type { Directive, ServerBlock } from './corefile-syntax.ts';
import { parseCorefileSyntax } from './corefile-syntax.ts';
import { complain, readDuration, readListen, readNumber, readZone, refuseExtra } from './corefile-values.ts';
import type { Mutable } from './corefile-values.ts';
import { isPort, parseIp } from '../../net/index.ts';

/** Reads a Corefile. Throws `CorefileError` with file, line and column. */
export function parseCorefile(text: string, source: CorefileSource = {}): readonly BlockConfig[] {
  const blocks = parseCorefileSyntax(text, source);
  const configs = blocks.map(readBlock);
  checkBlocks(blocks, configs);
  return configs;
}

type Config = Mutable<BlockConfig>;

function readBlock(block: ServerBlock): BlockConfig {
  const keys = block.keys.map(readKey);
  const [first] = keys;
  const other = keys.findIndex(({ port }) => port !== first?.port);
  if (other > 0) complain(block.keys[other] as Word, 'all zones of one server block must have one port');
  const zones = keys.map(({ zone }) => zone);
  const seen = new Set<string>();
  const config: Config = { zones, port: first?.port ?? 53, plugins: [], forwards: [], hasAutopath: false };
  for (const directive of block.directives) {
    const [name] = directive.words;
    // CoreDNS takes several of these, each for a zone of its own
    if (seen.has(name.text) && name.text !== 'forward') complain(name, `${name.text} may stand only once in a server block`);
    seen.add(name.text);
    // any word may stand there, constructor too
    const read = Object.hasOwn(plugins, name.text) ? plugins[name.text] : undefined;
    if (read === undefined)
      complain(name, `plugin ${name.text} is not supported (supported: ${Object.keys(plugins).sort().join(', ')})`);
    read(directive, config);
  }
  config.plugins = [...seen];
  const { hosts, kubernetes } = config;
  if (hosts !== undefined && kubernetes !== undefined) config.hosts = { ...hosts, clusterDomain: kubernetes.clusterDomain };
  checkTogether(block, config);
  return config;
}

/** What each plugin, right in itself, may ask of the others. */
function checkTogether({ directives }: ServerBlock, { kubernetes }: BlockConfig): void {
  const of = (plugin: string): Directive | undefined => directives.find(({ words }) => words[0].text === plugin);
  const domain = kubernetes?.clusterDomain;
  const autopath = of('autopath')?.words;
  if (autopath !== undefined && kubernetes?.podMode !== 'verified')
    complain(autopath[0], 'autopath must know the pods: it needs the plugin kubernetes with the option pods verified');
  const transfer = of('transfer')?.words;
  if (transfer !== undefined && domain === undefined)
    complain(transfer[0], 'transfer gives the cluster domain: it needs the plugin kubernetes in the same server block');
  for (const word of [...(autopath?.slice(1, -1) ?? []), ...(transfer?.slice(1) ?? [])])
    if (readZone(word) !== domain) complain(word, `the zone can only be ${domain ?? ''} here`);
  for (const { words } of of('hosts')?.block ?? []) {
    if (domain === undefined || parseIp(words[0].text) === undefined) continue;
    const own = words.slice(1).find(({ text }) => `.${text.toLowerCase().replace(/\.$/, '')}`.endsWith(`.${domain}`));
    if (own !== undefined) complain(own, `names below ${domain} come from the cluster: hosts cannot set ${own.text}`);
  }
}

/** What blocks ask of one another: they are one process, one port and one cluster. */
function checkBlocks(blocks: readonly ServerBlock[], configs: readonly BlockConfig[]): void {
  const [first] = configs;
  const main = configs.find(({ kubernetes }) => kubernetes !== undefined);
  const domain = main?.kubernetes?.clusterDomain;
  for (const [at, config] of configs.entries()) {
    const { keys, directives } = blocks[at] as ServerBlock;
    const wordOf = (plugin: string): Word | undefined => directives.find(({ words }) => words[0].text === plugin)?.words[0];
    if (config.port !== first?.port)
      complain(keys[0], `all server blocks must have one port, not ${first?.port} and ${config.port}`);
    const again = config === main ? undefined : wordOf('kubernetes');
    if (again !== undefined) complain(again, 'one server block may have the plugin kubernetes');
    const bufsize = config === main || main === undefined ? undefined : wordOf('bufsize');
    if (bufsize !== undefined) complain(bufsize, 'bufsize holds for every answer: it stands in the server block of kubernetes');
    for (const plugin of ['health', 'ready', 'prometheus', 'reload'] as const) {
      const other = configs.slice(0, at).find((before) => before[plugin] !== undefined)?.[plugin];
      const word = wordOf(plugin);
      if (word !== undefined && other !== undefined && JSON.stringify(other) !== JSON.stringify(config[plugin]))
        complain(word, `${plugin} stands for the whole server: in a block above it says something else`);
    }
    for (const [index, zone] of config.zones.entries()) {
      const word = keys[index] ?? keys[0];
      if (configs.slice(0, at).some(({ zones }) => zones.includes(zone)))
        complain(word, `${zone} has a server block above already`);
      if (config !== main && domain !== undefined && zone.endsWith(`.${domain}`))
        complain(word, `names below ${domain} are the cluster's: a server block of their own is not supported`);
    }
  }
}

/** With none at all the file would be read without a pause. */
const leastReloadMs = 100;

const plugins: Readonly<Record<string, (directive: Directive, config: Config) => void>> = {
  kubernetes(directive, config) {
    config.kubernetes = readKubernetes(directive, config.zones);
  },
  forward(directive, config) {
    const forward = readForward(directive);
    if (config.forwards.some(({ zone }) => zone === forward.zone))
      complain(directive.words[1] ?? directive.words[0], `forward for ${forward.zone} may stand only once in a server block`);
    config.forwards = [...config.forwards, forward];
  },
  cache(directive, config) {
    config.cache = readCache(directive);
  },
  hosts(directive, config) {
    config.hosts = readHosts(directive, config.zones);
  },
  transfer(directive, config) {
    config.transferTo = readTransfer(directive);
  },
  autopath(directive, config) {
    refuseOptions(directive);
    readAutopath(directive);
    config.hasAutopath = true;
  },
  health(directive, config) {
    config.health = readHealth(directive);
  },
  ready(directive, config) {
    refuseOptions(directive);
    refuseExtra(directive.words, 1);
    config.ready = readListen(directive.words[1], 8181);
  },
  prometheus(directive, config) {
    refuseOptions(directive);
    refuseExtra(directive.words, 1);
    config.prometheus = readListen(directive.words[1], 9153, 'localhost');
  },
  bufsize(directive, config) {
    refuseOptions(directive);
    refuseExtra(directive.words, 1);
    const [, size] = directive.words;
    config.maxUdpBytes = size === undefined ? 1232 : readNumber(size, 512, 4096);
  },
  reload(directive, config) {
    refuseOptions(directive);
    refuseExtra(directive.words, 2);
    const [, every, jitter] = directive.words;
    const everyMs = every === undefined ? 30_000 : readDuration(every);
    if (every !== undefined && everyMs < leastReloadMs) complain(every, 'the interval of reload is 100ms at least');
    const jitterMs = jitter === undefined ? everyMs / 2 : readDuration(jitter);
    if (jitter !== undefined && jitterMs > everyMs / 2) complain(jitter, 'the jitter of reload is at most half its interval');
    config.reload = { everyMs, jitterMs };
  },
  log(directive, config) {
    config.log = readLog(directive, config.zones);
  },
  /** Always on: each error is a line of its own. */
  errors(directive) {
    refuseOptions(directive);
    refuseExtra(directive.words, 0);
  },
  /** Addresses are always shuffled, which is what round_robin means there. */
  loadbalance(directive) {
    refuseOptions(directive);
    const [, policy] = directive.words;
    if (policy !== undefined && policy.text !== 'round_robin')
      complain(policy, `policy ${policy.text} of loadbalance is not supported; addresses are always shuffled`);
    refuseExtra(directive.words, 1);
  },
  /** Loops are ended at run time, without stopping the server. */
  loop(directive) {
    refuseOptions(directive);
    refuseExtra(directive.words, 0);
  },
};

function refuseOptions({ words: [name], block }: Directive): void {
  const first = block?.[0]?.words[0];
  if (first !== undefined) complain(first, `option ${first.text} of ${name.text} is not supported`);
}

function readKey(word: Word): { readonly zone: string; readonly port: number } {
  const match = /^(?:([a-z]+):\/\/)?([^:]*)(?::([0-9]+))?$/.exec(word.text);
  if (match === null) complain(word, `not a zone: ${word.text}`);
  const [, transport, zone = '', port] = match;
  if (transport !== undefined && transport !== 'dns') complain(word, `${transport}:// is not supported, only plain DNS`);
  if (port !== undefined && !isPort(Number(port))) complain(word, `not a port: ${port}`);
  const name = zone === '' ? '.' : zone;
  return { zone: readZone({ ...word, text: name }), port: port === undefined ? 53 : Number(port) };
}
