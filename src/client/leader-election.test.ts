import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { leases } from '../api/index.ts';
import { silentLogger } from '../observe/index.ts';
import { createClient } from './client.ts';
import type { ClosableKubeClient } from './client.ts';
import { FakeApiServer } from './fake-api-server.ts';
import { runAsLeader } from './leader-election.ts';
import { waitUntil } from './wait-until.ts';

describe('leadership', () => {
  let server: FakeApiServer;
  let client: ClosableKubeClient;

  beforeEach(async () => {
    server = new FakeApiServer();
    client = createClient({ server: await server.start() }, { logger: silentLogger });
  });

  afterEach(async () => {
    client.close();
    await server.stop();
  });

  interface Candidate {
    readonly stop: AbortController;
    readonly ended: Promise<void>;
    isLeading: boolean;
  }

  function campaign(
    identity: string,
    options: { leaseMs?: number; renewDeadlineMs?: number } = {},
    through: ClosableKubeClient = client,
  ): Candidate {
    const stop = new AbortController();
    const candidate = { stop, isLeading: false, ended: Promise.resolve() };
    const lead = async (signal: AbortSignal): Promise<void> => {
      candidate.isLeading = true;
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      candidate.isLeading = false;
    };
    candidate.ended = runAsLeader(
      through,
      { namespace: 'ns', name: 'lock', identity, leaseMs: 1000, renewDeadlineMs: 500, retryMs: 10, ...options },
      lead,
      { signal: stop.signal, logger: silentLogger },
    );
    return candidate;
  }

  const holder = (): string | null | undefined => server.get(leases, 'ns/lock')?.spec?.holderIdentity;

  test('one of two leads, and the other follows as soon as the first lets go', async () => {
    const first = campaign('a');
    await waitUntil(() => first.isLeading, 'a leads');
    const second = campaign('b');
    await waitUntil(() => server.requests.filter((request) => request.method === 'GET').length > 10, 'both have asked often');
    assert.deepEqual([first.isLeading, second.isLeading, holder()], [true, false, 'a']);
    first.stop.abort();
    await first.ended;
    await waitUntil(() => second.isLeading, 'b leads', 500);
    assert.equal(holder(), 'b');
    assert.equal(server.get(leases, 'ns/lock')?.spec?.leaseTransitions, 1);
    second.stop.abort();
    await second.ended;
    assert.equal(holder(), '');
  });

  test('a leader that cannot renew stops leading before anybody else may start', async () => {
    const cut = createClient({ server: client.server }, { logger: silentLogger });
    const first = campaign('a', { renewDeadlineMs: 100 }, cut);
    await waitUntil(() => first.isLeading, 'a leads');
    const second = campaign('b');
    let wereTwo = false;
    const watch = setInterval(() => (wereTwo ||= first.isLeading && second.isLeading), 1);
    // From here on the server hears nothing of a, but still hears b.
    const update = cut.update.bind(cut);
    cut.update = async (resource, object, options) => {
      await Promise.reject(new Error('no route'));
      return update(resource, object, options);
    };
    await waitUntil(() => !first.isLeading, 'a gives up');
    await waitUntil(() => second.isLeading, 'b takes over');
    clearInterval(watch);
    assert.equal(wereTwo, false);
    first.stop.abort();
    second.stop.abort();
    await Promise.all([first.ended, second.ended]);
    cut.close();
  });

  test('work that ends by itself ends the campaign and frees the lease', async () => {
    await runAsLeader(client, { namespace: 'ns', name: 'lock', identity: 'a' }, async () => undefined, {
      signal: new AbortController().signal,
      logger: silentLogger,
    });
    assert.equal(holder(), '');
  });
});
