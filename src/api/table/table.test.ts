import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  configMaps,
  deployments,
  endpoints,
  endpointSlices,
  events,
  ipAddresses,
  nodes,
  persistentVolumes,
  pods,
  resources,
  services,
  storageClasses,
} from '../kinds/index.ts';
import type { Pod } from '../kinds/index.ts';
import { ageText } from './age.ts';
import { tableColumns, tableRow, tableRowConditions } from './table.ts';

const now = new Date('2026-01-10T00:00:00Z');
const metadata = { name: 'a', creationTimestamp: '2026-01-09T00:00:00Z' };

const second = 1000; // ms
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
for (const [duration, want] of [
  [-3 * second, '<invalid>'],
  [-1 * second, '0s'],
  [0, '0s'],
  [119 * second, '119s'],
  [120 * second, '2m'],
  [190 * second, '3m10s'],
  [15 * minute, '15m'],
  [179 * minute, '179m'],
  [185 * minute, '3h5m'],
  [30 * hour, '30h'],
  [3 * day + 4 * hour, '3d4h'],
  [20 * day, '20d'],
  [760 * day, '2y30d'],
  [3000 * day, '8y'],
] as const)
  test(`an age of ${duration} ms is ${want}`, () => {
    assert.equal(ageText(duration), want);
  });

test('every row has a cell for every column', () => {
  const object = { metadata, involvedObject: {}, roleRef: { kind: '', name: '' }, addressType: 'IPv4' };
  for (const resource of resources)
    assert.equal(tableRow(resource, object, now).length, tableColumns(resource).length, resource.kind);
});

const port = { port: 80, protocol: 'TCP' };
for (const [name, spec, status, want] of [
  [
    'ClusterIP',
    { type: 'ClusterIP', clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ports: [port], selector: { b: '2', a: '1' } },
    {},
    ['a', 'ClusterIP', '10.96.0.7', '<none>', '80/TCP', '24h', 'a=1,b=2'],
  ],
  [
    'headless',
    { type: 'ClusterIP', clusterIP: 'None', clusterIPs: ['None'] },
    {},
    ['a', 'ClusterIP', 'None', '<none>', '<none>', '24h', '<none>'],
  ],
  [
    'NodePort',
    {
      type: 'NodePort',
      clusterIPs: ['10.96.0.7'],
      ports: [
        { ...port, nodePort: 30080 },
        { port: 53, protocol: 'UDP', nodePort: 30053 },
      ],
      externalIPs: ['203.0.113.1'],
    },
    {},
    ['a', 'NodePort', '10.96.0.7', '203.0.113.1', '80:30080/TCP,53:30053/UDP', '24h', '<none>'],
  ],
  [
    'LoadBalancer that waits',
    { type: 'LoadBalancer', clusterIPs: ['10.96.0.7'], ports: [port] },
    {},
    ['a', 'LoadBalancer', '10.96.0.7', '<pending>', '80/TCP', '24h', '<none>'],
  ],
  [
    'LoadBalancer with addresses',
    { type: 'LoadBalancer', clusterIPs: ['10.96.0.7'], ports: [port], externalIPs: ['203.0.113.1'] },
    { loadBalancer: { ingress: [{ ip: '10.0.8.2' }, { hostname: 'lb.example' }, { ip: '10.0.8.1' }] } },
    ['a', 'LoadBalancer', '10.96.0.7', '10.0.8.1,10.0.8.2,lb.example,203.0.113.1', '80/TCP', '24h', '<none>'],
  ],
  [
    'ExternalName',
    { type: 'ExternalName', externalName: 'db.example' },
    {},
    ['a', 'ExternalName', '<none>', 'db.example', '<none>', '24h', '<none>'],
  ],
] as const)
  test(`the row of a Service: ${name}`, () => {
    assert.deepEqual(tableRow(services, { metadata, spec, status }, now), want);
  });

test('rows of endpoints show three, and how many more there are', () => {
  const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5'].map((ip) => ({ ip }));
  assert.deepEqual(tableRow(endpoints, { metadata, subsets: [{ addresses, ports: [{ port: 80 }] }] }, now), [
    'a',
    '10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more...',
    '24h',
  ]);
  assert.deepEqual(tableRow(endpoints, { metadata }, now), ['a', '<none>', '24h']);
});

test('rows of EndpointSlices show ports and first addresses', () => {
  const slice = {
    metadata,
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 80 }, { name: 'any' }, {}],
    endpoints: [{ addresses: ['10.0.0.1'] }],
  };
  assert.deepEqual(tableRow(endpointSlices, slice, now), ['a', 'IPv4', '80,any,*', '10.0.0.1', '24h']);
  assert.deepEqual(tableRow(endpointSlices, { metadata, addressType: 'IPv6' }, now), ['a', 'IPv6', '<unset>', '<unset>', '24h']);
});

const running = { running: {} };
const podCases: readonly {
  readonly name: string;
  readonly pod: Pod;
  readonly want: readonly [ready: string, status: string, restarts: string];
}[] = [
  {
    name: 'running',
    pod: {
      spec: { containers: [{ name: 'a' }, { name: 'b' }] },
      status: {
        phase: 'Running',
        containerStatuses: [status('a', running, { ready: true }), status('b', running)],
      },
    },
    want: ['1/2', 'Running', '0'],
  },
  {
    name: 'without any status',
    pod: { spec: { containers: [{ name: 'a' }] }, status: { phase: 'Pending' } },
    want: ['0/1', 'Pending', '0'],
  },
  {
    name: 'waiting for its image',
    pod: {
      spec: { containers: [{ name: 'a' }] },
      status: { phase: 'Pending', containerStatuses: [status('a', { waiting: { reason: 'ImagePullBackOff' } })] },
    },
    want: ['0/1', 'ImagePullBackOff', '0'],
  },
  {
    name: 'crashing',
    pod: {
      spec: { containers: [{ name: 'a' }] },
      status: {
        phase: 'Running',
        containerStatuses: [
          status(
            'a',
            { waiting: { reason: 'CrashLoopBackOff' } },
            {
              restartCount: 3,
              lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-09T23:55:00Z' } },
            },
          ),
        ],
      },
    },
    want: ['0/1', 'CrashLoopBackOff', '3 (5m ago)'],
  },
  {
    name: 'in its second init container',
    pod: {
      spec: { containers: [{ name: 'a' }], initContainers: [{ name: 'i' }, { name: 'j' }] },
      status: {
        phase: 'Pending',
        initContainerStatuses: [status('i', { terminated: { exitCode: 0 } }), status('j', running)],
      },
    },
    want: ['0/1', 'Init:1/2', '0'],
  },
  {
    name: 'with an init container that failed',
    pod: {
      spec: { containers: [{ name: 'a' }], initContainers: [{ name: 'i' }] },
      status: { phase: 'Pending', initContainerStatuses: [status('i', { terminated: { exitCode: 7 } })] },
    },
    want: ['0/1', 'Init:ExitCode:7', '0'],
  },
  {
    name: 'with a sidecar',
    pod: {
      spec: { containers: [{ name: 'a' }], initContainers: [{ name: 's', restartPolicy: 'Always' }] },
      status: {
        phase: 'Running',
        initContainerStatuses: [status('s', running, { ready: true, started: true })],
        containerStatuses: [status('a', running, { ready: true })],
      },
    },
    want: ['2/2', 'Running', '0'],
  },
  {
    name: 'completed',
    pod: {
      spec: { containers: [{ name: 'a' }] },
      status: { phase: 'Succeeded', containerStatuses: [status('a', { terminated: { exitCode: 0, reason: 'Completed' } })] },
    },
    want: ['0/1', 'Completed', '0'],
  },
  {
    name: 'half completed, not ready',
    pod: {
      spec: { containers: [{ name: 'a' }, { name: 'b' }] },
      status: {
        phase: 'Running',
        containerStatuses: [
          status('a', { terminated: { exitCode: 0, reason: 'Completed' } }),
          status('b', running, { ready: true }),
        ],
      },
    },
    want: ['1/2', 'NotReady', '0'],
  },
  {
    name: 'killed by a signal',
    pod: {
      spec: { containers: [{ name: 'a' }] },
      status: { phase: 'Failed', containerStatuses: [status('a', { terminated: { exitCode: 137, signal: 9 } })] },
    },
    want: ['0/1', 'Signal:9', '0'],
  },
  {
    name: 'evicted',
    pod: { spec: { containers: [{ name: 'a' }] }, status: { phase: 'Failed', reason: 'Evicted' } },
    want: ['0/1', 'Evicted', '0'],
  },
  {
    name: 'terminating',
    pod: {
      metadata: { deletionTimestamp: '2026-01-10T00:00:00Z' },
      spec: { containers: [{ name: 'a' }] },
      status: { phase: 'Running', containerStatuses: [status('a', running, { ready: true })] },
    },
    want: ['1/1', 'Terminating', '0'],
  },
];
for (const { name, pod, want } of podCases)
  test(`the row of a pod: ${name}`, () => {
    assert.deepEqual(tableRow(pods, pod, now).slice(1, 4), want);
  });

test('wide cells of a pod', () => {
  const pod = {
    metadata,
    spec: { containers: [], nodeName: 'node-1', readinessGates: [{ conditionType: 'x' }, { conditionType: 'y' }] },
    status: { podIPs: [{ ip: '10.244.1.2' }], conditions: [{ type: 'x', status: 'True' }] },
  };
  assert.deepEqual(tableRow(pods, pod, now).slice(4), ['24h', '10.244.1.2', 'node-1', '<none>', '1/2']);
});

test('a pod that is over marks its row as completed', () => {
  assert.equal(tableRowConditions(pods, { status: { phase: 'Succeeded' } })[0]?.type, 'Completed');
  assert.deepEqual(tableRowConditions(pods, { status: { phase: 'Running' } }), []);
});

test('the row of a node', () => {
  const node = {
    metadata: { ...metadata, labels: { 'node-role.kubernetes.io/control-plane': '', 'node-role.kubernetes.io/a': '' } },
    spec: { unschedulable: true },
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      addresses: [{ type: 'InternalIP', address: '10.0.1.1' }],
      nodeInfo: {
        kubeletVersion: 'v1.36.2',
        kernelVersion: '6.1',
        architecture: 'amd64',
        osImage: 'Debian',
        containerRuntimeVersion: '',
      },
    },
  };
  assert.deepEqual(tableRow(nodes, node, now), [
    'a',
    'Ready,SchedulingDisabled',
    'a,control-plane',
    '24h',
    'v1.36.2',
    '10.0.1.1',
    '<none>',
    'Debian',
    '6.1 (amd64)',
    '<unknown>',
  ]);
});

test('rows of a Deployment, a ConfigMap, an IPAddress and an event', () => {
  const deployment = {
    metadata,
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'a' } },
      template: { spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
    status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 },
  };
  assert.deepEqual(tableRow(deployments, deployment, now), ['a', '2/3', 3, 1, '24h', 'c', 'i', 'app=a']);
  assert.deepEqual(tableRow(configMaps, { metadata, data: { x: '' }, binaryData: { y: '' } }, now), ['a', 2, '24h']);
  const parentRef = { resource: 'services', namespace: 'default', name: 'kubernetes' };
  assert.deepEqual(tableRow(ipAddresses, { metadata: { name: '10.96.0.1' }, spec: { parentRef } }, now), [
    '10.96.0.1',
    'services/default/kubernetes',
  ]);
  const event = {
    metadata,
    involvedObject: { kind: 'Pod', name: 'p', fieldPath: 'spec.containers{c}' },
    type: 'Normal',
    reason: 'Started',
    message: 'Started it\n',
    source: { component: 'kubelet', host: 'node-1' },
    firstTimestamp: '2026-01-09T22:00:00Z',
    lastTimestamp: '2026-01-09T23:59:00Z',
    count: 4,
  };
  assert.deepEqual(tableRow(events, event, now), [
    '60s',
    'Normal',
    'Started',
    'pod/p',
    'spec.containers{c}',
    'kubelet, node-1',
    'Started it',
    '120m',
    4,
    'a',
  ]);
});

test('volumes and storage classes', () => {
  const spec = {
    capacity: { storage: '10Gi' },
    accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
    persistentVolumeReclaimPolicy: 'Retain',
    storageClassName: 'manual',
    volumeMode: 'Filesystem',
    claimRef: { namespace: 'default', name: 'data' },
  };
  assert.deepEqual(tableRow(persistentVolumes, { metadata, spec, status: { phase: 'Bound' } }, now), [
    'a',
    '10Gi',
    'RWO,ROX',
    'Retain',
    'Bound',
    'default/data',
    'manual',
    '<unset>',
    '',
    '24h',
    'Filesystem',
  ]);
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
  const storageClass = { metadata: { ...metadata, annotations }, provisioner: 'x.example/disk', volumeBindingMode: 'Immediate' };
  assert.deepEqual(tableRow(storageClasses, storageClass, now), [
    'a (default)',
    'x.example/disk',
    'Delete',
    'Immediate',
    false,
    '24h',
  ]);
});

function status(
  name: string,
  state: object,
  rest: object = {},
): NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number] {
  return { name, state, ready: false, restartCount: 0, image: '', imageID: '', ...rest };
}
