/** A whole cluster for a test file, inside namespaces of the file's own: API, controllers, lab, names. */
import { after, before } from 'node:test';
import { startCluster } from '../../src/cluster/index.ts';
import type { Cluster, ClusterOptions } from '../../src/cluster/index.ts';
import { RouteSocket, openNetlink } from '../../src/linux/index.ts';
import { parseManifest } from '../../src/manifest/index.ts';
import { createLogger } from '../../src/observe/index.ts';

/** A pod that echoes on a port, as YAML. */
export function echoPod(
  name: string,
  options: { namespace?: string; node?: string; labels?: Record<string, string>; port?: number; extra?: string } = {},
): string {
  const { namespace = 'default', node, labels = {}, port = 9376, extra = '' } = options;
  return `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: ${namespace}, labels: ${JSON.stringify(labels)}}
spec:
  ${node === undefined ? '' : `nodeName: ${node}`}
  ${extra}
  containers: [{name: c, image: echo, ports: [{containerPort: ${port}}, {containerPort: ${port}, protocol: UDP}]}]
---`;
}

/** The cluster of this file; use it inside tests only. Started before the first test, taken down after the last. */
export function useCluster(options: ClusterOptions = {}, manifests = ''): () => Cluster {
  let cluster: Cluster | undefined;
  before(async () => {
    const own = new RouteSocket(openNetlink('route'));
    own.setUp('lo');
    own.close();
    cluster = await startCluster({ apiPort: 0, ...options }, { logger: createLogger('error') });
    await applyText(cluster, manifests);
  });
  after(async () => {
    await cluster?.close();
  });
  return () => {
    if (cluster === undefined) throw new Error('the cluster is not up yet');
    return cluster;
  };
}

/** Applies YAML and waits until all of it is there. Throws when something does not become ready. */
export async function applyText(cluster: Cluster, text: string): Promise<void> {
  await cluster.apply(parseManifest(text, 'test'));
  const missing = await cluster.settled({ timeoutMs: 15_000 });
  if (missing.length > 0) throw new Error(`not ready: ${missing.join(', ')}`);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until `condition` holds and answers how long it took, in milliseconds. Throws with `what` after `timeoutMs`. */
export async function until(what: string, condition: () => Promise<boolean> | boolean, timeoutMs = 5000): Promise<number> {
  const start = performance.now();
  while (!(await condition())) {
    if (performance.now() - start > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(5);
  }
  return performance.now() - start;
}

/** How often each value occurs. */
export function tally(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
