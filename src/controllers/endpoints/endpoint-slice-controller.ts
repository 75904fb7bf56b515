/** Keeps the EndpointSlices of Services with selectors true. Decisions: slices/reconcile. */
import { createController, unlessGone } from '../controller.ts';
import { endpointSlices, nodes, pods, services } from '../../api/index.ts';
import type { EndpointSlice, Node, Service } from '../../api/index.ts';
import { createIndex, keyOf, WorkQueue } from '../../client/index.ts';
import type { EventSink, KubeClient, SharedInformers } from '../../client/index.ts';
import { messageOf } from '../../observe/index.ts';
import type { Logger } from '../../observe/index.ts';
import {
  hasManagedEndpoints,
  managedByLabel,
  reconcileSlices,
  serviceNameLabel,
  sliceControllerName,
  topologyFactsOf,
  usesTopologyMode,
} from '../../slices/index.ts';
import { followPods } from './pod-changes.ts';
import { untilSeen } from './seen.ts';
import { TopologyReports } from './topology-reports.ts';

export interface EndpointControllerOptions {
  readonly client: KubeClient;
  readonly informers: SharedInformers;
  readonly events: EventSink;
}

/** A pod whose Node is missing is tried again after this long, in milliseconds; the Node's arrival causes a sync by itself. */
const missingNodeRetryMs = 5000;

/** Runs until `stop`. The informers must be started by the caller; nothing is written before they have synced. */
export function startEndpointSliceController(
  { client, informers, events }: EndpointControllerOptions,
  { logger }: { readonly logger: Logger },
): { stop(): Promise<void> } {
  const serviceInformer = informers.of(services);
  const podInformer = informers.of(pods);
  const nodeInformer = informers.of(nodes);
  const sliceInformer = informers.of(endpointSlices);
  const podsByNamespace = createIndex(podInformer, (pod) => [pod.metadata?.namespace ?? '']);
  const slicesByService = createIndex(sliceInformer, (slice) => [ownedServiceKey(slice) ?? '']);
  /** Earliest change since the last sync, for the trigger-time annotation. */
  const triggers = new Map<string, string>();

  const topologyReports = new TopologyReports(events);
  const queue = new WorkQueue({ name: 'endpointslices', process: sync, concurrency: 5 }, { logger });
  const add = (key: string, changedAt?: string): void => {
    const earliest = triggers.get(key);
    if (changedAt !== undefined && (earliest === undefined || changedAt < earliest)) triggers.set(key, changedAt);
    queue.add(key);
  };
  const subscriptions = [
    serviceInformer.subscribe({
      added: (service) => add(keyOf(service), service.metadata?.creationTimestamp),
      updated: (_before, after) => add(keyOf(after)),
    }),
    followPods(podInformer, serviceInformer, add),
    nodeInformer.subscribe({
      added: (_node, isInitial) => isInitial || addAll(),
      updated: (before, after) => {
        if (zoneOf(before) !== zoneOf(after)) addAll();
        else if (topologyFactsOf(before) !== topologyFactsOf(after)) addSharedOut();
      },
      deleted: addAll,
    }),
    sliceInformer.subscribe({
      updated: (_before, after) => addOwner(after),
      deleted: (slice) => addOwner(slice),
    }),
  ];

  function addAll(): void {
    for (const service of serviceInformer.list()) queue.add(keyOf(service));
  }

  /** Services whose hints depend on all nodes. */
  function addSharedOut(): void {
    for (const service of serviceInformer.list()) if (usesTopologyMode(service)) queue.add(keyOf(service));
  }

  function addOwner(slice: EndpointSlice): void {
    const key = ownedServiceKey(slice);
    if (key !== undefined) queue.add(key);
  }

  async function sync(key: string): Promise<void> {
    await Promise.all([serviceInformer.synced(), podInformer.synced(), nodeInformer.synced(), sliceInformer.synced()]);
    const service = serviceInformer.get(key);
    // slices of a vanished Service go by garbage collection; without a selector they are somebody else's
    if (service === undefined || !hasManagedEndpoints(service)) {
      topologyReports.forget(key);
      return;
    }
    const namespace = service.metadata?.namespace ?? '';
    const plan = reconcileSlices({
      service,
      pods: podsByNamespace.get(namespace),
      nodes: new Map(nodeInformer.list().map((node) => [node.metadata?.name ?? '', node])),
      existing: slicesByService.get(key),
      triggerTime: triggers.get(key),
    });
    triggers.delete(key);
    topologyReports.report(service, plan.topology);
    try {
      const stored = await Promise.all([
        ...plan.create.map((slice) => client.create(endpointSlices, slice, { namespace })),
        ...plan.update.map((slice) => client.update(endpointSlices, slice, { namespace })),
      ]);
      await Promise.all(plan.remove.map((slice) => removeSlice(slice)));
      await untilSeen(sliceInformer, { stored, removed: plan.remove });
    } catch (error) {
      tellFailure(service, error);
      throw error;
    }
    if (plan.missingNodes.length > 0) {
      logger.warn({ service: key, nodes: plan.missingNodes }, 'pods of missing nodes are left out of the endpoints');
      queue.addAfter(key, missingNodeRetryMs);
    }
  }

  async function removeSlice(slice: EndpointSlice): Promise<void> {
    await unlessGone(client.delete(endpointSlices, slice.metadata?.name ?? '', { namespace: slice.metadata?.namespace }));
  }

  /** A namespace that is going away refuses new slices; that is no news. */
  function tellFailure(service: Service, error: unknown): void {
    const text = messageOf(error);
    if (text.includes('being terminated')) return;
    events.event(
      service,
      'Warning',
      'FailedToUpdateEndpointSlices',
      `Error updating Endpoint Slices for Service ${keyOf(service)}: ${text}`,
    );
  }

  return createController(queue, subscriptions);
}

/** `namespace/service` of a slice that this controller manages. */
function ownedServiceKey(slice: EndpointSlice): string | undefined {
  const { labels, namespace } = slice.metadata ?? {};
  const service = labels?.[serviceNameLabel];
  return service === undefined || labels?.[managedByLabel] !== sliceControllerName ? undefined : `${namespace ?? ''}/${service}`;
}

function zoneOf(node: Node): string | undefined {
  return node.metadata?.labels?.['topology.kubernetes.io/zone'];
}
