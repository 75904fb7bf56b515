import { test } from 'node:test';
import assert from 'node:assert/strict';
import { isEqualJson } from '../api/index.ts';
import type { ContainerStatus, PodSpec } from '../api/index.ts';
import { computePhase, computePodStatus, computeQosClass } from './pod-status.ts';

const status = (kind: 'waiting' | 'running' | 'ok' | 'failed' | 'backoff', ready = kind === 'running'): ContainerStatus => ({
  name: 'c',
  image: 'i',
  imageID: '',
  restartCount: 0,
  ready,
  started: kind === 'running',
  state:
    kind === 'waiting' || kind === 'backoff'
      ? { waiting: { reason: 'X' } }
      : kind === 'running'
        ? { running: {} }
        : { terminated: { exitCode: kind === 'ok' ? 0 : 1 } },
  ...(kind === 'backoff' ? { lastState: { terminated: { exitCode: 1 } } } : {}),
});
const spec = (over: Partial<PodSpec> = {}, count = 1): PodSpec => ({
  containers: Array.from({ length: count }, (_each, index) => ({ name: `c${index}` })),
  ...over,
});

const phases: readonly { name: string; spec: PodSpec; containers: ContainerStatus[]; init?: ContainerStatus[]; want: string }[] =
  [
    { name: 'waiting for its first start', spec: spec(), containers: [status('waiting')], want: 'Pending' },
    { name: 'running', spec: spec(), containers: [status('running')], want: 'Running' },
    { name: 'one of two not started', spec: spec({}, 2), containers: [status('running'), status('waiting')], want: 'Pending' },
    { name: 'in back-off', spec: spec(), containers: [status('backoff')], want: 'Running' },
    { name: 'ended, to be restarted', spec: spec(), containers: [status('ok')], want: 'Running' },
    { name: 'ended well for good', spec: spec({ restartPolicy: 'Never' }), containers: [status('ok')], want: 'Succeeded' },
    {
      name: 'one failed for good',
      spec: spec({ restartPolicy: 'Never' }, 2),
      containers: [status('ok'), status('failed')],
      want: 'Failed',
    },
    {
      name: 'failed, to be tried again',
      spec: spec({ restartPolicy: 'OnFailure' }),
      containers: [status('failed')],
      want: 'Running',
    },
    {
      name: 'its init container runs',
      spec: spec({ initContainers: [{ name: 'i' }] }),
      containers: [status('waiting')],
      init: [status('running')],
      want: 'Pending',
    },
    {
      name: 'its init container failed for good',
      spec: spec({ initContainers: [{ name: 'i' }], restartPolicy: 'Never' }),
      containers: [status('waiting')],
      init: [status('failed')],
      want: 'Failed',
    },
    {
      name: 'its sidecar has started',
      spec: spec({ initContainers: [{ name: 'i', restartPolicy: 'Always' }] }),
      containers: [status('running')],
      init: [status('running')],
      want: 'Running',
    },
  ];
for (const { name, spec: given, containers, init, want } of phases) {
  test(`a pod that is ${name} is ${want}`, () => {
    assert.equal(computePhase(given, containers, init ?? []), want);
  });
}

const input = {
  pod: { metadata: { name: 'p' }, spec: spec() },
  previous: undefined,
  initContainers: [],
  podIPs: ['10.244.1.2', 'fd00::2'],
  hostIPs: ['10.0.1.1'],
  startTime: 'T0',
  now: 'T1',
};
const conditionOf = (value: ReturnType<typeof computePodStatus>, type: string): string | undefined =>
  value.conditions?.find((condition) => condition.type === type)?.status;

test('a pod is ready when its containers are', () => {
  const ready = computePodStatus({ ...input, containers: [status('running')] });
  assert.equal(conditionOf(ready, 'Ready'), 'True');
  assert.equal(ready.podIP, '10.244.1.2');
  assert.deepEqual(ready.podIPs, [{ ip: '10.244.1.2' }, { ip: 'fd00::2' }]);
  const not = computePodStatus({ ...input, containers: [status('running', false)] });
  assert.equal(conditionOf(not, 'Ready'), 'False');
  assert.equal(not.conditions?.find(({ type }) => type === 'Ready')?.message, 'containers with unready status: [c]');
});

test('a readiness gate holds the pod, not its containers', () => {
  const gated = { ...input, pod: { ...input.pod, spec: spec({ readinessGates: [{ conditionType: 'x/y' }] }) } };
  const closed = computePodStatus({ ...gated, containers: [status('running')] });
  assert.deepEqual([conditionOf(closed, 'Ready'), conditionOf(closed, 'ContainersReady')], ['False', 'True']);
  const opened = computePodStatus({
    ...gated,
    previous: { conditions: [{ type: 'x/y', status: 'True' }] },
    containers: [status('running')],
  });
  assert.equal(conditionOf(opened, 'Ready'), 'True');
  assert.equal(conditionOf(opened, 'x/y'), 'True', 'conditions of others are kept');
});

test('the same facts later give an equal status; a turn moves the transition time', () => {
  const first = computePodStatus({ ...input, containers: [status('running')] });
  const later = computePodStatus({ ...input, previous: first, now: 'T2', containers: [status('running')] });
  assert.ok(isEqualJson(first, later));
  const turned = computePodStatus({ ...input, previous: later, now: 'T3', containers: [status('running', false)] });
  assert.equal(turned.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime, 'T3');
  assert.equal(turned.conditions?.find(({ type }) => type === 'PodScheduled')?.lastTransitionTime, 'T1');
});

test('quality of service follows requests and limits', () => {
  assert.equal(computeQosClass(spec()), 'BestEffort');
  assert.equal(computeQosClass({ containers: [{ name: 'c', resources: { requests: { cpu: '1' } } }] }), 'Burstable');
  assert.equal(
    computeQosClass({ containers: [{ name: 'c', resources: { limits: { cpu: '1', memory: '1Gi' } } }] }),
    'Guaranteed',
  );
});
