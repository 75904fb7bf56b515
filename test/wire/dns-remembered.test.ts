import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import { AnswerMemory, createCachingForwarder, createDnsMetrics, startDnsServer } from '../../src/dns/index.ts';
import type { DnsMetrics, DnsServer, Message } from '../../src/dns/index.ts';
import { namespaceOf } from '../../src/names/sample-objects.ts';
import { silentLogger } from '../../src/observe/index.ts';
import { dig, digSkip, handInformers, headerOf } from './dns-harness.ts';

const skip = process.platform === 'linux' ? digSkip : 'needs Linux';
let server: DnsServer;
let metrics: DnsMetrics;
let at = { address: '127.0.0.1', port: 0 };
/** Names that the upstream was asked for. */
const asked: string[] = [];

before(async () => {
  if (skip !== false) return;
  const upstream = {
    forward: async (query: Message): Promise<Message> => {
      const [question] = query.questions;
      asked.push(question?.name ?? '');
      const record = { name: question?.name ?? '', type: 1, class: 1, ttlSeconds: 300 };
      const answers = [1, 2].map((last) => ({ ...record, data: Uint8Array.of(192, 0, 2, last) }));
      return { ...query, flags: (query.flags & ~0x20) | 0x8080, answers };
    },
    close: async () => undefined,
  };
  const sharedAnswers = new AnswerMemory();
  const cache = createCachingForwarder(upstream, { nowMs: () => performance.now(), shared: sharedAnswers });
  metrics = createDnsMetrics({ server: 'dns://:53', zone: 'cluster.local', cache, nowSeconds: () => performance.now() / 1000 });
  const informers = handInformers();
  informers.namespaces.apply(namespaceOf('default'));
  for (const informer of Object.values(informers)) informer.finishSync();
  server = await startDnsServer(
    { source: { informers }, listen: at, udpWorkers: 2, forwarder: cache, sharedAnswers, observer: metrics },
    { logger: silentLogger },
  );
  await server.ready;
  at = server.addresses[0] ?? at;
});

after(async () => {
  if (skip === false) await server.close();
});

test(
  'a remembered name is answered by any thread, in the letter case of the query, younger each time, and counted as a hit',
  { skip },
  async () => {
    const first = await dig(at, 'www.example.com');
    assert.match(first, /www\.example\.com\.\s+300\s+IN\s+A\s+192\.0\.2\.1/);
    await sleep(1_100);
    for (let index = 0; index < 8; index++) {
      const again = await dig(at, 'WWW.Example.COM');
      assert.match(headerOf(again), /^NOERROR qr rd ra$/);
      assert.match(again, /WWW\.Example\.COM\.\s+29[0-9]\s+IN\s+A\s+192\.0\.2\.1/);
      assert.match(again, /WWW\.Example\.COM\.\s+29[0-9]\s+IN\s+A\s+192\.0\.2\.2/);
    }
    assert.equal(asked.length, 1);
    assert.match(metrics.render(), /coredns_cache_hits_total\{[^}]*type="success"\} 8\n/);
    assert.match(metrics.render(), /coredns_dns_requests_total\{[^}]*zone="\.",view="",proto="udp",family="1",type="A"\} 9\n/);
  },
);

test('over TCP, and with DNSSEC OK, the same name is another question of the main thread', { skip }, async () => {
  await dig(at, '+tcp', 'www.example.com');
  assert.equal(asked.length, 1);
  await dig(at, '+dnssec', 'www.example.com');
  assert.equal(asked.length, 2);
});
