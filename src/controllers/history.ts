/** Versions of a pod template as ControllerRevisions, for StatefulSets and DaemonSets. Source: k8s pkg/controller/history. */
import { unlessGone } from './controller.ts';
import { controllerRevisions, isAlreadyExists, isEqualJson } from '../api/index.ts';
import type { ControllerRevision, OwnerReference, PodTemplateSpec } from '../api/index.ts';
import { keyOf } from '../client/index.ts';
import type { Informer, KubeClient, KubeObject } from '../client/index.ts';
import { templateHash } from './template-hash.ts';
import { untilHolds } from './until-holds.ts';

/** Label of pods and revisions: which version of the template they are. */
export const revisionLabel = 'controller-revision-hash';

export interface HistoryOptions {
  readonly client: KubeClient;
  readonly informer: Informer<ControllerRevision>;
  readonly owner: KubeObject;
  readonly reference: OwnerReference;
  readonly template: PodTemplateSpec;
  /** Revisions controlled by the owner. */
  readonly owned: readonly ControllerRevision[];
  readonly collisionCount: number;
}

/** The revision of the present template, made or raised to the newest when need be, and all others, oldest first. */
export async function ensureRevision(
  options: HistoryOptions,
): Promise<{ readonly current: ControllerRevision; readonly others: readonly ControllerRevision[] }> {
  const { client, informer, owner } = options;
  const sorted = options.owned.toSorted((a, b) => a.revision - b.revision);
  const data = revisionData(options.template);
  const newest = sorted.at(-1)?.revision ?? 0;
  const known = sorted.find((revision) => isEqualJson(revision.data, data));
  const others = sorted.filter((revision) => revision !== known);
  const namespace = owner.metadata?.namespace;
  if (known !== undefined) {
    if (known.revision === newest) return { current: known, others };
    const raised = await client.patch(
      controllerRevisions,
      known.metadata?.name ?? '',
      'merge',
      { revision: newest + 1 },
      { namespace },
    );
    await untilHolds(informer, () => informer.get(keyOf(raised))?.revision === raised.revision);
    return { current: raised, others };
  }
  for (let collisions = options.collisionCount; ; collisions++) {
    const hash = templateHash(data, collisions);
    const wanted: ControllerRevision = {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: {
        name: `${owner.metadata?.name}-${hash}`,
        namespace,
        labels: { ...options.template.metadata?.labels, [revisionLabel]: hash },
        ownerReferences: [options.reference],
      },
      data,
      revision: newest + 1,
    };
    try {
      const current = await client.create(controllerRevisions, wanted);
      await untilHolds(informer, () => informer.get(keyOf(current)) !== undefined);
      return { current, others };
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }
}

/** Deletes the oldest revisions that no pod is of, down to `limit`. */
export async function trimHistory(
  client: KubeClient,
  others: readonly ControllerRevision[],
  inUse: ReadonlySet<string>,
  limit: number,
): Promise<void> {
  const unused = others.filter((revision) => !inUse.has(revision.metadata?.name ?? ''));
  for (const { metadata } of unused.slice(0, Math.max(0, unused.length - limit))) {
    await unlessGone(client.delete(controllerRevisions, metadata?.name ?? '', { namespace: metadata?.namespace }));
  }
}

/** The template that a revision holds. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec | undefined {
  const data = revision.data as
    | { readonly spec?: { readonly template?: PodTemplateSpec & { readonly $patch?: string } } }
    | undefined;
  if (data?.spec?.template === undefined) return undefined;
  const { $patch: _directive, ...template } = data.spec.template;
  return template;
}

/** The strategic merge patch that `kubectl rollout undo` applies: upstream's shape, so that it can. */
function revisionData(template: PodTemplateSpec): unknown {
  return { spec: { template: { ...template, $patch: 'replace' } } };
}
