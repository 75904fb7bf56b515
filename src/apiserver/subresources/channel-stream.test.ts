import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { WebSocket } from 'ws';
import type { ExecOptions, ProcessStreams } from '../node-access.ts';
import { parseSize, serveProcess } from './channel-stream.ts';

test('a size is two numbers of sixteen bits, and anything else is none', () => {
  const table: readonly [text: string, want: ReturnType<typeof parseSize>][] = [
    ['{"Width":80,"Height":24}', { columns: 80, rows: 24 }],
    ['{"Width":0,"Height":65535}', { columns: 0, rows: 65_535 }],
    ['{"Width":80}', undefined],
    ['{"Width":"80","Height":"24"}', undefined],
    ['{"Width":80,"Height":65536}', undefined],
    ['{"Width":-1,"Height":24}', undefined],
    ['{"Width":80.5,"Height":24}', undefined],
    ['{"Width":1e999,"Height":24}', undefined],
    ['null', undefined],
    ['7', undefined],
    ['"x"', undefined],
    ['[]', undefined],
    ['{', undefined],
    ['', undefined],
  ];
  for (const [text, want] of table) assert.deepEqual(parseSize(Buffer.from(text)), want, text);
});

/** A connection that remembers what was asked of it. */
class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  isPaused = false;
  readonly sent: Buffer[] = [];

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  send(data: Buffer, done?: () => void): void {
    this.sent.push(data);
    done?.();
  }

  close(): void {
    this.readyState = 3;
    this.emit('close');
  }

  input(bytes: number): void {
    this.emit('message', Buffer.alloc(bytes + 1), true);
  }
}

const all: ExecOptions = { container: 'c', command: ['x'], tty: true, stdin: true, stdout: true, stderr: true };
const mebibyte = 1024 * 1024;

function serve(
  options: ExecOptions,
  run: (streams: ProcessStreams) => Promise<number>,
): FakeSocket & { readonly done: Promise<void> } {
  const socket = new FakeSocket();
  const done = serveProcess(socket as unknown as WebSocket, options, run);
  return Object.assign(socket, { done });
}

test('a client is not read while its input waits for the process, and is when it does not', async () => {
  const read = Promise.withResolvers<void>();
  const allRead = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  let bytes = 0;
  const socket = serve(all, async ({ stdin }) => {
    await read.promise;
    for await (const chunk of stdin ?? []) {
      bytes += chunk.length;
      if (bytes === 3 * mebibyte) break;
    }
    allRead.resolve();
    await finish.promise;
    return 0;
  });
  socket.input(mebibyte);
  assert.equal(socket.isPaused, false);
  socket.input(mebibyte);
  socket.input(mebibyte);
  assert.equal(socket.isPaused, true);
  read.resolve();
  await allRead.promise;
  assert.equal(socket.isPaused, false);
  finish.resolve();
  await socket.done;
});

test('a connection is read again when its process has ended without reading, so that it can be closed', async () => {
  const end = Promise.withResolvers<number>();
  const socket = serve(all, () => end.promise);
  socket.input(4 * mebibyte);
  assert.equal(socket.isPaused, true);
  end.resolve(0);
  await socket.done;
  assert.equal(socket.isPaused, false);
  assert.match(socket.sent.at(-1)?.toString() ?? '', /"Success"/);
});

test('input that nobody asked for is not kept', async () => {
  const end = Promise.withResolvers<number>();
  const socket = serve({ ...all, stdin: false }, () => end.promise);
  for (let count = 0; count < 10; count++) socket.input(mebibyte);
  assert.equal(socket.isPaused, false);
  end.resolve(0);
  await socket.done;
});
