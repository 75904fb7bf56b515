/** Pods of manifests: those of workloads made, all given places and addresses, as scheduler and kubelet would. Pure. */
import { labelSelectorFromObject } from '../../api/index.ts';
import type {
  DaemonSet,
  Deployment,
  Node,
  Pod,
  PodSpec,
  PodTemplateSpec,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../../api/index.ts';
import type { IpFamily } from '../../net/index.ts';
import { internalIpsOf } from '../../routing/index.ts';

/** Replicas of one workload that are explained; more only repeat themselves. */
const maxReplicas = 100;
const readyAnnotation = 'fairlead.dev/ready';

/** Objects of one kind. */
export type OfKind = <T>(kind: string) => T[];

/** Every pod that these objects ask for, without places. Names are made up: `web-1`, `web-2` for a Deployment called web. */
export function podsOf(of: OfKind, nodes: readonly Node[]): Pod[] {
  const workloads = [
    ...of<Deployment>('Deployment'),
    ...of<ReplicaSet>('ReplicaSet'),
    ...of<ReplicationController>('ReplicationController'),
  ];
  const replicated = workloads.flatMap((workload) =>
    replicas(workload.spec?.replicas).map((index) => podFrom(workload.metadata, workload.spec?.template, `-${index + 1}`)),
  );
  const stateful = of<StatefulSet>('StatefulSet').flatMap((set) =>
    replicas(set.spec?.replicas).map((index) => {
      const pod = podFrom(set.metadata, set.spec?.template, `-${index}`);
      return withSpec(pod, { hostname: pod.metadata?.name, subdomain: set.spec?.serviceName });
    }),
  );
  const daemons = of<DaemonSet>('DaemonSet').flatMap((set) =>
    nodes
      .filter((node) => admits(set.spec?.template.spec, node))
      .map((node) => {
        const nodeName = node.metadata?.name ?? '';
        return withSpec(podFrom(set.metadata, set.spec?.template, `-on-${nodeName}`), { nodeName });
      }),
  );
  return [...of<Pod>('Pod'), ...replicated, ...stateful, ...daemons];
}

/**
 * Pods without a node are spread over those that admit them; pods without an address get one and count as ready, unless
 * their annotation says that they are not. A pod that no node admits stays pending.
 */
export function placePods(
  pods: readonly Pod[],
  nodes: readonly Node[],
  families: readonly IpFamily[],
  assumptions: string[],
): Pod[] {
  const load = new Map(nodes.map((node) => [node.metadata?.name ?? '', 0]));
  let assumed = 0;
  const placed = pods.map((pod, index): Pod => {
    const fitting = nodes.filter((node) => admits(pod.spec, node)).map((node) => node.metadata?.name ?? '');
    fitting.sort((a, b) => (load.get(a) ?? 0) - (load.get(b) ?? 0));
    const nodeName = pod.spec?.nodeName ?? fitting[0];
    if (nodeName === undefined) return pending(pod, nodes.length);
    load.set(nodeName, (load.get(nodeName) ?? 0) + 1);
    const here = withSpec(pod, { nodeName });
    if (pod.status?.podIPs !== undefined || pod.status?.podIP !== undefined) return here;
    assumed++;
    const at = nodes.findIndex((node) => node.metadata?.name === nodeName);
    const node = nodes[at];
    const addresses =
      pod.spec?.hostNetwork === true ? internalIpsOf(node) : families.map((family) => podAddress(family, at + 1, index));
    const ready = pod.metadata?.annotations?.[readyAnnotation] === 'false' ? 'False' : 'True';
    return {
      ...here,
      status: {
        phase: 'Running',
        podIPs: addresses.map((ip) => ({ ip })),
        conditions: [{ type: 'Ready', status: ready, ...(ready === 'True' ? {} : { reason: `annotation ${readyAnnotation}` }) }],
        ...pod.status,
      },
    };
  });
  if (assumed > 0)
    assumptions.push(`${assumed} pod${assumed === 1 ? ' is' : 's are'} assumed to run and to be ready, with addresses made up`);
  return placed;
}

/** nodeSelector and required node affinity. */
function admits(spec: PodSpec | undefined, node: Node): boolean {
  const labels = node.metadata?.labels ?? {};
  if (!Object.entries(spec?.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false;
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms === undefined) return true;
  return terms.some((term) =>
    (term.matchExpressions ?? []).every((expression) =>
      labelSelectorFromObject({ matchExpressions: [expression] }).matches(labels),
    ),
  );
}

function pending(pod: Pod, nodeCount: number): Pod {
  const message = `0/${nodeCount} nodes are available: none fits its nodeSelector and node affinity`;
  const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
  return { ...pod, status: { phase: 'Pending', conditions, ...pod.status } };
}

function podAddress(family: IpFamily, nodeNumber: number, index: number): string {
  const host = (index % 250) + 2;
  const block = Math.floor(index / 250);
  return family === 'IPv4' ? `10.${244 + block}.${nodeNumber}.${host}` : `fd00:10:244:${nodeNumber}::${(index + 2).toString(16)}`;
}

function replicas(count: number | undefined): number[] {
  return Array.from({ length: Math.min(maxReplicas, count ?? 1) }, (_, index) => index);
}

function podFrom(owner: Pod['metadata'], template: PodTemplateSpec | undefined, suffix: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template?.metadata, name: `${owner?.name ?? ''}${suffix}`, namespace: owner?.namespace ?? 'default' },
    ...(template?.spec === undefined ? {} : { spec: template.spec }),
  };
}

function withSpec(pod: Pod, changes: Partial<PodSpec>): Pod {
  return { ...pod, spec: { ...pod.spec, containers: pod.spec?.containers ?? [], ...changes } };
}
