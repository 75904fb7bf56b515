import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '../../api/index.ts';
import { createSlimmer } from './slim-objects.ts';

const metadata = { name: 'web', namespace: 'shop', uid: 'u-1', resourceVersion: '7', annotations: { a: 'b' } };
const serviceLabel = { 'kubernetes.io/service-name': 'web' };

test('a Service reads as it was, but for what names are not made of', () => {
  const slim = createSlimmer({ endpointPodNames: false, zonalNames: false });
  const identity = { name: 'web', namespace: 'shop', uid: 'u-1', resourceVersion: '7' };
  const service: Service = {
    metadata,
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.0.0.1',
      clusterIPs: ['10.0.0.1', 'fd00::1'],
      ports: [{ port: 80 }, { name: 'dns', port: 53, protocol: 'UDP' }],
    },
  };
  assert.deepEqual(slim.service(service).metadata, identity);
  assert.deepEqual(plain(slim.service(service).spec), {
    clusterIPs: ['10.0.0.1', 'fd00::1'],
    ports: [{ port: 80 }, { name: 'dns', protocol: 'UDP', port: 53 }],
  });
  assert.deepEqual(plain(slim.service({ metadata, spec: { type: 'ExternalName', externalName: 'a.b' } }).spec), {
    type: 'ExternalName',
    externalName: 'a.b',
  });
  assert.deepEqual(plain(slim.service({ metadata, spec: { clusterIP: 'None' } }).spec), { clusterIP: 'None' });
});

test('a slice reads as it was, with hostnames, readiness, and zones and pods where names are made of them', () => {
  const slice: EndpointSlice = {
    metadata: { ...metadata, name: 'web-a', labels: { ...serviceLabel, other: 'x' } },
    addressType: 'IPv4',
    endpoints: [
      {
        addresses: ['10.1.0.1'],
        conditions: { ready: true, serving: true },
        nodeName: 'n',
        zone: 'z',
        targetRef: { kind: 'Pod', name: 'p', uid: 'u' },
      },
      { addresses: ['10.1.0.2', '10.1.0.3'], hostname: 'web-0', conditions: { ready: false } },
      { addresses: ['10.1.0.4'], hostname: '' },
    ],
    ports: [{ name: 'http', port: 80, protocol: 'TCP', appProtocol: 'http' }],
  };
  const few = createSlimmer({ endpointPodNames: false, zonalNames: false }).slice(slice);
  assert.deepEqual(few.metadata, { name: 'web-a', namespace: 'shop', uid: 'u-1', resourceVersion: '7', labels: serviceLabel });
  assert.equal(few.addressType, 'IPv4');
  assert.deepEqual(few.endpoints, [
    { addresses: ['10.1.0.1'] },
    { addresses: ['10.1.0.2', '10.1.0.3'], conditions: { ready: false }, hostname: 'web-0' },
    { addresses: ['10.1.0.4'] },
  ]);
  assert.deepEqual(few.ports, [{ name: 'http', protocol: 'TCP', port: 80 }]);
  const more = createSlimmer({ endpointPodNames: true, zonalNames: true }).slice(slice);
  assert.deepEqual(more.endpoints?.[0], { addresses: ['10.1.0.1'], zone: 'z', targetRef: { kind: 'Pod', name: 'p' } });
  assert.equal(few.endpoints?.length, 3, 'also after another was read');
});

/** Without fields that are undefined. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

test('a slice that holds null, or what is no endpoint, is slimmed to what can be read', () => {
  const slim = createSlimmer({ endpointPodNames: true, zonalNames: true });
  const endpoints = [null, 7, { addresses: null }, { addresses: ['10.1.0.1', 7], hostname: null, targetRef: null }];
  for (const [given, want] of [
    [null, []],
    [{}, []],
    [endpoints, [{ addresses: [] }, { addresses: ['10.1.0.1'] }]],
  ] as const) {
    const slice = { metadata, addressType: 'IPv4', endpoints: given, ports: null } as unknown as EndpointSlice;
    assert.deepEqual(slim.slice(slice).endpoints, want);
    assert.deepEqual(slim.slice(slice).ports ?? [], []);
  }
  const service = {
    metadata,
    spec: { clusterIP: '10.0.0.1', clusterIPs: null, ports: [null, { port: 80 }] },
  } as unknown as Service;
  assert.deepEqual(plain(slim.service(service).spec), { clusterIP: '10.0.0.1', ports: [{ port: 80 }] });
});
