import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ServiceSpec } from '../../api/index.ts';
import { clusterAddressesOf, StatusError } from '../../api/index.ts';
import { heldPorts } from './allocate-service.ts';
import type { Harness } from './service-harness.ts';
import { dualStack, harness, seeded } from './service-harness.ts';

/** Small ranges, so that conflicts and full ranges happen. */
const options = { cidrs: ['10.96.0.0/28', 'fd00::/124'], range: { first: 30_000, last: 30_009 } };

const port = fc.record(
  {
    name: fc.constantFrom('a', 'b', 'c'),
    port: fc.constantFrom(80, 81),
    protocol: fc.constantFrom('TCP', 'UDP'),
    nodePort: fc.constantFrom(0, 30_000, 30_001, 30_009, 30_010),
  },
  { requiredKeys: ['name', 'port'] },
);
const spec: fc.Arbitrary<ServiceSpec> = fc.record(
  {
    type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'),
    externalName: fc.constant('a.example'),
    clusterIP: fc.constantFrom('', 'None', '10.96.0.3', '10.96.0.15', 'fd00::3'),
    ipFamilyPolicy: fc.constantFrom('SingleStack', 'PreferDualStack', 'RequireDualStack'),
    ipFamilies: fc.constantFrom(['IPv4'], ['IPv6'], ['IPv6', 'IPv4']),
    externalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
    healthCheckNodePort: fc.constantFrom(0, 30_002, 30_003),
    allocateLoadBalancerNodePorts: fc.boolean(),
    ports: fc.uniqueArray(port, { minLength: 1, maxLength: 3, selector: ({ name }) => name }),
  },
  { requiredKeys: ['externalName', 'ports'] },
);
const name = fc.constantFrom('one', 'two', 'three', 'four');
const step = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), name, spec, dryRun: fc.boolean() }),
  fc.record({ kind: fc.constantFrom('put' as const, 'change' as const), name, spec, dryRun: fc.boolean() }),
  fc.record({ kind: fc.constant('remove' as const), name }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function take(h: Harness, step: Step): void {
  const exists = h.live.has(step.name);
  if (step.kind === 'remove') {
    if (exists) h.remove(step.name);
  } else if (step.kind === 'create') {
    if (!exists) h.create(step.name, step.spec, { dryRun: step.dryRun });
  } else if (exists) {
    h[step.kind](step.name, step.spec, { dryRun: step.dryRun });
  }
}

/** What the live Services say that they have. Throws when two say the same. */
function expected(h: Harness): ReturnType<Harness['held']> {
  const ports = new Map<number, string>();
  const addresses = new Map<string, string>();
  for (const [key, service] of h.live) {
    for (const held of heldPorts(service)) {
      assert.equal(ports.get(held), undefined, `port ${held} is given twice`);
      ports.set(held, `demo/${key}`);
    }
    for (const text of clusterAddressesOf(service)) {
      assert.equal(addresses.get(text), undefined, `address ${text} is given twice`);
      addresses.set(text, `${text} demo/${key}`);
    }
  }
  return { ports: [...ports].toSorted(([a], [b]) => a - b), addresses: [...addresses.values()].toSorted() };
}

test('after any writes, what is held is what the live Services have; refused writes and dry runs change nothing', () => {
  let refusals = 0;
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.integer(), (steps, seed) => {
      const h = harness({ ...options, random: seeded(seed) });
      for (const current of steps) {
        const before = h.held();
        const isWrite = current.kind === 'remove' || !current.dryRun;
        try {
          take(h, current);
          accepted += 1;
          if (!isWrite) assert.deepEqual(h.held(), before);
        } catch (error) {
          if (!(error instanceof StatusError)) throw error;
          refusals += 1;
          assert.deepEqual(h.held(), before, error.message);
        }
        assert.deepEqual(h.held(), expected(h));
      }
      const findings = h.strategy.repair(h.live.values());
      assert.deepEqual(findings, [], 'a repair finds nothing to do');
      assert.deepEqual(h.held(), expected(h));
    }),
    { numRuns: 300 },
  );
  assert.ok(refusals > 100 && accepted > 100, `both happen: ${accepted} accepted, ${refusals} refused`);
});

test('a stored Service written back as it is changes nothing and takes nothing', () => {
  fc.assert(
    fc.property(spec, fc.integer(), (given, seed) => {
      const h = harness({ cidrs: dualStack, random: seeded(seed) });
      try {
        h.create('one', given);
      } catch (error) {
        if (error instanceof StatusError) return;
        throw error;
      }
      const stored = h.live.get('one');
      const held = h.held();
      h.change('one', {});
      assert.deepEqual(h.live.get('one'), stored);
      assert.deepEqual(h.held(), held);
    }),
  );
});
