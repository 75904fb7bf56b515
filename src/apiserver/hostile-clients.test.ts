/** What no client can do to the server or to other clients, whatever it sends. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { TestServer } from './test-server.ts';
import { startTestServer, until } from './test-server.ts';

let api: TestServer;
before(async () => {
  api = await startTestServer();
});
after(() => api.close());

const maps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const revisions = '/apis/apps/v1/namespaces/default/controllerrevisions';
/** Of a request that takes a moment when it takes the square of its length for hours. */
const momentMs = 20_000;

async function open(text: string, { allowHalfOpen = false } = {}): Promise<TLSSocket> {
  const transport = connect({ port: api.server.port, host: '127.0.0.1', allowHalfOpen });
  const socket = connectTls({ socket: transport, ca: api.server.caPem, servername: 'localhost' });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  socket.write(text);
  return socket;
}

async function inAMoment(work: () => Promise<void>): Promise<void> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  const ms = Math.round((user + system) / 1000);
  assert.ok(ms < momentMs, `took ${ms} ms of processor time`);
}

describe('values', () => {
  test('that are nested too deeply are refused, and so cannot spoil the lists in which they would stand', async () => {
    const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    for (const levels of [1000, 3000, 8000, 100_000]) {
      const answer = await api.post(revisions, `{"metadata":{"name":"d${levels}"},"revision":1,"data":{"x":${nested(levels)}}}`);
      assert.equal(answer.code, 400, String(levels));
      assert.match(answer.body.message ?? '', /nested too deeply/);
    }
    assert.equal((await api.post(revisions, `{"metadata":{"name":"deep"},"revision":1,"data":{"x":${nested(900)}}}`)).code, 201);
    assert.equal((await api.get(revisions)).code, 200);
    const path = Array.from({ length: 900 }, () => '/0')
      .join('')
      .slice(0, -2);
    const deeper = [{ op: 'add', path: `/data/x${path}/-`, value: JSON.parse(nested(900)) as unknown }];
    assert.equal((await api.patch(`${revisions}/deep`, 'json', deeper)).code, 400);
  });

  test('that a patch copies again and again are refused beyond what a body may have', async () => {
    await api.post(revisions, { metadata: { name: 'copied' }, revision: 1, data: { a: {} } });
    const doublings = Array.from({ length: 30 }, (_, index) => ({ op: 'copy', from: '/data', path: `/data/k${index}` }));
    const { code, body } = await api.patch(`${revisions}/copied`, 'json', doublings);
    assert.equal(code, 413);
    assert.match(body.message ?? '', /the accumulated size increase of copy is \d+, exceeding the limit 3145728$/);
  });

  test('with a long name in the wrong place are refused in a moment', () =>
    inAMoment(async () => {
      const { code } = await api.post(maps, `{"metadata":{"name":"r","labels":{"${'a'.repeat(1_000_000)}]":1}}}`);
      assert.equal(code, 400);
    }));

  test('with very many aliases are refused in a moment', () =>
    inAMoment(async () => {
      const marks = Array.from({ length: 20_000 }, (_, index) => index);
      const body = `a:\n${marks.map((mark) => `- &x${mark} v`).join('\n')}\nb: [${marks.map((mark) => `*x${mark}`).join(',')}]`;
      const answer = await api.call('POST', maps, { body, headers: { 'content-type': 'application/yaml' } });
      assert.equal(answer.code, 400);
      assert.match(answer.body.message ?? '', /it has more than 1000 aliases/);
    }));

  test('in patches of very many items or operations are read in a moment', () =>
    inAMoment(async () => {
      await api.post(maps, { metadata: { name: 'long' } });
      const finalizers = Array.from({ length: 60_000 }, (_, index) => `a.b/${index}`);
      assert.equal((await api.patch(`${maps}/long`, 'strategic', { metadata: { finalizers } })).code, 200);
      const wide = Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`k${index}`, 1]));
      const additions = Array.from({ length: 9000 }, (_, index) => ({ op: 'add', path: `/x/z${index}`, value: 1 }));
      assert.equal((await api.patch(`${maps}/long`, 'json', [{ op: 'add', path: '/x', value: wide }, ...additions])).code, 200);
    }));

  test('of very many ports and keys are judged in a moment', () =>
    inAMoment(async () => {
      const ports = Array.from({ length: 40_000 }, (_, index) => ({ name: `p${index}`, port: index + 1 }));
      const topologyKeys = Array.from({ length: 60_000 }, (_, index) => `k${index}`);
      const answer = await api.post('/api/v1/namespaces/default/services?dryRun=All', {
        metadata: { name: 'many' },
        spec: { ports, topologyKeys },
      });
      assert.equal(answer.code, 422);
    }));
});

describe('labels that are called like what every object has', () => {
  for (const name of ['constructor', 'toString', 'hasOwnProperty'])
    test(`${name} is set, changed and taken away`, async () => {
      await api.post(maps, { metadata: { name: name.toLowerCase(), labels: { kept: 'x' } } });
      for (const value of ['a', 'b', null]) {
        const { body } = await api.patch(`${maps}/${name.toLowerCase()}`, 'merge', { metadata: { labels: { [name]: value } } });
        assert.deepEqual(body.metadata?.labels, value === null ? { kept: 'x' } : { kept: 'x', [name]: value });
      }
    });
});

test('a grace longer than any calendar is kept, and its end is the last moment that can be written', async () => {
  const spec = { nodeName: 'n', containers: [{ name: 'a', image: 'a' }] };
  await api.post(pods, { metadata: { name: 'slow' }, spec: { ...spec, terminationGracePeriodSeconds: 9e15 } });
  const { code, body } = await api.delete(`${pods}/slow`);
  assert.equal(code, 200);
  assert.equal(body.metadata?.deletionGracePeriodSeconds, 9e15);
  assert.equal(body.metadata?.deletionTimestamp, '9999-12-31T23:59:59Z');
  await api.post(pods, { metadata: { name: 'asked' }, spec });
  assert.equal((await api.delete(`${pods}/asked?gracePeriodSeconds=999999999999999`)).code, 200);
});

test('of very many warnings as many are sent as a client takes in a header', async () => {
  const members = Array.from({ length: 50_000 }, (_, index) => `"x${index}":1`).join(',');
  const { code, headers } = await api.post(maps, `{"metadata":{"name":"warned"},${members}}`);
  assert.equal(code, 201);
  const warning = String(headers['warning']);
  assert.match(warning, /^299 - "unknown field \\"x0\\"", 299 - "unknown field \\"x1\\""/);
  assert.ok(warning.length > 4096 && warning.length < 12_000, `${warning.length} characters`);
});

describe('connections', () => {
  test('on which no HTTP is spoken are closed, though the client stays', async () => {
    const socket = await open('garbage\r\n\r\n', { allowHalfOpen: true });
    assert.match(await text(socket), /^HTTP\/1\.1 400 Bad Request\r\n/);
    // what is sent to a connection that is closed comes back as an error
    await until(() => {
      if (!socket.destroyed) socket.write('x');
      return socket.destroyed;
    }, 'the connection is closed');
  });

  test('with a header that is too large are told so', async () => {
    const socket = await open(`GET /api HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(40_000)}\r\n\r\n`);
    assert.match(await text(socket), /^HTTP\/1\.1 431 /);
  });

  test('that ask for another protocol without credentials end with their answer', async () => {
    const socket = await open(`GET ${pods}/p/exec HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`);
    assert.match(await text(socket), /^HTTP\/1\.1 401 /);
  });
});

test('paths that are not served share one figure, so that asking for ever new ones fills nothing', async () => {
  const anonymous = { authorization: '' };
  for (let index = 0; index < 5; index++) {
    await api.get(`/nonsense-${index}`, anonymous);
    await api.get(`/api/v1/nonsense-${index}`, anonymous);
    await api.get(`/apis/a/v1/namespaces/b/nonsense-${index}/c`, anonymous);
  }
  await api.get(maps, anonymous);
  const metrics = (await api.get('/metrics')).text;
  assert.doesNotMatch(metrics, /nonsense/);
  assert.match(metrics, /^apiserver_request_total\{code="401",resource="",verb="GET"\} 15$/m);
  assert.match(metrics, /^apiserver_request_total\{code="401",resource="configmaps",verb="GET"\} 1$/m);
});

async function text(socket: TLSSocket): Promise<string> {
  let read = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) read += String(chunk);
  return read;
}
