import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mustParseIp } from '../net/index.ts';
import { addressToWire, encodeName, formatName, labelsOf, reverseNameOf, stripZone } from './wire-name.ts';

test('any labels survive encoding, printing and encoding again', () => {
  const label = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 63,
  });
  fc.assert(
    fc.property(fc.array(label, { minLength: 1, maxLength: 3 }), (labels) => {
      const wire = labels.map((text) => String.fromCharCode(text.length) + text).join('');
      assert.deepEqual(labelsOf(wire), labels);
      assert.equal(encodeName(formatName(wire)), wire);
      assert.equal(encodeName(`${formatName(wire)}.`), wire);
    }),
  );
});

test('names that cannot be on the wire are refused', () => {
  for (const text of ['a..b', '.a', 'a'.repeat(64), 'abcdefg.'.repeat(32), 'é\u0100', '\\256.a', 'a\\']) {
    assert.equal(encodeName(text), undefined, text);
  }
  assert.equal(encodeName(''), '');
  assert.equal(encodeName('.'), '');
});

test('a zone is stripped at a label boundary only', () => {
  const zone = '\x07cluster\x05local';
  assert.equal(stripZone(`\x03web${zone}`, zone), '\x03web');
  assert.equal(stripZone(zone, zone), '');
  assert.equal(stripZone(`\x10ab${zone}`, zone), undefined, 'the zone stands inside a label');
  assert.equal(stripZone('\x08xcluster\x05local', zone), undefined);
});

test('reverse names follow RFC 1035 and RFC 3596', () => {
  assert.equal(formatName(reverseNameOf(addressToWire(mustParseIp('10.96.0.1')))), '1.0.96.10.in-addr');
  assert.equal(
    formatName(reverseNameOf(addressToWire(mustParseIp('2001:db8::567:89ab')))),
    'b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6',
  );
});
