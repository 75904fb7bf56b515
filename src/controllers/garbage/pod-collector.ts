/** Removes pods that no node will ever remove: those bound to a node that is gone. Source: k8s pkg/controller/podgc. */
import { isNotFound, nodes, pods } from '../../api/index.ts';
import { createIndex, keyOf, WorkQueue } from '../../client/index.ts';
import { createController } from '../controller.ts';
import type { Controller, ControllerContext } from '../controller.ts';

export interface PodCollectorOptions {
  /** How long a node may be missing before its pods go, milliseconds: the first pods of a lab may be bound before we have seen its nodes. */
  readonly missingNodeGraceMs?: number | undefined;
}

/** Runs until `stop`. */
export function startPodCollector(
  { client, informers, logger }: ControllerContext,
  { missingNodeGraceMs = 5000 }: PodCollectorOptions,
): Controller {
  const podInformer = informers.of(pods);
  const nodeInformer = informers.of(nodes);
  const podsByNode = createIndex(podInformer, (pod) => (pod.spec?.nodeName === undefined ? [] : [pod.spec.nodeName]));
  const queue = new WorkQueue({ name: 'pod-garbage', process: sync }, { logger });
  const subscriptions = [
    nodeInformer.subscribe({
      deleted: (node) => {
        for (const pod of podsByNode.get(node.metadata?.name ?? '')) queue.addAfter(keyOf(pod), missingNodeGraceMs);
      },
    }),
    podInformer.subscribe({
      added: (pod) => {
        if (pod.spec?.nodeName !== undefined && nodeInformer.get(pod.spec.nodeName) === undefined)
          queue.addAfter(keyOf(pod), missingNodeGraceMs);
      },
    }),
  ];

  async function sync(key: string): Promise<void> {
    await Promise.all([podInformer.synced(), nodeInformer.synced()]);
    const pod = podInformer.get(key);
    const node = pod?.spec?.nodeName;
    if (node === undefined || node === '' || nodeInformer.get(node) !== undefined) return;
    const { name = '', namespace, uid } = pod?.metadata ?? {};
    try {
      await client.delete(pods, name, { namespace, body: { gracePeriodSeconds: 0, preconditions: { uid } } });
      logger.info({ pod: key, node }, 'removed a pod of a node that is gone');
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  return createController(queue, subscriptions);
}
