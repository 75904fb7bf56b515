import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../../api/index.ts';
import { matchesNodeSelector, matchesRequiredNodes } from './node-affinity.ts';

const node: Node = { metadata: { name: 'n', labels: { disk: 'ssd', cores: '9007199254740993' } } };

test('a requirement is met by the label, or by its absence', () => {
  const table: readonly [key: string, operator: string, values: string[], want: boolean][] = [
    ['disk', 'In', ['ssd', 'hdd'], true],
    ['disk', 'NotIn', ['ssd'], false],
    ['disk', 'Exists', [], true],
    ['none', 'Exists', [], false],
    ['none', 'DoesNotExist', [], true],
    ['none', 'NotIn', ['x'], true],
    ['cores', 'Gt', ['9007199254740992'], true],
    ['cores', 'Lt', ['9007199254740994'], true],
    ['cores', 'Gt', ['many'], false],
    ['disk', 'Gt', ['1'], false],
    // what every object seems to have is no label
    ['constructor', 'Exists', [], false],
    ['toString', 'DoesNotExist', [], true],
    ['disk', 'Nonsense', ['ssd'], false],
  ];
  for (const [key, operator, values, want] of table) {
    const selector = { nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }] };
    assert.equal(matchesNodeSelector(selector, node), want, `${key} ${operator} ${values.join(',')}`);
  }
});

test('a nodeSelector asks for labels of the node, whatever they are called', () => {
  const matches = (nodeSelector: Record<string, string>): boolean => matchesRequiredNodes({ containers: [], nodeSelector }, node);
  assert.equal(matches({ disk: 'ssd' }), true);
  assert.equal(matches({ disk: 'hdd' }), false);
  assert.equal(matches({ constructor: 'x' }), false);
});
