import { test } from 'node:test';
import assert from 'node:assert/strict';
import { answerDatagram, answerHttp, looksLikeHttp, plainAddress } from './echo-answers.ts';

const identity = { pod: 'web-0', namespace: 'ns', node: 'node-1', hostname: 'web-0', podIPs: ['10.244.1.2'] };
const client = { address: '10.0.9.5', port: 4242 };
const ask = (target: string, accept = '*/*'): ReturnType<typeof answerHttp> =>
  answerHttp(identity, { method: 'GET', target, accept, host: 'my-service', client, localPort: 80 });

test('any path tells who answered, where, and whom it saw', () => {
  assert.equal(ask('/').body, 'pod web-0 node node-1 client 10.0.9.5\n');
  assert.equal(ask('/a/b?c').body, 'pod web-0 node node-1 client 10.0.9.5\n');
});

test('JSON is given to those who ask for it', () => {
  const reply = ask('/x', 'application/json');
  const body: unknown = JSON.parse(reply.body);
  assert.equal(reply.contentType, 'application/json');
  assert.deepEqual(body, {
    ...identity,
    client: '10.0.9.5',
    clientPort: 4242,
    port: 80,
    method: 'GET',
    path: '/x',
    host: 'my-service',
  });
});

test('the test image paths are understood', () => {
  assert.equal(ask('/hostname').body, 'web-0');
  assert.equal(ask('/hostName').body, 'web-0');
  assert.equal(ask('/clientip').body, '10.0.9.5:4242');
  assert.equal(ask('/echo?msg=hi%20there').body, 'hi there');
  assert.equal(ask('/healthz').status, 200);
  assert.equal(ask('/echo?msg=no&code=503').status, 503);
  assert.equal(ask('/redirect?location=/hostname&code=301').headers?.['location'], '/hostname');
});

test('a path that is no URL by itself is a path like any other', () => {
  for (const target of ['//', '//[', '//host:port/x', '/[', '/%', '*', 'http://'])
    assert.equal(ask(target).body, 'pod web-0 node node-1 client 10.0.9.5\n', target);
  assert.equal(ask('//hostname').body, 'pod web-0 node node-1 client 10.0.9.5\n');
});

test('a redirection leads to what a header can hold', () => {
  const locationOf = (asked: string): string | undefined => ask(`/redirect?location=${asked}`).headers?.['location'];
  assert.equal(locationOf('%0d%0aX-Evil:%201'), '%0D%0AX-Evil:%201');
  assert.equal(locationOf('/%E2%82%AC%20%25'), '/%E2%82%AC%20%');
  assert.equal(locationOf('%ff'), '%EF%BF%BD');
});

test('datagrams are commands', () => {
  assert.equal(answerDatagram(identity, 'hostname\n', client), 'web-0');
  assert.equal(answerDatagram(identity, 'hostName', client), 'web-0');
  assert.equal(answerDatagram(identity, 'clientip', { address: 'fd00::1', port: 7 }), '[fd00::1]:7');
  assert.equal(answerDatagram(identity, 'echo a b', client), 'a b');
  assert.equal(answerDatagram(identity, '', client), 'pod web-0 node node-1 client 10.0.9.5\n');
});

test('HTTP is told apart by its first bytes', () => {
  assert.equal(looksLikeHttp('GET / HTTP/1.1'), 'yes');
  assert.equal(looksLikeHttp('PO'), 'maybe');
  assert.equal(looksLikeHttp('hello'), 'no');
  assert.equal(looksLikeHttp(''), 'maybe');
});

test('mapped addresses are shown plainly', () => {
  assert.equal(plainAddress('::ffff:10.0.0.1'), '10.0.0.1');
  assert.equal(plainAddress('fd00::1'), 'fd00::1');
});
