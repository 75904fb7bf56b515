import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { constants, createDeflate, createInflate } from 'node:zlib';
import type { Deflate } from 'node:zlib';
import fc from 'fast-check';
import { dictionary, dictionaryId } from './dictionary.ts';
import { SpdyError } from './errors.ts';
import { HeaderReader, HeaderWriter, decodeHeaderPairs, encodeHeaderPairs } from './header-block.ts';
import type { SpdyHeaders } from './header-block.ts';

const headers = (pairs: Readonly<Record<string, string>>): SpdyHeaders => new Map(Object.entries(pairs));
const anyHeaders = fc
  .array(fc.tuple(fc.stringMatching(/^[a-z0-9-]{1,20}$/), fc.string({ unit: 'binary', maxLength: 40 })), { maxLength: 12 })
  .map((pairs) => new Map(pairs));

/** As a client with a real zlib does it. */
function compressor(): (block: Uint8Array) => Promise<Buffer> {
  const deflate: Deflate = createDeflate({ dictionary });
  const chunks: Buffer[] = [];
  deflate.on('data', (chunk: Buffer) => chunks.push(chunk));
  return (block) =>
    new Promise((resolve) => {
      deflate.write(block);
      deflate.flush(constants.Z_SYNC_FLUSH, () => resolve(Buffer.concat(chunks.splice(0))));
    });
}

test('the dictionary is the one of the protocol', () => {
  assert.equal(dictionary.length, 1423);
  let [a, b] = [1, 0]; // Adler-32, RFC 1950 §8.2
  for (const byte of dictionary) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  assert.equal(b * 65_536 + a, dictionaryId);
});

describe('header blocks', () => {
  test('come back as they were written', () => {
    fc.assert(fc.property(anyHeaders, (given) => assert.deepEqual(decodeHeaderPairs(encodeHeaderPairs(given)), given)));
  });

  test('of any bytes are read or refused, never anything else', () => {
    const count = Buffer.from([0, 0, 0, 1]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.boolean(), (bytes, isLikely) => {
        try {
          decodeHeaderPairs(isLikely ? Buffer.concat([count, bytes]) : bytes);
        } catch (error) {
          assert.ok(error instanceof SpdyError);
        }
      }),
    );
  });

  test('that are cut off are refused', () => {
    const whole = encodeHeaderPairs(headers({ streamtype: 'data', port: '8080' }));
    for (let end = 0; end < whole.length; end += 1)
      assert.throws(() => decodeHeaderPairs(whole.subarray(0, end)), SpdyError, `${end} bytes`);
  });

  test('are read from a client whose zlib remembers the ones before', async () => {
    const compress = compressor();
    const reader = new HeaderReader();
    for (let round = 0; round < 50; round += 1) {
      const given = headers({ streamtype: round % 2 === 0 ? 'error' : 'data', port: '8080', requestid: String(round) });
      const block = await compress(encodeHeaderPairs(given));
      assert.deepEqual(await reader.read(block), given);
    }
    reader.close();
  });

  test('that are written can be inflated by any zlib with the dictionary', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyHeaders, { minLength: 1, maxLength: 5 }), async (all) => {
        const writer = new HeaderWriter();
        const reader = new HeaderReader();
        const inflate = createInflate({ dictionary, finishFlush: constants.Z_SYNC_FLUSH });
        const plain: Buffer[] = [];
        inflate.on('data', (chunk: Buffer) => plain.push(chunk));
        for (const given of all) {
          const block = writer.write(given);
          inflate.write(block);
          assert.deepEqual(await reader.read(block), given);
        }
        await new Promise<void>((resolve) => void inflate.end(() => resolve()));
        assert.deepEqual(Buffer.concat(plain), Buffer.concat(all.map(encodeHeaderPairs)));
        reader.close();
      }),
      { numRuns: 30 },
    );
  });

  test('longer than a stored block are written in several', async () => {
    const given = headers({ long: 'x'.repeat(65_000), more: 'y'.repeat(500) });
    const reader = new HeaderReader();
    await assert.rejects(reader.read(new HeaderWriter().write(headers({ long: 'x'.repeat(70_000) }))), SpdyError);
    const other = new HeaderReader();
    assert.deepEqual(await other.read(new HeaderWriter().write(given)), given);
    other.close();
  });

  test('that inflate to too much are refused', async () => {
    const bomb = await compressor()(Buffer.alloc(10_000_000));
    const reader = new HeaderReader();
    await assert.rejects(reader.read(bomb), (error: SpdyError) => error.code === 'TOO_LARGE');
    await assert.rejects(reader.read(bomb), SpdyError, 'and so is what comes after');
  });

  test('of damaged zlib data are refused, and so is everything after them', async () => {
    const whole = await compressor()(encodeHeaderPairs(headers({ streamtype: 'data', port: '8080', requestid: '0' })));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 100 }),
          fc.tuple(fc.nat(whole.length - 1), fc.nat(255)).map(([at, byte]) => Buffer.from(whole).fill(byte, at, at + 1)),
          fc.nat(whole.length).map((end) => whole.subarray(0, end)),
        ),
        fc.uint8Array({ maxLength: 20 }),
        async (first, second) => {
          const reader = new HeaderReader();
          for (const block of [first, second]) {
            await reader.read(block).catch((error: unknown) => assert.ok(error instanceof SpdyError));
          }
          reader.close();
        },
      ),
      { numRuns: 200 },
    );
  });
});
