import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TestServer, TestWatch } from './test-server.ts';
import { startTestServer } from './test-server.ts';

let api: TestServer;
before(async () => {
  api = await startTestServer({ historyLimit: 200 });
});
after(() => api.close());

/** A namespace of its own for a test, so that tests do not see each other's objects. */
let namespaces = 0;
async function freshSecrets(): Promise<string> {
  namespaces += 1;
  await api.post('/api/v1/namespaces', { metadata: { name: `n${namespaces}` } });
  return `/api/v1/namespaces/n${namespaces}/secrets`;
}

const secret = (name: string, labels: Readonly<Record<string, string>> = {}) => ({ metadata: { name, labels } });
const names = (items: readonly { readonly metadata?: { readonly name?: string | undefined } | undefined }[] | undefined) =>
  items?.map(({ metadata }) => metadata?.name);

describe('lists', () => {
  test('are of the kind List and have a resourceVersion, items or none', async () => {
    const secrets = await freshSecrets();
    const empty = await api.get(secrets);
    assert.equal(empty.body.kind, 'SecretList');
    assert.deepEqual(empty.body.items, []);
    assert.match(empty.body.metadata?.resourceVersion ?? '', /^\d+$/);
  });

  test('select by labels and by fields', async () => {
    const secrets = await freshSecrets();
    await api.post(secrets, secret('a', { tier: 'web', env: 'x' }));
    await api.post(secrets, secret('b', { tier: 'db' }));
    await api.post(secrets, secret('c'));
    const select = async (query: string) => names((await api.get(`${secrets}?${query}`)).body.items);
    assert.deepEqual(await select('labelSelector=tier'), ['a', 'b']);
    assert.deepEqual(await select('labelSelector=!tier'), ['c']);
    assert.deepEqual(await select('labelSelector=tier%20in%20(db,x)'), ['b']);
    assert.deepEqual(await select('labelSelector=tier!%3Dweb'), ['b', 'c']);
    assert.deepEqual(await select('fieldSelector=metadata.name%3Db'), ['b']);
    assert.deepEqual(await select('fieldSelector=metadata.name!%3Db'), ['a', 'c']);
    const unknown = await api.get('/apis/apps/v1/deployments?fieldSelector=spec.replicas%3D1');
    assert.equal(unknown.code, 400);
    assert.equal(
      unknown.body.message,
      '"spec.replicas" is not a known field selector: only "metadata.name", "metadata.namespace"',
    );
    assert.equal((await api.get(`${secrets}?labelSelector=a%3D%3D%3Db`)).code, 400);
  });

  test('compare absent fields as the value that they stand for', async () => {
    await api.post('/api/v1/nodes', { metadata: { name: 'plain' } });
    await api.post('/api/v1/nodes', { metadata: { name: 'cordoned' }, spec: { unschedulable: true } });
    const schedulable = await api.get('/api/v1/nodes?fieldSelector=spec.unschedulable%3Dfalse');
    assert.deepEqual(names(schedulable.body.items), ['plain']);
    assert.match(
      (await api.get('/api/v1/nodes?fieldSelector=spec.x%3Dy')).body.message ?? '',
      /field label not supported: spec.x/,
    );
  });

  test('come in pages that show one moment, whatever happens in between', async () => {
    const secrets = await freshSecrets();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await api.post(secrets, secret(name));
    const first = await api.get(`${secrets}?limit=2`);
    assert.deepEqual(names(first.body.items), ['a', 'b']);
    const meta = first.body.metadata as { continue?: string; remainingItemCount?: number; resourceVersion?: string };
    assert.equal(meta.remainingItemCount, 3);
    await api.delete(`${secrets}/d`);
    await api.post(secrets, secret('cc'));
    const second = await api.get(`${secrets}?limit=2&continue=${meta.continue}`);
    assert.deepEqual(names(second.body.items), ['c', 'd']);
    assert.equal(second.body.metadata?.resourceVersion, meta.resourceVersion);
    const third = await api.get(`${secrets}?limit=2&continue=${(second.body.metadata as typeof meta).continue}`);
    assert.deepEqual(names(third.body.items), ['e']);
    assert.equal((third.body.metadata as typeof meta).continue, undefined);
    assert.equal((await api.get(`${secrets}?continue=nonsense`)).code, 400);
  });

  test('follow the rules of resourceVersion and its match', async () => {
    const secrets = await freshSecrets();
    const { body } = await api.post(secrets, secret('a'));
    const then = body.metadata?.resourceVersion ?? '';
    await api.post(secrets, secret('b'));
    const list = (query: string) => api.get(`${secrets}?${query}`);
    assert.deepEqual(names((await list('resourceVersion=0')).body.items), ['a', 'b']);
    assert.deepEqual(names((await list(`resourceVersion=${then}`)).body.items), ['a', 'b']);
    assert.deepEqual(names((await list(`resourceVersion=${then}&resourceVersionMatch=NotOlderThan`)).body.items), ['a', 'b']);
    assert.deepEqual(names((await list(`resourceVersion=${then}&resourceVersionMatch=Exact`)).body.items), ['a']);
    const future = await list('resourceVersion=99999999');
    assert.equal(future.code, 504);
    assert.match(future.body.message ?? '', /Too large resource version: 99999999/);
    assert.equal((await list('resourceVersionMatch=Exact')).code, 422);
    assert.equal((await list('resourceVersion=0&resourceVersionMatch=Exact')).code, 422);
    assert.equal((await list('resourceVersion=x')).code, 422);
    assert.equal((await list('sendInitialEvents=true')).code, 422);
  });

  test('of a page whose moment is forgotten are a 410', async () => {
    const secrets = await freshSecrets();
    for (const name of ['a', 'b']) await api.post(secrets, secret(name));
    const first = await api.get(`${secrets}?limit=1`);
    for (let index = 0; index < 300; index += 1)
      await api.patch(`${secrets}/a`, 'merge', { data: { index: btoa(String(index)) } });
    const next = await api.get(`${secrets}?limit=1&continue=${(first.body.metadata as { continue?: string }).continue}`);
    assert.equal(next.code, 410);
    assert.equal(next.body.reason, 'Expired');
  });
});

describe('watches', () => {
  const open = async (path: string, query: string, body: (watch: TestWatch) => Promise<void>, headers = {}): Promise<void> => {
    const watch = await api.watch(`${path}?watch=1&${query}`, headers);
    try {
      await body(watch);
    } finally {
      watch.close();
    }
  };
  const line = ({
    type,
    object,
  }: {
    readonly type: string;
    readonly object: { readonly metadata?: { readonly name?: string | undefined } | undefined };
  }) => `${type} ${object.metadata?.name ?? ''}`;

  test('without a version begin with the present, then follow changes', async () => {
    const secrets = await freshSecrets();
    await api.post(secrets, secret('there'));
    await open(secrets, '', async (watch) => {
      assert.equal(watch.code, 200);
      assert.equal(line(await watch.next()), 'ADDED there');
      await api.post(secrets, secret('new'));
      await api.patch(`${secrets}/new`, 'merge', { data: { a: 'Yg==' } });
      await api.delete(`${secrets}/new`);
      assert.equal(line(await watch.next()), 'ADDED new');
      const modified = await watch.next();
      assert.equal(modified.type, 'MODIFIED');
      assert.equal(modified.object.kind, 'Secret');
      const deleted = await watch.next();
      assert.equal(deleted.type, 'DELETED');
      assert.deepEqual(deleted.object['data'], { a: 'Yg==' });
      assert.ok(Number(deleted.object.metadata?.resourceVersion) > Number(modified.object.metadata?.resourceVersion));
    });
  });

  test('from a version replay everything since then', async () => {
    const secrets = await freshSecrets();
    const { body } = await api.get(secrets);
    await api.post(secrets, secret('a'));
    await api.delete(`${secrets}/a`);
    await open(secrets, `resourceVersion=${body.metadata?.resourceVersion}`, async (watch) => {
      assert.equal(line(await watch.next()), 'ADDED a');
      assert.equal(line(await watch.next()), 'DELETED a');
      await api.post(secrets, secret('b'));
      assert.equal(line(await watch.next()), 'ADDED b');
    });
  });

  test('see objects come into and go out of their selection', async () => {
    const secrets = await freshSecrets();
    await open(secrets, 'labelSelector=in%3Dyes', async (watch) => {
      await api.post(secrets, secret('x', { in: 'no' }));
      await api.patch(`${secrets}/x`, 'merge', { metadata: { labels: { in: 'yes' } } });
      await api.patch(`${secrets}/x`, 'merge', { data: { a: 'Yg==' } });
      const { body } = await api.patch(`${secrets}/x`, 'merge', { metadata: { labels: { in: 'no' } } });
      await api.delete(`${secrets}/x`);
      await api.post(secrets, secret('y', { in: 'yes' }));
      assert.equal(line(await watch.next()), 'ADDED x');
      assert.equal(line(await watch.next()), 'MODIFIED x');
      const left = await watch.next();
      assert.equal(line(left), 'DELETED x');
      assert.deepEqual(left.object.metadata?.labels, { in: 'yes' }, 'the last state in the selection');
      assert.equal(left.object.metadata?.resourceVersion, body.metadata?.resourceVersion, 'under the version of the change');
      assert.equal(line(await watch.next()), 'ADDED y');
    });
  });

  test('of one name are watches with that name selected', async () => {
    const secrets = await freshSecrets();
    await api.post(secrets, secret('a'));
    await api.post(secrets, secret('b'));
    await open(`${secrets}/b`, '', async (watch) => assert.equal(line(await watch.next()), 'ADDED b'));
  });

  test('send initial events and mark their end when asked to', async () => {
    const secrets = await freshSecrets();
    await api.post(secrets, secret('a'));
    const query = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    await open(secrets, query, async (watch) => {
      assert.equal(line(await watch.next()), 'ADDED a');
      const end = await watch.next();
      assert.equal(end.type, 'BOOKMARK');
      assert.deepEqual(end.object.metadata?.annotations, { 'k8s.io/initial-events-end': 'true' });
      assert.equal(end.object.kind, 'Secret');
      assert.match(end.object.metadata?.resourceVersion ?? '', /^\d+$/);
      await api.post(secrets, secret('b'));
      assert.equal(line(await watch.next()), 'ADDED b');
    });
    assert.equal((await api.get(`${secrets}?watch=1&sendInitialEvents=true`)).code, 422);
    assert.equal((await api.get(`${secrets}?watch=1&resourceVersionMatch=NotOlderThan`)).code, 422);
    const future = await api.get(
      `${secrets}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=99999999`,
    );
    assert.equal(future.code, 504);
  });

  test('end in time, with a bookmark where those are wanted', async () => {
    const secrets = await freshSecrets();
    await open(secrets, 'timeoutSeconds=1&allowWatchBookmarks=true', async (watch) => {
      const last = await watch.next();
      assert.equal(last.type, 'BOOKMARK');
      assert.equal(last.object.metadata?.resourceVersion, String(api.server.store.revision));
      await watch.ended;
    });
  });

  test('from a forgotten or a future version are told to list again', async () => {
    const secrets = await freshSecrets();
    const { body } = await api.post(secrets, secret('a'));
    for (let index = 0; index < 300; index += 1)
      await api.patch(`${secrets}/a`, 'merge', { data: { index: btoa(String(index)) } });
    for (const version of [body.metadata?.resourceVersion, '99999999']) {
      await open(secrets, `resourceVersion=${version}`, async (watch) => {
        assert.equal(watch.code, 200);
        const { type, object } = await watch.next();
        assert.equal(type, 'ERROR');
        assert.equal(object.code, 410);
        assert.equal(object.reason, 'Expired');
        await watch.ended;
      });
    }
  });

  test('as Table carry their columns once', async () => {
    const secrets = await freshSecrets();
    await api.post(secrets, secret('a'));
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const read = async (watch: TestWatch) => {
      const { object } = await watch.next();
      return object as unknown as {
        kind: string;
        columnDefinitions: unknown[] | null;
        rows: { cells: unknown[]; object: { kind: string } }[];
      };
    };
    await open(
      secrets,
      '',
      async (watch) => {
        const first = await read(watch);
        assert.equal(first.kind, 'Table');
        assert.ok((first.columnDefinitions?.length ?? 0) > 1);
        assert.equal(first.rows[0]?.cells[0], 'a');
        assert.equal(first.rows[0]?.object.kind, 'PartialObjectMetadata');
        await api.post(secrets, secret('b'));
        const second = await read(watch);
        assert.equal(second.columnDefinitions, null);
        assert.equal(second.rows[0]?.cells[0], 'b');
      },
      { accept },
    );
  });

  test('as metadata show nothing else', async () => {
    const secrets = await freshSecrets();
    await open(
      secrets,
      '',
      async (watch) => {
        await api.post(secrets, { ...secret('a'), data: { secret: 'eA==' } });
        const { object } = await watch.next();
        assert.equal(object.kind, 'PartialObjectMetadata');
        assert.equal(object['data'], undefined);
      },
      { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' },
    );
  });

  test('write an event once for all watchers of one form', async () => {
    const secrets = await freshSecrets();
    const watchers = await Promise.all(Array.from({ length: 20 }, () => api.watch(`${secrets}?watch=1`)));
    let calls = 0;
    const data = { toJSON: () => ((calls += 1), { a: 'Yg==' }) };
    // Straight into the store: an object that counts how often it is written.
    api.server.store.create(`/secrets/${secrets.split('/')[4]}/counted`, {
      kind: 'Secret',
      metadata: { name: 'counted' },
      data,
    });
    for (const watch of watchers) assert.equal(line(await watch.next()), 'ADDED counted');
    for (const watch of watchers) watch.close();
    assert.equal(calls, 1);
  });
});

test('events are one kind of object under two groups', async () => {
  const secrets = await freshSecrets();
  const [, , , , namespace = ''] = secrets.split('/');
  const core = `/api/v1/namespaces/${namespace}/events`;
  const newer = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
  const involvedObject = { kind: 'Pod', namespace, name: 'p', uid: 'u' };
  await api.post(core, {
    metadata: { name: 'old' },
    involvedObject,
    reason: 'Started',
    message: 'text',
    type: 'Normal',
    source: { component: 'kubelet' },
  });
  const converted = await api.get(`${newer}/old`);
  assert.equal(converted.body.apiVersion, 'events.k8s.io/v1');
  assert.equal(converted.body['note'], 'text');
  assert.deepEqual(converted.body['regarding'], involvedObject);
  const created = await api.post(newer, {
    metadata: { name: 'new' },
    eventTime: '2026-01-02T03:04:05.000006Z',
    reportingController: 'c',
    reportingInstance: 'i',
    action: 'a',
    reason: 'Scheduled',
    regarding: involvedObject,
    note: 'words',
    type: 'Normal',
  });
  assert.equal(created.code, 201);
  const selected = await api.get(`${core}?fieldSelector=involvedObject.uid%3Du,reason%3DScheduled`);
  assert.deepEqual(names(selected.body.items), ['new']);
  assert.equal(selected.body.items?.[0]?.['message'], 'words');
});
