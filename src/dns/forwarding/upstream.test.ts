/** Servers elsewhere: which is asked, over what, and when one counts as down. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { mustEncodeName } from '../../names/index.ts';
import { silentLogger } from '../../observe/index.ts';
import { textOf } from './asking.ts';
import { FakeServer } from './fake-name-server.ts';
import { isServedAt, parseResolvConf } from './forward-chain.ts';
import { createForwarder, emptyAnswer } from './forward.ts';
import type { ForwardOptions, ServerForwarder } from './forward.ts';
import { queryMessage } from '../wire/message.ts';
import type { Message } from '../wire/message.ts';
import { headerFlags, rcodes } from '../wire/protocol.ts';

const query = (name = 'www.example.com'): Message => queryMessage(77, `${mustEncodeName(name)}\0`, 1, headerFlags.RD, 1232);
const how = { isTcp: false, maxBytes: 1232 };
const isProbe = (message: Message): boolean => message.questions[0]?.name === '\0';

function answerOf(query: Message, lastByte: number): Message {
  const name = query.questions[0]?.name ?? '\0';
  const record = { name, type: 1, class: 1, ttlSeconds: 60, data: Uint8Array.of(192, 0, 2, lastByte) };
  return { ...emptyAnswer(query, 0), answers: [record] };
}

function forwarderTo(servers: readonly FakeServer[], options: Partial<ForwardOptions> = {}): ServerForwarder {
  const forwarder = createForwarder(
    { upstreams: servers.map(({ to }) => to), tryMs: 500, totalMs: 5_000, probeEveryMs: 20, ...options },
    { logger: silentLogger },
  );
  after(() => forwarder.close());
  return forwarder;
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await condition())) {
    if (Date.now() > deadline) assert.fail('not in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const three = async (): Promise<FakeServer[]> =>
  Promise.all([1, 2, 3].map((byte) => new FakeServer((query) => answerOf(query, byte)).start()));

async function firstAsked(policy: NonNullable<ForwardOptions['policy']>, rounds: number): Promise<string[]> {
  const forwarder = forwarderTo(await three(), { policy });
  const texts: string[] = [];
  for (let round = 0; round < rounds; round++)
    texts.push(/192\.0\.2\.(\d)/.exec(textOf(await forwarder.forward(query(`${round}.example`), how)))?.[1] ?? '');
  return texts;
}

test('policy sequential asks the first server, round_robin each in turn, random any', async () => {
  assert.deepEqual(await firstAsked('sequential', 4), ['1', '1', '1', '1']);
  assert.deepEqual(await firstAsked('round_robin', 6), ['1', '2', '3', '1', '2', '3']);
  assert.deepEqual([...new Set(await firstAsked('random', 60))].sort(), ['1', '2', '3']);
});

test("the client's transport is used upstream, unless TCP is forced", async () => {
  const seen: boolean[] = [];
  const server = await new FakeServer((query, isTcp) => {
    if (!isProbe(query)) seen.push(isTcp);
    return answerOf(query, 1);
  }).start();
  const plain = forwarderTo([server]);
  await plain.forward(query(), how);
  await plain.forward(query(), { isTcp: true, maxBytes: 65_535 });
  await forwarderTo([server], { forceTcp: true }).forward(query(), how);
  await forwarderTo([server], { preferUdp: true }).forward(query(), { isTcp: true, maxBytes: 65_535 });
  assert.deepEqual(seen, [false, true, true, false]);
});

test('any answer to a probe ends an outage, SERVFAIL and REFUSED too', async () => {
  for (const rcode of [rcodes.SERVFAIL, rcodes.REFUSED, rcodes.NXDOMAIN]) {
    let isSilent = true;
    const server = await new FakeServer((query) => (isSilent ? undefined : emptyAnswer(query, rcode))).start();
    const forwarder = forwarderTo([server], { tryMs: 10, totalMs: 20, maxFails: 1 });
    const [upstream] = forwarder.upstreams;
    await until(async () => {
      await forwarder.forward(query(), how);
      return upstream?.isDown === true;
    });
    isSilent = false;
    await until(() => upstream?.isDown === false);
  }
});

test('a server at an address that no socket can be connected to is passed over, and counts as failed', async () => {
  const good = await new FakeServer((query) => answerOf(query, 2)).start();
  // the kernel forbids it (EACCES): nothing leaves
  const forwarder = createForwarder(
    { upstreams: [{ address: '255.255.255.255', port: 53 }, good.to], policy: 'sequential', maxFails: 1, probeEveryMs: 20 },
    { logger: silentLogger },
  );
  after(() => forwarder.close());
  for (let count = 0; count < 3; count++)
    assert.match(textOf(await forwarder.forward(query(`${count}.example`), how)), /192\.0\.2\.2/);
  assert.equal(forwarder.upstreams[0]?.isDown, true);
});

test('max_fails 0: a server is never down, however often it fails', async () => {
  const server = await new FakeServer(() => undefined).start();
  const forwarder = forwarderTo([server], { tryMs: 5, totalMs: 10, maxFails: 0 });
  for (let count = 0; count < 5; count++) await forwarder.forward(query(`${count}.example`), how);
  assert.equal(forwarder.upstreams[0]?.isDown, false);
});

test('when all servers are down one is tried all the same, and with failfast none', async () => {
  const server = await new FakeServer((query) => (isProbe(query) ? undefined : answerOf(query, 1))).start();
  const gone = await new FakeServer(() => undefined).start();
  gone.close();
  for (const failsFast of [false, true]) {
    // nothing answers at this port until all count as down
    const forwarder = forwarderTo([gone], { tryMs: 10, totalMs: 20, maxFails: 1, failsFast });
    await until(async () => {
      await forwarder.forward(query(), how);
      return forwarder.upstreams[0]?.isDown === true;
    });
    const broken = forwarder.counts.healthBroken;
    assert.equal((await forwarder.forward(query('again.example'), how)).rcode, rcodes.SERVFAIL);
    assert.equal(forwarder.counts.healthBroken, broken + 1);
  }
  assert.equal(server.asked, 0);
  const silentToProbes = forwarderTo([server], { maxFails: 1 });
  assert.match(textOf(await silentToProbes.forward(query(), how)), /192\.0\.2\.1/);
});

test('failover says which codes make us ask the next server; by default SERVFAIL and REFUSED do', async () => {
  const [sick, good] = await Promise.all([
    new FakeServer((query) => emptyAnswer(query, rcodes.NXDOMAIN)).start(),
    new FakeServer((query) => answerOf(query, 2)).start(),
  ]);
  const ask = async (failover?: readonly number[]): Promise<number> =>
    (
      await forwarderTo([sick, good], { policy: 'sequential', ...(failover === undefined ? {} : { failover }) }).forward(
        query(),
        how,
      )
    ).rcode;
  assert.equal(await ask(), rcodes.NXDOMAIN);
  assert.equal(await ask([rcodes.NXDOMAIN]), rcodes.NOERROR);
});

test('a socket is used again, and no longer than its time', async () => {
  const server = await new FakeServer((query) => answerOf(query, 1)).start();
  const forwarder = forwarderTo([server], { lineAgeMs: 1_000 });
  const counts = () => forwarder.upstreams[0]?.counts ?? assert.fail('no upstream');
  for (let count = 0; count < 3; count++) await forwarder.forward(query(`${count}.example`), how);
  assert.deepEqual([counts().lineHits.udp, counts().lineMisses.udp], [2, 1]);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await forwarder.forward(query('late.example'), how);
  assert.equal(counts().lineMisses.udp, 2);
  assert.equal([...counts().durations.keys()].join(), String(rcodes.NOERROR));
});

test('ids of queries under way are drawn anew, so that answers are hard to forge', async () => {
  const ids = new Set<number>();
  const server = await new FakeServer((query) => {
    ids.add(query.id);
    return answerOf(query, 1);
  }).start();
  const forwarder = forwarderTo([server]);
  for (let count = 0; count < 50; count++) await forwarder.forward(query(`${count}.example`), how);
  assert.ok(ids.size > 45 && !ids.has(77), `${ids.size} ids`);
});

test('a query of our own that comes back is SERVFAIL at once, said once, and the next server is asked', async () => {
  const holder: { forwarder?: ServerForwarder } = {};
  const warnings: string[] = [];
  // as the kernel would bring it: the very bytes that were sent, to our own socket
  const mirror = await new FakeServer((query) => {
    if (isProbe(query)) return emptyAnswer(query, 0);
    void holder.forwarder?.forward(query, how).then((answer) => returned.push(answer.rcode));
    return emptyAnswer(query, rcodes.SERVFAIL);
  }).start();
  const returned: number[] = [];
  const good = await new FakeServer((query) => answerOf(query, 2)).start();
  const forwarder = createForwarder(
    { upstreams: [mirror.to, good.to], policy: 'sequential' },
    { logger: { ...silentLogger, warn: (_, message) => void warnings.push(message) } },
  );
  after(() => forwarder.close());
  holder.forwarder = forwarder;
  for (const name of ['a.example', 'b.example']) assert.match(textOf(await forwarder.forward(query(name), how)), /192\.0\.2\.2/);
  assert.deepEqual(returned, [rcodes.SERVFAIL, rcodes.SERVFAIL]);
  assert.equal(forwarder.counts.loops, 2);
  assert.deepEqual(warnings, ['this server asks itself: what is sent to the upstream comes back here']);
});

test('a resolv.conf gives three servers at most and its last search path', () => {
  const text = `# comment
nameserver 192.0.2.1
nameserver 2001:db8::1 ; why
nameserver dns.example
 nameserver 192.0.2.3
nameserver 192.0.2.4
domain old.example
search corp.example lab.example # ours
options ndots:5
`;
  assert.deepEqual(parseResolvConf(text), {
    servers: ['192.0.2.1', '2001:db8::1', '192.0.2.3'].map((address) => ({ address, port: 53 })),
    search: ['corp.example', 'lab.example'],
  });
  assert.deepEqual(parseResolvConf('search .\n'), { servers: [], search: [] });
});

test('a server that listens everywhere is itself at every address of this machine and at all of loopback', () => {
  const cases: readonly (readonly [listen: string | readonly string[], to: string, port: number, want: boolean])[] = [
    ['0.0.0.0', '127.0.0.53', 53, true],
    ['0.0.0.0', '127.0.0.1', 5353, false],
    ['0.0.0.0', '192.0.2.1', 53, false],
    ['0.0.0.0', '::1', 53, false],
    [['0.0.0.0', '::'], '::1', 53, true],
    ['127.0.0.1', '127.0.0.53', 53, false],
    ['127.0.0.1', '127.0.0.1', 53, true],
    ['2001:db8::1', '2001:db8:0:0::1', 53, true],
  ];
  for (const [address, to, port, want] of cases)
    assert.equal(isServedAt({ address, port: 53 }, { address: to, port }), want, `${String(address)} asks ${to}:${port}`);
  assert.equal(isServedAt({ udpFds: [], tcpFds: [] }, { address: '127.0.0.1', port: 53 }), false);
});
