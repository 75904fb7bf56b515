import assert from 'node:assert/strict';
import { test } from 'node:test';
import { daemonSets, deployments, replicaSets, statefulSets } from '../kinds/index.ts';
import type { Resource } from '../resource.ts';
import { testFaults, updateFaultsOf } from './faults.case.test.ts';

const container = { name: 'c', image: 'i' };
const selector = { matchLabels: { app: 'a' } };
const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [container] } };
const claimed = (...claims: string[]) => ({
  selector,
  template: { ...template, spec: { containers: [{ ...container, volumeMounts: [{ name: 'data', mountPath: '/data' }] }] } },
  volumeClaimTemplates: claims.map((name) => ({ metadata: { name }, spec: { accessModes: ['ReadWriteOnce'] } })),
});
testFaults([
  ['mounts what it claims', statefulSets, { spec: claimed('data') }, []],
  [
    'mounts nothing that it does not claim',
    statefulSets,
    { spec: claimed('other') },
    ['spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"'],
  ],
]);

for (const resource of [deployments, replicaSets, statefulSets, daemonSets] as readonly Resource[]) {
  testFaults([
    ['is good', resource, { spec: { selector, template } }, []],
    ['needs a selector', resource, { spec: { template } }, ['spec.selector: Required value']],
    [
      'needs a selector that matches its template',
      resource,
      { spec: { selector: { matchLabels: { app: 'b' } }, template } },
      ['spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`'],
    ],
    [
      'needs pods that are restarted',
      resource,
      { spec: { selector, template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } } },
      ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    ],
  ]);
  test(`${resource.kind}: the selector stays`, () => {
    const labels = { app: 'a', tier: 'x' };
    const next = { spec: { selector: { matchLabels: { tier: 'x' } }, template: { ...template, metadata: { labels } } } };
    const faults = updateFaultsOf(resource, next, { spec: { selector, template } });
    assert.equal(faults.length, 1);
    if (resource.kind === 'StatefulSet') assert.match(faults[0] ?? '', /^spec: Forbidden: updates to statefulset spec/);
    else assert.equal(faults[0], 'spec.selector: Invalid value: {"matchLabels":{"tier":"x"}}: field is immutable');
  });
}

testFaults([
  [
    'an empty selector',
    deployments,
    { spec: { selector: {}, template } },
    ['spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
  ],
  [
    'numbers and strategies',
    deployments,
    {
      spec: {
        selector,
        template,
        replicas: -1,
        progressDeadlineSeconds: 5,
        minReadySeconds: 5,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: '0%' } },
      },
    },
    [
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
      'spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds',
    ],
  ],
  [
    'a strategy that contradicts itself',
    deployments,
    { spec: { selector, template, strategy: { type: 'Recreate', rollingUpdate: {} } } },
    ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
  ],
  [
    'a bad selector',
    daemonSets,
    { spec: { selector: { matchExpressions: [{ key: 'a', operator: 'In' }] }, template } },
    ["spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"],
  ],
]);
