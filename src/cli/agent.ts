/** `fairlead agent`: the node's proxy, for a real cluster, in the network namespace that it is started in. */
import { hostname } from 'node:os';
import { parseBind, proxyConfigKind, readProxyConfig, removeTables, startNodeAgent } from '../agent/index.ts';
import type { Bind, ProxyConfig } from '../agent/index.ts';
import { createClient, loadKubeconfig } from '../client/index.ts';
import { formatPosition, readManifests } from '../manifest/index.ts';
import { CodedError, createLogger } from '../observe/index.ts';
import type { AgentFlags } from './main.ts';

/** A command line or configuration that asks for what cannot be. */
export class AgentCommandError extends CodedError<{ readonly code: 'usage' | 'config' }> {}

/** Serves until a signal comes. The tables stay in the kernel: without them even established connections would stop. */
export async function agentCommand(flags: AgentFlags): Promise<void> {
  const logger = createLogger(flags.logLevel);
  if (flags.cleanup === true) {
    const families = removeTables({ logger });
    console.error(families.length === 0 ? 'there was no table of fairlead' : `removed table fairlead: ${families.join(', ')}`);
    return;
  }
  const file = flags.config === undefined ? undefined : readConfig(flags.config);
  const config: Partial<ProxyConfig> = {
    ...file,
    ...bindOf('--healthz-bind-address', 'healthz', flags.healthzBindAddress, 10_256),
    ...bindOf('--metrics-bind-address', 'metrics', flags.metricsBindAddress, 10_249),
  };
  const nodeName = flags.nodeName ?? config.nodeName ?? hostname().toLowerCase();
  const server = loadKubeconfig(flags.kubeconfig ?? config.kubeconfig, { context: flags.context });
  const stopped = untilSignal();
  const client = createClient(server, { logger });
  try {
    const running = await startNodeAgent({ client, nodeName, config }, { logger });
    console.error(`agent of node ${nodeName}; API ${server.server}; waiting for its objects`);
    const isReady = await Promise.race([running.ready.then(() => true), stopped.then(() => false)]);
    if (isReady) console.error(`ready: ${running.families.join(' and ')} are in the kernel; stop with Ctrl-C, the table stays`);
    await stopped;
    await running.stop();
  } finally {
    client.close();
  }
}

/** Every problem of the file at once, each with its place. Notes go to standard error. */
function readConfig(path: string): ProxyConfig {
  const [object, second] = readManifests([path]);
  if (object === undefined || second !== undefined)
    throw new AgentCommandError(`${path} must hold one object, a ${proxyConfigKind.kind}`, { code: 'config' });
  const { config, problems, notes } = readProxyConfig(object.value);
  if (problems.length > 0) {
    const lines = problems.map((problem) => `${formatPosition(object.locate(problem.path))}: ${problem.message}`);
    throw new AgentCommandError(lines.join('\n'), { code: 'config' });
  }
  for (const note of notes) console.error(`${formatPosition(object.locate(note.path))}: ${note.message}`);
  return config;
}

function bindOf<K extends 'healthz' | 'metrics'>(
  flag: string,
  key: K,
  text: string | undefined,
  defaultPort: number,
): { readonly [P in K]?: Bind } {
  if (text === undefined) return {};
  const bind = parseBind(text, defaultPort);
  if (bind === undefined) throw new AgentCommandError(`${flag} ${text}: write ADDRESS:PORT`, { code: 'usage' });
  return { [key]: bind } as { readonly [P in K]?: Bind };
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}
