import { test } from 'node:test';
import assert from 'node:assert/strict';
import { LabError } from './errors.ts';
import { maxNodes, planNode } from './node-plan.ts';

const planned = (index: number, ...podCidrs: string[]): { name: string; index: number; podCidrs: string[] } => ({
  name: `node-${index}`,
  index,
  podCidrs: podCidrs.length === 0 ? [`10.244.${index}.0/24`] : podCidrs,
});

test('a node without prefixes gets the first free index and its prefixes, one of each family', () => {
  assert.deepEqual(planNode({ name: 'x' }, [planned(1), planned(3)], ['IPv4']), { index: 2, podCidrs: ['10.244.2.0/24'] });
  assert.deepEqual(planNode({ name: 'x' }, [], ['IPv4', 'IPv6']), {
    index: 1,
    podCidrs: ['10.244.1.0/24', 'fd00:10:244:1::/64'],
  });
});

test('a node that brings its prefixes gets the index that they stand for, so that its address stays over a restart', () => {
  assert.deepEqual(planNode({ name: 'x', podCidrs: ['10.244.4.0/24'] }, [], ['IPv4']), {
    index: 4,
    podCidrs: ['10.244.4.0/24'],
  });
  assert.equal(planNode({ name: 'x', podCidrs: ['192.168.7.0/24'] }, [planned(1)], ['IPv4']).index, 2);
});

test('an index whose prefixes another node has is passed over', () => {
  assert.equal(planNode({ name: 'x' }, [planned(1), planned(5, '10.244.2.0/25')], ['IPv4']).index, 3);
});

test('a node with prefixes of another node, or of the lab, is refused by name', () => {
  for (const [cidr, owner] of [
    ['10.244.1.0/24', 'node-1'],
    ['10.244.1.128/25', 'node-1'],
    ['10.244.0.0/16', 'node-1'],
    ['0.0.0.0/0', 'node-1'],
    ['10.0.3.0/24', 'the lab itself'],
    ['10.0.8.0/30', 'the lab itself'],
  ] as const) {
    assert.throws(
      () => planNode({ name: 'x', podCidrs: [cidr] }, [planned(1)], ['IPv4']),
      (error) => error instanceof LabError && error.facts.code === 'overlap' && error.message.includes(`: ${owner} has`),
      cidr,
    );
  }
});

test('what is no prefix and one node too many are refused', () => {
  assert.throws(() => planNode({ name: 'x', podCidrs: ['garbage'] }, [], ['IPv4']), /garbage.*is no prefix/);
  const full = Array.from({ length: maxNodes }, (_each, index) => planned(index + 1));
  assert.throws(() => planNode({ name: 'x' }, full, ['IPv4']), /room for 254 nodes/);
});
