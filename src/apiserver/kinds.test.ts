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

const pods = '/api/v1/namespaces/default/pods';
const services = '/api/v1/namespaces/default/services';
const pod = (name: string, spec: Readonly<Record<string, unknown>> = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'echo' }], ...spec },
});

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

describe('pods', () => {
  test('start as Pending under the default service account', async () => {
    const { code, body } = await api.post(pods, pod('fresh'));
    assert.equal(code, 201);
    assert.deepEqual(body.status, { phase: 'Pending', qosClass: 'BestEffort' });
    assert.equal((body.spec as { serviceAccountName?: string }).serviceAccountName, 'default');
    assert.equal(body.metadata?.generation, 1);
  });

  test('that ask for a port of their node are told that they do not get it', async () => {
    const ports = [{ containerPort: 80 }, { containerPort: 81, hostPort: 8081 }];
    const withPorts = { ...pod('hosted'), spec: { containers: [{ name: 'c', image: 'x', ports }] } };
    const { headers } = await api.post(pods, withPorts);
    assert.equal(
      headers['warning'],
      '299 - "spec.containers[0].ports[1].hostPort is stored, but nothing in Fairlead acts on it"',
    );
  });

  test('that ask for what is not offered are told so, field by field', async () => {
    const spec = { hostPID: true, shareProcessNamespace: false, securityContext: { fsGroup: 2000, runAsUser: 1000 } };
    const { code, headers } = await api.post(pods, pod('asking', spec));
    assert.equal(code, 201);
    const said = (path: string): string => `299 - "spec.${path} is stored, but nothing in Fairlead acts on it"`;
    assert.equal(headers['warning'], `${said('hostPID')}, ${said('securityContext.fsGroup')}`);
  });

  test('are bound once', async () => {
    await api.post(pods, pod('bound'));
    const binding = (node: string) => ({
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'bound' },
      target: { kind: 'Node', name: node },
    });
    const first = await api.post(`${pods}/bound/binding`, binding('node-1'));
    assert.equal(first.code, 201);
    assert.equal(first.body['status'], 'Success');
    const { body } = await api.get(`${pods}/bound`);
    assert.equal((body.spec as { nodeName?: string }).nodeName, 'node-1');
    assert.equal((body.status as { conditions: { type: string }[] }).conditions[0]?.type, 'PodScheduled');
    const second = await api.post(`${pods}/bound/binding`, binding('node-2'));
    assert.equal(second.code, 409);
    assert.match(second.body.message ?? '', /pod bound is already assigned to node "node-1"/);
    const listed = await api.get('/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1');
    assert.equal(listed.body.items?.[0]?.metadata?.name, 'bound');
  });

  test('without a node go at once', async () => {
    await api.post(pods, pod('unscheduled'));
    assert.equal((await api.delete(`${pods}/unscheduled`)).code, 200);
    assert.equal((await api.get(`${pods}/unscheduled`)).code, 404);
  });

  test('on a node are given their grace, which later deletions only shorten', async () => {
    const { body: created } = await api.post(pods, pod('graceful', { nodeName: 'node-1', terminationGracePeriodSeconds: 20 }));
    const first = await api.delete(`${pods}/graceful`);
    assert.equal(first.body.metadata?.deletionGracePeriodSeconds, 20);
    const until = Date.parse(first.body.metadata?.deletionTimestamp ?? '');
    assert.ok(until - Date.now() > 15_000 && until - Date.now() <= 20_000);
    const longer = await api.delete(`${pods}/graceful`, { gracePeriodSeconds: 60 });
    assert.equal(longer.body.metadata?.deletionTimestamp, first.body.metadata?.deletionTimestamp);
    const shorter = await api.delete(`${pods}/graceful`, { gracePeriodSeconds: 5 });
    assert.equal(shorter.body.metadata?.deletionGracePeriodSeconds, 5);
    assert.equal((await api.get(`${pods}/graceful`)).code, 200);
    const stranger = await api.delete(`${pods}/graceful`, { gracePeriodSeconds: 0, preconditions: { uid: 'other' } });
    assert.equal(stranger.code, 409);
    await api.delete(`${pods}/graceful`, { gracePeriodSeconds: 0, preconditions: { uid: created.metadata?.uid } });
    assert.equal((await api.get(`${pods}/graceful`)).code, 404);
  });

  test('that have ended go at once', async () => {
    await api.post(pods, pod('ended', { nodeName: 'node-1' }));
    await api.patch(`${pods}/ended/status`, 'merge', { status: { phase: 'Succeeded' } });
    await api.delete(`${pods}/ended`);
    assert.equal((await api.get(`${pods}/ended`)).code, 404);
  });

  test('are deleted by an eviction', async () => {
    await api.post(pods, pod('evicted'));
    const { code } = await api.post(`${pods}/evicted/eviction`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: 'evicted' },
    });
    assert.equal(code, 201);
    assert.equal((await api.get(`${pods}/evicted`)).code, 404);
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

describe('reviews', () => {
  test('say who one is and that everything is allowed', async () => {
    const self = await api.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {});
    assert.equal(self.code, 201);
    assert.equal((self.body.status as { userInfo: { username: string } }).userInfo.username, 'fairlead-admin');
    const spec = { resourceAttributes: { verb: 'delete', resource: 'pods', namespace: 'default' } };
    for (const kind of ['selfsubjectaccessreviews', 'subjectaccessreviews']) {
      const { body } = await api.post(`/apis/authorization.k8s.io/v1/${kind}`, { spec });
      assert.equal((body.status as { allowed?: boolean }).allowed, true);
    }
    const rules = await api.post('/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', { spec: { namespace: 'default' } });
    assert.equal((rules.body.status as { incomplete?: boolean }).incomplete, false);
  });

  test('a token of a service account is one of a user', async () => {
    const request = { spec: { expirationSeconds: 3600 } };
    const issued = await api.post('/api/v1/namespaces/default/serviceaccounts/default/token', request);
    assert.equal(issued.code, 201);
    const { token } = issued.body.status as { token: string };
    const self = await api.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      body: {},
      headers: { authorization: `Bearer ${token}` },
    });
    const { userInfo } = self.body.status as { userInfo: { username: string; groups: string[] } };
    assert.equal(userInfo.username, 'system:serviceaccount:default:default');
    assert.ok(userInfo.groups.includes('system:serviceaccounts:default'));
    const review = async (text: string) => {
      const { body } = await api.post('/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token: text } });
      return (body.status as { authenticated?: boolean }).authenticated;
    };
    assert.equal(await review(token), true);
    assert.equal(await review(`${token.slice(0, -3)}abc`), false);
    assert.equal(await review('nonsense'), false);
    const short = await api.post('/api/v1/namespaces/default/serviceaccounts/default/token', { spec: { expirationSeconds: 5 } });
    assert.equal(short.code, 422);
  });

  test('a token ends with its account, and with the object that it is bound to', async () => {
    const accounts = '/api/v1/namespaces/default/serviceaccounts';
    const containers = [{ name: 'c', image: 'x' }];
    await api.post(accounts, { metadata: { name: 'robot' } });
    const pod = await api.post('/api/v1/namespaces/default/pods', {
      metadata: { name: 'holder' },
      spec: { serviceAccountName: 'robot', containers },
    });
    const uid = pod.body.metadata?.uid;
    const ask = (boundObjectRef: object, account = 'robot') =>
      api.post(`${accounts}/${account}/token`, { spec: { boundObjectRef } });
    const bound = await ask({ apiVersion: 'v1', kind: 'Pod', name: 'holder', uid });
    const free = await api.post(`${accounts}/robot/token`, { spec: {} });
    const refused = [
      [await ask({ apiVersion: 'v1', kind: 'Pod', name: 'holder', uid: 'other' }), 409, /does not match the UID in record/],
      [await ask({ apiVersion: 'v1', kind: 'Pod', name: 'holder', uid }, 'default'), 400, /different serviceaccount name/],
      [await ask({ apiVersion: 'v1', kind: 'Pod', name: 'nosuch' }), 404, /pods "nosuch" not found/],
      [
        await ask({ apiVersion: 'v1', kind: 'Service', name: 'holder' }),
        400,
        /cannot bind token to object of type v1, Kind=Service/,
      ],
    ] as const;
    for (const [{ code, body }, want, message] of refused) {
      assert.equal(code, want, JSON.stringify(body));
      assert.match(String(body.message), message);
    }
    const opens = async (answer: typeof bound): Promise<boolean> => {
      const { token } = answer.body.status as { token: string };
      const { code } = await api.get('/api/v1/namespaces', { authorization: `Bearer ${token}` });
      return code === 200;
    };
    assert.deepEqual([await opens(bound), await opens(free)], [true, true]);
    await api.call('DELETE', '/api/v1/namespaces/default/pods/holder', { body: { gracePeriodSeconds: 0 } });
    assert.deepEqual([await opens(bound), await opens(free)], [false, true]);
    await api.call('DELETE', `${accounts}/robot`, { body: {} });
    assert.equal(await opens(free), false);
  });

  test('a token for another audience opens nothing here', async () => {
    const issued = await api.post('/api/v1/namespaces/default/serviceaccounts/default/token', { spec: { audiences: ['vault'] } });
    const { token } = issued.body.status as { token: string };
    assert.equal((await api.get('/api/v1/namespaces', { authorization: `Bearer ${token}` })).code, 401);
  });
});
