/** The scheduler: finds a node for every pod that has none, and binds it there. Decisions: choose-node.ts. */
import { bindingSchema, isNotFound, namespaces, nodes, pods, formatTime } from '../../api/index.ts';
import type { Pod, PodCondition } from '../../api/index.ts';
import { createIndex, EventRecorder, keyOf, WorkQueue } from '../../client/index.ts';
import { createController } from '../controller.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { isPodTerminal, isPodTerminating, podCondition } from '../pod-state.ts';
import { chooseNode } from './choose-node.ts';
import type { NodePods } from './pod-affinity.ts';

const bindings = { ...pods, schema: bindingSchema };
const component = 'default-scheduler';

/** Runs until `stop`. */
export function startScheduler({ client, informers, clock, logger }: ControllerContext): Controller {
  const podInformer = informers.of(pods);
  const nodeInformer = informers.of(nodes);
  const namespaceInformer = informers.of(namespaces);
  const events = new EventRecorder(client, component, { logger, clock });
  const podsByNode = createIndex(podInformer, (pod) =>
    pod.spec?.nodeName === undefined || isPodTerminal(pod) ? [] : [pod.spec.nodeName],
  );
  const waiting = createIndex(podInformer, (pod) => (isWaiting(pod) ? ['waiting'] : []));
  /** Pods bound by us whose binding has not come back through the informer yet, by key. */
  const assumed = new Map<string, { readonly pod: Pod; readonly node: string }>();

  // One at a time: each choice must see the one before.
  const queue = new WorkQueue({ name: 'scheduler', process: sync, minBackoffMs: 100, maxBackoffMs: 10_000 }, { logger });
  const addWaiting = (): void => {
    for (const pod of waiting.get('waiting')) queue.add(keyOf(pod));
  };
  const subscriptions = [
    podInformer.subscribe({
      added: (pod) => isWaiting(pod) && queue.add(keyOf(pod)),
      updated: (before, after) => {
        if (after.spec?.nodeName !== undefined) assumed.delete(keyOf(after));
        // Room was made, or company for an affinity came: whoever found no node may find one now.
        if (!isWaiting(after)) addWaiting();
        else if (before.metadata?.generation !== after.metadata?.generation || before.metadata?.labels !== after.metadata?.labels)
          queue.add(keyOf(after));
      },
      deleted: (pod) => {
        assumed.delete(keyOf(pod));
        addWaiting();
      },
    }),
    nodeInformer.subscribe({ added: addWaiting, updated: addWaiting, deleted: addWaiting }),
  ];

  async function sync(key: string): Promise<void> {
    await Promise.all([podInformer.synced(), nodeInformer.synced(), namespaceInformer.synced()]);
    const pod = podInformer.get(key);
    if (pod === undefined || !isWaiting(pod) || assumed.has(key)) return;
    if ((pod.spec?.schedulingGates ?? []).length > 0) {
      await tell(pod, { reason: 'SchedulingGated', message: 'Scheduling is blocked due to non-empty scheduling gates' });
      return;
    }
    const choice = chooseNode(pod, currentNodes(), (namespace) => namespaceInformer.get(namespace)?.metadata?.labels);
    if ('message' in choice) {
      const isNews = await tell(pod, { reason: 'Unschedulable', message: choice.message });
      if (isNews) events.event(pod, 'Warning', 'FailedScheduling', choice.message);
      return;
    }
    await bind(pod, choice.node);
  }

  function currentNodes(): NodePods[] {
    const extra = new Map<string, Pod[]>();
    for (const { pod, node } of assumed.values()) extra.set(node, [...(extra.get(node) ?? []), pod]);
    return nodeInformer.list().map((node) => {
      const name = node.metadata?.name ?? '';
      return { node, pods: [...podsByNode.get(name), ...(extra.get(name) ?? [])] };
    });
  }

  async function bind(pod: Pod, node: string): Promise<void> {
    const { namespace, name, uid } = pod.metadata ?? {};
    const key = keyOf(pod);
    assumed.set(key, { pod, node });
    try {
      const binding = {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { namespace, name, uid },
        target: { apiVersion: 'v1', kind: 'Node', name: node },
      };
      await client.create(bindings, binding, { subresource: 'binding', fieldManager: component });
    } catch (error) {
      assumed.delete(key);
      if (isNotFound(error)) return;
      throw error;
    }
    // The informer may have been faster than the answer.
    if (podInformer.get(key)?.spec?.nodeName !== undefined) assumed.delete(key);
    events.event(pod, 'Normal', 'Scheduled', `Successfully assigned ${key} to ${node}`);
  }

  /** Sets the PodScheduled condition. False when it said so already. */
  async function tell(pod: Pod, { reason, message }: { readonly reason: string; readonly message: string }): Promise<boolean> {
    const known = podCondition(pod, 'PodScheduled');
    if (known?.status === 'False' && known.reason === reason && known.message === message) return false;
    const now = formatTime(new Date(clock.now()));
    const condition: PodCondition = {
      type: 'PodScheduled',
      status: 'False',
      reason,
      message,
      lastTransitionTime: known?.status === 'False' ? (known.lastTransitionTime ?? now) : now,
    };
    const conditions = [...(pod.status?.conditions ?? []).filter((other) => other.type !== 'PodScheduled'), condition];
    const { namespace, name = '', resourceVersion } = pod.metadata ?? {};
    // A merge patch replaces the whole list, so it must be the list we read.
    await client.patch(
      pods,
      name,
      'merge',
      { metadata: { resourceVersion }, status: { conditions } },
      { namespace, subresource: 'status', fieldManager: component },
    );
    return true;
  }

  return createController(queue, subscriptions);
}

function isWaiting(pod: Pod): boolean {
  const scheduler = pod.spec?.schedulerName;
  return (
    pod.spec !== undefined &&
    (pod.spec.nodeName === undefined || pod.spec.nodeName === '') &&
    (scheduler === undefined || scheduler === '' || scheduler === component) &&
    !isPodTerminal(pod) &&
    !isPodTerminating(pod)
  );
}
