/** The order in which the index hears of what the informers read first. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointSlices, namespaces, services } from '../../api/index.ts';
import type { Resource } from '../../api/index.ts';
import type { Informer, InformerHandler, KubeObject } from '../../client/index.ts';
import { namespaceOf, serviceOf, sliceOf } from '../../names/sample-objects.ts';
import { followInformers } from './feed.ts';

/** Holds one object, and is as far as it is told to be. */
function informerOf<T extends KubeObject>(resource: Resource<T>, object: T) {
  const handlers = new Set<InformerHandler<T>>();
  const { promise, resolve } = Promise.withResolvers<void>();
  const informer: Informer<T> = {
    resource,
    get: () => object,
    list: () => [object],
    size: 1,
    hasSynced: false,
    byIndex: () => [],
    subscribe: (handler) => {
      handler.added?.(object, true);
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
    start: () => undefined,
    synced: () => promise,
  };
  return { informer, handlers, finish: resolve };
}

function world() {
  const all = {
    services: informerOf(services, serviceOf('web', {})),
    endpointSlices: informerOf(endpointSlices, sliceOf('web', ['10.1.0.1'])),
    namespaces: informerOf(namespaces, namespaceOf('default')),
  };
  const told: string[] = [];
  const feed = followInformers(
    { services: all.services.informer, endpointSlices: all.endpointSlices.informer, namespaces: all.namespaces.informer },
    ({ kind }) => void told.push(kind),
  );
  return { ...all, told, feed };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('namespaces are told when all Services and slices were', async () => {
  const { services: first, endpointSlices: second, namespaces: third, told, feed } = world();
  third.finish();
  first.finish();
  await settled();
  assert.deepEqual(told, ['service', 'slice']);
  second.finish();
  await feed.told;
  assert.deepEqual(told, ['service', 'slice', 'namespace']);
});

test('after the stop nothing is told, nor followed any more', async () => {
  const { services: first, endpointSlices: second, namespaces: third, told, feed } = world();
  feed.stop();
  first.finish();
  second.finish();
  await feed.told;
  assert.deepEqual(told, ['service', 'slice']);
  assert.deepEqual([first.handlers.size, second.handlers.size, third.handlers.size], [0, 0, 0]);
});
