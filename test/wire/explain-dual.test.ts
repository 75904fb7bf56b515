/** `explain` against the wire in IPv6 and where both families meet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, parsePlace, worldFromCluster } from '../../src/explain/index.ts';
import type { World } from '../../src/explain/index.ts';
import { applyText, echoPod, useCluster } from './cluster-harness.ts';
import { compareWithWire } from './explain-comparison.ts';
import { isInside } from './linux-harness.ts';

const dual = 'ipFamilyPolicy: RequireDualStack';
const web = 'selector: {app: web}';
const service = (name: string, spec: string): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec: {${spec}}
---`;
const manifests = `
${echoPod('web-1', { node: 'node-1', labels: { app: 'web' } })}
${echoPod('web-3', { node: 'node-3', labels: { app: 'web' } })}
${echoPod('client', { node: 'node-2', port: 8080 })}
${service('both', `${dual}, ${web}, ports: [{port: 80, targetPort: 9376}]`)}
${service('six', `ipFamilies: [IPv6], ${web}, ports: [{port: 80, targetPort: 9376}]`)}
${service('four', `ipFamilies: [IPv4], ${web}, ports: [{port: 80, targetPort: 9376}]`)}
${service('local', `${dual}, type: LoadBalancer, externalTrafficPolicy: Local, ${web}, ports: [{port: 80, targetPort: 9376, nodePort: 30001}]`)}
${service('open', `${dual}, type: LoadBalancer, ${web}, ports: [{port: 80, targetPort: 9376, nodePort: 30002}]`)}
${service('near', `ipFamilies: [IPv6], trafficDistribution: PreferSameZone, ${web}, ports: [{port: 80, targetPort: 9376}]`)}
${service('names', `${dual}, clusterIP: None, ${web}, ports: [{port: 9376}]`)}
`;
const places = [
  'pod/default/client',
  'pod/default/web-1',
  'node/node-2',
  'node/node-3',
  'outside/10.0.9.1',
  'outside/fd00:0:0:1::9:1',
];
const serviceCidrs = ['10.96.0.0/16', 'fd00:10:96::/112'];

if (isInside(import.meta.url)) {
  const cluster = useCluster({ families: 'dual' });
  let world: World | undefined;

  test('the world of both families comes up', async () => {
    await applyText(cluster(), manifests);
    world = await worldFromCluster(cluster().client, { serviceCidrs });
  });

  const addressesOf = (name: string): string[] => {
    const found = world?.services.find((candidate) => candidate.metadata?.name === name);
    const ingress = (found?.status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip ?? '');
    return [...(found?.spec?.clusterIPs ?? []), ...ingress];
  };
  const bracketed = (address: string, port: number): string =>
    address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  const targets = (): string[] => [
    ...['both', 'six', 'four', 'local', 'open', 'near'].flatMap((name) =>
      addressesOf(name).map((address) => bracketed(address, 80)),
    ),
    ...(world?.nodes ?? []).flatMap((node) =>
      (node.status?.addresses ?? [])
        .filter(({ type }) => type === 'InternalIP')
        .flatMap(({ address }) => [30001, 30002, 30003].map((port) => bracketed(address, port))),
    ),
    ...(world?.pods ?? [])
      .filter((pod) => pod.metadata?.name === 'web-1')
      .flatMap((pod) => (pod.status?.podIPs ?? []).map(({ ip }) => bracketed(ip, 9376))),
    '[fd00:10:96::fefe]:80',
  ];

  for (const place of places) {
    test(`from ${place}, every address of its family does what is explained`, async () => {
      const wrong: string[] = [];
      const family = place.startsWith('outside/') ? place.includes(':') : undefined;
      const queue = targets().filter((target) => family === undefined || target.startsWith('[') === family);
      assert.ok(queue.length > 10);
      const work = async (): Promise<void> => {
        for (let target = queue.shift(); target !== undefined; target = queue.shift()) {
          assert.ok(world !== undefined);
          const { fault } = await compareWithWire(cluster().prober, world, place, target);
          if (fault !== '') wrong.push(fault);
        }
      };
      await Promise.all(Array.from({ length: 8 }, work));
      assert.equal(wrong.join('\n\n'), '', `${wrong.length} disagreements`);
    });
  }

  test('names have the records of both families that the name server gives', async () => {
    for (const name of ['both', 'six', 'four', 'names']) {
      assert.ok(world !== undefined);
      const { name: walk } = explain(world, { target: name, from: parsePlace('pod/default/client'), namespace: 'default' });
      for (const attempt of walk?.attempts ?? []) {
        for (const query of attempt.queries) {
          const answer = await cluster().prober.resolve('pod/default/client', attempt.name, query.type as 'A' | 'AAAA');
          const records = query.answers.map(({ type, data }) => `${type} ${data}`);
          assert.deepEqual([...answer.records].sort(), records.sort(), `${attempt.name} ${query.type}`);
        }
      }
    }
  });
}
