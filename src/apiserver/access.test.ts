import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { mintAuthority, mintCertificate } from './security/certificates.ts';
import type { ServerIdentity } from './security/identity.ts';
import { readFile } from 'node:fs/promises';
import type { TestServer } from './test-server.ts';
import { startTestServer } from './test-server.ts';

let api: TestServer;
before(async () => {
  api = await startTestServer({ tokens: ['another-token'] });
});
after(() => api.close());

describe('credentials', () => {
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  test('are needed for everything but health and version', async () => {
    const none = { authorization: '' };
    for (const path of ['/healthz', '/livez', '/readyz', '/readyz/ping', '/version'])
      assert.equal((await api.get(path, none)).code, 200);
    assert.equal((await api.get('/readyz?verbose')).text, '[+]ping ok\nreadyz check passed\n');
    for (const path of ['/', '/api', '/apis', '/api/v1/namespaces', '/metrics', '/openapi/v2', '/openapi/v3', '/nonsense']) {
      const { code, body } = await api.get(path, none);
      assert.equal(code, 401, path);
      assert.equal(body.reason, 'Unauthorized');
    }
  });

  test('a wrong token is refused, the own and the given ones are taken', async () => {
    assert.equal((await api.get('/api', bearer('wrong'))).code, 401);
    assert.equal((await api.get('/api', { authorization: `Basic ${api.server.token}` })).code, 401);
    assert.equal((await api.get('/api', bearer(api.server.token))).code, 200);
    assert.equal((await api.get('/api', bearer('another-token'))).code, 200);
  });

  test('let one act as somebody else', async () => {
    const headers = { 'impersonate-user': 'jane', 'impersonate-group': 'team' };
    const { body } = await api.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: {}, headers });
    const { userInfo } = body.status as { userInfo: { username: string; groups: string[] } };
    assert.deepEqual(userInfo, { username: 'jane', groups: ['team', 'system:authenticated'] });
  });

  test('a client certificate of the own authority names a user, one of another nobody', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fairlead-api-'));
    const own = await startTestServer({ dataDir: directory });
    try {
      const file = join(directory, 'identity.json');
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const { authority } = JSON.parse(await readFile(file, 'utf8')) as ServerIdentity;
      const jane = { commonName: 'jane', organizations: ['team'], use: 'client' } as const;
      const good = await whoAmI(own, mintCertificate(authority, jane, new Date()));
      assert.deepEqual(good, { code: 201, user: 'jane', groups: ['team', 'system:authenticated'] });
      const bad = await whoAmI(own, mintCertificate(mintAuthority(new Date()), jane, new Date()));
      assert.equal(bad.code, 401);
    } finally {
      await own.close();
      rmSync(directory, { recursive: true });
    }
  });
});

describe('discovery', () => {
  const aggregated = (version: string) => ({
    accept: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList,application/json`,
  });

  test('has a legacy form, group by group', async () => {
    assert.deepEqual((await api.get('/api')).body['versions'], ['v1']);
    const { body } = await api.get('/apis');
    const groups = (body['groups'] as { name: string }[]).map(({ name }) => name);
    for (const group of ['apps', 'discovery.k8s.io', 'networking.k8s.io', 'coordination.k8s.io', 'events.k8s.io'])
      assert.ok(groups.includes(group), group);
    const group = await api.get('/apis/discovery.k8s.io');
    assert.equal(group.body.kind, 'APIGroup');
    const core = (await api.get('/api/v1')).body['resources'] as {
      name: string;
      kind: string;
      shortNames?: string[];
      group?: string;
    }[];
    assert.deepEqual(core.find(({ name }) => name === 'services')?.shortNames, ['svc']);
    assert.equal(core.find(({ name }) => name === 'pods/eviction')?.group, 'policy');
    const apps = (await api.get('/apis/apps/v1')).body['resources'] as typeof core;
    assert.equal(apps.find(({ name }) => name === 'deployments/scale')?.group, 'autoscaling');
    assert.equal((await api.get('/apis/apps/v2')).code, 404);
    assert.equal((await api.get('/apis/nonsense')).code, 404);
  });

  test('has an aggregated form, in the version that was asked for', async () => {
    for (const version of ['v2', 'v2beta1']) {
      for (const path of ['/api', '/apis']) {
        const { headers, text } = await api.get(path, aggregated(version));
        assert.equal(headers['content-type'], `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`);
        const body = JSON.parse(text) as {
          kind: string;
          apiVersion: string;
          items: { versions: { resources: { resource: string; scope: string }[] }[] }[];
        };
        assert.equal(body.apiVersion, `apidiscovery.k8s.io/${version}`);
        if (path === '/api') {
          const resources = body.items[0]?.versions[0]?.resources ?? [];
          assert.equal(resources.find(({ resource }) => resource === 'nodes')?.scope, 'Cluster');
        }
      }
    }
    assert.equal((await api.get('/api', { accept: 'image/png' })).code, 406);
  });

  test('says which Kubernetes this is', async () => {
    assert.equal((await api.get('/version')).body['gitVersion'], 'v1.36.2');
  });

  test('OpenAPI v3 has an index whose hashes lead to documents that may be kept', async () => {
    const index = await api.get('/openapi/v3');
    const paths = index.body['paths'] as Readonly<Record<string, { serverRelativeURL: string }>>;
    const url = paths['api/v1']?.serverRelativeURL ?? '';
    assert.match(url, /^\/openapi\/v3\/api\/v1\?hash=[0-9A-F]+$/);
    const document = await api.get(url);
    assert.equal(document.code, 200);
    assert.match(document.headers['cache-control'] ?? '', /immutable/);
    const etag = document.headers.etag ?? '';
    assert.equal((await api.get(url, { 'if-none-match': etag })).code, 304);
    const stale = await api.get('/openapi/v3/api/v1?hash=OLD');
    assert.equal(stale.code, 301);
    assert.equal(stale.headers.location, url);
    const patch = (document.body as unknown as { paths: Record<string, { patch?: { requestBody?: { content: object } } }> })
      .paths['/api/v1/namespaces/{namespace}/services/{name}']?.patch;
    assert.ok(Object.hasOwn(patch?.requestBody?.content ?? {}, 'application/strategic-merge-patch+json'));
    assert.equal((await api.get('/openapi/v3/apis/nonsense/v1')).code, 404);
    assert.equal((await api.get('/openapi/v2')).body['swagger'], '2.0');
    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
    const encoded = await api.get('/openapi/v2', { accept });
    assert.equal(encoded.headers['content-type'], 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
    assert.equal((await api.get('/openapi/v2', { accept: `application/json, ${accept}` })).body['swagger'], '2.0');
  });

  test('plain GETs of the well-known paths are 200', async () => {
    for (const path of ['/', '/healthz', '/api', '/apis', '/metrics', '/openapi/v2', '/version'])
      assert.equal((await api.get(path)).code, 200, path);
    assert.match((await api.get('/metrics')).text, /^apiserver_request_total\{code="200",resource="api",verb="GET"\} \d+$/m);
  });
});

describe('forms of an answer', () => {
  const table = (more = '') => ({ accept: `application/json;as=Table;v=v1;g=meta.k8s.io${more},application/json` });
  interface Table {
    readonly kind: string;
    readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[];
    readonly rows: readonly { readonly cells: readonly unknown[]; readonly object: { readonly kind?: string } | null }[];
  }

  test('a Table has columns, cells and metadata', async () => {
    const { text } = await api.get('/api/v1/namespaces/default/services', table());
    const body = JSON.parse(text) as Table;
    assert.equal(body.kind, 'Table');
    assert.deepEqual(
      body.columnDefinitions.filter(({ priority }) => priority === 0).map(({ name }) => name),
      ['Name', 'Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age'],
    );
    assert.deepEqual(body.rows[0]?.cells.slice(0, 5), ['kubernetes', 'ClusterIP', '10.96.0.1', '<none>', '443/TCP']);
    assert.equal(body.rows[0]?.object?.kind, 'PartialObjectMetadata');
  });

  test('rows hold what the caller wants of the object', async () => {
    const path = '/api/v1/namespaces/default/services/kubernetes';
    const full = JSON.parse((await api.get(`${path}?includeObject=Object`, table())).text) as Table;
    assert.equal(full.rows[0]?.object?.kind, 'Service');
    const none = JSON.parse((await api.get(`${path}?includeObject=None`, table())).text) as Table;
    assert.equal(none.rows[0]?.object, null);
    assert.equal((await api.get(`${path}?includeObject=All`, table())).code, 400);
  });

  test('metadata alone', async () => {
    const accept = (as: string) => ({ accept: `application/json;as=${as};v=v1;g=meta.k8s.io` });
    const list = await api.get('/api/v1/namespaces', accept('PartialObjectMetadataList'));
    assert.equal(list.body.kind, 'PartialObjectMetadataList');
    assert.equal(list.body.items?.[0]?.metadata?.name, 'default');
    assert.equal(list.body.items?.[0]?.spec, undefined);
    const one = await api.get('/api/v1/namespaces/default', accept('PartialObjectMetadata'));
    assert.equal(one.body.kind, 'PartialObjectMetadata');
    assert.equal(one.body.status, undefined);
  });

  test('YAML, and a refusal of what cannot be made', async () => {
    const yaml = await api.get('/api/v1/namespaces/default', { accept: 'application/yaml' });
    assert.equal(yaml.headers['content-type'], 'application/yaml');
    assert.match(yaml.text, /^ {2}creationTimestamp: "\d{4}-/m, 'a bare time would be no text to a reader of YAML 1.1');
    assert.match(yaml.text, /^kind: Namespace$/m);
    const none = await api.get('/api/v1/namespaces/default', { accept: 'application/vnd.kubernetes.protobuf' });
    assert.equal(none.code, 406);
    assert.equal(none.body.reason, 'NotAcceptable');
  });
});

describe('a server', () => {
  test('takes the next port when the wanted one is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => {
      taken.listen(0, '127.0.0.1', resolve);
    });
    const { port } = taken.address() as AddressInfo;
    const other = await startTestServer({ port });
    assert.ok(other.server.port > port);
    assert.equal((await other.get('/readyz')).text, 'ok');
    await other.close();
    taken.close();
  });

  test('serves a socket that listens already', { skip: process.platform !== 'linux' }, async () => {
    const listener = createServer();
    await new Promise<void>((resolve) => {
      listener.listen(0, '127.0.0.1', resolve);
    });
    const { port } = listener.address() as AddressInfo;
    // Handed over as a descriptor, as the lab does with sockets of its networks; here to another process, as descriptor 3.
    const { fd } = (listener as unknown as { _handle: { fd: number } })._handle;
    const program = `
      const { startApiServer } = await import(${JSON.stringify(join(import.meta.dirname, 'index.ts'))});
      const { silentLogger } = await import(${JSON.stringify(join(import.meta.dirname, '../observe/index.ts'))});
      const server = await startApiServer({ port: 0, listenFds: [3] }, { logger: silentLogger });
      console.log(JSON.stringify(server.caPem));
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit', fd] });
    listener.close();
    try {
      const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer];
      const ca = JSON.parse(line.toString()) as string;
      const code = await new Promise<number | undefined>((resolve, reject) => {
        request(`https://127.0.0.1:${port}/readyz`, { ca, agent: false }, (response) => resolve(response.resume().statusCode))
          .on('error', reject)
          .end();
      });
      assert.equal(code, 200);
    } finally {
      child.kill();
    }
  });

  test('that starts again on its data has its objects, its token and its CA, and no history', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fairlead-api-'));
    try {
      const first = await startTestServer({ dataDir: directory });
      const services = '/api/v1/namespaces/default/services';
      const created = await first.post(services, {
        metadata: { name: 'kept' },
        spec: { type: 'NodePort', ports: [{ port: 80 }] },
      });
      const { ports } = created.body.spec as { ports: { nodePort: number }[] };
      await first.close();
      const second = await startTestServer({ dataDir: directory });
      await assert.rejects(startTestServer({ dataDir: directory }), /another process is using it/);
      assert.equal(second.server.token, first.server.token);
      assert.equal(second.server.caPem, first.server.caPem);
      const kept = await second.get(`${services}/kept`);
      assert.deepEqual(kept.body, created.body);
      const taken = await second.post(services, {
        metadata: { name: 'thief' },
        spec: { type: 'NodePort', ports: [{ port: 80, nodePort: ports[0]?.nodePort }] },
      });
      assert.equal(taken.code, 422, 'its node port is still its own');
      const watch = await second.watch(`${services}?watch=1&resourceVersion=${created.body.metadata?.resourceVersion}`);
      assert.equal((await watch.next()).object.code, 410);
      watch.close();
      const next = await second.post('/api/v1/namespaces/default/configmaps', { metadata: { name: 'later' } });
      assert.ok(Number(next.body.metadata?.resourceVersion) > Number(created.body.metadata?.resourceVersion));
      await second.close();
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('keeps its data from other users and says in a sentence what is wrong with a directory', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fairlead-api-'));
    try {
      const server = await startTestServer({ dataDir: directory });
      for (const name of ['objects.db', 'objects.db-wal', 'identity.json'])
        assert.equal(statSync(join(directory, name)).mode & 0o077, 0, name);
      await server.close();
      writeFileSync(join(directory, 'identity.json'), '{');
      for (let count = 0; count < 2; count++)
        await assert.rejects(
          startTestServer({ dataDir: directory }),
          /^IdentityError: cannot read .*identity\.json.*move it away/,
        );
      writeFileSync(join(directory, 'objects.db'), 'not a database, and longer than a header would be'.repeat(20));
      await assert.rejects(startTestServer({ dataDir: directory }), /^JournalError: cannot open .*objects\.db/);
      const file = join(directory, 'file');
      writeFileSync(file, '');
      await assert.rejects(startTestServer({ dataDir: file }), /^OptionError: cannot keep data in .*file: it is no directory/);
      await assert.rejects(startTestServer({ dataDir: join(file, 'x') }), /^OptionError: cannot keep data in /);
      await assert.rejects(
        startTestServer({ dataDir: '/proc/fairlead' }),
        /^OptionError: cannot keep data in \/proc\/fairlead: ENOENT/,
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('ends its watches when it closes', async () => {
    const other = await startTestServer();
    const watch = await other.watch('/api/v1/namespaces?watch=1');
    await watch.next();
    await other.close();
    await watch.ended;
  });

  test('refuses ranges that are none', async () => {
    await assert.rejects(startTestServer({ serviceCidrs: ['10.96.0.0'] }), /not a range for Services/);
    await assert.rejects(startTestServer({ serviceCidrs: ['10.96.0.0/16', '10.97.0.0/16'] }), /one of each IP family/);
  });

  test('gives addresses of both families when it has a range of each', async () => {
    const other = await startTestServer({ serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'] });
    const { body } = await other.post('/api/v1/namespaces/default/services', {
      metadata: { name: 'dual' },
      spec: { ipFamilyPolicy: 'RequireDualStack', ports: [{ port: 80 }] },
    });
    const { clusterIPs } = body.spec as { clusterIPs: string[] };
    assert.match(clusterIPs.join(' '), /^10\.96\.\d+\.\d+ fd00:10:96::[0-9a-f]+$/);
    await other.close();
  });
});

interface Identity {
  readonly code: number;
  readonly user?: string | undefined;
  readonly groups?: readonly string[] | undefined;
}

function whoAmI(
  { server }: TestServer,
  { certificatePem, keyPem }: { readonly certificatePem: string; readonly keyPem: string },
): Promise<Identity> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${server.url}/apis/authentication.k8s.io/v1/selfsubjectreviews`,
      {
        method: 'POST',
        ca: server.caPem,
        cert: certificatePem,
        key: keyPem,
        agent: false,
        headers: { 'content-type': 'application/json' },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          const body = JSON.parse(Buffer.concat(chunks).toString()) as {
            status?: { userInfo?: { username: string; groups: string[] } };
          };
          const info = typeof body.status === 'object' ? body.status.userInfo : undefined;
          resolve({ code: answer.statusCode ?? 0, user: info?.username, groups: info?.groups });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end('{}');
  });
}
