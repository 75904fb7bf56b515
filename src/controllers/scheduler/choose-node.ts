/** Where a pod should go: filters with upstream's reasons, then an order of preference. Pure. */
import { entryOf, labelSelectorFromObject } from '../../api/index.ts';
import type { Pod } from '../../api/index.ts';
import { controllerOf } from '../owners.ts';
import { matchesRequiredNodes, preferredNodeWeight } from './node-affinity.ts';
import { podAffinityFault, preferredPodWeight } from './pod-affinity.ts';
import type { NamespaceLabels, NodePods } from './pod-affinity.ts';
import { effectiveTaints, isTolerated, unschedulableTaint, untoleratedTaint } from './taints.ts';

/** A node's name, or a sentence that says for each node why not, as kube-scheduler says it. */
export type Choice = { readonly node: string } | { readonly message: string };

/**
 * The node for a pod. Among nodes that fit, in this order: fewer soft taints, more of the pod's own preferences, fewer pods of the
 * same controller on the node, then in its zone, fewer pods at all, name. Resource requests are not weighed: a lab has one machine.
 */
export function chooseNode(pod: Pod, nodes: readonly NodePods[], namespaceLabels: NamespaceLabels = () => undefined): Choice {
  if (nodes.length === 0) return { message: 'no nodes available to schedule pods' };
  const faults = new Map<string, number>();
  const fitting: NodePods[] = [];
  for (const candidate of nodes) {
    const fault = faultOf(pod, candidate, nodes, namespaceLabels);
    if (fault === undefined) fitting.push(candidate);
    else faults.set(fault, (faults.get(fault) ?? 0) + 1);
  }
  const ranked = fitting
    .map((candidate) => ({ name: candidate.node.metadata?.name ?? '', rank: rankOf(pod, candidate, nodes, namespaceLabels) }))
    .sort((a, b) => compareRanks(a.rank, b.rank) || (a.name < b.name ? -1 : 1));
  const best = ranked[0];
  if (best !== undefined) return { node: best.name };
  const reasons = Array.from(faults, ([fault, count]) => `${count} ${fault}`).sort();
  return { message: `0/${nodes.length} nodes are available: ${reasons.join(', ')}.` };
}

function faultOf(pod: Pod, candidate: NodePods, all: readonly NodePods[], namespaceLabels: NamespaceLabels): string | undefined {
  const { node } = candidate;
  const tolerations = pod.spec?.tolerations;
  if (node.spec?.unschedulable === true && !isTolerated({ key: unschedulableTaint, effect: 'NoSchedule' }, tolerations))
    return 'node(s) were unschedulable';
  const taint = untoleratedTaint(node, tolerations, ['NoSchedule', 'NoExecute']);
  if (taint !== undefined) return `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`;
  if (!matchesRequiredNodes(pod.spec, node)) return "node(s) didn't match Pod's node affinity/selector";
  if (hasPortConflict(pod, candidate.pods)) return "node(s) didn't have free ports for the requested pod ports";
  return spreadFault(pod, candidate, all) ?? podAffinityFault(pod, candidate, all, namespaceLabels);
}

interface HostPort {
  readonly address: string;
  readonly protocol: string;
  readonly port: number;
}

function hasPortConflict(pod: Pod, others: readonly Pod[]): boolean {
  const wanted = hostPorts(pod);
  if (wanted.length === 0) return false;
  const isWild = (address: string): boolean => address === '' || address === '0.0.0.0' || address === '::';
  return others
    .flatMap(hostPorts)
    .some((used) =>
      wanted.some(
        (want) =>
          want.port === used.port &&
          want.protocol === used.protocol &&
          (want.address === used.address || isWild(want.address) || isWild(used.address)),
      ),
    );
}

function hostPorts(pod: Pod): HostPort[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always');
  const found: HostPort[] = [];
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    for (const port of container.ports ?? []) {
      if (port.hostPort !== undefined && port.hostPort > 0)
        found.push({ address: port.hostIP ?? '', protocol: port.protocol ?? 'TCP', port: port.hostPort });
    }
  }
  return found;
}

/** topologySpreadConstraints with DoNotSchedule: the skew that this node's domain would have must not exceed maxSkew. */
function spreadFault(pod: Pod, candidate: NodePods, all: readonly NodePods[]): string | undefined {
  for (const constraint of pod.spec?.topologySpreadConstraints ?? []) {
    if (constraint.whenUnsatisfiable !== 'DoNotSchedule') continue;
    const domain = entryOf(candidate.node.metadata?.labels, constraint.topologyKey);
    if (domain === undefined) return "node(s) didn't match pod topology spread constraints (missing required label)";
    const selector = labelSelectorFromObject(constraint.labelSelector);
    const counts = new Map<string, number>();
    for (const { node, pods } of all) {
      const value = entryOf(node.metadata?.labels, constraint.topologyKey);
      if (value === undefined || !matchesRequiredNodes(pod.spec, node)) continue;
      const matching = pods.filter(
        (other) =>
          other.metadata?.namespace === pod.metadata?.namespace &&
          other.metadata?.deletionTimestamp === undefined &&
          selector.matches(other.metadata?.labels),
      );
      counts.set(value, (counts.get(value) ?? 0) + matching.length);
    }
    const least = counts.size < (constraint.minDomains ?? 1) ? 0 : Math.min(...counts.values());
    const self = selector.matches(pod.metadata?.labels) ? 1 : 0;
    if ((counts.get(domain) ?? 0) + self - least > constraint.maxSkew)
      return "node(s) didn't match pod topology spread constraints";
  }
  return undefined;
}

/** Smaller is better, first difference decides. */
function rankOf(pod: Pod, candidate: NodePods, all: readonly NodePods[], namespaceLabels: NamespaceLabels): readonly number[] {
  const { node } = candidate;
  const soft = effectiveTaints(node).filter(
    (taint) => taint.effect === 'PreferNoSchedule' && !isTolerated(taint, pod.spec?.tolerations),
  );
  const preference = preferredNodeWeight(pod.spec, node) + preferredPodWeight(pod, candidate, all, namespaceLabels);
  const zone = node.metadata?.labels?.[zoneLabel];
  const neighbours = all.filter((entry) => zone !== undefined && entry.node.metadata?.labels?.[zoneLabel] === zone);
  return [
    soft.length,
    -preference,
    countSiblings(pod, candidate.pods),
    countSiblings(
      pod,
      neighbours.flatMap((entry) => entry.pods),
    ),
    candidate.pods.length,
  ];
}

const zoneLabel = 'topology.kubernetes.io/zone';

/** Pods of the same controller (of the same template, therefore) that are not on their way out. */
function countSiblings(pod: Pod, others: readonly Pod[]): number {
  const uid = controllerOf(pod)?.uid;
  if (uid === undefined) return 0;
  return others.filter((other) => controllerOf(other)?.uid === uid && other.metadata?.deletionTimestamp === undefined).length;
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
