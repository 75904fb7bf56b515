/** Keeps StatefulSets true: pods with names of their own, in order. Decisions: plan-stateful-set.ts, identity.ts. */
import {
  isEqualJson,
  controllerRevisions,
  isAlreadyExists,
  labelSelectorFromObject,
  persistentVolumeClaims,
  pods,
  statefulSets,
} from '../../api/index.ts';
import type { ControllerRevision, Pod, StatefulSet } from '../../api/index.ts';
import { createIndex, EventRecorder, keyOf, WorkQueue } from '../../client/index.ts';
import { messageOf } from '../../observe/index.ts';
import { claimPods } from '../claim-pods.ts';
import { createController, unlessGone } from '../controller.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { ensureRevision, revisionLabel, templateOf, trimHistory } from '../history.ts';
import { controllerOf, controllerReference, controllerUids } from '../owners.ts';
import { soonestAvailability } from '../pod-state.ts';
import { hasSeen, hasSeenWrite, untilHolds } from '../until-holds.ts';
import { claimsOf, ordinalOf, statefulPod } from './identity.ts';
import { planStatefulSet } from './plan-stateful-set.ts';
import { statefulSetStatus } from './stateful-set-status.ts';
import type { Revisions } from './stateful-set-status.ts';

const component = 'statefulset-controller';

/** Runs until `stop`. */
export function startStatefulSetController({ client, informers, clock, logger }: ControllerContext): Controller {
  const informer = informers.of(statefulSets);
  const podInformer = informers.of(pods);
  const revisionInformer = informers.of(controllerRevisions);
  const events = new EventRecorder(client, component, { logger, clock });
  const podsByOwner = createIndex(podInformer, controllerUids);
  const orphans = createIndex(podInformer, (pod) => (controllerOf(pod) === undefined ? [pod.metadata?.namespace ?? ''] : []));
  const revisionsByOwner = createIndex(revisionInformer, controllerUids);
  const byUid = createIndex(informer, (set) => [set.metadata?.uid ?? '']);
  const byNamespace = createIndex(informer, (set) => [set.metadata?.namespace ?? '']);

  const queue = new WorkQueue({ name: 'statefulsets', process: sync, concurrency: 5 }, { logger });
  const addOwnerOf = (pod: Pod): void => {
    const owner = controllerOf(pod);
    const sets = owner === undefined ? byNamespace.get(pod.metadata?.namespace ?? '') : byUid.get(owner.uid);
    for (const set of sets) if (owner !== undefined || ordinalOf(set, pod) !== undefined) queue.add(keyOf(set));
  };
  const subscriptions = [
    informer.subscribe({ added: (set) => queue.add(keyOf(set)), updated: (_before, after) => queue.add(keyOf(after)) }),
    podInformer.subscribe({ added: addOwnerOf, updated: (_before, after) => addOwnerOf(after), deleted: addOwnerOf }),
  ];

  async function sync(key: string): Promise<void> {
    await Promise.all([informer.synced(), podInformer.synced(), revisionInformer.synced()]);
    const set = informer.get(key);
    if (set === undefined) return;
    if (set.metadata?.deletionTimestamp !== undefined) return;
    const selector = labelSelectorFromObject(set.spec?.selector);
    const owned = await claimPods(client, {
      owner: set,
      reference: controllerReference(statefulSets, set),
      selector,
      owned: podsByOwner.get(set.metadata?.uid ?? ''),
      // Only pods with one of the set's own names can become its members.
      orphans: orphans.get(set.metadata?.namespace ?? '').filter((pod) => ordinalOf(set, pod) !== undefined),
    });
    const { current, others } = await ensureRevision({
      client,
      informer: revisionInformer,
      owner: set,
      reference: controllerReference(statefulSets, set),
      template: set.spec?.template ?? {},
      owned: revisionsByOwner.get(set.metadata?.uid ?? ''),
      collisionCount: set.status?.collisionCount ?? 0,
    });
    const updateRevision = current.metadata?.name ?? '';
    const known = set.status?.currentRevision;
    const hasKnown = known !== undefined && others.some((revision) => revision.metadata?.name === known);
    const revisions: Revisions = {
      currentRevision: hasKnown ? known : updateRevision,
      updateRevision,
      collisionCount: set.status?.collisionCount,
    };
    const plan = planStatefulSet({ set, pods: owned, ...revisions, now: clock.now() });
    try {
      await carryOut(set, plan, [...others, current]);
    } finally {
      await writeStatus(key, revisions);
    }
    const inUse = new Set([...owned.map((pod) => pod.metadata?.labels?.[revisionLabel] ?? ''), revisions.currentRevision]);
    await trimHistory(client, others, inUse, set.spec?.revisionHistoryLimit ?? 10);
  }

  async function carryOut(
    set: StatefulSet,
    plan: ReturnType<typeof planStatefulSet>,
    known: readonly ControllerRevision[],
  ): Promise<void> {
    const created: Pod[] = [];
    for (const { ordinal, revision } of plan.create) {
      const template = known.find((entry) => entry.metadata?.name === revision);
      const pod = statefulPod(
        set,
        ordinal,
        (template === undefined ? undefined : templateOf(template)) ?? set.spec?.template ?? {},
        revision,
      );
      const name = pod.metadata?.name;
      try {
        await createClaims(set, ordinal);
        created.push(await client.create(pods, pod, { fieldManager: component }));
        events.event(set, 'Normal', 'SuccessfulCreate', `create Pod ${name} in StatefulSet ${set.metadata?.name} successful`);
      } catch (error) {
        const text = messageOf(error);
        if (text.includes('being terminated')) return;
        // A pod of that name that is nobody's of ours: it has to go before we can be true, and it says so.
        events.event(
          set,
          'Warning',
          'FailedCreate',
          `create Pod ${name} in StatefulSet ${set.metadata?.name} failed error: ${text}`,
        );
        throw error;
      }
    }
    for (const pod of plan.remove) {
      const { namespace, name = '', uid } = pod.metadata ?? {};
      await unlessGone(client.delete(pods, name, { namespace, body: { preconditions: { uid } } }));
      events.event(set, 'Normal', 'SuccessfulDelete', `delete Pod ${name} in StatefulSet ${set.metadata?.name} successful`);
    }
    await untilHolds(podInformer, hasSeen(podInformer, created, plan.remove));
  }

  async function createClaims(set: StatefulSet, ordinal: number): Promise<void> {
    for (const claim of claimsOf(set, ordinal)) {
      try {
        await client.create(persistentVolumeClaims, claim, { fieldManager: component });
      } catch (error) {
        // Claims are kept for the pod that comes back under its name.
        if (!isAlreadyExists(error)) throw error;
      }
    }
  }

  async function writeStatus(key: string, revisions: Revisions): Promise<void> {
    const set = informer.get(key);
    if (set === undefined) return;
    const own = podsByOwner.get(set.metadata?.uid ?? '');
    const now = clock.now();
    const wait = soonestAvailability(own, set.spec?.minReadySeconds ?? 0, now);
    if (wait !== undefined) queue.addAfter(key, wait);
    const status = statefulSetStatus(set, own, revisions, now);
    if (isEqualJson(status, set.status)) return;
    const stored = await client.update(statefulSets, { ...set, status }, { subresource: 'status', fieldManager: component });
    await untilHolds(informer, hasSeenWrite(informer, set, stored));
  }

  return createController(queue, subscriptions);
}
