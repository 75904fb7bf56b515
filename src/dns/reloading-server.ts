/** A configured server that follows its file: what the file says anew is started beside the old and takes its place once it knows the names. */
import { createHash } from 'node:crypto';
import type { Logger } from '../observe/index.ts';
import { messageOf } from '../observe/index.ts';
import type { ConfiguredDns } from './configured-server.ts';
import type { BlockConfig } from './corefile/corefile-config.ts';
import type { CorefileOnDisk } from './corefile/corefile-files.ts';
import { readCorefile } from './corefile/corefile-files.ts';

export interface ReloadingDnsOptions {
  /** The Corefile. */
  readonly path: string;
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** Starts a server; beside another, that must not answer before it knows the names, at sockets that are shared (`DnsListen`). */
  readonly start: (blocks: readonly BlockConfig[], before: ConfiguredDns | undefined) => Promise<ConfiguredDns>;
  /** 0 to 1, so that replicas do not all reload at once. Default `Math.random`. */
  readonly random?: () => number;
}

/** A server whose configuration may change. */
export interface ReloadingDns {
  /** The one that answers now. */
  readonly current: ConfiguredDns;
  /** Reads the file now. Resolves to whether another server answers since; a file that is wrong is logged and changes nothing. */
  reload(): Promise<boolean>;
  close(how?: { readonly isHurried: boolean }): Promise<void>;
}

/** Starts with the file as it is. Rejects with `CorefileError`, `DnsConfigError` or the system's error. */
export async function startReloadingDns(
  options: ReloadingDnsOptions,
  { logger }: { readonly logger: Logger },
): Promise<ReloadingDns> {
  const random = options.random ?? Math.random;
  const readFile = (): CorefileOnDisk => readCorefile(options.path, options.variables);
  let file = readFile();
  let blocks = file.parse();
  let current = await options.start(blocks, undefined);
  const tellVersion = (): void => current.metrics.loaded(createHash('sha512').update(file.fingerprint).digest('hex'));
  tellVersion();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let underWay: Promise<boolean> | undefined;

  /** What is wrong is said once, and not again until the file changes. */
  const parse = (read: CorefileOnDisk): readonly BlockConfig[] => {
    try {
      return read.parse();
    } catch (error) {
      file = read;
      throw error;
    }
  };

  const reload = async (): Promise<boolean> => {
    try {
      const read = readFile();
      if (read.fingerprint === file.fingerprint) return false;
      const asked = parse(read);
      const next = await options.start(asked, current);
      // only now: what could not be started, for the API was away, is tried again
      file = read;
      const old = current;
      [current, blocks] = [next, asked];
      tellVersion();
      await old.close({ isHurried: true });
      logger.warn({ file: options.path }, 'configuration loaded anew');
      return true;
    } catch (error) {
      current.metrics.reloadFailed();
      logger.error({ problem: messageOf(error) }, 'configuration not loaded: the one before stays');
      return false;
    }
  };
  const reloadOnce = (): Promise<boolean> => {
    underWay ??= reload().finally(() => (underWay = undefined));
    return underWay;
  };

  const schedule = (): void => {
    const asked = blocks.find(({ reload: every }) => every !== undefined)?.reload;
    if (asked === undefined || isClosed) return;
    const waitMs = asked.everyMs + asked.jitterMs * (2 * random() - 1);
    timer = setTimeout(() => void reloadOnce().finally(schedule), waitMs);
  };
  schedule();

  return {
    get current() {
      return current;
    },
    reload: reloadOnce,
    async close(how) {
      isClosed = true;
      clearTimeout(timer);
      await underWay;
      await current.close(how);
    },
  };
}
