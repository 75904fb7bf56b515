import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalQuantity, formatQuantity, parseQuantity, quantityToNumber } from './quantity.ts';

for (const [text, want] of [
  ['0', '0'],
  ['0.5', '500m'],
  ['1000m', '1'],
  ['1500m', '1500m'],
  ['1000', '1k'],
  ['1024', '1024'],
  ['1Ki', '1Ki'],
  ['1024Ki', '1Mi'],
  ['1.5Gi', '1536Mi'],
  ['0.5Ki', '512'],
  ['1e3', '1e3'],
  ['1.2E4', '12e3'],
  ['-0.1', '-100m'],
  ['100n', '100n'],
  ['0.1n', '1n'],
  ['.5', '500m'],
  ['5.', '5'],
  ['+1', '1'],
  [4, '4'],
  ['1M', '1M'],
  ['100000Ei', '9223372036854775807'],
] as const)
  test(`the quantity ${text} is written ${want}`, () => {
    assert.equal(canonicalQuantity(text), want);
  });

for (const text of ['', 'x', '1x', '1 ', '1.2.3', '--1', '1ki', '1K', 'e3'])
  test(`${JSON.stringify(text)} is no quantity`, () => {
    assert.equal(parseQuantity(text), undefined);
  });

test('writing a quantity keeps its value, and the text is stable', () => {
  const suffix = fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e3', 'e-3');
  fc.assert(
    fc.property(fc.integer({ min: -100_000, max: 100_000 }), suffix, (mantissa, unit) => {
      const quantity = parseQuantity(`${mantissa}${unit}`);
      assert.ok(quantity !== undefined);
      const text = formatQuantity(quantity);
      assert.equal(parseQuantity(text)?.nanos, quantity.nanos);
      assert.equal(canonicalQuantity(text), text);
    }),
  );
});

test('quantities become numbers', () => {
  assert.equal(quantityToNumber('250m'), 0.25);
  assert.equal(quantityToNumber('64Mi'), 67_108_864);
  assert.equal(quantityToNumber(undefined), 0);
});
