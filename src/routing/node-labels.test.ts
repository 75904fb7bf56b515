import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../api/index.ts';
import { endpointTopologyValue, hostnameLabel, nodeTopologyValue, zoneLabel } from './node-labels.ts';

const labelled: Node = { metadata: { name: 'n1', labels: { [zoneLabel]: 'a', rack: '7', constructor: 'x' } } };
const bare: Node = { metadata: { name: 'n2', labels: {} } };

test('a topology key is worth what the label says', () => {
  const table: readonly [node: Node | undefined, key: string, want: string | undefined][] = [
    [labelled, 'rack', '7'],
    [labelled, zoneLabel, 'a'],
    [labelled, 'kubernetes.io/zone', 'a'],
    [labelled, hostnameLabel, 'n'],
    [labelled, 'constructor', 'x'],
    [labelled, 'toString', undefined],
    [bare, 'constructor', undefined],
    [bare, 'kubernetes.io/zone', undefined],
    [undefined, hostnameLabel, 'n'],
    [undefined, 'constructor', undefined],
  ];
  for (const [node, key, want] of table) assert.equal(nodeTopologyValue(node, 'n', key), want, key);
});

test('two nodes without a label do not agree in it, whatever it is called', () => {
  const nodes = new Map([['n2', bare]]);
  for (const key of ['constructor', 'toString', 'hasOwnProperty'])
    assert.equal(endpointTopologyValue(nodes, { nodeName: 'n2', zone: 'a' }, key), undefined, key);
});
