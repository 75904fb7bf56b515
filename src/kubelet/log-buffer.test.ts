import { test } from 'node:test';
import assert from 'node:assert/strict';
import { LogBuffer } from './log-buffer.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);

test('lines of two streams do not mix', () => {
  const log = new LogBuffer();
  log.write('stdout', bytes('ab'));
  log.write('stderr', bytes('x\ny'));
  log.write('stdout', bytes('c\n'));
  log.end();
  assert.equal(text(log.read({})), 'x\nabc\ny');
});

test('everything is what is kept and what has no end yet', () => {
  const log = new LogBuffer();
  log.write('stdout', bytes('first\n$ '));
  assert.equal(text(log.everything()), 'first\n$ ');
  assert.equal(text(log.read({})), 'first\n');
});

test('the oldest lines go when it is full', () => {
  const log = new LogBuffer({ maxBytes: 10 });
  for (const line of ['1111', '2222', '3333']) log.writeLine(line);
  assert.equal(text(log.read({})), '2222\n3333\n');
});

test('tail, since, timestamps and limit', () => {
  let now = 0;
  const log = new LogBuffer({ now: () => now });
  for (const line of ['a', 'b', 'c']) {
    log.writeLine(line);
    now += 1000;
  }
  assert.equal(text(log.read({ tailLines: 2 })), 'b\nc\n');
  assert.equal(text(log.read({ tailLines: 0 })), '');
  assert.equal(text(log.read({ sinceMs: 1500 })), 'c\n');
  assert.equal(text(log.read({ timestamps: true, tailLines: 1 })), '1970-01-01T00:00:02.000Z c\n');
  assert.equal(text(log.read({ limitBytes: 3 })), 'a\nb');
});

test('a follower gets old lines, new lines and the end', async () => {
  const log = new LogBuffer();
  log.writeLine('old');
  const got: string[] = [];
  const done = (async () => {
    for await (const chunk of log.follow({}, new AbortController().signal)) got.push(text(chunk));
  })();
  await new Promise((resolve) => setImmediate(resolve));
  log.writeLine('new');
  log.end();
  await done;
  assert.deepEqual(got, ['old\n', 'new\n']);
});

test('a follower leaves when asked', async () => {
  const log = new LogBuffer();
  const controller = new AbortController();
  const done = (async () => {
    for await (const chunk of log.follow({}, controller.signal)) assert.fail(text(chunk));
  })();
  setImmediate(() => controller.abort());
  await done;
});

test('a follower slower than the container misses what the log has dropped, and nothing comes twice', async () => {
  const log = new LogBuffer({ maxBytes: 100 });
  const follower = log.follow({}, new AbortController().signal);
  log.writeLine('first');
  const got: string[] = [text((await follower.next()).value as Uint8Array)];
  for (let count = 0; count < 1000; count++) log.writeLine(String(count));
  log.end();
  for await (const chunk of follower) got.push(text(chunk));
  const lines = got.join('').trimEnd().split('\n');
  assert.equal(lines[0], 'first');
  assert.equal(lines.at(-1), '999');
  assert.equal(new Set(lines).size, lines.length);
  assert.ok(lines.length < 100, String(lines.length));
});
