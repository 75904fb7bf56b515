/** topologyKeys on the wire: example 04, with several keys in several orders. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodes, pods, services } from '../../src/api/index.ts';
import { ProbeError } from '../../src/cluster/index.ts';
import { applyText, echoPod, until, useCluster } from './cluster-harness.ts';
import { isInside } from './linux-harness.ts';

const zone = 'topology.kubernetes.io/zone';
const region = 'topology.kubernetes.io/region';
const host = 'kubernetes.io/hostname';
const keyLists = {
  'host-any': [host, '*'],
  'host-only': [host],
  'host-zone': [host, zone],
  'zone-host': [zone, host],
  'host-zone-region': [host, zone, region],
  'region-zone': [region, zone],
  'short-zone': ['kubernetes.io/zone'],
  rack: ['example.com/rack'],
  'rack-any': ['example.com/rack', '*'],
} as const;

const manifests = `
${Object.entries(keyLists)
  .map(
    ([name, keys]) => `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 9376}]
  topologyKeys: ${JSON.stringify(keys)}
---`,
  )
  .join('')}
${['node-1', 'node-2', 'node-4'].map((node, index) => echoPod(`web-${index}`, { node, labels: { app: 'web' } })).join('\n')}
${[1, 2, 3, 4].map((number) => echoPod(`client-${number}`, { node: `node-${number}`, port: 8080 })).join('\n')}
`;

if (isInside(import.meta.url)) {
  // node-1, node-2, node-3: zone-a; node-4: zone-b
  const cluster = useCluster({ nodes: 4 }, manifests);

  /** The nodes whose pods answer a client on a node, or how it fails. */
  async function reached(service: string, client: number): Promise<string> {
    const object = await cluster().client.get(services, service, { namespace: 'default' });
    const target = { address: object.spec?.clusterIP ?? '', port: 80 };
    const found = new Set<string>();
    try {
      for (let index = 0; index < 30; index++)
        found.add((await cluster().prober.ask(`pod/default/client-${client}`, target)).node);
    } catch (error) {
      if (error instanceof ProbeError) return error.code;
      throw error;
    }
    return [...found].sort().join();
  }

  const all = 'node-1,node-2,node-4';
  const table: readonly [service: string, client: number, want: string][] = [
    ['host-any', 1, 'node-1'],
    ['host-any', 3, all],
    ['host-only', 2, 'node-2'],
    ['host-only', 3, 'refused'],
    ['host-zone', 1, 'node-1'],
    ['host-zone', 3, 'node-1,node-2'],
    ['host-zone', 4, 'node-4'],
    ['zone-host', 1, 'node-1,node-2'],
    ['zone-host', 4, 'node-4'],
    ['host-zone-region', 3, 'node-1,node-2'],
    ['region-zone', 4, all],
    ['short-zone', 3, 'node-1,node-2'],
    ['short-zone', 4, 'node-4'],
    ['rack', 1, 'refused'],
    ['rack-any', 1, all],
  ];
  for (const [service, client, want] of table) {
    test(`topologyKeys ${JSON.stringify(keyLists[service as keyof typeof keyLists])}: a client on node-${client} reaches ${want}`, async () => {
      assert.equal(await reached(service, client), want);
    });
  }

  test('a label of any name works, and a change of a label on a Node moves traffic', async () => {
    const { client } = cluster();
    const setLabel = (node: string, key: string, value: string | null): Promise<unknown> =>
      client.patch(nodes, node, 'merge', { metadata: { labels: { [key]: value } } });
    await setLabel('node-1', 'example.com/rack', 'r1');
    await setLabel('node-4', 'example.com/rack', 'r1');
    await until('rack r1 is node-1 and node-4', async () => (await reached('rack', 1)) === 'node-1,node-4');
    await setLabel('node-4', zone, 'zone-a');
    await until('node-3 reaches node-4 as well once it is in zone-a', async () => (await reached('host-zone', 3)) === all);
    await setLabel('node-3', zone, 'zone-c');
    await until('node-3 is refused when it is alone in its zone', async () => (await reached('host-zone', 3)) === 'refused');
  });

  test('when the near endpoint goes, the next key takes over, and it comes back', async () => {
    const { client } = cluster();
    assert.equal(await reached('host-any', 2), 'node-2');
    await client.delete(pods, 'web-1', { namespace: 'default' });
    await until('node-2 reaches the others', async () => (await reached('host-any', 2)) === 'node-1,node-4');
    await applyText(cluster(), echoPod('web-9', { node: 'node-2', labels: { app: 'web' } }));
    await until('and its own again', async () => (await reached('host-any', 2)) === 'node-2');
  });
}
