import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { StatusError, bindingSchema, configMaps, namespaces, pods } from '../api/index.ts';
import type { ConfigMap } from '../api/index.ts';
import { silentLogger } from '../observe/index.ts';
import { createClient, warningsOf } from './client.ts';
import type { ClosableKubeClient } from './client.ts';
import { ConnectionError } from './errors.ts';
import { FakeApiServer } from './fake-api-server.ts';
import { resourcePath } from './resource-path.ts';

describe('the client', () => {
  let server: FakeApiServer;
  let client: ClosableKubeClient;
  let warnings: string[];

  beforeEach(async () => {
    server = new FakeApiServer();
    warnings = [];
    client = createClient(
      { server: await server.start() },
      { logger: silentLogger, requestTimeoutMs: 2000, onWarning: (text) => warnings.push(text) },
    );
  });

  afterEach(async () => {
    client.close();
    await server.stop();
  });

  test('paths follow the URL space of the API', () => {
    assert.equal(resourcePath(pods, { namespace: 'ns', name: 'a', subresource: 'log' }), '/api/v1/namespaces/ns/pods/a/log');
    assert.equal(resourcePath(pods, {}), '/api/v1/pods');
    assert.equal(resourcePath(namespaces, { name: 'ns', namespace: 'ignored' }), '/api/v1/namespaces/ns');
    assert.equal(
      resourcePath({ group: 'apps', version: 'v1', plural: 'deployments', namespaced: true }, { namespace: 'ns' }),
      '/apis/apps/v1/namespaces/ns/deployments',
    );
  });

  test('a list hands each object, complete, to its transform before the next page is asked for', async () => {
    for (const name of ['a', 'b', 'c']) server.put('configmaps', { metadata: { namespace: 'ns', name } });
    const seen: (string | number | undefined)[] = [];
    server.intercept = () => {
      seen.push('page');
      return false;
    };
    const transform = (object: ConfigMap): ConfigMap => {
      seen.push(`${object.kind ?? ''} ${object.metadata?.name ?? ''}`);
      return { metadata: { name: object.metadata?.name } };
    };
    const { items } = await client.list(configMaps, { limit: 2, transform });
    assert.deepEqual(seen, ['page', 'ConfigMap a', 'ConfigMap b', 'page', 'ConfigMap c']);
    assert.deepEqual(items, [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }, { metadata: { name: 'c' } }]);
  });

  test('objects are created, read, changed and deleted', async () => {
    const created = await client.create(configMaps, { metadata: { namespace: 'ns', name: 'a' }, data: { k: '1' } });
    assert.equal(created.kind, 'ConfigMap');
    const updated = await client.update(configMaps, { ...created, data: { k: '2' } });
    await assert.rejects(
      client.update(configMaps, { ...created, data: { k: '3' } }),
      (error: unknown) => error instanceof StatusError && error.httpStatus === 409,
    );
    await client.patch(configMaps, 'a', 'merge', { data: { k: '4' } }, { namespace: 'ns' });
    const read = await client.get(configMaps, 'a', { namespace: 'ns' });
    assert.equal(read.data?.['k'], '4');
    assert.notEqual(read.metadata?.resourceVersion, updated.metadata?.resourceVersion);
    assert.equal(read.metadata?.creationTimestamp, created.metadata?.creationTimestamp);
    const listed = await client.list(configMaps, { namespace: 'ns' });
    assert.deepEqual(
      listed.items.map((item) => [item.kind, item.apiVersion]),
      [['ConfigMap', 'v1']],
    );
    await client.delete(configMaps, 'a', { namespace: 'ns', body: { propagationPolicy: 'Background' } });
    await assert.rejects(client.get(configMaps, 'a', { namespace: 'ns' }), /configmaps "a" not found/);
    assert.equal(server.requests[0]?.query.get('fieldManager'), 'fairlead');
  });

  test('a pod is bound through its subresource', async () => {
    server.put('pods', { metadata: { namespace: 'ns', name: 'a' }, spec: { containers: [] } } as never);
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { namespace: 'ns', name: 'a' },
      target: { kind: 'Node', name: 'n1' },
    };
    await client.create({ ...pods, schema: bindingSchema }, binding, { subresource: 'binding' });
    assert.equal(server.get(pods, 'ns/a')?.spec?.nodeName, 'n1');
  });

  test('warnings reach whoever listens', async () => {
    server.intercept = (_request, response) => {
      response.setHeader('warning', ['299 - "first, with a comma"', '299 - "a \\"quoted\\" one"']);
      return false;
    };
    await client.list(configMaps);
    assert.deepEqual(warnings, ['first, with a comma', 'a "quoted" one']);
    assert.deepEqual(warningsOf({}), []);
  });

  test('a write may listen to the warnings about itself', async () => {
    server.intercept = (_request, response) => {
      response.setHeader('warning', '299 - "mind the gap"');
      return false;
    };
    const own: string[] = [];
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'ns', name: 'a' } };
    await client.create(configMaps, object, { onWarning: (text) => own.push(text) });
    await client.patch(configMaps, 'a', 'merge', {}, { namespace: 'ns', onWarning: (text) => own.push(text) });
    assert.deepEqual(own, ['mind the gap', 'mind the gap']);
    assert.deepEqual(warnings, []);
  });

  test('an answer of 429 with Retry-After is asked again; one without is an error', async () => {
    let refusals = 2;
    let header: Record<string, string> = { 'retry-after': '0' };
    server.intercept = (_request, response) => {
      if (refusals-- <= 0) return false;
      response.writeHead(429, header).end('{"kind":"Status","code":429,"reason":"TooManyRequests"}');
      return true;
    };
    await client.list(configMaps);
    refusals = 1;
    header = {};
    await assert.rejects(
      client.list(configMaps),
      (error: unknown) => error instanceof StatusError && error.code === 'TooManyRequests',
    );
  });

  test('answers from something that is not an API server are told apart', async () => {
    server.intercept = (request, response) => {
      if (request.path.endsWith('/configmaps')) response.writeHead(502).end('<h1>Bad Gateway</h1>');
      else response.writeHead(200).end('<h1>Sign in</h1>');
      return true;
    };
    await assert.rejects(client.list(configMaps), /the server answered 502 to \/api\/v1\/configmaps: <h1>Bad Gateway/);
    await assert.rejects(client.list(pods), (error: unknown) => error instanceof ConnectionError && error.code === 'unreadable');
  });

  test('a silent server, an absent server and an impatient caller are three different errors', async () => {
    server.intercept = () => true;
    const hasty = createClient({ server: client.server }, { logger: silentLogger, requestTimeoutMs: 30 });
    await assert.rejects(
      hasty.list(configMaps),
      (error: unknown) => error instanceof ConnectionError && error.code === 'timeout',
    );
    await assert.rejects(
      client.list(configMaps, { signal: AbortSignal.timeout(20) }),
      (error: unknown) => error instanceof ConnectionError && error.code === 'aborted',
    );
    hasty.close();
    await server.stop();
    await assert.rejects(
      client.list(configMaps),
      (error: unknown) =>
        error instanceof ConnectionError && error.facts.code === 'unreachable' && error.facts.errno === 'ECONNREFUSED',
    );
    await server.start();
  });

  test('a watch yields events in order until its signal aborts, and then ends quietly', async () => {
    const stop = new AbortController();
    server.put('configmaps', { metadata: { namespace: 'ns', name: 'a' } });
    const seen: string[] = [];
    for await (const event of client.watch(configMaps, { signal: stop.signal, namespace: 'ns' })) {
      seen.push(`${event.type} ${event.object.metadata?.name}`);
      if (seen.length === 1) server.put('configmaps', { metadata: { namespace: 'ns', name: 'ü' } });
      if (seen.length === 2) server.remove('configmaps', 'ns/a');
      if (seen.length === 3) stop.abort();
    }
    assert.deepEqual(seen, ['ADDED a', 'ADDED ü', 'DELETED a']);
    for await (const event of client.watch(configMaps, { signal: stop.signal })) assert.fail(event.type);
  });

  test('lines are whole however the bytes are cut', async () => {
    const line = Buffer.from(`${JSON.stringify({ type: 'ADDED', object: { metadata: { name: 'ü€😀' } } })}\n\n`);
    server.intercept = (request, response) => {
      if (!request.isWatch) return false;
      response.writeHead(200);
      response.socket?.setNoDelay(true);
      const send = (index: number): void => {
        if (index >= line.length) response.end();
        else response.write(line.subarray(index, index + 1), () => setImmediate(send, index + 1));
      };
      send(0);
      return true;
    };
    const names: unknown[] = [];
    for await (const event of client.watch(configMaps)) names.push(event.object.metadata?.name);
    assert.deepEqual(names, ['ü€😀']);
  });
});
