/** The lab's own process: the first of its pid namespace, in a user and mount namespace of its own, on the host's network. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCluster } from '../cluster/index.ts';
import type { Cluster } from '../cluster/index.ts';
import { exitWithParent, keepInheritedDescriptors } from '../linux/index.ts';
import { readManifests } from '../manifest/index.ts';
import { createLogger } from '../observe/index.ts';
import { answerControl } from './answer-control.ts';
import { serveControl } from './control.ts';
import { sentenceOf } from './failure.ts';
import type { FromInner, InnerOptions, ToInner } from './messages.ts';
import { parsePublication, publish } from './publish.ts';
import { summarize } from './summary.ts';

/** Runs the cluster until the supervisor says stop, or is gone. */
export async function inner(text: string): Promise<void> {
  const options = JSON.parse(text) as InnerOptions;
  keepInheritedDescriptors();
  // pods' programs and files are as on any node, whatever the user's own is
  process.umask(0o022);
  const stopped = untilStopped();
  try {
    const cluster = await Promise.race([start(options), stopped]);
    // stopped before it was ready: what has started ends with this process
    if (cluster === undefined) process.exit(0);
    if (options.extension !== undefined) await Promise.race([extend(cluster, options.extension), stopped]);
    await stopped;
    cluster.abandon();
    // every process, namespace and mount of the lab ends with this one
    process.exit(0);
  } catch (error) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    say({ kind: 'failed', message: sentenceOf(error) ?? stack });
    setImmediate(() => process.exit(1));
  }
}

async function start(options: InnerOptions): Promise<Cluster> {
  const logger = createLogger(options.logLevel);
  const publications = options.publish.map(parsePublication);
  const manifests = readManifests(options.manifests);
  const cluster = await startCluster(
    {
      nodes: options.nodes,
      families: options.ipFamily,
      apiPort: options.apiPort,
      name: options.name === 'default' ? 'fairlead' : `fairlead-${options.name}`,
      forward: options.forward,
      ...(options.dataDirectory === undefined ? {} : { dataDirectory: options.dataDirectory }),
    },
    { logger, progress: (line) => say({ kind: 'progress', text: line }) },
  );
  const kubeconfig = join(options.stateDirectory, 'kubeconfig');
  writeFileSync(kubeconfig, cluster.kubeconfigText, { mode: 0o600 });
  const controlSocket = join(options.stateDirectory, 'control.sock');
  await serveControl(controlSocket, (request) => answerControl(cluster, request));
  for (const publication of publications) await publish(cluster, publication);
  await cluster.apply(manifests, { warn: (text) => say({ kind: 'warning', text }) });
  if (manifests.length > 0) say({ kind: 'progress', text: `${manifests.length} objects applied` });
  const missing = await cluster.settled({ waiting: (names) => say({ kind: 'waiting', missing: names }) });
  if (missing.length === 0) say({ kind: 'progress', text: 'everything is ready' });
  const summary = summarize(cluster.informers, {
    program: options.program,
    name: options.name,
    kubeconfig,
    url: cluster.url,
    missing,
    publications,
  });
  say({ kind: 'ready', kubeconfig, controlSocket, summary, missing });
  return cluster;
}

/** What runs in this process once everything is ready. */
export interface Extension {
  readonly run: (cluster: Cluster, print: (line: string) => void) => Promise<boolean>;
}

async function extend(cluster: Cluster, path: string): Promise<void> {
  const extension = (await import(path)) as Extension;
  const passed = await extension.run(cluster, (line) => say({ kind: 'print', text: line }));
  say({ kind: 'finished', passed });
}

function say(message: FromInner): void {
  process.send?.(message);
}

/**
 * Resolves when the supervisor says so. When that has gone there is nobody to leave in order for: everything here ends with this
 * process. Interrupts from the terminal are the supervisor's business.
 */
function untilStopped(): Promise<void> {
  exitWithParent();
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
  return new Promise((resolve) => {
    process.on('SIGTERM', () => resolve());
    process.on('message', (message) => {
      if ((message as ToInner).kind === 'stop') resolve();
    });
  });
}
