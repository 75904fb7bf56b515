import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Explanation } from './explanation.ts';
import { printExplanation } from './print.ts';

const base: Explanation = {
  target: 'web',
  from: 'pod/default/client',
  node: 'node-1',
  outcome: 'endpoints',
  summary: 'one of 2 endpoints gets the connection',
  steps: [],
  candidates: [],
  excluded: [],
  findings: [],
  assumptions: [],
};
const long = 'a sentence of many words that go on and on '.repeat(6).trim();

test('sentences are wrapped at 120 columns, below their first word', () => {
  const text = printExplanation({
    ...base,
    steps: [{ code: 'note', text: long }],
    summary: long,
    findings: [{ kind: 'warning', code: 'port-not-declared', text: long }],
    assumptions: [long],
    excluded: [{ address: '10.244.1.2', port: 8080, pod: 'default/web-1', node: 'node-1', code: 'not-ready', reason: long }],
  });
  const lines = text.split('\n');
  assert.ok(Math.max(...lines.map((line) => line.length)) <= 120, text);
  assert.ok(lines.some((line) => line.startsWith('  1. a sentence')));
  assert.ok(lines.some((line) => /^ {5}\S/.test(line)));
  assert.equal(text.replaceAll(/\s+/g, ' ').split(long).length, 6, 'no word is lost');
});

test('a word that is longer than the line stands alone, unbroken', () => {
  const name = `${'x'.repeat(150)}.svc`;
  const text = printExplanation({ ...base, summary: `the name ${name} is long` });
  assert.ok(text.split('\n').some((line) => line.trim() === name));
});

test('long lists end in a count, in the text alone', () => {
  const excluded = Array.from({ length: 27 }, (_, index) => ({
    address: `10.244.1.${index}`,
    port: 80,
    code: 'other-node',
    reason: 'elsewhere',
  }));
  const candidates = Array.from({ length: 21 }, (_, index) => ({
    address: `10.244.2.${index}`,
    port: 80,
    share: 1 / 21,
    reason: 'ready',
    seenAs: [{ source: 'kept' as const }],
  }));
  const text = printExplanation({ ...base, candidates, excluded });
  assert.match(text, /… and 7 more/);
  assert.match(text, /… and 1 more/);
  assert.equal(text.split('\n').filter((line) => line.includes('elsewhere')).length, 20);
  assert.equal(
    printExplanation({ ...base, excluded }, { maxRows: 100 })
      .split('\n')
      .filter((line) => line.includes('elsewhere')).length,
    27,
  );
});

test('causes stand below the summary, warnings at the end', () => {
  const text = printExplanation({
    ...base,
    summary: 'refused at once',
    findings: [
      { kind: 'warning', code: 'object-refused', text: 'something else' },
      { kind: 'cause', code: 'selector-matches-nothing', text: 'nobody is selected' },
    ],
    excluded: [{ code: 'finished', reason: 'it has finished', pod: 'default/p' }],
  });
  const order = ['=> refused at once', 'because nobody is selected', 'not used:', 'note: something else'].map((part) =>
    text.indexOf(part),
  );
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    order,
    text,
  );
  assert.ok(order.every((at) => at >= 0));
});
