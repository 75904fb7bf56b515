import assert from 'node:assert/strict';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import type { Duplex } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SpdyError } from './errors.ts';
import type { Frame } from './frames.ts';
import { FrameDecoder, encodeFrame, resetStatus } from './frames.ts';
import { HeaderWriter } from './header-block.ts';
import { SpdySession } from './session.ts';
import type { SpdyStream } from './stream.ts';

const named = (name: string): ReadonlyMap<string, string> => new Map([['name', name]]);

function pairOf(onStream: (stream: SpdyStream) => void): { readonly client: SpdySession; readonly server: SpdySession } {
  const [near, far] = duplexPair();
  return { client: new SpdySession(near, { role: 'client' }), server: new SpdySession(far, { role: 'server', onStream }) };
}

/** A peer that speaks frames, not streams. */
class RawPeer {
  readonly frames: Frame[] = [];
  readonly #transport: Duplex;
  readonly #writer = new HeaderWriter();
  readonly #decoder = new FrameDecoder();

  constructor(transport: Duplex) {
    this.#transport = transport;
    transport.on('data', (chunk: Buffer) => this.frames.push(...this.#decoder.push(chunk)));
    transport.on('error', () => undefined);
  }

  send(frame: Frame): void {
    this.#transport.write(encodeFrame(frame));
  }

  open(streamId: number): void {
    const block = this.#writer.write(named('raw'));
    this.send({ type: 'syn-stream', streamId, block, isLast: false, isUnidirectional: false });
  }

  async received<T extends Frame['type']>(
    type: T,
    is: (frame: Extract<Frame, { type: T }>) => boolean = () => true,
  ): Promise<void> {
    const deadlineMs = Date.now() + 5000;
    while (!this.frames.some((frame) => frame.type === type && is(frame as Extract<Frame, { type: T }>))) {
      if (Date.now() > deadlineMs) throw new Error(`no ${type} came`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  get dataBytes(): number {
    return this.frames.reduce((sum, frame) => sum + (frame.type === 'data' ? frame.data.length : 0), 0);
  }
}

function withRawClient(onStream?: (stream: SpdyStream) => void): { readonly raw: RawPeer; readonly session: SpdySession } {
  const [near, far] = duplexPair();
  const session = new SpdySession(far, { role: 'server', ...(onStream === undefined ? {} : { onStream }) });
  return { raw: new RawPeer(near), session };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

describe('a session', () => {
  test('carries bytes both ways and each end on its own', async () => {
    const { client, server } = pairOf(
      (stream) => void text(stream).then((said) => stream.end(`${stream.headers.get('name')}: ${said}`)),
    );
    const stream = client.open(named('first'));
    stream.end('hello');
    assert.equal(await text(stream), 'first: hello', 'our end came before the answer');
    client.close();
    assert.equal(await server.closed, undefined);
    assert.equal(await client.closed, undefined);
  });

  test('carries many streams of many megabytes at once, with windows', async () => {
    const { client } = pairOf((stream) => void stream.pipe(stream));
    const given = Array.from({ length: 20 }, (_, index) => Buffer.alloc(1_000_000 + index, index));
    const back = await Promise.all(
      given.map((bytes) => {
        const stream = client.open(named('echo'));
        stream.end(bytes);
        return buffer(stream);
      }),
    );
    for (const [index, bytes] of given.entries()) assert.ok(bytes.equals(back[index] ?? Buffer.alloc(0)), `stream ${index}`);
    client.destroy();
  });

  test('keeps to the windows of a peer that has them', async () => {
    const { raw, session } = withRawClient((stream) => void stream.end(Buffer.alloc(300_000)));
    raw.send({ type: 'settings', settings: new Map([[7, 10_000]]) });
    raw.open(1);
    await raw.received('data');
    await settled();
    assert.equal(raw.dataBytes, 10_000);
    raw.send({ type: 'window-update', streamId: 1, delta: 1_000_000 });
    await settled();
    assert.equal(raw.dataBytes, 64 * 1024, 'the session has a window too');
    raw.send({ type: 'window-update', streamId: 0, delta: 1_000_000 });
    await raw.received('data', ({ isLast }) => isLast);
    assert.equal(raw.dataBytes, 300_000);
    session.destroy();
  });

  test('does not wait for windows of a peer that has none, as kubectl', async () => {
    const { raw, session } = withRawClient((stream) => void stream.end(Buffer.alloc(300_000)));
    raw.open(1);
    await raw.received('data', ({ isLast }) => isLast);
    assert.equal(raw.dataBytes, 300_000);
    session.destroy();
  });

  test('grants a window for what was read, and none for what was not', async () => {
    const streams: SpdyStream[] = [];
    const { raw, session } = withRawClient((stream) => void streams.push(stream));
    raw.open(1);
    for (let piece = 0; piece < 4; piece += 1) raw.send({ type: 'data', streamId: 1, data: Buffer.alloc(50_000), isLast: false });
    await settled();
    const granted = (): number =>
      raw.frames.reduce((sum, frame) => sum + (frame.type === 'window-update' && frame.streamId === 1 ? frame.delta : 0), 0);
    assert.equal(granted(), 0);
    streams[0]?.resume();
    await raw.received('window-update', ({ streamId }) => streamId === 0);
    await settled();
    assert.ok(granted() >= 100_000 && granted() <= 200_000, String(granted()));
    session.destroy();
  });

  test('stops reading a transport whose streams nobody reads', async () => {
    const [near, far] = duplexPair();
    const session = new SpdySession(far, { role: 'server', onStream: () => undefined });
    const raw = new RawPeer(near);
    raw.open(1);
    let sentBytes = 0;
    for (let isOpen = true; isOpen && sentBytes < 64_000_000;) {
      sentBytes += 1_000_000;
      const frame = encodeFrame({ type: 'data', streamId: 1, data: Buffer.alloc(1_000_000), isLast: false });
      isOpen = await Promise.race([
        new Promise<boolean>((resolve) => void near.write(frame, () => resolve(true))),
        new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 200)),
      ]);
    }
    assert.ok(sentBytes < 20_000_000, `${sentBytes} bytes were taken`);
    session.destroy();
  });

  test('answers pings, and asks with its own', async () => {
    const { raw, session } = withRawClient();
    raw.send({ type: 'ping', id: 11 });
    await raw.received('ping', ({ id }) => id === 11);
    session.destroy();
    const { client, server } = pairOf(() => undefined);
    await Promise.all([client.ping(), server.ping()]);
    client.destroy();
  });

  test('tells a reset to the other side, with nothing after it', async () => {
    const { client } = pairOf((stream) => stream.destroy());
    const stream = client.open(named('unwanted'));
    const [error] = (await once(stream, 'error')) as [SpdyError];
    assert.equal(error.code, 'RESET');
    client.destroy();
    const { raw, session } = withRawClient((mine) => void mine.resume());
    raw.open(1);
    raw.send({ type: 'rst-stream', streamId: 1, status: resetStatus.cancel });
    raw.send({ type: 'data', streamId: 1, data: Buffer.from('late'), isLast: true });
    raw.send({ type: 'ping', id: 1 });
    await raw.received('ping');
    assert.ok(!raw.frames.some(({ type }) => type === 'rst-stream'));
    session.destroy();
  });

  test('ends all streams when the transport goes', async () => {
    const [near, far] = duplexPair();
    const streams: SpdyStream[] = [];
    const session = new SpdySession(far, { role: 'server', onStream: (stream) => void streams.push(stream) });
    const raw = new RawPeer(near);
    raw.open(1);
    raw.open(3);
    await raw.received('syn-reply', ({ streamId }) => streamId === 3);
    near.end();
    assert.equal(await session.closed, undefined);
    assert.deepEqual(
      streams.map(({ destroyed }) => destroyed),
      [true, true],
    );
  });

  test('after GOAWAY takes no streams, and ends with the last one', async () => {
    const streams: SpdyStream[] = [];
    const { raw, session } = withRawClient((stream) => void streams.push(stream));
    raw.open(1);
    raw.send({ type: 'go-away', lastStreamId: 0, status: 0 });
    raw.open(3);
    await raw.received('rst-stream', ({ streamId, status }) => streamId === 3 && status === resetStatus.refusedStream);
    raw.send({ type: 'data', streamId: 1, data: Buffer.alloc(0), isLast: true });
    streams[0]?.resume().end('last words');
    await raw.received('data', ({ isLast }) => isLast);
    assert.equal(await session.closed, undefined);
  });

  const faults: readonly [name: string, act: (raw: RawPeer) => void][] = [
    ['a stream with a number of ours', (raw) => raw.open(2)],
    ['a stream number that was used', (raw) => [1, 1].forEach((id) => raw.open(id))],
    ['too large a window', (raw) => [1, 2].forEach(() => raw.send({ type: 'window-update', streamId: 0, delta: 0x7fff_ffff }))],
    [
      'headers that are no zlib data',
      (raw) =>
        raw.send({ type: 'syn-stream', streamId: 1, block: Buffer.from('nonsense'), isLast: false, isUnidirectional: false }),
    ],
  ];
  for (const [name, act] of faults) {
    test(`says why it ends: ${name}`, async () => {
      const { raw, session } = withRawClient(() => undefined);
      act(raw);
      assert.ok((await session.closed) instanceof SpdyError);
      await raw.received('go-away', ({ status }) => status === 1);
    });
  }

  test('of data for a stream that never was says so', async () => {
    const { raw, session } = withRawClient(() => undefined);
    raw.send({ type: 'data', streamId: 9, data: Buffer.from('x'), isLast: false });
    await raw.received('rst-stream', ({ streamId, status }) => streamId === 9 && status === resetStatus.invalidStream);
    session.destroy();
  });

  test('of random and truncated bytes ends with its own error or none, never anything else', async () => {
    const writer = new HeaderWriter();
    const likely = Buffer.concat([
      encodeFrame({ type: 'syn-stream', streamId: 1, block: writer.write(named('a')), isLast: false, isUnidirectional: false }),
      encodeFrame({ type: 'data', streamId: 1, data: Buffer.from('hello'), isLast: false }),
      encodeFrame({ type: 'window-update', streamId: 1, delta: 100 }),
      encodeFrame({ type: 'headers', streamId: 1, block: writer.write(named('b')), isLast: true }),
      encodeFrame({ type: 'ping', id: 1 }),
      encodeFrame({ type: 'rst-stream', streamId: 1, status: 5 }),
    ]);
    const wires = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(likely.length).map((end) => likely.subarray(0, end)),
      fc.tuple(fc.nat(likely.length - 1), fc.nat(255)).map(([at, byte]) => Buffer.from(likely).fill(byte, at, at + 1)),
    );
    await fc.assert(
      fc.asyncProperty(wires, async (wire) => {
        const [near, far] = duplexPair();
        const session = new SpdySession(far, { role: 'server', onStream: (stream) => void stream.pipe(stream) });
        near.on('error', () => undefined).resume();
        near.end(wire);
        const fault = await session.closed;
        assert.ok(fault === undefined || fault instanceof SpdyError, String(fault));
      }),
      { numRuns: 300 },
    );
  });
});
