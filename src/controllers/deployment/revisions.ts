/** Which ReplicaSet holds which version of a Deployment's template, and how versions are numbered. Pure. Source: k8s deployment_util.go. */
import { replicaSets, isEqualJson } from '../../api/index.ts';
import type { Deployment, OwnerReference, ReplicaSet } from '../../api/index.ts';
import { templateHash, withoutLabel } from '../template-hash.ts';
import { rolloutLimits } from './rollout.ts';

export const hashLabel = 'pod-template-hash';
export const revisionAnnotation = 'deployment.kubernetes.io/revision';
const historyAnnotation = 'deployment.kubernetes.io/revision-history';
const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
const maxAnnotation = 'deployment.kubernetes.io/max-replicas';
/** Annotations of a Deployment that its ReplicaSets do not inherit. */
const ownAnnotations: ReadonlySet<string> = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  'deprecated.deployment.rollback.to',
]);

/** The ReplicaSet with the Deployment's present template (the oldest, if several), and the others, oldest first. */
export function sortReplicaSets(
  deployment: Deployment,
  owned: readonly ReplicaSet[],
): { readonly current: ReplicaSet | undefined; readonly old: readonly ReplicaSet[] } {
  const sorted = owned.toSorted(
    (a, b) =>
      compareTexts(a.metadata?.creationTimestamp, b.metadata?.creationTimestamp) ||
      revisionOf(a) - revisionOf(b) ||
      compareTexts(a.metadata?.name, b.metadata?.name),
  );
  const wanted = withoutLabel(deployment.spec?.template ?? {}, hashLabel);
  const current = sorted.find((replicaSet) => isEqualJson(withoutLabel(replicaSet.spec?.template ?? {}, hashLabel), wanted));
  return { current, old: sorted.filter((replicaSet) => replicaSet !== current) };
}

/** The revision that the Deployment's controller wrote on a ReplicaSet; 0 when there is none. */
export function revisionOf(object: { readonly metadata?: ReplicaSet['metadata'] }): number {
  const revision = Number(object.metadata?.annotations?.[revisionAnnotation] ?? 0);
  return Number.isSafeInteger(revision) ? revision : 0;
}

/** The number that the present template should have: one more than every other, unless it is the newest already. */
export function nextRevision(current: ReplicaSet | undefined, old: readonly ReplicaSet[]): number {
  const newest = Math.max(0, ...old.map(revisionOf));
  const known = current === undefined ? 0 : revisionOf(current);
  return known > newest ? known : newest + 1;
}

/** The ReplicaSet to create for the present template. */
export function newReplicaSet(deployment: Deployment, owner: OwnerReference, revision: number, replicas: number): ReplicaSet {
  const { template, selector, minReadySeconds } = deployment.spec ?? { template: {}, selector: {} };
  const hash = templateHash(template, deployment.status?.collisionCount ?? 0);
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  return {
    apiVersion: 'apps/v1',
    kind: replicaSets.kind,
    metadata: {
      name: `${deployment.metadata?.name ?? ''}-${hash}`,
      namespace: deployment.metadata?.namespace,
      labels,
      annotations: replicaSetAnnotations(deployment, undefined, revision),
      ownerReferences: [owner],
    },
    spec: {
      replicas,
      minReadySeconds,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** What the annotations of the present template's ReplicaSet should be. A revision that came back keeps its old numbers as history. */
export function replicaSetAnnotations(
  deployment: Deployment,
  current: ReplicaSet | undefined,
  revision: number,
): Readonly<Record<string, string>> {
  const annotations: Record<string, string> = { ...current?.metadata?.annotations };
  for (const [name, value] of Object.entries(deployment.metadata?.annotations ?? {}))
    if (!ownAnnotations.has(name)) annotations[name] = value;
  const before = annotations[revisionAnnotation];
  if (before !== undefined && Number(before) < revision) {
    const history = annotations[historyAnnotation];
    annotations[historyAnnotation] = history === undefined ? before : `${history},${before}`;
  }
  annotations[revisionAnnotation] = String(revision);
  return { ...annotations, ...sizeAnnotations(deployment) };
}

/** The annotations that tell how large the Deployment is meant to be. */
export function sizeAnnotations(deployment: Deployment): Readonly<Record<string, string>> {
  const { replicas, maxSurge } = rolloutLimits(deployment);
  return { [desiredAnnotation]: String(replicas), [maxAnnotation]: String(replicas + maxSurge) };
}

function compareTexts(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
