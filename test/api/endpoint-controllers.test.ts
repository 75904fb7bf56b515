/** The endpoint controllers against the embedded API server, over TLS: scenarios of the reference that need an API. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { endpoints, endpointSlices, events, pods, services } from '../../src/api/index.ts';
import type { EndpointSlice, Resource, Service } from '../../src/api/index.ts';
import { startApiServer } from '../../src/apiserver/index.ts';
import type { ApiServer } from '../../src/apiserver/index.ts';
import { createClient, parseKubeconfig } from '../../src/client/index.ts';
import { startTestCluster } from '../../src/controllers/workload-cluster.case.test.ts';
import type { TestCluster } from '../../src/controllers/workload-cluster.case.test.ts';
import { silentLogger } from '../../src/observe/index.ts';

const namespace = 'ns';
const nameLabel = 'kubernetes.io/service-name';
const managedBy = 'endpointslice.kubernetes.io/managed-by';
const headlessLabel = 'service.kubernetes.io/headless';

describe('endpoint controllers', () => {
  let server: ApiServer;
  let cluster: TestCluster;
  let client: ReturnType<typeof createClient>;

  beforeEach(async () => {
    server = await startApiServer({ port: 0 }, { logger: silentLogger });
    client = createClient(parseKubeconfig(server.kubeconfigText), { logger: silentLogger });
    const api = {
      client,
      list: <T>(resource: Resource<T>) => listOf(resource),
      get: <T>(resource: Resource<T>, key: string) =>
        server.store.get(`${resource.group}/${resource.plural}/${key.includes('/') ? key : `/${key}`}`)?.object as T | undefined,
      close: async () => {
        client.close();
        await server.close();
      },
    };
    cluster = await startTestCluster(api, ['n1', 'n2'], {});
  });

  afterEach(() => cluster.close());

  function listOf<T>(resource: Resource<T>): T[] {
    return server.store.list(`${resource.group}/${resource.plural}/`).items.map(({ object }) => object as T);
  }

  const slicesOf = (service: string): EndpointSlice[] =>
    listOf(endpointSlices).filter(
      ({ metadata }) => metadata?.labels?.[nameLabel] === service && metadata.namespace === namespace,
    );

  /** `address ready` of all endpoints, sorted. */
  const endpointsOf = (service: string): string =>
    slicesOf(service)
      .flatMap((slice) => slice.endpoints ?? [])
      .map(({ addresses, conditions }) => `${addresses.join()} ${conditions?.ready}`)
      .sort()
      .join('; ');

  async function createPod(
    name: string,
    ip: string,
    more: { labels?: Record<string, string>; node?: string } = {},
  ): Promise<void> {
    const { labels = { app: 'web' }, node = 'n1' } = more;
    await client.create(
      pods,
      { metadata: { name, labels }, spec: { nodeName: node, containers: [{ name: 'c', image: 'echo' }] } },
      { namespace },
    );
    await client.patch(pods, name, 'merge', { status: { podIP: ip, podIPs: [{ ip }] } }, { namespace, subresource: 'status' });
  }

  const createService = (
    name: string,
    spec: NonNullable<Service['spec']>,
    labels: Record<string, string> = {},
  ): Promise<Service> =>
    client.create(services, { metadata: { name, labels }, spec: { ports: [{ port: 80 }], ...spec } }, { namespace });

  const patchService = (name: string, patch: object): Promise<Service> =>
    client.patch(services, name, 'merge', patch, { namespace });

  /** Polls until `look` gives what is wanted; shows the last value when it never does. */
  async function becomes(look: () => unknown, want: unknown, timeoutMs = 5000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (performance.now() < deadline) {
      try {
        assert.deepEqual(look(), want);
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    assert.deepEqual(look(), want);
  }

  /** Long enough for a controller to do what it must not. */
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 150));

  test('a pod that becomes ready, changes its labels or goes is followed in slices and Endpoints', async () => {
    await createService('web', { selector: { app: 'web' } });
    await becomes(() => slicesOf('web').length, 1);
    await createPod('a', '10.244.1.2');
    await createPod('b', '10.244.1.3', { node: 'n2' });
    await becomes(() => endpointsOf('web'), '10.244.1.2 true; 10.244.1.3 true');
    const subset = (): unknown =>
      cluster
        .get(endpoints, 'ns/web')
        ?.subsets?.map(({ addresses, notReadyAddresses }) => [
          addresses?.map(({ ip }) => ip),
          notReadyAddresses?.map(({ ip }) => ip),
        ]);
    await becomes(subset, [[['10.244.1.2', '10.244.1.3'], undefined]]);
    cluster.notReady.add('a');
    cluster.touchPods();
    await becomes(() => endpointsOf('web'), '10.244.1.2 false; 10.244.1.3 true');
    await becomes(subset, [[['10.244.1.3'], ['10.244.1.2']]]);
    await client.patch(pods, 'b', 'merge', { metadata: { labels: { app: 'other' } } }, { namespace });
    await becomes(() => endpointsOf('web'), '10.244.1.2 false');
    await client.delete(pods, 'a', { namespace, body: { gracePeriodSeconds: 0 } });
    await becomes(() => endpointsOf('web'), '');
    assert.equal(slicesOf('web').length, 1, 'the empty slice stays');
    await becomes(subset, undefined);
  });

  test('B15: ExternalName with a selector has no slices and no Endpoints, and nothing is written for it', async () => {
    await createPod('a', '10.244.1.2');
    await createService('far', { type: 'ExternalName', externalName: 'a.example', selector: { app: 'web' } });
    await pause();
    assert.deepEqual(slicesOf('far'), []);
    assert.equal(cluster.get(endpoints, 'ns/far'), undefined);
  });

  test('ExternalName that becomes a ClusterIP gets its slices, and headless ones lose and regain the label with the address', async () => {
    await createPod('a', '10.244.1.2');
    await createService('web', { clusterIP: 'None', selector: { app: 'web' } });
    const isHeadless = (): boolean[] => slicesOf('web').map(({ metadata }) => headlessLabel in (metadata?.labels ?? {}));
    await becomes(isHeadless, [true]);
    await patchService('web', { spec: { type: 'ExternalName', externalName: 'a.example', clusterIP: null, clusterIPs: null } });
    await patchService('web', { spec: { type: 'ClusterIP', externalName: null } });
    await becomes(isHeadless, [false]);
    await becomes(() => endpointsOf('web'), '10.244.1.2 true');
  });

  test('a slice that somebody edits or deletes is put right, and one by hand is left alone', async () => {
    await createService('web', { selector: { app: 'web' } });
    await createPod('a', '10.244.1.2');
    await becomes(() => endpointsOf('web'), '10.244.1.2 true');
    const name = slicesOf('web')[0]?.metadata?.name ?? '';
    await client.create(
      endpointSlices,
      {
        metadata: { name: 'by-hand', labels: { [nameLabel]: 'web' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['10.0.9.1'] }],
      },
      { namespace },
    );
    await client.patch(endpointSlices, name, 'merge', { endpoints: [] }, { namespace });
    await becomes(() => endpointsOf('web'), '10.0.9.1 undefined; 10.244.1.2 true');
    await client.delete(endpointSlices, name, { namespace });
    await becomes(() => endpointsOf('web'), '10.0.9.1 undefined; 10.244.1.2 true');
  });

  test('slices and Endpoints go with their Service', async () => {
    await createService('web', { selector: { app: 'web' } });
    await becomes(() => [slicesOf('web').length, cluster.get(endpoints, 'ns/web') !== undefined], [1, true]);
    await client.delete(services, 'web', { namespace });
    await becomes(() => [slicesOf('web').length, cluster.get(endpoints, 'ns/web')], [0, undefined]);
  });

  test('without its selector a Service keeps its slices, which nobody changes any more', async () => {
    await createService('web', { selector: { app: 'web' } });
    await createPod('a', '10.244.1.2');
    await becomes(() => endpointsOf('web'), '10.244.1.2 true');
    await patchService('web', { spec: { selector: null } });
    cluster.notReady.add('a');
    cluster.touchPods();
    await pause();
    assert.match(endpointsOf('web'), /^10\.244\.1\.2 true/);
  });

  test("labels of the Service reach its slices, all but the controllers' own", async () => {
    const given = { team: 'x', [managedBy]: 'me', [headlessLabel]: 'yes' };
    await createService('web', { selector: { app: 'web' } }, given);
    const labels = (): unknown => slicesOf('web').map(({ metadata }) => metadata?.labels);
    const own = { [nameLabel]: 'web', [managedBy]: 'endpointslice-controller.k8s.io' };
    await becomes(labels, [{ team: 'x', ...own }]);
    await patchService('web', { metadata: { labels: { team: 'y', new: 'z' } } });
    await becomes(labels, [{ team: 'y', new: 'z', ...own }]);
  });

  test('Endpoints by hand are mirrored, followed, skipped when they say so, and given up when a selector comes', async () => {
    await createService('web', {});
    const write = (ips: readonly string[], labels: Record<string, string> = {}): Promise<unknown> =>
      client.update(
        endpoints,
        { metadata: { name: 'web', labels }, subsets: [{ addresses: ips.map((ip) => ({ ip })), ports: [{ port: 9376 }] }] },
        { namespace },
      );
    await write(['10.244.1.2']);
    await becomes(() => endpointsOf('web'), '10.244.1.2 true');
    assert.deepEqual(
      slicesOf('web').map(({ metadata }) => metadata?.labels?.[managedBy]),
      ['endpointslicemirroring-controller.k8s.io'],
    );
    await write(['10.0.9.1', '10.0.9.2']);
    await becomes(() => endpointsOf('web'), '10.0.9.1 true; 10.0.9.2 true');
    await write(['10.0.9.1'], { 'endpointslice.kubernetes.io/skip-mirror': 'true' });
    await becomes(() => slicesOf('web').length, 0);
    await write(['10.0.9.1']);
    await becomes(() => endpointsOf('web'), '10.0.9.1 true');
    await patchService('web', { spec: { selector: { app: 'web' } } });
    await becomes(
      () => slicesOf('web').map(({ metadata }) => metadata?.labels?.[managedBy]),
      ['endpointslice-controller.k8s.io'],
    );
  });

  test('a hundred Services over fifty pods settle with one write for each slice and Endpoints object', async () => {
    for (let index = 0; index < 50; index++) await createPod(`p${index}`, `10.244.1.${index + 2}`);
    await becomes(() => listOf(pods).filter(({ status }) => status?.conditions !== undefined).length, 50);
    await Promise.all(Array.from({ length: 100 }, (_each, index) => createService(`s${index}`, { selector: { app: 'web' } })));
    await becomes(() => listOf(endpointSlices).filter(({ endpoints: some }) => some?.length === 50).length, 100, 30_000);
    await becomes(() => listOf(endpoints).filter(({ subsets }) => subsets?.[0]?.addresses?.length === 50).length, 100, 30_000);
    await pause();
    const rewritten = listOf(endpointSlices).filter(({ metadata }) => (metadata?.generation ?? 1) > 1);
    assert.equal(rewritten.length, 0, 'written once and then at rest');
    assert.deepEqual(
      listOf(events).filter(({ type }) => type === 'Warning'),
      [],
    );
  });
});
