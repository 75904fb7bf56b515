import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoints, EndpointSlice, Pod, Service } from '../api/index.ts';
import { desiredEndpoints, overCapacityAnnotation } from './legacy-endpoints.ts';
import { mirrorControllerName, reconcileMirror, shouldMirror } from './mirror.ts';
import { managedByLabel, serviceNameLabel } from './reconcile.ts';

const service: Service = { metadata: { name: 'db', namespace: 'ns' }, spec: { ports: [{ port: 80 }] } };

function endpointsOf(subsets: Endpoints['subsets'], metadata: Endpoints['metadata'] = {}): Endpoints {
  return { metadata: { name: 'db', namespace: 'ns', uid: 'e1', ...metadata }, subsets };
}

const shape = (slice: EndpointSlice): unknown => [
  slice.addressType,
  slice.ports?.map((port) => port.port),
  slice.endpoints?.map((endpoint) => [endpoint.addresses[0], endpoint.conditions?.ready]),
];

test('B20: hand-written Endpoints are mirrored, not-ready ones as not ready', () => {
  const plan = reconcileMirror(
    endpointsOf([{ addresses: [{ ip: '10.0.9.5' }], notReadyAddresses: [{ ip: '10.0.9.6' }], ports: [{ port: 80 }] }]),
    service,
    [],
  );
  assert.deepEqual(plan.create.map(shape), [
    [
      'IPv4',
      [80],
      [
        ['10.0.9.5', true],
        ['10.0.9.6', false],
      ],
    ],
  ]);
  assert.equal(plan.create[0]?.metadata?.labels?.[managedByLabel], mirrorControllerName);
  assert.equal(plan.create[0]?.metadata?.labels?.[serviceNameLabel], 'db');
  assert.equal(plan.create[0]?.metadata?.ownerReferences?.[0]?.kind, 'Endpoints');
});

test('B20: two subsets with one address become one port list, and both families get their own slice', () => {
  const plan = reconcileMirror(
    endpointsOf([
      { addresses: [{ ip: '10.0.9.5' }, { ip: 'fd00::5' }], ports: [{ name: 'a', port: 80 }] },
      { addresses: [{ ip: '10.0.9.5' }, { ip: 'fd00::5' }], ports: [{ name: 'b', port: 81 }] },
    ]),
    service,
    [],
  );
  assert.deepEqual(
    plan.create.map((slice) => [slice.addressType, slice.ports?.map((port) => port.port), slice.endpoints?.length]),
    [
      ['IPv4', [80, 81], 1],
      ['IPv6', [80, 81], 1],
    ],
  );
});

test('B20: a changed address is one update and an unchanged object none', () => {
  const first = reconcileMirror(endpointsOf([{ addresses: [{ ip: '10.0.9.5' }], ports: [{ port: 80 }] }]), service, []);
  const stored = first.create.map((slice) => ({ ...slice, metadata: { ...slice.metadata, name: 'db-1' } }));
  const again = reconcileMirror(endpointsOf([{ addresses: [{ ip: '10.0.9.5' }], ports: [{ port: 80 }] }]), service, stored);
  assert.deepEqual([again.create, again.update, again.remove], [[], [], []]);
  const moved = reconcileMirror(endpointsOf([{ addresses: [{ ip: '10.0.9.7' }], ports: [{ port: 81 }] }]), service, stored);
  assert.deepEqual(
    [moved.create.length, moved.update.map(shape), moved.remove.length],
    [0, [['IPv4', [81], [['10.0.9.7', true]]]], 0],
  );
});

test('B21: opting out, a selector, or no Service at all remove what was mirrored', () => {
  const endpoints = endpointsOf([{ addresses: [{ ip: '10.0.9.5' }] }]);
  const table = [
    { want: true, endpoints, service },
    { want: false, endpoints: endpointsOf([], { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }), service },
    { want: false, endpoints: endpointsOf([], { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } }), service },
    { want: false, endpoints, service: { ...service, spec: { selector: {} } } },
    { want: false, endpoints, service: undefined },
    { want: false, endpoints: undefined, service },
  ];
  for (const row of table) assert.equal(shouldMirror(row.endpoints, row.service), row.want);
  const stored = reconcileMirror(endpoints, service, []).create;
  assert.equal(reconcileMirror(endpoints, { ...service, spec: { selector: {} } }, stored).remove.length, 1);
});

test('B22: no subsets or only bad addresses give no slice, and bad addresses are named', () => {
  assert.deepEqual(reconcileMirror(endpointsOf([]), service, []).create, []);
  const plan = reconcileMirror(endpointsOf([{ addresses: [{ ip: '010.0.0.1' }] }]), service, []);
  assert.deepEqual([plan.create.length, plan.invalidAddresses], [0, ['010.0.0.1']]);
});

test('B23: 1500 ready pods are truncated to 1000 addresses, ready ones first', () => {
  const pod = (index: number, ready: boolean): Pod => ({
    metadata: { name: `p${index}`, namespace: 'ns', uid: `${index}`, labels: { app: 'x' } },
    spec: { containers: [] },
    status: {
      podIPs: [{ ip: `10.${ready ? 1 : 2}.${index >> 8}.${index & 255}` }],
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  });
  const selecting: Service = { ...service, spec: { selector: { app: 'x' }, clusterIP: '10.96.0.5', ports: [{ port: 80 }] } };
  const many = [
    ...Array.from({ length: 900 }, (_, index) => pod(index, true)),
    ...Array.from({ length: 600 }, (_, index) => pod(2000 + index, false)),
  ];
  const result = desiredEndpoints(selecting, many, undefined, undefined);
  assert.deepEqual([result?.subsets?.[0]?.addresses?.length, result?.subsets?.[0]?.notReadyAddresses?.length], [900, 100]);
  assert.equal(result?.metadata?.annotations?.[overCapacityAnnotation], 'truncated');
  const few = desiredEndpoints(selecting, many.slice(0, 2), undefined, result);
  assert.equal(few?.metadata?.annotations, undefined);
  assert.equal(desiredEndpoints(selecting, many.slice(0, 2), undefined, few), undefined, 'at rest');
});

test('a terminating pod leaves the Endpoints but not the slices', () => {
  const leaving: Pod = {
    metadata: { name: 'p', namespace: 'ns', labels: { app: 'x' }, deletionTimestamp: '2026-01-01T00:00:00Z' },
    spec: { containers: [] },
    status: { podIPs: [{ ip: '10.1.0.1' }], conditions: [{ type: 'Ready', status: 'True' }] },
  };
  const spec = { selector: { app: 'x' }, clusterIP: '10.96.0.5', ports: [{ port: 80 }] };
  assert.deepEqual(desiredEndpoints({ ...service, spec }, [leaving], undefined, undefined)?.subsets, []);
  const published = desiredEndpoints(
    { ...service, spec: { ...spec, publishNotReadyAddresses: true } },
    [leaving],
    undefined,
    undefined,
  );
  assert.equal(published?.subsets?.[0]?.addresses?.length, 1);
});
