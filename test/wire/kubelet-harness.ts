/** Kubelets with a real API server, in a lab of two nodes: for the tests of what pods do. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { request } from 'node:http';
import { after, before } from 'node:test';
import { configMaps, isNotFound, nodes, pods, secrets, services } from '../../src/api/index.ts';
import type { Container, Pod, PodSpec } from '../../src/api/index.ts';
import { startApiServer } from '../../src/apiserver/index.ts';
import type { ApiServer, NodeAccess } from '../../src/apiserver/index.ts';
import { SharedInformers, createClient } from '../../src/client/index.ts';
import type { ClosableKubeClient } from '../../src/client/index.ts';
import { Kubelet, PodAccess, SandboxHost } from '../../src/kubelet/index.ts';
import type { PodTarget } from '../../src/kubelet/index.ts';
import { Lab } from '../../src/lab/index.ts';
import type { Place } from '../../src/lab/index.ts';
import { RouteSocket, openNetlink } from '../../src/linux/index.ts';
import { createLogger } from '../../src/observe/index.ts';

/** Two nodes, node-1 and node-2, and their pods in the namespace default. */
export interface Kubelets {
  readonly lab: Lab;
  /** Once the tests run. */
  readonly client: ClosableKubeClient;
  /** A pod on node-1 unless its spec says otherwise. Images are filled in. */
  readonly create: (name: string, spec: Partial<PodSpec> & { containers: readonly Container[] }) => Promise<Pod>;
  readonly get: (name: string) => Promise<Pod>;
  /** The pod once the condition holds. Fails with its status. */
  readonly eventually: (name: string, condition: (pod: Pod) => boolean, timeoutMs?: number) => Promise<Pod>;
  readonly remove: (name: string, gracePeriodSeconds?: number) => Promise<void>;
  /** Resolves when the API has it no more. */
  readonly gone: (name: string, timeoutMs?: number) => Promise<void>;
  readonly logOf: (name: string, over?: Partial<Parameters<PodAccess['readLog']>[1]>) => Promise<string>;
  readonly exec: (
    name: string,
    command: readonly string[],
    input?: string,
    tty?: boolean,
    container?: string,
  ) => Promise<Executed>;
}

/** What a command in a container said, and how it ended. */
export interface Executed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Starts them before a file's tests and ends them afterwards. */
export function useKubelets(): Kubelets {
  const logger = createLogger('error');
  const lab = new Lab({}, { logger });
  const stopping = new AbortController();
  const kubelets = new Map<string, Kubelet>();
  let server: ApiServer;
  let client: ClosableKubeClient;
  let access: PodAccess;

  before(async () => {
    const own = new RouteSocket(openNetlink('route'));
    own.setUp('lo');
    own.close();
    await lab.start();
    server = await startApiServer({ port: 0 }, { logger });
    client = createClient({ server: server.url, caData: server.caPem, token: server.token }, { logger });
    const shared = new SharedInformers(client, { logger });
    const informers = {
      pods: shared.of(pods),
      nodes: shared.of(nodes),
      services: shared.of(services),
      configMaps: shared.of(configMaps),
      secrets: shared.of(secrets),
    };
    await shared.start(stopping.signal);
    const sandbox = new SandboxHost();
    const dns = { nameservers: ['10.96.0.10'], domain: 'cluster.local', hostResolvConf: '' };
    for (const name of ['node-1', 'node-2']) {
      const node = await lab.addNode({ name });
      const kubelet = new Kubelet(
        { nodeName: name, podCidrs: node.podCidrs, runtime: node, client, informers, dns, sandbox },
        { logger },
      );
      kubelets.set(name, kubelet);
      kubelet.start();
      await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name } });
    }
    access = new PodAccess({
      findKubelet: (name) => kubelets.get(name),
      dial: (address, port) => lab.controlPlane.dial({ address, port }),
    });
    server.setNodeAccess(access satisfies NodeAccess);
  });
  after(async () => {
    for (const kubelet of kubelets.values()) await kubelet.stop();
    stopping.abort();
    client.close();
    await server.close();
    await lab.close();
  });

  const create = (name: string, spec: Partial<PodSpec> & { containers: readonly Container[] }): Promise<Pod> => {
    // the API wants images, the lab does not read them
    const named = (containers: readonly Container[] = []): Container[] => containers.map((each) => ({ image: 'echo', ...each }));
    const { containers, initContainers } = spec;
    return client.create(
      pods,
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default' },
        spec: { nodeName: 'node-1', ...spec, containers: named(containers), initContainers: named(initContainers) },
      },
      { namespace: 'default' },
    );
  };
  const get = (name: string): Promise<Pod> => client.get(pods, name, { namespace: 'default' });
  const eventually = async (name: string, condition: (pod: Pod) => boolean, timeoutMs = 8000): Promise<Pod> => {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const pod = await get(name);
      if (condition(pod)) return pod;
      assert.ok(Date.now() < deadline, `pod ${name} did not get there: ${JSON.stringify(pod.status, undefined, 1)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const remove = async (name: string, gracePeriodSeconds?: number): Promise<void> => {
    await client.delete(pods, name, {
      namespace: 'default',
      body: gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds },
    });
  };
  const gone = async (name: string, timeoutMs = 8000): Promise<void> => {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      try {
        const pod = await get(name);
        assert.ok(Date.now() < deadline, `pod ${name} is still there: ${JSON.stringify(pod.status)}`);
      } catch (error) {
        if (isNotFound(error)) return;
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const logOf = async (name: string, over: Partial<Parameters<PodAccess['readLog']>[1]> = {}): Promise<string> => {
    const options = { container: '', follow: false, previous: false, timestamps: false, ...over };
    let text = '';
    for await (const chunk of access.readLog(targetOf(await get(name)), options, new AbortController().signal))
      text += Buffer.from(chunk).toString();
    return text;
  };
  const exec = async (
    name: string,
    command: readonly string[],
    input?: string,
    tty = false,
    container = '',
  ): Promise<Executed> => {
    let out = '';
    let err = '';
    const code = await access.exec(
      targetOf(await get(name)),
      { container, command, tty, stdin: input !== undefined, stdout: true, stderr: true },
      {
        stdin: input === undefined ? undefined : chunks(input),
        writeStdout: async (chunk) => void (out += Buffer.from(chunk).toString()),
        writeStderr: async (chunk) => void (err += Buffer.from(chunk).toString()),
        resizes: sizes(),
        signal: new AbortController().signal,
      },
    );
    return { code, out, err };
  };

  return {
    lab,
    get client() {
      return client;
    },
    create,
    get,
    eventually,
    remove,
    gone,
    logOf,
    exec,
  };
}

/** Whether its Ready condition is True. */
export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
}

function targetOf(pod: Pod): PodTarget {
  return {
    namespace: 'default',
    name: pod.metadata?.name ?? '',
    uid: pod.metadata?.uid ?? '',
    nodeName: pod.spec?.nodeName ?? '',
  };
}

/** What a pod answers over HTTP. */
export async function http(
  from: Place,
  address: string,
  port: number,
  path = '/',
  headers: Record<string, string> = {},
): Promise<string> {
  const socket = await from.dial({ address, port }, { timeoutMs: 2000 });
  return new Promise((resolve, reject) => {
    const call = request(
      { path, headers: { host: 'x', connection: 'close', ...headers }, createConnection: () => socket },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve(text));
      },
    );
    call.once('error', reject);
    call.end();
  });
}

/** Fails when the condition does not come true in time. */
export async function waitFor(condition: () => Promise<boolean>, timeoutMs = 5000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, 'the condition did not come true in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Processes in this pid namespace whose command line has the word. */
export function countProcesses(word: string): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'latin1');
      return line.includes(word) && !line.startsWith('/usr/bin/nsenter') && !line.includes('fairlead-container');
    } catch {
      return false; // it ended while we looked
    }
  }).length;
}

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}

async function* sizes(): AsyncGenerator<{ readonly columns: number; readonly rows: number }> {
  yield { columns: 100, rows: 40 };
}
