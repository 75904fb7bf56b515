import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPlace, parsePlace, parseTarget } from './question.ts';

test('what a person would type is understood', () => {
  const table = [
    ['my-service', { kind: 'name', name: 'my-service', protocol: 'TCP' }],
    ['my-service.ns:80', { kind: 'name', name: 'my-service.ns', port: 80, protocol: 'TCP' }],
    ['my-service:http', { kind: 'name', name: 'my-service', portName: 'http', protocol: 'TCP' }],
    ['http://my-service/path?q', { kind: 'name', name: 'my-service', port: 80, protocol: 'TCP' }],
    ['https://user@my-service:8443', { kind: 'name', name: 'my-service', port: 8443, protocol: 'TCP' }],
    ['10.96.0.10:53/udp', { kind: 'address', address: '10.96.0.10', port: 53, protocol: 'UDP' }],
    ['[FD00::1]:80', { kind: 'address', address: 'fd00::1', port: 80, protocol: 'TCP' }],
    ['fd00::1', { kind: 'address', address: 'fd00::1', protocol: 'TCP' }],
    ['node/node-1:30080', { kind: 'node', node: 'node-1', port: 30080, protocol: 'TCP' }],
    ['node/node-1:30080/udp', { kind: 'node', node: 'node-1', port: 30080, protocol: 'UDP' }],
    ['www.example.com.', { kind: 'name', name: 'www.example.com.', protocol: 'TCP' }],
  ] as const;
  for (const [text, want] of table) assert.deepEqual(parseTarget(text), want, text);
});

test('what cannot be understood says what to write', () => {
  for (const text of ['', ':80', 'a:', 'a:99999', 'ftp://x', 'a b', 'http:///x', '10.0.0.1:0']) {
    assert.throws(() => parseTarget(text), { message: /is no target: .*write for example/ }, text);
  }
});

test('names are as long as DNS allows, and no longer', () => {
  const label = 'a'.repeat(63);
  const longest = [label, label, label, 'b'.repeat(61)].join('.');
  for (const text of [label, longest, `${longest}.`]) assert.equal(parseTarget(text).kind, 'name', text);
  for (const text of [`${label}a`, `${longest}c`, `x.${label}a.ns:80`])
    assert.throws(() => parseTarget(text), { message: /is no target: a name has at most 253 characters, and at most 63 / }, text);
});

test('places are pods, nodes and outside', () => {
  assert.deepEqual(parsePlace('pod/a'), { kind: 'pod', name: 'a' });
  assert.deepEqual(parsePlace('pod/ns/a'), { kind: 'pod', namespace: 'ns', name: 'a' });
  assert.deepEqual(parsePlace('node/node-1'), { kind: 'node', name: 'node-1' });
  assert.deepEqual(parsePlace('outside'), { kind: 'outside' });
  assert.deepEqual(parsePlace('outside/FD00::1'), { kind: 'outside', address: 'fd00::1' });
  for (const text of ['', 'a', 'pod/', 'node/a/b', 'pod/a/b/c', 'outside/', 'outside/x', 'outside/1.2.3.4/5'])
    assert.throws(() => parsePlace(text), { message: /write pod\/NAME/ }, text);
});

test('a place reads back as it is written', () => {
  for (const text of ['pod/a', 'pod/ns/a', 'node/n', 'outside', 'outside/10.0.9.5', 'outside/fd00::1'])
    assert.equal(formatPlace(parsePlace(text)), text);
});
