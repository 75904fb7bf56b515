import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  addToIp,
  cidrContains,
  cidrRange,
  formatCidr,
  formatIp,
  maskCidr,
  mustParseCidr,
  mustParseIp,
  parseCidr,
  parseIp,
} from './ip.ts';

test('texts that Kubernetes refuses are not addresses', () => {
  for (const text of [
    '',
    '10.1',
    '010.0.0.1',
    '0x7f.0.0.1',
    '256.0.0.1',
    '1.2.3.4 ',
    '1.2.3.4.5',
    ':',
    ':::',
    '1::2::3',
    'fe80::1%eth0',
    '12345::',
    '1:2:3:4:5:6:7',
    '::1.2.3',
    '1.2.3.4::',
  ]) {
    assert.equal(parseIp(text), undefined, text);
  }
});

test('IPv6 prints as RFC 5952 wants', () => {
  const table = [
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:2:3:4:5:6:0:8', '1:2:3:4:5:6:0:8'],
    ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ] as const;
  for (const [text, want] of table) assert.equal(formatIp(mustParseIp(text)), want);
});

test('parsing agrees with net.isIP on arbitrary text and survives a round trip', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ unit: fc.constantFrom(...'0123456789abf:./') })), (text) => {
      const ip = parseIp(text);
      assert.equal(ip === undefined ? 0 : ip.family === 'IPv4' ? 4 : 6, isIP(text), text);
      if (ip !== undefined) assert.deepEqual(parseIp(formatIp(ip)), ip);
    }),
  );
});

test('prefixes know their range and their members', () => {
  const cidr = mustParseCidr('10.96.5.7/16');
  assert.equal(formatCidr(maskCidr(cidr)), '10.96.0.0/16');
  assert.equal(formatIp(cidrRange(cidr).last), '10.96.255.255');
  assert.equal(cidrContains(cidr, mustParseIp('10.96.255.1')), true);
  assert.equal(cidrContains(cidr, mustParseIp('10.97.0.1')), false);
  assert.equal(cidrContains(cidr, mustParseIp('::1')), false);
  assert.equal(parseCidr('10.0.0.0/33'), undefined);
  assert.equal(parseCidr('10.0.0.0/08'), undefined);
  assert.equal(formatIp(addToIp(mustParseIp('10.0.0.255'), 1)), '10.0.1.0');
});
