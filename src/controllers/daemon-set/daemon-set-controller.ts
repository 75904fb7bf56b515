/** Keeps a pod of each DaemonSet on every node that fits. Decisions: plan-daemon-set.ts. */
import { controllerRevisions, daemonSets, labelSelectorFromObject, nodes, pods, isEqualJson } from '../../api/index.ts';
import type { DaemonSet, DaemonSetStatus, Pod } from '../../api/index.ts';
import { createIndex, EventRecorder, keyOf, WorkQueue } from '../../client/index.ts';
import { messageOf } from '../../observe/index.ts';
import { claimPods } from '../claim-pods.ts';
import { createController, unlessGone } from '../controller.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { ensureRevision, revisionLabel, trimHistory } from '../history.ts';
import { controllerOf, controllerReference, controllerUids } from '../owners.ts';
import { soonestAvailability } from '../pod-state.ts';
import { slowStart } from '../slow-start.ts';
import { hasSeen, hasSeenWrite, untilHolds } from '../until-holds.ts';
import { daemonPod, planDaemonSet } from './plan-daemon-set.ts';
import type { DaemonSetPlan } from './plan-daemon-set.ts';

const component = 'daemonset-controller';

/** Runs until `stop`. */
export function startDaemonSetController({ client, informers, clock, logger }: ControllerContext): Controller {
  const informer = informers.of(daemonSets);
  const podInformer = informers.of(pods);
  const nodeInformer = informers.of(nodes);
  const revisionInformer = informers.of(controllerRevisions);
  const events = new EventRecorder(client, component, { logger, clock });
  const podsByOwner = createIndex(podInformer, controllerUids);
  const orphans = createIndex(podInformer, (pod) => (controllerOf(pod) === undefined ? [pod.metadata?.namespace ?? ''] : []));
  const revisionsByOwner = createIndex(revisionInformer, controllerUids);
  const byUid = createIndex(informer, (daemonSet) => [daemonSet.metadata?.uid ?? '']);

  const queue = new WorkQueue({ name: 'daemonsets', process: sync, concurrency: 2 }, { logger });
  const addAll = (): void => {
    for (const daemonSet of informer.list()) queue.add(keyOf(daemonSet));
  };
  const addOwnerOf = (pod: Pod): void => {
    for (const daemonSet of byUid.get(controllerOf(pod)?.uid ?? '')) queue.add(keyOf(daemonSet));
  };
  const subscriptions = [
    informer.subscribe({
      added: (daemonSet) => queue.add(keyOf(daemonSet)),
      updated: (_before, after) => queue.add(keyOf(after)),
    }),
    podInformer.subscribe({ added: addOwnerOf, updated: (_before, after) => addOwnerOf(after), deleted: addOwnerOf }),
    nodeInformer.subscribe({
      added: addAll,
      // Heartbeats change neither labels, nor spec, nor conditions' status.
      updated: (before, after) => {
        const look = ({ metadata, spec, status }: typeof before): unknown => [
          metadata?.labels,
          spec,
          status?.conditions?.map(({ type, status }) => [type, status]),
        ];
        if (!isEqualJson(look(before), look(after))) addAll();
      },
      deleted: addAll,
    }),
  ];

  async function sync(key: string): Promise<void> {
    await Promise.all([informer.synced(), podInformer.synced(), nodeInformer.synced(), revisionInformer.synced()]);
    const daemonSet = informer.get(key);
    if (daemonSet === undefined || daemonSet.metadata?.deletionTimestamp !== undefined) return;
    const reference = controllerReference(daemonSets, daemonSet);
    const { current, others } = await ensureRevision({
      client,
      informer: revisionInformer,
      owner: daemonSet,
      reference,
      template: daemonSet.spec?.template ?? {},
      owned: revisionsByOwner.get(daemonSet.metadata?.uid ?? ''),
      collisionCount: daemonSet.status?.collisionCount ?? 0,
    });
    const revision = current.metadata?.labels?.[revisionLabel] ?? '';
    const owned = await claimPods(client, {
      owner: daemonSet,
      reference,
      selector: labelSelectorFromObject(daemonSet.spec?.selector),
      owned: podsByOwner.get(daemonSet.metadata?.uid ?? ''),
      orphans: orphans.get(daemonSet.metadata?.namespace ?? ''),
    });
    const look = (pods: readonly Pod[]): DaemonSetPlan =>
      planDaemonSet({ daemonSet, nodes: nodeInformer.list(), pods, updateRevision: revision, now: clock.now() });
    try {
      await carryOut(daemonSet, look(owned), revision);
    } finally {
      await writeStatus(key, look(podsByOwner.get(daemonSet.metadata?.uid ?? '')));
    }
    const inUse = new Set(owned.map((pod) => `${daemonSet.metadata?.name}-${pod.metadata?.labels?.[revisionLabel] ?? ''}`));
    await trimHistory(client, others, inUse, daemonSet.spec?.revisionHistoryLimit ?? 10);
    const wait = soonestAvailability(owned, daemonSet.spec?.minReadySeconds ?? 0, clock.now());
    if (wait !== undefined) queue.addAfter(key, wait);
  }

  async function carryOut(daemonSet: DaemonSet, plan: DaemonSetPlan, revision: string): Promise<void> {
    const created: Pod[] = [];
    const places = [...plan.create];
    try {
      await slowStart(places.length, async () => {
        const node = places.shift() ?? '';
        const stored = await client.create(pods, daemonPod(daemonSet, node, revision), { fieldManager: component });
        created.push(stored);
        events.event(daemonSet, 'Normal', 'SuccessfulCreate', `Created pod: ${stored.metadata?.name}`);
      });
    } catch (error) {
      await untilHolds(podInformer, hasSeen(podInformer, created, []));
      const text = messageOf(error);
      if (text.includes('being terminated')) return;
      events.event(daemonSet, 'Warning', 'FailedCreate', `Error creating: ${text}`);
      throw error;
    }
    for (const pod of plan.remove) {
      const { namespace, name = '', uid } = pod.metadata ?? {};
      await unlessGone(client.delete(pods, name, { namespace, body: { preconditions: { uid } } }));
      events.event(daemonSet, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
    }
    await untilHolds(podInformer, hasSeen(podInformer, created, plan.remove));
  }

  async function writeStatus(key: string, plan: DaemonSetPlan): Promise<void> {
    const daemonSet = informer.get(key);
    if (daemonSet === undefined) return;
    const status: DaemonSetStatus = {
      currentNumberScheduled: plan.current,
      numberMisscheduled: plan.misscheduled,
      desiredNumberScheduled: plan.desired,
      numberReady: plan.ready,
      observedGeneration: daemonSet.metadata?.generation,
      updatedNumberScheduled: plan.updated || undefined,
      numberAvailable: plan.available || undefined,
      numberUnavailable: plan.desired - plan.available || undefined,
      collisionCount: daemonSet.status?.collisionCount,
      conditions: daemonSet.status?.conditions,
    };
    if (isEqualJson(status, daemonSet.status)) return;
    const stored = await client.update(daemonSets, { ...daemonSet, status }, { subresource: 'status', fieldManager: component });
    await untilHolds(informer, hasSeenWrite(informer, daemonSet, stored));
  }

  return createController(queue, subscriptions);
}
