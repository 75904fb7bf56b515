/**
 * Requests that ask to become another protocol: exec, attach and port-forward, over WebSocket or SPDY. Everything else is
 * refused with a Status.
 */
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import { badRequest, internalError, isStatusError, methodNotAllowed, statusError, unknownPath } from '../../api/index.ts';
import { isTrue } from '../http/exchange.ts';
import type { ResourcePath } from '../http/request-info.ts';
import { parseResourcePath } from '../http/request-info.ts';
import type { Services } from '../http/services.ts';
import { messageOf } from '../../observe/index.ts';
import type { ExecOptions, ProcessStreams } from '../node-access.ts';
import { channelProtocols, serveProcess } from './channel-stream.ts';
import { containerOf, findReachablePod } from './pod-target.ts';
import { portForwardProtocol, servePortForward, tunnelledPortForwardProtocol } from './port-forward.ts';
import { serveSpdyProcess, spdyProcessProtocol } from './spdy-process.ts';

/** What a request asks for, once it is known to be served. */
interface Upgrade {
  /** Subprotocols, best first, and what to do with the socket. */
  readonly webSocket: { readonly protocols: readonly string[]; readonly serve: (socket: WebSocket) => Promise<void> };
  readonly spdy: { readonly protocols: readonly string[]; readonly serve: (transport: Duplex) => Promise<void> };
}

/** Answers an upgrade request of an authenticated user. The caller listens for errors of the socket. Never rejects. */
export async function serveUpgrade(services: Services, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  try {
    const upgrade = upgradeFor(services, request);
    switch (request.headers.upgrade?.toLowerCase()) {
      case 'websocket': {
        const server = await webSocketServerOf(negotiated(request, 'sec-websocket-protocol', upgrade.webSocket.protocols, 400));
        // ws holds names to RFC 6455 and would refuse the tunnelled protocol's, which has a slash: it is told of none.
        delete request.headers['sec-websocket-protocol'];
        server.handleUpgrade(request, socket, head, (webSocket) => void upgrade.webSocket.serve(webSocket));
        return;
      }
      case 'spdy/3.1': {
        const protocol = negotiated(request, 'x-stream-protocol-version', upgrade.spdy.protocols, 403);
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n' +
            `X-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
        );
        if (head.length > 0) socket.unshift(head);
        await upgrade.spdy.serve(socket);
        return;
      }
      default:
        throw badRequest(`unable to upgrade: ${request.headers.upgrade ?? ''} is not spoken here, only WebSocket and SPDY/3.1`);
    }
  } catch (error) {
    refuse(socket, error);
  }
}

/** Writes an error as a plain HTTP answer on a connection that was not upgraded, and closes it. */
export function refuse(socket: Duplex, error: unknown): void {
  const { status, httpStatus } = isStatusError(error) ? error : internalError(messageOf(error));
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${httpStatus} ${STATUS_CODES[httpStatus] ?? ''}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

function upgradeFor(services: Services, request: IncomingMessage): Upgrade {
  const url = new URL(request.url ?? '/', 'https://server');
  const path = parseResourcePath(url.pathname);
  if (path === undefined || path.plural !== 'pods' || path.group !== '' || path.version !== 'v1') throw unknownPath();
  const { subresource } = path;
  if (subresource !== 'exec' && subresource !== 'attach' && subresource !== 'portforward') throw unknownPath();
  if (request.method !== 'GET' && request.method !== 'POST') {
    throw methodNotAllowed({ group: '', plural: `pods/${subresource}` }, (request.method ?? '').toLowerCase());
  }
  return subresource === 'portforward'
    ? portForwardFor(services, path)
    : processFor(services, path, subresource, url.searchParams);
}

function portForwardFor(services: Services, { namespace, name }: ResourcePath): Upgrade {
  const { target, nodeAccess } = findReachablePod(services, namespace, name);
  const serve = (transport: Duplex): Promise<void> =>
    servePortForward(transport, { target, nodeAccess, logger: services.logger });
  return {
    webSocket: {
      protocols: [tunnelledPortForwardProtocol],
      serve: async (socket) => {
        const { createWebSocketStream } = await import('ws');
        await serve(createWebSocketStream(socket));
      },
    },
    spdy: { protocols: [portForwardProtocol], serve },
  };
}

function processFor(
  services: Services,
  { namespace, name }: ResourcePath,
  subresource: 'exec' | 'attach',
  query: URLSearchParams,
): Upgrade {
  const { pod, target, nodeAccess } = findReachablePod(services, namespace, name);
  const options: ExecOptions = {
    container: containerOf(pod, query.get('container') ?? ''),
    command: query.getAll('command'),
    tty: isTrue(query.get('tty')),
    stdin: isTrue(query.get('stdin')),
    stdout: isTrue(query.get('stdout')),
    stderr: isTrue(query.get('stderr')) && !isTrue(query.get('tty')),
  };
  if (subresource === 'exec' && options.command.length === 0) throw badRequest('you must specify at least 1 command');
  if (!options.stdin && !options.stdout && !options.stderr)
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  const run = (streams: ProcessStreams): Promise<number> =>
    subresource === 'exec' ? nodeAccess.exec(target, options, streams) : nodeAccess.attach(target, options, streams);
  return {
    webSocket: { protocols: channelProtocols, serve: (socket) => serveProcess(socket, options, run) },
    spdy: { protocols: [spdyProcessProtocol], serve: (transport) => serveSpdyProcess(transport, options, run) },
  };
}

/** The best protocol that the client offers in a header. Throws a Status with `code` when there is none. */
function negotiated(request: IncomingMessage, header: string, accepted: readonly string[], code: 400 | 403): string {
  // Go clients send one header line per version; Node joins them with commas.
  const offered = [request.headers[header] ?? '']
    .flat()
    .join(',')
    .split(',')
    .map((text) => text.trim());
  const protocol = accepted.find((each) => offered.includes(each));
  if (protocol !== undefined) return protocol;
  const text = `unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${accepted.join(' ')}]`;
  throw code === 400 ? badRequest(text) : statusError(403, 'Forbidden', `unable to upgrade: ${text}`);
}

/** Of one WebSocket message; as upstream's library has it (golang.org/x/net/websocket DefaultMaxPayloadBytes). */
const maxMessageBytes = 32 * 1024 * 1024;

const webSocketServers = new Map<string, WebSocketServer>();

async function webSocketServerOf(protocol: string): Promise<WebSocketServer> {
  const { WebSocketServer } = await import('ws');
  const known = webSocketServers.get(protocol);
  if (known !== undefined) return known;
  const server = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes });
  server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
  webSocketServers.set(protocol, server);
  return server;
}
