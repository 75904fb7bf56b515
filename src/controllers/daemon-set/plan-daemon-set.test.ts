import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DaemonSet, Node, Pod, Taint } from '../../api/index.ts';
import { daemonPod, planDaemonSet, targetNode } from './plan-daemon-set.ts';

type State = 'ready' | 'unready' | 'terminating' | 'failed';

function pod(name: string, node: string, state: State = 'ready', revision = 'new', created = '01'): Pod {
  return {
    metadata: {
      name,
      creationTimestamp: `2026-01-${created}T00:00:00Z`,
      labels: { 'controller-revision-hash': revision },
      ...(state === 'terminating' && { deletionTimestamp: '2026-01-02T00:00:00Z' }),
    },
    spec: { containers: [], nodeName: node },
    status: {
      phase: state === 'failed' ? 'Failed' : 'Running',
      conditions: [{ type: 'Ready', status: state === 'unready' ? 'False' : 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
    },
  };
}

function node(
  name: string,
  more: { readonly labels?: Record<string, string>; readonly taints?: Taint[]; readonly unschedulable?: boolean } = {},
): Node {
  return { metadata: { name, labels: more.labels }, spec: { taints: more.taints, unschedulable: more.unschedulable } };
}

const daemonSet = (spec: object = {}, podSpec: object = {}): DaemonSet => ({
  metadata: { namespace: 'ns', name: 'ds' },
  spec: { selector: {}, template: { spec: { containers: [], ...podSpec } }, ...spec },
});

const noSchedule: Taint = { key: 'k', effect: 'NoSchedule' };
const noExecute: Taint = { key: 'k', effect: 'NoExecute' };
const surge = { updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } };

interface Case {
  readonly name: string;
  readonly set?: DaemonSet;
  readonly nodes: readonly Node[];
  readonly pods?: readonly Pod[];
  readonly create?: readonly string[];
  readonly remove?: readonly string[];
  readonly counts?: Readonly<Record<string, number>>;
}

const cases: readonly Case[] = [
  { name: 'every node gets a pod', nodes: [node('n1'), node('n2')], create: ['n1', 'n2'], counts: { desired: 2, current: 0 } },
  {
    name: 'nodes that the selector leaves out get none',
    set: daemonSet({}, { nodeSelector: { disk: 'ssd' } }),
    nodes: [node('n1'), node('n2', { labels: { disk: 'ssd' } })],
    create: ['n2'],
  },
  {
    name: 'a node that no longer fits loses its pod',
    set: daemonSet({}, { nodeSelector: { disk: 'ssd' } }),
    nodes: [node('n1')],
    pods: [pod('a', 'n1')],
    remove: ['a'],
    counts: { desired: 0, misscheduled: 1 },
  },
  { name: 'a cordoned node gets one all the same', nodes: [node('n1', { unschedulable: true })], create: ['n1'] },
  { name: 'a NoSchedule taint keeps new pods out', nodes: [node('n1', { taints: [noSchedule] })] },
  {
    name: 'a NoSchedule taint leaves the old one in',
    nodes: [node('n1', { taints: [noSchedule] })],
    pods: [pod('a', 'n1')],
    counts: { desired: 0, misscheduled: 1 },
  },
  {
    name: 'a NoExecute taint throws it out',
    nodes: [node('n1', { taints: [noExecute] })],
    pods: [pod('a', 'n1')],
    remove: ['a'],
  },
  {
    name: 'tolerated taints do nothing',
    set: daemonSet({}, { tolerations: [{ operator: 'Exists' }] }),
    nodes: [node('n1', { taints: [noExecute, noSchedule] })],
    create: ['n1'],
  },
  { name: 'a pod of a node that is gone goes', nodes: [], pods: [pod('a', 'n1')], remove: ['a'] },
  {
    name: 'a failed pod goes, and its successor comes at once',
    nodes: [node('n1')],
    pods: [pod('a', 'n1', 'failed')],
    create: ['n1'],
    remove: ['a'],
  },
  { name: 'a terminating pod is waited for', nodes: [node('n1')], pods: [pod('a', 'n1', 'terminating')] },
  {
    name: 'of two the younger goes',
    nodes: [node('n1')],
    pods: [pod('b', 'n1', 'ready', 'new', '02'), pod('a', 'n1')],
    remove: ['b'],
  },
  {
    name: 'an update replaces one at a time',
    nodes: [node('n1'), node('n2')],
    pods: [pod('a', 'n1', 'ready', 'old'), pod('b', 'n2', 'ready', 'old')],
    remove: ['a'],
    counts: { updated: 0, available: 2 },
  },
  {
    name: 'an update waits for the pod that is not up yet',
    nodes: [node('n1'), node('n2')],
    pods: [pod('a', 'n1', 'unready'), pod('b', 'n2', 'ready', 'old')],
    counts: { updated: 1, available: 1 },
  },
  {
    name: 'an update replaces broken pods without counting',
    nodes: [node('n1'), node('n2')],
    pods: [pod('a', 'n1', 'unready', 'old'), pod('b', 'n2', 'unready', 'old')],
    remove: ['a', 'b'],
  },
  {
    name: 'OnDelete updates nothing',
    set: daemonSet({ updateStrategy: { type: 'OnDelete' } }),
    nodes: [node('n1')],
    pods: [pod('a', 'n1', 'ready', 'old')],
  },
  {
    name: 'with surge the new pod comes first',
    set: daemonSet(surge),
    nodes: [node('n1'), node('n2')],
    pods: [pod('a', 'n1', 'ready', 'old'), pod('b', 'n2', 'ready', 'old')],
    create: ['n1'],
  },
  {
    name: 'with surge the old pod stays until the new one is up',
    set: daemonSet(surge),
    nodes: [node('n1')],
    pods: [pod('a', 'n1', 'ready', 'old'), pod('b', 'n1', 'unready')],
  },
  {
    name: 'with surge the old pod goes then',
    set: daemonSet(surge),
    nodes: [node('n1')],
    pods: [pod('a', 'n1', 'ready', 'old'), pod('b', 'n1', 'ready')],
    remove: ['a'],
  },
];

describe('a DaemonSet:', () => {
  for (const { name, set = daemonSet(), nodes, pods = [], create = [], remove = [], counts = {} } of cases) {
    test(name, () => {
      const plan = planDaemonSet({ daemonSet: set, nodes, pods, updateRevision: 'new', now: Date.parse('2026-02-01T00:00:00Z') });
      assert.deepEqual(plan.create, create);
      assert.deepEqual(
        plan.remove.map((gone) => gone.metadata?.name),
        remove,
      );
      for (const [count, want] of Object.entries(counts)) assert.equal(plan[count as keyof typeof plan], want, count);
    });
  }
});

test('a daemon pod is pinned to its node within what the template asks, and known by it before it is bound', () => {
  const terms = [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }];
  const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } };
  const made = daemonPod(daemonSet({}, { affinity, hostNetwork: true }), 'n7', 'r');
  assert.deepEqual(made.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms, [
    { ...terms[0], matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n7'] }] },
  ]);
  assert.equal(targetNode(made), 'n7');
  assert.equal(made.metadata?.generateName, 'ds-');
  assert.equal(
    made.spec?.tolerations?.some((toleration) => toleration.key === 'node.kubernetes.io/network-unavailable'),
    true,
  );
});
