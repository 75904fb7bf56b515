/** Keeps a Node's status true: ready, its addresses, what it has room for, and the lease that says it lives. */
import { arch, cpus, release, totalmem } from 'node:os';
import { isAlreadyExists, isConflict, isNotFound, leases, nodes, formatTime, formatMicroTime } from '../api/index.ts';
import type { Node } from '../api/index.ts';
import type { Informer, KubeClient } from '../client/index.ts';
import { messageOf } from '../observe/index.ts';
import type { Logger } from '../observe/index.ts';

const renewMs = 10_000;
const maxPods = 250;

export interface NodeStatusOptions {
  readonly nodeName: string;
  readonly addresses: readonly string[];
  readonly client: KubeClient;
  readonly nodes: Informer<Node>;
}

/** Writes the status whenever the Node object appears, and a heartbeat lease every 10 s. */
export class NodeStatusWriter {
  readonly #options: NodeStatusOptions;
  readonly #logger: Logger;
  readonly #abort = new AbortController();
  #unsubscribe: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: NodeStatusOptions, { logger }: { readonly logger: Logger }) {
    this.#options = options;
    this.#logger = logger;
  }

  start(): void {
    const { nodeName } = this.#options;
    this.#unsubscribe = this.#options.nodes.subscribe({
      added: (node) => {
        if (node.metadata?.name === nodeName) this.#write(node);
      },
      updated: (_before, node) => {
        const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
        if (node.metadata?.name === nodeName && ready?.status !== 'True') this.#write(node);
      },
    });
    this.#timer = setInterval(() => void this.#renewLease(), renewMs);
    this.#timer.unref();
    void this.#renewLease();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    clearInterval(this.#timer);
    this.#abort.abort();
    await this.#writing;
  }

  #write({ metadata }: Node): void {
    this.#writing = this.#writing.then(async () => {
      const { client, nodeName, addresses } = this.#options;
      const status = nodeStatus(nodeName, addresses, formatTime(new Date()));
      const labels = missingLabels(nodeName, metadata?.labels);
      try {
        if (Object.keys(labels).length > 0)
          await client.patch(nodes, nodeName, 'merge', { metadata: { labels } }, { signal: this.#abort.signal });
        await client.patch(nodes, nodeName, 'merge', { status }, { subresource: 'status', signal: this.#abort.signal });
      } catch (error) {
        if (!isNotFound(error) && !this.#abort.signal.aborted)
          this.#logger.warn({ error: messageOf(error) }, 'node status not written');
      }
    });
  }

  async #renewLease(): Promise<void> {
    const { client, nodeName } = this.#options;
    const scope = { namespace: 'kube-node-lease', signal: this.#abort.signal };
    const spec = {
      holderIdentity: nodeName,
      leaseDurationSeconds: 40,
      renewTime: formatMicroTime(new Date()),
    };
    try {
      await client.patch(leases, nodeName, 'merge', { spec }, scope);
    } catch (error) {
      if (!isNotFound(error)) return;
      const uid = this.#options.nodes.get(nodeName)?.metadata?.uid;
      // so that it goes with its node
      const ownerReferences = uid === undefined ? [] : [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }];
      const metadata = { name: nodeName, namespace: scope.namespace, ownerReferences };
      try {
        await client.create(leases, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec }, scope);
      } catch (failure) {
        // no such namespace, or the kind is not served: a lab lives without heartbeats
        if (!isAlreadyExists(failure) && !isConflict(failure))
          this.#logger.debug({ error: messageOf(failure) }, 'no lease for the node');
      }
    }
  }
}

/** What every node's kubelet labels it with, as far as it is not there: a Node made by hand may have none of it. */
function missingLabels(nodeName: string, labels: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const wanted = { 'kubernetes.io/arch': architecture, 'kubernetes.io/hostname': nodeName, 'kubernetes.io/os': 'linux' };
  return Object.fromEntries(Object.entries(wanted).filter(([name]) => labels[name] === undefined));
}

/** As Go names it. */
const architecture = arch() === 'x64' ? 'amd64' : arch();

/** The status of a ready node of the lab. Capacity is the host's, shared by all nodes. */
export function nodeStatus(nodeName: string, addresses: readonly string[], now: string): NonNullable<Node['status']> {
  const memory = `${Math.floor(totalmem() / 1024)}Ki`;
  const capacity = { cpu: String(cpus().length), memory, pods: String(maxPods), 'ephemeral-storage': '0' };
  const fine = (
    type: string,
    reason: string,
    message: string,
  ): NonNullable<NonNullable<Node['status']>['conditions']>[number] => ({
    type,
    status: type === 'Ready' ? 'True' : 'False',
    reason,
    message,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  });
  return {
    capacity,
    allocatable: capacity,
    addresses: [...addresses.map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: nodeName }],
    conditions: [
      fine('MemoryPressure', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
      fine('DiskPressure', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
      fine('PIDPressure', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
      fine('Ready', 'KubeletReady', 'kubelet is posting ready status'),
    ],
    nodeInfo: {
      machineID: nodeName,
      systemUUID: nodeName,
      bootID: nodeName,
      kernelVersion: release(),
      osImage: 'Fairlead lab',
      containerRuntimeVersion: 'fairlead://0.1.0',
      kubeletVersion: 'v1.36.2',
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture,
    },
  };
}
