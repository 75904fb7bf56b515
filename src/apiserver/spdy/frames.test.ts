import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SpdyError } from './errors.ts';
import type { Frame } from './frames.ts';
import { FrameDecoder, encodeFrame } from './frames.ts';

const streamId = fc.integer({ min: 1, max: 0x7fff_ffff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const uint31 = fc.integer({ min: 0, max: 0x7fff_ffff });
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const isLast = fc.boolean();

const anyFrame: fc.Arbitrary<Frame> = fc
  .oneof(
    fc.record({ type: fc.constant('data' as const), streamId, data: bytes, isLast }),
    fc.record({ type: fc.constant('syn-stream' as const), streamId, block: bytes, isLast, isUnidirectional: fc.boolean() }),
    fc.record({ type: fc.constantFrom('syn-reply' as const, 'headers' as const), streamId, block: bytes, isLast }),
    fc.record({ type: fc.constant('rst-stream' as const), streamId, status: uint32 }),
    fc.record({
      type: fc.constant('settings' as const),
      settings: fc.array(fc.tuple(fc.nat(0xff_ffff), uint32), { maxLength: 5 }).map((pairs) => new Map(pairs)),
    }),
    fc.record({ type: fc.constant('ping' as const), id: uint32 }),
    fc.record({ type: fc.constant('go-away' as const), lastStreamId: uint31, status: uint32 }),
    fc.record({ type: fc.constant('window-update' as const), streamId: uint31, delta: uint31 }),
  )
  .map((frame) => ({ ...frame })); // with an ordinary prototype

/** Data frames may come in pieces: put together again, they compare. */
function joined(frames: readonly Frame[]): Frame[] {
  const result: Frame[] = [];
  for (const frame of frames) {
    const before = result.at(-1);
    if (frame.type === 'data' && before?.type === 'data' && before.streamId === frame.streamId && !before.isLast)
      result[result.length - 1] = { ...frame, data: Buffer.concat([before.data, frame.data]) };
    else result.push(frame);
  }
  return result;
}

function decode(wire: Buffer, cuts: readonly number[]): Frame[] {
  const decoder = new FrameDecoder();
  const frames: Frame[] = [];
  let at = 0;
  for (const end of [...cuts.map((cut) => cut % (wire.length + 1)).sort((a, b) => a - b), wire.length]) {
    frames.push(...decoder.push(wire.subarray(at, end)));
    at = end;
  }
  assert.ok(decoder.isBetweenFrames);
  return frames;
}

describe('frames', () => {
  test('come back as they were written, wherever the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 8 }), fc.array(fc.nat(5000), { maxLength: 10 }), (frames, cuts) => {
        const wire = Buffer.concat(frames.map(encodeFrame));
        assert.deepEqual(joined(decode(wire, cuts)), joined(frames));
      }),
    );
  });

  const wires: readonly [name: string, frame: Frame, hex: string][] = [
    ['a ping', { type: 'ping', id: 1 }, '80030006 00000004 00000001'],
    ['the end of a stream', { type: 'data', streamId: 3, data: Buffer.alloc(0), isLast: true }, '00000003 01000000'],
    ['a reset', { type: 'rst-stream', streamId: 5, status: 5 }, '80030003 00000008 00000005 00000005'],
    ['a window', { type: 'window-update', streamId: 0, delta: 65_536 }, '80030009 00000008 00000000 00010000'],
    [
      'a new stream',
      { type: 'syn-stream', streamId: 1, block: Buffer.from([0xaa]), isLast: false, isUnidirectional: true },
      '80030001 0200000b 00000001 00000000 0000 aa',
    ],
  ];
  for (const [name, frame, hex] of wires) {
    test(`are on the wire as the protocol has them: ${name}`, () => {
      assert.equal(encodeFrame(frame).toString('hex'), hex.replaceAll(' ', ''));
    });
  }

  test('of unknown types are passed over', () => {
    const unknown = Buffer.from('8003000a00000003aabbcc', 'hex');
    assert.deepEqual(decode(Buffer.concat([unknown, encodeFrame({ type: 'ping', id: 7 })]), []), [{ type: 'ping', id: 7 }]);
  });

  const faults: readonly [name: string, hex: string][] = [
    ['another version', '8002000600000004 00000001'],
    ['data for stream 0', '0000000000000000'],
    ['a reset of stream 0', '8003000300000008 00000000 00000005'],
    ['a ping that is too short', '8003000600000003 000000'],
    ['a ping that is too long', '8003000600000005 0000000100'],
    ['settings that count more than they have', '8003000400000004 00000001'],
    ['a new stream without its fields', '8003000100000004 00000001'],
    ['a control frame of 16 MiB', '8003000100ffffff'],
  ];
  for (const [name, hex] of faults) {
    test(`that are broken are refused: ${name}`, () => {
      const decoder = new FrameDecoder();
      assert.throws(() => [...decoder.push(Buffer.from(hex.replaceAll(' ', ''), 'hex'))], SpdyError);
    });
  }

  test('of random and damaged bytes are read or refused, never anything else', () => {
    const damaged = fc
      .tuple(fc.array(anyFrame, { minLength: 1, maxLength: 4 }), fc.nat(), fc.nat(255))
      .map(([frames, at, byte]) => {
        const wire = Buffer.concat(frames.map(encodeFrame));
        return wire.fill(byte, at % wire.length, (at % wire.length) + 1);
      });
    fc.assert(
      fc.property(fc.oneof(bytes, damaged), (wire) => {
        const decoder = new FrameDecoder();
        try {
          for (const frame of decoder.push(wire)) assert.ok(frame.type);
        } catch (error) {
          assert.ok(error instanceof SpdyError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('that are cut off are waited for', () => {
    const wire = encodeFrame({ type: 'syn-reply', streamId: 1, block: Buffer.from('abc'), isLast: false });
    for (let end = 1; end < wire.length; end += 1) {
      const decoder = new FrameDecoder();
      assert.deepEqual([...decoder.push(wire.subarray(0, end))], [], `${end} bytes`);
      assert.equal(decoder.isBetweenFrames, false);
    }
  });
});
