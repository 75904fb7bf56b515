/** A Deployment is rolled over behind a load balancer of either policy, and no connection is lost (D40). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployments, services } from '../../src/api/index.ts';
import type { Deployment } from '../../src/api/index.ts';
import type { PlaceText } from '../../src/cluster/index.ts';
import { applyText, until, useCluster } from './cluster-harness.ts';
import { isInside } from './linux-harness.ts';

const namespace = 'default';
const balancers = ['cluster', 'local'] as const;

const manifests = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {round: "0"}}
    spec:
      terminationGracePeriodSeconds: 10
      containers: [{name: c, image: echo, ports: [{containerPort: 9376}]}]
---
apiVersion: v1
kind: Service
metadata: {name: cluster}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: 9376}]}
---
apiVersion: v1
kind: Service
metadata: {name: local}
spec: {type: LoadBalancer, externalTrafficPolicy: Local, selector: {app: web}, ports: [{port: 80, targetPort: 9376}]}
`;

if (isInside(import.meta.url)) {
  const cluster = useCluster();

  test('two rollouts in a row lose no connection through a load balancer, a cluster IP or a node port', async (context) => {
    const { client, lab, prober } = cluster();
    await applyText(cluster(), manifests);
    const targets: { readonly from: PlaceText; readonly address: string; readonly port: number }[] = [];
    for (const name of balancers) {
      const { spec, status } = await client.get(services, name, { namespace });
      const address = status?.loadBalancer?.ingress?.[0]?.ip ?? '';
      targets.push({ from: 'outside', address, port: 80 });
      await until(`${name} has nodes`, () => lab.loadBalancerTargets(address).length > 0);
      targets.push({ from: 'node/node-1', address: spec?.clusterIP ?? '', port: 80 });
    }
    const nodePort = (await client.get(services, 'cluster', { namespace })).spec?.ports?.[0]?.nodePort ?? 0;
    targets.push({ from: 'outside', address: lab.node('node-2').nodeAddresses[0] ?? '', port: nodePort });

    const done = new AbortController();
    const lost: string[] = [];
    const pods = new Set<string>();
    let count = 0;
    const hammers = targets.map(async ({ from, address, port }) => {
      while (!done.signal.aborted) {
        try {
          const { pod } = await prober.ask(from, { address, port }, { timeoutMs: 5000 });
          pods.add(pod);
          count += 1;
        } catch (error) {
          lost.push(`${from} ${address}:${port} ${String(error)}`);
        }
      }
    });
    for (const round of ['1', '2']) {
      const template = { metadata: { annotations: { round } } };
      const { metadata } = await client.patch(deployments, 'web', 'strategic', { spec: { template } }, { namespace });
      await until(
        `round ${round} is out`,
        async () => isRolledOut(await client.get(deployments, 'web', { namespace }), metadata?.generation ?? 0),
        30_000,
      );
    }
    done.abort();
    await Promise.all(hammers);
    context.diagnostic(`${count} connections, ${pods.size} pods`);
    assert.deepEqual(lost, []);
    assert.ok(pods.size >= 6, `pods of every round have answered: ${pods.size}`);
  });
}

function isRolledOut({ status }: Deployment, generation: number): boolean {
  return (
    (status?.observedGeneration ?? 0) >= generation &&
    status?.updatedReplicas === 3 &&
    status.replicas === 3 &&
    status.availableReplicas === 3
  );
}
