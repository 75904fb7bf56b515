import { test } from 'node:test';
import assert from 'node:assert/strict';
import { mustParseCidr } from '../net/index.ts';
import { createIpPool } from './ip-pool.ts';

test('addresses start after network and gateway and come in order', () => {
  const pool = createIpPool([mustParseCidr('10.244.1.0/24'), mustParseCidr('fd00:10:244:1::/64')]);
  assert.deepEqual(pool.allocate(), ['10.244.1.2', 'fd00:10:244:1::2']);
  assert.deepEqual(pool.allocate(), ['10.244.1.3', 'fd00:10:244:1::3']);
});

test('a released address is used again only after the others', () => {
  const pool = createIpPool([mustParseCidr('10.0.0.0/29')]);
  const first = pool.allocate() ?? [];
  pool.release(first);
  assert.deepEqual(pool.allocate(), ['10.0.0.3']);
  assert.deepEqual(
    [pool.allocate(), pool.allocate(), pool.allocate(), pool.allocate()],
    [['10.0.0.4'], ['10.0.0.5'], ['10.0.0.6'], ['10.0.0.2']],
  );
});

test('a full pool gives nothing and takes nothing', () => {
  const pool = createIpPool([mustParseCidr('fd00::/64'), mustParseCidr('10.0.0.0/30')]);
  assert.ok(pool.allocate());
  assert.equal(pool.allocate(), undefined);
  assert.equal(pool.usedCount, 2);
});

test('a preferred address is kept when it is free and in the range', () => {
  const pool = createIpPool([mustParseCidr('10.244.1.0/24')]);
  assert.deepEqual(pool.allocate(['10.244.1.77']), ['10.244.1.77']);
  assert.deepEqual(pool.allocate(['10.244.1.77']), ['10.244.1.2']);
  assert.deepEqual(pool.allocate(['10.9.9.9']), ['10.244.1.3']);
  assert.deepEqual(pool.allocate(['10.244.1.1']), ['10.244.1.4'], 'the gateway is never given');
});
