/** Scheduling, lost nodes, load balancers and what namespaces hold, on any API server. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configMaps, events, nodes, pods, serviceAccounts, services } from '../api/index.ts';
import type { Pod, Service } from '../api/index.ts';
import { waitUntil } from '../client/wait-until.ts';
import type { TestApi } from './workload-cluster.case.test.ts';
import { compare, metadata, useWorkloads } from './workload-suite.case.test.ts';

/** Registers them. `startApi` gives a fresh API server for each test. */
export function describePlacement(startApi: () => Promise<TestApi>): void {
  describe('pods, nodes, load balancers and namespaces', () => {
    const suite = useWorkloads(startApi);
    const { balanced, label, reasons } = suite;

    test('a pod that fits nowhere says why, and goes where it fits as soon as it does', async () => {
      const pod: Pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata,
        spec: { containers: [{ name: 'c', image: 'x' }], nodeSelector: { disk: 'ssd' } },
      };
      await suite.cluster.client.create(pods, pod);
      await waitUntil(
        () =>
          suite.cluster.get(pods, 'ns/web')?.status?.conditions?.some((condition) => condition.reason === 'Unschedulable') ===
          true,
        'the condition is there',
      );
      await waitUntil(() => reasons().includes('Pod FailedScheduling'), 'the event is there');
      assert.equal(
        suite.cluster.list(events).find((event) => event.reason === 'FailedScheduling')?.message,
        "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.",
      );
      await label('n2', { disk: 'ssd' });
      await waitUntil(() => suite.cluster.get(pods, 'ns/web')?.spec?.nodeName === 'n2', 'it is bound');
    });

    test('pods of a node that is gone are removed', async () => {
      await suite.cluster.client.create(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata,
        spec: { nodeName: 'n3', containers: [{ name: 'c', image: 'x' }] },
      });
      await suite.cluster.client.delete(nodes, 'n3');
      await waitUntil(() => suite.cluster.list(pods).length === 0, 'the pod is gone', 10_000);
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
        suite.cluster.get(services, `ns/${name}`)?.status?.loadBalancer?.ingress?.[0]?.ip;
      await suite.cluster.client.create(services, balancer('a', { loadBalancerIP: '10.0.8.2' }));
      await waitUntil(() => ip('a') === '10.0.8.2', 'the address asked for');
      await suite.cluster.client.create(services, balancer('b'));
      await suite.cluster.client.create(services, balancer('c'));
      await waitUntil(() => ip('b') !== undefined && ip('c') !== undefined, 'the others have one');
      assert.deepEqual([ip('b') ?? '', ip('c') ?? ''].toSorted(compare), ['10.0.8.1', '10.0.8.3']);
      assert.equal(suite.cluster.get(services, 'ns/a')?.status?.loadBalancer?.ingress?.[0]?.ipMode, 'VIP');
      assert.deepEqual(suite.cluster.get(services, 'ns/a')?.metadata?.finalizers, [
        'service.kubernetes.io/load-balancer-cleanup',
      ]);
      await suite.cluster.client.create(services, balancer('d', { loadBalancerIP: '10.0.8.2' }));
      await waitUntil(
        () => suite.cluster.list(events).some((event) => event.message?.includes('10.0.8.2 is already in use by ns/a') === true),
        'the conflict is told',
      );
      await suite.cluster.client.delete(services, 'a', { namespace: 'ns' });
      await waitUntil(() => ip('d') === '10.0.8.2', 'the address is free for the one that waited', 10_000);
      assert.equal(suite.cluster.get(services, 'ns/a'), undefined);
      await suite.cluster.client.patch(services, 'b', 'merge', { spec: { type: 'ClusterIP' } }, { namespace: 'ns' });
      await waitUntil(
        () => (suite.cluster.get(services, 'ns/b')?.metadata?.finalizers ?? []).length === 0,
        'a changed type gives it back',
      );
      assert.equal(ip('b'), undefined);
      await suite.cluster.client.create(services, balancer('e', { loadBalancerClass: 'example.com/other' }));
      await label('n3', { 'node.kubernetes.io/exclude-from-external-load-balancers': '' });
      await waitUntil(() => balanced.some((line) => line === 'd 10.0.8.2 n1,n2'), 'the excluded node is left out');
      assert.equal(balanced[0], 'a 10.0.8.2 n1,n2,n3');
      assert.equal(balanced.includes('-ns/a 10.0.8.2'), true);
      assert.equal(ip('e'), undefined);
    });

    test('a namespace has its ServiceAccount and the CA', async () => {
      await waitUntil(() => suite.cluster.get(serviceAccounts, 'ns/default') !== undefined, 'the account');
      await waitUntil(() => suite.cluster.get(configMaps, 'ns/kube-root-ca.crt')?.data?.['ca.crt'] === 'CA', 'the CA');
    });
  });
}
