import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Node, Service } from '../api/index.ts';
import { allocateZones, usesTopologyMode, zoneSharesOf } from './topology-hints.ts';
import type { HintedEndpoint, ZoneShares } from './topology-hints.ts';

/** `name zone cpu`, with `!` before the name of a node that is not ready and `*` before one of the control plane. */
function node(text: string): Node {
  const [name = '', zone = '', cpu = ''] = text.split(' ');
  const labels = {
    ...(zone === '-' ? {} : { 'topology.kubernetes.io/zone': zone }),
    ...(name.startsWith('*') ? { 'node-role.kubernetes.io/control-plane': '' } : {}),
  };
  return {
    metadata: { name, labels },
    status: {
      conditions: [{ type: 'Ready', status: name.startsWith('!') ? 'False' : 'True' }],
      ...(cpu === '-' ? {} : { allocatable: { cpu } }),
    },
  };
}

/** Zones of endpoints as one letter each; `a>b` is in a and hinted for b now. */
function endpoints(text: string): HintedEndpoint[] {
  return text.split(' ').map((part, index) => {
    const [zone = '', hint] = part.split('>');
    return { id: String(index).padStart(3, '0'), ...(zone === '-' ? {} : { zone }), ...(hint === undefined ? {} : { hint }) };
  });
}

const shares = (values: Readonly<Record<string, number>>): ZoneShares => ({ shares: new Map(Object.entries(values)) });

describe('shares of zones', () => {
  const insufficient = 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
  const cases: readonly (readonly [name: string, nodes: readonly string[], want: Readonly<Record<string, number>> | string])[] = [
    ['follow the CPUs', ['n1 a 1', 'n2 a 1', 'n3 b 2000m', 'n4 c 4'], { a: 0.25, b: 0.25, c: 0.5 }],
    ['control plane and not-ready nodes do not count', ['n1 a 1', 'n2 b 1', '*n3 c 8', '!n4 b 8'], { a: 0.5, b: 0.5 }],
    ['B19: a node without a zone', ['n1 a 1', 'n2 b 1', 'n3 - 1'], insufficient],
    ['B19: a node without CPU', ['n1 a 1', 'n2 b 1', 'n3 c -'], insufficient],
    ['a not-ready node without either is no matter', ['n1 a 1', 'n2 b 1', '!n3 - -'], { a: 0.5, b: 0.5 }],
    ['B19: one zone', ['n1 a 1', 'n2 a 1'], 'Nodes only ready in one zone'],
    ['no nodes', [], 'Nodes only ready in one zone'],
  ];
  for (const [name, nodes, want] of cases) {
    test(name, () => {
      const found = zoneSharesOf(nodes.map(node));
      assert.deepEqual(found.refusal ?? Object.fromEntries(found.shares), want);
    });
  }
});

describe('allocation', () => {
  const even = { a: 1 / 3, b: 1 / 3, c: 1 / 3 };
  const half = { a: 0.5, b: 0.5 };
  const cases: readonly (readonly [name: string, table: Readonly<Record<string, number>>, given: string, want: string])[] = [
    ['each in its own zone', even, 'a b c', 'a b c'],
    ['B18: two endpoints in two zones', half, 'a b', 'a b'],
    ['B18: two endpoints, three zones', even, 'a b', 'Insufficient number of endpoints (2 endpoints, 3 zones)'],
    [
      'B18: shares that three endpoints cannot meet',
      { a: 0.45, b: 0.45, c: 0.1 },
      'a b c',
      'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 3 zones)',
    ],
    [
      'four, four and three are refused, as upstream does: each zone would need four',
      even,
      'a a a a b b b b c c c',
      'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (11 endpoints, 3 zones)',
    ],
    ['one zone gives what another lacks, the first by name', half, 'a a a b', 'b a a b'],
    ['all in one zone', even, 'a a a a a a', 'b c b c a a'],
    ['unequal shares', { a: 0.75, b: 0.25 }, 'a a b b', 'a a a b'],
    ['a zone that no node counts in gives all', half, 'x x a b', 'a b a b'],
    ['hints that are within the limits stay', half, 'a>b a>b b>a b>a', 'b b a a'],
    [
      'a new endpoint goes to its own zone beside them',
      half,
      'a>b a>a b>b b>a a>a b>b a>a b>b a>a b>b a a',
      'b a b a a b a b a b a a',
    ],
    ['hints for a zone that is gone do not', half, 'a>z b>b a b', 'a b a b'],
    ['hints that leave a zone without do not', half, 'a>a a>a b>a b>a', 'a a b b'],
    ['what must move anyway moves where it is hinted already', half, 'a a a>b b>z', 'a a b b'],
    ['an endpoint without a zone', half, 'a b - a', 'One or more endpoints do not have a zone specified'],
  ];
  for (const [name, table, given, want] of cases) {
    test(name, () => {
      const found = allocateZones(endpoints(given), shares(table));
      assert.equal(found.refusal ?? found.zones.join(' '), want);
    });
  }

  test('no zone is overloaded, none goes without, and doing it again changes nothing', () => {
    const zone = fc.constantFrom('a', 'b', 'c');
    fc.assert(
      fc.property(
        fc.array(zone, { minLength: 3, maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 16 }), { minLength: 3, maxLength: 3 }),
        (zones, cpus) => {
          const total = cpus.reduce((sum, cpu) => sum + cpu, 0);
          const table = { a: (cpus[0] ?? 0) / total, b: (cpus[1] ?? 0) / total, c: (cpus[2] ?? 0) / total };
          const given = endpoints(zones.join(' '));
          const found = allocateZones(given, shares(table));
          if (found.refusal !== undefined) return;
          for (const [name, share] of Object.entries(table)) {
            const count = found.zones.filter((candidate) => candidate === name).length;
            assert.ok(count > 0, `${name} has none of ${found.zones.join(' ')}`);
            const load = share / count / (1 / zones.length);
            assert.ok(load < 1.2 + 0.5, `an endpoint for ${name} bears ${load} of its share`);
          }
          const again = allocateZones(
            given.map((one, index) => ({ ...one, hint: found.zones[index] ?? '' })),
            shares(table),
          );
          assert.deepEqual(again, found);
        },
      ),
    );
  });
});

test('who asks for it', () => {
  const service = (annotations: Record<string, string>): Service => ({ metadata: { annotations } });
  assert.equal(usesTopologyMode(service({ 'service.kubernetes.io/topology-mode': 'Auto' })), true);
  assert.equal(usesTopologyMode(service({ 'service.kubernetes.io/topology-aware-hints': 'auto' })), true);
  assert.equal(usesTopologyMode(service({ 'service.kubernetes.io/topology-mode': 'Disabled' })), false);
  assert.equal(usesTopologyMode({}), false);
  assert.equal(
    usesTopologyMode(
      service({ 'service.kubernetes.io/topology-aware-hints': 'Disabled', 'service.kubernetes.io/topology-mode': 'Auto' }),
    ),
    false,
    'the deprecated name is read first',
  );
});
