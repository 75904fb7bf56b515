/** `fairlead dns`: the name server alone, for any Kubernetes API server. */
import { accessSync, constants } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createClient, loadKubeconfig } from '../client/index.ts';
import { collectGarbage, parseCorefile, startConfiguredDns, startReloadingDns } from '../dns/index.ts';
import type { BlockConfig, ConfiguredDns, ReloadingDns } from '../dns/index.ts';
import { giveBackMemory } from '../linux/index.ts';
import { formatHostPort, isPort, parseIp } from '../net/index.ts';
import { CodedError, createLogger, messageOf } from '../observe/index.ts';
import type { Logger } from '../observe/index.ts';
import type { DnsFlags } from './main.ts';

/** A command line that asks for what cannot be, or a configuration that cannot be read. */
export class DnsCommandError extends CodedError<{ readonly code: 'usage' | 'config' | 'listen' }> {}

/** From readiness on, until what was needed for the start is given back: clients that waited are served by then. */
const quietMs = 2_000;
/** Takes some milliseconds of the main thread. */
const giveBackEveryMs = 5 * 60_000;

/** Serves until a signal comes; answers on for the lame-duck time of the configuration, or until a second signal. */
export async function dnsCommand(flags: DnsFlags): Promise<void> {
  const logger = createLogger(flags.logLevel);
  const signals = new Signals();
  const dns = await start(flags, logger);
  const { server, endpoints } = dns.current;
  for (const { protocol, address, port } of server.addresses)
    if (protocol === 'TCP') console.error(`DNS at ${formatHostPort(address, port)}, UDP and TCP`);
  for (const { path, address, port } of endpoints) console.error(`HTTP at http://${formatHostPort(address, port)}${path}`);
  server.ready.then(
    () => {
      console.error(`ready: ${server.index.forward.size} names; stop with Ctrl-C`);
      setTimeout(() => leaveStart(logger), quietMs).unref();
    },
    (error: unknown) => logger.debug({ err: error }, 'stopped before the names were known'),
  );
  await signals.next();
  const closing = dns.close();
  await Promise.race([closing, signals.next()]);
  await dns.close({ isHurried: true });
  await closing;
  signals.close();
  // watches that are open to the API need not be waited for
  process.exit(0);
}

/** Gives back what only the start needed; and now and then what compiling for the queries that came has left in malloc and of the program. */
function leaveStart(logger: Logger): void {
  collectGarbage();
  giveBack(logger);
  setInterval(() => giveBack(logger), giveBackEveryMs).unref();
}

function giveBack(logger: Logger): void {
  if (process.platform !== 'linux') return;
  try {
    giveBackMemory();
  } catch (error) {
    logger.debug({ err: error }, 'memory not given back');
  }
}

async function start(flags: DnsFlags, logger: Logger): Promise<Pick<ReloadingDns, 'current' | 'close'>> {
  const listen = flags.listen === undefined ? undefined : parseListen(flags.listen);
  const startBlocks = async (blocks: readonly BlockConfig[], before: ConfiguredDns | undefined): Promise<ConfiguredDns> => {
    const isShared = blocks.some(({ reload }) => reload !== undefined);
    const kubeconfig = blocks.find((block) => block.kubernetes !== undefined)?.kubernetes?.kubeconfig;
    const config = loadKubeconfig(flags.kubeconfig ?? kubeconfig?.path, { context: flags.context ?? kubeconfig?.context });
    // a port that the system chose the first time stays
    const port = before?.server.addresses[0]?.port ?? listen?.port ?? 0;
    return startConfiguredDns(
      {
        blocks,
        source: { connect: (onResponse) => createClient(config, { logger, onResponse }) },
        udpWorkers: workersOf(flags),
        isShared,
        ...(before === undefined ? {} : { learnMs: 30_000, before }),
        ...(listen === undefined ? {} : { listen: { address: listen.address, port, isShared } }),
      },
      // who writes `log` wants to see queries, whatever else is logged
      { logger, queryLogger: createLogger('info') },
    );
  };
  try {
    if (flags.config === undefined) {
      const current = await startBlocks(parseCorefile(corefileOf(flags), { file: 'flags' }), undefined);
      return { current, close: (how) => current.close(how) };
    }
    checkConfig(flags, flags.config);
    return await startReloadingDns({ path: flags.config, variables: process.env, start: startBlocks }, { logger });
  } catch (error) {
    throw listenError(error);
  }
}

/** What can be said of the file without knowing what is in it. */
function checkConfig(flags: DnsFlags, path: string): void {
  const [other] = (['clusterDomain', 'forward'] as const).filter((flag) => flags[flag] !== undefined);
  if (other !== undefined) {
    const name = other === 'forward' ? '--forward' : '--cluster-domain';
    throw new DnsCommandError(`${name} does not go with --config: the file says it`, { code: 'usage' });
  }
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    throw new DnsCommandError(`cannot read the configuration: ${messageOf(error)}`, { code: 'config' });
  }
}

/** What Kubernetes' own manifest configures, with the flags in it. */
function corefileOf({ clusterDomain = 'cluster.local', forward = [] }: DnsFlags): string {
  const fallthrough = forward.length === 0 ? '' : 'fallthrough in-addr.arpa ip6.arpa\n';
  const forwarding = forward.length === 0 ? '' : `forward . ${forward.join(' ')} {\nmax_concurrent 1000\n}\ncache 30\n`;
  return `.:53 {
kubernetes ${clusterDomain} in-addr.arpa ip6.arpa {
pods insecure
ttl 30
${fallthrough}}
${forwarding}}
`;
}

function workersOf(flags: DnsFlags): number {
  // batched system calls are Linux's
  if (process.platform !== 'linux') return 0;
  return flags.udpWorkers ?? availableParallelism();
}

function parseListen(texts: readonly string[]): { readonly address: readonly string[]; readonly port: number } {
  const places = texts.map((text) => {
    const [, address = '', portText = '53'] =
      /^\[?(.*?)\]?(?::([0-9]+))?$/.exec(parseIp(text) === undefined ? text : `[${text}]`) ?? [];
    const port = Number(portText);
    if (parseIp(address) === undefined || !(port === 0 || isPort(port)))
      throw new DnsCommandError(`not a place to listen at: ${text}; write ADDRESS or ADDRESS:PORT`, { code: 'usage' });
    return { address, port };
  });
  const port = places[0]?.port ?? 53;
  if (places.some((place) => place.port !== port))
    throw new DnsCommandError('all places to listen at must have one port', { code: 'usage' });
  return { address: places.map(({ address }) => address), port };
}

/** The system's error as a sentence that says what to do. */
function listenError(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const advice: Readonly<Record<string, string>> = {
    EACCES: 'ports below 1024 need privileges; choose another with --listen ADDRESS:PORT',
    EADDRINUSE: 'another program listens there; choose another place with --listen ADDRESS:PORT',
    EADDRNOTAVAIL: 'this machine has no such address',
  };
  const text = advice[code];
  return text === undefined ? error : new DnsCommandError(`cannot listen: ${messageOf(error)}; ${text}`, { code: 'listen' });
}

/** Signals to stop, one after the other. */
class Signals {
  readonly #names = ['SIGINT', 'SIGTERM'] as const;
  #waiting = Promise.withResolvers<void>();
  readonly #listener = (): void => this.#waiting.resolve();

  constructor() {
    for (const name of this.#names) process.on(name, this.#listener);
  }

  /** Resolves with the next one, or one that came since the last. */
  async next(): Promise<void> {
    await this.#waiting.promise;
    this.#waiting = Promise.withResolvers<void>();
  }

  close(): void {
    for (const name of this.#names) process.off(name, this.#listener);
  }
}
