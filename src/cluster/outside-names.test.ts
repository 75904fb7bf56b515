import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessage, encodeMessage, headerFlags, queryMessage, rcodes } from '../dns/index.ts';
import type { Message } from '../dns/index.ts';
import { mustEncodeName, rrTypes } from '../names/index.ts';
import { silentLogger } from '../observe/index.ts';
import { createOutsideForwarder, ForwardAddressError, outsideResolvConf, parseForward } from './outside-names.ts';

const addresses = ['10.0.9.1', 'fd00:0:0:1::9:1'];
const forwarder = createOutsideForwarder({ addresses, upstreams: [] }, { logger: silentLogger });

async function ask(name: string, type: number): Promise<Message> {
  const query = queryMessage(1, `${mustEncodeName(name)}\0`, type, headerFlags.RD);
  // through the wire, so that what is made by hand is a message
  return decodeMessage(encodeMessage(await forwarder.forward(query, { isTcp: false, maxBytes: 1232 })));
}

for (const name of ['www.outside.example', 'Echo.Outside.Example', 'thisis.externalname.com']) {
  test(`${name} leads to outside, in both families`, async () => {
    const [v4, v6] = await Promise.all([ask(name, rrTypes.A), ask(name, rrTypes.AAAA)]);
    assert.deepEqual([...(v4.answers[0]?.data ?? [])], [10, 0, 9, 1]);
    assert.equal(v6.answers[0]?.data.length, 16);
  });
}

test('what is not in the zone does not exist, and says for how long that may be believed', async () => {
  const answer = await ask('nothing.outside.example', rrTypes.A);
  assert.equal(answer.rcode, rcodes.NXDOMAIN);
  assert.deepEqual(
    answer.authorities.map(({ type, ttlSeconds }) => ({ type, ttlSeconds })),
    [{ type: rrTypes.SOA, ttlSeconds: 30 }],
  );
});

test('without --forward the lab is the whole world', async () => {
  assert.equal((await ask('www.example.com', rrTypes.A)).rcode, rcodes.NXDOMAIN);
});

test('--forward takes addresses with and without a port, and nothing else', () => {
  assert.deepEqual(parseForward('192.0.2.1'), { address: '192.0.2.1', port: 53 });
  assert.deepEqual(parseForward('127.0.0.1:5353'), { address: '127.0.0.1', port: 5353 });
  assert.deepEqual(parseForward('2001:db8::1'), { address: '2001:db8::1', port: 53 });
  assert.deepEqual(parseForward('[2001:db8::1]:5353'), { address: '2001:db8::1', port: 5353 });
  for (const text of ['dns.example', '192.0.2.1:0', '', '192.0.2.1:x'])
    assert.throws(() => parseForward(text), ForwardAddressError);
});

test('outside asks itself, at its first address of each family', () => {
  assert.equal(
    outsideResolvConf({ addresses: ['10.0.9.1', '10.0.9.2', 'fd00::1', 'fd00::2'] }),
    'nameserver 10.0.9.1\nnameserver fd00::1\n',
  );
});
