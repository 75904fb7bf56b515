import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { feed } from './exec.ts';

async function* chunks(count: number, failure?: Error): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) yield Buffer.alloc(1000, index);
  if (failure !== undefined) throw failure;
}

test("a caller's connection that breaks is the end of the input, and nobody else's trouble", async () => {
  const stdin = new PassThrough();
  await feed(chunks(3, new Error('the connection ended')), stdin);
  const read: Buffer[] = [];
  for await (const chunk of stdin) read.push(chunk as Buffer);
  assert.equal(Buffer.concat(read).length, 3000);
});

test('input waits for a process that reads slowly, without leaving listeners behind', async () => {
  const sizes: number[] = [];
  const stdin = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _encoding, done) => {
      sizes.push(stdin.listenerCount('close') + stdin.listenerCount('drain'));
      setImmediate(done, chunk.length > 0 ? null : new Error('empty'));
    },
  });
  await feed(chunks(30), stdin);
  assert.equal(sizes.length, 30);
  assert.ok(Math.max(...sizes) <= 2, sizes.join(' '));
});

test('input for a process that has ended is dropped', async () => {
  const stdin = new PassThrough();
  stdin.destroy();
  let taken = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks(10)) {
      taken++;
      yield chunk;
    }
  };
  await feed(counted(), stdin);
  assert.equal(taken, 1);
});
