/** A configured server that follows its file: what the file says anew is started beside the old and takes its place once it knows the names. */
import { readFile } from 'node:fs/promises';
import type { Logger } from '../observe/index.ts';
import { messageOf } from '../observe/index.ts';
import type { ConfiguredDns } from './configured-server.ts';
import type { BlockConfig } from './corefile-config.ts';
import { parseCorefile } from './corefile.ts';

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
  let text = await readFile(options.path, 'utf8');
  let blocks = parse(text);
  let current = await options.start(blocks, undefined);
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let underWay: Promise<boolean> | undefined;

  function parse(from: string): readonly BlockConfig[] {
    return parseCorefile(from, options.path, options.variables);
  }

  const reload = async (): Promise<boolean> => {
    try {
      const read = await readFile(options.path, 'utf8');
      if (read === text) return false;
      // also when it is wrong: it is said once, not every half minute
      text = read;
      const asked = parse(read);
      const next = await options.start(asked, current);
      const old = current;
      [current, blocks] = [next, asked];
      await old.close({ isHurried: true });
      logger.warn({ file: options.path }, 'configuration loaded anew');
      return true;
    } catch (error) {
      logger.error({ problem: messageOf(error) }, 'configuration not loaded: the one before stays');
      return false;
    }
  };
  const reloadOnce = (): Promise<boolean> => {
    underWay ??= reload().finally(() => (underWay = undefined));
    return underWay;
  };

  const schedule = (): void => {
    const everyMs = blocks.find(({ reloadEveryMs }) => reloadEveryMs !== undefined)?.reloadEveryMs;
    if (everyMs === undefined || isClosed) return;
    timer = setTimeout(() => void reloadOnce().finally(schedule), everyMs * (0.5 + random()));
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
