/** Keeps Deployments true through ReplicaSets. Decisions: revisions.ts, rollout.ts, deployment-status.ts. */
import { deployments, isAlreadyExists, labelSelectorFromObject, pods, replicaSets, isEqualJson } from '../../api/index.ts';
import type { Deployment, ReplicaSet } from '../../api/index.ts';
import { createIndex, EventRecorder, keyOf, WorkQueue } from '../../client/index.ts';
import { messageOf } from '../../observe/index.ts';
import { createController, unlessGone } from '../controller.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { controllerOf, controllerReference, controllerUids } from '../owners.ts';
import { isPodTerminal } from '../pod-state.ts';
import { hasSeenWrite, untilHolds } from '../until-holds.ts';
import { deploymentStatus, untilProgressDeadline } from './deployment-status.ts';
import {
  newReplicaSet,
  nextRevision,
  replicaSetAnnotations,
  revisionAnnotation,
  sizeAnnotations,
  sortReplicaSets,
} from './revisions.ts';
import { currentReplicas, expiredReplicaSets, pausedStep, recreateStep, rollingStep, specReplicas } from './rollout.ts';
import type { Scaling } from './rollout.ts';

const component = 'deployment-controller';

/** Runs until `stop`. */
export function startDeploymentController({ client, informers, clock, logger }: ControllerContext): Controller {
  const informer = informers.of(deployments);
  const setInformer = informers.of(replicaSets);
  const podInformer = informers.of(pods);
  const events = new EventRecorder(client, component, { logger, clock });
  const setsByOwner = createIndex(setInformer, controllerUids);
  const orphans = createIndex(setInformer, (set) => (controllerOf(set) === undefined ? [set.metadata?.namespace ?? ''] : []));
  const podsByOwner = createIndex(podInformer, controllerUids);
  const byUid = createIndex(informer, (deployment) => [deployment.metadata?.uid ?? '']);
  const byNamespace = createIndex(informer, (deployment) => [deployment.metadata?.namespace ?? '']);

  const queue = new WorkQueue({ name: 'deployments', process: sync, concurrency: 5 }, { logger });
  const addOwnerOf = (set: ReplicaSet): void => {
    const owner = controllerOf(set);
    if (owner !== undefined) for (const deployment of byUid.get(owner.uid)) queue.add(keyOf(deployment));
    else
      for (const deployment of byNamespace.get(set.metadata?.namespace ?? ''))
        if (labelSelectorFromObject(deployment.spec?.selector).matches(set.metadata?.labels)) queue.add(keyOf(deployment));
  };
  const subscriptions = [
    informer.subscribe({
      added: (deployment) => queue.add(keyOf(deployment)),
      updated: (_before, after) => queue.add(keyOf(after)),
    }),
    setInformer.subscribe({ added: addOwnerOf, updated: (_before, after) => addOwnerOf(after), deleted: addOwnerOf }),
    // Recreate waits for the last old pod to be gone, which changes no ReplicaSet.
    podInformer.subscribe({
      deleted: (pod) => {
        const owner = controllerOf(pod);
        if (owner?.kind !== 'ReplicaSet') return;
        const set = setInformer.get(`${pod.metadata?.namespace}/${owner.name}`);
        if (set !== undefined) addOwnerOf(set);
      },
    }),
  ];

  async function sync(key: string): Promise<void> {
    await Promise.all([informer.synced(), setInformer.synced(), podInformer.synced()]);
    const deployment = informer.get(key);
    if (deployment === undefined) return;
    const found = await ownedSets(deployment);
    if (deployment.metadata?.deletionTimestamp !== undefined) return writeStatus(deployment, { isNew: false });
    let { current } = sortReplicaSets(deployment, found);
    const { old } = sortReplicaSets(deployment, found);
    const revision = nextRevision(current, old);
    const isPaused = deployment.spec?.paused === true;
    const isRecreate = deployment.spec?.strategy?.type === 'Recreate';
    const hasOldPods = old.some((set) => podsByOwner.get(set.metadata?.uid ?? '').some((pod) => !isPodTerminal(pod)));
    let isNew = false;
    if (current === undefined && !isPaused && !(isRecreate && (hasOldPods || old.some((set) => specReplicas(set) > 0)))) {
      const made = await createCurrent(deployment, old, revision);
      if (!('created' in made)) return writeStatus(deployment, { isNew: false, ...made });
      current = made.created;
      isNew = true;
    }
    if (current !== undefined && !isPaused) {
      current = await keepAnnotations(deployment, current, revision);
      await keepRevision(deployment, revision);
    }
    const rollout = { deployment, current, old };
    const steps = isPaused ? pausedStep(rollout) : isRecreate ? recreateStep(rollout, hasOldPods) : rollingStep(rollout);
    for (const step of steps) await scale(deployment, step);
    if (!isPaused) await removeExpired(expiredReplicaSets(deployment, old));
    await writeStatus(informer.get(key) ?? deployment, { isNew });
  }

  /** ReplicaSets controlled by the Deployment, after adopting those without a controller that its selector means. */
  async function ownedSets(deployment: Deployment): Promise<readonly ReplicaSet[]> {
    const owned = setsByOwner.get(deployment.metadata?.uid ?? '');
    if (deployment.metadata?.deletionTimestamp !== undefined) return owned;
    const selector = labelSelectorFromObject(deployment.spec?.selector);
    const adopted: ReplicaSet[] = [];
    for (const set of orphans.get(deployment.metadata?.namespace ?? '')) {
      if (set.metadata?.deletionTimestamp !== undefined || !selector.matches(set.metadata?.labels)) continue;
      const ownerReferences = [...(set.metadata?.ownerReferences ?? []), controllerReference(deployments, deployment)];
      const { namespace, name = '', uid, resourceVersion } = set.metadata ?? {};
      adopted.push(
        await client.patch(replicaSets, name, 'merge', { metadata: { uid, resourceVersion, ownerReferences } }, { namespace }),
      );
    }
    return [...owned, ...adopted];
  }

  async function createCurrent(
    deployment: Deployment,
    old: readonly ReplicaSet[],
    revision: number,
  ): Promise<{ readonly created: ReplicaSet } | { readonly failure?: string; readonly collisionCount?: number }> {
    const size =
      deployment.spec?.strategy?.type === 'Recreate'
        ? (deployment.spec.replicas ?? 1)
        : currentReplicas({ deployment, current: undefined, old });
    const wanted = newReplicaSet(deployment, controllerReference(deployments, deployment), revision, size);
    try {
      const created = await client.create(replicaSets, wanted, { fieldManager: component });
      await untilHolds(setInformer, () => setInformer.get(keyOf(created)) !== undefined);
      events.event(
        deployment,
        'Normal',
        'ScalingReplicaSet',
        `Scaled up replica set ${created.metadata?.name} from 0 to ${size}`,
      );
      return { created };
    } catch (error) {
      // Somebody else's ReplicaSet has our name: the next hash is computed with one more collision.
      if (isAlreadyExists(error)) return { collisionCount: (deployment.status?.collisionCount ?? 0) + 1 };
      const failure = `Failed to create new replica set "${wanted.metadata?.name}": ${messageOf(error)}`;
      if (!failure.includes('being terminated')) events.event(deployment, 'Warning', 'ReplicaSetCreateError', failure);
      queue.addAfter(keyOf(deployment), 5000);
      return { failure };
    }
  }

  async function keepAnnotations(deployment: Deployment, current: ReplicaSet, revision: number): Promise<ReplicaSet> {
    const annotations = replicaSetAnnotations(deployment, current, revision);
    const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
    if (isEqualJson(annotations, current.metadata?.annotations) && (current.spec?.minReadySeconds ?? 0) === minReadySeconds)
      return current;
    return patchSet(current, { metadata: { annotations }, spec: { minReadySeconds } });
  }

  async function keepRevision(deployment: Deployment, revision: number): Promise<void> {
    if (deployment.metadata?.annotations?.[revisionAnnotation] === String(revision)) return;
    const { namespace, name = '' } = deployment.metadata ?? {};
    const stored = await client.patch(
      deployments,
      name,
      'merge',
      { metadata: { annotations: { [revisionAnnotation]: String(revision) } } },
      // As upstream: annotations count as a new generation, unless they come with the status.
      { namespace, fieldManager: component, subresource: 'status' },
    );
    await untilHolds(
      informer,
      () => informer.get(keyOf(stored))?.metadata?.annotations?.[revisionAnnotation] === String(revision),
    );
  }

  async function scale(deployment: Deployment, { replicaSet, replicas }: Scaling): Promise<void> {
    const before = specReplicas(replicaSet);
    await patchSet(replicaSet, { metadata: { annotations: sizeAnnotations(deployment) }, spec: { replicas } });
    const direction = replicas > before ? 'up' : 'down';
    events.event(
      deployment,
      'Normal',
      'ScalingReplicaSet',
      `Scaled ${direction} replica set ${replicaSet.metadata?.name} from ${before} to ${replicas}`,
    );
  }

  async function patchSet(set: ReplicaSet, patch: object): Promise<ReplicaSet> {
    const { namespace, name = '' } = set.metadata ?? {};
    const stored = await client.patch(replicaSets, name, 'merge', patch, { namespace, fieldManager: component });
    await untilHolds(setInformer, hasSeenWrite(setInformer, set, stored));
    return stored;
  }

  async function removeExpired(expired: readonly ReplicaSet[]): Promise<void> {
    for (const { metadata } of expired) {
      await unlessGone(client.delete(replicaSets, metadata?.name ?? '', { namespace: metadata?.namespace }));
    }
  }

  async function writeStatus(
    deployment: Deployment,
    facts: { readonly isNew: boolean; readonly failure?: string; readonly collisionCount?: number },
  ): Promise<void> {
    const now = clock.now();
    const status = deploymentStatus({
      deployment,
      ...sortReplicaSets(deployment, setsByOwner.get(deployment.metadata?.uid ?? '')),
      failure: undefined,
      collisionCount: deployment.status?.collisionCount,
      ...facts,
      now,
    });
    const deadline = untilProgressDeadline(deployment, status, now);
    if (deadline !== undefined && deadline > 0) queue.addAfter(keyOf(deployment), deadline + 1000);
    if (isEqualJson(status, deployment.status)) return;
    const stored = await client.update(
      deployments,
      { ...deployment, status },
      { subresource: 'status', fieldManager: component },
    );
    await untilHolds(informer, hasSeenWrite(informer, deployment, stored));
  }

  return createController(queue, subscriptions);
}
