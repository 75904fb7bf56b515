import { hasCode } from '../observe/index.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errnoName, isNoSuchThing, LinuxError } from './errors.ts';
import { decodeSocketAddress, encodeNetlinkAddress, encodeSocketAddress } from './socket-address.ts';

test('addresses read back as written', () => {
  for (const [address, port, bytes] of [
    ['10.1.2.3', 8080, 16],
    ['fd00::7', 53, 28],
    ['0.0.0.0', 0, 16],
  ] as const) {
    const encoded = encodeSocketAddress(address, port);
    assert.equal(encoded.length, bytes);
    assert.deepEqual(decodeSocketAddress(encoded), { address, port });
  }
  assert.deepEqual(encodeSocketAddress('10.1.2.3', 8080).subarray(0, 8), Uint8Array.of(2, 0, 0x1f, 0x90, 10, 1, 2, 3));
});

test('what is no address is refused, and other families are not decoded', () => {
  assert.throws(() => encodeSocketAddress('localhost', 1), TypeError);
  assert.equal(decodeSocketAddress(encodeNetlinkAddress()), undefined);
  assert.deepEqual(encodeNetlinkAddress(7, 0x40), Uint8Array.of(16, 0, 0, 0, 7, 0, 0, 0, 0x40, 0, 0, 0));
});

test('errno numbers have their usual names', () => {
  assert.deepEqual([2, 11, 17, 85, 90, 95, 105, 524, 9999].map(errnoName), [
    'ENOENT',
    'EAGAIN',
    'EEXIST',
    'ERESTART',
    'EMSGSIZE',
    'EOPNOTSUPP',
    'ENOBUFS',
    'ENOTSUPP',
    'E9999',
  ]);
  const error = new LinuxError('open', { code: 'ENOENT', errno: 2, call: 'open' });
  assert.ok(isNoSuchThing(error));
  assert.ok(!hasCode(error, 'EPERM'));
  assert.ok(!hasCode(new Error('ENOENT'), 'ENOENT'));
});
