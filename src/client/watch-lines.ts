/** A watch stream's bytes as its lines: one JSON document each, ended by a newline. */
import { StringDecoder } from 'node:string_decoder';

/** Splits chunks of UTF-8 into lines, wherever the chunks are cut. Empty lines are skipped; a last line without a newline is yielded too. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new StringDecoder('utf8');
  // Pieces of one long line are joined once, when it ends: appending to a string per chunk would flatten it per search.
  let pieces: string[] = [];
  for await (const chunk of chunks) {
    const text = decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    let start = 0;
    for (let end = text.indexOf('\n', start); end >= 0; end = text.indexOf('\n', start)) {
      pieces.push(text.slice(start, end));
      start = end + 1;
      const line = pieces.join('').trim();
      pieces = [];
      if (line !== '') yield line;
    }
    if (start < text.length) pieces.push(text.slice(start));
  }
  const rest = (pieces.join('') + decoder.end()).trim();
  if (rest !== '') yield rest;
}
