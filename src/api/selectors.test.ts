import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  everything,
  labelSelectorFromObject,
  nothing,
  parseFieldSelector,
  parseLabelSelector,
  printLabelSelector,
  selectorFromMap,
} from './selectors.ts';
import { StatusError } from './status.ts';

const cases: readonly (readonly [selector: string, labels: Record<string, string>, want: boolean])[] = [
  ['', {}, true],
  ['app', { app: '' }, true],
  ['app', {}, false],
  ['!app', {}, true],
  ['!app', { app: 'x' }, false],
  ['app=web', { app: 'web' }, true],
  ['app==web', { app: 'web' }, true],
  ['app = web', { app: 'db' }, false],
  ['app!=web', {}, true],
  ['app!=web', { app: 'web' }, false],
  ['app=', { app: '' }, true],
  ['app in (web, db)', { app: 'db' }, true],
  ['app in (web,db)', {}, false],
  ['app notin (web,db)', {}, true],
  ['app notin (web,db)', { app: 'web' }, false],
  ['app in (,web)', { app: '' }, true],
  ['a=1,b=2', { a: '1', b: '2' }, true],
  ['a=1,b=2', { a: '1' }, false],
  ['!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name', { x: 'y' }, true],
  ['n>5', { n: '6' }, true],
  ['n>5', { n: '5' }, false],
  ['n<5', { n: 'x' }, false],
  ['constructor', {}, false],
];

for (const [selector, labels, want] of cases)
  test(`label selector ${JSON.stringify(selector)} ${want ? 'matches' : 'does not match'} ${JSON.stringify(labels)}`, () => {
    assert.equal(parseLabelSelector(selector).matches(labels), want);
  });

for (const selector of ['a=b=c', 'a in', 'a in (b', ',a', 'a,', '-a=b', 'a=-', 'a b', '!', 'n>x', 'a in b'])
  test(`label selector ${JSON.stringify(selector)} is refused with 400`, () => {
    assert.throws(
      () => parseLabelSelector(selector),
      (error) => error instanceof StatusError && error.httpStatus === 400,
    );
  });

test('a nil object selector matches nothing, an empty one everything', () => {
  assert.equal(labelSelectorFromObject(undefined), nothing);
  assert.equal(labelSelectorFromObject({}).matches({ a: 'b' }), true);
  assert.equal(nothing.matches({}), false);
  assert.equal(everything.matches(undefined), true);
});

test('an object selector joins its labels and its expressions', () => {
  const selector = labelSelectorFromObject({
    matchLabels: { app: 'web' },
    matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['test'] }],
  });
  assert.equal(selector.matches({ app: 'web' }), true);
  assert.equal(selector.matches({ app: 'web', tier: 'test' }), false);
  assert.equal(printLabelSelector(selector), 'app=web,tier!=test');
});

test('printing a map selector and parsing it again selects the same objects', () => {
  const label = fc.stringMatching(/^[a-z]([a-z0-9]{0,5}[a-z0-9])?$/);
  const map = fc.dictionary(label, label);
  fc.assert(
    fc.property(map, map, (wanted, labels) => {
      const selector = selectorFromMap(wanted);
      const merged = { ...labels, ...wanted };
      assert.equal(parseLabelSelector(printLabelSelector(selector)).matches(labels), selector.matches(labels));
      assert.equal(selector.matches(merged), true);
    }),
  );
});

test('the label selector parser throws nothing but its own error', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'ab=!,()<> inot') }), (text) => {
      try {
        parseLabelSelector(text);
      } catch (error) {
        assert.ok(error instanceof StatusError);
      }
    }),
  );
});

test('field selectors compare printed values, and absent ones as empty', () => {
  const selector = parseFieldSelector('spec.nodeName=node-1,status.phase!=Running');
  assert.equal(selector.matches({ 'spec.nodeName': 'node-1', 'status.phase': 'Pending' }), true);
  assert.equal(selector.matches({ 'spec.nodeName': 'node-1', 'status.phase': 'Running' }), false);
  assert.equal(parseFieldSelector('a=').matches({}), true);
  assert.equal(selector.exactValue('spec.nodeName'), 'node-1');
  assert.equal(selector.exactValue('status.phase'), undefined);
});

test('field selector values are unescaped', () => {
  assert.equal(parseFieldSelector(String.raw`a=x\,y\=z\\`).matches({ a: 'x,y=z\\' }), true);
});

for (const selector of ['a', 'a=b\\c', 'a=b=c'])
  test(`field selector ${JSON.stringify(selector)} is refused with 400`, () => {
    assert.throws(
      () => parseFieldSelector(selector),
      (error) => error instanceof StatusError && error.httpStatus === 400,
    );
  });
