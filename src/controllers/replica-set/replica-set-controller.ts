/** Keeps as many pods as ReplicaSets and ReplicationControllers ask for. Decisions: plan-replicas.ts, replica-set-status.ts. */
import {
  labelSelectorFromObject,
  nothing,
  pods,
  replicaSets,
  replicationControllers,
  selectorFromMap,
  isEqualJson,
} from '../../api/index.ts';
import type {
  LabelSelectorMatcher,
  Pod,
  PodTemplateSpec,
  ReplicaSet,
  ReplicationController,
  ReplicaSetStatus,
  Resource,
} from '../../api/index.ts';
import { createIndex, EventRecorder, keyOf, WorkQueue } from '../../client/index.ts';
import type { KubeObject } from '../../client/index.ts';
import { messageOf } from '../../observe/index.ts';
import { claimPods } from '../claim-pods.ts';
import { createController, unlessGone } from '../controller.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { controllerOf, controllerReference, controllerUids } from '../owners.ts';
import { podFromTemplate, podNamePrefix } from '../pod-from-template.ts';
import { soonestAvailability } from '../pod-state.ts';
import { slowStart } from '../slow-start.ts';
import { hasSeen, hasSeenWrite, untilHolds } from '../until-holds.ts';
import { planReplicas } from './plan-replicas.ts';
import { replicaSetStatus } from './replica-set-status.ts';
import type { StatusFacts } from './replica-set-status.ts';

/** What the two kinds have in common, and where they differ. */
interface Flavour<T> {
  readonly resource: Resource<T>;
  readonly component: string;
  selectorOf(object: T): LabelSelectorMatcher;
}

interface ReplicaKeeper extends KubeObject {
  readonly spec?:
    | {
        readonly replicas?: number | undefined;
        readonly minReadySeconds?: number | undefined;
        readonly template?: PodTemplateSpec | undefined;
      }
    | undefined;
  readonly status?: ReplicaSetStatus | undefined;
}

/** Runs until `stop`. */
export function startReplicaSetController(context: ControllerContext): Controller {
  return startReplicaKeeper<ReplicaSet>(context, {
    resource: replicaSets,
    component: 'replicaset-controller',
    selectorOf: (replicaSet) => labelSelectorFromObject(replicaSet.spec?.selector),
  });
}

/** Runs until `stop`. A selector that the object does not state is its template's labels. */
export function startReplicationController(context: ControllerContext): Controller {
  return startReplicaKeeper<ReplicationController>(context, {
    resource: replicationControllers,
    component: 'replication-controller',
    selectorOf: ({ spec }) => {
      const map = spec?.selector ?? spec?.template?.metadata?.labels;
      return map === undefined || Object.keys(map).length === 0 ? nothing : selectorFromMap(map);
    },
  });
}

function startReplicaKeeper<T extends ReplicaKeeper>(
  { client, informers, clock, logger }: ControllerContext,
  flavour: Flavour<T>,
): Controller {
  const { resource, component } = flavour;
  const informer = informers.of(resource);
  const podInformer = informers.of(pods);
  const events = new EventRecorder(client, component, { logger, clock });
  const podsByOwner = createIndex(podInformer, controllerUids);
  const orphans = createIndex(podInformer, (pod) => (controllerOf(pod) === undefined ? [pod.metadata?.namespace ?? ''] : []));
  const byNamespace = createIndex(informer, (object) => [object.metadata?.namespace ?? '']);
  const byUid = createIndex(informer, (object) => [object.metadata?.uid ?? '']);

  const queue = new WorkQueue({ name: resource.plural, process: sync, concurrency: 5 }, { logger });
  const addOwnerOf = (pod: Pod): void => {
    const owner = controllerOf(pod);
    if (owner?.kind === resource.kind) for (const object of byUid.get(owner.uid)) queue.add(keyOf(object));
    if (owner !== undefined) return;
    for (const object of byNamespace.get(pod.metadata?.namespace ?? ''))
      if (flavour.selectorOf(object).matches(pod.metadata?.labels)) queue.add(keyOf(object));
  };
  const subscriptions = [
    informer.subscribe({ added: (object) => queue.add(keyOf(object)), updated: (_before, after) => queue.add(keyOf(after)) }),
    podInformer.subscribe({
      added: addOwnerOf,
      updated: (before, after) => {
        addOwnerOf(after);
        if (controllerOf(before)?.uid !== controllerOf(after)?.uid) addOwnerOf(before);
      },
      deleted: addOwnerOf,
    }),
  ];

  async function sync(key: string): Promise<void> {
    await Promise.all([informer.synced(), podInformer.synced()]);
    const object = informer.get(key);
    if (object === undefined) return;
    const namespace = object.metadata?.namespace ?? '';
    const owned = await claimPods(client, {
      owner: object,
      reference: controllerReference(resource, object),
      selector: flavour.selectorOf(object),
      owned: podsByOwner.get(object.metadata?.uid ?? ''),
      orphans: orphans.get(namespace),
    });
    const failure = object.metadata?.deletionTimestamp === undefined ? await scale(object, owned) : undefined;
    await writeStatus(key, failure);
  }

  async function scale(object: T, owned: readonly Pod[]): Promise<StatusFacts['failure']> {
    const plan = planReplicas(object.spec?.replicas ?? 1, owned);
    const namespace = object.metadata?.namespace ?? '';
    const created: Pod[] = [];
    const removed: Pod[] = [];
    try {
      await slowStart(plan.create, async () => {
        const pod = podFromTemplate({
          template: object.spec?.template ?? {},
          namespace,
          name: { prefix: podNamePrefix(object.metadata?.name ?? '') },
          owner: controllerReference(resource, object),
        });
        const stored = await client.create(pods, pod, { fieldManager: component });
        created.push(stored);
        events.event(object, 'Normal', 'SuccessfulCreate', `Created pod: ${stored.metadata?.name}`);
      });
    } catch (error) {
      await untilHolds(podInformer, hasSeen(podInformer, created, removed));
      return fail(object, 'FailedCreate', `Error creating: ${messageOf(error)}`);
    }
    try {
      for (const pod of plan.remove) {
        await removePod(pod);
        removed.push(pod);
        events.event(object, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata?.name}`);
      }
    } catch (error) {
      return fail(object, 'FailedDelete', `Error deleting: ${messageOf(error)}`);
    }
    await untilHolds(podInformer, hasSeen(podInformer, created, removed));
    return undefined;
  }

  /** Tells about it and tries again in a while; a namespace on its way out refuses every pod, which is no news. */
  function fail(object: T, reason: 'FailedCreate' | 'FailedDelete', message: string): StatusFacts['failure'] {
    if (message.includes('being terminated')) return undefined;
    events.event(object, 'Warning', reason, message);
    queue.addAfter(keyOf(object), 5000);
    return { reason, message };
  }

  async function removePod(pod: Pod): Promise<void> {
    const { namespace, name = '', uid } = pod.metadata ?? {};
    await unlessGone(client.delete(pods, name, { namespace, body: { preconditions: { uid } } }));
  }

  async function writeStatus(key: string, failure: StatusFacts['failure']): Promise<void> {
    const object = informer.get(key);
    if (object === undefined) return;
    const owned = podsByOwner.get(object.metadata?.uid ?? '');
    const minReadySeconds = object.spec?.minReadySeconds ?? 0;
    const now = clock.now();
    const status = replicaSetStatus(owned, {
      generation: object.metadata?.generation,
      template: object.spec?.template,
      minReadySeconds,
      previous: object.status,
      failure,
      now,
    });
    const wait = soonestAvailability(owned, minReadySeconds, now);
    if (wait !== undefined) queue.addAfter(key, wait);
    if (isEqualJson(status, object.status)) return;
    const stored = await client.update(resource, { ...object, status }, { subresource: 'status', fieldManager: component });
    await untilHolds(informer, hasSeenWrite(informer, object, stored));
  }

  return createController(queue, subscriptions);
}
