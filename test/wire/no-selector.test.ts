/** Services without a selector on the wire: example 08, by EndpointSlice and by legacy Endpoints, switched under load. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpoints, endpointSlices, pods, services } from '../../src/api/index.ts';
import type { EndpointSubset } from '../../src/api/index.ts';
import { ApplyError } from '../../src/cluster/index.ts';
import { parseManifest } from '../../src/manifest/index.ts';
import { echoPod, sleep, until, useCluster } from './cluster-harness.ts';
import { isInside } from './linux-harness.ts';

const service = (name: string): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec:
  type: ClusterIP
  ports: [{name: hoge, protocol: TCP, port: 80, targetPort: 80}]
---`;
const usersFile = `apiVersion: v1
kind: Service
metadata:
    name: sample-externalname
spec:
    type: ClusterIP
    ports:
        name: hoge
        protocol: TCP
        port: 80
        targetPort: 80
`;
/** A server of the rest of the world: the lab's echo on outside. */
const outsideAddress = '10.0.9.1';

if (isInside(import.meta.url)) {
  const cluster = useCluster(
    {},
    `${service('by-slice')}${service('by-endpoints')}${echoPod('inside', { port: 80 })}${echoPod('client', { port: 8080 })}`,
  );

  test("the user's file is refused: upstream's sentence first, then the field and the lines to write, with file, line and column", async () => {
    const attempt = cluster().apply(parseManifest(usersFile, '08-no-selector.yaml'));
    await assert.rejects(attempt, (error) => {
      assert.ok(error instanceof ApplyError);
      const upstream =
        'Service in version "v1" cannot be handled as a Service: json: cannot unmarshal object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort';
      assert.ok(error.message.startsWith(`08-no-selector.yaml:7:5: ${upstream}`), error.message);
      assert.match(error.message, /spec\.ports is a list.*\n\s+ports:\n\s+- name: hoge/s);
      return true;
    });
  });

  test('an EndpointSlice by hand leads into the lab, then to a server outside, without an interruption', async () => {
    const { client } = cluster();
    const inside = (await client.get(pods, 'inside', { namespace: 'default' })).status?.podIP ?? '';
    await client.create(
      endpointSlices,
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'by-hand', labels: { 'kubernetes.io/service-name': 'by-slice' } },
        addressType: 'IPv4',
        ports: [{ name: 'hoge', port: 80, protocol: 'TCP' }],
        endpoints: [{ addresses: [inside] }],
      },
      { namespace: 'default' },
    );
    await switchUnderLoad('by-slice', () =>
      client.patch(
        endpointSlices,
        'by-hand',
        'merge',
        { endpoints: [{ addresses: [outsideAddress] }] },
        { namespace: 'default' },
      ),
    );
  });

  test('a legacy Endpoints object does the same through its mirrored slice', async () => {
    const { client } = cluster();
    const inside = (await client.get(pods, 'inside', { namespace: 'default' })).status?.podIP ?? '';
    const subsets = (ip: string): EndpointSubset[] => [
      { addresses: [{ ip }], ports: [{ name: 'hoge', port: 80, protocol: 'TCP' }] },
    ];
    await client.create(
      endpoints,
      { apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'by-endpoints' }, subsets: subsets(inside) },
      { namespace: 'default' },
    );
    await switchUnderLoad('by-endpoints', () =>
      client.patch(endpoints, 'by-endpoints', 'merge', { subsets: subsets(outsideAddress) }, { namespace: 'default' }),
    );
    await client.delete(endpoints, 'by-endpoints', { namespace: 'default' });
    await until('the mirrored slices go with it', async () => {
      const list = await client.list(endpointSlices, {
        namespace: 'default',
        labelSelector: 'kubernetes.io/service-name=by-endpoints',
      });
      return list.items.length === 0;
    });
  });

  /** Connects without pause while the endpoint moves from the pod to the outside: every connection must be answered. */
  async function switchUnderLoad(name: string, move: () => Promise<unknown>): Promise<void> {
    const { client, prober } = cluster();
    const object = await client.get(services, name, { namespace: 'default' });
    const target = { address: object.spec?.clusterIP ?? '', port: 80 };
    await until('the endpoint inside answers', async () => {
      try {
        return (await prober.ask('pod/default/client', target)).pod === 'inside';
      } catch {
        return false;
      }
    });
    // several clients, so that a gap of a millisecond does not fall between two connections
    const answers: string[][] = [[], [], [], []];
    const stop = new AbortController();
    const load = Promise.all(
      answers.map(async (own) => {
        while (!stop.signal.aborted) own.push((await prober.ask('pod/default/client', target)).pod);
      }),
    );
    await sleep(100);
    await move();
    await until('the server outside answers', () => answers.every((own) => own.at(-1) === 'outside'));
    await sleep(100);
    stop.abort();
    await load;
    for (const own of answers) {
      const turn = own.indexOf('outside');
      assert.ok(turn > 0, 'the pod inside answered first');
      assert.deepEqual([...new Set(own.slice(turn))], ['outside'], 'after the switch nobody goes back');
    }
  }
}
