import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../api/index.ts';
import { addressesOfPod, declaredPorts, portList, troubleOf } from './pod-state.ts';

type Status = NonNullable<Pod['status']>;

const running = { running: {} };
const table: readonly [name: string, status: Status, want: string | undefined][] = [
  ['a ready pod', { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }, undefined],
  ['a pod that says nothing', {}, 'it is Pending'],
  [
    'nobody could place it',
    { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no node' }] },
    'it is not scheduled (Unschedulable: no node)',
  ],
  [
    'an init container that failed comes before the containers that wait for it',
    {
      phase: 'Pending',
      initContainerStatuses: [
        {
          name: 'init',
          image: '',
          imageID: '',
          ready: false,
          restartCount: 0,
          state: { terminated: { exitCode: 2, reason: 'Error' } },
        },
      ],
      containerStatuses: [
        { name: 'c', image: '', imageID: '', ready: false, restartCount: 0, state: { waiting: { reason: 'PodInitializing' } } },
      ],
    },
    'container init ended with exit code 2 (Error)',
  ],
  [
    'a probe that does not succeed',
    {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }],
      containerStatuses: [{ name: 'probed', image: '', imageID: '', ready: false, restartCount: 0, state: running }],
    },
    'the readiness probe of container probed does not succeed',
  ],
  [
    'the condition alone',
    { phase: 'Running', conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady', message: 'c' }] },
    'its Ready condition is False (ContainersNotReady: c)',
  ],
];

for (const [name, status, want] of table) {
  test(`what keeps a pod from serving: ${name}`, () => {
    const spec = { containers: [{ name: 'probed', readinessProbe: { tcpSocket: { port: 80 } } }] };
    assert.equal(troubleOf({ spec, status }), want);
  });
}

test('addresses are canonical and each once, the primary one first', () => {
  assert.deepEqual(addressesOfPod({ status: { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }, { ip: 'FD00::1' }] } }), [
    '10.0.0.1',
    'fd00::1',
  ]);
  assert.deepEqual(addressesOfPod({ status: { podIP: '10.0.0.1' } }), ['10.0.0.1']);
});

test('ports are those of containers and of sidecars, not of init containers that end', () => {
  const pod: Pod = {
    spec: {
      containers: [
        {
          name: 'a',
          ports: [
            { name: 'http', containerPort: 80 },
            { containerPort: 53, protocol: 'UDP' },
          ],
        },
      ],
      initContainers: [
        { name: 'b', restartPolicy: 'Always', ports: [{ containerPort: 15_000 }] },
        { name: 'c', ports: [{ containerPort: 1 }] },
      ],
    },
  };
  assert.equal(portList(declaredPorts(pod)), 'http 80/TCP, 53/UDP, 15000/TCP');
  assert.equal(portList([]), 'none');
});
