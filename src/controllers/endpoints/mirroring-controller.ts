/** Mirrors Endpoints written by hand into EndpointSlices. Decisions: slices/mirror. */
import { createController, unlessGone } from '../controller.ts';
import { endpoints, endpointSlices, services } from '../../api/index.ts';
import type { EndpointSlice } from '../../api/index.ts';
import { createIndex, keyOf, WorkQueue } from '../../client/index.ts';
import type { Logger } from '../../observe/index.ts';
import {
  managedByLabel,
  maxMirroredAddresses,
  mirrorControllerName,
  reconcileMirror,
  serviceNameLabel,
} from '../../slices/index.ts';
import type { EndpointControllerOptions } from './endpoint-slice-controller.ts';
import { untilSeen } from './seen.ts';

/** Runs until `stop`. The informers must be started by the caller. */
export function startMirroringController(
  { client, informers, events }: EndpointControllerOptions,
  { logger }: { readonly logger: Logger },
): { stop(): Promise<void> } {
  const serviceInformer = informers.of(services);
  const endpointsInformer = informers.of(endpoints);
  const sliceInformer = informers.of(endpointSlices);
  const mirrored = createIndex(sliceInformer, (slice) => [mirroredKey(slice) ?? '']);

  const queue = new WorkQueue({ name: 'mirroring', process: sync, concurrency: 5 }, { logger });
  const addSlice = (slice: EndpointSlice): void => {
    const key = mirroredKey(slice);
    if (key !== undefined) queue.add(key);
  };
  const subscriptions = [
    endpointsInformer.subscribe({
      added: (object) => queue.add(keyOf(object)),
      updated: (_before, after) => queue.add(keyOf(after)),
      deleted: (object) => queue.add(keyOf(object)),
    }),
    serviceInformer.subscribe({
      added: (service) => queue.add(keyOf(service)),
      updated: (before, after) =>
        (before.spec?.selector === undefined) === (after.spec?.selector === undefined) || queue.add(keyOf(after)),
      deleted: (service) => queue.add(keyOf(service)),
    }),
    sliceInformer.subscribe({ updated: (_before, after) => addSlice(after), deleted: addSlice }),
  ];

  async function sync(key: string): Promise<void> {
    await Promise.all([serviceInformer.synced(), endpointsInformer.synced(), sliceInformer.synced()]);
    const object = endpointsInformer.get(key);
    const [namespace = ''] = key.split('/');
    const plan = reconcileMirror(
      object,
      serviceInformer.get(key),
      mirrored.get(key),
      object?.metadata?.annotations?.['endpoints.kubernetes.io/last-change-trigger-time'],
    );
    const stored = await Promise.all([
      ...plan.create.map((slice) => client.create(endpointSlices, slice, { namespace })),
      ...plan.update.map((slice) => client.update(endpointSlices, slice, { namespace })),
    ]);
    await Promise.all(plan.remove.map((slice) => remove(slice)));
    if (object !== undefined && plan.invalidAddresses.length > 0) {
      events.event(
        object,
        'Warning',
        'InvalidIPAddress',
        `Skipped ${plan.invalidAddresses.length} invalid IP addresses when mirroring to EndpointSlices: ${plan.invalidAddresses.join(', ')}`,
      );
    }
    if (object !== undefined && plan.dropped > 0) {
      events.event(
        object,
        'Warning',
        'TooManyAddressesToMirror',
        `A max of ${maxMirroredAddresses} addresses can be mirrored to EndpointSlices per Endpoints subset. ${plan.dropped} addresses were skipped`,
      );
    }
    await untilSeen(sliceInformer, { stored, removed: plan.remove });
  }

  async function remove(slice: EndpointSlice): Promise<void> {
    await unlessGone(client.delete(endpointSlices, slice.metadata?.name ?? '', { namespace: slice.metadata?.namespace }));
  }

  return createController(queue, subscriptions);
}

/** `namespace/name` of the Endpoints object that a mirrored slice stands for. */
function mirroredKey(slice: EndpointSlice): string | undefined {
  const { labels, namespace } = slice.metadata ?? {};
  const name = labels?.[serviceNameLabel];
  return name === undefined || labels?.[managedByLabel] !== mirrorControllerName ? undefined : `${namespace ?? ''}/${name}`;
}
