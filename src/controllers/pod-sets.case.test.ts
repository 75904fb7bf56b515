/** StatefulSets and DaemonSets, on any API server. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { daemonSets, pods, statefulSets } from '../api/index.ts';
import type { DaemonSet, StatefulSet } from '../api/index.ts';
import { waitUntil } from '../client/wait-until.ts';
import { isPodReady } from './pod-state.ts';
import { createNode } from './workload-cluster.case.test.ts';
import type { TestApi } from './workload-cluster.case.test.ts';
import { compare, labels, metadata, template, useWorkloads } from './workload-suite.case.test.ts';

/** Registers them. `startApi` gives a fresh API server for each test. */
export function describePodSets(startApi: () => Promise<TestApi>): void {
  describe('StatefulSets and DaemonSets', () => {
    const suite = useWorkloads(startApi);
    const { live, names, untilReady } = suite;

    function statefulSet(replicas: number, image = 'v1', more: object = {}): StatefulSet {
      return {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata,
        spec: { replicas, serviceName: 'svc', selector: { matchLabels: labels }, template: template(image), ...more },
      };
    }

    test('a StatefulSet makes its pods in order, with names, labels and host names of their own', async () => {
      suite.cluster.notReady.add('web-1');
      await suite.cluster.client.create(statefulSets, statefulSet(3));
      await waitUntil(() => names().join() === 'web-0,web-1', 'it waits for web-1');
      suite.cluster.notReady.clear();
      suite.cluster.touchPods();
      await untilReady(3);
      assert.deepEqual(names(), ['web-0', 'web-1', 'web-2']);
      const pod = suite.cluster.get(pods, 'ns/web-2');
      assert.deepEqual([pod?.spec?.hostname, pod?.spec?.subdomain], ['web-2', 'svc']);
      assert.equal(pod?.metadata?.labels?.['apps.kubernetes.io/pod-index'], '2');
      assert.equal(pod?.metadata?.labels?.['statefulset.kubernetes.io/pod-name'], 'web-2');
      await waitUntil(() => suite.cluster.get(statefulSets, 'ns/web')?.status?.readyReplicas === 3, 'the status is true');
      const status = suite.cluster.get(statefulSets, 'ns/web')?.status;
      assert.equal(status?.currentRevision, status?.updateRevision);
      await suite.cluster.client.patch(statefulSets, 'web', 'merge', { spec: { replicas: 1 } }, { namespace: 'ns' });
      await waitUntil(() => names().join() === 'web-0', 'it shrinks from the top');
      await suite.cluster.client.delete(pods, 'web-0', { namespace: 'ns' });
      const uid = pod?.metadata?.uid;
      await waitUntil(
        () => names().join() === 'web-0' && suite.cluster.get(pods, 'ns/web-0')?.metadata?.uid !== uid,
        'web-0 comes back',
      );
    });

    test('a StatefulSet is updated from the highest ordinal down, no further than its partition', async () => {
      await suite.cluster.client.create(statefulSets, statefulSet(3, 'v1', { podManagementPolicy: 'Parallel' }));
      await untilReady(3);
      const rollingUpdate = { partition: 1 };
      await suite.cluster.client.patch(
        statefulSets,
        'web',
        'merge',
        { spec: { template: template('v2'), updateStrategy: { rollingUpdate } } },
        { namespace: 'ns' },
      );
      const images = (): string =>
        live()
          .map((pod) => pod.spec?.containers[0]?.image)
          .join();
      await waitUntil(() => images() === 'v1,v2,v2' && live().every(isPodReady), 'ordinals 1 and 2 are updated');
      await suite.cluster.client.delete(pods, 'web-0', { namespace: 'ns' });
      await waitUntil(() => images() === 'v1,v2,v2' && live().every(isPodReady), 'web-0 comes back as it was');
      await suite.cluster.client.patch(
        statefulSets,
        'web',
        'merge',
        { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } },
        { namespace: 'ns' },
      );
      await waitUntil(() => images() === 'v2,v2,v2' && live().every(isPodReady), 'all are updated');
    });

    test('a DaemonSet has one pod on every node that fits, and follows the nodes', async () => {
      const daemonSet: DaemonSet = {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata,
        spec: { selector: { matchLabels: labels }, template: template('v1') },
      };
      await suite.cluster.client.create(daemonSets, daemonSet);
      await untilReady(3);
      const places = (): string =>
        live()
          .map((pod) => pod.spec?.nodeName ?? '')
          .toSorted(compare)
          .join();
      assert.equal(places(), 'n1,n2,n3');
      await createNode(suite.cluster.client, 'n4', 'a');
      await waitUntil(() => places() === 'n1,n2,n3,n4', 'a pod on the new node');
      await suite.cluster.client.patch(
        daemonSets,
        'web',
        'merge',
        { spec: { template: { spec: { nodeSelector: { 'topology.kubernetes.io/zone': 'b' } } } } },
        { namespace: 'ns' },
      );
      await waitUntil(() => places() === 'n2', 'pods in zone b only');
      await waitUntil(() => suite.cluster.get(daemonSets, 'ns/web')?.status?.numberReady === 1, 'the status is true');
      assert.equal(suite.cluster.get(daemonSets, 'ns/web')?.status?.desiredNumberScheduled, 1);
    });

    test('a DaemonSet is updated pod by pod', async () => {
      const daemonSet: DaemonSet = {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata,
        spec: { selector: { matchLabels: labels }, template: template('v1') },
      };
      await suite.cluster.client.create(daemonSets, daemonSet);
      await untilReady(3);
      await suite.cluster.client.patch(daemonSets, 'web', 'merge', { spec: { template: template('v2') } }, { namespace: 'ns' });
      await untilReady(3, 'v2');
    });
  });
}
