import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PortAllocator, PortOperation } from './port-allocator.ts';
import { seeded } from './service-harness.ts';

test('automatic ports come from above the static band until that is full', () => {
  const range = { first: 30_000, last: 30_063 };
  const ports = new PortAllocator({ range, random: seeded(3) });
  const operation = new PortOperation(ports, 'demo/web', false);
  const given = Array.from({ length: 64 }, () => operation.allocate() ?? 0);
  assert.ok(
    given.slice(0, 48).every((port) => port >= 30_016),
    'dynamic first',
  );
  assert.ok(
    given.slice(48).every((port) => port < 30_016),
    'static when full',
  );
  assert.equal(new Set(given).size, 64);
  assert.equal(operation.allocate(), undefined);
});

test('a rollback gives back what the operation took and nothing else', () => {
  const ports = new PortAllocator({ random: seeded(1) });
  new PortOperation(ports, 'demo/a', false).reserve(30_001);
  const operation = new PortOperation(ports, 'demo/b', false);
  assert.equal(operation.reserve(30_002), undefined);
  assert.equal(operation.reserve(30_001), 'provided port is already allocated (by Service demo/a)');
  assert.equal(operation.reserve(30_002), 'provided port is already allocated (by this Service itself)');
  operation.rollback();
  assert.deepEqual([...ports.entries()], [[30_001, 'demo/a']]);
});

test('a commit frees nothing that another Service holds, nor what the same write took', () => {
  const ports = new PortAllocator({ random: seeded(1) });
  new PortOperation(ports, 'demo/a', false).reserve(30_001);
  const operation = new PortOperation(ports, 'demo/b', false);
  operation.reserve(30_002);
  operation.commit([30_001, 30_002]);
  assert.deepEqual([...ports.entries()].length, 2);
});

test('a dry run in a range that ends at 65535 shows a free port', () => {
  const ports = new PortAllocator({ range: { first: 65_534, last: 65_535 }, random: seeded(1) });
  const operation = new PortOperation(ports, 'demo/a', true);
  const shown = [operation.allocate(), operation.allocate(), operation.allocate()];
  assert.deepEqual(new Set(shown), new Set([65_534, 65_535, undefined]));
  assert.equal(ports.entries().size, 0);
});
