/** For the suite of the workload controllers: an API server (any), all controllers, and nodes whose pods start and stop at once. */
import { isConflict, isNotFound, nodes, pods } from '../api/index.ts';
import type { Node, Pod, Resource } from '../api/index.ts';
import { SharedInformers } from '../client/index.ts';
import type { KubeClient } from '../client/index.ts';
import { silentLogger } from '../observe/index.ts';
import { isPodReady } from './pod-state.ts';
import { startControllers } from './start-controllers.ts';
import type { ControllersOptions } from './start-controllers.ts';

/** An API server as the suite needs it: reached by a client, and looked into directly. */
export interface TestApi {
  readonly client: KubeClient;
  /** What is stored now. */
  list<T>(resource: Resource<T>): readonly T[];
  get<T>(resource: Resource<T>, key: string): T | undefined;
  close(): Promise<void>;
}

export interface TestCluster extends TestApi {
  /** Names of pods that must not become ready; change it at will, then call `touchPods`. */
  readonly notReady: Set<string>;
  touchPods(): void;
}

/** Starts a cluster with these nodes, alternately in zones a and b, and a namespace `ns`. */
export async function startTestCluster(
  api: TestApi,
  nodeNames: readonly string[],
  options: ControllersOptions,
): Promise<TestCluster> {
  const { client } = api;
  await client.request('POST', '/api/v1/namespaces', { body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns' } } });
  for (const [index, name] of nodeNames.entries()) await createNode(client, name, index % 2 === 0 ? 'a' : 'b');
  const notReady = new Set<string>();
  const stopping = new AbortController();
  const informers = new SharedInformers(client, { logger: silentLogger });
  const informer = informers.of(pods);
  const settle = (pod: Pod): void => {
    if (pod.spec?.nodeName === undefined) return;
    const isGoing = pod.metadata?.deletionTimestamp !== undefined;
    const isSettled = pod.status?.phase === 'Running' && isPodReady(pod) !== notReady.has(pod.metadata?.name ?? '');
    if (!isGoing && isSettled) return;
    (isGoing ? removePod(client, pod) : writeStatus(client, pod, !notReady.has(pod.metadata?.name ?? ''))).catch(
      (error: unknown) => {
        if (!isNotFound(error) && !isConflict(error) && !stopping.signal.aborted) throw error;
      },
    );
  };
  informer.subscribe({ added: settle, updated: (_before, after) => settle(after) });
  await informers.start(stopping.signal);
  const controllers = startControllers(client, options, { logger: silentLogger });
  await controllers.ready;
  return {
    ...api,
    notReady,
    touchPods: () => {
      for (const pod of api.list(pods)) settle(pod);
    },
    close: async () => {
      await controllers.stop();
      stopping.abort();
      await api.close();
    },
  };
}

/** Creates a ready node. */
export async function createNode(client: KubeClient, name: string, zone: string): Promise<Node> {
  const labels = { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': zone };
  const node = await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } });
  const status = { conditions: [{ type: 'Ready', status: 'True' }], addresses: [{ type: 'InternalIP', address: '10.0.1.1' }] };
  return client.patch(nodes, node.metadata?.name ?? '', 'merge', { status }, { subresource: 'status' });
}

async function writeStatus(client: KubeClient, pod: Pod, isReady: boolean): Promise<void> {
  const { name = '', namespace, resourceVersion } = pod.metadata ?? {};
  const lastTransitionTime = `${new Date().toISOString().slice(0, 19)}Z`;
  const conditions = [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime }];
  const status = { phase: 'Running', conditions };
  await client.patch(pods, name, 'merge', { metadata: { resourceVersion }, status }, { namespace, subresource: 'status' });
}

async function removePod(client: KubeClient, pod: Pod): Promise<void> {
  const { name = '', namespace, uid } = pod.metadata ?? {};
  await client.delete(pods, name, { namespace, body: { gracePeriodSeconds: 0, preconditions: { uid } } });
}
