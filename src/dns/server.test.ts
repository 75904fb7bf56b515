import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { createClient } from '../client/index.ts';
import { FakeApiServer } from '../client/fake-api-server.ts';
import { waitUntil } from '../client/wait-until.ts';
import { mustEncodeName } from '../names/index.ts';
import { headlessOf, namespaceOf, podOf, serviceOf, sliceOf } from '../names/sample-objects.ts';
import { silentLogger } from '../observe/index.ts';
import { textOf } from './forwarding/asking.ts';
import { decodeMessage, encodeMessage, queryMessage } from './wire/message.ts';
import { headerFlags } from './wire/protocol.ts';
import { startDnsServer } from './server.ts';

test('a server with a client of its own says SERVFAIL until it has read everything, follows changes, answers on when the API is lost, and learns what it missed', async (t) => {
  const api = new FakeApiServer();
  api.put('namespaces', namespaceOf('default'));
  api.put('services', serviceOf('web', { clusterIPs: ['10.96.0.5'], ports: [{ name: 'http', port: 80 }] }));
  api.put('services', headlessOf('db', { ports: [{ name: 'pg', port: 5432 }] }));
  api.put('endpointslices', sliceOf('db', [{ addresses: ['10.244.1.6'], hostname: 'db-0' }], [{ name: 'pg', port: 5432 }]));
  api.put('pods', podOf('a', '10.244.1.6'));
  let isHolding = true;
  const held: (() => void)[] = [];
  api.intercept = (request, response) => {
    if (!isHolding || !request.path.includes('endpointslices')) return false;
    held.push(() => response.destroy());
    return true;
  };
  const client = createClient({ server: await api.start() }, { logger: silentLogger });
  const server = await startDnsServer(
    { source: { client }, listen: { address: '127.0.0.1', port: 0 }, podMode: 'verified' },
    { logger: silentLogger },
  );
  t.after(async () => {
    await server.close();
    client.close();
    await api.stop();
  });
  const [at] = server.addresses;
  const ask = async (name: string): Promise<string> => {
    const socket = createSocket('udp4');
    try {
      const answer = new Promise<Uint8Array>((resolve) => socket.once('message', resolve));
      socket.send(encodeMessage(queryMessage(1, `${mustEncodeName(name)}\0`, 1, headerFlags.RD)), at?.port ?? 0, '127.0.0.1');
      return textOf(decodeMessage(await answer)).replaceAll(/ 30 A /g, ' A ');
    } finally {
      socket.close();
    }
  };
  const askUntil = async (name: string, want: RegExp): Promise<void> => {
    const deadlineMs = performance.now() + 20_000;
    let answer = await ask(name);
    while (!want.test(answer) && performance.now() < deadlineMs) answer = await ask(name);
    assert.match(answer, want);
  };
  await waitUntil(() => held.length > 0, 'the slices are asked for');
  assert.match(await ask('gone.default.svc.cluster.local'), /^SERVFAIL/);
  assert.equal(server.isReady, false);
  isHolding = false;
  for (const release of held) release();
  await server.ready;
  const podSelectors = api.requests.filter(({ path }) => path.endsWith('/pods')).map(({ query }) => query.get('fieldSelector'));
  assert.deepEqual([...new Set(podSelectors)], ['status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown']);
  assert.match(await ask('gone.default.svc.cluster.local'), /^NXDOMAIN/);
  assert.match(await ask('web.default.svc.cluster.local'), / A 10\.96\.0\.5$/);
  assert.match(await ask('db-0.db.default.svc.cluster.local'), / A 10\.244\.1\.6$/);
  assert.match(await ask('10-244-1-6.default.pod.cluster.local'), / A 10\.244\.1\.6$/);

  api.put('endpointslices', sliceOf('db', [{ addresses: ['10.244.1.7'], hostname: 'db-0' }], [{ name: 'pg', port: 5432 }]));
  await askUntil('db-0.db.default.svc.cluster.local', / A 10\.244\.1\.7$/);
  api.remove('services', 'default/web');
  await askUntil('web.default.svc.cluster.local', /^NXDOMAIN/);

  await api.stop();
  assert.match(await ask('db-0.db.default.svc.cluster.local'), / A 10\.244\.1\.7$/);
  assert.match(await ask('gone.default.svc.cluster.local'), /^NXDOMAIN/);
  assert.equal(server.isReady, true);

  // what happened meanwhile is seen when the API is back, also what went
  api.put('services', serviceOf('late', { clusterIPs: ['10.96.0.9'] }));
  api.remove('services', 'default/db');
  api.remove('pods', 'default/a');
  await api.start(Number(new URL(client.server).port));
  await askUntil('late.default.svc.cluster.local', / A 10\.96\.0\.9$/);
  await askUntil('db-0.db.default.svc.cluster.local', /^NXDOMAIN/);
  await askUntil('10-244-1-6.default.pod.cluster.local', /^NXDOMAIN/);
});

test('an address that cannot be bound rejects and leaves nothing open', async () => {
  const client = createClient({ server: 'http://127.0.0.1:1' }, { logger: silentLogger });
  const start = startDnsServer({ source: { client }, listen: { address: '192.0.2.1', port: 5353 } }, { logger: silentLogger });
  await assert.rejects(start, /EADDRNOTAVAIL/);
  client.close();
});

test('pods are read for pod mode verified alone', async (t) => {
  const api = new FakeApiServer();
  api.put('namespaces', namespaceOf('default'));
  const client = createClient({ server: await api.start() }, { logger: silentLogger });
  const server = await startDnsServer(
    { source: { client }, listen: { address: '127.0.0.1', port: 0 }, podMode: 'insecure' },
    { logger: silentLogger },
  );
  t.after(async () => {
    await server.close();
    client.close();
    await api.stop();
  });
  await server.ready;
  const kinds = new Set(api.requests.map(({ path }) => path.split('/').at(-1)));
  assert.deepEqual(kinds, new Set(['endpointslices', 'namespaces', 'services']));
});
