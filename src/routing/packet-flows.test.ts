/** The decision part of the packet scenarios D1 to D31 of the reference: frontends, scopes, source handling, refusals. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Frontend } from './decision.ts';
import { decideOn, flowsOf, fullService, node, onlyPort, service, slice } from './fixtures.ts';
import type { EndpointText } from './fixtures.ts';
import { reasonText } from './reasons.ts';

const here: EndpointText = { ip: '10.244.1.1', node: 'n1' };
const there: EndpointText = { ip: '10.244.2.2', node: 'n2' };
const sources = (frontends: readonly Frontend[]): Record<string, string> =>
  Object.fromEntries(frontends.map(({ kind, source }) => [kind, `${source.pod} ${source.node} ${source.outside}`]));

describe('without endpoints', () => {
  for (const policy of ['Cluster', 'Local']) {
    it(`D1: every frontend refuses every client (externalTrafficPolicy ${policy})`, () => {
      assert.deepEqual(flowsOf(decideOn({ service: fullService({ externalTrafficPolicy: policy }) })), [
        'clusterIP reject | reject',
        'loadBalancerIP reject | reject',
        'externalIP reject | reject',
        'nodePort reject | reject',
      ]);
    });
  }
});

describe('cluster IPs', () => {
  it('D2: a pod keeps its address, the node and the outside are masqueraded', () => {
    const decision = decideOn({ endpoints: [here] });
    assert.deepEqual(flowsOf(decision), ['clusterIP 1 | 1']);
    assert.deepEqual(sources(onlyPort(decision).frontends), { clusterIP: 'kept masqueraded masqueraded' });
  });

  it('D3: endpoints on two nodes are both used', () => {
    assert.deepEqual(flowsOf(decideOn({ endpoints: [here, there] })), ['clusterIP 1 2 | 1 2']);
  });

  it('D4: one number on three protocols leads to three targets', () => {
    const protocols = ['TCP', 'UDP', 'SCTP'];
    const decision = decideOn({
      service: service({ ports: protocols.map((protocol, index) => ({ name: `p${index}`, port: 80, protocol })) }),
      slices: [
        slice([here], { ports: protocols.map((protocol, index) => ({ name: `p${index}`, protocol, port: 8000 + index })) }),
      ],
    });
    assert.deepEqual(
      decision.ports.map(({ protocol, frontends }) => [
        protocol,
        frontends[0]?.inside.kind === 'endpoints' && frontends[0].inside.endpoints[0]?.port,
      ]),
      [
        ['TCP', 8000],
        ['UDP', 8001],
        ['SCTP', 8002],
      ],
    );
  });

  it('D11: internalTrafficPolicy Local uses one, several or no local endpoint', () => {
    const local = service({ internalTrafficPolicy: 'Local' });
    assert.deepEqual(flowsOf(decideOn({ service: local, endpoints: [here, there] })), ['clusterIP 1 | 1']);
    assert.deepEqual(flowsOf(decideOn({ service: local, endpoints: [here, { ip: '10.244.1.3', node: 'n1' }, there] })), [
      'clusterIP 1 3 | 1 3',
    ]);
    assert.deepEqual(flowsOf(decideOn({ service: local, endpoints: [there] })), ['clusterIP drop | drop']);
  });

  it('D12: internalTrafficPolicy changes neither masquerading nor external frontends', () => {
    const decision = decideOn({ service: fullService({ internalTrafficPolicy: 'Local' }), endpoints: [here, there] });
    assert.deepEqual(flowsOf(decision), [
      'clusterIP 1 | 1',
      'loadBalancerIP 1 2 | 1 2',
      'externalIP 1 2 | 1 2',
      'nodePort 1 2 | 1 2',
    ]);
    assert.equal(sources(onlyPort(decision).frontends)['clusterIP'], 'kept masqueraded masqueraded');
  });

  it('D13: without a way to tell pods, cluster IPs keep every source', () => {
    const decision = decideOn(
      { service: fullService({ externalTrafficPolicy: 'Local' }), endpoints: [here, there] },
      { detectsPods: false },
    );
    assert.deepEqual(sources(onlyPort(decision).frontends), {
      clusterIP: 'kept kept kept',
      loadBalancerIP: 'kept masqueraded kept',
      externalIP: 'kept masqueraded kept',
      nodePort: 'kept masqueraded kept',
    });
  });

  it('D14: masqueradeAll masquerades pods to cluster IPs and changes nothing else', () => {
    const decision = decideOn(
      { service: fullService({ externalTrafficPolicy: 'Local' }), endpoints: [here] },
      { masqueradeAll: true },
    );
    assert.deepEqual(sources(onlyPort(decision).frontends), {
      clusterIP: 'masqueraded masqueraded masqueraded',
      loadBalancerIP: 'kept masqueraded kept',
      externalIP: 'kept masqueraded kept',
      nodePort: 'kept masqueraded kept',
    });
  });
});

describe('external frontends', () => {
  it('D8, D9: Local serves the outside from local endpoints, keeps its address, and spares inside clients the detour', () => {
    const decision = decideOn({ service: fullService({ externalTrafficPolicy: 'Local' }), endpoints: [here, there] });
    assert.deepEqual(flowsOf(decision), [
      'clusterIP 1 2 | 1 2',
      'loadBalancerIP 1 2 | 1',
      'externalIP 1 2 | 1',
      'nodePort 1 2 | 1',
    ]);
    assert.equal(sources(onlyPort(decision).frontends)['nodePort'], 'kept masqueraded kept');
  });

  it('D10: Cluster serves everybody from everywhere and masquerades', () => {
    const decision = decideOn({ service: fullService({ externalTrafficPolicy: 'Cluster' }), endpoints: [here, there] });
    assert.deepEqual(flowsOf(decision), [
      'clusterIP 1 2 | 1 2',
      'loadBalancerIP 1 2 | 1 2',
      'externalIP 1 2 | 1 2',
      'nodePort 1 2 | 1 2',
    ]);
    assert.deepEqual(sources(onlyPort(decision).frontends), {
      clusterIP: 'kept masqueraded masqueraded',
      loadBalancerIP: 'masqueraded masqueraded masqueraded',
      externalIP: 'masqueraded masqueraded masqueraded',
      nodePort: 'masqueraded masqueraded masqueraded',
    });
  });

  it('D39: Local without an endpoint here drops the outside and serves the inside from elsewhere', () => {
    const decision = decideOn({ service: fullService({ externalTrafficPolicy: 'Local' }), endpoints: [there] });
    assert.deepEqual(flowsOf(decision), [
      'clusterIP 2 | 2',
      'loadBalancerIP 2 | drop',
      'externalIP 2 | drop',
      'nodePort 2 | drop',
    ]);
  });

  it('both policies Local, endpoints elsewhere: the cluster IP drops, external frontends serve the inside', () => {
    const decision = decideOn({
      service: fullService({ externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' }),
      endpoints: [there],
    });
    assert.deepEqual(flowsOf(decision), [
      'clusterIP drop | drop',
      'loadBalancerIP 2 | drop',
      'externalIP 2 | drop',
      'nodePort 2 | drop',
    ]);
  });

  for (const [name, endpoints, want] of [
    [
      'ready ones exist: only the ready ones',
      [here, { ...there, state: 'terminating' }, { ip: '10.244.1.3', node: 'n1', state: 'terminating' }],
      '1 | 1',
    ],
    ['none ready here: the local one that still serves', [{ ...here, state: 'terminating' }, there], '2 | 1'],
    ['terminating ones elsewhere only: outside dropped, inside served', [{ ...there, state: 'terminating' }], '2 | drop'],
    [
      'nothing usable: refused',
      [
        { ...here, state: 'gone' },
        { ...there, state: 'not-ready' },
      ],
      'reject | reject',
    ],
  ] as const) {
    it(`D15: terminating, Local: ${name}`, () => {
      const flows = flowsOf(decideOn({ service: fullService({ externalTrafficPolicy: 'Local' }), endpoints }));
      assert.equal(flows[3], `nodePort ${want}`);
    });
  }

  for (const [name, endpoints, want] of [
    ['ready ones exist: only they', [here, { ...there, state: 'terminating' }], '1'],
    [
      'none ready: all that still serve',
      [
        { ...here, state: 'terminating' },
        { ...there, state: 'terminating' },
      ],
      '1 2',
    ],
    ['nothing usable: refused', [{ ...here, state: 'gone' }], 'reject'],
  ] as const) {
    it(`D16: terminating, Cluster: ${name}`, () => {
      assert.deepEqual(flowsOf(decideOn({ endpoints })), [`clusterIP ${want} | ${want}`]);
    });
  }

  it('D17: internalTrafficPolicy Local falls back to the local terminating endpoint', () => {
    const decision = decideOn({
      service: service({ internalTrafficPolicy: 'Local' }),
      endpoints: [{ ...here, state: 'terminating' }, there],
    });
    assert.deepEqual(flowsOf(decision), ['clusterIP 1 | 1']);
  });

  it('D18: an ingress with ipMode Proxy has no frontend, VIP and nil have', () => {
    const decision = decideOn({
      service: fullService({}, [
        { ip: '1.2.3.4', ipMode: 'Proxy' },
        { ip: '1.2.3.5', ipMode: 'VIP' },
        { ip: '1.2.3.6' },
        { hostname: 'lb.example.com' },
      ]),
      endpoints: [here],
    });
    const port = onlyPort(decision);
    assert.deepEqual(
      port.frontends.filter(({ kind }) => kind === 'loadBalancerIP').map(({ address }) => address),
      ['1.2.3.5', '1.2.3.6'],
    );
    assert.deepEqual(
      port.leftOut.map(({ address, reason }) => [address, reason.code]),
      [
        ['1.2.3.4', 'ip-mode-proxy'],
        ['lb.example.com', 'hostname-only'],
      ],
    );
  });

  it('D19: zero-padded addresses and prefixes are read as decimal', () => {
    const decision = decideOn({
      service: {
        ...fullService(
          {
            clusterIP: '172.30.0.041',
            clusterIPs: ['172.30.0.041'],
            externalIPs: ['050.060.070.081'],
            loadBalancerSourceRanges: ['203.000.113.000/025'],
          },
          [{ ip: '1.2.3.004' }],
        ),
      },
      slices: [slice([{ ip: '010.0180.0.01' }])],
    });
    const port = onlyPort(decision);
    assert.deepEqual(
      port.frontends.map(({ address }) => address),
      ['172.30.0.41', '1.2.3.4', '50.60.70.81', undefined],
    );
    assert.deepEqual(port.frontends[1]?.sourceRanges, ['203.0.113.0/25']);
    assert.equal(port.endpoints[0]?.address, '10.180.0.1');
  });
});

describe('source ranges', () => {
  const withRanges = (ranges: readonly string[], nodeAddress = '10.0.1.1') =>
    decideOn({
      service: fullService({ loadBalancerSourceRanges: ranges }, [{ ip: '1.2.3.4' }, { ip: '5.6.7.8' }]),
      nodes: [node('n1', {}, nodeAddress)],
      endpoints: [here],
    });
  const rangesOf = (decision: ReturnType<typeof withRanges>) =>
    Object.fromEntries(onlyPort(decision).frontends.map(({ kind, address, sourceRanges }) => [address ?? kind, sourceRanges]));

  it('D6: hold for load-balancer addresses only, spaces forgiven', () => {
    assert.deepEqual(rangesOf(withRanges(['192.168.0.0/24', ' 203.0.113.0/25'])), {
      '10.96.0.1': undefined,
      '1.2.3.4': ['192.168.0.0/24', '203.0.113.0/25'],
      '5.6.7.8': ['192.168.0.0/24', '203.0.113.0/25'],
      '192.168.99.11': undefined,
      nodePort: undefined,
    });
  });

  it('D6: a range that holds the node admits the load-balancer addresses as sources', () => {
    assert.deepEqual(rangesOf(withRanges(['10.0.0.0/16']))['1.2.3.4'], ['1.2.3.4/32', '5.6.7.8/32', '10.0.0.0/16']);
  });

  it('a prefix of length 0, or ranges of the other family only, admit everybody', () => {
    assert.equal(rangesOf(withRanges(['192.168.0.0/24', '0.0.0.0/0']))['1.2.3.4'], undefined);
    assert.equal(rangesOf(withRanges(['fd00::/8']))['1.2.3.4'], undefined);
  });

  it('a prefix inside another is left out, since the kernel refuses overlaps', () => {
    assert.deepEqual(rangesOf(withRanges(['192.168.0.0/16', '192.168.7.0/24', '192.168.0.0/16']))['1.2.3.4'], ['192.168.0.0/16']);
  });
});

describe('affinity and health checks', () => {
  it('D22: ClientIP holds for every frontend, three hours unless said', () => {
    const timeouts = (spec: object) =>
      onlyPort(decideOn({ service: fullService({ ...spec }), endpoints: [here] })).frontends.map(
        ({ affinity }) => affinity?.timeoutSeconds,
      );
    assert.deepEqual(timeouts({ sessionAffinity: 'ClientIP' }), [10_800, 10_800, 10_800, 10_800]);
    assert.deepEqual(
      timeouts({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } } }),
      [10, 10, 10, 10],
    );
    assert.deepEqual(timeouts({ sessionAffinity: 'None' }), [undefined, undefined, undefined, undefined]);
  });

  it('D30, D31: the health check counts distinct ready addresses on this node, never terminating ones', () => {
    const two = [
      { name: 'a', protocol: 'TCP', port: 1 },
      { name: 'b', protocol: 'TCP', port: 2 },
    ];
    const check = (endpoints: readonly EndpointText[]) =>
      decideOn({
        service: fullService({
          externalTrafficPolicy: 'Local',
          healthCheckNodePort: 30088,
          ports: two.map(({ name, port }) => ({ name, port })),
        }),
        slices: [slice(endpoints, { ports: two })],
      }).healthCheck;
    assert.deepEqual(check([here, { ip: '10.244.1.2', node: 'n1' }, there]), { port: 30088, localReadyCount: 2 });
    assert.deepEqual(check([{ ...here, state: 'terminating' }, there]), { port: 30088, localReadyCount: 0 });
    assert.equal(decideOn({ service: fullService({ healthCheckNodePort: 30088 }), endpoints: [here] }).healthCheck, undefined);
  });

  it('a health check counts even where nothing is reachable from outside yet', () => {
    const pending = fullService(
      { externalTrafficPolicy: 'Local', healthCheckNodePort: 30088, ports: [{ port: 80 }], externalIPs: [] },
      [],
    );
    assert.equal(decideOn({ service: pending, endpoints: [here] }).healthCheck?.localReadyCount, 1);
  });
});

describe('Services without frontends', () => {
  for (const [name, given, code] of [
    [
      'D27: a Service of another proxy',
      { ...service(), metadata: { name: 'web', namespace: 'ns', labels: { 'service.kubernetes.io/service-proxy-name': 'x' } } },
      'other-proxy',
    ],
    [
      'an ExternalName',
      service({ type: 'ExternalName', externalName: 'example.com', clusterIP: undefined, clusterIPs: undefined }),
      'external-name',
    ],
    ['a headless Service', service({ clusterIP: 'None', clusterIPs: ['None'] }), 'headless'],
    ['a Service without cluster IP', service({ clusterIP: '', clusterIPs: [] }), 'no-cluster-ip'],
    ['a Service of the other family', service({ clusterIP: 'fd00::1', clusterIPs: ['fd00::1'] }), 'wrong-family'],
  ] as const) {
    it(`${name} has none, and says why`, () => {
      const decision = decideOn({ service: given, endpoints: [here] });
      assert.deepEqual(decision.ports, []);
      assert.equal(decision.skipped?.code, code);
      assert.match(decision.skipped === undefined ? '' : reasonText(decision.skipped), /\w{3}/);
    });
  }

  it('D28: a hand-made slice with the headless label is not used', () => {
    const decision = decideOn({ slices: [slice([here], { labels: { 'service.kubernetes.io/headless': '' } })] });
    assert.deepEqual(flowsOf(decision), ['clusterIP reject | reject']);
  });

  it('D42: each family of a dual-stack Service has its own addresses and endpoints', () => {
    const dual = service({ clusterIPs: ['10.96.0.1', 'fd00:10:96::1'] });
    const slices = [slice([here]), slice([{ ip: 'fd00:10:244:1::1', node: 'n1' }], { name: 'web-6', addressType: 'IPv6' })];
    for (const [family, address, endpoint] of [
      ['IPv4', '10.96.0.1', '10.244.1.1'],
      ['IPv6', 'fd00:10:96::1', 'fd00:10:244:1::1'],
    ] as const) {
      const frontend = onlyPort(decideOn({ service: dual, slices, family })).frontends[0];
      assert.equal(frontend?.address, address);
      assert.deepEqual(frontend?.inside.kind === 'endpoints' && frontend.inside.endpoints.map((entry) => entry.address), [
        endpoint,
      ]);
    }
  });
});

describe('the decision as a value', () => {
  it('survives JSON, and every reason in it has a sentence', () => {
    const decision = decideOn({
      service: fullService({ externalTrafficPolicy: 'Local' }),
      endpoints: [here, there, { ip: 'bad' }, { ip: '10.244.3.3', state: 'gone' }],
    });
    assert.deepEqual(JSON.parse(JSON.stringify(decision)), decision);
    for (const line of onlyPort(decision).endpoints) assert.match(reasonText(line.cluster), /^\w/);
  });
});
