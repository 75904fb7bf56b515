/** The suite of the workload controllers, for any API server. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  configMaps,
  daemonSets,
  deployments,
  events,
  nodes,
  pods,
  replicaSets,
  serviceAccounts,
  services,
  statefulSets,
} from '../api/index.ts';
import type { DaemonSet, Deployment, Pod, Service, StatefulSet } from '../api/index.ts';
import { waitUntil } from '../client/wait-until.ts';
import { mustParseCidr } from '../net/index.ts';
import { createNode, startTestCluster } from './workload-cluster.case.test.ts';
import type { TestApi, TestCluster } from './workload-cluster.case.test.ts';
import { controllerOf } from './owners.ts';
import { isPodActive, isPodReady } from './pod-state.ts';

/** Registers the suite. `startApi` gives a fresh API server for each test. */
export function describeWorkloads(name: string, startApi: () => Promise<TestApi>): void {
  describe(name, () => {
    let cluster: TestCluster;
    const balanced: string[] = [];

    beforeEach(async () => {
      balanced.length = 0;
      cluster = await startTestCluster(await startApi(), ['n1', 'n2', 'n3'], {
        missingNodeGraceMs: 100,
        rootCaPem: 'CA',
        loadBalancer: {
          pools: [mustParseCidr('10.0.8.0/24')],
          provider: {
            ensure: async (service, addresses, nodes) =>
              void balanced.push(
                `${service.metadata?.name} ${addresses.join()} ${nodes.map((node) => node.metadata?.name).join()}`,
              ),
            remove: async (key, addresses) => void balanced.push(`-${key} ${addresses.join()}`),
          },
        },
      });
    });

    afterEach(() => cluster.close());

    async function label(node: string, labels: Readonly<Record<string, string>>): Promise<void> {
      await cluster.client.patch(nodes, node, 'merge', { metadata: { labels } });
    }

    const labels = { app: 'web' };
    const template = (image: string): NonNullable<Deployment['spec']>['template'] => ({
      metadata: { labels },
      spec: { containers: [{ name: 'c', image }] },
    });
    const metadata = { namespace: 'ns', name: 'web' };

    function compare<T extends string | number | undefined>(a: T, b: T): number {
      return (a ?? '') < (b ?? '') ? -1 : 1;
    }

    function live(): Pod[] {
      return cluster
        .list(pods)
        .filter(isPodActive)
        .sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
    }

    function names(): (string | undefined)[] {
      return live().map((pod) => pod.metadata?.name);
    }

    function reasons(): string[] {
      return cluster.list(events).map((event) => `${event.involvedObject.kind} ${event.reason}`);
    }

    async function untilReady(count: number, image?: string): Promise<void> {
      await waitUntil(
        () => {
          const all = cluster.list(pods);
          return (
            all.length === count &&
            all.every((pod) => isPodReady(pod) && (image === undefined || pod.spec?.containers[0]?.image === image))
          );
        },
        `${count} pods are ready${image === undefined ? '' : ` with ${image}`}`,
        10_000,
      );
    }

    function deployment(replicas: number, image = 'v1', strategy: object = {}): Deployment {
      return {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata,
        spec: { replicas, selector: { matchLabels: labels }, template: template(image), ...strategy },
      };
    }

    test('a Deployment becomes a ReplicaSet, pods spread over the nodes, and a true status', async () => {
      await cluster.client.create(deployments, deployment(6));
      await untilReady(6);
      const perNode = Map.groupBy(live(), (pod) => pod.spec?.nodeName);
      assert.deepEqual(
        [...perNode.values()].map((group) => group.length),
        [2, 2, 2],
      );
      await waitUntil(() => cluster.get(deployments, 'ns/web')?.status?.availableReplicas === 6, 'the status is true');
      const made = cluster.get(deployments, 'ns/web');
      assert.equal(made?.status?.observedGeneration, made?.metadata?.generation);
      assert.equal(made?.metadata?.generation, 1, 'nobody but the controller has written it');
      await waitUntil(
        () =>
          cluster.get(deployments, 'ns/web')?.status?.conditions?.find((condition) => condition.type === 'Progressing')
            ?.reason === 'NewReplicaSetAvailable',
        'progress is told',
      );
      const [set] = cluster.list(replicaSets);
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
      await cluster.client.create(deployments, deployment(4));
      await untilReady(4);
      let fewest = 4;
      const watch = setInterval(() => (fewest = Math.min(fewest, live().filter(isPodReady).length)), 1);
      await cluster.client.patch(deployments, 'web', 'merge', { spec: { template: template('v2') } }, { namespace: 'ns' });
      await untilReady(4, 'v2');
      clearInterval(watch);
      assert.ok(fewest >= 3, `only ${fewest} pods were ready at some moment`);
      await waitUntil(
        () =>
          cluster
            .list(replicaSets)
            .map((set) => set.spec?.replicas)
            .toSorted(compare)
            .join() === '0,4',
        'the sizes are final',
      );
      assert.equal(cluster.get(deployments, 'ns/web')?.metadata?.annotations?.['deployment.kubernetes.io/revision'], '2');
      // Back to the first template: its ReplicaSet is used again under a new number.
      await cluster.client.patch(deployments, 'web', 'merge', { spec: { template: template('v1') } }, { namespace: 'ns' });
      await untilReady(4, 'v1');
      assert.equal(cluster.list(replicaSets).length, 2);
      await waitUntil(
        () => cluster.get(deployments, 'ns/web')?.metadata?.annotations?.['deployment.kubernetes.io/revision'] === '3',
        'a third revision',
      );
    });

    test('a rolling update that does not become ready stops with the old pods serving', async () => {
      await cluster.client.create(deployments, deployment(4));
      await untilReady(4);
      const old = new Set(names());
      const refuse = setInterval(() => {
        for (const name of names()) if (name !== undefined && !old.has(name)) cluster.notReady.add(name);
        cluster.touchPods();
      }, 1);
      await cluster.client.patch(deployments, 'web', 'merge', { spec: { template: template('broken') } }, { namespace: 'ns' });
      await waitUntil(
        () => live().filter((pod) => pod.spec?.containers[0]?.image === 'broken').length === 2,
        'surge and unavailable are used up',
      );
      await waitUntil(() => live().filter(isPodReady).length === 3, 'three old pods serve');
      clearInterval(refuse);
      assert.equal(live().length, 5);
    });

    test('Recreate removes every old pod before the first new one', async () => {
      await cluster.client.create(deployments, deployment(3, 'v1', { strategy: { type: 'Recreate' } }));
      await untilReady(3);
      let hasMixed = false;
      const watch = setInterval(() => (hasMixed ||= new Set(live().map((pod) => pod.spec?.containers[0]?.image)).size > 1), 1);
      await cluster.client.patch(deployments, 'web', 'merge', { spec: { template: template('v2') } }, { namespace: 'ns' });
      await untilReady(3, 'v2');
      clearInterval(watch);
      assert.equal(hasMixed, false);
    });

    test('scaling, a deleted pod and a deleted Deployment are followed', async () => {
      await cluster.client.create(deployments, deployment(2));
      await untilReady(2);
      await cluster.client.patch(deployments, 'web', 'merge', { spec: { replicas: 5 } }, { namespace: 'ns' });
      await untilReady(5);
      await cluster.client.patch(deployments, 'web', 'merge', { spec: { replicas: 1 } }, { namespace: 'ns' });
      await untilReady(1);
      const before = names()[0];
      await cluster.client.delete(pods, before ?? '', { namespace: 'ns' });
      await waitUntil(() => live().length === 1 && names()[0] !== before, 'a new pod');
      await cluster.client.delete(deployments, 'web', { namespace: 'ns' });
      await waitUntil(() => cluster.list(pods).length + cluster.list(replicaSets).length === 0, 'everything is collected');
    });

    test('a foreground deletion removes the dependents first, an orphan deletion leaves them', async () => {
      await cluster.client.create(deployments, deployment(2));
      await untilReady(2);
      let wasEmptyTooEarly = false;
      const watch = setInterval(() => {
        if (cluster.list(deployments).length === 0 && cluster.list(pods).length > 0) wasEmptyTooEarly = true;
      }, 1);
      await cluster.client.delete(deployments, 'web', { namespace: 'ns', body: { propagationPolicy: 'Foreground' } });
      await waitUntil(() => cluster.list(deployments).length === 0, 'the Deployment is gone');
      clearInterval(watch);
      assert.equal(wasEmptyTooEarly, false);
      await cluster.client.create(deployments, deployment(2));
      await untilReady(2);
      const before = names();
      await cluster.client.delete(deployments, 'web', { namespace: 'ns', body: { propagationPolicy: 'Orphan' } });
      await waitUntil(() => cluster.list(deployments).length === 0, 'the Deployment is gone');
      assert.equal(
        cluster.list(replicaSets).every((set) => controllerOf(set) === undefined),
        true,
      );
      // A Deployment of the same template adopts what was left, pods and all.
      await cluster.client.create(deployments, deployment(2));
      await waitUntil(
        () => cluster.list(replicaSets).every((set) => controllerOf(set) !== undefined),
        'the ReplicaSet is adopted',
      );
      assert.deepEqual(names(), before);
    });

    function statefulSet(replicas: number, image = 'v1', more: object = {}): StatefulSet {
      return {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata,
        spec: { replicas, serviceName: 'svc', selector: { matchLabels: labels }, template: template(image), ...more },
      };
    }

    test('a StatefulSet makes its pods in order, with names, labels and host names of their own', async () => {
      cluster.notReady.add('web-1');
      await cluster.client.create(statefulSets, statefulSet(3));
      await waitUntil(() => names().join() === 'web-0,web-1', 'it waits for web-1');
      cluster.notReady.clear();
      cluster.touchPods();
      await untilReady(3);
      assert.deepEqual(names(), ['web-0', 'web-1', 'web-2']);
      const pod = cluster.get(pods, 'ns/web-2');
      assert.deepEqual([pod?.spec?.hostname, pod?.spec?.subdomain], ['web-2', 'svc']);
      assert.equal(pod?.metadata?.labels?.['apps.kubernetes.io/pod-index'], '2');
      assert.equal(pod?.metadata?.labels?.['statefulset.kubernetes.io/pod-name'], 'web-2');
      await waitUntil(() => cluster.get(statefulSets, 'ns/web')?.status?.readyReplicas === 3, 'the status is true');
      const status = cluster.get(statefulSets, 'ns/web')?.status;
      assert.equal(status?.currentRevision, status?.updateRevision);
      await cluster.client.patch(statefulSets, 'web', 'merge', { spec: { replicas: 1 } }, { namespace: 'ns' });
      await waitUntil(() => names().join() === 'web-0', 'it shrinks from the top');
      await cluster.client.delete(pods, 'web-0', { namespace: 'ns' });
      const uid = pod?.metadata?.uid;
      await waitUntil(
        () => names().join() === 'web-0' && cluster.get(pods, 'ns/web-0')?.metadata?.uid !== uid,
        'web-0 comes back',
      );
    });

    test('a StatefulSet is updated from the highest ordinal down, no further than its partition', async () => {
      await cluster.client.create(statefulSets, statefulSet(3, 'v1', { podManagementPolicy: 'Parallel' }));
      await untilReady(3);
      const rollingUpdate = { partition: 1 };
      await cluster.client.patch(
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
      await cluster.client.delete(pods, 'web-0', { namespace: 'ns' });
      await waitUntil(() => images() === 'v1,v2,v2' && live().every(isPodReady), 'web-0 comes back as it was');
      await cluster.client.patch(
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
      await cluster.client.create(daemonSets, daemonSet);
      await untilReady(3);
      const places = (): string =>
        live()
          .map((pod) => pod.spec?.nodeName ?? '')
          .toSorted(compare)
          .join();
      assert.equal(places(), 'n1,n2,n3');
      await createNode(cluster.client, 'n4', 'a');
      await waitUntil(() => places() === 'n1,n2,n3,n4', 'a pod on the new node');
      await cluster.client.patch(
        daemonSets,
        'web',
        'merge',
        { spec: { template: { spec: { nodeSelector: { 'topology.kubernetes.io/zone': 'b' } } } } },
        { namespace: 'ns' },
      );
      await waitUntil(() => places() === 'n2', 'pods in zone b only');
      await waitUntil(() => cluster.get(daemonSets, 'ns/web')?.status?.numberReady === 1, 'the status is true');
      assert.equal(cluster.get(daemonSets, 'ns/web')?.status?.desiredNumberScheduled, 1);
    });

    test('a DaemonSet is updated pod by pod', async () => {
      const daemonSet: DaemonSet = {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata,
        spec: { selector: { matchLabels: labels }, template: template('v1') },
      };
      await cluster.client.create(daemonSets, daemonSet);
      await untilReady(3);
      await cluster.client.patch(daemonSets, 'web', 'merge', { spec: { template: template('v2') } }, { namespace: 'ns' });
      await untilReady(3, 'v2');
    });

    test('a pod that fits nowhere says why, and goes where it fits as soon as it does', async () => {
      const pod: Pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata,
        spec: { containers: [{ name: 'c', image: 'x' }], nodeSelector: { disk: 'ssd' } },
      };
      await cluster.client.create(pods, pod);
      await waitUntil(
        () => cluster.get(pods, 'ns/web')?.status?.conditions?.some((condition) => condition.reason === 'Unschedulable') === true,
        'the condition is there',
      );
      await waitUntil(() => reasons().includes('Pod FailedScheduling'), 'the event is there');
      assert.equal(
        cluster.list(events).find((event) => event.reason === 'FailedScheduling')?.message,
        "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.",
      );
      await label('n2', { disk: 'ssd' });
      await waitUntil(() => cluster.get(pods, 'ns/web')?.spec?.nodeName === 'n2', 'it is bound');
    });

    test('pods of a node that is gone are removed', async () => {
      await cluster.client.create(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata,
        spec: { nodeName: 'n3', containers: [{ name: 'c', image: 'x' }] },
      });
      await cluster.client.delete(nodes, 'n3');
      await waitUntil(() => cluster.list(pods).length === 0, 'the pod is gone', 10_000);
    });

    function balancer(name: string, spec: object = {}): Service {
      return {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { namespace: 'ns', name },
        spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ipFamilies: ['IPv4'], ...spec },
      };
    }

    test('LoadBalancer Services get addresses, keep them, and give them back', async () => {
      const ip = (name: string): string | undefined =>
        cluster.get(services, `ns/${name}`)?.status?.loadBalancer?.ingress?.[0]?.ip;
      await cluster.client.create(services, balancer('a', { loadBalancerIP: '10.0.8.2' }));
      await waitUntil(() => ip('a') === '10.0.8.2', 'the address asked for');
      await cluster.client.create(services, balancer('b'));
      await cluster.client.create(services, balancer('c'));
      await waitUntil(() => ip('b') !== undefined && ip('c') !== undefined, 'the others have one');
      assert.deepEqual([ip('b') ?? '', ip('c') ?? ''].toSorted(compare), ['10.0.8.1', '10.0.8.3']);
      assert.equal(cluster.get(services, 'ns/a')?.status?.loadBalancer?.ingress?.[0]?.ipMode, 'VIP');
      assert.deepEqual(cluster.get(services, 'ns/a')?.metadata?.finalizers, ['service.kubernetes.io/load-balancer-cleanup']);
      await cluster.client.create(services, balancer('d', { loadBalancerIP: '10.0.8.2' }));
      await waitUntil(
        () => cluster.list(events).some((event) => event.message?.includes('10.0.8.2 is already in use by ns/a') === true),
        'the conflict is told',
      );
      await cluster.client.delete(services, 'a', { namespace: 'ns' });
      await waitUntil(() => ip('d') === '10.0.8.2', 'the address is free for the one that waited', 10_000);
      assert.equal(cluster.get(services, 'ns/a'), undefined);
      await cluster.client.patch(services, 'b', 'merge', { spec: { type: 'ClusterIP' } }, { namespace: 'ns' });
      await waitUntil(
        () => (cluster.get(services, 'ns/b')?.metadata?.finalizers ?? []).length === 0,
        'a changed type gives it back',
      );
      assert.equal(ip('b'), undefined);
      await cluster.client.create(services, balancer('e', { loadBalancerClass: 'example.com/other' }));
      await label('n3', { 'node.kubernetes.io/exclude-from-external-load-balancers': '' });
      await waitUntil(() => balanced.some((line) => line === 'd 10.0.8.2 n1,n2'), 'the excluded node is left out');
      assert.equal(balanced[0], 'a 10.0.8.2 n1,n2,n3');
      assert.equal(balanced.includes('-ns/a 10.0.8.2'), true);
      assert.equal(ip('e'), undefined);
    });

    test('a namespace has its ServiceAccount and the CA', async () => {
      await waitUntil(() => cluster.get(serviceAccounts, 'ns/default') !== undefined, 'the account');
      await waitUntil(() => cluster.get(configMaps, 'ns/kube-root-ca.crt')?.data?.['ca.crt'] === 'CA', 'the CA');
    });
  });
}
