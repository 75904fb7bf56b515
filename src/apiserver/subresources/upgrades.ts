/** Requests that ask to become another protocol: exec and attach over WebSocket. Everything else is refused with a Status. */
import type { IncomingMessage } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocketServer } from 'ws';
import { badRequest, internalError, isStatusError, methodNotAllowed, unknownPath } from '../../api/index.ts';
import { isTrue } from '../http/exchange.ts';
import { parseResourcePath } from '../http/request-info.ts';
import type { Services } from '../http/services.ts';
import { messageOf } from '../../observe/index.ts';
import type { ExecOptions, ProcessStreams } from '../node-access.ts';
import { channelProtocols, serveProcess } from './channel-stream.ts';
import { containerOf, findReachablePod } from './pod-target.ts';
import { notImplemented } from './not-implemented.ts';

let webSocketServer: WebSocketServer | undefined;

/** Answers an upgrade request of an authenticated user. Never rejects. */
export async function serveUpgrade(services: Services, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  socket.on('error', (error) => services.logger.debug({ error: messageOf(error) }, 'upgraded connection broke'));
  try {
    const { options, run } = processFor(services, request);
    const server = await loadWebSocketServer();
    server.handleUpgrade(request, socket, head, (webSocket) => {
      void serveProcess(webSocket, options, run);
    });
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

interface RequestedProcess {
  readonly options: ExecOptions;
  readonly run: (streams: ProcessStreams) => Promise<number>;
}

function processFor(services: Services, request: IncomingMessage): RequestedProcess {
  const url = new URL(request.url ?? '/', 'https://server');
  const path = parseResourcePath(url.pathname);
  if (path === undefined || path.plural !== 'pods' || path.group !== '' || path.version !== 'v1') throw unknownPath();
  const { namespace, name, subresource } = path;
  if (subresource === 'portforward') throw notImplemented('port-forward is not implemented by this API server yet');
  if (subresource !== 'exec' && subresource !== 'attach') throw unknownPath();
  if (request.method !== 'GET' && request.method !== 'POST') {
    throw methodNotAllowed({ group: '', plural: `pods/${subresource}` }, (request.method ?? '').toLowerCase());
  }
  const { pod, target, nodeAccess } = findReachablePod(services, namespace, name);
  const query = url.searchParams;
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
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
    throw badRequest(
      `unable to upgrade: ${request.headers.upgrade ?? ''} is not spoken here, only WebSocket (kubectl 1.30 and later)`,
    );
  }
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((text) => text.trim());
  if (!channelProtocols.some((protocol) => offered.includes(protocol))) {
    throw badRequest(
      `unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${channelProtocols.join(' ')}]`,
    );
  }
  const run = (streams: ProcessStreams): Promise<number> =>
    subresource === 'exec' ? nodeAccess.exec(target, options, streams) : nodeAccess.attach(target, options, streams);
  return { options, run };
}

async function loadWebSocketServer(): Promise<WebSocketServer> {
  const { WebSocketServer } = await import('ws');
  webSocketServer ??= new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => channelProtocols.find((protocol) => offered.has(protocol)) ?? false,
  });
  return webSocketServer;
}
