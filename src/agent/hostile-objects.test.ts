/** What another API server may hold: null for an empty list, members that are none, ports and times that no validation has seen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Node, Service } from '../api/index.ts';
import { NftBatch } from '../linux/index.ts';
import type { IpFamily } from '../net/index.ts';
import { decide, settleClaims } from '../routing/index.ts';
import { compileDecision } from './rows/compile.ts';
import { encodeChanges } from './rows/encode.ts';
import { nodeRowsOf } from './rows/node-rows.ts';
import { frontendText } from './rows/row-bytes.ts';
import { TableState } from './rows/table-state.ts';
import { createSlimmer } from './slim-objects.ts';

const service = {
  metadata: { name: 'web', namespace: 'shop', creationTimestamp: '2026-01-01T00:00:00Z', annotations: {} },
  spec: {
    type: 'LoadBalancer',
    clusterIP: '10.96.0.1',
    clusterIPs: ['10.96.0.1', 'fd00::1'],
    ports: [
      { name: 'http', port: 80, protocol: 'TCP', nodePort: 30_080 },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
    externalIPs: ['192.0.2.4'],
    sessionAffinity: 'ClientIP',
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } },
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: 32_000,
    loadBalancerSourceRanges: ['10.0.0.0/8'],
    topologyKeys: ['kubernetes.io/hostname'],
  },
  status: { loadBalancer: { ingress: [{ ip: '192.0.2.9', ipMode: 'VIP', hostname: 'h' }] } },
};
const slice = {
  metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [
    { name: 'http', port: 8080, protocol: 'TCP' },
    { name: 'dns', port: 53, protocol: 'UDP' },
  ],
  endpoints: [
    {
      addresses: ['10.1.0.1'],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: 'n',
      zone: 'z',
      hostname: 'h',
      hints: { forZones: [{ name: 'z' }], forNodes: [{ name: 'n' }] },
      targetRef: { kind: 'Pod', name: 'p' },
    },
    { addresses: ['10.1.0.2'] },
  ],
};
const node = {
  metadata: { name: 'n', labels: { 'topology.kubernetes.io/zone': 'z' } },
  spec: { podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24'], taints: [{ key: 'a' }] },
  status: { addresses: [{ type: 'InternalIP', address: '192.168.0.1' }] },
};

interface Objects {
  readonly service: Service;
  readonly slice: EndpointSlice;
  readonly node: Node;
}

/** Whatever is written there comes as JSON, and so as any type. */
function objectsWith(kind: 'service' | 'slice' | 'node', path: readonly string[], value: unknown): Objects {
  const objects: Record<string, unknown> = structuredClone({ service, slice, node });
  let place = objects;
  for (const key of [kind, ...path.slice(0, -1)]) place = place[key] as Record<string, unknown>;
  place[path.at(-1) ?? ''] = value;
  return objects as unknown as Objects;
}

function pathsIn(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, member]) => pathsIn(member, [...path, key]))];
}

function stateOf({ service: asked, slice: of, node: own }: Objects, family: IpFamily): TableState {
  const state = new TableState(family);
  const facts = { node: own, detector: { kind: 'node-pod-cidrs' }, serviceCidrs: [], nodeAddresses: ['192.168.0.1'] } as const;
  state.setNodeRows(nodeRowsOf(facts, family));
  const decision = decide({ service: asked, slices: [of], nodes: new Map([['n', own]]), nodeName: 'n', family });
  settleClaims([decision]);
  if (decision.skipped === undefined) state.setService('shop/web', compileDecision(decision));
  return state;
}

const values: readonly unknown[] = [
  null,
  undefined,
  {},
  [],
  '',
  0,
  -1,
  70_000,
  1.5,
  1e20,
  Number.NaN,
  true,
  'x',
  '__proto__',
  'constructor',
  [null],
  [{}],
  ['x'],
  [1],
  'é\0\\',
  '10.0.0.1',
  '0.0.0.0',
  'x'.repeat(300),
];

test('no value in any field throws, and what reaches the kernel are whole rows', () => {
  const batch = new NftBatch();
  for (const [kind, object] of Object.entries({ service, slice, node })) {
    for (const path of pathsIn(object).filter(({ length }) => length > 0)) {
      for (const value of values) {
        const where = `${kind}.${path.join('.')} = ${JSON.stringify(value)}`;
        const raw = objectsWith(kind as 'service', path, value);
        assert.doesNotThrow(() => {
          const slim = createSlimmer();
          const slimmed = { service: slim.service(raw.service), slice: slim.slice(raw.slice), node: slim.node(raw.node) };
          for (const objects of [raw, slimmed]) {
            for (const family of ['IPv4', 'IPv6'] as const) {
              const { changes } = stateOf(objects, family).takeChanges();
              const rows = [changes.prepare, changes.publish, changes.settle].flat().map(({ row }) => row);
              for (const { set, key, data = '' } of rows)
                assert.match(set === 'verdicts' ? key : key + data, /^[\0-\xff]*$/, `${where}: bytes of ${set}`);
              batch.clear();
              encodeChanges(changes, family, batch, Number.POSITIVE_INFINITY, () => undefined);
            }
          }
        }, where);
      }
    }
  }
});

test('a slice without endpoints and ports, as Go writes it, is one like any other', () => {
  const empty = objectsWith('slice', ['endpoints'], null).slice;
  const slim = createSlimmer().slice({ ...empty, ports: null } as unknown as EndpointSlice);
  assert.deepEqual(slim.endpoints, []);
  const decision = decide({
    service: objectsWith('service', ['status'], {}).service,
    slices: [slim],
    nodes: new Map(),
    nodeName: 'n',
    family: 'IPv4',
  });
  assert.equal(decision.ports[0]?.frontends[0]?.inside.kind, 'reject');
});

test('a condition that is null is one that nobody has given', () => {
  const conditions = { ready: null, serving: null, terminating: null };
  const { slice: given } = objectsWith('slice', ['endpoints', '0', 'conditions'], conditions);
  assert.deepEqual(createSlimmer().slice(given).endpoints?.[0]?.conditions, { ready: true, serving: true, terminating: false });
});

test('the unspecified address is nobody’s, least of all the node ports of others', () => {
  const thief = objectsWith('service', ['status', 'loadBalancer', 'ingress'], [{ ip: '0.0.0.0' }]);
  const frontends = [...stateOf(thief, 'IPv4').frontends()].map(({ wanted }) => frontendText(wanted.key, 'IPv4')).sort();
  assert.deepEqual(frontends, ['10.96.0.1:53/UDP', '10.96.0.1:80/TCP', '192.0.2.4:53/UDP', '192.0.2.4:80/TCP', 'node:30080/TCP']);
});

test('ports and times that no server would take lead nowhere else', () => {
  const portless = stateOf(objectsWith('service', ['spec', 'ports', '0', 'port'], 70_000), 'IPv4');
  assert.deepEqual(
    [...portless.frontends()].map(({ wanted }) => wanted.portName),
    ['dns', 'dns', 'dns'],
  );
  for (const timeoutSeconds of [0, -1, 1.5, 86_401, 1e20, null, 'x']) {
    const state = stateOf(
      objectsWith('service', ['spec', 'sessionAffinityConfig', 'clientIP', 'timeoutSeconds'], timeoutSeconds),
      'IPv4',
    );
    const timeouts = new Set([...state.frontends()].map(({ wanted }) => wanted.timeoutSeconds));
    assert.deepEqual([...timeouts], [3 * 60 * 60], String(timeoutSeconds));
  }
});
