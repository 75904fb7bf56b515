import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import fc from 'fast-check';
import { NameIndex } from './name-index.ts';
import { NameMemory } from './name-memory.ts';
import { NameReader, roots } from './name-reader.ts';
import { NameTables } from './name-table.ts';
import { addressRRset, nameRRset, rawRRset, rrTypes, srvItem, srvNameAt } from './rrset.ts';
import type { RRset } from './rrset.ts';
import { headlessOf, namespaceOf, sliceOf } from './sample-objects.ts';
import { addressToWire, latin1, mustEncodeName, reverseNameOf } from './wire-name.ts';

const services = 20;
const big = 60;

/** What a reader in another thread saw. */
interface Seen {
  readonly reads: number;
  readonly states: number;
  readonly torn: readonly string[];
  /** Reads that had to begin again. */
  readonly again: number;
}

if (isMainThread) {
  test('readers in other threads see every Service all old or all new, also while the memory grows', async () => {
    const index = new NameIndex({ zone: 'cluster.local', nowSeconds: () => 1 });
    index.applyNamespace(namespaceOf('default'));
    for (let at = 0; at < services; at++) {
      index.applyService(headlessOf(`s-${at}`, { ports: [{ name: 'http', port: 80 }] }));
      change(index, at, 1);
    }
    const stop = new SharedArrayBuffer(4);
    const readers = [1, 2].map(
      (seed) => new Worker(new URL(import.meta.url), { workerData: { memory: index.sharedMemory, stop, seed } }),
    );
    const results = readers.map(async (reader) => ((await once(reader, 'message')) as [Seen])[0]);
    await Promise.all(readers.map((reader) => once(reader, 'online')));
    for (let state = 2; state < 1_500; state++) {
      change(index, state % services, state);
      // more and more names, so that buckets and block are replaced under the readers
      if (state % 4 === 0) index.applyService(headlessOf(`more-${state}`));
      if (state % 4 === 0) index.applyEndpointSlice(sliceOf(`more-${state}`, [`12.0.${state >> 8}.${state & 255}`]));
      if (state % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    Atomics.store(new Int32Array(stop), 0, 1);
    for (const { reads, states, torn } of await Promise.all(results)) {
      assert.deepEqual(torn, []);
      assert.ok(reads > 0 && states > 1, `${reads} reads of ${states} states`);
    }
  });

  test('whatever was put and taken away, nothing of it stays in memory, and what is left reads as it was put', () => {
    const name = fc.constantFrom('\x01a\x03svc', '\x01b\x01a\x03svc', '\x01c\x01b\x01a\x03svc', '\x01d\x03svc', '\x02ns\x03dns');
    const addresses = fc.uniqueArray(fc.constantFrom('\x0a\0\0\x01', '\x0a\0\0\x02', '\x0a\0\0\x03'), { minLength: 1 });
    const rrset: fc.Arbitrary<RRset | undefined> = fc.oneof(
      addresses.map((list) => addressRRset(list, 30)),
      fc.array(name, { minLength: 1, maxLength: 3 }).map((targets) =>
        nameRRset(
          rrTypes.SRV,
          targets.map((target, at) => srvItem(33, 80 + at, target)),
          srvNameAt,
          30,
        ),
      ),
      name.map((target) => nameRRset(rrTypes.CNAME, [target], 0, 30)),
      fc
        .uniqueArray(fc.constantFrom('\x01x', '\x05hello', '\x03www\x07example\0'), { minLength: 1 })
        .map((items) => rawRRset(rrTypes.TXT, items, 99)),
    );
    const sets = fc.uniqueArray(rrset, { maxLength: 3, selector: (set) => set?.type });
    const operation = fc.record({ table: fc.constantFrom('forward', 'reverse'), name, sets, isGone: fc.boolean() } as const);
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 50 }), (operations) => {
        const tables = new NameTables(30);
        const left = new Map<
          string,
          { readonly table: 'forward' | 'reverse'; readonly name: string; readonly sets: readonly RRset[] }
        >();
        for (const { table, name, sets, isGone } of operations) {
          const present = sets.filter((set) => set !== undefined);
          if (isGone) tables[table].remove(name);
          else tables[table].put(name, present);
          left.delete(`${table} ${name}`);
          if (!isGone) left.set(`${table} ${name}`, { table, name, sets: present });
        }
        for (const { table, name, sets } of left.values()) assert.deepEqual(tables[table].findText(name)?.rrsets, sets);
        for (const { table, name } of left.values()) tables[table].remove(name);
        assert.deepEqual([tables.nodeCount, tables.forward.size, tables.reverse.size], [0, 0, 0]);
        const before = tables.memory.size;
        for (const { table, name, sets } of left.values()) tables[table].put(name, sets);
        assert.equal(tables.memory.size, before, 'blocks are used again');
      }),
    );
  });

  test('a name that only a record points to does not exist, and its text stays for the record', () => {
    const tables = new NameTables(30);
    const pointer = nameRRset(rrTypes.CNAME, ['\x04gone\x02ns\x03svc'], 0, 30);
    assert.ok(pointer !== undefined);
    tables.forward.put('\x01a\x03svc', [pointer]);
    assert.equal(tables.forward.findText('\x04gone\x02ns\x03svc'), undefined);
    assert.equal(tables.forward.findText('\x02ns\x03svc'), undefined);
    tables.forward.put('\x04gone\x02ns\x03svc', []);
    assert.equal(tables.forward.size, 4);
    tables.forward.remove('\x04gone\x02ns\x03svc');
    assert.equal(tables.forward.size, 2);
    assert.deepEqual(tables.forward.findText('\x01a\x03svc')?.rrsets, [pointer]);
  });

  test('a reader that met a change under way waits for its end', async () => {
    const memory = new NameMemory();
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      import(workerData.door).then(({ NameReader }) => {
        const reader = new NameReader(workerData.buffer);
        parentPort.postMessage('asks');
        const version = reader.enter();
        parentPort.postMessage([version, reader.serial]);
      });`;
    const worker = new Worker(code, {
      eval: true,
      workerData: { buffer: memory.buffer, door: new URL('./name-reader.ts', import.meta.url).href },
    });
    const said: unknown[] = [];
    worker.on('message', (message) => said.push(message));
    const begun = Promise.withResolvers<void>();
    worker.once('message', () => begun.resolve());
    const words = new Int32Array(memory.buffer);
    Atomics.add(words, 0, 1);
    await begun.promise;
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(said, ['asks'], 'it does not read meanwhile');
    words[4] = 77;
    Atomics.add(words, 0, 1);
    await once(worker, 'exit');
    assert.deepEqual(said, ['asks', [2, 77]]);
  });
} else {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads has no origin
  parentPort?.postMessage(readUntilStopped(workerData as { memory: SharedArrayBuffer; stop: SharedArrayBuffer; seed: number }));
}

/** All addresses of a Service carry its state, and there are as many of them as the state says. */
function change(index: NameIndex, service: number, state: number): void {
  const count = 1 + (state % big);
  const addresses = Array.from({ length: count }, (_, at) => `${16 + at}.${service}.${state >> 8}.${state & 255}`);
  index.applyEndpointSlice(sliceOf(`s-${service}`, addresses, [{ name: 'http', port: 80 }]));
}

function readUntilStopped({
  memory,
  stop,
  seed,
}: {
  readonly memory: SharedArrayBuffer;
  readonly stop: SharedArrayBuffer;
  readonly seed: number;
}): Seen {
  const reader = new NameReader(memory);
  const stopped = new Int32Array(stop);
  const states = new Set<number>();
  const torn: string[] = [];
  const counts = { reads: 0, again: 0 };
  const name = new Uint8Array(256);
  for (let turn = seed; Atomics.load(stopped, 0) === 0; turn++) {
    const service = turn % services;
    const key = latin1(mustEncodeName(`s-${service}.default.svc`));
    const version = reader.enter();
    const problem = readService(reader, key, service, name, states);
    if (!reader.isCurrent(version)) counts.again++;
    else {
      counts.reads++;
      if (problem !== undefined && torn.length < 5) torn.push(problem);
    }
  }
  return { ...counts, states: states.size, torn };
}

/** Reads a Service's addresses, ports, the addresses of their targets, and the way back; what does not fit together is a problem. */
function readService(
  reader: NameReader,
  key: Uint8Array,
  service: number,
  name: Uint8Array,
  states: Set<number>,
): string | undefined {
  const node = reader.find(roots.forward, key, 0, key.length);
  if (node === 0) return `s-${service} is missing`;
  const rrset = reader.rrsetOf(node, rrTypes.A);
  const ports = reader.rrsetOf(node, rrTypes.SRV);
  const data = reader.dataOf(rrset);
  const state = ((reader.bytes[data + 2] ?? 0) << 8) | (reader.bytes[data + 3] ?? 0);
  const count = reader.countOf(rrset);
  if (count !== 1 + (state % big) || reader.countOf(ports) !== count)
    return `state ${state} has ${count} and ${reader.countOf(ports)}`;
  for (let at = 0; at < count; at++) {
    const target = reader.targetOf(ports, at);
    const own = reader.dataOf(reader.rrsetOf(target, rrTypes.A));
    const bytes = reader.bytes.subarray(own, own + 4);
    if (bytes[1] !== service || (((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)) !== state)
      return `state ${state} leads to ${bytes.join('.')}`;
    const back = latin1(reverseNameOf(addressToWire({ family: 'IPv4', bytes: Uint8Array.from(bytes) })));
    const pointer = reader.rrsetOf(reader.find(roots.reverse, back, 0, back.length), rrTypes.PTR);
    if (pointer === 0 || reader.targetOf(pointer, 0) !== target) return `state ${state}: ${bytes.join('.')} does not point back`;
    if (reader.copyName(target, name, 0) !== reader.nameLength(target)) return `state ${state}: a name of the wrong length`;
  }
  states.add(state);
  return undefined;
}
