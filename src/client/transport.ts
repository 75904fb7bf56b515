/** HTTP/1.1 to one API server: kept-alive connections for requests, one connection of its own for each watch. */
import { readFileSync } from 'node:fs';
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { messageOf } from '../observe/index.ts';
import type { ClientConfig } from './kubeconfig.ts';
import { ConnectionError } from './errors.ts';

// An `import` of node:http reads all that it exports, and so loads Node's WebSocket and fetch: 8 MB that no one here needs.
const http = process.getBuiltinModule('node:http');
const https = process.getBuiltinModule('node:https');

export interface TransportRequest {
  readonly method: string;
  /** Path and query below the server's base URL. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Longest silence before the answer's headers, and (for `fetch`) within its body; milliseconds. */
  readonly timeoutMs: number;
}

/** An answer whose body has been read whole. Header names are lower case. */
export interface TransportResponse {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** An answer whose body is still coming. Destroy `body` to hang up. */
export interface TransportStream {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: IncomingMessage;
}

/** How often the kernel asks a silent peer whether it still lives; a half-open connection dies within about 30 s of the first probe. */
const keepAliveProbeMs = 15_000;
/** Idle request connections are closed before a server's own limit would surprise us mid-request. */
const idleSocketMs = 30_000;
const tokenMaxAgeMs = 60_000;

/** The connections to one API server. `close` hangs up on everything. */
export class Transport {
  readonly #config: ClientConfig;
  readonly #base: URL;
  readonly #userAgent: string;
  readonly #agent: Agent;
  readonly #streamAgent: Agent;
  #token: { readonly text: string; readonly readAt: number } | undefined;

  constructor(config: ClientConfig, options: { readonly userAgent: string }) {
    this.#config = config;
    this.#base = new URL(config.server);
    this.#userAgent = options.userAgent;
    this.#agent = this.#createAgent({ keepAlive: true, maxSockets: 64, timeout: idleSocketMs });
    this.#streamAgent = this.#createAgent({ keepAlive: false });
  }

  /** Sends a request and reads the whole answer. Throws `ConnectionError`. */
  async fetch(request: TransportRequest): Promise<TransportResponse> {
    // A server may close an idle connection at the very moment we send on it. Reads are safe to send again.
    const response = await this.#open(request, this.#agent).catch((error: unknown) => {
      if (request.method === 'GET' && isStaleSocket(error)) return this.#open(request, this.#agent);
      throw error;
    });
    const chunks: Buffer[] = [];
    const silence = setTimeout(() => response.body.destroy(this.#timeoutError(request)), request.timeoutMs);
    try {
      for await (const chunk of response.body) {
        chunks.push(chunk as Buffer);
        silence.refresh();
      }
    } catch (error) {
      throw this.#wrap(error, request);
    } finally {
      clearTimeout(silence);
    }
    return { status: response.status, headers: response.headers, body: Buffer.concat(chunks) };
  }

  /** Sends a request on a connection of its own and resolves with the answer's headers. Throws `ConnectionError`. */
  stream(request: TransportRequest): Promise<TransportStream> {
    return this.#open(request, this.#streamAgent);
  }

  /** Turns what a broken stream threw into a `ConnectionError`. */
  wrapError(error: unknown, signal?: AbortSignal): ConnectionError {
    return this.#wrap(error, { signal });
  }

  close(): void {
    this.#agent.destroy();
    this.#streamAgent.destroy();
  }

  #open(request: TransportRequest, agent: Agent): Promise<TransportStream> {
    if (request.signal?.aborted === true) return Promise.reject(this.#wrap(undefined, request));
    const { promise, resolve, reject } = Promise.withResolvers<TransportStream>();
    const send = this.#base.protocol === 'http:' ? http.request : https.request;
    let outgoing: ClientRequest;
    try {
      outgoing = send({
        protocol: this.#base.protocol,
        hostname: this.#base.hostname.replace(/^\[|\]$/g, ''),
        port: this.#base.port,
        path: this.#base.pathname.replace(/\/$/, '') + request.path,
        method: request.method,
        agent,
        signal: request.signal,
        headers: this.#headersOf(request),
      });
    } catch (error) {
      return Promise.reject(this.#wrap(error, request));
    }
    const silence = setTimeout(() => outgoing.destroy(this.#timeoutError(request)), request.timeoutMs);
    outgoing.once('response', (body) => {
      clearTimeout(silence);
      resolve({ status: body.statusCode ?? 0, headers: body.headers, body });
    });
    outgoing.once('error', (error) => {
      clearTimeout(silence);
      reject(Object.assign(this.#wrap(error, request), { isReusedSocket: outgoing.reusedSocket }));
    });
    // Without it, a peer that vanished without a word would leave a watch open for ever.
    outgoing.setSocketKeepAlive(true, keepAliveProbeMs);
    outgoing.end(request.body);
    return promise;
  }

  #headersOf(request: TransportRequest): Record<string, string> {
    const headers: Record<string, string> = { 'user-agent': this.#userAgent, ...request.headers };
    if (request.body !== undefined) headers['content-length'] = String(Buffer.byteLength(request.body));
    const token = this.#currentToken();
    const basic = this.#config.basic;
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    else if (basic !== undefined)
      headers['authorization'] = `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}`;
    return headers;
  }

  #currentToken(): string | undefined {
    const path = this.#config.tokenFile;
    if (path === undefined) return this.#config.token;
    const now = performance.now();
    if (this.#token === undefined || now - this.#token.readAt > tokenMaxAgeMs)
      this.#token = { text: readFileSync(path, 'utf8').trim(), readAt: now };
    return this.#token.text;
  }

  #createAgent(options: { keepAlive: boolean; maxSockets?: number; timeout?: number }): Agent {
    if (this.#base.protocol === 'http:') return new http.Agent(options);
    const { caData, clientCert, clientKey, insecure, tlsServerName } = this.#config;
    const host = this.#base.hostname.replace(/^\[|\]$/g, '');
    return new https.Agent({
      ...options,
      ca: caData,
      cert: clientCert,
      key: clientKey,
      rejectUnauthorized: insecure !== true,
      // An empty name turns SNI off, as RFC 6066 wants for addresses; a name from the kubeconfig is also the one verified.
      servername: tlsServerName ?? (isIP(host) === 0 ? host : ''),
    });
  }

  #timeoutError(request: TransportRequest): ConnectionError {
    const { server } = this.#config;
    const { timeoutMs } = request;
    return new ConnectionError(`${server}: no answer within ${timeoutMs / 1000} s`, { code: 'timeout', server, timeoutMs });
  }

  #wrap(error: unknown, request: Pick<TransportRequest, 'signal'>): ConnectionError {
    if (error instanceof ConnectionError) return error;
    const { server } = this.#config;
    if (request.signal?.aborted === true)
      return new ConnectionError(`${server}: request aborted`, { code: 'aborted', server }, { cause: error });
    const errno = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN';
    const code = /CERT|SSL|TLS|ALTNAME|SELF_SIGNED|VERIFY/.test(errno) ? 'tls' : 'unreachable';
    return new ConnectionError(`${server}: ${messageOf(error)}`, { code, server, errno }, { cause: error });
  }
}

function isStaleSocket(error: unknown): boolean {
  return (
    error instanceof ConnectionError &&
    (error as { readonly isReusedSocket?: boolean }).isReusedSocket === true &&
    error.facts.code === 'unreachable' &&
    (error.facts.errno === 'ECONNRESET' || error.facts.errno === 'EPIPE')
  );
}
