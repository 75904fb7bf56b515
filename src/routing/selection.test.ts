/** Endpoint selection as a table: scenarios C1 to C17 of the reference, and the reasons for each endpoint. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointText } from './fixtures.ts';
import { clusterCodes, decideOn, flowsOf, fullService, localCodes, node, onlyPort, service, slice } from './fixtures.ts';

const zones = (forZones: readonly (string | undefined)[], more: Partial<EndpointText> = {}): EndpointText[] =>
  forZones.map((zone, index) => ({
    ip: `10.244.0.${index + 1}`,
    node: `n${index + 1}`,
    ...more,
    ...(zone === undefined ? {} : { forZones: [zone] }),
  }));
const inZone = (zone: string) => [node('n1', { 'topology.kubernetes.io/zone': zone })];

describe('zone and node hints', () => {
  it('C1: the endpoints hinted for the zone of this node are used, and no others', () => {
    const decision = decideOn({ nodes: inZone('a'), endpoints: zones(['a', 'b', 'c', 'a']) });
    assert.deepEqual(flowsOf(decision), ['clusterIP 1 4 | 1 4']);
    assert.deepEqual(clusterCodes(decision), [
      '10.244.0.1 hint-zone',
      '10.244.0.2 !hint-zone',
      '10.244.0.3 !hint-zone',
      '10.244.0.4 hint-zone',
    ]);
    assert.deepEqual(onlyPort(decision).topology, { mode: 'hint-zone', zone: 'a' });
  });

  for (const [name, nodes, why] of [
    ['no labels', [node('n1')], 'node-without-zone'],
    ['no Node object', [], 'node-without-zone'],
    ['an empty zone label', inZone(''), 'node-without-zone'],
    ['a zone for which nothing is hinted', inZone('d'), 'no-hint-for-here'],
  ] as const) {
    it(`C2: a node with ${name} uses all endpoints`, () => {
      const decision = decideOn({ nodes, endpoints: zones(['a', 'b', 'c']) });
      assert.deepEqual(flowsOf(decision), ['clusterIP 1 2 3 | 1 2 3']);
      assert.deepEqual(onlyPort(decision).topology, { mode: 'none', why });
    });
  }

  it('C3: one endpoint without a hint switches hints off', () => {
    const decision = decideOn({ nodes: inZone('a'), endpoints: zones(['a', undefined, 'b']) });
    assert.deepEqual(flowsOf(decision), ['clusterIP 1 2 3 | 1 2 3']);
    assert.deepEqual(onlyPort(decision).topology, { mode: 'none', why: 'endpoint-without-hint' });
  });

  it('C4: only unready endpoints in the zone: the ready ones of other zones are used', () => {
    const decision = decideOn({
      nodes: inZone('a'),
      endpoints: [
        { ip: '10.244.0.1', forZones: ['a'], state: 'not-ready' },
        { ip: '10.244.0.2', forZones: ['b'] },
        { ip: '10.244.0.3', forZones: ['c'] },
      ],
    });
    assert.deepEqual(flowsOf(decision), ['clusterIP 2 3 | 2 3']);
    assert.deepEqual(clusterCodes(decision), ['10.244.0.1 !not-ready', '10.244.0.2 ready', '10.244.0.3 ready']);
  });

  const both = (forNodes: readonly (readonly string[] | undefined)[]): EndpointText[] =>
    forNodes.map((nodes, index) => ({
      ip: `10.244.0.${index + 1}`,
      forZones: [index < 2 ? 'a' : 'b'],
      ...(nodes === undefined ? {} : { forNodes: nodes }),
    }));
  for (const [name, endpoints, want] of [
    ['the endpoint hinted for this node is used alone', both([['n1'], ['n2'], ['n3']]), 'clusterIP 1 | 1'],
    [
      'node hints are ignored when one endpoint has none, zone hints hold',
      both([['n1'], undefined, ['n3']]),
      'clusterIP 1 2 | 1 2',
    ],
    ['zone hints hold when no endpoint is hinted for this node', both([['n2'], ['n3'], ['n4']]), 'clusterIP 1 2 | 1 2'],
    [
      'an endpoint without any hint switches both off',
      [...both([['n1'], ['n2']]), { ip: '10.244.0.3' }],
      'clusterIP 1 2 3 | 1 2 3',
    ],
  ] as const) {
    it(`C5: ${name}`, () => assert.deepEqual(flowsOf(decideOn({ nodes: inZone('a'), endpoints })), [want]));
  }

  it('C6: externalTrafficPolicy Local ignores hints in the Local list, and the Cluster list obeys them', () => {
    const decision = decideOn({
      service: fullService({ externalTrafficPolicy: 'Local' }),
      nodes: inZone('a'),
      endpoints: [
        { ip: '10.244.0.1', node: 'n1', forZones: ['b'] },
        { ip: '10.244.0.2', node: 'n2', forZones: ['a'] },
        { ip: '10.244.0.3', node: 'n3', forZones: ['b'] },
      ],
    });
    assert.deepEqual(flowsOf(decision), ['clusterIP 2 | 2', 'loadBalancerIP 2 | 1', 'externalIP 2 | 1', 'nodePort 2 | 1']);
    assert.deepEqual(localCodes(decision), ['10.244.0.1 ready', '10.244.0.2 !other-node', '10.244.0.3 !other-node']);
    assert.deepEqual(
      onlyPort(decision).endpoints.map((line) => line.used),
      [true, true, false],
    );
  });
});

describe('terminating endpoints', () => {
  it('C7: with all endpoints terminating and serving, all of them are used and hints are ignored', () => {
    const decision = decideOn({ nodes: inZone('a'), endpoints: zones(['a', 'b'], { state: 'terminating' }) });
    assert.deepEqual(flowsOf(decision), ['clusterIP 1 2 | 1 2']);
    assert.deepEqual(clusterCodes(decision), ['10.244.0.1 fallback-terminating', '10.244.0.2 fallback-terminating']);
  });

  it('C8: Local falls back to the terminating endpoint of this node while Cluster uses the ready one elsewhere', () => {
    const decision = decideOn({
      service: fullService({ externalTrafficPolicy: 'Local' }),
      endpoints: [
        { ip: '10.244.0.1', node: 'n1', state: 'not-ready' },
        { ip: '10.244.0.2', node: 'n1', state: 'terminating' },
        { ip: '10.244.0.3', node: 'n2' },
      ],
    });
    assert.deepEqual(flowsOf(decision), ['clusterIP 3 | 3', 'loadBalancerIP 3 | 2', 'externalIP 3 | 2', 'nodePort 3 | 2']);
    assert.deepEqual(clusterCodes(decision), ['10.244.0.1 !not-ready', '10.244.0.2 !terminating', '10.244.0.3 ready']);
    assert.deepEqual(localCodes(decision), [
      '10.244.0.1 !not-ready',
      '10.244.0.2 fallback-terminating',
      '10.244.0.3 !other-node',
    ]);
  });

  it('C9: internalTrafficPolicy Local with endpoints elsewhere only drops', () => {
    const decision = decideOn({
      service: service({ internalTrafficPolicy: 'Local' }),
      endpoints: [{ ip: '10.244.0.1', node: 'n2' }],
    });
    assert.deepEqual(flowsOf(decision), ['clusterIP drop | drop']);
    const target = onlyPort(decision).frontends[0]?.inside;
    assert.deepEqual(target, { kind: 'drop', reason: { code: 'no-local-endpoint', policy: 'internalTrafficPolicy' } });
  });

  it('C10: externalTrafficPolicy means nothing to a Service that is not reachable from outside', () => {
    const decision = decideOn({
      service: service({ externalTrafficPolicy: 'Local' }),
      endpoints: [
        { ip: '10.244.0.1', node: 'n1' },
        { ip: '10.244.0.2', node: 'n2' },
      ],
    });
    assert.deepEqual(flowsOf(decision), ['clusterIP 1 2 | 1 2']);
    assert.deepEqual(localCodes(decision), ['10.244.0.1 -', '10.244.0.2 -']);
  });

  for (const [state, code] of [
    ['not-ready', '!not-ready'],
    ['gone', '!not-serving'],
  ] as const) {
    it(`C11: a single endpoint that is ${state} is not used, and connections are refused`, () => {
      const decision = decideOn({ endpoints: [{ ip: '10.244.0.1', state }] });
      assert.deepEqual(flowsOf(decision), ['clusterIP reject | reject']);
      assert.deepEqual(clusterCodes(decision), [`10.244.0.1 ${code}`]);
    });
  }
});

describe('topologyKeys', () => {
  const hostname = 'kubernetes.io/hostname';
  const zone = 'topology.kubernetes.io/zone';
  const nodes = [
    node('n1', { [hostname]: 'n1', [zone]: 'a' }),
    node('n2', { [hostname]: 'n2', [zone]: 'a', rack: 'r7' }),
    node('n3', { [hostname]: 'n3', [zone]: 'b', 'topology.kubernetes.io/region': 'north' }),
  ];
  const on = (...names: readonly string[]): EndpointText[] =>
    names.map((name) => ({ ip: `10.244.0.${name.slice(1)}`, node: name }));
  for (const [name, keys, from, endpoints, want] of [
    ['C12: no keys: all endpoints', undefined, 'n1', on('n1', 'n2', 'n3'), '1 2 3'],
    ['C12: an empty list of keys: all endpoints', [], 'n1', on('n1', 'n2', 'n3'), '1 2 3'],
    ['C13: hostname, with an endpoint here: only it', [hostname], 'n1', on('n1', 'n2', 'n3'), '1'],
    ['C13: hostname, without an endpoint here: refused', [hostname], 'n1', on('n2', 'n3'), 'reject'],
    ['C14: zone, with two nodes in it: the endpoints of both', [zone], 'n1', on('n1', 'n2', 'n3'), '1 2'],
    ['C15: hostname then zone, the first matches', [hostname, zone], 'n1', on('n1', 'n2', 'n3'), '1'],
    ['C15: hostname then zone, only the second matches', [hostname, zone], 'n1', on('n2', 'n3'), '2'],
    ['C16: hostname then zone, none matches: refused', [hostname, zone], 'n1', on('n3'), 'reject'],
    ['C17: hostname then *, the first matches', [hostname, '*'], 'n1', on('n1', 'n2'), '1'],
    ['C17: hostname then *, only * matches', [hostname, '*'], 'n1', on('n2', 'n3'), '2 3'],
    ['C17: hostname, zone then *, only * matches', [hostname, zone, '*'], 'n1', on('n3'), '3'],
    ['zone before hostname: the whole zone', [zone, hostname], 'n1', on('n1', 'n2', 'n3'), '1 2'],
    ['a key that this node does not bear is skipped', ['rack', zone], 'n1', on('n1', 'n2', 'n3'), '1 2'],
    ['any label works as a key', ['rack'], 'n2', on('n1', 'n2', 'n3'), '2'],
    ['the short spelling of the zone reads the long label', ['kubernetes.io/zone'], 'n1', on('n2', 'n3'), '2'],
    ['the short spelling of the region reads the long label', ['kubernetes.io/region'], 'n3', on('n1', 'n3'), '3'],
    ['the host name of a node that nobody knows is its name', [hostname], 'n9', on('n1', 'n9'), '9'],
    ['another key on a node that nobody knows: refused', [zone], 'n9', on('n1', 'n9'), 'reject'],
    ['a node that nobody knows, last key *: all', [zone, '*'], 'n9', on('n1', 'n9'), '1 9'],
  ] as const) {
    it(name, () => {
      const decision = decideOn({ service: service({ topologyKeys: keys }), nodes, nodeName: from, endpoints });
      assert.deepEqual(flowsOf(decision), [`clusterIP ${want} | ${want}`]);
    });
  }

  it('a refusal says which keys were tried', () => {
    const decision = decideOn({ service: service({ topologyKeys: [hostname] }), nodes, endpoints: on('n2') });
    const port = onlyPort(decision);
    assert.deepEqual(port.frontends[0]?.inside, { kind: 'reject', reason: { code: 'no-topology-key', keys: [hostname] } });
    assert.deepEqual(port.topology, { mode: 'no-topology-key', keys: [hostname] });
  });

  it('each endpoint says which key matched and with what value', () => {
    const decision = decideOn({ service: service({ topologyKeys: [hostname, zone] }), nodes, endpoints: on('n2', 'n3') });
    assert.deepEqual(
      onlyPort(decision).endpoints.map((line) => line.cluster),
      [
        { used: true, code: 'topology-key', key: zone, value: 'a' },
        { used: false, code: 'topology-key', key: zone, want: 'a', have: 'b' },
      ],
    );
  });

  it('the annotation does the same where the API server does not know the field', () => {
    const annotated = {
      ...service(),
      metadata: { name: 'web', namespace: 'ns', annotations: { 'fairlead.dev/topology-keys': `["${hostname}"]` } },
    };
    assert.deepEqual(flowsOf(decideOn({ service: annotated, nodes, endpoints: on('n1', 'n2') })), ['clusterIP 1 | 1']);
  });

  it('an annotation that is no list of texts counts as absent', () => {
    for (const text of ['hostname', '{"a":1}', '[1]']) {
      const annotated = {
        ...service(),
        metadata: { name: 'web', namespace: 'ns', annotations: { 'fairlead.dev/topology-keys': text } },
      };
      assert.deepEqual(
        flowsOf(decideOn({ service: annotated, nodes, endpoints: on('n1', 'n2') })),
        ['clusterIP 1 2 | 1 2'],
        text,
      );
    }
  });

  it('a custom host name label matches by the label, not by the node name', () => {
    const renamed = [node('n1', { [hostname]: 'host-a' }), node('n2', { [hostname]: 'host-a' })];
    const decision = decideOn({ service: service({ topologyKeys: [hostname] }), nodes: renamed, endpoints: on('n1', 'n2') });
    assert.deepEqual(flowsOf(decision), ['clusterIP 1 2 | 1 2']);
  });

  it('keys bound the terminating fallback too', () => {
    const endpoints = on('n1', 'n2').map((text) => ({ ...text, state: 'terminating' as const }));
    assert.deepEqual(flowsOf(decideOn({ service: service({ topologyKeys: [hostname] }), nodes, endpoints })), [
      'clusterIP 1 | 1',
    ]);
  });

  it('keys beat hints', () => {
    const endpoints = [
      { ip: '10.244.0.1', node: 'n1', forZones: ['b'] },
      { ip: '10.244.0.2', node: 'n2', forZones: ['a'] },
    ];
    assert.deepEqual(flowsOf(decideOn({ service: service({ topologyKeys: [hostname] }), nodes, endpoints })), [
      'clusterIP 1 | 1',
    ]);
  });

  it('keys hold for node ports as well', () => {
    const nodePort = service({ type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }], topologyKeys: [hostname] });
    assert.deepEqual(flowsOf(decideOn({ service: nodePort, nodes, endpoints: on('n1', 'n2') })), [
      'clusterIP 1 | 1',
      'nodePort 1 | 1',
    ]);
  });

  it('keys say nothing beside externalTrafficPolicy Local: the API refuses both together, but not the annotation', () => {
    const annotated = {
      ...service({ type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30080 }] }),
      metadata: { name: 'web', namespace: 'ns', annotations: { 'fairlead.dev/topology-keys': `["${hostname}"]` } },
    };
    assert.deepEqual(flowsOf(decideOn({ service: annotated, nodes, endpoints: on('n1', 'n2') })), [
      'clusterIP 1 2 | 1 2',
      'nodePort 1 2 | 1',
    ]);
  });
});

describe('joining slices', () => {
  it('names the fault of each endpoint that cannot count', () => {
    const decision = decideOn({
      slices: [
        slice([{ ip: '10.244.0.1' }, { ip: 'nonsense' }], { name: 'a' }),
        slice([{ ip: '10.244.0.1', state: 'terminating' }], { name: 'b' }),
        slice([{ ip: 'fd00::1' }], { name: 'c', addressType: 'IPv6' }),
        slice([{ ip: '10.244.0.4' }], { name: 'd', ports: [{ name: 'admin', protocol: 'TCP', port: 9 }] }),
        slice([{ ip: '10.244.0.5' }], { name: 'e', labels: { 'service.kubernetes.io/headless': '' } }),
        slice([{ ip: '10.244.0.6' }], { name: 'f', service: 'other' }),
        slice([{ ip: '10.244.0.7' }], { name: 'g', ports: [{ name: '', protocol: 'UDP', port: 8080 }] }),
      ],
    });
    assert.deepEqual(flowsOf(decision), ['clusterIP 1 | 1']);
    assert.deepEqual(clusterCodes(decision), [
      '10.244.0.1 ready',
      '10.244.0.1 !duplicate',
      '10.244.0.4 !no-such-port',
      '10.244.0.5 !headless-slice',
      '10.244.0.7 !no-such-port',
      'fd00::1 !wrong-family',
      'nonsense !bad-address',
    ]);
  });

  it('one endpoint in two slices with different hints counts as in the first by name, in whatever order they came', () => {
    const slices = [
      slice(
        [
          { ip: '10.244.0.1', forZones: ['a'] },
          { ip: '10.244.0.2', forZones: ['b'] },
        ],
        { name: 'first' },
      ),
      slice([{ ip: '10.244.0.1', forZones: ['b'] }], { name: 'second' }),
    ];
    const nodes = [node('n1', { 'topology.kubernetes.io/zone': 'a' })];
    for (const order of [slices, slices.toReversed()])
      assert.deepEqual(flowsOf(decideOn({ slices: order, nodes })), ['clusterIP 1 | 1']);
  });

  it('of several addresses of an endpoint only the first counts, and a port of number 0 or without one none', () => {
    const several = { addresses: ['10.244.0.1', '10.244.0.9'], conditions: { ready: true } };
    const decision = decideOn({
      slices: [
        { ...slice([], { name: 'a' }), endpoints: [several] },
        slice([{ ip: '10.244.0.2' }], { name: 'b', ports: [{ name: '', protocol: 'TCP', port: 0 }] }),
        slice([{ ip: '10.244.0.3' }], { name: 'c', ports: [{ name: '', protocol: 'TCP' }] }),
      ],
    });
    assert.deepEqual(flowsOf(decision), ['clusterIP 1 | 1']);
    assert.deepEqual(clusterCodes(decision), ['10.244.0.1 ready', '10.244.0.2 !no-such-port', '10.244.0.3 !no-such-port']);
  });

  it('endpoints stand in the order of their texts, `address:port`, whatever the order of slices', () => {
    const address = (ip: string, port: number) =>
      slice([{ ip }], { name: `${ip}-${port}`, ports: [{ name: '', protocol: 'TCP', port }] });
    const slices = [
      address('10.244.0.2', 80),
      address('10.244.0.10', 9),
      address('10.244.0.1', 8080),
      address('10.244.0.1', 80),
      address('10.244.0.19', 1),
    ];
    const texts = (order: typeof slices): string[] =>
      onlyPort(decideOn({ slices: order })).endpoints.map(({ address, port }) => `${address}:${port}`);
    const sorted = ['10.244.0.10:9', '10.244.0.19:1', '10.244.0.1:80', '10.244.0.1:8080', '10.244.0.2:80'];
    assert.deepEqual(sorted, sorted.toSorted());
    for (const order of [slices, slices.toReversed()]) assert.deepEqual(texts(order), sorted);
  });

  it('a named port may have another number in each slice', () => {
    const decision = decideOn({
      service: service({ ports: [{ name: 'http', port: 80 }] }),
      slices: [
        slice([{ ip: '10.244.0.1' }], { name: 'a', ports: [{ name: 'http', protocol: 'TCP', port: 8080 }] }),
        slice([{ ip: '10.244.0.2' }], { name: 'b', ports: [{ name: 'http', protocol: 'TCP', port: 9090 }] }),
      ],
    });
    const target = onlyPort(decision).frontends[0]?.inside;
    assert.deepEqual(target?.kind === 'endpoints' && target.endpoints.map(({ address, port }) => `${address}:${port}`), [
      '10.244.0.1:8080',
      '10.244.0.2:9090',
    ]);
  });

  it('conditions that are absent count as ready and serving, not terminating', () => {
    const bare = { ...slice([]), endpoints: [{ addresses: ['10.244.0.1'] }] };
    assert.deepEqual(flowsOf(decideOn({ slices: [bare] })), ['clusterIP 1 | 1']);
  });
});
