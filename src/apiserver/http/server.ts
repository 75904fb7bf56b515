/** The HTTPS server: listeners, credentials, errors to Statuses, and an orderly end. */
import { setMaxListeners } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { createServer as createNetServer, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { StatusError } from '../../api/index.ts';
import { badRequest, internalError, isStatusError, unauthorized } from '../../api/index.ts';
import type { Logger } from '../../observe/index.ts';
import { CodedError, messageOf, hasCode } from '../../observe/index.ts';
import type { Authenticator } from '../security/authenticate.ts';
import type { KeyPair } from '../security/certificates.ts';
import { refuse, serveUpgrade } from '../subresources/upgrades.ts';
import type { Exchange } from './exchange.ts';
import { sendAnswer, statusAnswer } from './exchange.ts';
import { RequestMetrics, resourceLabel } from './metrics.ts';
import { route, routePublic } from './route.ts';
import type { Services } from './services.ts';

export interface HttpServerOptions {
  readonly server: KeyPair;
  readonly caPem: string;
  readonly services: Services;
  readonly authenticate: Authenticator;
}

/** No free port, or the address is not this machine's. */
export class ListenError extends CodedError<{
  readonly code: 'ADDRESS_IN_USE' | 'CANNOT_LISTEN';
  readonly host: string;
  readonly port: number;
}> {}

/** How many ports after the wanted one are tried. */
const portAttempts = 100;

/** One server on any number of listeners. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #logger: Logger;
  readonly #server: Server;
  readonly #extraListeners: NetServer[] = [];
  readonly #closing = new AbortController();
  readonly #metrics = new RequestMetrics();
  readonly #upgraded = new Set<Duplex>();

  constructor(options: HttpServerOptions, { logger }: { readonly logger: Logger }) {
    this.#options = options;
    this.#logger = logger;
    const { server, caPem } = options;
    this.#server = createServer({
      cert: server.certificatePem,
      key: server.keyPem,
      ca: caPem,
      // Certificates are welcome and not needed: tokens do as well.
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      // Long enough that clients close idle connections first; a request on one that is just being closed would fail.
      keepAliveTimeout: 180_000,
      // Bodies may come slowly, watches last: only the header has to come soon.
      requestTimeout: 0,
      headersTimeout: 30_000,
    });
    const listener: RequestListener = (request, response) => void this.#serve(request, response);
    this.#server.on('request', listener);
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.on('tlsClientError', (error) => this.#logger.debug({ error: messageOf(error) }, 'TLS handshake failed'));
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      this.#logger.debug({ error: messageOf(error) }, 'bad request');
      const line = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
      if (socket.writable) socket.write(`HTTP/1.1 ${line}\r\nconnection: close\r\n\r\n`);
      // Whoever speaks no HTTP need not be waited for to hang up.
      if (socket instanceof Socket) socket.destroySoon();
      else socket.destroy();
    });
    // Watches of many informers may share one connection's signal.
    setMaxListeners(0, this.#closing.signal);
  }

  /** Listens on the port or, when it is taken, on the next free one; port 0 takes any. Returns the port. */
  async listen(host: string, port: number): Promise<number> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await listening(this.#server, () => this.#server.listen({ host, port: port === 0 ? 0 : port + attempt, backlog: 1024 }));
        return (this.#server.address() as AddressInfo).port;
      } catch (error) {
        const isTaken = hasCode(error, 'EADDRINUSE');
        if (isTaken && port !== 0 && attempt < portAttempts && port + attempt < 65_535) continue;
        const text = isTaken ? `ports ${port} to ${port + attempt} of ${host} are all taken` : messageOf(error);
        const code = isTaken ? 'ADDRESS_IN_USE' : 'CANNOT_LISTEN';
        throw new ListenError(`cannot listen for the API: ${text}`, { code, host, port }, { cause: error });
      }
    }
  }

  /** Serves the connections of a socket that is listening already, wherever it was made. */
  async listenOn(fd: number): Promise<void> {
    const listener = createNetServer({ noDelay: true }, (socket) => this.#server.emit('connection', socket));
    await listening(listener, () => listener.listen({ fd }));
    this.#extraListeners.push(listener);
  }

  /** Ends streams, then connections. */
  async close(): Promise<void> {
    this.#closing.abort();
    const closed = [this.#server, ...this.#extraListeners].map(
      (server) => new Promise<void>((resolve) => void (server.listening ? server.close(() => resolve()) : resolve())),
    );
    for (const socket of this.#upgraded) socket.destroy();
    // Streams end in a microtask; what is idle or does not end by itself is cut. Again and again: a connection that is still
    // shaking hands is not known yet.
    const cutting = setInterval(() => this.#server.closeAllConnections(), 20);
    await Promise.all(closed);
    clearInterval(cutting);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '/'] = (request.url ?? '/').split('?', 1);
    const method = request.method ?? 'GET';
    this.#metrics.started();
    const gone = new AbortController();
    const leave = (): void => gone.abort();
    this.#closing.signal.addEventListener('abort', leave);
    response.on('close', () => {
      this.#closing.signal.removeEventListener('abort', leave);
      gone.abort();
      this.#metrics.ended(method, resourceLabel(path), response.statusCode);
    });
    response.on('error', (error) => this.#logger.debug({ path, error: messageOf(error) }, 'answer broke off'));
    const exchange: Exchange = {
      request,
      response,
      method,
      path,
      query: new URLSearchParams((request.url ?? '').slice(path.length + 1)),
      user: nobody,
      warnings: new Set(),
      signal: gone.signal,
    };
    try {
      const open = routePublic(path, exchange.query);
      if (open !== undefined) return sendAnswer(exchange, open);
      const user = this.#options.authenticate(request);
      if (user === undefined) throw unauthorized();
      const answer = await route(this.#options.services, this.#metrics, { ...exchange, user });
      if (answer !== undefined) sendAnswer(exchange, answer);
    } catch (error) {
      this.#fail(exchange, error);
    }
  }

  #fail(exchange: Exchange, error: unknown): void {
    const { response, method, path, request } = exchange;
    const known = asStatusError(error);
    if (known.httpStatus === 500 && !isStatusError(error)) {
      const stack = error instanceof Error ? error.stack : String(error);
      this.#logger.error({ method, path, stack }, 'a request failed for a reason of our own');
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // The rest of a body that was not read would be taken for the next request.
    if (!request.complete) response.setHeader('connection', 'close');
    sendAnswer(exchange, statusAnswer(known.httpStatus, known.status));
    request.resume();
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#upgraded.add(socket);
    socket.on('close', () => this.#upgraded.delete(socket));
    // Of those that are refused as well: Node gives the socket up with an upgrade.
    socket.on('error', (error) => this.#logger.debug({ error: messageOf(error) }, 'upgraded connection broke'));
    if (this.#options.authenticate(request) === undefined) {
      refuse(socket, unauthorized());
      return;
    }
    void serveUpgrade(this.#options.services, request, socket, head);
  }
}

function asStatusError(error: unknown): StatusError {
  if (isStatusError(error)) return error;
  // Recursion over a body is as deep as the body.
  if (error instanceof RangeError && /call stack/.test(error.message))
    return badRequest('the body of the request is nested too deeply');
  return internalError(messageOf(error), { cause: error });
}

const nobody = { name: 'system:anonymous', groups: [] } as const;

function listening(server: NetServer, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    start();
  });
}
