/** Which pods want to be near or far from which: required and preferred pod affinity over any topology key. Pure. */
import { entryOf, labelSelectorFromObject } from '../../api/index.ts';
import type { Node, Pod, PodAffinityTerm } from '../../api/index.ts';

/** A node and the pods that are on it or about to be. */
export interface NodePods {
  readonly node: Node;
  readonly pods: readonly Pod[];
}

/** Labels of a namespace, for terms with a namespaceSelector. */
export type NamespaceLabels = (namespace: string) => Readonly<Record<string, string>> | undefined;

/** Upstream's words for why a node is refused, or undefined when it is not. */
export function podAffinityFault(
  pod: Pod,
  candidate: NodePods,
  all: readonly NodePods[],
  namespaceLabels: NamespaceLabels,
): string | undefined {
  const affinity = pod.spec?.affinity;
  for (const term of affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
    const near = podsInDomain(term, candidate.node, all);
    if (near === undefined) return affinityFault;
    if (near.some((other) => selects(term, pod, other, namespaceLabels))) continue;
    // The first pod of a group that wants company of its own kind may go anywhere.
    const exists = all.some((entry) => entry.pods.some((other) => selects(term, pod, other, namespaceLabels)));
    if (exists || !selects(term, pod, pod, namespaceLabels)) return affinityFault;
  }
  for (const term of affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
    if (podsInDomain(term, candidate.node, all)?.some((other) => selects(term, pod, other, namespaceLabels)) === true)
      return "node(s) didn't match pod anti-affinity rules";
  }
  for (const entry of all) {
    for (const other of entry.pods) {
      for (const term of other.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
        if (isSameDomain(term.topologyKey, entry.node, candidate.node) && selects(term, other, pod, namespaceLabels))
          return "node(s) didn't satisfy existing pods anti-affinity rules";
      }
    }
  }
  return undefined;
}

/** Sum of the weights of preferences met, those for distance counting against. */
export function preferredPodWeight(
  pod: Pod,
  candidate: NodePods,
  all: readonly NodePods[],
  namespaceLabels: NamespaceLabels,
): number {
  let sum = 0;
  const affinity = pod.spec?.affinity;
  const count = (term: PodAffinityTerm): number =>
    podsInDomain(term, candidate.node, all)?.filter((other) => selects(term, pod, other, namespaceLabels)).length ?? 0;
  for (const { weight, podAffinityTerm } of affinity?.podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
    sum += weight * count(podAffinityTerm);
  for (const { weight, podAffinityTerm } of affinity?.podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
    sum -= weight * count(podAffinityTerm);
  return sum;
}

const affinityFault = "node(s) didn't match pod affinity rules";

/** Pods on nodes with the same value of the term's topology key; undefined when the node has none. */
function podsInDomain(term: PodAffinityTerm, node: Node, all: readonly NodePods[]): readonly Pod[] | undefined {
  if (entryOf(node.metadata?.labels, term.topologyKey) === undefined) return undefined;
  return all.filter((entry) => isSameDomain(term.topologyKey, entry.node, node)).flatMap((entry) => entry.pods);
}

function isSameDomain(topologyKey: string, a: Node, b: Node): boolean {
  const value = entryOf(a.metadata?.labels, topologyKey);
  return value !== undefined && value === entryOf(b.metadata?.labels, topologyKey);
}

/** Whether `term`, written on `owner`, means `other`. Without namespaces it means the owner's own. */
function selects(term: PodAffinityTerm, owner: Pod, other: Pod, namespaceLabels: NamespaceLabels): boolean {
  const namespace = other.metadata?.namespace ?? '';
  const listed = term.namespaces ?? [];
  const isInNamespace =
    listed.length === 0 && term.namespaceSelector === undefined
      ? namespace === owner.metadata?.namespace
      : listed.includes(namespace) ||
        (term.namespaceSelector !== undefined &&
          labelSelectorFromObject(term.namespaceSelector).matches(namespaceLabels(namespace)));
  return isInNamespace && labelSelectorFromObject(term.labelSelector).matches(other.metadata?.labels);
}
