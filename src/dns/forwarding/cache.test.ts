/** What is kept of forwarded answers, under which key and for how long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mustEncodeName } from '../../names/index.ts';
import { createCachingForwarder } from './cache.ts';
import type { CacheOptions } from './cache.ts';
import { emptyAnswer } from './forward.ts';
import { bytesOf, queryMessage } from '../wire/message.ts';
import type { Message, ResourceRecord } from '../wire/message.ts';
import { headerFlags, rcodes } from '../wire/protocol.ts';

const how = { isTcp: false, maxBytes: 1232 };
const wireOf = (name: string): string => `${mustEncodeName(name)}\0`;
const query = (name = 'www.example.com', type = 1, flags: number = headerFlags.RD): Message =>
  queryMessage(7, wireOf(name), type, flags, 1232);
const address = (ttlSeconds: number, type = 1): ResourceRecord => ({
  name: wireOf('www.example.com'),
  type,
  class: 1,
  ttlSeconds,
  data: Uint8Array.of(192, 0, 2, 1),
});
const soa = (ttlSeconds: number, minimum: number): ResourceRecord => ({
  name: wireOf('example.com'),
  type: 6,
  class: 1,
  ttlSeconds,
  data: bytesOf(`\0\0${'\0'.repeat(16)}${String.fromCharCode(0, 0, minimum >> 8, minimum & 255)}`),
});

/** A cache before an upstream that answers like this, its clock, and how often it was asked. */
function cacheOf(answer: Partial<Message>, options: Partial<CacheOptions> = {}) {
  const state = { nowMs: 0, asked: 0, answer };
  const cache = createCachingForwarder(
    {
      forward: async (query) => {
        state.asked++;
        return { ...emptyAnswer(query, 0), ...state.answer };
      },
      close: async () => undefined,
    },
    { nowMs: () => state.nowMs, ...options },
  );
  return { cache, state, ask: (question = query()) => cache.forward(question, how) };
}

/** For how many seconds an answer is kept: 0, or up to `most`. */
async function lifeOf(answer: Partial<Message>, options: Partial<CacheOptions> = {}, most = 5_000): Promise<number> {
  const { state, ask } = cacheOf(answer, options);
  await ask();
  for (let seconds = 0; seconds <= most; seconds++) {
    state.nowMs = seconds * 1000;
    await ask();
    if (state.asked > 1) return seconds;
  }
  return Number.POSITIVE_INFINITY;
}

const positive = (...ttls: readonly number[]): Partial<Message> => ({ answers: ttls.map((ttl) => address(ttl)) });
const nxdomain = (ttl: number, minimum: number): Partial<Message> => ({
  rcode: rcodes.NXDOMAIN,
  authorities: [soa(ttl, minimum)],
});

const lives: readonly (readonly [rule: string, answer: Partial<Message>, seconds: number, options?: Partial<CacheOptions>])[] = [
  ['an answer lives as long as it says', positive(60), 60],
  ['as long as its shortest record', positive(60, 20), 20],
  ['records beside it count too', { ...positive(60), additionals: [address(9)] }, 9],
  ['but 5 seconds at least', positive(0), 5],
  ['and an hour at most', positive(86_400), 3_600],
  ['or as long as is configured', positive(60), 30, { maxPositiveSeconds: 30 }],
  ['from as much as is configured', positive(1), 3, { minPositiveSeconds: 3 }],
  ['a denial lives as long as the SOA record', nxdomain(20, 100), 20],
  ['or as its minimum field', nxdomain(100, 20), 20],
  ['half an hour at most', nxdomain(9_000, 9_000), 1_800],
  ['or as long as is configured, too', nxdomain(60, 60), 10, { maxNegativeSeconds: 10 }],
  ['a denial of a type lives like one of a name', { authorities: [soa(20, 20)] }, 20],
  ['a denial without SOA is not kept', { rcode: rcodes.NXDOMAIN }, 0],
  ['an alias that leads nowhere, without SOA, is not kept', { answers: [address(60, 5)] }, 0],
  ['a failure is kept for 5 seconds', { rcode: rcodes.SERVFAIL }, 5],
  ['so is NOTIMP', { rcode: rcodes.NOTIMP }, 5],
  ['or for as long as is configured', { rcode: rcodes.SERVFAIL }, 2, { failureSeconds: 2 }],
  ['or not at all', { rcode: rcodes.SERVFAIL }, 0, { failureSeconds: 0 }],
  ['REFUSED is not kept', { rcode: rcodes.REFUSED }, 0],
  ['FORMERR is not kept', { rcode: rcodes.FORMERR }, 0],
  ['a cut answer is not kept', { ...positive(60), flags: headerFlags.QR | headerFlags.TC }, 0],
  ['nothing is kept of a zone where that is disabled', positive(60), 0, { disabled: { success: ['example.com'], denial: [] } }],
  ['denials are kept there all the same', nxdomain(20, 20), 20, { disabled: { success: ['example.com'], denial: [] } }],
  ['unless they are disabled', nxdomain(20, 20), 0, { disabled: { success: [], denial: ['.'] } }],
  ['a zone beside it is not meant', positive(60), 60, { disabled: { success: ['ample.com'], denial: [] } }],
];

for (const [rule, answer, seconds, options] of lives) {
  test(`cache: ${rule}`, async () => assert.equal(await lifeOf(answer, options), seconds));
}

test('an answer to another question is not kept, and counted', async () => {
  const { ask, cache } = cacheOf({ ...positive(60), questions: query('evil.example').questions });
  await ask();
  await ask();
  assert.deepEqual([cache.counts.misses, cache.counts.drops], [2, 2]);
});

test('name in any case, type, class, DO and CD make the key, and nothing else does', async () => {
  const { ask, state } = cacheOf(positive(60));
  const edns = { udpBytes: 1232, version: 0, isDnssecOk: true };
  const [question] = query().questions;
  assert.ok(question !== undefined);
  const apart: readonly Message[] = [
    query(),
    query('web.example.com'),
    { ...query(), questions: [{ ...question, class: 3 }] },
    { ...query(), edns },
    query('www.example.com', 1, headerFlags.RD | headerFlags.CD),
  ];
  for (const one of apart) await ask(one);
  assert.equal(state.asked, apart.length);
  for (const same of [query('WWW.Example.com'), query('www.example.com', 1, 0), { ...query(), id: 9 }]) await ask(same);
  await ask({ ...query(), edns: { ...edns, isDnssecOk: false } });
  assert.equal(state.asked, apart.length);
});

test('a hit says how long it has to live, or with keepttl what it came with', async () => {
  for (const [keepsTtl, want] of [
    [false, 40],
    [true, 60],
  ] as const) {
    const { ask, state } = cacheOf(positive(60), { keepsTtl });
    await ask();
    state.nowMs = 20_000;
    assert.equal((await ask()).answers[0]?.ttlSeconds, want);
  }
});

test('what is known anew replaces what was known, of the other kind too; a failure replaces nothing', async () => {
  const { ask, state } = cacheOf(positive(10), { staleSeconds: 3_600 });
  await ask();
  state.nowMs = 20_000;
  state.answer = { rcode: rcodes.SERVFAIL };
  assert.equal((await ask()).rcode, rcodes.NOERROR, 'stale, but better than nothing');
  state.nowMs = 30_000;
  state.answer = nxdomain(10, 10);
  assert.equal((await ask()).rcode, rcodes.NXDOMAIN);
  state.nowMs = 50_000;
  state.answer = { rcode: rcodes.SERVFAIL };
  assert.equal((await ask()).rcode, rcodes.NXDOMAIN, 'the denial is what was known last');
  state.nowMs = 60_000;
  state.answer = positive(10);
  assert.equal((await ask()).rcode, rcodes.NOERROR, 'a stale denial does not stay');
});

test('of two stores each has its own room, and the oldest goes first', async () => {
  const { ask, cache, state } = cacheOf(positive(60), { capacity: { success: 2, denial: 1 } });
  for (const name of ['a', 'b', 'c']) await ask(query(name));
  state.answer = nxdomain(60, 60);
  for (const name of ['d', 'e']) await ask(query(name));
  assert.deepEqual(cache.entries, { success: 2, denial: 1 });
  assert.deepEqual(cache.counts.evictions, { success: 1, denial: 1 });
  const { asked } = state;
  await ask(query('c'));
  assert.equal(state.asked, asked);
  await ask(query('a'));
  assert.equal(state.asked, asked + 1);
});
