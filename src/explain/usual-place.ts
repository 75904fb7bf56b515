/** Where a question comes from when nobody says. Pure. */
import { isPodReady } from '../slices/index.ts';
import { parseTarget } from './question.ts';
import type { Place } from './question.ts';
import { addressesOfPod, isFinished } from './pod-state.ts';
import type { World } from './world.ts';

/**
 * Outside for a node's port; else a running pod of the namespace, one that uses the cluster's names if there is any; else a
 * node. Throws `QuestionError` when the target cannot be understood.
 */
export function usualPlace(world: World, target: string, namespace: string): Place {
  if (parseTarget(target).kind === 'node') return { kind: 'outside' };
  const running = world.pods.filter(
    (pod) =>
      (pod.metadata?.namespace ?? 'default') === namespace &&
      (pod.spec?.nodeName ?? '') !== '' &&
      !isFinished(pod) &&
      pod.metadata?.deletionTimestamp === undefined &&
      addressesOfPod(pod).length > 0,
  );
  const ofCluster = running.filter((candidate) => candidate.spec?.hostNetwork !== true);
  const pod = ofCluster.find(isPodReady) ?? ofCluster[0] ?? running[0];
  if (pod !== undefined) return { kind: 'pod', namespace, name: pod.metadata?.name ?? '' };
  const [node] = world.nodes;
  return node === undefined ? { kind: 'outside' } : { kind: 'node', name: node.metadata?.name ?? '' };
}
