import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EndpointSlice, Node, Pod, Service } from '../api/index.ts';
import { endpointOfPod, findPodPort } from './pod-endpoints.ts';
import {
  desiredSlices,
  headlessLabel,
  managedByLabel,
  reconcileSlices,
  serviceNameLabel,
  sliceControllerName,
} from './reconcile.ts';
import type { SliceInput } from './reconcile.ts';

const nodes: ReadonlyMap<string, Node> = new Map(
  ['a', 'b', 'c'].map((name) => [name, { metadata: { name, labels: { 'topology.kubernetes.io/zone': `zone-${name}` } } }]),
);

function service(spec: Service['spec'] = {}, metadata: Service['metadata'] = {}): Service {
  return {
    metadata: { name: 'web', namespace: 'ns', uid: 'u1', ...metadata },
    spec: {
      selector: { app: 'web' },
      clusterIP: '10.96.0.5',
      ipFamilies: ['IPv4'],
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      ...spec,
    },
  };
}

function pod(
  index: number,
  overrides: { spec?: Partial<NonNullable<Pod['spec']>>; status?: Pod['status']; metadata?: Pod['metadata'] } = {},
): Pod {
  return {
    metadata: { name: `p${index}`, namespace: 'ns', uid: `pod-${index}`, labels: { app: 'web' }, ...overrides.metadata },
    spec: { nodeName: 'a', containers: [{ name: 'c' }], ...overrides.spec },
    status: overrides.status ?? {
      phase: 'Running',
      podIPs: [{ ip: `10.1.${index >> 8}.${index & 255}` }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

const pods = (count: number, from = 1): Pod[] => Array.from({ length: count }, (_, index) => pod(from + index));

let named = 0;

/** A cluster that keeps what a plan writes. */
function apply(
  stored: readonly EndpointSlice[],
  input: Omit<SliceInput, 'existing'>,
): { slices: EndpointSlice[]; writes: number } {
  const plan = reconcileSlices({ ...input, existing: stored });
  const names = new Set(plan.remove.map((slice) => slice.metadata?.name));
  const updated = new Map(plan.update.map((slice) => [slice.metadata?.name, slice]));
  const kept = stored
    .filter((slice) => !names.has(slice.metadata?.name))
    .map((slice) => updated.get(slice.metadata?.name) ?? slice);
  const created = plan.create.map((slice) => ({
    ...slice,
    metadata: { ...slice.metadata, name: `s${named++}` },
  }));
  return { slices: [...kept, ...created], writes: plan.create.length + plan.update.length + plan.remove.length };
}

const sizes = (slices: readonly EndpointSlice[]): number[] =>
  slices.map((slice) => slice.endpoints?.length ?? 0).sort((a, b) => b - a);

test('B1: 250 ready pods make slices of 100, 100 and 50', () => {
  assert.deepEqual(sizes(apply([], { service: service(), pods: pods(250), nodes }).slices), [100, 100, 50]);
});

test('B2: more pods fill the fullest slice that is written anyway and nothing is rebalanced', () => {
  const first = apply([], { service: service(), pods: pods(62), nodes }).slices;
  const second = apply(first, { service: service(), pods: pods(62 + 61), nodes });
  assert.deepEqual(sizes(second.slices), [62, 61]);
  assert.equal(second.writes, 1);
  const third = apply(second.slices, { service: service(), pods: pods(62 + 61 + 38), nodes });
  assert.deepEqual(sizes(third.slices), [100, 61]);
});

test('B3: removed pods make room that new pods take in the same write', () => {
  const first = apply([], { service: service(), pods: pods(100), nodes }).slices;
  const second = apply(first, { service: service(), pods: pods(100, 11), nodes });
  assert.deepEqual(sizes(second.slices), [100]);
  assert.equal(second.writes, 1);
});

test('B4: pods whose named port resolves differently live in different slices', () => {
  const withPort = (index: number, containerPort: number): Pod =>
    pod(index, { spec: { containers: [{ name: 'c', ports: [{ name: 'web', containerPort }] }] } });
  const slices = desiredSlices(
    service({ ports: [{ port: 80, targetPort: 'web' }] }),
    [withPort(1, 8080), withPort(2, 9090), withPort(3, 8080)],
    nodes,
  );
  assert.deepEqual(
    slices.map((slice) => [slice.ports?.[0]?.port, slice.endpoints?.length]),
    [
      [8080, 2],
      [9090, 1],
    ],
  );
});

test('B5: a named port is found by name and protocol, in sidecars too, not in ordinary init containers', () => {
  const port = { name: 'x', containerPort: 5, protocol: 'UDP' };
  const table = [
    { want: 5, protocol: 'UDP', spec: { containers: [{ name: 'c', ports: [port] }] } },
    { want: undefined, protocol: 'TCP', spec: { containers: [{ name: 'c', ports: [port] }] } },
    {
      want: 5,
      protocol: 'UDP',
      spec: { containers: [], initContainers: [{ name: 'i', restartPolicy: 'Always', ports: [port] }] },
    },
    { want: undefined, protocol: 'UDP', spec: { containers: [], initContainers: [{ name: 'i', ports: [port] }] } },
  ];
  for (const { want, protocol, spec } of table)
    assert.equal(findPodPort(pod(1, { spec }), { port: 80, targetPort: 'x', protocol }), want);
});

test('B6: a selector that matches nothing keeps one empty slice, and is then at rest', () => {
  const first = apply([], { service: service(), pods: [], nodes });
  assert.deepEqual(sizes(first.slices), [0]);
  assert.equal(apply(first.slices, { service: service(), pods: [], nodes }).writes, 0);
  const filled = apply(first.slices, { service: service(), pods: pods(1), nodes });
  assert.deepEqual([sizes(filled.slices), filled.writes], [[1], 1], 'the placeholder is recycled');
  const emptied = apply(filled.slices, { service: service(), pods: [], nodes });
  assert.deepEqual([sizes(emptied.slices), emptied.writes], [[0], 1]);
});

test('B7, B8: conditions follow readiness, termination and publishNotReadyAddresses', () => {
  const notReady = { status: { podIPs: [{ ip: '10.1.0.1' }], conditions: [{ type: 'Ready', status: 'False' }] } };
  const terminating = {
    metadata: { name: 'p', namespace: 'ns', labels: { app: 'web' }, deletionTimestamp: '2026-01-01T00:00:00Z' },
  };
  const table = [
    { name: 'ready', pod: pod(1), publish: false, want: { ready: true, serving: true, terminating: false } },
    { name: 'not ready', pod: pod(1, notReady), publish: false, want: { ready: false, serving: false, terminating: false } },
    { name: 'terminating', pod: pod(1, terminating), publish: false, want: { ready: false, serving: true, terminating: true } },
    {
      name: 'published not ready',
      pod: pod(1, notReady),
      publish: true,
      want: { ready: true, serving: false, terminating: false },
    },
    {
      name: 'published terminating',
      pod: pod(1, terminating),
      publish: true,
      want: { ready: true, serving: true, terminating: true },
    },
  ];
  for (const { name, pod: given, publish, want } of table) {
    const result = endpointOfPod(service({ publishNotReadyAddresses: publish }), given, nodes, 'IPv4');
    assert.deepEqual(result.excluded === undefined ? result.endpoint.conditions : result.excluded, want, name);
  }
  for (const [given, want] of [
    [pod(1, { status: { phase: 'Failed', podIPs: [{ ip: '10.1.0.1' }] } }), 'finished'],
    [pod(1, { status: { phase: 'Pending' } }), 'no-ip'],
    [pod(1, { metadata: { name: 'p', namespace: 'ns', labels: { app: 'other' } } }), 'selector-mismatch'],
    [pod(1, { metadata: { name: 'p', namespace: 'elsewhere', labels: { app: 'web' } } }), 'selector-mismatch'],
  ] as const) {
    assert.equal(endpointOfPod(service(), given, nodes, 'IPv4').excluded, want);
  }
});

test('B9: a pod on a node that does not exist is left out and reported, unless not-ready addresses are published', () => {
  const lost = pod(1, { spec: { nodeName: 'gone' } });
  const plan = reconcileSlices({ service: service(), pods: [lost], nodes, existing: [] });
  assert.deepEqual([plan.missingNodes, sizes(plan.create)], [['gone'], [0]]);
  const published = reconcileSlices({ service: service({ publishNotReadyAddresses: true }), pods: [lost], nodes, existing: [] });
  assert.equal(published.create[0]?.endpoints?.[0]?.zone, undefined);
  assert.deepEqual(sizes(published.create), [1]);
});

test('B10: the hostname is listed only when the subdomain is the Service name', () => {
  for (const [spec, want] of [
    [{ hostname: 'h', subdomain: 'web' }, 'h'],
    [{ hostname: 'h', subdomain: 'other' }, undefined],
    [{ subdomain: 'web' }, undefined],
  ] as const) {
    const result = endpointOfPod(service(), pod(1, { spec }), nodes, 'IPv4');
    assert.equal(result.excluded === undefined ? result.endpoint.hostname : 'excluded', want);
  }
});

test('B11, B25: labels follow the Service, reserved ones are ours', () => {
  const labelled = service({ clusterIP: 'None' }, { labels: { team: 'x', [managedByLabel]: 'me', [headlessLabel]: 'no' } });
  const [slice] = desiredSlices(labelled, pods(1), nodes);
  assert.deepEqual(slice?.metadata?.labels, {
    team: 'x',
    [serviceNameLabel]: 'web',
    [managedByLabel]: sliceControllerName,
    [headlessLabel]: '',
  });
  const stored = apply([], { service: labelled, pods: pods(1), nodes }).slices;
  const relabelled = apply(stored, { service: service({}, { labels: { team: 'y' } }), pods: pods(1), nodes });
  assert.equal(relabelled.writes, 1);
  assert.equal(
    relabelled.slices[0]?.metadata?.labels?.[headlessLabel],
    undefined,
    'the headless label goes with the headless Service',
  );
});

test('B12: a slice of an older Service of the same name is replaced', () => {
  const stored = apply([], { service: service({}, { uid: 'old' }), pods: pods(1), nodes }).slices;
  const plan = reconcileSlices({ service: service(), pods: pods(1), nodes, existing: stored });
  assert.deepEqual([plan.create.length, plan.update.length, plan.remove.length], [1, 0, 1]);
});

test('B13: a Service that is being deleted gets updates but no new slices', () => {
  const deleted = service({}, { deletionTimestamp: '2026-01-01T00:00:00Z' });
  assert.equal(reconcileSlices({ service: deleted, pods: pods(1), nodes, existing: [] }).create.length, 0);
  const stored = apply([], { service: service(), pods: pods(1), nodes }).slices;
  assert.equal(reconcileSlices({ service: deleted, pods: pods(2), nodes, existing: stored }).update.length, 1);
});

test('B14: a headless Service without ports has endpoints without ports and is at rest on resync', () => {
  const portless = service({ clusterIP: 'None', ports: [] });
  const first = apply([], { service: portless, pods: pods(2), nodes });
  assert.deepEqual(
    first.slices.map((slice) => [slice.ports?.length, slice.endpoints?.length]),
    [[0, 2]],
  );
  assert.equal(apply(first.slices, { service: portless, pods: pods(2), nodes }).writes, 0);
});

test('B16, B17: trafficDistribution hints ready endpoints, and only them', () => {
  const hintsOf = (trafficDistribution: string, given: Pod): unknown => {
    const result = endpointOfPod(service({ trafficDistribution }), given, nodes, 'IPv4');
    return result.excluded === undefined ? result.endpoint.hints : result.excluded;
  };
  assert.deepEqual(hintsOf('PreferClose', pod(1)), { forZones: [{ name: 'zone-a' }] });
  assert.deepEqual(hintsOf('PreferSameNode', pod(1)), { forZones: [{ name: 'zone-a' }], forNodes: [{ name: 'a' }] });
  assert.equal(hintsOf('PreferSameZone', pod(1, { status: { podIPs: [{ ip: '10.1.0.1' }] } })), undefined);
  assert.equal(hintsOf('Somehow', pod(1)), undefined);
});

test('B24: the empty selector picks every pod of the namespace', () => {
  assert.equal(
    desiredSlices(service({ selector: {} }), [pod(1, { metadata: { name: 'x', namespace: 'ns' } })], nodes)[0]?.endpoints?.length,
    1,
  );
});

test('both families get their slices, each with its own addresses', () => {
  const dual = pod(1, {
    status: { podIPs: [{ ip: '10.1.0.1' }, { ip: 'FD00:0::1' }], conditions: [{ type: 'Ready', status: 'True' }] },
  });
  const slices = desiredSlices(service({ ipFamilies: ['IPv4', 'IPv6'] }), [dual], nodes);
  assert.deepEqual(
    slices.map((slice) => [slice.addressType, slice.endpoints?.[0]?.addresses]),
    [
      ['IPv4', ['10.1.0.1']],
      ['IPv6', ['fd00::1']],
    ],
  );
});

test('after any history of pods coming and going, the slices hold exactly the pods, none over the limit, and are at rest', () => {
  fc.assert(
    fc.property(fc.array(fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { maxLength: 30 }), { maxLength: 8 }), (history) => {
      let slices: EndpointSlice[] = [];
      for (const indexes of history) {
        const input = { service: service(), pods: indexes.map((index) => pod(index)), nodes, maxEndpointsPerSlice: 4 };
        slices = apply(slices, input).slices;
        const listed = slices.flatMap((slice) => (slice.endpoints ?? []).map((endpoint) => endpoint.targetRef?.name ?? ''));
        assert.deepEqual(listed.sort(), indexes.map((index) => `p${index}`).sort());
        assert.ok(sizes(slices).every((size) => size <= 4));
        assert.equal(apply(slices, input).writes, 0);
      }
    }),
  );
});

const sharedNodes = (cpus: readonly string[]): ReadonlyMap<string, Node> =>
  new Map(
    cpus.map((cpu, index) => {
      const name = 'abc'[index] ?? '';
      return [
        name,
        {
          metadata: { name, labels: { 'topology.kubernetes.io/zone': `zone-${name}` } },
          status: { conditions: [{ type: 'Ready', status: 'True' }], allocatable: { cpu } },
        },
      ];
    }),
  );

test('topology-mode Auto shares ready endpoints out, comes before trafficDistribution, and is stable', () => {
  const auto = service(
    { trafficDistribution: 'PreferSameNode' },
    { annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } },
  );
  const notReady = pod(9, { status: { phase: 'Running', podIPs: [{ ip: '10.1.0.9' }], conditions: [] } });
  const input = { service: auto, pods: [...pods(4), notReady], nodes: sharedNodes(['1', '1']) };
  const plan = reconcileSlices({ ...input, existing: [] });
  assert.deepEqual(plan.topology, [
    { family: 'IPv4', isEnabled: true, message: 'Topology Aware Hints has been enabled, addressType: IPv4' },
  ]);
  const { slices } = apply([], input);
  const hints = slices.flatMap((slice) => slice.endpoints ?? []).map(({ hints: given }) => given?.forZones?.[0]?.name ?? '-');
  assert.deepEqual(hints, ['zone-b', 'zone-b', 'zone-a', 'zone-a', '-']);
  assert.ok(slices.every((slice) => (slice.endpoints ?? []).every((endpoint) => endpoint.hints?.forNodes === undefined)));
  assert.equal(apply(slices, input).writes, 0);
});

test('B19: where nodes make it impossible all hints go, and the reason is told', () => {
  const auto = service({}, { annotations: { 'service.kubernetes.io/topology-mode': 'auto' } });
  const { slices } = apply([], { service: auto, pods: pods(4), nodes: sharedNodes(['1', '1']) });
  const plan = reconcileSlices({ service: auto, pods: pods(4), nodes: sharedNodes(['1', '0']), existing: slices });
  assert.match(plan.topology[0]?.message ?? '', /^Insufficient Node information: .*, addressType: IPv4$/);
  assert.equal(plan.update.length, 1);
  assert.ok(plan.update[0]?.endpoints?.every((endpoint) => endpoint.hints === undefined));
  const without = reconcileSlices({ service: service(), pods: pods(4), nodes: sharedNodes(['1', '1']), existing: slices });
  assert.deepEqual(without.topology, []);
  assert.ok(without.update[0]?.endpoints?.every((endpoint) => endpoint.hints === undefined));
});
