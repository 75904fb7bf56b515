import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Store, StoreEvent } from './index.ts';
import { CompactedError, MemoryStore, openSqliteJournal, WriteConflictError } from './index.ts';

interface Variant {
  readonly name: string;
  open(): Promise<{ readonly store: Store; dispose(): void }>;
}

const variants: readonly Variant[] = [
  { name: 'in memory', open: () => Promise.resolve({ store: new MemoryStore(), dispose: () => undefined }) },
  {
    name: 'with a journal',
    open: async () => {
      const directory = mkdtempSync(join(tmpdir(), 'fairlead-store-'));
      const store = new MemoryStore({ journal: await openSqliteJournal(join(directory, 'objects.db')) });
      return {
        store,
        dispose: () => {
          store.close();
          rmSync(directory, { recursive: true });
        },
      };
    },
  },
];

const pod = (name: string, label = '') => ({ metadata: { name, labels: { label } } });

for (const variant of variants) {
  describe(`a store ${variant.name}`, () => {
    const withStore = (name: string, body: (store: Store) => void): void => {
      test(name, async () => {
        const opened = await variant.open();
        try {
          body(opened.store);
        } finally {
          opened.dispose();
        }
      });
    };

    withStore('gives every write a higher revision and writes it into the object', (store) => {
      const a = store.create('/pods/x/a', pod('a'));
      const b = store.create('/pods/x/b', pod('b'));
      assert.ok(b.revision > a.revision);
      assert.equal(b.object.metadata?.resourceVersion, String(b.revision));
      assert.equal(store.get('/pods/x/b')?.revision, b.revision);
    });

    withStore('refuses writes that lost the race', (store) => {
      const first = store.create('/pods/x/a', pod('a'));
      assert.throws(() => store.create('/pods/x/a', pod('a')), WriteConflictError);
      store.update('/pods/x/a', pod('a', 'new'), first.revision);
      assert.throws(() => store.update('/pods/x/a', pod('a', 'late'), first.revision), WriteConflictError);
      assert.throws(() => store.delete('/pods/x/a', first.revision), WriteConflictError);
      assert.throws(() => store.delete('/pods/x/none', 1), WriteConflictError);
      assert.equal(store.get('/pods/x/a')?.object.metadata?.labels?.['label'], 'new');
    });

    withStore('lists in order of keys, and one namespace without its neighbours', (store) => {
      for (const key of ['/pods/b/1', '/pods/a/2', '/pods/a/1', '/pods/ab/1', '/podsx/a/1']) store.create(key, pod(key));
      const keys = (prefix: string) => store.list(prefix).items.map((item) => item.key);
      assert.deepEqual(keys('/pods/'), ['/pods/a/1', '/pods/a/2', '/pods/ab/1', '/pods/b/1']);
      assert.deepEqual(keys('/pods/a/'), ['/pods/a/1', '/pods/a/2']);
    });

    withStore('lists as it was at an older revision', (store) => {
      const a = store.create('/pods/x/a', pod('a', 'old'));
      const b = store.create('/pods/x/b', pod('b'));
      const then = store.revision;
      store.update('/pods/x/a', pod('a', 'new'), a.revision);
      store.delete('/pods/x/b', b.revision);
      store.create('/pods/x/c', pod('c'));
      const { items, revision } = store.list('/pods/', then);
      assert.equal(revision, then);
      assert.deepEqual(
        items.map(({ key, object }) => [key, object.metadata?.labels?.['label']]),
        [
          ['/pods/x/a', 'old'],
          ['/pods/x/b', ''],
        ],
      );
    });

    withStore('replays history to a watch and goes on without a gap or a repetition', (store) => {
      const start = store.revision;
      const a = store.create('/pods/x/a', pod('a'));
      const seen: string[] = [];
      const stop = store.watch('/pods/', start, (event) => seen.push(`${event.type} ${event.key}`));
      const b = store.update('/pods/x/a', pod('a', 'new'), a.revision);
      store.create('/services/x/a', pod('a'));
      store.delete('/pods/x/a', b.revision);
      stop();
      store.create('/pods/x/late', pod('late'));
      assert.deepEqual(seen, ['ADDED /pods/x/a', 'MODIFIED /pods/x/a', 'DELETED /pods/x/a']);
    });

    withStore('shows a deletion as the last state under the revision of the deletion', (store) => {
      const a = store.create('/pods/x/a', pod('a', 'last'));
      const events: StoreEvent[] = [];
      store.watch('/pods/', store.revision, (event) => events.push(event));
      store.delete('/pods/x/a', a.revision);
      assert.equal(events[0]?.current.object.metadata?.labels?.['label'], 'last');
      assert.equal(events[0]?.current.object.metadata?.resourceVersion, String(store.revision));
    });

    withStore('delivers events in order to every watcher even when a watcher writes', (store) => {
      const first: number[] = [];
      const second: number[] = [];
      store.watch('/pods/', store.revision, (event) => {
        first.push(event.revision);
        if (event.key === '/pods/x/a') store.create('/pods/x/b', pod('b'));
      });
      store.watch('/pods/', store.revision, (event) => second.push(event.revision));
      store.create('/pods/x/a', pod('a'));
      assert.deepEqual(first, second);
      assert.equal(first.length, 2);
      assert.ok((first[0] ?? 0) < (first[1] ?? 0));
    });
  });
}

test('history beyond the limit is gone and says from where on it is kept', () => {
  const store = new MemoryStore({ historyLimit: 4 });
  const start = store.revision;
  for (let index = 0; index < 20; index += 1) store.create(`/pods/x/${index}`, pod(String(index)));
  assert.throws(() => store.watch('/pods/', start, () => undefined), CompactedError);
  assert.throws(() => store.list('/pods/', start), CompactedError);
  assert.ok(store.oldestRevision > start);
  const seen: number[] = [];
  store.watch('/pods/', store.oldestRevision, (event) => seen.push(event.revision));
  assert.equal(seen.length, store.revision - store.oldestRevision);
});

test('old events go, so that a quiet cluster does not remember what objects once were; the last few hundred stay', () => {
  let now = 0;
  const store = new MemoryStore({ historyMs: 1000, clock: () => now });
  const start = store.revision;
  for (let index = 0; index < 1000; index += 1) store.create(`/pods/x/${index}`, pod(String(index)));
  assert.equal(store.list('/pods/', start).items.length, 0, 'nothing is old yet');
  now = 1001;
  for (let index = 0; index < 256; index += 1) store.create(`/pods/y/${index}`, pod(String(index)));
  assert.throws(() => store.watch('/pods/', start, () => undefined), CompactedError);
  const kept = store.revision - store.oldestRevision;
  assert.ok(kept >= 256 && kept < 512 + 256, String(kept));
  const seen: number[] = [];
  store.watch('/pods/', store.oldestRevision, (event) => seen.push(event.revision));
  assert.equal(seen.length, kept);
});

test('a reopened journal has the objects, goes on counting, and knows no history', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-store-'));
  const file = join(directory, 'objects.db');
  try {
    const before = new MemoryStore({ journal: await openSqliteJournal(file) });
    const kept = before.create('/pods/x/kept', pod('kept'));
    const gone = before.create('/pods/x/gone', pod('gone'));
    before.delete('/pods/x/gone', gone.revision);
    const last = before.revision;
    before.close();
    const after = new MemoryStore({ journal: await openSqliteJournal(file) });
    assert.deepEqual(after.get('/pods/x/kept')?.object, kept.object);
    assert.equal(after.get('/pods/x/gone'), undefined);
    assert.ok(after.revision > last);
    assert.throws(() => after.watch('/pods/', last, () => undefined), CompactedError);
    after.close();
    const again = new MemoryStore({ journal: await openSqliteJournal(file) });
    assert.ok(again.revision > after.revision, 'a restart without a write takes a revision, too');
    again.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
