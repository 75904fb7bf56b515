/** Services in the registry: allocation around every write, IPAddress objects, and the Endpoints that go with a Service. */
import type { IPAddress, Service, ServiceCIDR } from '../../api/index.ts';
import { endpoints, ipAddresses, serviceCidrs, services } from '../../api/index.ts';
import type { IpFamily } from '../../net/index.ts';
import type { IpAddressStore, PortRange, ServiceStrategy, ServiceTransaction } from '../allocation/index.ts';
import { createServiceStrategy, IpAllocator, PortAllocator } from '../allocation/index.ts';
import { servedOf } from '../registry/catalog.ts';
import type { Behaviour, PreparedWrite, RegistryContext, WriteRequest } from '../registry/context.ts';
import { createObject } from '../registry/create.ts';
import { removeObject } from '../registry/remove.ts';
import { assertCreatable, assertReplaceable } from '../registry/rules.ts';
import type { ApiObject } from '../store/index.ts';
import { storeKey, storePrefix } from '../store/index.ts';

export interface ServiceBehaviourOptions {
  /** Primary family first. */
  readonly families: readonly IpFamily[];
  readonly nodePortRange: PortRange;
}

const internalWrite: WriteRequest = { isDryRun: false, warn: () => undefined };

/** The behaviour of Services. Call `repair` once the ServiceCIDRs are in the store and before the first write. */
export function createServiceBehaviour(
  context: RegistryContext,
  options: ServiceBehaviourOptions,
): { readonly behaviour: Behaviour; repair(): void } {
  const strategy = createServiceStrategy({
    ips: new IpAllocator({
      addresses: storedAddresses(context),
      serviceCidrs: () => listOf<ServiceCIDR>(context, storePrefix(serviceCidrs.group, serviceCidrs.plural)),
      random: Math.random,
    }),
    ports: new PortAllocator({ range: options.nodePortRange, random: Math.random }),
    families: options.families,
  });
  return {
    behaviour: behaviourOver(context, strategy),
    repair: () => {
      const live = listOf<Service>(context, storePrefix(services.group, services.plural));
      for (const finding of strategy.repair(live)) context.logger.warn({ ...finding }, 'a Service and the allocators disagree');
    },
  };
}

function behaviourOver(context: RegistryContext, strategy: ServiceStrategy): Behaviour {
  const served = servedOf(services);
  const prepared = (transaction: ServiceTransaction, request: WriteRequest, previous?: Service): PreparedWrite => ({
    object: withoutUndefined(transaction.object) as ApiObject,
    commit: () => {
      transaction.commit();
      for (const text of strategy.warnings(transaction.object, previous)) request.warn(text);
    },
    rollback: () => transaction.rollback(),
  });
  return {
    // The rules of the strategy begin below metadata.
    beginCreate: (object, request) => {
      assertCreatable(served, object);
      return prepared(strategy.beginCreate(object as Service, { dryRun: request.isDryRun }), request);
    },
    beginUpdate: (next, previous, request) => {
      assertReplaceable(served, next, previous);
      const transaction = strategy.beginUpdate(next as Service, previous as Service, { dryRun: request.isDryRun });
      return prepared(transaction, request, previous as Service);
    },
    beginStatusUpdate: (next, previous) =>
      withoutUndefined(strategy.prepareStatusUpdate(next as Service, previous as Service)) as ApiObject,
    released: (object) => {
      strategy.released(object as Service);
      const { namespace = '', name = '' } = object.metadata ?? {};
      const stored = context.store.get(storeKey(endpoints.group, endpoints.plural, namespace, name));
      if (stored !== undefined) removeObject(context, servedOf(endpoints), stored);
    },
  };
}

/** IPAddress objects are ordinary objects of the store: users see them, and may delete them. */
function storedAddresses(context: RegistryContext): IpAddressStore {
  const served = servedOf(ipAddresses);
  const keyOf = (name: string): string => storeKey(ipAddresses.group, ipAddresses.plural, '', name);
  return {
    get: (name) => context.store.get(keyOf(name))?.object as IPAddress | undefined,
    create: (address) => {
      createObject(context, served, '', address, internalWrite);
    },
    delete: (name) => {
      const stored = context.store.get(keyOf(name));
      if (stored !== undefined) removeObject(context, served, stored);
    },
    list: () => listOf<IPAddress>(context, storePrefix(ipAddresses.group, ipAddresses.plural)),
  };
}

function listOf<T>({ store }: RegistryContext, prefix: string): T[] {
  return store.list(prefix).items.map(({ object }) => object as T);
}

/** The rules write "absent" as undefined; the store keeps JSON. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([name, member]) => [name, withoutUndefined(member)]),
  );
}
