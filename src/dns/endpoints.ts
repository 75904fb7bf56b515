/** The HTTP side of a name server: `/health`, `/ready`, `/metrics`, on one port or on CoreDNS's three. */
import type { Server } from 'node:http';
import type { Logger } from '../observe/index.ts';
import { limitHttp, messageOf } from '../observe/index.ts';

// Not imported: node:http would bring Node's WebSocket and fetch with it, which cost 8 MB.
const http = process.getBuiltinModule('node:http');

/** What a path answers. */
export interface EndpointAnswer {
  readonly status: number;
  readonly contentType?: string;
  readonly body: string;
}

export interface EndpointsOptions {
  readonly listen: { readonly fd: number } | { readonly address: string; readonly port: number; readonly isShared?: boolean };
  /** By path. Called for each request. */
  readonly paths: Readonly<Record<string, () => EndpointAnswer>>;
}

/** A running HTTP listener. */
export interface Endpoints {
  readonly address: { readonly address: string; readonly port: number };
  close(): Promise<void>;
}

/** Starts answering. Rejects with the system's error when the address cannot be bound. */
export async function startEndpoints(options: EndpointsOptions, { logger }: { readonly logger: Logger }): Promise<Endpoints> {
  const answerOf = (path: string): EndpointAnswer => {
    try {
      return (Object.hasOwn(options.paths, path) ? options.paths[path]?.() : undefined) ?? { status: 404, body: 'not found\n' };
    } catch (error) {
      logger.warn({ path, problem: messageOf(error) }, 'answering failed');
      return { status: 500, body: 'failed, see the log\n' };
    }
  };
  const server: Server = http.createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const answer = answerOf(path);
    response.writeHead(answer.status, { 'content-type': answer.contentType ?? 'text/plain; charset=utf-8' });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  });
  limitHttp(server);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  if ('fd' in options.listen) server.listen({ fd: options.listen.fd }, resolve);
  else {
    const { address, port, isShared = false } = options.listen;
    // every address: Node takes IPv4 alone where the kernel has no IPv6
    const host = address === '::' ? {} : { host: address };
    server.listen({ ...host, port, reusePort: isShared }, resolve);
  }
  await promise;
  server.off('error', reject);
  server.on('error', (error) => logger.warn({ err: error }, 'http listener failed'));
  const bound = server.address();
  return {
    address:
      bound === null || typeof bound === 'string' ? { address: '', port: 0 } : { address: bound.address, port: bound.port },
    async close() {
      const { promise: closed, resolve: done } = Promise.withResolvers<void>();
      server.close(() => done());
      server.closeAllConnections();
      await closed;
    },
  };
}

/** `/health`: the process answers; says nothing of the data. */
export function healthAnswer(): EndpointAnswer {
  return { status: 200, body: 'OK' };
}

/** Asks for `/health` every second, as whoever watches us does, and tells how long it took; undefined: no answer. Returns a function that stops it. */
export function watchOwnHealth(
  at: { readonly address: string; readonly port: number },
  tell: (seconds: number | undefined) => void,
): () => void {
  // every address, of IPv6 too, is also that of IPv4's loopback
  const host = at.address === '::' || at.address === '0.0.0.0' ? '127.0.0.1' : at.address;
  const timer = setInterval(() => {
    const startedMs = performance.now();
    const request = http.get({ host, port: at.port, path: '/health', timeout: 5_000, agent: false }, (response) => {
      response.resume();
      response.on('end', () => tell(response.statusCode === 200 ? (performance.now() - startedMs) / 1000 : undefined));
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', () => tell(undefined));
  }, 1_000);
  timer.unref();
  return () => clearInterval(timer);
}

/** `/ready`: 200 once the names are known and until a stop begins; before that 503 with the name of what is missing, as CoreDNS. */
export function readyAnswer(state: { readonly isReady: boolean; readonly isStopping: boolean }): EndpointAnswer {
  if (state.isStopping) return { status: 503, body: 'stopping' };
  return state.isReady ? { status: 200, body: 'OK' } : { status: 503, body: 'kubernetes' };
}

/** `/metrics`. */
export function metricsAnswer(text: string): EndpointAnswer {
  return { status: 200, contentType: 'text/plain; version=0.0.4; charset=utf-8', body: text };
}
