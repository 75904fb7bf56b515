/**
 * The embedded cluster: API server, controllers, a lab of nodes, name server, all in this process. Must run where network
 * namespaces may be made: as root, or in a user namespace of its own; the calling thread stays in its network.
 */
import type { Socket } from 'node:net';
import { endpointSlices, isAlreadyExists, namespaces, nodes, pods, services } from '../api/index.ts';
import { startApiServer } from '../apiserver/index.ts';
import type { ApiServer } from '../apiserver/index.ts';
import { createClient, EventRecorder, parseKubeconfig, SharedInformers } from '../client/index.ts';
import type { KubeClient } from '../client/index.ts';
import { startControllers } from '../controllers/index.ts';
import type { LoadBalancerProvider } from '../controllers/index.ts';
import { startDnsServer } from '../dns/index.ts';
import type { DnsServer, Forwarder } from '../dns/index.ts';
import { PodAccess, SandboxHost } from '../kubelet/index.ts';
import type { ClusterDns } from '../kubelet/index.ts';
import { controlPlaneAddress, dnsAddress, Lab } from '../lab/index.ts';
import { formatIp, mustParseCidr } from '../net/index.ts';
import type { ManifestObject } from '../manifest/index.ts';
import type { Logger } from '../observe/index.ts';
import { applyManifests } from './apply.ts';
import type { ApplyOptions } from './apply.ts';
import type { Machine, MachineParts } from './machine.ts';
import { Machines } from './machines.ts';
import { clusterDomain, dnsService, dnsSlice, familiesOf, plannedNodes, ranges } from './plan.ts';
import type { ClusterFamilies } from './plan.ts';
import { LabDialer } from './lab-dialer.ts';
import { startOutsideEcho } from './outside-echo.ts';
import { createOutsideForwarder, mainAddresses, parseForward, startOutsideNames } from './outside-names.ts';
import { Prober } from './prober.ts';
import { unsettled, untilKnown } from './settle.ts';

export interface ClusterOptions {
  /** Number of nodes to begin with; more come and go with Node objects. */
  readonly nodes?: number;
  readonly families?: ClusterFamilies;
  /** Port of the API on this host's loopback, or the next free one; any when 0. Default 6443. */
  readonly apiPort?: number;
  readonly dataDirectory?: string;
  /** Name servers, `ADDRESS[:PORT]` as this host reaches them, for names that neither the cluster nor `outside` knows. */
  readonly forward?: readonly string[];
  /** Name of cluster, user and context in the kubeconfig. */
  readonly name?: string;
}

export interface ClusterParts {
  readonly logger: Logger;
  /** Called as each part comes to life. */
  readonly progress?: (text: string) => void;
}

/** A running cluster. */
export interface Cluster {
  readonly url: string;
  readonly kubeconfigText: string;
  readonly client: KubeClient;
  readonly informers: SharedInformers;
  readonly lab: Lab;
  readonly dns: DnsServer;
  readonly prober: Prober;
  readonly machines: ReadonlyMap<string, Machine>;
  /** What pods are told about names. */
  readonly clusterDns: ClusterDns;
  /** Creates or merges the objects, in order, and waits until this process has heard of them. Throws `ApplyError`. */
  apply(objects: readonly ManifestObject[], options?: ApplyOptions): Promise<void>;
  /** Resolves when all that was asked for is there and in the kernel, or after the time allowed; answers what is missing. */
  settled(options?: SettleOptions): Promise<readonly string[]>;
  /** Takes everything down. */
  close(): Promise<void>;
  /** For a process that ends right after: makes safe what is kept, and leaves the rest to the kernel, which is faster at it. */
  abandon(): void;
}

export interface SettleOptions {
  /** Default 20 s. */
  readonly timeoutMs?: number;
  /** Called with what is missing, now and then, when it takes long. */
  readonly waiting?: (missing: readonly string[]) => void;
}

/** Takes back one step of the start. */
type Undo = () => unknown;

/** The API's port on this host, unless it is taken. */
const defaultApiPort = 6443;
/** The port of the API inside the cluster's own network. */
const innerApiPort = 6443;
const defaultSettleMs = 20_000;
/** How often `waiting` is called. */
const waitingIntervalMs = 500;

/** Starts a cluster and resolves when its nodes are ready and its own Services answer. */
export async function startCluster(
  options: ClusterOptions,
  { logger, progress = () => undefined }: ClusterParts,
): Promise<Cluster> {
  const families = familiesOf(options.families ?? 'ipv4');
  const lab = new Lab({ ipFamilies: families }, { logger });
  const undo: Undo[] = [];
  try {
    const [api] = await Promise.all([startApi(options, families, logger), lab.start()]);
    undo.push(
      () => api.close(),
      () => lab.close(),
    );
    progress(`API at ${api.url}${portHint(api.url, options.apiPort ?? defaultApiPort)}`);
    return await assemble(options, families, lab, api, undo, { logger, progress });
  } catch (error) {
    for (const step of undo.toReversed()) await step();
    throw error;
  }
}

function startApi(options: ClusterOptions, families: readonly ('IPv4' | 'IPv6')[], logger: Logger): Promise<ApiServer> {
  const [primary = 'IPv4'] = families;
  return startApiServer(
    {
      host: '127.0.0.1',
      port: options.apiPort ?? defaultApiPort,
      ...(options.dataDirectory === undefined ? {} : { dataDir: options.dataDirectory }),
      serviceCidrs: families.map((family) => ranges[family].services),
      advertise: { address: formatIp(controlPlaneAddress(primary)), port: innerApiPort },
      names: families.map((family) => formatIp(controlPlaneAddress(family))),
      clusterName: options.name ?? 'fairlead',
    },
    { logger },
  );
}

async function assemble(
  options: ClusterOptions,
  families: readonly ('IPv4' | 'IPv6')[],
  lab: Lab,
  api: ApiServer,
  undo: Undo[],
  { logger, progress }: Required<ClusterParts>,
): Promise<Cluster> {
  const client = createClient(parseKubeconfig(api.kubeconfigText), { logger });
  undo.push(() => client.close());
  const informers = new SharedInformers(client, { logger });
  const events = new EventRecorder(client, 'fairlead', { logger });
  const clusterDns: ClusterDns = {
    nameservers: families.map((family) => ranges[family].dnsService),
    domain: clusterDomain,
    hostResolvConf: families.map((family) => `nameserver ${ranges[family].dnsService}\n`).join(''),
  };
  const parts: MachineParts = { lab, client, informers, events, dns: clusterDns, sandbox: new SandboxHost(), logger };
  const machines = new Machines(parts);
  for (const family of families)
    await api.listenOn(
      await lab.controlPlane.openListener({ address: formatIp(controlPlaneAddress(family)), port: innerApiPort }),
    );
  const dial = (address: string, port: number, dialOptions: { readonly signal?: AbortSignal } = {}): Promise<Socket> =>
    lab.controlPlane.dial({ address, port }, dialOptions);
  api.setNodeAccess(new PodAccess({ findKubelet: (name) => machines.running.get(name)?.kubelet, dial }));

  const stopping = new AbortController();
  undo.push(() => stopping.abort());
  const controllers = startControllers(
    client,
    { loadBalancer: { pools: families.map((family) => mustParseCidr(ranges[family].loadBalancers)), provider: providerOf(lab) } },
    { logger, informers },
  );
  undo.push(() => controllers.stop());
  const upstreams = (options.forward ?? []).map(parseForward);
  const outside = createOutsideForwarder({ addresses: mainAddresses(lab.outside), upstreams }, { logger });
  const dns = await startDns(families, lab, client, informers, outside, logger);
  undo.push(() => dns.close());
  const outsideNames = await startOutsideNames(lab.outside, outside, { logger });
  undo.push(() => outsideNames.close());
  const echo = await startOutsideEcho(lab.outside, { logger });
  undo.push(() => echo.close());
  await informers.start(stopping.signal);
  const planned = plannedNodes(options.nodes ?? 3);
  await Promise.all(planned.map((node) => createIfMissing(() => client.create(nodes, node))));
  machines.start();
  undo.push(() => machines.stop());
  await controllers.ready;
  const expected = planned.map((node) => node.metadata?.name ?? '');
  const settle = (settleOptions?: SettleOptions): Promise<readonly string[]> =>
    untilNothingIsMissing(
      () => [...machines.missing(expected, { withFaulty: true }), ...unsettled(informers)],
      machines.running,
      settleOptions,
    );
  // whatever else the API holds from last time is waited for by those who ask for it
  const missing = await untilNothingIsMissing(() => machines.missing(expected, { withFaulty: false }), machines.running);
  progress(
    `${machines.running.size} ${machines.running.size === 1 ? 'node' : 'nodes'}, names and load balancers${missing.length === 0 ? '' : ` (not ready: ${missing.join(', ')})`}`,
  );
  return {
    url: api.url,
    kubeconfigText: api.kubeconfigText,
    client,
    informers,
    lab,
    dns,
    prober: new Prober(new LabDialer(lab)),
    machines: machines.running,
    clusterDns,
    apply: async (objects, applyOptions) =>
      untilKnown(informers, await applyManifests(client, objects, applyOptions), defaultSettleMs),
    settled: settle,
    close: async () => {
      for (const step of undo.toReversed()) await step();
    },
    abandon: () => api.store.close(),
  };
}

async function startDns(
  families: readonly ('IPv4' | 'IPv6')[],
  lab: Lab,
  client: KubeClient,
  informers: SharedInformers,
  forwarder: Forwarder,
  logger: Logger,
): Promise<DnsServer> {
  const binds = families.map((family) => ({ address: formatIp(dnsAddress(family)), port: 53 }));
  const [udpFds, tcpFds] = await Promise.all([
    Promise.all(binds.map((bind) => lab.controlPlane.openDatagrams(bind))),
    Promise.all(binds.map((bind) => lab.controlPlane.openListener(bind))),
  ]);
  const dns = await startDnsServer(
    {
      clusterDomain,
      source: {
        informers: {
          services: informers.of(services),
          endpointSlices: informers.of(endpointSlices),
          namespaces: informers.of(namespaces),
          pods: informers.of(pods),
        },
      },
      listen: { udpFds, tcpFds },
      podMode: 'verified',
      forwarder,
    },
    { logger },
  );
  await createIfMissing(() => client.create(services, dnsService(families), { namespace: 'kube-system' }));
  for (const family of families) {
    await createIfMissing(() =>
      client.create(endpointSlices, dnsSlice(family, formatIp(dnsAddress(family))), { namespace: 'kube-system' }),
    );
  }
  return dns;
}

/** The load-balancer controller's words in the lab's. */
function providerOf(lab: Lab): LoadBalancerProvider {
  return {
    ensure: async (service, addresses, members) => {
      const isLocal = service.spec?.externalTrafficPolicy === 'Local';
      for (const address of addresses) {
        lab.setLoadBalancer({
          address,
          nodes: members.map((node) => node.metadata?.name ?? ''),
          healthCheckNodePort: isLocal ? service.spec?.healthCheckNodePort : undefined,
        });
      }
    },
    remove: async (_key, addresses) => {
      for (const address of addresses) lab.removeLoadBalancer(address);
    },
  };
}

async function untilNothingIsMissing(
  findMissing: () => readonly string[],
  machines: ReadonlyMap<string, Machine>,
  { timeoutMs = defaultSettleMs, waiting = () => undefined }: SettleOptions = {},
): Promise<readonly string[]> {
  const deadline = performance.now() + timeoutMs;
  let nextWordMs = performance.now() + waitingIntervalMs;
  for (;;) {
    const missing = findMissing();
    if (missing.length === 0) {
      await Promise.all([...machines.values()].map((machine) => machine.agent.idle()));
      if (findMissing().length === 0) return [];
    } else if (performance.now() > deadline) {
      return missing;
    } else if (performance.now() > nextWordMs) {
      nextWordMs += waitingIntervalMs;
      waiting(missing);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Says why the port is another one than was asked for. */
function portHint(url: string, wanted: number): string {
  return wanted === 0 || new URL(url).port === String(wanted) ? '' : ` (port ${wanted} is taken)`;
}

async function createIfMissing(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    // with --data the object is there from last time
    if (!isAlreadyExists(error)) throw error;
  }
}
