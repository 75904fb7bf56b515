/** The echo server of a container without a command: TCP and UDP on every port, HTTP where HTTP is spoken. */
import { createServer as createHttpServer } from 'node:http';
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Socket as UdpSocket } from 'node:dgram';
import type { Logger } from '../observe/index.ts';
import { messageOf } from '../observe/index.ts';
import type { EchoIdentity } from './echo-answers.ts';
import { answerDatagram, answerHttp, identityLine, looksLikeHttp, plainAddress } from './echo-answers.ts';
import type { PodNetwork } from './runtime.ts';

export interface EchoPort {
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
}

export interface EchoServerOptions {
  readonly identity: EchoIdentity;
  readonly network: PodNetwork;
  readonly ports: readonly EchoPort[];
  /** The wildcard address to listen on: `0.0.0.0`, or `::` for both families. */
  readonly wildcard: string;
  /** One line of the container's log. */
  readonly log: (line: string) => void;
}

/**
 * Serves until `drain` or `close`. An HTTP connection is kept open as HTTP says. Any other TCP connection is answered with
 * the identity line at its first bytes (or when the client has finished sending), then everything sent comes back.
 */
export class EchoServer {
  readonly #options: EchoServerOptions;
  readonly #logger: Logger;
  readonly #servers: Server[] = [];
  readonly #udp: UdpSocket[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #http: HttpServer;
  #isDraining = false;

  constructor(options: EchoServerOptions, { logger }: { readonly logger: Logger }) {
    this.#options = options;
    this.#logger = logger;
    this.#http = createHttpServer((request, response) => this.#answer(request, response));
    this.#http.keepAliveTimeout = 60_000;
  }

  /** Opens every port. Rejects, with nothing left open, when one cannot be had. */
  async start(): Promise<void> {
    const { network, ports, wildcard } = this.#options;
    try {
      for (const { port, protocol } of ports) {
        if (protocol === 'TCP') {
          const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
          this.#servers.push(server);
          await network.listenTcp(server, { address: wildcard, port });
        } else {
          this.#serveUdp(await network.openUdp({ address: wildcard, port }), port);
        }
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  get connectionCount(): number {
    return this.#sockets.size;
  }

  /** Goes on accepting for `acceptMs`, then lets established connections finish; resolves when none is left. */
  async drain(acceptMs: number, signal: AbortSignal): Promise<void> {
    this.#isDraining = true;
    await until(signal, acceptMs);
    for (const server of this.#servers.splice(0)) server.close();
    this.#http.closeIdleConnections();
    const idle = [...this.#sockets].filter((socket) => httpIdle.has(socket));
    for (const socket of idle) socket.destroySoon();
    while (this.#sockets.size > 0 && !signal.aborted) {
      const [socket] = this.#sockets;
      await new Promise<void>((resolve) => {
        socket?.once('close', () => resolve());
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    this.close();
  }

  /** Ends everything at once. */
  close(): void {
    for (const server of this.#servers.splice(0)) if (server.listening) server.close();
    for (const socket of this.#udp.splice(0)) socket.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#http.close();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', (error) => this.#logger.debug({ error: messageOf(error) }, 'echo connection broke'));
    const client = { address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 };
    let start: Buffer = Buffer.alloc(0);
    const onEnd = (): void => {
      socket.end(Buffer.concat([Buffer.from(identityLine(this.#options.identity, client)), start]));
    };
    const onData = (chunk: Buffer): void => {
      start = Buffer.concat([start, chunk]);
      const guess = looksLikeHttp(start.subarray(0, 16).toString('latin1'));
      if (guess === 'maybe') return;
      socket.off('data', onData);
      socket.off('end', onEnd);
      if (guess === 'yes') {
        socket.pause();
        this.#http.emit('connection', socket);
        socket.unshift(start);
        socket.resume();
        return;
      }
      this.#log('TCP', client.address, client.port);
      socket.write(Buffer.concat([Buffer.from(identityLine(this.#options.identity, client)), start]));
      socket.pipe(socket);
    };
    socket.on('data', onData);
    socket.once('end', onEnd);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    httpIdle.delete(socket);
    request.resume();
    const reply = answerHttp(this.#options.identity, {
      method: request.method ?? 'GET',
      target: request.url ?? '/',
      accept: request.headers.accept ?? '',
      host: request.headers.host ?? '',
      client: { address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 },
      localPort: socket.localPort ?? 0,
    });
    const body = Buffer.from(reply.body);
    this.#log(`${request.method ?? 'GET'} ${request.url ?? '/'} ${reply.status}`, socket.remoteAddress, socket.remotePort);
    response.writeHead(reply.status, {
      'content-type': reply.contentType,
      'content-length': body.length,
      'x-pod': this.#options.identity.pod,
      ...reply.headers,
      ...(this.#isDraining ? { connection: 'close' } : {}),
    });
    response.end(body, () => httpIdle.add(socket));
  }

  #log(what: string, address: string | undefined, port: number | undefined): void {
    this.#options.log(`${what} from ${plainAddress(address ?? '')} port ${port ?? 0}`);
  }

  #serveUdp(socket: UdpSocket, port: number): void {
    this.#udp.push(socket);
    socket.on('error', (error) => this.#logger.debug({ port, error: messageOf(error) }, 'echo datagram socket broke'));
    socket.on('message', (message, remote) => {
      const client = { address: plainAddress(remote.address), port: remote.port };
      this.#log('UDP', client.address, client.port);
      socket.send(answerDatagram(this.#options.identity, message.toString(), client), remote.port, remote.address, (error) => {
        if (error !== null) this.#logger.debug({ port, error: messageOf(error) }, 'echo datagram not sent');
      });
    });
  }
}

/** HTTP connections that wait for their next request. */
const httpIdle = new WeakSet<object>();

async function until(signal: AbortSignal, ms: number): Promise<void> {
  if (signal.aborted || ms <= 0) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });
}
