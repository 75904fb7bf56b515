/** For tests: the fake API server, all controllers, and nodes whose pods start and stop at once. */
import { nodes, pods } from '../api/index.ts';
import type { Node, Pod } from '../api/index.ts';
import { createClient, FakeApiServer, keyOf, SharedInformers } from '../client/index.ts';
import type { ClosableKubeClient } from '../client/index.ts';

import { silentLogger } from '../observe/index.ts';
import type { Logger } from '../observe/index.ts';
import { startControllers } from './start-controllers.ts';
import type { ControllersOptions } from './start-controllers.ts';

export interface FakeCluster {
  readonly server: FakeApiServer;
  readonly client: ClosableKubeClient;
  /** Names of pods that must not become ready; change it at will, then call `touchPods`. */
  readonly notReady: Set<string>;
  touchPods(): void;
  stop(): Promise<void>;
}

/** Starts a cluster with these nodes, alternately in zones a and b. */
export async function startFakeCluster(
  nodeNames: readonly string[],
  options: ControllersOptions = {},
  logger: Logger = silentLogger,
): Promise<FakeCluster> {
  const server = new FakeApiServer();
  const client = createClient({ server: await server.start() }, { logger });
  server.put('namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns' } });
  for (const [index, name] of nodeNames.entries()) server.put('nodes', fakeNode(name, index % 2 === 0 ? 'a' : 'b'));
  const notReady = new Set<string>();
  const stopping = new AbortController();
  const informers = new SharedInformers(client, { logger });
  const informer = informers.of(pods);
  const handle = (pod: Pod): void => {
    const { uid, name = '', deletionTimestamp } = pod.metadata ?? {};
    if (server.get(pods, keyOf(pod))?.metadata?.uid !== uid || pod.spec?.nodeName === undefined) return;
    if (deletionTimestamp !== undefined) server.remove('pods', keyOf(pod));
    else
      server.put('pods', {
        ...pod,
        status: { ...pod.status, phase: 'Running', conditions: [readyCondition(!notReady.has(name))] },
      } as Pod);
  };
  const settle = (pod: Pod): void => {
    const isReady =
      pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true;
    const wants = !notReady.has(pod.metadata?.name ?? '');
    if (pod.metadata?.deletionTimestamp !== undefined || pod.status?.phase === 'Pending' || isReady !== wants)
      setImmediate(handle, pod);
  };
  informer.subscribe({ added: settle, updated: (_before, after) => settle(after) });
  await informers.start(stopping.signal);
  const controllers = startControllers(client, options, { logger });
  await controllers.ready;
  return {
    server,
    client,
    notReady,
    touchPods: () => {
      for (const pod of server.list(pods)) settle(pod);
    },
    stop: async () => {
      stopping.abort();
      await controllers.stop();
      client.close();
      await server.stop();
    },
  };
}

/** A ready node. */
export function fakeNode(name: string, zone: string, labels: Readonly<Record<string, string>> = {}): Node {
  return {
    apiVersion: 'v1',
    kind: nodes.kind,
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': zone, ...labels } },
    status: { conditions: [{ type: 'Ready', status: 'True' }], addresses: [{ type: 'InternalIP', address: '10.0.1.1' }] },
  };
}

function readyCondition(isReady: boolean): NonNullable<NonNullable<Pod['status']>['conditions']>[number] {
  return { type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime: `${new Date().toISOString().slice(0, 19)}Z` };
}
