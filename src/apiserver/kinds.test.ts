import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { silentLogger } from '../observe/index.ts';
import { expireEvents } from './kinds/keeper.ts';
import type { TestServer } from './test-server.ts';
import { startTestServer, until } from './test-server.ts';

let api: TestServer;
before(async () => {
  api = await startTestServer({ advertise: { address: '10.0.0.1', port: 6443 } });
});
after(() => api.close());

const services = '/api/v1/namespaces/default/services';

describe('what is there from the start', () => {
  test('the system namespaces, each with a service account and the CA', async () => {
    for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
      const { body } = await api.get(`/api/v1/namespaces/${name}`);
      assert.deepEqual(body.status, { phase: 'Active' });
      assert.equal(body.metadata?.labels?.['kubernetes.io/metadata.name'], name);
      assert.equal((await api.get(`/api/v1/namespaces/${name}/serviceaccounts/default`)).code, 200);
      const ca = await api.get(`/api/v1/namespaces/${name}/configmaps/kube-root-ca.crt`);
      assert.deepEqual(ca.body['data'], { 'ca.crt': api.server.caPem });
    }
  });

  test('the Service kubernetes on the first address, with endpoints that agree', async () => {
    const service = await api.get(`${services}/kubernetes`);
    assert.equal((service.body.spec as { clusterIP?: string }).clusterIP, '10.96.0.1');
    const endpoints = await api.get('/api/v1/namespaces/default/endpoints/kubernetes');
    assert.deepEqual(endpoints.body['subsets'], [
      { addresses: [{ ip: '10.0.0.1' }], ports: [{ name: 'https', port: 6443, protocol: 'TCP' }] },
    ]);
    const slice = await api.get('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes');
    assert.equal(slice.body['addressType'], 'IPv4');
    assert.deepEqual((slice.body['endpoints'] as { addresses: string[] }[])[0]?.addresses, ['10.0.0.1']);
    assert.equal((await api.get('/apis/networking.k8s.io/v1/ipaddresses/10.96.0.1')).code, 200);
  });

  test('a ready ServiceCIDR with the range', async () => {
    const { body } = await api.get('/apis/networking.k8s.io/v1/servicecidrs/kubernetes');
    assert.deepEqual(body.spec, { cidrs: ['10.96.0.0/16'] });
    assert.equal((body.status as { conditions: { type: string; status: string }[] }).conditions[0]?.status, 'True');
  });
});

describe('a Job', () => {
  const jobs = '/apis/batch/v1/namespaces/default/jobs';
  const job = (name: string, more: Readonly<Record<string, unknown>> = {}) => ({
    metadata: { name },
    spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'echo' }] } }, ...more },
  });
  interface JobSpec {
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
    readonly template: { readonly metadata?: { readonly labels?: Readonly<Record<string, string>> } };
  }

  test('selects its own pods and no others', async () => {
    const { code, body } = await api.post(jobs, job('pi'));
    assert.equal(code, 201);
    const uid = body.metadata?.uid ?? '';
    const { selector, template } = body.spec as JobSpec;
    assert.deepEqual(selector, { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } });
    assert.deepEqual(template.metadata?.labels, {
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': 'pi',
      'controller-uid': uid,
      'job-name': 'pi',
    });
  });

  test('keeps the selector that it is given when it says so', async () => {
    const selector = { matchLabels: { app: 'mine' } };
    const { body } = await api.post(jobs, job('manual', { manualSelector: true, selector }));
    assert.deepEqual((body.spec as JobSpec).selector, selector);
  });
});

describe('what the server keeps', () => {
  test('comes back when it is deleted', async () => {
    const kept = [
      `${services}/kubernetes`,
      '/api/v1/namespaces/default/endpoints/kubernetes',
      '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes',
      '/api/v1/namespaces/default/serviceaccounts/default',
      '/api/v1/namespaces/default/configmaps/kube-root-ca.crt',
    ];
    for (const path of kept) {
      assert.equal((await api.delete(path)).code, 200);
      await until(async () => (await api.get(path)).code === 200, `${path} is back`);
    }
    const service = await api.get(`${services}/kubernetes`);
    assert.equal((service.body.spec as { clusterIP?: string }).clusterIP, '10.96.0.1');
  });

  test('includes the namespaces that it lives in', async () => {
    const { code, body } = await api.delete('/api/v1/namespaces/kube-system');
    assert.equal(code, 403);
    assert.equal(body.message, 'namespaces "kube-system" is forbidden: this namespace may not be deleted');
  });

  test('does not include events of more than an hour ago', () => {
    const { store } = api.server;
    const event = (name: string, lastTimestamp: string) => ({ metadata: { name, namespace: 'default' }, lastTimestamp });
    const now = new Date('2026-01-02T03:00:00Z');
    store.create('/events/default/old', event('old', '2026-01-02T01:59:00Z'));
    store.create('/events/default/new', event('new', '2026-01-02T02:01:00Z'));
    expireEvents({ store, logger: silentLogger, now: () => now, behaviours: new Map() });
    assert.equal(store.get('/events/default/old'), undefined);
    assert.notEqual(store.get('/events/default/new'), undefined);
  });
});

describe('namespaces', () => {
  test('are emptied before they go, and take nothing new meanwhile', async () => {
    await api.post('/api/v1/namespaces', { metadata: { name: 'doomed' } });
    const maps = '/api/v1/namespaces/doomed/configmaps';
    await api.post(maps, { metadata: { name: 'held', finalizers: ['example.com/hold'] } });
    await api.post('/api/v1/namespaces/doomed/services', { metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } });
    const { body } = await api.delete('/api/v1/namespaces/doomed');
    assert.equal((body.status as { phase?: string }).phase, 'Terminating');
    await until(async () => (await api.get('/api/v1/namespaces/doomed/services/web')).code === 404, 'the content goes');
    const refused = await api.post(maps, { metadata: { name: 'late' } });
    assert.equal(refused.code, 403);
    assert.equal(
      refused.body.message,
      'configmaps "late" is forbidden: unable to create new content in namespace doomed because it is being terminated',
    );
    assert.deepEqual((refused.body.details as { causes?: { reason: string }[] }).causes?.[0]?.reason, 'NamespaceTerminating');
    assert.equal((await api.get('/api/v1/namespaces/doomed')).code, 200, 'held by the finalizer of its content');
    const { status } = (await api.get('/api/v1/namespaces/doomed')).body as { status?: { conditions?: { message: string }[] } };
    assert.deepEqual(
      status?.conditions?.map(({ message }) => message),
      [
        'Some resources are remaining: configmaps. has 1 resource instances',
        'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
      ],
    );
    await api.patch(`${maps}/held`, 'merge', { metadata: { finalizers: null } });
    await until(async () => (await api.get('/api/v1/namespaces/doomed')).code === 404, 'the namespace goes');
  });

  test('go through finalize only when all their finalizers are gone', async () => {
    const { body } = await api.post('/api/v1/namespaces', {
      metadata: { name: 'kept' },
      spec: { finalizers: ['ignored.example.com/x'] },
    });
    assert.deepEqual(body.spec, { finalizers: ['kubernetes'] });
    const path = '/api/v1/namespaces/kept';
    await api.put(`${path}/finalize`, { ...body, spec: { finalizers: ['kubernetes', 'example.com/mine'] } });
    const main = await api.patch(path, 'merge', { spec: { finalizers: [] } });
    assert.deepEqual(main.body.spec, { finalizers: ['kubernetes', 'example.com/mine'] }, 'not through the object itself');
    await api.delete(path);
    await until(async () => {
      const { spec } = (await api.get(path)).body as { spec?: { finalizers?: string[] } };
      return spec?.finalizers?.length === 1;
    }, 'the content finalizer goes');
    const { body: left } = await api.get(path);
    await api.put(`${path}/finalize`, { ...left, spec: {} });
    assert.equal((await api.get(path)).code, 404);
  });
});

describe('services', () => {
  test('get an address and ports, keep them on update and give them back', async () => {
    const created = await api.post(services, { metadata: { name: 'web' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } });
    const spec = created.body.spec as {
      clusterIP: string;
      ports: { nodePort: number; targetPort: number }[];
      sessionAffinity: string;
    };
    assert.match(spec.clusterIP, /^10\.96\./);
    assert.equal(spec.ports[0]?.targetPort, 80);
    assert.equal(spec.sessionAffinity, 'None');
    const address = `/apis/networking.k8s.io/v1/ipaddresses/${spec.clusterIP}`;
    assert.equal((await api.get(address)).code, 200);
    const put = await api.put(`${services}/web`, {
      metadata: { name: 'web' },
      spec: { type: 'NodePort', ports: [{ port: 81 }] },
    });
    assert.equal(put.code, 200);
    assert.equal((put.body.spec as typeof spec).clusterIP, spec.clusterIP);
    assert.equal((put.body.spec as typeof spec).ports[0]?.nodePort, spec.ports[0]?.nodePort);
    await api.put('/api/v1/namespaces/default/endpoints/web', { metadata: { name: 'web' } });
    const deleted = await api.delete(`${services}/web`);
    assert.equal(deleted.body.kind, 'Service');
    assert.equal((await api.get(address)).code, 404);
    assert.equal((await api.get('/api/v1/namespaces/default/endpoints/web')).code, 404, 'its Endpoints go with it');
  });

  test('that are wrong are refused in words of the API and take nothing', async () => {
    const before = (await api.get('/apis/networking.k8s.io/v1/ipaddresses')).body.items?.length;
    const { code, body } = await api.post(services, {
      metadata: { name: 'bad' },
      spec: { ports: [{ port: 70000, targetPort: 80 }] },
    });
    assert.equal(code, 422);
    assert.match(
      body.message ?? '',
      /^Service "bad" is invalid: spec\.ports\[0\]\.port: Invalid value: 70000: must be between 1 and 65535, inclusive$/,
    );
    const list = await api.post(services, { metadata: { name: 'bad' }, spec: { ports: { port: 80 } } });
    assert.equal(list.code, 400);
    assert.match(
      list.body.message ?? '',
      /json: cannot unmarshal object into Go struct field ServiceSpec\.spec\.ports of type \[\]v1\.ServicePort/,
    );
    assert.equal((await api.get('/apis/networking.k8s.io/v1/ipaddresses')).body.items?.length, before);
  });

  test('on a dry run take nothing either', async () => {
    const before = (await api.get('/apis/networking.k8s.io/v1/ipaddresses')).body.items?.length;
    const dry = { metadata: { name: 'dry' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } };
    assert.equal((await api.post(`${services}?dryRun=All`, dry)).code, 201);
    assert.equal((await api.get('/apis/networking.k8s.io/v1/ipaddresses')).body.items?.length, before);
  });

  test('keep their spec when only the status is written', async () => {
    await api.post(services, { metadata: { name: 'lb' }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } });
    const path = `${services}/lb/status`;
    const status = { loadBalancer: { ingress: [{ ip: '10.0.8.1' }] } };
    const { body } = await api.patch(path, 'merge', {
      spec: { type: 'ClusterIP' },
      status,
      metadata: { annotations: { a: 'b' } },
    });
    assert.equal((body.spec as { type?: string }).type, 'LoadBalancer');
    assert.equal((body.status as typeof status).loadBalancer.ingress[0]?.ip, '10.0.8.1');
    assert.deepEqual(body.metadata?.annotations, { a: 'b' });
  });
});

describe('scale', () => {
  const deployments = '/apis/apps/v1/namespaces/default/deployments';
  const template = { metadata: { labels: { app: 'x', tier: 'y' } }, spec: { containers: [{ name: 'c', image: 'echo' }] } };
  const selector = { matchLabels: { tier: 'y', app: 'x' } };

  test('is one view for reading and writing', async () => {
    await api.post(deployments, { metadata: { name: 'scaled' }, spec: { replicas: 2, selector, template } });
    const read = await api.get(`${deployments}/scaled/scale`);
    assert.equal(read.body.kind, 'Scale');
    assert.equal(read.body.apiVersion, 'autoscaling/v1');
    assert.deepEqual(read.body.spec, { replicas: 2 });
    assert.deepEqual(read.body.status, { replicas: 0, selector: 'app=x,tier=y' });
    const patched = await api.patch(`${deployments}/scaled/scale`, 'merge', { spec: { replicas: 5 } });
    assert.deepEqual(patched.body.spec, { replicas: 5 });
    const late = await api.put(`${deployments}/scaled/scale`, read.body);
    assert.equal(late.code, 409);
    const put = await api.put(`${deployments}/scaled/scale`, { ...patched.body, spec: { replicas: 1 } });
    assert.equal(put.code, 200);
    const { body } = await api.get(`${deployments}/scaled`);
    assert.equal((body.spec as { replicas?: number }).replicas, 1);
    assert.equal(body.metadata?.generation, 3);
  });
});
