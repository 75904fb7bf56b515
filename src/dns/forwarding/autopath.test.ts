import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatName, mustEncodeName } from '../../names/index.ts';
import { namespaceOf, podOf, sampleIndex } from '../../names/sample-objects.ts';
import { silentLogger } from '../../observe/index.ts';
import { sampleResponder, textOf } from './asking.ts';
import { namesAfter } from './autopath.ts';
import { emptyAnswer } from './forward.ts';
import { bytesOf, decodeMessage, encodeMessage, queryMessage } from '../wire/message.ts';
import type { Message } from '../wire/message.ts';
import { headerFlags, rcodes, typeNumber } from '../wire/protocol.ts';
import { createQueryHandler } from '../query-handler.ts';
import type { Forwarder } from '../query-handler.ts';
import { unshuffled } from '../answers/shuffle.ts';

const wireOf = (name: string): string => `${mustEncodeName(name)}\0`;
const podAddress = '10.244.1.65';
const podAddressV6 = 'fd00:10::41';
const soaOf = (zone: string) => ({
  name: wireOf(zone),
  type: 6,
  class: 1,
  ttlSeconds: 20,
  data: bytesOf(`\0\0${'\0'.repeat(20)}`),
});

/** `www.example.com` has an address, `v4.example.com` too, `broken.example.com` fails; the node's suffix `corp.example` has `intra`. */
const world: Forwarder = {
  async forward(query) {
    const [question] = query.questions;
    const name = question?.name ?? '';
    if (name === wireOf('broken.example.com')) return emptyAnswer(query, rcodes.SERVFAIL);
    const isKnown = ['www.example.com', 'intra.corp.example'].some((known) => name.toLowerCase() === wireOf(known));
    if (!isKnown) return { ...emptyAnswer(query, rcodes.NXDOMAIN), authorities: [soaOf('.')] };
    if (question?.type !== 1) return { ...emptyAnswer(query, rcodes.NOERROR), authorities: [soaOf('example.com')] };
    const record = { name, type: 1, class: 1, ttlSeconds: 60, data: Uint8Array.of(192, 0, 2, 1) };
    return { ...emptyAnswer(query, rcodes.NOERROR), answers: [record] };
  },
  close: async () => undefined,
};

function clusterOf(isSynced = true) {
  const index = sampleIndex({ podMode: 'verified' });
  index.applyNamespace(namespaceOf('other'));
  index.applyPod(podOf('client', podAddress, podAddressV6));
  const counts = { completed: 0, asked: [] as string[] };
  const forwarder: Forwarder = {
    ...world,
    forward(query, how) {
      counts.asked.push(query.questions[0]?.name ?? '');
      return world.forward(query, how);
    },
  };
  const handle = createQueryHandler(
    {
      responder: sampleResponder(index, { hasUpstream: true, completesSearch: true, isSynced: () => isSynced }),
      forwarder,
      autopath: { search: ['corp.example'] },
      zoneWire: index.zoneWire,
      permutation: unshuffled,
      observer: {
        now: () => 0,
        answered: () => undefined,
        failed: () => undefined,
        searchCompleted: () => void counts.completed++,
      },
    },
    { logger: silentLogger },
  );
  const ask = async (
    name: string,
    type = 'A',
    address = podAddress,
    asking: { readonly isTcp?: boolean; readonly udpBytes?: number } = {},
  ): Promise<Message> => {
    const packet = new Uint8Array(4096);
    const bytes = encodeMessage(queryMessage(3, wireOf(name), typeNumber(type) ?? 0, headerFlags.RD, asking.udpBytes));
    packet.set(bytes);
    const answer = handle(packet, bytes.length, { address, isTcp: asking.isTcp ?? false });
    return decodeMessage(typeof answer === 'number' ? packet.slice(0, answer) : ((await answer)[0] ?? new Uint8Array(0)));
  };
  return { ask, counts, index };
}

const nxdomain = 'NXDOMAIN\nauth: cluster.local SOA ns.dns.cluster.local hostmaster.cluster.local 1000 7200 1800 86400 5';

const cases: readonly (readonly [rule: string, name: string, type: string, want: string])[] = [
  [
    'a name of elsewhere is found at once, with an alias before it that lives as long',
    'www.example.com.default.svc.cluster.local',
    'A',
    'NOERROR\nwww.example.com.default.svc.cluster.local 60 CNAME www.example.com\nwww.example.com 60 A 192.0.2.1',
  ],
  [
    'web.default is found below svc.cluster.local',
    'web.default.default.svc.cluster.local',
    'A',
    'NOERROR\nweb.default.default.svc.cluster.local CNAME web.default.svc.cluster.local\nweb.default.svc.cluster.local A 10.96.0.5',
  ],
  [
    'a name without the asked type ends the walk: NODATA of what was found',
    'web.default.default.svc.cluster.local',
    'AAAA',
    'NOERROR\nweb.default.default.svc.cluster.local CNAME web.default.svc.cluster.local\nauth: cluster.local SOA ns.dns.cluster.local hostmaster.cluster.local 1000 7200 1800 86400 5',
  ],
  [
    'also when it is of elsewhere, with the denial of its zone',
    'www.example.com.default.svc.cluster.local',
    'AAAA',
    'NOERROR\nwww.example.com.default.svc.cluster.local 20 CNAME www.example.com\nauth: example.com 20 SOA   0 0 0 0 0',
  ],
  [
    'a suffix of the node comes before the bare name',
    'intra.default.svc.cluster.local',
    'A',
    'NOERROR\nintra.default.svc.cluster.local 60 CNAME intra.corp.example\nintra.corp.example 60 A 192.0.2.1',
  ],
  [
    'an alias that leads out is followed on the way',
    'outside.default.default.svc.cluster.local',
    'A',
    'NOERROR\noutside.default.default.svc.cluster.local CNAME outside.default.svc.cluster.local\noutside.default.svc.cluster.local CNAME www.example.com\nwww.example.com 60 A 192.0.2.1',
  ],
  ['a name that is nowhere is missing where it was asked for', 'nowhere.example.com.default.svc.cluster.local', 'A', nxdomain],
  ['a name that fails elsewhere is left to the client', 'broken.example.com.default.svc.cluster.local', 'A', nxdomain],
  ['only addresses are searched for', 'www.example.com.default.svc.cluster.local', 'MX', nxdomain],
  ['a name below the second suffix is not', 'www.example.com.svc.cluster.local', 'A', nxdomain],
  ['nor one of a namespace that the client is not in', 'www.example.com.other.svc.cluster.local', 'A', nxdomain],
  [
    'a name that exists where it was asked for is answered there',
    'web.default.svc.cluster.local',
    'A',
    'NOERROR\nweb.default.svc.cluster.local A 10.96.0.5',
  ],
  [
    "the client's letters stay in the question, the alias and the rest of the name",
    'WWW.example.com.DEFAULT.svc.Cluster.local',
    'A',
    'NOERROR\nWWW.example.com.DEFAULT.svc.Cluster.local 60 CNAME WWW.example.com\nWWW.example.com 60 A 192.0.2.1',
  ],
];

for (const [rule, name, type, want] of cases) {
  test(`autopath: ${rule} (${name} ${type})`, async () => {
    const answer = await clusterOf().ask(name, type);
    assert.equal(textOf(answer), want);
    assert.equal(answer.questions[0]?.name, wireOf(name));
    assert.equal(answer.id, 3);
  });
}

test('autopath is for live pods of the namespace alone, of either family', async () => {
  const name = 'www.example.com.default.svc.cluster.local';
  const { ask, counts, index } = clusterOf();
  const found = async (address: string): Promise<boolean> => (await ask(name, 'A', address)).rcode === rcodes.NOERROR;
  assert.equal(await found(podAddress), true);
  assert.equal(await found(podAddressV6), true);
  assert.equal(await found('::ffff:192.0.2.9'), false);
  assert.equal(await found('10.244.1.66'), false);
  assert.equal(counts.completed, 2);
  const pod = podOf('client', podAddress, podAddressV6);
  index.applyPod({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
  assert.equal(await found(podAddress), false, 'its address may soon be that of another');
  index.applyPod({ ...podOf('other/next', podAddress) });
  assert.equal(await found(podAddress), false, 'an address that a pod of another namespace has now');
  assert.equal((await ask('www.example.com.other.svc.cluster.local')).rcode, rcodes.NOERROR);
});

test('before the objects are here nothing is searched: a missing name is SERVFAIL as ever', async () => {
  const { ask, counts } = clusterOf(false);
  assert.equal((await ask('www.example.com.default.svc.cluster.local')).rcode, rcodes.SERVFAIL);
  assert.deepEqual(counts.asked, []);
});

test('a completed answer obeys the size that the client takes, and has EDNS iff the query had', async () => {
  const { ask } = clusterOf();
  const name = 'db.default.default.svc.cluster.local';
  assert.equal((await ask(name)).edns, undefined);
  assert.deepEqual((await ask(name, 'A', podAddress, { udpBytes: 4096 })).edns, {
    udpBytes: 1232,
    version: 0,
    isDnssecOk: false,
  });
  assert.deepEqual((await ask(name, 'A', podAddress, { udpBytes: 4096, isTcp: true })).edns, {
    udpBytes: 4096,
    version: 0,
    isDnssecOk: false,
  });
});

test('the names of a walk are those that a resolver would ask for, and none that is too long', () => {
  const text = (name: string): string[] =>
    namesAfter(wireOf(name), mustEncodeName('cluster.local'), ['corp.example']).map(formatName);
  assert.deepEqual(text('a.b.default.svc.Cluster.local'), [
    'a.b.svc.Cluster.local',
    'a.b.Cluster.local',
    'a.b.corp.example',
    'a.b',
  ]);
  const long = `${'x'.repeat(60)}.${'x'.repeat(60)}.${'x'.repeat(60)}.${'x'.repeat(40)}`;
  for (const name of namesAfter(wireOf(`${long}.d.svc.c.l`), mustEncodeName('c.l'), ['a-long-suffix.of-the-node.example']))
    assert.ok(name.length <= 255);
});
