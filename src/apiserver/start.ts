/** Puts the API server together and starts it. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { services } from '../api/index.ts';
import type { IpFamily } from '../net/index.ts';
import { formatHostPort, formatIp, ipFamilyOf, isLoopback, parseIp } from '../net/index.ts';
import type { Logger } from '../observe/index.ts';
import { CodedError, messageOf, hasCode } from '../observe/index.ts';
import type { PortRange } from './allocation/index.ts';
import { defaultNodePortRange, firstServiceAddress, parseServiceRange } from './allocation/index.ts';
import { HttpServer } from './http/server.ts';
import type { Services } from './http/services.ts';
import { createJobBehaviour } from './kinds/job-behaviour.ts';
import { Keeper } from './kinds/keeper.ts';
import { createNamespaceBehaviour, NamespaceSweeper } from './kinds/namespace-behaviour.ts';
import { createPodBehaviour } from './kinds/pod-behaviour.ts';
import type { AdvertisedAddress } from './kinds/seed.ts';
import { seedFoundations, seedKubernetesService } from './kinds/seed.ts';
import { createServiceBehaviour } from './kinds/service-behaviour.ts';
import { createServiceCidrBehaviour } from './kinds/service-cidr-behaviour.ts';
import type { NodeAccess } from './node-access.ts';
import type { RegistryContext } from './registry/context.ts';
import { createAuthenticator } from './security/authenticate.ts';
import type { ServerIdentity } from './security/identity.ts';
import { loadIdentity } from './security/identity.ts';
import { kubeconfigText } from './security/kubeconfig.ts';
import { createLiveTokens } from './security/live-tokens.ts';
import { createTokenAuthority } from './security/tokens.ts';
import type { Journal, Store } from './store/index.ts';
import { MemoryStore, openSqliteJournal } from './store/index.ts';

export interface ApiServerOptions {
  /** Address to listen on; 127.0.0.1 when absent. */
  readonly host?: string;
  /** The wanted port, or the next free one; 6443 when absent, any with 0. */
  readonly port?: number;
  /** Sockets that listen already (file descriptors), such as one in the network of the cluster. */
  readonly listenFds?: readonly number[];
  /** Keeps objects and identity in this directory, which is made if needed. Absent: everything lives in memory. */
  readonly dataDir?: string;
  /** Ranges of Service addresses, primary family first; one per family at most. */
  readonly serviceCidrs?: readonly string[];
  readonly nodePortRange?: PortRange;
  /** Further tokens that are the administrator's. */
  readonly tokens?: readonly string[];
  /** Where pods reach this server: the endpoint of the Service `kubernetes`. Absent: it has none, unless `host` is not loopback. */
  readonly advertise?: AdvertisedAddress;
  /** Further names and addresses in the serving certificate. */
  readonly names?: readonly string[];
  /** Name of cluster, user and context in the kubeconfig. */
  readonly clusterName?: string;
  /** Events kept for watches. */
  readonly historyLimit?: number;
}

export interface ApiServer {
  /** `https://HOST:PORT`. */
  readonly url: string;
  readonly port: number;
  readonly caPem: string;
  /** The administrator's bearer token. */
  readonly token: string;
  readonly kubeconfigText: string;
  readonly store: Store;
  /** From now on, logs, exec and proxies reach pods through this. */
  setNodeAccess(nodeAccess: NodeAccess): void;
  /** Serves one more listening socket. */
  listenOn(fd: number): Promise<void>;
  /** Ends all watches and connections and closes the store. */
  close(): Promise<void>;
}

/** An option that makes no sense; the message says which and why. */
export class OptionError extends CodedError<{ readonly code: 'BAD_SERVICE_CIDR' | 'BAD_DATA_DIRECTORY' }> {}

const defaultServiceCidr = '10.96.0.0/16';
/** Address of the control plane in the lab's address plan. */
const controlPlaneAddress = '10.0.0.1';

/** Starts an API server. Throws ListenError, OptionError, JournalError and IdentityError. */
export async function startApiServer(
  options: ApiServerOptions,
  { logger, nodeAccess }: { readonly logger: Logger; readonly nodeAccess?: NodeAccess },
): Promise<ApiServer> {
  const { host = '127.0.0.1', port = 6443, dataDir, serviceCidrs = [defaultServiceCidr] } = options;
  const families = familiesOf(serviceCidrs);
  const now = (): Date => new Date();
  if (dataDir !== undefined) await makeDirectory(dataDir);
  // before the identity: whoever has the journal has the directory
  const journal = dataDir === undefined ? undefined : await openSqliteJournal(join(dataDir, 'objects.db'));
  const identity = await identityOf(dataDir, certificateNames(options, host, serviceCidrs), now(), journal);
  const store = new MemoryStore({
    ...(options.historyLimit === undefined ? {} : { historyLimit: options.historyLimit }),
    ...(journal === undefined ? {} : { journal }),
  });
  const context: RegistryContext = { store, logger, now, behaviours: new Map() };
  const caPem = identity.authority.certificatePem;
  const service = createServiceBehaviour(context, { families, nodePortRange: options.nodePortRange ?? defaultNodePortRange });
  context.behaviours.set('/namespaces', createNamespaceBehaviour(context, caPem));
  context.behaviours.set('/pods', createPodBehaviour());
  context.behaviours.set('batch/jobs', createJobBehaviour());
  context.behaviours.set('networking.k8s.io/servicecidrs', createServiceCidrBehaviour(now));
  context.behaviours.set(`${services.group}/${services.plural}`, service.behaviour);
  seedFoundations(context, caPem, serviceCidrs);
  service.repair();

  let access = nodeAccess;
  let address = '';
  const tokens = createLiveTokens(createTokenAuthority(identity.secret), store);
  const shared: Services = { context, logger, tokens, nodeAccess: () => access, address: () => address };
  const authenticate = createAuthenticator([identity.token, ...(options.tokens ?? [])], tokens, now);
  const server = new HttpServer({ server: identity.server, caPem, services: shared, authenticate }, { logger });
  const sweeper = new NamespaceSweeper(context);
  let boundPort: number;
  try {
    boundPort = await server.listen(host, port);
    for (const fd of options.listenFds ?? []) await server.listenOn(fd);
  } catch (error) {
    await server.close();
    store.close();
    throw error;
  }
  const reachable = isReachable(host) ? { address: host, port: boundPort } : undefined;
  const seedService = (): void => seedKubernetesService(context, serviceCidrs, options.advertise ?? reachable);
  seedService();
  sweeper.start();
  const keeper = new Keeper(context, { caPem, seedKubernetesService: seedService, repairServices: () => service.repair() });
  keeper.start();
  address = formatHostPort(host, boundPort);
  const url = `https://${address}`;
  logger.info({ url, objects: store.size }, 'the API is served');
  return {
    url,
    port: boundPort,
    caPem,
    token: identity.token,
    kubeconfigText: kubeconfigText({ url, caPem, token: identity.token, name: options.clusterName ?? 'fairlead' }),
    store,
    setNodeAccess: (given) => {
      access = given;
    },
    listenOn: (fd) => server.listenOn(fd),
    close: async () => {
      keeper.stop();
      sweeper.stop();
      await server.close();
      store.close();
    },
  };
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    await makeWithParents(resolve(directory));
  } catch (error) {
    const reason = hasCode(error, 'EEXIST') ? 'it is no directory' : messageOf(error);
    throw new OptionError(`cannot keep data in ${directory}: ${reason}`, { code: 'BAD_DATA_DIRECTORY' }, { cause: error });
  }
}

/** Not Node's own `recursive`: where a file system makes no directories and says ENOENT (/proc), that tries for ever. */
async function makeWithParents(directory: string): Promise<void> {
  const make = (): Promise<void> => mkdir(directory, { mode: 0o700 });
  try {
    await make();
  } catch (error) {
    if (hasCode(error, 'EEXIST') && (await stat(directory)).isDirectory()) return;
    if (!hasCode(error, 'ENOENT') || dirname(directory) === directory) throw error;
    await makeWithParents(dirname(directory));
    await make();
  }
}

async function identityOf(
  dataDir: string | undefined,
  names: Parameters<typeof loadIdentity>[1],
  now: Date,
  journal: Journal | undefined,
): Promise<ServerIdentity> {
  try {
    return await loadIdentity(dataDir, names, now);
  } catch (error) {
    journal?.close();
    throw error;
  }
}

function familiesOf(cidrs: readonly string[]): IpFamily[] {
  const families = cidrs.map((text) => {
    const range = parseServiceRange(text);
    if (range === undefined) {
      throw new OptionError(`${JSON.stringify(text)} is not a range for Services: write a prefix such as ${defaultServiceCidr}`, {
        code: 'BAD_SERVICE_CIDR',
      });
    }
    return range.family;
  });
  if (families.length === 0 || new Set(families).size !== families.length) {
    throw new OptionError('one range for Services is needed, or one of each IP family', { code: 'BAD_SERVICE_CIDR' });
  }
  return families;
}

function certificateNames(
  { names = [] }: ApiServerOptions,
  host: string,
  cidrs: readonly string[],
): { readonly dnsNames: readonly string[]; readonly addresses: readonly string[] } {
  const serviceAddresses = cidrs.flatMap((text) => {
    const range = parseServiceRange(text);
    return range === undefined ? [] : [formatIp(firstServiceAddress(range))];
  });
  const all = ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'];
  all.push('127.0.0.1', '::1', controlPlaneAddress, ...serviceAddresses, host, ...names);
  const unique = [...new Set(all)].filter((name) => name !== '0.0.0.0' && name !== '::');
  return {
    dnsNames: unique.filter((name) => ipFamilyOf(name) === undefined),
    addresses: unique.filter((name) => ipFamilyOf(name) !== undefined),
  };
}

function isReachable(host: string): boolean {
  const ip = parseIp(host);
  return ip !== undefined && !isLoopback(ip) && host !== '0.0.0.0' && host !== '::';
}
