/** `service.kubernetes.io/topology-mode: Auto` and trafficDistribution through the API, the controllers and packets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointSlices, events, pods, services } from '../../src/api/index.ts';
import { applyText, echoPod, until, useCluster } from './cluster-harness.ts';
import { isInside } from './linux-harness.ts';

const service = (
  name: string,
  { annotations = {}, spec = '' }: { annotations?: Record<string, string>; spec?: string },
): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, annotations: ${JSON.stringify(annotations)}}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: 9376}]
  ${spec}
---`;
const manifests = `
${service('auto', { annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } })}
${service('close', { spec: 'trafficDistribution: PreferSameZone' })}
${['web-0', 'web-1', 'web-2'].map((name) => echoPod(name, { node: 'node-1', labels: { app: 'web' } })).join('\n')}
${[1, 2, 3].map((number) => echoPod(`client-${number}`, { node: `node-${number}`, port: 8080 })).join('\n')}
`;

if (isInside(import.meta.url)) {
  // node-1 and node-2 in zone-a, node-3 in zone-b, all of as many processors: two thirds and one third
  const cluster = useCluster({ nodes: 3 }, manifests);

  /** The pods that answer a client on a node. */
  async function reached(name: string, client: number): Promise<string[]> {
    const object = await cluster().client.get(services, name, { namespace: 'default' });
    const target = { address: object.spec?.clusterIP ?? '', port: 80 };
    const found = new Set<string>();
    for (let index = 0; index < 40; index++) found.add((await cluster().prober.ask(`pod/default/client-${client}`, target)).pod);
    return [...found].sort();
  }

  /** The zone that each endpoint is hinted for. */
  async function hintsOf(name: string): Promise<string[]> {
    const labelSelector = `kubernetes.io/service-name=${name}`;
    const { items } = await cluster().client.list(endpointSlices, { namespace: 'default', labelSelector });
    return items.flatMap(({ endpoints = [] }) => endpoints).map(({ hints }) => hints?.forZones?.[0]?.name ?? 'none');
  }

  /** `type reason: message` of the events about a Service. */
  async function told(name: string): Promise<string[]> {
    const { items } = await cluster().client.list(events, { namespace: 'default' });
    return items
      .filter(({ involvedObject }) => involvedObject.kind === 'Service' && involvedObject.name === name)
      .map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
  }

  test('Auto: each zone is given its share of the endpoints, wherever they are, and the Service is told', async () => {
    await until('zone-b is given one', async () => (await reached('auto', 3)).length === 1);
    const [ofZoneB] = await reached('auto', 3);
    const ofZoneA = await reached('auto', 1);
    assert.equal(ofZoneA.length, 2);
    assert.ok(!ofZoneA.includes(ofZoneB ?? ''));
    assert.deepEqual(await reached('auto', 2), ofZoneA);
    // and before that of what stood in the way while pods came one by one
    await until('the Service is told', async () =>
      (await told('auto')).includes('Normal TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, addressType: IPv4'),
    );
    assert.deepEqual((await hintsOf('auto')).toSorted(), ['zone-a', 'zone-a', 'zone-b']);
  });

  test('PreferSameZone: a zone without an endpoint uses those of others, and its own once it has one', async () => {
    assert.deepEqual(await reached('close', 3), ['web-0', 'web-1', 'web-2']);
    await applyText(cluster(), echoPod('near', { node: 'node-3', labels: { app: 'web' } }));
    await until('the near one is used', async () => (await reached('close', 3)).join() === 'near');
    assert.deepEqual(await reached('close', 1), ['web-0', 'web-1', 'web-2']);
  });

  test('Auto with fewer endpoints than zones gives no hints: everybody reaches what there is, and the Service is told why', async () => {
    for (const name of ['near', 'web-1', 'web-2'])
      await cluster().client.delete(pods, name, { namespace: 'default', body: { gracePeriodSeconds: 0 } });
    await until('one is left', async () => (await reached('auto', 3)).join() === 'web-0');
    assert.deepEqual(await reached('auto', 1), ['web-0']);
    const refusal =
      'Warning TopologyAwareHintsDisabled: Insufficient number of endpoints (1 endpoints, 2 zones), addressType: IPv4';
    await until('the Service is told', async () => (await told('auto')).includes(refusal));
    assert.deepEqual(await hintsOf('auto'), ['none']);
  });
}
