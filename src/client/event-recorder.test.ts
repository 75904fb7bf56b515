import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { events } from '../api/index.ts';
import { silentLogger } from '../observe/index.ts';
import { createClient } from './client.ts';
import type { ClosableKubeClient } from './client.ts';
import { EventRecorder } from './event-recorder.ts';
import { FakeApiServer } from './fake-api-server.ts';

describe('the event recorder', () => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'ns', name: 'a', uid: 'u', resourceVersion: '7' } };

  let server: FakeApiServer;
  let client: ClosableKubeClient;
  let now: number;
  let recorder: EventRecorder;

  beforeEach(async () => {
    server = new FakeApiServer();
    client = createClient({ server: await server.start() }, { logger: silentLogger });
    now = Date.parse('2026-01-01T00:00:00Z');
    recorder = new EventRecorder(client, 'test', { logger: silentLogger, clock: { now: () => now } });
  });

  afterEach(async () => {
    client.close();
    await server.stop();
  });

  test('an event says what happened to which object, and a repeat raises its count', async () => {
    recorder.event(pod, 'Warning', 'Failed', 'no');
    now += 5000;
    recorder.event(pod, 'Warning', 'Failed', 'no');
    recorder.event(pod, 'Normal', 'Done', 'yes');
    await recorder.flush();
    const all = server.list(events);
    assert.deepEqual(
      all.map((event) => [event.type, event.reason, event.message, event.count, event.firstTimestamp, event.lastTimestamp]),
      [
        ['Warning', 'Failed', 'no', 2, '2026-01-01T00:00:00Z', '2026-01-01T00:00:05Z'],
        ['Normal', 'Done', 'yes', 1, '2026-01-01T00:00:05Z', '2026-01-01T00:00:05Z'],
      ],
    );
    assert.deepEqual(all[0]?.involvedObject, {
      kind: 'Pod',
      apiVersion: 'v1',
      name: 'a',
      namespace: 'ns',
      uid: 'u',
      resourceVersion: '7',
    });
    assert.deepEqual(all[0]?.source, { component: 'test' });
    assert.match(all[0]?.metadata.name ?? '', /^a\.[0-9a-f]{16}$/);
  });

  test('an event that was deleted meanwhile is made anew', async () => {
    recorder.event(pod, 'Normal', 'Done', 'yes');
    await recorder.flush();
    server.remove('events', `ns/${server.list(events)[0]?.metadata.name}`);
    recorder.event(pod, 'Normal', 'Done', 'yes');
    await recorder.flush();
    assert.deepEqual(
      server.list(events).map((event) => event.count),
      [1],
    );
  });

  test('a flood of different texts becomes one, and an object has only so many events', async () => {
    for (let index = 0; index < 40; index++) recorder.event(pod, 'Warning', 'Failed', `attempt ${index}`);
    await recorder.flush();
    const all = server.list(events);
    assert.equal(all.length, 11);
    assert.equal(all.at(-1)?.message, '(combined from similar events): attempt 0');
    assert.equal(
      all.reduce((sum, event) => sum + (event.count ?? 0), 0),
      25,
    );
  });

  test('a server that refuses or is away costs nobody anything', async () => {
    server.intercept = (_request, response) => {
      response.writeHead(403).end('{"kind":"Status","code":403,"reason":"Forbidden"}');
      return true;
    };
    recorder.event(pod, 'Normal', 'Done', 'yes');
    await recorder.flush();
    assert.deepEqual(server.list(events), []);
  });
});
