/** Which nodes a DaemonSet needs a pod on, and which of its pods are in the wrong place or of an old version. Pure. Source: k8s pkg/controller/daemon. */
import { daemonSets } from '../../api/index.ts';
import type { DaemonSet, Node, NodeSelectorTerm, Pod, Toleration } from '../../api/index.ts';
import { revisionLabel } from '../history.ts';
import { scaledValue } from '../int-or-percent.ts';
import { controllerReference } from '../owners.ts';
import { podFromTemplate, podNamePrefix } from '../pod-from-template.ts';
import { isPodAvailable, isPodReady, isPodTerminal, isPodTerminating } from '../pod-state.ts';
import { matchesRequiredNodes } from '../scheduler/node-affinity.ts';
import { untoleratedTaint } from '../scheduler/taints.ts';

export interface DaemonSetInput {
  readonly daemonSet: DaemonSet;
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly updateRevision: string;
  /** Milliseconds. */
  readonly now: number;
}

export interface DaemonSetPlan {
  /** Names of nodes that need a pod. */
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
  /** Counts for the status. */
  readonly desired: number;
  readonly current: number;
  readonly misscheduled: number;
  readonly ready: number;
  readonly available: number;
  readonly updated: number;
}

/** Every node that fits gets one pod; pods elsewhere, failed ones, spare ones and, as far as the strategy allows, old ones go. */
export function planDaemonSet(input: DaemonSetInput): DaemonSetPlan {
  const { daemonSet, now, updateRevision } = input;
  const minReadySeconds = daemonSet.spec?.minReadySeconds ?? 0;
  const byNode = Map.groupBy(input.pods, (pod) => targetNode(pod) ?? '');
  const create: string[] = [];
  const remove: Pod[] = [];
  const kept: { readonly node: string; readonly pods: readonly Pod[] }[] = [];
  const counts = { desired: 0, current: 0, misscheduled: 0, ready: 0, available: 0, updated: 0 };
  for (const node of input.nodes) {
    const name = node.metadata?.name ?? '';
    const pods = byNode.get(name) ?? [];
    byNode.delete(name);
    const { shouldRun, mayStay } = placement(daemonSet, node);
    const living = pods.filter((pod) => !isPodTerminating(pod) && !isPodTerminal(pod));
    if (shouldRun) {
      counts.desired++;
      if (living.length > 0) counts.current++;
      const oldest = living.toSorted(compareAge)[0];
      if (oldest !== undefined && isPodReady(oldest)) counts.ready++;
      if (oldest !== undefined && isPodAvailable(oldest, minReadySeconds, now)) counts.available++;
      if (oldest?.metadata?.labels?.[revisionLabel] === updateRevision) counts.updated++;
    } else if (living.length > 0) counts.misscheduled++;
    // A failed pod is replaced under a new name.
    remove.push(...pods.filter((pod) => isPodTerminal(pod) && !isPodTerminating(pod)));
    if (!mayStay) remove.push(...living);
    else if (living.length > 0) kept.push({ node: name, pods: living.toSorted(compareAge) });
    else if (shouldRun && pods.every(isPodTerminal)) create.push(name);
  }
  // Pods that wait for a node that is gone.
  for (const [, pods] of byNode) remove.push(...pods.filter((pod) => !isPodTerminating(pod)));
  const update = planUpdate(input, kept, counts.desired);
  return { create: [...create, ...update.create], remove: [...remove, ...update.remove], ...counts };
}

/** Where the pod is, or where its affinity pins it while the scheduler has not seen it. */
export function targetNode(pod: Pod): string | undefined {
  if (pod.spec?.nodeName !== undefined && pod.spec.nodeName !== '') return pod.spec.nodeName;
  const terms = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap((term) => term.matchFields ?? []).find((field) => field.key === 'metadata.name' && field.operator === 'In')
    ?.values?.[0];
}

/** The pod for one node: pinned there by its affinity, and tolerating what daemons tolerate. */
export function daemonPod(daemonSet: DaemonSet, node: string, revision: string): Pod {
  const template = daemonSet.spec?.template ?? {};
  return podFromTemplate({
    template,
    namespace: daemonSet.metadata?.namespace ?? '',
    name: { prefix: podNamePrefix(daemonSet.metadata?.name ?? '') },
    owner: controllerReference(daemonSets, daemonSet),
    labels: { [revisionLabel]: revision },
    spec: { affinity: pinnedAffinity(daemonSet, node), tolerations: daemonTolerations(daemonSet) },
  });
}

/** Whether a node should get a pod, and whether one that is there may stay. A NoSchedule taint keeps out, but does not evict. */
function placement(daemonSet: DaemonSet, node: Node): { readonly shouldRun: boolean; readonly mayStay: boolean } {
  if (!matchesRequiredNodes(daemonSet.spec?.template.spec, node)) return { shouldRun: false, mayStay: false };
  const tolerations = daemonTolerations(daemonSet);
  if (untoleratedTaint(node, tolerations, ['NoExecute']) !== undefined) return { shouldRun: false, mayStay: false };
  return { shouldRun: untoleratedTaint(node, tolerations, ['NoSchedule']) === undefined, mayStay: true };
}

function daemonTolerations(daemonSet: DaemonSet): readonly Toleration[] {
  const spec = daemonSet.spec?.template.spec;
  const tolerate = (key: string, effect: string): Toleration => ({
    key: `node.kubernetes.io/${key}`,
    operator: 'Exists',
    effect,
  });
  return [
    ...(spec?.tolerations ?? []),
    tolerate('not-ready', 'NoExecute'),
    tolerate('unreachable', 'NoExecute'),
    tolerate('not-ready', 'NoSchedule'),
    tolerate('unreachable', 'NoSchedule'),
    tolerate('disk-pressure', 'NoSchedule'),
    tolerate('memory-pressure', 'NoSchedule'),
    tolerate('pid-pressure', 'NoSchedule'),
    tolerate('unschedulable', 'NoSchedule'),
    ...(spec?.hostNetwork === true ? [tolerate('network-unavailable', 'NoSchedule')] : []),
  ];
}

function pinnedAffinity(daemonSet: DaemonSet, node: string): NonNullable<Pod['spec']>['affinity'] {
  const affinity = daemonSet.spec?.template.spec?.affinity;
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const pinned: NodeSelectorTerm[] = terms.length === 0 ? [{ matchFields }] : terms.map((term) => ({ ...term, matchFields }));
  return {
    ...affinity,
    nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: pinned } },
  };
}

/** RollingUpdate: with maxSurge the new pod comes before the old one goes, else the old one goes first. Spare pods go always. */
function planUpdate(
  input: DaemonSetInput,
  kept: readonly { readonly node: string; readonly pods: readonly Pod[] }[],
  desired: number,
): { readonly create: readonly string[]; readonly remove: readonly Pod[] } {
  const { daemonSet, now, updateRevision } = input;
  const { updateStrategy, minReadySeconds = 0 } = daemonSet.spec ?? {};
  const isRolling = updateStrategy?.type !== 'OnDelete';
  const maxSurge = scaledValue(updateStrategy?.rollingUpdate?.maxSurge ?? 0, desired, 'up');
  const maxUnavailable = Math.max(
    maxSurge > 0 ? 0 : 1,
    scaledValue(updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, desired, 'up'),
  );
  const isNew = (pod: Pod): boolean => pod.metadata?.labels?.[revisionLabel] === updateRevision;
  const isUp = (pod: Pod): boolean => isPodAvailable(pod, minReadySeconds, now);
  const create: string[] = [];
  const remove: Pod[] = [];
  let surging = kept.filter(({ pods }) => pods.length > 1).length;
  let unavailable = desired - kept.filter(({ pods }) => pods.some(isUp)).length;
  for (const { node, pods } of kept) {
    const news = pods.filter(isNew);
    const olds = pods.filter((pod) => !isNew(pod));
    // One of each version is enough, and one in all as soon as the new one is up.
    remove.push(...news.slice(1), ...olds.slice(1));
    const old = olds[0];
    if (old === undefined) continue;
    if (news[0] !== undefined) {
      if (isUp(news[0]) || !isUp(old)) remove.push(old);
      continue;
    }
    if (!isRolling) continue;
    if (!isUp(old)) remove.push(old);
    else if (maxSurge > 0) {
      if (surging < maxSurge) create.push(node);
      surging++;
    } else if (unavailable < maxUnavailable) {
      remove.push(old);
      unavailable++;
    }
  }
  return { create, remove };
}

function compareAge(a: Pod, b: Pod): number {
  const [first = '', second = ''] = [a.metadata?.creationTimestamp, b.metadata?.creationTimestamp];
  return first < second ? -1 : first > second ? 1 : 0;
}
