/**
 * `portforward`: TCP connections into a pod's own network namespace. For each the client opens two SPDY streams with the headers
 * `port` and `requestID`: `error`, which ends empty when all went well, and `data` (kubelet's portforward protocol).
 */
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isStatusError } from '../../api/index.ts';
import type { Logger } from '../../observe/index.ts';
import { messageOf } from '../../observe/index.ts';
import type { NodeAccess, PodTarget } from '../node-access.ts';
import type { SpdyStream } from '../spdy/index.ts';
import { SpdySession } from '../spdy/index.ts';

/** The protocol when the connection itself is SPDY. */
export const portForwardProtocol = 'portforward.k8s.io';
/** The same session within WebSocket messages (KEP-4006). */
export const tunnelledPortForwardProtocol = 'SPDY/3.1+portforward.k8s.io';

/** How long the second stream of a pair may take. */
const pairTimeoutMs = 30_000;

export interface PortForwardContext {
  readonly target: PodTarget;
  readonly nodeAccess: Pick<NodeAccess, 'dialPod'>;
  readonly logger: Logger;
}

/** Serves a client until its connection ends. Never rejects. */
export async function servePortForward(transport: Duplex, context: PortForwardContext): Promise<void> {
  const gone = new AbortController();
  const pairs = new Map<string, Pair>();
  const session = new SpdySession(transport, {
    role: 'server',
    onStream: (stream) => {
      const pair = joinPair(pairs, stream);
      if (pair !== undefined) void forward(pair, context, gone.signal);
    },
  });
  const fault = await session.closed;
  gone.abort();
  for (const { timer } of pairs.values()) clearTimeout(timer);
  const { namespace, name } = context.target;
  if (fault !== undefined) context.logger.debug({ pod: `${namespace}/${name}`, error: fault.message }, 'port-forward broke off');
}

interface Pair {
  readonly requestId: string;
  readonly timer: NodeJS.Timeout;
  error?: SpdyStream;
  data?: SpdyStream;
}

interface Complete {
  readonly port: number;
  readonly error: SpdyStream;
  readonly data: SpdyStream;
}

/** The pair that a stream completes. Streams that make no sense are reset. */
function joinPair(pairs: Map<string, Pair>, stream: SpdyStream): Complete | undefined {
  const type = stream.headers.get('streamtype');
  const port = portOf(stream.headers.get('port'));
  if ((type !== 'error' && type !== 'data') || port === undefined) {
    stream.destroy();
    return undefined;
  }
  // Clients from before 1.2 number nothing: the data stream is the one after its error stream.
  const requestId = stream.headers.get('requestid') ?? `#${type === 'error' ? stream.id : stream.id - 2}`;
  const pair = pairs.get(requestId) ?? { requestId, timer: abandonLater(pairs, requestId) };
  if (pair[type] !== undefined) {
    stream.destroy();
    return undefined;
  }
  pair[type] = stream;
  pairs.set(requestId, pair);
  const { error, data } = pair;
  if (error === undefined || data === undefined) return undefined;
  clearTimeout(pair.timer);
  pairs.delete(requestId);
  return { port, error, data };
}

function abandonLater(pairs: Map<string, Pair>, requestId: string): NodeJS.Timeout {
  return setTimeout(() => {
    const pair = pairs.get(requestId);
    pairs.delete(requestId);
    pair?.error?.end(`error processing stream for request ${requestId}: timed out waiting for the data stream`);
    pair?.data?.destroy();
  }, pairTimeoutMs).unref();
}

async function forward({ port, error, data }: Complete, context: PortForwardContext, signal: AbortSignal): Promise<void> {
  // The client ends its half at once; what it sends there is of no interest.
  error.resume();
  let socket: Duplex;
  try {
    socket = await dialLocalhost(context, port, signal);
  } catch (fault) {
    const { name, uid } = context.target;
    error.end(`error forwarding port ${port} to pod ${name}, uid ${uid}: ${messageOf(fault)}`);
    data.resume().end();
    return;
  }
  // Either side may say that it is done and go on to listen.
  socket.allowHalfOpen = true;
  try {
    await Promise.all([pipeline(data, socket), pipeline(socket, data)]);
  } catch (fault) {
    // One of them broke off, and the other was told: for the client's other connections nothing has happened.
    const { namespace, name } = context.target;
    context.logger.debug({ pod: `${namespace}/${name}`, port, error: messageOf(fault) }, 'forwarded connection broke off');
  } finally {
    socket.destroy();
    error.end();
  }
}

/** As container runtimes do: `localhost` in the pod's namespace, IPv4 first. Rejects with containerd's text. */
async function dialLocalhost({ nodeAccess, target }: PortForwardContext, port: number, signal: AbortSignal): Promise<Duplex> {
  const faults: unknown[] = [];
  for (const address of ['127.0.0.1', '::1']) {
    try {
      return await nodeAccess.dialPod(target, port, { address, signal });
    } catch (fault) {
      if (isStatusError(fault)) throw fault;
      faults.push(fault);
    }
  }
  const [v4, v6] = faults.map(dialText);
  throw new Error(
    `failed to connect to localhost:${port} inside namespace "${target.namespace}/${target.name}", ` +
      `IPv4: dial tcp4 127.0.0.1:${port}: ${v4} IPv6 dial tcp6 [::1]:${port}: ${v6}`,
  );
}

/** How Go prints the errors that a connect has. */
function dialText(fault: unknown): string {
  const code = fault instanceof Error && 'code' in fault ? String(fault.code) : '';
  const text = errnoTexts[code];
  return text === undefined ? messageOf(fault) : `connect: ${text}`;
}

const errnoTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EADDRNOTAVAIL: 'cannot assign requested address',
  EAFNOSUPPORT: 'address family not supported by protocol',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
};

function portOf(text: string | undefined): number | undefined {
  const port = Number(text);
  return text !== undefined && /^\d{1,5}$/.test(text) && port > 0 && port <= 65_535 ? port : undefined;
}
