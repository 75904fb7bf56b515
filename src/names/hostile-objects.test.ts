/** What objects of any server, or of a file, may hold. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Namespace, Pod, Service } from '../api/index.ts';
import { explainName } from './explain-name.ts';
import { NameIndex } from './name-index.ts';
import { namespaceOf } from './sample-objects.ts';
import { maxNameBytes } from './wire-name.ts';

const service = {
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    type: 'ClusterIP',
    clusterIP: 'None',
    clusterIPs: ['None'],
    externalName: 'a.example',
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
  },
};
const slice = {
  metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
  endpoints: [
    { addresses: ['10.1.0.1'], hostname: 'h', zone: 'z', conditions: { ready: true }, targetRef: { kind: 'Pod', name: 'p' } },
    { addresses: ['10.1.0.2'] },
  ],
};
const pod = {
  metadata: { name: 'p', namespace: 'shop' },
  status: { phase: 'Running', podIP: '10.1.0.1', podIPs: [{ ip: '10.1.0.1' }] },
};
const namespace = { metadata: { name: 'shop' } };
const kinds = { service, slice, pod, namespace };

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
  true,
  'x',
  '__proto__',
  [null],
  [{}],
  ['x'],
  [1],
  '10.0.0.1',
  'a.b',
  'é\0\\',
  '漢',
  'x'.repeat(63),
  'x'.repeat(300),
];

function pathsIn(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, member]) => pathsIn(member, [...path, key]))];
}

function openIndex(): NameIndex {
  return new NameIndex({
    zone: 'cluster.local',
    nowSeconds: () => 1,
    podMode: 'verified',
    zonalNames: true,
    endpointPodNames: true,
  });
}

test('no value in any field throws, every name fits the wire, and with the objects all of it goes', () => {
  for (const [kind, object] of Object.entries(kinds)) {
    for (const path of pathsIn(object).filter(({ length }) => length > 0)) {
      for (const value of values) {
        const given: Record<string, unknown> = structuredClone(kinds);
        let place = given;
        for (const key of [kind, ...path.slice(0, -1)]) place = place[key] as Record<string, unknown>;
        place[path.at(-1) ?? ''] = value;
        const where = `${kind}.${path.join('.')} = ${JSON.stringify(value)}`;
        const index = openIndex();
        index.applyNamespace(namespaceOf('shop'));
        const before = index.forward.size;
        assert.doesNotThrow(() => {
          index.applyNamespace(given['namespace'] as Namespace);
          index.applyService(given['service'] as Service);
          index.applyEndpointSlice(given['slice'] as EndpointSlice);
          index.applyPod(given['pod'] as Pod);
          for (const known of index.services())
            for (const [owner] of index.recordsOf(known)) assert.ok(owner.length + index.zoneWire.length < maxNameBytes, where);
          for (const name of ['nobody.web.shop.svc', '_no._tcp.web.shop.svc', 'web.shop.svc'])
            explainName(index, `${name}.cluster.local`, 'A');
          index.removePod(given['pod'] as Pod);
          index.removeEndpointSlice(given['slice'] as EndpointSlice);
          index.removeService(given['service'] as Service);
          if (kind === 'namespace') index.removeNamespace(given['namespace'] as Namespace);
        }, where);
        if (kind !== 'namespace') assert.equal(index.forward.size, before, `names left behind: ${where}`);
      }
    }
  }
});

test('a slice without endpoints and ports, as Go writes it, is one like any other', () => {
  const index = openIndex();
  index.applyNamespace(namespaceOf('shop'));
  index.applyService(service);
  index.applyEndpointSlice({ ...slice, endpoints: null, ports: null } as unknown as EndpointSlice);
  assert.equal(index.forward.findText('\x03web\x04shop\x03svc'), undefined);
  index.applyEndpointSlice({ ...slice, addressType: 'IPv4' });
  assert.notEqual(index.forward.findText('\x03web\x04shop\x03svc'), undefined);
});

test('a name too long for the wire, with its zone, is none', () => {
  const index = new NameIndex({ zone: `${'d'.repeat(60)}.${'e'.repeat(60)}.local`, nowSeconds: () => 1 });
  const name = 'n'.repeat(63);
  index.applyNamespace(namespaceOf(name));
  const before = index.forward.size;
  index.applyService({ metadata: { name, namespace: name }, spec: { clusterIP: '10.0.0.1', ports: [{ port: 80 }] } });
  assert.equal(index.forward.size, before);
});
