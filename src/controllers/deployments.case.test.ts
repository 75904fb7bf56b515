/** Deployments and what deleting them does, on any API server. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deployments, pods, replicaSets } from '../api/index.ts';
import type { Deployment } from '../api/index.ts';
import { waitUntil } from '../client/wait-until.ts';
import { controllerOf } from './owners.ts';
import { isPodReady } from './pod-state.ts';
import type { TestApi } from './workload-cluster.case.test.ts';
import { compare, labels, metadata, template, useWorkloads } from './workload-suite.case.test.ts';

/** Registers them. `startApi` gives a fresh API server for each test. */
export function describeDeployments(startApi: () => Promise<TestApi>): void {
  describe('Deployments', () => {
    const suite = useWorkloads(startApi);
    const { live, names, reasons, untilReady } = suite;

    function deployment(replicas: number, image = 'v1', strategy: object = {}): Deployment {
      return {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata,
        spec: { replicas, selector: { matchLabels: labels }, template: template(image), ...strategy },
      };
    }

    test('a Deployment becomes a ReplicaSet, pods spread over the nodes, and a true status', async () => {
      await suite.cluster.client.create(deployments, deployment(6));
      await untilReady(6);
      const perNode = Map.groupBy(live(), (pod) => pod.spec?.nodeName);
      assert.deepEqual(
        [...perNode.values()].map((group) => group.length),
        [2, 2, 2],
      );
      await waitUntil(() => suite.cluster.get(deployments, 'ns/web')?.status?.availableReplicas === 6, 'the status is true');
      const made = suite.cluster.get(deployments, 'ns/web');
      assert.equal(made?.status?.observedGeneration, made?.metadata?.generation);
      assert.equal(made?.metadata?.generation, 1, 'nobody but the controller has written it');
      await waitUntil(
        () =>
          suite.cluster.get(deployments, 'ns/web')?.status?.conditions?.find((condition) => condition.type === 'Progressing')
            ?.reason === 'NewReplicaSetAvailable',
        'progress is told',
      );
      const [set] = suite.cluster.list(replicaSets);
      const hash = set?.metadata?.labels?.['pod-template-hash'];
      assert.equal(set?.metadata?.name, `web-${hash}`);
      assert.equal(set?.metadata?.annotations?.['deployment.kubernetes.io/revision'], '1');
      assert.equal(live()[0]?.metadata?.labels?.['pod-template-hash'], hash);
      await waitUntil(
        () =>
          ['Deployment ScalingReplicaSet', 'ReplicaSet SuccessfulCreate', 'Pod Scheduled'].every((reason) =>
            reasons().includes(reason),
          ),
        'events are told',
      );
    });

    test('a rolling update keeps enough pods available and leaves the old ReplicaSet empty', async () => {
      await suite.cluster.client.create(deployments, deployment(4));
      await untilReady(4);
      let fewest = 4;
      const watch = setInterval(() => (fewest = Math.min(fewest, live().filter(isPodReady).length)), 1);
      await suite.cluster.client.patch(deployments, 'web', 'merge', { spec: { template: template('v2') } }, { namespace: 'ns' });
      await untilReady(4, 'v2');
      clearInterval(watch);
      assert.ok(fewest >= 3, `only ${fewest} pods were ready at some moment`);
      await waitUntil(
        () =>
          suite.cluster
            .list(replicaSets)
            .map((set) => set.spec?.replicas)
            .toSorted(compare)
            .join() === '0,4',
        'the sizes are final',
      );
      assert.equal(suite.cluster.get(deployments, 'ns/web')?.metadata?.annotations?.['deployment.kubernetes.io/revision'], '2');
      // Back to the first template: its ReplicaSet is used again under a new number.
      await suite.cluster.client.patch(deployments, 'web', 'merge', { spec: { template: template('v1') } }, { namespace: 'ns' });
      await untilReady(4, 'v1');
      assert.equal(suite.cluster.list(replicaSets).length, 2);
      await waitUntil(
        () => suite.cluster.get(deployments, 'ns/web')?.metadata?.annotations?.['deployment.kubernetes.io/revision'] === '3',
        'a third revision',
      );
    });

    test('a rolling update that does not become ready stops with the old pods serving', async () => {
      await suite.cluster.client.create(deployments, deployment(4));
      await untilReady(4);
      const old = new Set(names());
      const refuse = setInterval(() => {
        for (const name of names()) if (name !== undefined && !old.has(name)) suite.cluster.notReady.add(name);
        suite.cluster.touchPods();
      }, 1);
      await suite.cluster.client.patch(
        deployments,
        'web',
        'merge',
        { spec: { template: template('broken') } },
        { namespace: 'ns' },
      );
      await waitUntil(
        () => live().filter((pod) => pod.spec?.containers[0]?.image === 'broken').length === 2,
        'surge and unavailable are used up',
      );
      await waitUntil(() => live().filter(isPodReady).length === 3, 'three old pods serve');
      clearInterval(refuse);
      assert.equal(live().length, 5);
    });

    test('Recreate removes every old pod before the first new one', async () => {
      await suite.cluster.client.create(deployments, deployment(3, 'v1', { strategy: { type: 'Recreate' } }));
      await untilReady(3);
      let hasMixed = false;
      const watch = setInterval(() => (hasMixed ||= new Set(live().map((pod) => pod.spec?.containers[0]?.image)).size > 1), 1);
      await suite.cluster.client.patch(deployments, 'web', 'merge', { spec: { template: template('v2') } }, { namespace: 'ns' });
      await untilReady(3, 'v2');
      clearInterval(watch);
      assert.equal(hasMixed, false);
    });

    test('scaling, a deleted pod and a deleted Deployment are followed', async () => {
      await suite.cluster.client.create(deployments, deployment(2));
      await untilReady(2);
      await suite.cluster.client.patch(deployments, 'web', 'merge', { spec: { replicas: 5 } }, { namespace: 'ns' });
      await untilReady(5);
      await suite.cluster.client.patch(deployments, 'web', 'merge', { spec: { replicas: 1 } }, { namespace: 'ns' });
      await untilReady(1);
      const before = names()[0];
      await suite.cluster.client.delete(pods, before ?? '', { namespace: 'ns' });
      await waitUntil(() => live().length === 1 && names()[0] !== before, 'a new pod');
      await suite.cluster.client.delete(deployments, 'web', { namespace: 'ns' });
      await waitUntil(
        () => suite.cluster.list(pods).length + suite.cluster.list(replicaSets).length === 0,
        'everything is collected',
      );
    });

    test('a foreground deletion removes the dependents first, an orphan deletion leaves them', async () => {
      await suite.cluster.client.create(deployments, deployment(2));
      await untilReady(2);
      let wasEmptyTooEarly = false;
      const watch = setInterval(() => {
        if (suite.cluster.list(deployments).length === 0 && suite.cluster.list(pods).length > 0) wasEmptyTooEarly = true;
      }, 1);
      await suite.cluster.client.delete(deployments, 'web', { namespace: 'ns', body: { propagationPolicy: 'Foreground' } });
      await waitUntil(() => suite.cluster.list(deployments).length === 0, 'the Deployment is gone');
      clearInterval(watch);
      assert.equal(wasEmptyTooEarly, false);
      await suite.cluster.client.create(deployments, deployment(2));
      await untilReady(2);
      const before = names();
      await suite.cluster.client.delete(deployments, 'web', { namespace: 'ns', body: { propagationPolicy: 'Orphan' } });
      await waitUntil(() => suite.cluster.list(deployments).length === 0, 'the Deployment is gone');
      assert.equal(
        suite.cluster.list(replicaSets).every((set) => controllerOf(set) === undefined),
        true,
      );
      // A Deployment of the same template adopts what was left, pods and all.
      await suite.cluster.client.create(deployments, deployment(2));
      await waitUntil(
        () => suite.cluster.list(replicaSets).every((set) => controllerOf(set) !== undefined),
        'the ReplicaSet is adopted',
      );
      assert.deepEqual(names(), before);
    });
  });
}
