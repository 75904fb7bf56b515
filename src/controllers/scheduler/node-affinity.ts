/** Whether a node is one that a pod asks for: nodeSelector, required node affinity, and its preferences. Pure. */
import { entryOf, meets } from '../../api/index.ts';
import type { Node, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod } from '../../api/index.ts';

/** nodeSelector and requiredDuringSchedulingIgnoredDuringExecution, both. */
export function matchesRequiredNodes(spec: Pod['spec'], node: Node): boolean {
  const labels = node.metadata?.labels;
  for (const [key, value] of Object.entries(spec?.nodeSelector ?? {})) if (entryOf(labels, key) !== value) return false;
  const required = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || matchesNodeSelector(required, node);
}

/** Terms are alternatives; a selector without terms, and a term without requirements, match nothing. */
export function matchesNodeSelector(selector: NodeSelector, node: Node): boolean {
  return selector.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

/** The weights of all preferences that the node meets, added up. */
export function preferredNodeWeight(spec: Pod['spec'], node: Node): number {
  let weight = 0;
  for (const preference of spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
    if (matchesTerm(preference.preference, node)) weight += preference.weight;
  return weight;
}

function matchesTerm(term: NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length + fields.length === 0) return false;
  return (
    expressions.every((requirement) => isMet(requirement, entryOf(node.metadata?.labels, requirement.key))) &&
    // The only field that can be selected by is the name.
    fields.every((requirement) => requirement.key === 'metadata.name' && isMet(requirement, node.metadata?.name))
  );
}

function isMet({ operator, values = [] }: NodeSelectorRequirement, value: string | undefined): boolean {
  return meets(value, operator, values);
}
