/**
 * For the kubectl tests: the API server and the controllers in this process, nodes without machines behind them, a stand-in
 * for the kubelets that writes what they would write, and an unmodified kubectl with a home of its own (it keeps discovery
 * and schemas there).
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
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

/** What a program printed and how it ended. */
export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  /** Written to its standard input. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A kubectl that still runs, such as a watch. */
export interface Running {
  /** Resolves once standard output matches; rejects after ten seconds with what was printed. */
  readonly printed: (pattern: RegExp) => Promise<string>;
  readonly stop: () => Promise<void>;
}

export interface ApiCluster extends AsyncDisposable {
  readonly server: ApiServer;
  readonly client: KubeClient;
  readonly kubeconfig: string;
  /** A folder that goes with the cluster. */
  readonly scratch: string;
  /** Runs kubectl; a single text is split at blanks. */
  readonly kubectl: (args: string | readonly string[], options?: RunOptions) => Promise<Ran>;
  /** Runs kubectl and fails the test unless it ends with 0; gives standard output. */
  readonly ok: (args: string | readonly string[], options?: RunOptions) => Promise<string>;
  /** Runs kubectl and fails the test if it ends with 0; gives standard error. */
  readonly fails: (args: string | readonly string[], options?: RunOptions) => Promise<string>;
  readonly start: (args: string) => Running;
  /** Writes a file into the scratch folder and gives its path. */
  readonly file: (name: string, text: string) => string;
}

/** Starts a cluster of `nodeNames` for one kubectl program. */
export async function startApiCluster(
  kubectl: string,
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
  const env = { PATH: process.env['PATH'] ?? '', HOME: scratch, KUBECONFIG: kubeconfig, TZ: 'UTC', LC_ALL: 'C' };
  const running = new Set<ChildProcess>();

  const run = async (args: string | readonly string[], options: RunOptions = {}): Promise<Ran> => {
    const child = spawn(kubectl, split(args), { cwd: scratch, env: { ...env, ...options.env }, timeout: 60_000 });
    const [out, err] = [collect(child.stdout), collect(child.stderr)];
    child.stdin.on('error', () => undefined); // it may end without reading
    child.stdin.end(options.input ?? '');
    const status = await new Promise<number>((done, fail) => {
      child.once('error', fail);
      child.once('close', (code) => done(code ?? 128));
    });
    return { status, out: out(), err: err() };
  };
  return {
    server,
    client,
    kubeconfig,
    scratch,
    kubectl: run,
    ok: async (args, options) => {
      const { status, out, err } = await run(args, options);
      if (status !== 0) throw new Error(`kubectl ${split(args).join(' ')} ended with ${status}:\n${out}${err}`);
      return out;
    },
    fails: async (args, options) => {
      const { status, out, err } = await run(args, options);
      if (status === 0) throw new Error(`kubectl ${split(args).join(' ')} should have failed:\n${out}${err}`);
      return err;
    },
    start: (args) => {
      const child = spawn(kubectl, split(args), { cwd: scratch, env, stdio: ['ignore', 'pipe', 'pipe'] });
      running.add(child);
      return watchOutput(child);
    },
    file: (name, text) => {
      const path = join(scratch, name);
      writeFileSync(path, text);
      return path;
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of running) child.kill();
      stopping.abort();
      await kubelets;
      await controllers.stop();
      await server.close();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

function split(args: string | readonly string[]): readonly string[] {
  return typeof args === 'string' ? args.trim().split(/\s+/) : args;
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

function watchOutput(child: ChildProcess): Running {
  let printed = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      for (const listener of listeners) listener();
    });
  }
  const ended = new Promise<void>((done) => {
    child.once('close', () => done());
  });
  return {
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const finish = (): void => {
          clearTimeout(timer);
          listeners.delete(look);
        };
        const look = (): void => {
          if (!pattern.test(printed)) return;
          finish();
          resolve(printed);
        };
        const timer = setTimeout(() => {
          finish();
          reject(new Error(`kubectl did not print ${String(pattern)} within ten seconds, but:\n${printed}`));
        }, 10_000);
        listeners.add(look);
        look();
      }),
    stop: async () => {
      child.kill();
      await ended;
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
