/**
 * For the kubectl tests: the API server and the controllers in this process, nodes without machines behind them, and a
 * stand-in for the kubelets that writes what they would write.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isConflict, isNotFound, nodes, pods } from '../../src/api/index.ts';
import type { Pod } from '../../src/api/index.ts';
import type { ApiServer } from '../../src/apiserver/index.ts';
import { startApiServer } from '../../src/apiserver/index.ts';
import { createClient, createInformer, loadKubeconfig } from '../../src/client/index.ts';
import type { KubeClient } from '../../src/client/index.ts';
import { startControllers } from '../../src/controllers/index.ts';
import { silentLogger } from '../../src/observe/index.ts';
import type { Kubectl } from './run-kubectl.ts';
import { createKubectl } from './run-kubectl.ts';

export interface ApiCluster extends AsyncDisposable, Kubectl {
  readonly server: ApiServer;
  readonly client: KubeClient;
}

/** Starts a cluster of `nodeNames` for one kubectl program. */
export async function startApiCluster(
  program: string,
  nodeNames: readonly string[] = ['node-1', 'node-2', 'node-3'],
): Promise<ApiCluster> {
  const scratch = mkdtempSync(join(tmpdir(), 'fairlead-kubectl-'));
  const server = await startApiServer({ port: 0 }, { logger: silentLogger });
  const kubeconfig = join(scratch, 'kubeconfig');
  writeFileSync(kubeconfig, server.kubeconfigText, { mode: 0o600 });
  const client = createClient(loadKubeconfig(kubeconfig), { logger: silentLogger });
  const controllers = startControllers(client, { rootCaPem: server.caPem }, { logger: silentLogger });
  await controllers.ready;
  await Promise.all(nodeNames.map((name, index) => addNode(client, name, index + 1)));
  const stopping = new AbortController();
  const kubelets = actAsKubelets(client, stopping.signal);
  const kubectl = createKubectl(program, kubeconfig, scratch);
  return {
    ...kubectl,
    server,
    client,
    [Symbol.asyncDispose]: async () => {
      kubectl.stopAll();
      stopping.abort();
      await kubelets;
      await controllers.stop();
      await server.close();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

async function addNode(client: KubeClient, name: string, number: number): Promise<void> {
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  await client.create(nodes, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'topology.kubernetes.io/zone': number === 3 ? 'zone-b' : 'zone-a',
      },
    },
    spec: { podCIDR: `10.244.${number}.0/24`, podCIDRs: [`10.244.${number}.0/24`] },
  });
  await client.patch(
    nodes,
    name,
    'merge',
    {
      status: {
        addresses: [
          { type: 'InternalIP', address: `10.0.1.${number}` },
          { type: 'Hostname', address: name },
        ],
        capacity: { cpu: '2', memory: '2Gi', pods: '110' },
        allocatable: { cpu: '2', memory: '2Gi', pods: '110' },
        conditions: [
          {
            type: 'Ready',
            status: 'True',
            reason: 'KubeletReady',
            message: 'kubelet is posting ready status',
            lastHeartbeatTime: now,
            lastTransitionTime: now,
          },
        ],
        nodeInfo: {
          kubeletVersion: 'v1.36.0',
          osImage: 'test',
          kernelVersion: '6.1',
          containerRuntimeVersion: 'none://1',
          operatingSystem: 'linux',
          architecture: 'amd64',
          bootID: '',
          machineID: '',
          systemUUID: '',
          kubeProxyVersion: '',
        },
      },
    },
    { subresource: 'status' },
  );
}

/** Every pod that has a node runs at once, and is gone at once when it is deleted. */
function actAsKubelets(client: KubeClient, signal: AbortSignal): Promise<void> {
  const informer = createInformer(client, pods, {}, { logger: silentLogger });
  let next = 2;
  const pending = new Set<Promise<void>>();
  const act = (pod: Pod): void => {
    const work = actOn(pod).catch((error: unknown) => {
      if (!isNotFound(error) && !isConflict(error) && !signal.aborted) throw error;
    });
    pending.add(work);
    void work.finally(() => pending.delete(work));
  };
  const actOn = async (pod: Pod): Promise<void> => {
    const { name = '', namespace = '', deletionTimestamp, uid } = pod.metadata ?? {};
    const nodeName = pod.spec?.nodeName ?? '';
    if (nodeName === '') return;
    if (deletionTimestamp !== undefined) {
      await client.delete(pods, name, { namespace, body: { gracePeriodSeconds: 0, preconditions: { uid } } });
    } else if (pod.status?.phase === 'Pending') {
      const startTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
      const ip = `10.244.${nodeName.replace(/\D+/g, '') || '9'}.${next++}`;
      const ready = { status: 'True', lastTransitionTime: startTime };
      const status = {
        phase: 'Running',
        hostIP: '10.0.1.1',
        podIP: ip,
        podIPs: [{ ip }],
        startTime,
        conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
          type,
          ...ready,
        })),
        containerStatuses: (pod.spec?.containers ?? []).map((container) => ({
          name: container.name,
          image: container.image ?? '',
          imageID: '',
          ready: true,
          started: true,
          restartCount: 0,
          state: { running: { startedAt: startTime } },
        })),
      };
      await client.patch(pods, name, 'merge', { status }, { namespace, subresource: 'status' });
    }
  };
  informer.subscribe({ added: act, updated: (_, pod) => act(pod) });
  informer.start(signal);
  return new Promise((done) => {
    signal.addEventListener('abort', () => void Promise.allSettled(pending).then(() => done()), { once: true });
  });
}
