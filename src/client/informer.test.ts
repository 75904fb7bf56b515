import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { configMaps, pods } from '../api/index.ts';
import type { ConfigMap } from '../api/index.ts';
import { silentLogger } from '../observe/index.ts';
import { createClient } from './client.ts';
import type { ClosableKubeClient } from './client.ts';
import { FakeApiServer } from './fake-api-server.ts';
import { createInformer } from './informer.ts';
import type { InformerTimings } from './informer.ts';
import type { Informer } from './types.ts';
import { waitUntil } from './wait-until.ts';

describe('an informer', () => {
  const fast: Partial<InformerTimings> = { minBackOffMs: 2, maxBackOffMs: 20, watchListSilenceMs: 100 };

  let server: FakeApiServer;
  let client: ClosableKubeClient;
  let stop: AbortController;
  let log: string[];

  beforeEach(async () => {
    server = new FakeApiServer();
    client = createClient({ server: await server.start() }, { logger: silentLogger });
    stop = new AbortController();
    log = [];
  });

  afterEach(async () => {
    stop.abort();
    client.close();
    await server.stop();
  });

  function configMap(name: string, data: string): ConfigMap {
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'ns', name }, data: { data } };
  }

  function start(timings: Partial<InformerTimings> = fast): Informer<ConfigMap> {
    const informer = createInformer(client, configMaps, { timings }, { logger: silentLogger });
    informer.subscribe({
      added: (object) => log.push(`+${object.metadata?.name}=${object.data?.['data']}`),
      updated: (_before, after) => log.push(`~${after.metadata?.name}=${after.data?.['data']}`),
      deleted: (object) => log.push(`-${object.metadata?.name}`),
    });
    informer.start(stop.signal);
    return informer;
  }

  function dataOf(informer: Informer<ConfigMap>): Record<string, string | undefined> {
    return Object.fromEntries(informer.list().map((object) => [object.metadata?.name ?? '', object.data?.['data']]));
  }

  /** Changes an object and waits until the informer has seen it: proof that the stream lives. */
  async function proveAlive(informer: Informer<ConfigMap>): Promise<void> {
    const mark = String(Math.random());
    server.put('configmaps', configMap('proof', mark));
    await waitUntil(() => informer.get('ns/proof')?.data?.['data'] === mark, 'a change reaches the informer');
  }

  for (const canWatchList of [true, false]) {
    describe(canWatchList ? 'with a server that streams lists' : 'with a server that only lists', () => {
      beforeEach(() => (server.canWatchList = canWatchList));

      test('an informer shows what is there and follows every change', async () => {
        server.put('configmaps', configMap('a', '1'));
        const informer = start();
        await informer.synced();
        assert.deepEqual(dataOf(informer), { a: '1' });
        server.put('configmaps', configMap('b', '1'));
        server.put('configmaps', configMap('a', '2'));
        server.remove('configmaps', 'ns/b');
        await waitUntil(() => log.length === 4, 'four events');
        assert.deepEqual(log, ['+a=1', '+b=1', '~a=2', '-b']);
        assert.equal(informer.get('ns/a')?.kind, 'ConfigMap');
        assert.equal(typeof informer.get('ns/a')?.metadata?.creationTimestamp, 'string');
      });

      test('what happened while the stream was away is not missed', async () => {
        server.put('configmaps', configMap('a', '1'));
        const informer = start();
        await informer.synced();
        await waitUntil(() => server.watchers.size === 1, 'the watch is open');
        server.cutWatches();
        server.put('configmaps', configMap('a', '2'));
        server.put('configmaps', configMap('b', '1'));
        await waitUntil(() => log.length === 3, 'the missed events');
        assert.deepEqual(log, ['+a=1', '~a=2', '+b=1']);
      });

      test('after 410 it lists again and tells only the difference', async () => {
        for (const name of ['a', 'b', 'c']) server.put('configmaps', configMap(name, '1'));
        const informer = start();
        await informer.synced();
        await waitUntil(() => server.watchers.size === 1, 'the watch is open');
        log.length = 0;
        server.intercept = (request, response) => {
          if (request.isWatch) response.destroy();
          return request.isWatch;
        };
        server.cutWatches();
        await waitUntil(() => server.watchers.size === 0, 'the watch is cut');
        server.remove('configmaps', 'ns/b');
        server.put('configmaps', configMap('c', '2'));
        server.put('configmaps', configMap('d', '1'));
        server.compact();
        server.intercept = () => false;
        await waitUntil(() => log.length === 3, 'the difference');
        assert.deepEqual(log.sort(), ['+d=1', '-b', '~c=2']);
        await proveAlive(informer);
      });
    });
  }

  test('an object deleted and made anew while the stream was away is two events', async () => {
    server.put('configmaps', configMap('a', '1'));
    const informer = start();
    await informer.synced();
    await waitUntil(() => server.watchers.size === 1, 'the watch is open');
    server.intercept = (request, response) => {
      if (request.isWatch) response.destroy();
      return request.isWatch;
    };
    server.cutWatches();
    server.remove('configmaps', 'ns/a');
    server.put('configmaps', configMap('a', '2'));
    server.compact();
    server.intercept = () => false;
    await waitUntil(() => log.length === 3, 'deletion and creation');
    assert.deepEqual(log, ['+a=1', '-a', '+a=2']);
  });

  test('a long list comes in pages', async () => {
    server.canWatchList = false;
    for (let index = 0; index < 1203; index++) server.put('configmaps', configMap(`c${index}`, '1'));
    const informer = start();
    await informer.synced();
    assert.equal(informer.size, 1203);
    assert.equal(server.requests.filter((request) => !request.isWatch).length, 3);
  });

  test('a page token that expires halfway costs one list without pages', async () => {
    server.canWatchList = false;
    for (let index = 0; index < 700; index++) server.put('configmaps', configMap(`c${index}`, '1'));
    server.intercept = (request, response) => {
      if (!request.query.has('continue')) return false;
      response.writeHead(410, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ kind: 'Status', code: 410, reason: 'Expired', status: 'Failure' }));
      return true;
    };
    const informer = start();
    await informer.synced();
    assert.equal(informer.size, 700);
  });

  test('a line that is not JSON leads to a new list, not to a lost event', async () => {
    server.put('configmaps', configMap('a', '1'));
    const informer = start();
    await informer.synced();
    await waitUntil(() => server.watchers.size === 1, 'the watch is open');
    const before = server.requests.length;
    server.sendRaw('{"type":"MODIFIED","object":{"metad\n');
    await waitUntil(() => server.requests.length > before && server.watchers.size === 1, 'a new stream');
    assert.equal(server.requests.at(-1)?.query.get('sendInitialEvents'), 'true');
    await proveAlive(informer);
  });

  test('an event type from the future is skipped', async () => {
    const informer = start();
    await informer.synced();
    await waitUntil(() => server.watchers.size === 1, 'the watch is open');
    server.sendRaw('{"type":"NEWS","object":{"kind":"ConfigMap","metadata":{"name":"x","namespace":"ns"}}}\n');
    await proveAlive(informer);
    assert.equal(informer.get('ns/x'), undefined);
  });

  test('a bookmark moves the place where the next watch begins', async () => {
    const informer = start();
    await informer.synced();
    await waitUntil(() => server.watchers.size === 1, 'the watch is open');
    server.sendRaw('{"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"100"}}}\n');
    await proveAlive(informer);
    server.sendRaw(
      `{"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"100999"}}}\n`,
    );
    server.endWatches();
    await waitUntil(
      () => server.requests.at(-1)?.query.get('resourceVersion') === '100999',
      'the watch goes on from the bookmark',
    );
  });

  test('errors of every sort are survived', async () => {
    const answers: ((response: ServerResponse) => void)[] = [
      (response) => response.writeHead(500).end('oops'),
      (response) =>
        response
          .writeHead(503, { 'content-type': 'application/json' })
          .end('{"kind":"Status","code":503,"reason":"ServiceUnavailable"}'),
      (response) => response.writeHead(401).end('{"kind":"Status","code":401,"reason":"Unauthorized"}'),
      (response) => response.writeHead(403).end('{"kind":"Status","code":403,"reason":"Forbidden"}'),
      (response) => response.writeHead(404).end('<html>not here</html>'),
      (response) => response.writeHead(410).end('{"kind":"Status","code":410,"reason":"Expired"}'),
      (response) => response.writeHead(504).end('{"kind":"Status","code":504,"reason":"Timeout"}'),
      (response) => response.writeHead(200).end(''),
      (response) => response.writeHead(200).end('<html>a login page</html>'),
      (response) =>
        response.writeHead(200).end('{"type":"ERROR","object":{"kind":"Status","code":500,"reason":"InternalError"}}\n'),
      (response) => response.writeHead(200).end('{"type":"ADDED"}\n'),
      (response) => response.writeHead(200).end('null\n'),
      (response) => response.destroy(),
    ];
    server.put('configmaps', configMap('a', '1'));
    let next = 0;
    server.intercept = (_request, response) => {
      const answer = answers[next++];
      answer?.(response);
      return answer !== undefined;
    };
    const informer = start();
    await informer.synced();
    assert.deepEqual(dataOf(informer), { a: '1' });
    next = 0;
    server.cutWatches();
    await waitUntil(() => next > answers.length && server.watchers.size === 1, 'the stream is back after every error', 10_000);
    await proveAlive(informer);
    assert.deepEqual(log.slice(0, 1), ['+a=1']);
  });

  test('a server that is down at first and comes back on the same port is found', async () => {
    const port = Number(new URL(client.server).port);
    await server.stop();
    const informer = start();
    assert.equal(informer.hasSynced, false);
    const again = createServer();
    again.on('request', (request, response) => {
      if (request.url?.includes('watch=true') === true)
        response.writeHead(422).end('{"kind":"Status","code":422,"reason":"Invalid"}');
      else response.end('{"kind":"ConfigMapList","metadata":{"resourceVersion":"7"},"items":null}');
    });
    await new Promise<void>((resolve) => again.listen(port, '127.0.0.1', resolve));
    await informer.synced();
    assert.equal(informer.size, 0);
    again.closeAllConnections();
    again.close();
  });

  test('a watch whose peer has vanished without a word is given up', async () => {
    const informer = start({ ...fast, silenceMs: 60 });
    await informer.synced();
    // The end-of-list bookmark has shown that this server sends bookmarks; from here it says nothing.
    const before = server.requests.length;
    await waitUntil(() => server.requests.length > before + 1, 'another watch is opened', 3000);
    await proveAlive(informer);
  });

  test('a watch that outlives its own timeout is given up', async () => {
    server.canWatchList = false;
    server.intercept = (request, response) => {
      if (!request.isWatch || request.query.has('sendInitialEvents')) return false;
      response.writeHead(200).flushHeaders();
      return true;
    };
    const informer = start({ ...fast, watchMs: 20, overdueMs: 10 });
    await informer.synced();
    const count = (): number => server.requests.filter((request) => request.isWatch).length;
    const before = count();
    await waitUntil(() => count() >= before + 3, 'several watches in turn', 3000);
  });

  test('a server that accepts watch-list but never ends the list is listed from instead', async () => {
    server.put('configmaps', configMap('a', '1'));
    server.intercept = (request, response) => {
      if (!request.query.has('sendInitialEvents')) return false;
      response.writeHead(200).flushHeaders();
      return true;
    };
    const informer = start();
    await informer.synced();
    assert.deepEqual(dataOf(informer), { a: '1' });
    await proveAlive(informer);
  });

  test('watches ask for a timeout of minutes and are not cut by the request timeout', async () => {
    client.close();
    client = createClient({ server: client.server }, { logger: silentLogger, requestTimeoutMs: 50 });
    const informer = start();
    await informer.synced();
    await waitUntil(() => server.watchers.size === 1, 'the watch is open');
    const [watcher] = server.watchers;
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal(server.watchers.has(watcher as never), true);
    const seconds = Number(server.requests[0]?.query.get('timeoutSeconds'));
    assert.ok(seconds >= 300 && seconds <= 600, `timeoutSeconds=${seconds}`);
    await proveAlive(informer);
  });

  test('a handler that throws does not stop the others or the informer', async () => {
    const informer = createInformer(client, configMaps, { timings: fast }, { logger: silentLogger });
    informer.subscribe({
      added: () => {
        throw new Error('mistake');
      },
    });
    const seen: string[] = [];
    informer.subscribe({ added: (object) => seen.push(object.metadata?.name ?? '') });
    informer.start(stop.signal);
    await informer.synced();
    server.put('configmaps', configMap('a', '1'));
    server.put('configmaps', configMap('b', '1'));
    await waitUntil(() => seen.length === 2, 'both objects');
  });

  test('a late listener is told what is there already, and a removed one nothing more', async () => {
    server.put('configmaps', configMap('a', '1'));
    const informer = start();
    await informer.synced();
    const seen: string[] = [];
    const leave = informer.subscribe({ added: (object, isInitial) => seen.push(`${object.metadata?.name} ${isInitial}`) });
    assert.deepEqual(seen, ['a true']);
    leave();
    await proveAlive(informer);
    assert.deepEqual(seen, ['a true']);
  });

  test('indexes follow the objects', async () => {
    const informer = createInformer(
      client,
      pods,
      { timings: fast, indexers: { node: (pod) => (pod.spec?.nodeName === undefined ? [] : [pod.spec.nodeName]) } },
      { logger: silentLogger },
    );
    informer.start(stop.signal);
    await informer.synced();
    const pod = (name: string, nodeName?: string): unknown => ({
      metadata: { namespace: 'ns', name },
      spec: { containers: [], nodeName },
    });
    server.put('pods', pod('a', 'n1') as never);
    server.put('pods', pod('b') as never);
    await waitUntil(() => informer.size === 2, 'both pods');
    assert.deepEqual(
      informer.byIndex('node', 'n1').map((found) => found.metadata?.name),
      ['a'],
    );
    server.put('pods', pod('a', 'n2') as never);
    server.put('pods', pod('b', 'n2') as never);
    await waitUntil(() => informer.byIndex('node', 'n2').length === 2, 'both pods on n2');
    assert.deepEqual(informer.byIndex('node', 'n1'), []);
    server.remove('pods', 'ns/a');
    await waitUntil(() => informer.byIndex('node', 'n2').length === 1, 'one pod on n2');
  });

  test('stopping before the first list rejects whoever waits for it', async () => {
    server.intercept = () => true;
    const informer = start();
    const waiting = assert.rejects(informer.synced(), /stopped before the first list/);
    stop.abort();
    await waiting;
  });
});
