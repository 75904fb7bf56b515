import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import { configMaps } from '../api/index.ts';
import type { ConfigMap } from '../api/index.ts';
import { silentLogger } from '../observe/index.ts';
import { createClient } from './client.ts';
import { FakeApiServer } from './fake-api-server.ts';
import { createInformer } from './informer.ts';
import { keyOf } from './object-key.ts';
import { waitUntil } from './wait-until.ts';

/** Small, seeded, good enough to mix events (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const refusals: readonly ((response: ServerResponse) => unknown)[] = [
  (response) => response.destroy(),
  (response) => response.writeHead(500).end('{"kind":"Status","code":500}'),
  (response) => response.writeHead(429).end('{"kind":"Status","code":429}'),
  (response) => response.writeHead(410).end('{"kind":"Status","code":410,"reason":"Expired"}'),
  (response) => response.writeHead(200).end(),
  (response) => response.writeHead(200).end('garbage\n'),
  (response) => response.writeHead(422).end('{"kind":"Status","code":422,"reason":"Invalid"}'),
  (response) => {
    // Headers, then silence for ever.
    response.writeHead(200).flushHeaders();
  },
];

describe('an informer among a server that breaks everything', () => {
  for (const seed of [1, 2, 3, 4]) {
    test(`ends with what the server has, and its listeners too (seed ${seed})`, async () => {
      const random = seeded(seed);
      const pick = (count: number): number => Math.floor(random() * count);
      const server = new FakeApiServer();
      server.canWatchList = seed % 2 === 0;
      const client = createClient({ server: await server.start() }, { logger: silentLogger, requestTimeoutMs: 60 });
      const stop = new AbortController();
      const timings = { minBackOffMs: 1, maxBackOffMs: 4, silenceMs: 40, watchListSilenceMs: 40, overdueMs: 40, watchMs: 100 };
      const informer = createInformer(
        client,
        configMaps,
        { timings, indexers: { data: (object) => [object.data?.['data'] ?? ''] } },
        { logger: silentLogger },
      );
      const heard = new Map<string, ConfigMap>();
      const faults: string[] = [];
      informer.subscribe({
        added: (object) => {
          if (heard.has(keyOf(object))) faults.push(`${keyOf(object)} added twice`);
          heard.set(keyOf(object), object);
        },
        updated: (before, after) => {
          if (heard.get(keyOf(after)) !== before) faults.push(`${keyOf(after)} updated from what was never told`);
          heard.set(keyOf(after), after);
        },
        deleted: (object) => {
          if (!heard.delete(keyOf(object))) faults.push(`${keyOf(object)} deleted twice`);
        },
      });
      informer.start(stop.signal);
      for (let round = 0; round < 400; round++) {
        const name = `c${pick(12)}`;
        if (random() < 0.7)
          server.put('configmaps', { metadata: { namespace: 'ns', name }, data: { data: String(pick(3)) } } as ConfigMap);
        else server.remove('configmaps', `ns/${name}`);
        const refusal = refusals[pick(refusals.length * 4)];
        server.intercept = (_request, response) => {
          refusal?.(response);
          return refusal !== undefined;
        };
        const chance = random();
        if (chance < 0.05) server.cutWatches();
        else if (chance < 0.1) server.endWatches();
        else if (chance < 0.13) server.sendRaw('{"type":"ADD\n');
        else if (chance < 0.15) server.compact();
        if (random() < 0.4) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      server.intercept = () => false;
      const wanted = (): string =>
        JSON.stringify(
          server
            .list(configMaps)
            .map((object) => [keyOf(object), object.metadata?.resourceVersion])
            .sort(compareFirst),
        );
      const stored = (objects: Iterable<ConfigMap>): string =>
        JSON.stringify(Array.from(objects, (object) => [keyOf(object), object.metadata?.resourceVersion]).sort(compareFirst));
      await waitUntil(() => stored(informer.list()) === wanted(), 'the store equals the server');
      assert.equal(stored(heard.values()), wanted());
      assert.deepEqual(faults, []);
      for (const value of ['0', '1', '2']) {
        const want = server.list(configMaps).filter((object) => object.data?.['data'] === value).length;
        assert.equal(informer.byIndex('data', value).length, want, `index ${value}`);
      }
      stop.abort();
      client.close();
      await server.stop();
    });
  }
});

function compareFirst(a: readonly unknown[], b: readonly unknown[]): number {
  return String(a[0]) < String(b[0]) ? -1 : 1;
}
