/**
 * `exec` and `attach` over SPDY (kubectl up to 1.29, and later ones behind proxies): one stream each for what the caller is
 * connected to, told apart by the header `streamType`; the process's Status goes to `error` as JSON (v4.channel.k8s.io).
 */
import type { Duplex } from 'node:stream';
import { internalError, isStatusError } from '../../api/index.ts';
import { messageOf } from '../../observe/index.ts';
import type { ExecOptions, ProcessStreams } from '../node-access.ts';
import type { SpdyStream } from '../spdy/index.ts';
import { SpdySession } from '../spdy/index.ts';
import { exitStatus, parseSize } from './channel-stream.ts';

/** The version that is spoken. Older ones have no exit status, newer ones differ on WebSockets only. */
export const spdyProcessProtocol = 'v4.channel.k8s.io';

/** How long the client may take to open its streams. */
const streamsTimeoutMs = 30_000;
/** Resizes come as small JSON texts, each in a message of its own or several in one. */
const maxResizeBytes = 4096;

/** Runs a process against a client's connection and ends it with the process's Status. Never rejects. */
export async function serveSpdyProcess(
  transport: Duplex,
  options: ExecOptions,
  run: (streams: ProcessStreams) => Promise<number>,
): Promise<void> {
  const gone = new AbortController();
  const opened = new Map<string, SpdyStream>();
  const missing = new Set(wantedStreams(options));
  const complete = Promise.withResolvers<void>();
  const session = new SpdySession(transport, {
    role: 'server',
    onStream: (stream) => {
      const type = stream.headers.get('streamtype') ?? '';
      if (!missing.delete(type)) {
        stream.destroy();
        return;
      }
      opened.set(type, stream);
      if (missing.size === 0) complete.resolve();
    },
  });
  const timer = setTimeout(() => session.destroy(), streamsTimeoutMs);
  const ended = session.closed.then(() => {
    clearTimeout(timer);
    gone.abort();
  });
  await Promise.race([complete.promise, ended]);
  clearTimeout(timer);
  if (gone.signal.aborted) return;
  for (const type of ['error', 'stdout', 'stderr']) opened.get(type)?.resume();
  const write = (type: string) => (chunk: Uint8Array) => writeTo(opened.get(type), chunk);
  const streams: ProcessStreams = {
    stdin: opened.get('stdin'),
    writeStdout: write('stdout'),
    writeStderr: write('stderr'),
    resizes: readSizes(opened.get('resize')),
    signal: gone.signal,
  };
  let status: object;
  try {
    status = exitStatus(await run(streams));
  } catch (error) {
    status = (isStatusError(error) ? error : internalError(messageOf(error))).status;
  }
  opened.get('error')?.write(JSON.stringify(status));
  for (const stream of opened.values()) stream.resume().end();
  session.close();
  await ended;
}

function wantedStreams({ stdin, stdout, stderr, tty }: ExecOptions): readonly string[] {
  const asked = { error: true, stdin, stdout, stderr, resize: tty };
  return Object.entries(asked).flatMap(([type, isAsked]) => (isAsked ? [type] : []));
}

/** Resolves when the stream takes more, or is gone. */
async function writeTo(stream: SpdyStream | undefined, chunk: Uint8Array): Promise<void> {
  if (stream === undefined || stream.destroyed) return;
  await new Promise<void>((resolve) => {
    // A failed write means that the client is gone, which the session tells.
    stream.write(chunk, () => resolve());
  });
}

async function* readSizes(stream: SpdyStream | undefined): AsyncGenerator<{ readonly columns: number; readonly rows: number }> {
  if (stream === undefined) return;
  let text = '';
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      text += chunk.toString();
      for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}')) {
        const size = parseSize(Buffer.from(text.slice(0, end + 1)));
        text = text.slice(end + 1);
        if (size !== undefined) yield size;
      }
      if (text.length > maxResizeBytes) return;
    }
  } catch (error) {
    // The stream broke with its connection: there are no more sizes.
    if (!stream.destroyed) throw error;
  }
}
