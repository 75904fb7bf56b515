/**
 * What a Corefile asks for, as a value. The subset that a cluster's name server needs; everything else is an error that says
 * so, never passed over in silence. Pure.
 */
import type { BlockConfig } from './corefile-config.ts';
import { readCache, readForward, readHosts, readKubernetes, readTransfer } from './corefile-plugins.ts';
import type { Directive, ServerBlock, Word } from './corefile-syntax.ts';
import { parseCorefileSyntax } from './corefile-syntax.ts';
import { Complaints, readDuration, readListen, readNumber, readZone } from './corefile-values.ts';
import type { Mutable } from './corefile-values.ts';
import { isPort } from '../net/index.ts';

/** Reads a Corefile. Throws `CorefileError` with file, line and column. */
export function parseCorefile(
  text: string,
  file = 'Corefile',
  variables: Readonly<Record<string, string | undefined>> = {},
): readonly BlockConfig[] {
  const blocks = parseCorefileSyntax(text, file, variables).map((block) => readBlock(block, new Complaints(file)));
  return blocks.filter((block) => block !== undefined);
}

function readBlock(block: ServerBlock, complain: Complaints): BlockConfig {
  const keys = block.keys.map((word) => readKey(word, complain));
  const [first] = keys;
  const other = keys.findIndex(({ port }) => port !== first?.port);
  if (other > 0) complain.at(block.keys[other] as Word, 'all zones of one server block must have one port');
  const zones = keys.map(({ zone }) => zone);
  const config: Mutable<BlockConfig> = { zones, port: first?.port ?? 53, logsQueries: false };
  const seen = new Set<string>();
  for (const directive of block.directives) {
    const [name] = directive.words;
    if (seen.has(name.text)) complain.at(name, `${name.text} may stand only once in a server block`);
    seen.add(name.text);
    readPlugin(directive, config, complain);
  }
  return config;
}

function readPlugin(directive: Directive, config: Mutable<BlockConfig>, complain: Complaints): void {
  const [name, ...args] = directive.words;
  const { text } = name;
  switch (text) {
    case 'kubernetes':
      config.kubernetes = readKubernetes(directive, config.zones, complain);
      return;
    case 'forward':
      config.forward = readForward(directive, complain);
      return;
    case 'cache':
      config.cache = readCache(directive, complain);
      return;
    case 'hosts':
      config.hosts = readHosts(directive, complain);
      return;
    case 'transfer':
      config.transferTo = readTransfer(directive, complain);
      return;
    case 'health': {
      const lameDuck = (directive.block ?? []).map((option) => readLameDuck(option, complain))[0] ?? 0;
      config.health = { ...readListen(args[0], 8080, complain), lameDuckMs: lameDuck };
      return;
    }
    case 'ready':
      config.ready = readListen(args[0], 8181, complain);
      break;
    case 'prometheus':
      config.prometheus = readListen(args[0], 9153, complain, 'localhost');
      break;
    case 'bufsize':
      config.maxUdpBytes = args[0] === undefined ? 1232 : readNumber(args[0], 512, 4096, complain);
      break;
    case 'reload':
      config.reloadEveryMs = args[0] === undefined ? 30_000 : readDuration(args[0], complain);
      break;
    case 'log':
      config.logsQueries = true;
      break;
    case 'errors':
      return; // always on; consolidation patterns change only what is printed
    case 'loadbalance':
      if (args[0] !== undefined && args[0].text !== 'round_robin')
        complain.at(args[0], `policy ${args[0].text} of loadbalance is not supported; addresses are always shuffled`);
      break;
    case 'loop':
      break; // loops are ended at run time, without stopping the server
    default:
      complain.at(name, `plugin ${text} is not supported (supported: ${supported.join(', ')})`);
  }
  if (directive.block !== undefined && directive.block.length > 0) {
    complain.at((directive.block[0] as Directive).words[0], `${text} takes no options`);
  }
}

const supported = [
  'bufsize',
  'cache',
  'errors',
  'forward',
  'health',
  'hosts',
  'kubernetes',
  'loadbalance',
  'log',
  'loop',
  'prometheus',
  'ready',
  'reload',
  'transfer',
];

function readLameDuck({ words }: Directive, complain: Complaints): number {
  const [option, value] = words;
  if (option.text !== 'lameduck') complain.at(option, `option ${option.text} of health is not supported`);
  return readDuration(value ?? option, complain);
}

function readKey(word: Word, complain: Complaints): { readonly zone: string; readonly port: number } {
  const match = /^(?:([a-z]+):\/\/)?([^:]*)(?::([0-9]+))?$/.exec(word.text);
  if (match === null) complain.at(word, `not a zone: ${word.text}`);
  const [, transport, zone = '', port] = match;
  if (transport !== undefined && transport !== 'dns') complain.at(word, `${transport}:// is not supported, only plain DNS`);
  if (port !== undefined && !isPort(Number(port))) complain.at(word, `not a port: ${port}`);
  const name = zone === '' ? '.' : zone;
  return { zone: readZone({ ...word, text: name }, complain), port: port === undefined ? 53 : Number(port) };
}
