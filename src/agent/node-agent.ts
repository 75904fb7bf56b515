/** The agent of a real node, put together: any API server, the network namespace that this process is in. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { endpointSlices, nodes, serviceCidrs, services } from '../api/index.ts';
import { createInformer, EventRecorder } from '../client/index.ts';
import type { KubeClient } from '../client/index.ts';
import { Conntrack, NftBatch, Nftables, openNetlink, openSocket } from '../linux/index.ts';
import type { IpFamily } from '../net/index.ts';
import type { Logger } from '../observe/index.ts';
import { CodedError, messageOf, hasCode } from '../observe/index.ts';
import { headlessLabel, proxyNameLabel } from '../routing/index.ts';
import { Agent } from './agent.ts';
import type { Bind } from './agent-servers.ts';
import { AgentServers } from './agent-servers.ts';
import { conntrackSysctls } from './kernel/conntrack-settings.ts';
import type { Listen } from './health/health-check-servers.ts';
import { tableName } from './rows/layout.ts';
import { LinkAddresses } from './kernel/link-addresses.ts';
import { boundYoungGeneration, releaseGarbage } from './process-memory.ts';
import type { ConntrackSettings, ProxyConfig } from './proxy-config.ts';
import { createSlimmer } from './slim-objects.ts';

/** Why this process cannot be a node's proxy. The message says what to do. */
export class NodeAgentError extends CodedError<{ readonly code: 'not-linux' | 'not-allowed' | 'no-nftables' | 'listen' }> {}

export interface NodeAgentOptions {
  readonly client: KubeClient;
  readonly nodeName: string;
  readonly config?: Partial<ProxyConfig>;
}

/** A running agent. */
export interface NodeAgent {
  readonly agent: Agent;
  readonly families: readonly IpFamily[];
  /** Resolves when everything that the API server had at the start is in the kernel; also when stopped before. */
  readonly ready: Promise<void>;
  /** Stops; the tables stay, and with them all connections. */
  stop(): Promise<void>;
}

export const defaultHealthzBind: Bind = { address: '0.0.0.0', port: 10_256 };
export const defaultMetricsBind: Bind = { address: '127.0.0.1', port: 10_249 };

/** Starts, and resolves when the agent's own ports answer. Throws `NodeAgentError` when this process cannot do it. */
export async function startNodeAgent(
  { client, nodeName, config = {} }: NodeAgentOptions,
  { logger }: { readonly logger: Logger },
): Promise<NodeAgent> {
  const nftables = openNftables(logger);
  setConntrack(config.conntrack ?? {}, logger);
  const families: readonly IpFamily[] = existsSync('/proc/net/if_inet6') ? ['IPv4', 'IPv6'] : ['IPv4'];
  const stopping = new AbortController();
  boundYoungGeneration();
  const slim = createSlimmer();
  const informers = {
    services: createInformer(client, services, { transform: slim.service, labelSelector: `!${proxyNameLabel}` }, { logger }),
    endpointSlices: createInformer(
      client,
      endpointSlices,
      { transform: slim.slice, labelSelector: `!${headlessLabel}` },
      { logger },
    ),
    nodes: createInformer(client, nodes, { transform: slim.node }, { logger }),
    serviceCidrs: createInformer(client, serviceCidrs, {}, { logger }),
  };
  const listen: Listen = async (address, port) =>
    openSocket({ type: 'tcp', bind: { address, port }, listen: 128, ipv6Only: address.includes(':') });
  const linkAddresses =
    config.nodePortAddresses === undefined
      ? undefined
      : new LinkAddresses({ socket: openNetlink('route'), monitorSocket: openNetlink('route') }, { logger });
  const agent = new Agent(
    {
      nodeName,
      families,
      informers,
      nftables,
      conntrack: new Conntrack(openNetlink('netfilter')),
      monitorSocket: openNetlink('netfilter'),
      listen,
      events: new EventRecorder(client, 'fairlead-agent', { logger }),
      ...(linkAddresses === undefined ? {} : { linkAddresses }),
      ...(config.detector === undefined ? {} : { detector: config.detector }),
      ...(config.masqueradeAll === undefined ? {} : { masqueradeAll: config.masqueradeAll }),
      ...(config.nodePortAddresses === undefined ? {} : { nodePortAddresses: config.nodePortAddresses }),
      ...(config.nodeAddress === undefined ? {} : { primaryAddress: config.nodeAddress }),
    },
    { logger },
  );
  const servers = new AgentServers(
    {
      agent,
      listen,
      healthz: config.healthz ?? defaultHealthzBind,
      metrics: config.metrics ?? defaultMetricsBind,
      config: { ...config },
    },
    { logger },
  );
  try {
    await servers.start();
  } catch (error) {
    nftables.close();
    throw hasCode(error, 'EADDRINUSE', 'EADDRNOTAVAIL', 'EACCES')
      ? new NodeAgentError(
          `cannot listen: ${messageOf(error)}; is kube-proxy still running? Other ports: healthzBindAddress and metricsBindAddress in --config`,
          { code: 'listen' },
          { cause: error },
        )
      : error;
  }
  for (const informer of Object.values(informers)) informer.start(stopping.signal);
  return {
    agent,
    families,
    ready: agent.start().then(releaseGarbage),
    stop: async () => {
      await agent.stop();
      await servers.stop();
      stopping.abort();
      nftables.close();
    },
  };
}

/** Removes Fairlead's tables from this network namespace; answers in which families there was one. Existing connections stop. */
export function removeTables({ logger }: { readonly logger: Logger }): readonly string[] {
  const nftables = openNftables(logger);
  const own = nftables.dumpTables().filter(({ name, family }) => name === tableName && family !== 'inet');
  const batch = new NftBatch();
  for (const table of own) batch.deleteTable(table);
  nftables.commit(batch);
  nftables.close();
  return own.map(({ family }) => family);
}

/** A socket that works, or an error that says why none does. */
function openNftables(logger: Logger): Nftables {
  if (process.platform !== 'linux')
    throw new NodeAgentError(`the agent programs Linux's nftables; this is ${process.platform}`, { code: 'not-linux' });
  const nftables = new Nftables(openNetlink('netfilter'));
  try {
    // kube-proxy's leftovers would translate first, or again.
    const others = nftables.dumpTables().filter(({ name }) => name === 'kube-proxy');
    if (others.length > 0)
      logger.warn(
        { families: others.map(({ family }) => family) },
        "kube-proxy's table is there too: stop kube-proxy and run kube-proxy --cleanup, or both will translate",
      );
    return nftables;
  } catch (error) {
    nftables.close();
    if (hasCode(error, 'EPERM', 'EACCES'))
      throw new NodeAgentError(
        "the agent may not change nftables here: run it as root, or with CAP_NET_ADMIN, in the node's network namespace",
        { code: 'not-allowed' },
        { cause: error },
      );
    if (hasCode(error, 'EINVAL', 'EOPNOTSUPP', 'EPROTONOSUPPORT', 'ENOENT'))
      throw new NodeAgentError(
        'this kernel has no nftables: load the module with modprobe nf_tables, or use a kernel with CONFIG_NF_TABLES',
        { code: 'no-nftables' },
        { cause: error },
      );
    throw error;
  }
}

/** Where a value cannot be written (a container with a read-only /proc/sys), the system's own stays, and the log says so. */
function setConntrack(settings: ConntrackSettings, logger: Logger): void {
  for (const { name, value, isMinimum } of conntrackSysctls(settings, availableParallelism())) {
    const path = `/proc/sys/net/netfilter/${name}`;
    try {
      const present = Number(readFileSync(path, 'utf8').trim());
      if (present !== value && !(isMinimum && present > value)) writeFileSync(path, String(value));
    } catch (error) {
      logger.warn({ name, value, error: messageOf(error) }, 'a setting of connection tracking could not be written');
    }
  }
}
