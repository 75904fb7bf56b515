/** Which pods belong to a controller: adopts matching orphans, lets go of pods that no longer match. Source: k8s controller_ref_manager. */
import { isInvalid, isNotFound, pods } from '../api/index.ts';
import type { LabelSelectorMatcher, OwnerReference, Pod } from '../api/index.ts';
import type { KubeClient, KubeObject } from '../client/index.ts';

export interface Claim {
  readonly owner: KubeObject;
  readonly reference: OwnerReference;
  readonly selector: LabelSelectorMatcher;
  /** Pods whose controller is the owner. */
  readonly owned: readonly Pod[];
  /** Pods of the namespace without a controller. */
  readonly orphans: readonly Pod[];
}

/** What to adopt, release and count. Pure. An owner that is being deleted adopts and releases nothing. */
export function planClaim({ owner, selector, owned, orphans }: Claim): {
  readonly keep: readonly Pod[];
  readonly adopt: readonly Pod[];
  readonly release: readonly Pod[];
} {
  const keep = owned.filter((pod) => selector.matches(pod.metadata?.labels));
  if (owner.metadata?.deletionTimestamp !== undefined) return { keep, adopt: [], release: [] };
  const isFree = (pod: Pod): boolean => pod.metadata?.deletionTimestamp === undefined;
  return {
    keep,
    adopt: orphans.filter((pod) => isFree(pod) && selector.matches(pod.metadata?.labels)),
    release: owned.filter((pod) => isFree(pod) && !selector.matches(pod.metadata?.labels)),
  };
}

/** Carries the plan out and returns the owner's pods. */
export async function claimPods(client: KubeClient, claim: Claim): Promise<readonly Pod[]> {
  const { keep, adopt, release } = planClaim(claim);
  const adopted = await Promise.all(
    adopt.map((pod) => writeOwners(client, pod, [...(pod.metadata?.ownerReferences ?? []), claim.reference])),
  );
  await Promise.all(
    release.map((pod) =>
      writeOwners(
        client,
        pod,
        (pod.metadata?.ownerReferences ?? []).filter((reference) => reference.uid !== claim.reference.uid),
      ),
    ),
  );
  return [...keep, ...adopted.filter((pod) => pod !== undefined)];
}

async function writeOwners(client: KubeClient, pod: Pod, ownerReferences: readonly OwnerReference[]): Promise<Pod | undefined> {
  const { namespace, name = '', uid, resourceVersion } = pod.metadata ?? {};
  try {
    return await client.patch(pods, name, 'merge', { metadata: { uid, resourceVersion, ownerReferences } }, { namespace });
  } catch (error) {
    // Gone, or another pod by now: nothing to claim.
    if (isNotFound(error) || isInvalid(error)) return undefined;
    throw error;
  }
}
