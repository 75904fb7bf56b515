import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { headlessOf, sampleIndex, serviceOf } from '../../names/sample-objects.ts';
import { mustEncodeName } from '../../names/index.ts';
import { silentLogger } from '../../observe/index.ts';
import { sampleResponder, textOf } from './asking.ts';
import { createCachingForwarder } from './cache.ts';
import { FakeServer } from './fake-name-server.ts';
import { createForwarder, createZoneForwarder, emptyAnswer } from './forward.ts';
import type { ForwardOptions } from './forward.ts';
import { bytesOf, decodeMessage, encodeMessage, queryMessage } from '../wire/message.ts';
import type { Message } from '../wire/message.ts';
import { headerFlags, rcodes } from '../wire/protocol.ts';
import type { Forwarder } from '../query-handler.ts';
import { createQueryHandler } from '../query-handler.ts';
import { createShuffle, shuffleAddresses, unshuffled } from '../answers/shuffle.ts';

const wireOf = (name: string): string => `${mustEncodeName(name)}\0`;
const query = (name = 'www.example.com', type = 1, flags: number = headerFlags.RD): Message =>
  queryMessage(77, wireOf(name), type, flags, 1232);
const how = { isTcp: false, maxBytes: 1232 };

function addressAnswer(query: Message, lastByte: number, ttlSeconds = 60): Message {
  const name = query.questions[0]?.name ?? '\0';
  const record = { name, type: 1, class: 1, ttlSeconds, data: Uint8Array.of(192, 0, 2, lastByte) };
  return { ...emptyAnswer(query, 0), answers: [record] };
}

function failing(rcode: number): (query: Message) => Message {
  return (query) => emptyAnswer(query, rcode);
}

function forwarderTo(servers: readonly FakeServer[], options: Partial<ForwardOptions> = {}) {
  const forwarder = createForwarder(
    { upstreams: servers.map(({ to }) => to), policy: 'sequential', tryMs: 500, totalMs: 5000, probeEveryMs: 20, ...options },
    { logger: silentLogger },
  );
  after(() => forwarder.close());
  return forwarder;
}

test('an answer comes back with the id and the letters of the query, over UDP and TCP', async () => {
  const server = await new FakeServer((query) => {
    const [question] = query.questions;
    return question === undefined
      ? undefined
      : { ...addressAnswer(query, 1), questions: [{ ...question, name: question.name.toLowerCase() }] };
  }).start();
  const forwarder = forwarderTo([server]);
  for (const isTcp of [false, true]) {
    const answer = await forwarder.forward(query('WWW.example.COM'), { isTcp, maxBytes: 65_535 });
    assert.equal(answer.id, 77);
    assert.equal(answer.questions[0]?.name, wireOf('WWW.example.COM'));
    assert.equal(answer.answers.length, 1);
  }
});

test('a silent, an unreachable and a failing server are passed over for one that answers', async () => {
  const silent = await new FakeServer(() => undefined).start();
  const gone = await new FakeServer(() => undefined).start();
  gone.close();
  const sick = await new FakeServer(failing(rcodes.SERVFAIL)).start();
  const good = await new FakeServer((query) => addressAnswer(query, 9)).start();
  const forwarder = forwarderTo([silent, gone, sick, good]);
  assert.match(textOf(await forwarder.forward(query(), how)), /192\.0\.2\.9/);
});

test('when all fail the last refusal stands, and silence is SERVFAIL', async () => {
  const sick = await new FakeServer(failing(rcodes.REFUSED)).start();
  assert.equal((await forwarderTo([sick]).forward(query(), how)).rcode, rcodes.REFUSED);
  const silent = await new FakeServer(() => undefined).start();
  const answer = await forwarderTo([silent], { tryMs: 50 }).forward(query(), how);
  assert.equal(answer.rcode, rcodes.SERVFAIL);
  assert.equal((await forwarderTo([]).forward(query(), how)).rcode, rcodes.SERVFAIL);
});

test('NXDOMAIN is an answer, not a failure', async () => {
  const first = await new FakeServer(failing(rcodes.NXDOMAIN)).start();
  const second = await new FakeServer((query) => addressAnswer(query, 9)).start();
  assert.equal((await forwarderTo([first, second]).forward(query(), how)).rcode, rcodes.NXDOMAIN);
  assert.equal(second.asked, 0);
});

test('a server that fails is not asked until a probe finds it well', async () => {
  let isSick = true;
  let asked = 0;
  const first = await new FakeServer((query) => {
    // a probe asks for the root
    if (query.questions[0]?.name !== '\0') asked++;
    return isSick ? undefined : addressAnswer(query, 1);
  }).start();
  const second = await new FakeServer((query) => addressAnswer(query, 2)).start();
  const forwarder = forwarderTo([first, second], { tryMs: 20, maxFails: 1 });
  const [upstream] = forwarder.upstreams;
  const isDown = (): boolean => upstream?.isDown === true;
  while (!isDown()) await forwarder.forward(query(), how);
  const before = asked;
  for (let index = 0; index < 5; index++) await forwarder.forward(query(`${index}.example.com`), how);
  assert.equal(asked, before, 'not while it is down');
  isSick = false;
  for (const deadline = Date.now() + 5_000; isDown() && Date.now() < deadline;) await forwarder.forward(query(), how);
  assert.match(textOf(await forwarder.forward(query(), how)), /192\.0\.2\.1/);
});

test('answers to another question or another id are passed over', async () => {
  const server = await new FakeServer((query) => {
    const [question] = query.questions;
    return question === undefined || question.name === '\0'
      ? emptyAnswer(query, 0)
      : { ...addressAnswer(query, 1), questions: [{ ...question, name: wireOf('evil.example') }] };
  }).start();
  assert.equal((await forwarderTo([server], { tryMs: 50 }).forward(query(), how)).rcode, rcodes.SERVFAIL);
});

test('identical queries under way are asked once; a query that comes back to itself ends', async () => {
  const holder: { forwarder?: Forwarder } = {};
  const server = await new FakeServer((query) => {
    // The server asks us the same again: a loop. It would never end by itself.
    if (query.questions[0]?.name !== '\0') void holder.forwarder?.forward(query, how);
    return undefined;
  }).start();
  const forwarder = forwarderTo([server], { tryMs: 50, totalMs: 120 });
  holder.forwarder = forwarder;
  const answers = await Promise.all([forwarder.forward(query(), how), forwarder.forward(query(), how)]);
  assert.deepEqual(
    answers.map(({ rcode }) => rcode),
    [rcodes.SERVFAIL, rcodes.SERVFAIL],
  );
  assert.ok(server.asked <= 3, `asked ${server.asked} times`);
  assert.ok(forwarder.counts.coalesced >= 1);
});

test('beyond the limit of queries under way the answer is REFUSED', async () => {
  const server = await new FakeServer(() => undefined).start();
  const forwarder = forwarderTo([server], { maxConcurrent: 2, tryMs: 50, totalMs: 60 });
  const answers = await Promise.all(['a', 'b', 'c'].map((name) => forwarder.forward(query(name), how)));
  assert.deepEqual(
    answers.map(({ rcode }) => rcode),
    [rcodes.SERVFAIL, rcodes.SERVFAIL, rcodes.REFUSED],
  );
  assert.equal(forwarder.counts.rejects, 1);
});

test('a cut answer is asked again over TCP when UDP is preferred', async () => {
  const server = await new FakeServer((query, isTcp) =>
    isTcp ? addressAnswer(query, 5) : { ...emptyAnswer(query, 0), flags: headerFlags.QR | headerFlags.TC },
  ).start();
  assert.match(textOf(await forwarderTo([server], { preferUdp: true }).forward(query(), how)), /^NOERROR\n.*192\.0\.2\.5/);
  assert.match(textOf(await forwarderTo([server]).forward(query(), how)), /^NOERROR TC/);
});

test('our own address is left out, excepted names are refused, the longest zone decides', async () => {
  const server = await new FakeServer((query) => addressAnswer(query, 1)).start();
  assert.equal(
    (await forwarderTo([server], { isOwn: ({ port }) => port === server.to.port }).forward(query(), how)).rcode,
    rcodes.SERVFAIL,
  );
  const forwarder = forwarderTo([server], { except: ['corp.example'] });
  assert.equal((await forwarder.forward(query('a.corp.example'), how)).rcode, rcodes.REFUSED);
  const stub = forwarderTo([await new FakeServer((query) => addressAnswer(query, 2)).start()]);
  const zones = createZoneForwarder(
    new Map<string, Forwarder>([
      ['.', forwarder],
      ['corp.example', stub],
    ]),
  );
  assert.match(textOf(await zones.forward(query('a.CORP.example'), how)), /192\.0\.2\.2/);
  assert.match(textOf(await zones.forward(query('xcorp.example'), how)), /192\.0\.2\.1/);
});

test('the cache answers again with a smaller TTL, forgets in time, and keeps denials as their SOA says', async () => {
  let nowMs = 0;
  let asked = 0;
  const soa = { name: wireOf('example.com'), type: 6, class: 1, ttlSeconds: 20, data: bytesOf(`\0\0${'\0'.repeat(19)}\x0a`) };
  const upstream: Forwarder = {
    async forward(query) {
      asked++;
      return query.questions[0]?.name.startsWith('\x03www') === true
        ? addressAnswer(query, 1, 60)
        : { ...emptyAnswer(query, rcodes.NXDOMAIN), authorities: [soa] };
    },
    close: async () => undefined,
  };
  const cache = createCachingForwarder(upstream, { nowMs: () => nowMs });
  await cache.forward(query(), how);
  nowMs = 10_000;
  const hit = await cache.forward({ ...query('WWW.example.com'), id: 5 }, how);
  assert.equal(textOf(hit), 'NOERROR\nwww.example.com 50 A 192.0.2.1');
  assert.equal(hit.id, 5);
  assert.equal(hit.questions[0]?.name, wireOf('WWW.example.com'));
  assert.equal(asked, 1);
  nowMs = 60_000;
  await cache.forward(query(), how);
  assert.equal(asked, 2);
  await cache.forward(query('no.example.com'), how);
  nowMs += 9_000;
  await cache.forward(query('no.example.com'), how);
  assert.equal(asked, 3);
  nowMs += 1_000;
  await cache.forward(query('no.example.com'), how);
  assert.equal(asked, 4, 'the minimum field of the SOA record bounds it');
  assert.deepEqual(cache.counts.hits, { success: 1, denial: 1 });
});

test('the cache keeps nothing that is cut or refused, and a failure for 5 seconds', async () => {
  let nowMs = 0;
  let asked = 0;
  let make: (query: Message) => Message = failing(rcodes.REFUSED);
  const cache = createCachingForwarder(
    {
      async forward(query) {
        asked++;
        return make(query);
      },
      close: async () => undefined,
    },
    { nowMs: () => nowMs, staleSeconds: 3600, capacity: { success: 2, denial: 2 } },
  );
  const askTwice = async (name: string): Promise<number> => {
    asked = 0;
    await cache.forward(query(name), how);
    await cache.forward(query(name), how);
    return asked;
  };
  assert.equal(await askTwice('a'), 2);
  make = (query) => ({ ...addressAnswer(query, 1), flags: headerFlags.QR | headerFlags.TC });
  assert.equal(await askTwice('a'), 2);
  make = failing(rcodes.NXDOMAIN);
  assert.equal(await askTwice('a'), 2, 'a denial without SOA');
  make = failing(rcodes.SERVFAIL);
  assert.equal(await askTwice('a'), 1);
  nowMs = 5_000;
  assert.equal(await askTwice('a'), 1);
  make = (query) => addressAnswer(query, 1, 10);
  assert.equal(await askTwice('b'), 1);
  nowMs += 60_000;
  make = failing(rcodes.SERVFAIL);
  assert.match(textOf(await cache.forward(query('b'), how)), /^NOERROR\nb 30 A 192\.0\.2\.1$/, 'stale is better than nothing');
  for (const name of ['c', 'd', 'e']) {
    make = (query) => addressAnswer(query, 1, 100);
    await cache.forward(query(name), how);
  }
  assert.equal(cache.entries.success, 2);
});

test('addresses of a forwarded answer come in changing order, behind their aliases', () => {
  const message = query();
  const alias = { name: wireOf('www.example.com'), type: 5, class: 1, ttlSeconds: 5, data: bytesOf(wireOf('a.example.com')) };
  const addresses = [1, 2, 3].map((byte) => ({ ...alias, type: 1, data: Uint8Array.of(192, 0, 2, byte) }));
  const shuffle = createShuffle(() => 0.5);
  const orders = new Set<string>();
  for (let round = 0; round < 50; round++) {
    const { answers } = shuffleAddresses({ ...message, answers: [...addresses, alias] }, shuffle);
    assert.equal(answers[0]?.type, 5);
    orders.add(
      answers
        .slice(1)
        .map(({ data }) => data[3])
        .join(''),
    );
  }
  assert.equal(orders.size, 6);
});

test('chains that lead out are completed by the upstream, with its code and its denial', async () => {
  const index = sampleIndex();
  index.applyService(serviceOf('missing', { type: 'ExternalName', externalName: 'no.example.com' }));
  index.applyService(headlessOf('unrelated'));
  const soa = { name: wireOf('example.com'), type: 6, class: 1, ttlSeconds: 20, data: bytesOf(`\0\0${'\0'.repeat(20)}`) };
  const forwarder: Forwarder = {
    async forward(query) {
      if (query.questions[0]?.name === wireOf('www.example.com')) return addressAnswer(query, 1, 5);
      return { ...emptyAnswer(query, rcodes.NXDOMAIN), authorities: [soa] };
    },
    close: async () => undefined,
  };
  const handle = createQueryHandler(
    { responder: sampleResponder(index, { hasUpstream: true }), forwarder, permutation: unshuffled },
    { logger: silentLogger },
  );
  const ask = async (name: string): Promise<string> => {
    const packet = new Uint8Array(4096);
    const bytes = encodeMessage(query(name));
    packet.set(bytes);
    const answer = handle(packet, bytes.length, { address: '127.0.0.1', isTcp: false });
    const message = typeof answer === 'number' ? packet.slice(0, answer) : (await answer)[0];
    return textOf(decodeMessage(message ?? new Uint8Array(0)));
  };
  assert.equal(
    await ask('outside.default.svc.cluster.local'),
    'NOERROR\noutside.default.svc.cluster.local CNAME www.example.com\nwww.example.com A 192.0.2.1',
  );
  assert.match(
    await ask('missing.default.svc.cluster.local'),
    /^NXDOMAIN\nmissing\.default\.svc\.cluster\.local CNAME no\.example\.com\nauth: example\.com 20 SOA/,
  );
  assert.match(await ask('www.example.com'), /192\.0\.2\.1/);
  assert.match(await ask('web.default.svc.cluster.local'), /10\.96\.0\.5/);
});

test('an answer that is asked for often is asked for anew before its end, once, behind the client', async () => {
  let nowMs = 0;
  let asked = 0;
  const upstream: Forwarder = {
    forward: async (query) => {
      asked++;
      return addressAnswer(query, 1, 100);
    },
    close: async () => undefined,
  };
  const prefetch = { leastHits: 2, withinMs: 60_000, shareLeft: 0.2 };
  const cache = createCachingForwarder(upstream, { nowMs: () => nowMs, prefetch });
  await cache.forward(query(), how);
  nowMs = 85_000;
  await cache.forward(query(), how);
  assert.equal(asked, 1, 'one hit is not often');
  await cache.forward(query(), how);
  await cache.forward(query(), how);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(asked, 2);
  nowMs = 150_000;
  await cache.forward(query(), how);
  assert.equal(asked, 2, 'the new answer serves');
  assert.equal(cache.counts.prefetches, 1);
});

test('serve_stale immediate gives what is known at once, and an upstream that has died is not asked with every query', async () => {
  let nowMs = 0;
  let asked = 0;
  let isDead = false;
  const upstream: Forwarder = {
    forward: async (query) => {
      asked++;
      return isDead ? emptyAnswer(query, rcodes.SERVFAIL) : addressAnswer(query, 1, 10);
    },
    close: async () => undefined,
  };
  const cache = createCachingForwarder(upstream, { nowMs: () => nowMs, staleSeconds: 3_600, staleAtOnce: true });
  await cache.forward(query(), how);
  isDead = true;
  nowMs = 20_000;
  for (let count = 0; count < 5; count++) {
    assert.match(textOf(await cache.forward(query(), how)), /^NOERROR\nwww\.example\.com 30 A /);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(asked, 2);
  nowMs = 55_000;
  isDead = false;
  await cache.forward(query(), how);
  await new Promise((resolve) => setImmediate(resolve));
  assert.match(textOf(await cache.forward(query(), how)), / 10 A /);
  assert.equal(asked, 3);
  assert.equal(cache.counts.servedStale, 6);
});
