/** Gives Services of type LoadBalancer their addresses, as a cloud's controller would. Decisions: candidates.ts, address-pool.ts. */
import { isNotFound, nodes, services, isEqualJson } from '../../api/index.ts';
import type { LoadBalancerIngress, Node, Service } from '../../api/index.ts';
import { EventRecorder, keyOf, WorkQueue } from '../../client/index.ts';
import { ipFamilyOf } from '../../net/index.ts';
import type { Cidr, IpFamily } from '../../net/index.ts';
import { CodedError, messageOf } from '../../observe/index.ts';
import { createController } from '../controller.ts';
import type { Controller, ControllerContext } from '../controller.ts';
import { hasSeenWrite, untilHolds } from '../until-holds.ts';
import { AddressPool } from './address-pool.ts';
import type { PoolFault } from './address-pool.ts';
import { cleanupFinalizer, isCandidateNode, wantsLoadBalancer } from './candidates.ts';
import type { LoadBalancerProvider } from './provider.ts';

export interface LoadBalancerOptions {
  /** Prefixes that addresses come from, one per family or more. */
  readonly pools: readonly Cidr[];
  /** Who carries the packets; absent, addresses are given all the same. */
  readonly provider?: LoadBalancerProvider | undefined;
}

/** Thrown within a sync when there is no address to give; becomes the SyncLoadBalancerFailed event. */
class AddressError extends CodedError<{ readonly code: PoolFault; readonly family: IpFamily }> {}

const component = 'service-controller';

/** Runs until `stop`. */
export function startLoadBalancerController(
  { client, informers, clock, logger }: ControllerContext,
  options: LoadBalancerOptions,
): Controller {
  const informer = informers.of(services);
  const nodeInformer = informers.of(nodes);
  const events = new EventRecorder(client, component, { logger, clock });
  const pool = new AddressPool(options.pools);
  /** What the provider was told last, by key: addresses, nodes and the parts of the Service that matter to it. */
  const told = new Map<string, string>();
  let hasClaimed = false;

  const queue = new WorkQueue({ name: 'loadbalancers', process: sync, maxBackoffMs: 30_000 }, { logger });
  const addAll = (): void => {
    for (const service of informer.list()) if (wantsLoadBalancer(service)) queue.add(keyOf(service));
  };
  const subscriptions = [
    informer.subscribe({
      added: (service) => queue.add(keyOf(service)),
      updated: (_before, after) => queue.add(keyOf(after)),
      deleted: (service) => {
        queue.add(keyOf(service));
      },
    }),
    nodeInformer.subscribe({
      added: addAll,
      updated: (before, after) => {
        if (isCandidateNode(before) !== isCandidateNode(after) || !isEqualJson(before.status?.addresses, after.status?.addresses))
          addAll();
      },
      deleted: addAll,
    }),
  ];

  async function sync(key: string): Promise<void> {
    await Promise.all([informer.synced(), nodeInformer.synced()]);
    claimKnownAddresses();
    const service = informer.get(key);
    if (service === undefined) {
      await forget(key);
      return;
    }
    if (wantsLoadBalancer(service)) await ensure(key, service);
    else if (service.metadata?.finalizers?.includes(cleanupFinalizer) === true || pool.of(key).length > 0)
      await cleanUp(key, service);
  }

  /** Addresses in statuses were given by an earlier run: before the first new one is chosen, all of them are taken. */
  function claimKnownAddresses(): void {
    if (hasClaimed) return;
    hasClaimed = true;
    const oldest = informer
      .list()
      .toSorted((a, b) => ((a.metadata?.creationTimestamp ?? '') < (b.metadata?.creationTimestamp ?? '') ? -1 : 1));
    for (const service of oldest) {
      if (service.spec?.loadBalancerClass !== undefined) continue;
      for (const { ip } of service.status?.loadBalancer?.ingress ?? []) if (ip !== undefined) pool.claim(keyOf(service), ip);
    }
  }

  async function ensure(key: string, seen: Service): Promise<void> {
    const candidates = nodeInformer.list().filter(isCandidateNode).toSorted(compareNames);
    const isNew = !told.has(key);
    try {
      if (isNew) events.event(seen, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer');
      const service = await addFinalizer(seen);
      const addresses = takeAddresses(key, service);
      await tellProvider(key, service, addresses, candidates);
      await writeIngress(
        service,
        addresses.map((ip) => ({ ip, ipMode: 'VIP' })),
      );
      if (isNew) events.event(service, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer');
      if (candidates.length === 0)
        events.event(service, 'Warning', 'UnAvailableLoadBalancer', 'There are no available nodes for LoadBalancer');
    } catch (error) {
      if (isNotFound(error)) return;
      events.event(
        seen,
        'Warning',
        'SyncLoadBalancerFailed',
        `Error syncing load balancer: failed to ensure load balancer: ${messageOf(error)}`,
      );
      throw error;
    }
  }

  function takeAddresses(key: string, { spec }: Service): readonly string[] {
    const families = (spec?.ipFamilies ?? ['IPv4']).filter(
      (family): family is IpFamily => family === 'IPv4' || family === 'IPv6',
    );
    const wanted = spec?.loadBalancerIP === undefined || spec.loadBalancerIP === '' ? undefined : spec.loadBalancerIP;
    const addresses: string[] = [];
    for (const family of families) {
      const asked = wanted !== undefined && ipFamilyOf(wanted) === family ? wanted : undefined;
      const result = pool.take(key, family, asked);
      if ('address' in result) addresses.push(result.address);
      // A dual-stack Service on a single-stack lab gets what there is.
      else if (result.fault !== 'no-pool' || families.length === 1)
        throw new AddressError(describe(result.fault, family, asked), { code: result.fault, family });
    }
    pool.release(key, addresses);
    return addresses;
  }

  function describe(fault: PoolFault, family: IpFamily, asked: string | undefined): string {
    switch (fault) {
      case 'taken':
        return `loadBalancerIP ${asked} is already in use by ${pool.ownerOf(asked ?? '')}`;
      case 'outside':
        return `loadBalancerIP ${asked} is not in the load balancer's range`;
      case 'exhausted':
        return `no free ${family} load-balancer address is left`;
      case 'no-pool':
        return `there are no ${family} load-balancer addresses here`;
    }
  }

  async function tellProvider(
    key: string,
    service: Service,
    addresses: readonly string[],
    candidates: readonly Node[],
  ): Promise<void> {
    const { ports, externalTrafficPolicy, healthCheckNodePort, loadBalancerSourceRanges } = service.spec ?? {};
    const facts = JSON.stringify([
      addresses,
      candidates.map((node) => [node.metadata?.name, node.status?.addresses]),
      [ports, externalTrafficPolicy, healthCheckNodePort, loadBalancerSourceRanges],
    ]);
    const before = told.get(key);
    if (before === facts) return;
    await options.provider?.ensure(service, addresses, candidates);
    told.set(key, facts);
    if (before !== undefined) events.event(service, 'Normal', 'UpdatedLoadBalancer', 'Updated load balancer with new hosts');
  }

  async function cleanUp(key: string, service: Service): Promise<void> {
    try {
      events.event(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer');
      await forget(key);
      const kept = await writeIngress(service, []);
      await removeFinalizer(kept);
      events.event(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer');
    } catch (error) {
      if (isNotFound(error)) return;
      events.event(
        service,
        'Warning',
        'SyncLoadBalancerFailed',
        `Error syncing load balancer: failed to delete load balancer: ${messageOf(error)}`,
      );
      throw error;
    }
  }

  /** The address is free again only when the provider has let go of it. */
  async function forget(key: string): Promise<void> {
    const addresses = pool.of(key);
    if (addresses.length === 0 && !told.has(key)) return;
    await options.provider?.remove(key, addresses);
    told.delete(key);
    pool.release(key);
  }

  async function addFinalizer(service: Service): Promise<Service> {
    const finalizers = service.metadata?.finalizers ?? [];
    return finalizers.includes(cleanupFinalizer)
      ? service
      : patch(service, { metadata: { finalizers: [...finalizers, cleanupFinalizer] } });
  }

  async function removeFinalizer(service: Service): Promise<void> {
    const finalizers = service.metadata?.finalizers ?? [];
    if (!finalizers.includes(cleanupFinalizer)) return;
    await patch(service, { metadata: { finalizers: finalizers.filter((finalizer) => finalizer !== cleanupFinalizer) } });
  }

  async function writeIngress(service: Service, ingress: readonly LoadBalancerIngress[]): Promise<Service> {
    if (isEqualJson(service.status?.loadBalancer?.ingress ?? [], ingress)) return service;
    return patch(service, { status: { loadBalancer: { ingress: ingress.length === 0 ? null : ingress } } }, 'status');
  }

  async function patch(service: Service, change: Readonly<Record<string, object>>, subresource?: string): Promise<Service> {
    const { namespace, name = '', resourceVersion } = service.metadata ?? {};
    const conditional = { ...change, metadata: { ...change['metadata'], resourceVersion } };
    const stored = await client.patch(services, name, 'merge', conditional, { namespace, subresource, fieldManager: component });
    await untilHolds(informer, hasSeenWrite(informer, service, stored));
    return stored;
  }

  return createController(queue, subscriptions);
}

function compareNames(a: Node, b: Node): number {
  return (a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1;
}
