/** Taints that keep pods away from nodes, and tolerations that let them come all the same. Pure. Source: k8s core/v1 helpers. */
import type { Node, Taint, Toleration } from '../../api/index.ts';

/** A node's taints, with those that its state implies where nobody has written them: unschedulable, not ready, unreachable. */
export function effectiveTaints(node: Node): readonly Taint[] {
  const taints = [...(node.spec?.taints ?? [])];
  const imply = (key: string): void => {
    if (!taints.some((taint) => taint.key === key && taint.effect === 'NoSchedule')) taints.push({ key, effect: 'NoSchedule' });
  };
  if (node.spec?.unschedulable === true) imply(unschedulableTaint);
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
  // a node that has never said anything is not ready either
  if (ready === 'Unknown') imply(unreachableTaint);
  else if (ready !== 'True') imply(notReadyTaint);
  return taints;
}

export const unschedulableTaint = 'node.kubernetes.io/unschedulable';
export const notReadyTaint = 'node.kubernetes.io/not-ready';
export const unreachableTaint = 'node.kubernetes.io/unreachable';

/** Whether one of the tolerations covers the taint. */
export function isTolerated(taint: Taint, tolerations: readonly Toleration[] | undefined): boolean {
  return tolerations?.some((toleration) => tolerates(toleration, taint)) === true;
}

/** The first taint with one of these effects that is not tolerated. */
export function untoleratedTaint(
  node: Node,
  tolerations: readonly Toleration[] | undefined,
  effects: readonly string[],
): Taint | undefined {
  return effectiveTaints(node).find((taint) => effects.includes(taint.effect) && !isTolerated(taint, tolerations));
}

function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== '' && toleration.effect !== taint.effect) return false;
  const key = toleration.key ?? '';
  if (key !== '' && key !== taint.key) return false;
  switch (toleration.operator ?? 'Equal') {
    case 'Exists':
      return true;
    case '':
    case 'Equal':
      // An empty key is legal with Exists only.
      return key !== '' && (toleration.value ?? '') === (taint.value ?? '');
    default:
      return false;
  }
}
