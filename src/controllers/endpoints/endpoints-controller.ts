/** Keeps the legacy Endpoints objects of Services with selectors true. Decisions: slices/legacy-endpoints. */
import { createController, unlessGone } from '../controller.ts';
import { endpoints, pods, services } from '../../api/index.ts';
import { createIndex, keyOf, WorkQueue } from '../../client/index.ts';
import { messageOf } from '../../observe/index.ts';
import type { Logger } from '../../observe/index.ts';
import { desiredEndpoints, hasManagedEndpoints } from '../../slices/index.ts';
import type { EndpointControllerOptions } from './endpoint-slice-controller.ts';
import { followPods } from './pod-changes.ts';
import { untilSeen } from './seen.ts';

/** Runs until `stop`. The informers must be started by the caller. */
export function startEndpointsController(
  { client, informers, events }: EndpointControllerOptions,
  { logger }: { readonly logger: Logger },
): { stop(): Promise<void> } {
  const serviceInformer = informers.of(services);
  const podInformer = informers.of(pods);
  const endpointsInformer = informers.of(endpoints);
  const podsByNamespace = createIndex(podInformer, (pod) => [pod.metadata?.namespace ?? '']);
  /** Keys of Services that this run has seen, so that their Endpoints go with them. */
  const deleted = new Set<string>();

  const queue = new WorkQueue({ name: 'endpoints', process: sync, concurrency: 5 }, { logger });
  const subscriptions = [
    serviceInformer.subscribe({
      added: (service) => queue.add(keyOf(service)),
      updated: (_before, after) => queue.add(keyOf(after)),
      deleted: (service) => {
        deleted.add(keyOf(service));
        queue.add(keyOf(service));
      },
    }),
    followPods(podInformer, serviceInformer, (key) => queue.add(key)),
    endpointsInformer.subscribe({
      updated: (_before, after) => queue.add(keyOf(after)),
      deleted: (object) => queue.add(keyOf(object)),
    }),
  ];

  async function sync(key: string): Promise<void> {
    await Promise.all([serviceInformer.synced(), podInformer.synced(), endpointsInformer.synced()]);
    const service = serviceInformer.get(key);
    const existing = endpointsInformer.get(key);
    if (service === undefined) {
      if (deleted.delete(key) && existing !== undefined) await remove(key);
      return;
    }
    deleted.delete(key);
    if (!hasManagedEndpoints(service)) return;
    const namespace = service.metadata?.namespace ?? '';
    const wanted = desiredEndpoints(
      service,
      podsByNamespace.get(namespace),
      undefined,
      existing,
      service.metadata?.creationTimestamp,
    );
    if (wanted === undefined || service.metadata?.deletionTimestamp !== undefined) return;
    try {
      const stored =
        existing === undefined
          ? await client.create(endpoints, wanted, { namespace })
          : await client.update(endpoints, wanted, { namespace });
      await untilSeen(endpointsInformer, { stored: [stored], removed: [] });
    } catch (error) {
      const text = messageOf(error);
      if (!text.includes('being terminated')) {
        events.event(
          service,
          'Warning',
          existing === undefined ? 'FailedToCreateEndpoint' : 'FailedToUpdateEndpoint',
          `Failed to update endpoint ${key}: ${text}`,
        );
      }
      throw error;
    }
  }

  async function remove(key: string): Promise<void> {
    const [namespace = '', name = ''] = key.split('/');
    await unlessGone(client.delete(endpoints, name, { namespace }));
  }

  return createController(queue, subscriptions);
}
