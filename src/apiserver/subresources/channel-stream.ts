/**
 * `exec` and `attach` over a WebSocket, subprotocol v5.channel.k8s.io (KEP-4006): binary messages of a channel byte and data.
 *
 *     00 stdin -> | 01 <- stdout | 02 <- stderr | 03 <- Status as JSON, at the end | 04 resize {Width,Height} -> | ff NN close channel NN ->
 */
import type { WebSocket } from 'ws';
import type { Status } from '../../api/index.ts';
import { internalError, isStatusError, statusError, successStatus } from '../../api/index.ts';
import { messageOf } from '../../observe/index.ts';
import type { ExecOptions, ProcessStreams } from '../node-access.ts';
import { Channel } from './channel.ts';

/** The subprotocols that are spoken; v4 has no close message, the rest is the same. */
export const channelProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;

const stdinChannel = 0;
const stdoutChannel = 1;
const stderrChannel = 2;
const statusChannel = 3;
const resizeChannel = 4;
const closeChannel = 255;
/** Beyond this much unsent output the process is made to wait, and beyond as much input that it has not read the client. */
const maxWaitingBytes = 1024 * 1024;

/** Runs a process against a socket and closes it with the process's Status. Never rejects. */
export async function serveProcess(
  socket: WebSocket,
  options: ExecOptions,
  run: (streams: ProcessStreams) => Promise<number>,
): Promise<void> {
  const gone = new AbortController();
  const stdin = new Channel<Uint8Array>();
  const resizes = new Channel<{ readonly columns: number; readonly rows: number }>();
  let unreadBytes = 0;
  const taken = (chunk: Uint8Array): void => {
    unreadBytes -= chunk.length;
    if (unreadBytes <= maxWaitingBytes) socket.resume();
  };
  socket.on('message', (data, isBinary) => {
    const bytes = toBytes(data);
    const [channel] = bytes;
    if (!isBinary || channel === undefined) return;
    const payload = bytes.subarray(1);
    if (channel === stdinChannel) {
      // Nobody would take it.
      if (!options.stdin || gone.signal.aborted) return;
      unreadBytes += payload.length;
      if (unreadBytes > maxWaitingBytes) socket.pause();
      stdin.push(payload);
    } else if (channel === closeChannel && payload[0] === stdinChannel) stdin.end();
    else if (channel === resizeChannel && options.tty) {
      const size = parseSize(payload);
      if (size !== undefined) resizes.push(size);
    }
  });
  const leave = (): void => {
    stdin.end();
    resizes.end();
    gone.abort();
  };
  socket.on('close', leave);
  socket.on('error', leave);

  const write = (channel: number, chunk: Uint8Array): Promise<void> => send(socket, channel, chunk);
  const streams: ProcessStreams = {
    stdin: options.stdin ? counted(stdin, taken) : undefined,
    writeStdout: (chunk) => (options.stdout ? write(stdoutChannel, chunk) : Promise.resolve()),
    writeStderr: (chunk) => (options.stderr ? write(stderrChannel, chunk) : Promise.resolve()),
    resizes,
    signal: gone.signal,
  };
  let status: Status;
  try {
    status = exitStatus(await run(streams));
  } catch (error) {
    status = (isStatusError(error) ? error : internalError(messageOf(error))).status;
  }
  leave();
  // The client's side of the closing is read, too.
  socket.resume();
  if (socket.readyState !== socket.OPEN) return;
  socket.send(frameOf(statusChannel, Buffer.from(JSON.stringify(status))));
  socket.close(1000);
}

/** The items, each told of as it is taken. */
async function* counted<T>(items: AsyncIterable<T>, taken: (item: T) => void): AsyncGenerator<T, void> {
  for await (const item of items) {
    taken(item);
    yield item;
  }
}

/** What a client is told about a process that has ended. */
export function exitStatus(exitCode: number): Status {
  if (exitCode === 0) return successStatus();
  const message = `command terminated with non-zero exit code: exit status ${exitCode}`;
  const { status } = statusError(500, 'Unknown', message, { causes: [{ reason: 'ExitCode', message: String(exitCode) }] });
  const { code: _code, ...rest } = status;
  return { ...rest, reason: 'NonZeroExitCode' };
}

async function send(socket: WebSocket, channel: number, chunk: Uint8Array): Promise<void> {
  if (socket.readyState !== socket.OPEN) return;
  const isFull = socket.bufferedAmount > maxWaitingBytes;
  const sent = new Promise<void>((resolve) => {
    // A failed send means that the client is gone, which `close` tells.
    socket.send(frameOf(channel, chunk), () => resolve());
  });
  if (isFull) await sent;
}

function frameOf(channel: number, chunk: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([channel]), chunk]);
}

function toBytes(data: Buffer | ArrayBuffer | readonly Buffer[]): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  return Buffer.isBuffer(data) ? data : Buffer.concat(data);
}

/** A terminal's size as kubectl sends it, `{"Width":80,"Height":24}`; undefined for anything else. */
export function parseSize(payload: Uint8Array): { readonly columns: number; readonly rows: number } | undefined {
  let size: { readonly Width?: unknown; readonly Height?: unknown } | null;
  try {
    size = JSON.parse(Buffer.from(payload).toString()) as typeof size;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
  const { Width: columns, Height: rows } = size ?? {};
  return isTerminalSide(columns) && isTerminalSide(rows) ? { columns, rows } : undefined;
}

/** As struct winsize has it (ioctl_tty(2)): 16 bits. */
function isTerminalSide(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff;
}
