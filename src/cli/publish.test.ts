import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import type { Cluster } from '../cluster/index.ts';
import { parsePublication, publish, PublishError } from './publish.ts';

test('a publication is written with digits and names alone', () => {
  assert.deepEqual(parsePublication('8080:shop/web:80'), { localPort: 8080, namespace: 'shop', service: 'web', port: 80 });
  assert.deepEqual(parsePublication('8080:web:80'), { localPort: 8080, namespace: 'default', service: 'web', port: 80 });
  for (const text of [
    '',
    '8080',
    '0x50:web:80',
    '1e3:web:80',
    '8080:web:0x50',
    '0:web:80',
    '65536:web:80',
    '8080:../x:80',
    '8080:a/b/c:80',
  ])
    assert.throws(() => parsePublication(text), PublishError, text);
});

test('a client that has gone before its connection into the lab was made leaves none there', async () => {
  const inside = createServer();
  inside.listen(0, '127.0.0.1');
  await once(inside, 'listening');
  const dialled = Promise.withResolvers<void>();
  const mayConnect = Promise.withResolvers<void>();
  const made: Socket[] = [];
  const cluster = {
    informers: { of: () => ({ get: () => ({ spec: { clusterIP: '10.96.0.1', ports: [{ port: 80 }] } }) }) },
    lab: {
      nodes: [{ name: 'node-1', nodeAddresses: ['10.0.1.1'] }],
      place: () => ({
        dial: async () => {
          dialled.resolve();
          await mayConnect.promise;
          const socket = connect((inside.address() as AddressInfo).port, '127.0.0.1');
          made.push(socket);
          await once(socket, 'connect');
          return socket;
        },
      }),
    },
  } as unknown as Cluster;
  const server = await publish(cluster, { localPort: 0, namespace: 'default', service: 'web', port: 80 });
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  const [[ours]] = await Promise.all([accepted, dialled.promise]);
  // reset: a client that only ends its half may still want to read
  const left = new Promise((resolve) => ours.once('close', resolve));
  client.resetAndDestroy();
  ours.resume();
  await left;
  mayConnect.resolve();
  while (made[0] === undefined) await new Promise((resolve) => setImmediate(resolve));
  if (!made[0].destroyed) await once(made[0], 'close');
  server.close();
  inside.close();
});
